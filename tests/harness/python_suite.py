# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Tests of Python's own suite on the Linux server and on the development host, in the same root of Debian, as the
same user and as the first process; what became of each test is compared.

tests/linux/python/observe.py runs there.  A name is a module, a class or a test, without "test." in front.
"""
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Iterable, Sequence

import port
from pithlib import linux, roots

from .linux import FOLDER, on_pith

PACKAGES = ["libpython3.11-testsuite", "python3"]
OBSERVE = FOLDER / "python/observe.py"
KNOWN = FOLDER / "python-differences.txt"
MEMORY = 1024
PATIENCE_HOST = 60   # seconds that a test may take
PATIENCE_PITH = 600  # the same, on an emulated processor that is shared: one compiles all modules of the suite

SQLITE = "python-sqlite-tests"  # a port: the tests that Debian's packages leave out
SQLITE_PLACE = "usr/lib/python3.11/test/test_sqlite3"

# Standard input brings what the packages lack.
START = 'cd / && tar xf - && exec python3 /observe.py "$@" </dev/null'

# In namespaces of its own, of which observe.py is to be the first process; $1 is the archive, $2 a place for it, with
# about the room that there is on Pith.
CHROOT = """mount -t tmpfs -o mode=755,size=900m none "$2" && cd "$2" && busybox cpio -id <"$1" 2>/dev/null &&
mount -t proc none proc && mount -t devpts -o newinstance,ptmxmode=0666,gid=5,mode=620 none dev/pts && shift 2 &&
hostname pith && exec chroot . "$@" """


def names_of(file: str) -> list:
    """Of tests/linux/python/FILE: a name in each line, and what begins with #."""
    lines = (FOLDER / "python" / file).read_text().splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def known_differences() -> dict:
    """Name of a test: why its result is not that of Linux."""
    lines = KNOWN.read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def of_sqlite(name: str) -> bool:
    return is_of(name, SQLITE_PLACE.rpartition("/")[2])


def command_of(names: Sequence[str], seconds: int) -> list:
    return ["/bin/sh", "-c", START, "sh", str(seconds), *names]


def given(names: Sequence[str]) -> bytes:
    """observe.py and, where they are asked for, the tests that are not in the packages, as an archive: on Pith it comes
    by the serial line, 17 KB a second."""
    files = sorted(port.provide(SQLITE).glob("*.py")) if any(map(of_sqlite, names)) else []
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(OBSERVE, "observe.py")
        for file in files:
            archive.add(file, f"{SQLITE_PLACE}/{file.name}")
    return out.getvalue()


def with_end(said: str, system: str, end: str, errors: str) -> str:
    """What observe.py printed, and as a last result that it had no good end."""
    begun = [line for line in said.splitlines() if line.startswith("=== ")] or ["=== its beginning"]
    return f"{said}\n{system} at {begun[-1][4:]}: {end}\n| {errors[-2000:]!r}\n"


def said_on_pith(names: Sequence[str], timeout: float) -> str:
    """What observe.py printed, with_end where that is not a good one."""
    done = on_pith(command_of(names, PATIENCE_PITH), given=given(names), timeout=timeout, packages=PACKAGES,
                   memory=MEMORY)
    if done.ended and done.status == 0:
        return done.output
    return with_end(done.output, "Pith", f"status {done.status}", done.errors)


def said_on_linux(names: Sequence[str], timeout: float = 1200) -> str:
    """The same on the host; the caller is root, and may have SIGINT ignored, as in the background of a shell."""
    environment = linux.environment_of(linux.Guest([]))
    environment.pop("TERM", None)
    with tempfile.TemporaryDirectory() as place:
        command = ["env", "--default-signal", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc",
                   "sh", "-c", CHROOT, "sh", str(roots.of_packages(PACKAGES)), place, *command_of(names, PATIENCE_HOST)]
        try:
            done = subprocess.run(command, input=given(names), env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=timeout, check=False)
            end = f"status {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired as late:
            done, end = late, "has no end"
    said, errors = ((text or b"").decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
    return with_end(said, "Linux", end, errors) if end else said


def results_of(said: str) -> dict:
    """Test: (its result, what it said about it)."""
    found, lines = {}, []
    for line in said.splitlines():
        name, _, result = line.rpartition(": ")
        if line.startswith("| "):
            lines.append(line[2:])
        elif name and not line.startswith("="):
            lines = []
            found[name] = result, lines
    return found


def differing(here: dict, there: dict) -> dict:
    """Test: lines about it, of those of which Pith (here) and Linux (there) make something else."""
    nothing = "no result", []
    found = {}
    for name in {**there, **here}:
        got, wanted = here.get(name, nothing), there.get(name, nothing)
        if got[0] != wanted[0]:
            about = (wanted if got[0] == "ok" else got)[1][-12:]
            found[name] = [f"{name}: Linux: {wanted[0]}, Pith: {got[0]}", *(f"    {line}" for line in about)]
    return found


def judge(found: dict, seen: Iterable[str], known: dict) -> list:
    """What is to be said: lines about differences that are not known, and about known ones that are none any
    more, of those among the tests in `seen`."""
    lines = [line for name, about in found.items() if name not in known for line in about]
    gone = [name for name in seen if name in known and name not in found]
    return [*lines, *(f"{name}: is as on Linux now: take it out of {KNOWN.name}" for name in gone)]


def is_of(test: str, name: str) -> bool:
    """Whether a test, or the setting up of a class or module, is of what a name names."""
    whole = test.partition("(")[2].rstrip(")") or test
    return whole == name or whole.startswith(f"{name}.")
