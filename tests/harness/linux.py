# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The programs of tests/linux, and what two systems make of one of them.

A runner is what executes a command somewhere: it takes the command, a list whose first element is the name
of a program, and returns what it wrote to standard output and its exit status (128 + N for signal N).
"""
import difflib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, NamedTuple, Sequence

import rootfs
from pithlib import roots
from pithlib.ui import TREE

from .machine import build_directory

Runner = Callable[[Sequence[str]], "tuple[str, int]"]

FOLDER = Path(__file__).resolve().parents[1] / "linux"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.c") if path.stem != "check")
TIMEOUT = 600


def executable(program: str) -> Path:
    return build_directory() / "tests/linux" / f"linux_{program}"


def on_linux(command: Sequence[str]) -> "tuple[str, int]":
    """The runner of the development host."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # cases give up their privileges below it
        done = subprocess.run([executable(command[0]), *command[1:]], cwd="/", env={"PATH": "/bin", "TMPDIR": place},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=TIMEOUT, check=False)
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return done.stdout.decode(errors="backslashreplace"), status


def cases(program: str, run: Runner = on_linux) -> list:
    """The names of a program's cases."""
    return run([program, "--list"])[0].split()


def differences(run: Runner, command: Sequence[str], reference: Runner = on_linux) -> list:
    """What another system makes of a command, as lines of a diff from what Linux makes of it; none if it
    is the same."""
    wanted, wanted_status = reference(command)
    got, status = run(command)
    lines = difflib.unified_diff([*wanted.splitlines(), f"exit status {wanted_status}"],
                                 [*got.splitlines(), f"exit status {status}"],
                                 "Linux", " ".join(command), lineterm="", n=0)
    return list(lines)


# ---- Pith

# A process of its own, because the terminal is its standard files.
MACHINE = """
import json, sys
words = json.loads(sys.argv[1])
sys.path.insert(0, words.pop("tools"))
from pathlib import Path
from pithlib import linux
from pithlib.ui import Failure
build = Path(words.pop("build"))
words["root"] = words["root"] and Path(words["root"])
try:
    sys.exit(linux.run(linux.Guest(**words), build))
except Failure as failure:
    print(f"NO END: {failure}", file=sys.stderr)
    sys.exit(255)
"""
LATE = 124  # the status of what had to be ended


class Done(NamedTuple):
    """What became of a command."""
    output: str
    errors: str
    status: int

    @property
    def ended(self) -> bool:
        """By itself, with a status of its own."""
        return self.status != LATE and "NO END: " not in self.errors


def text_of(file) -> str:
    file.seek(0)
    return file.read().decode(errors="backslashreplace")


def machine_command(arguments: Sequence[str], **guest) -> list:
    """The command that boots the build's Linux server for one command on its own standard files; `guest` as in
    pithlib.linux.Guest."""
    words = {"arguments": list(arguments), "memory": 256, "root": None, **guest, "tools": str(TREE / "tools"),
             "build": str(build_directory())}
    words["root"] = words["root"] and str(words["root"])
    return [sys.executable, "-c", MACHINE, json.dumps(words)]


def on_pith(arguments: Sequence[str], given: bytes = b"", timeout: float = 120, **guest) -> Done:
    """Boots the build's Linux server for one command (machine_command).  What it starts it ends."""
    timeout = min(timeout, float(os.environ.get("PITH_PATIENCE", timeout)))
    with tempfile.TemporaryFile() as put, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        put.write(given)
        put.seek(0)
        process = subprocess.Popen(machine_command(arguments, **guest), stdin=put, stdout=out,
                                   stderr=errors, start_new_session=True)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = LATE
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # its QEMU, too
                process.wait()
        return Done(text_of(out), text_of(errors), status)


def root_with(directory: Path, out: Path) -> Path:
    """An archive of the small root and, above it, of a directory."""
    return roots.write(rootfs.merge(roots.busybox_root(), rootfs.open_root(directory)), out)


MARK = "=== "
CASE_SECONDS = 20
SEVERAL_CPUS_SECONDS = 120  # a busy host runs one CPU while the other waits for a lock that this one has
LOOP = """for program in {programs}; do
    echo "{mark}$program"
    cd / && env -i PATH=/bin TMPDIR=/tmp CHECK_SECONDS={seconds} /t/$program </dev/null 2>/dev/null
    echo "{mark}$?"
done"""


def split(output: str) -> dict:
    """Program: (what it printed, its status), of those that came to their end."""
    found, name, lines = {}, None, []
    for line in output.splitlines(keepends=True):
        word = line[len(MARK):].strip()
        if not line.startswith(MARK):
            lines.append(line)
        elif word.isdigit() and name:
            found[name] = "".join(lines), int(word)
            name = None
        else:
            name, lines = word, []
    return found


def programs_on_pith(root: Path, programs: Sequence[str] = PROGRAMS, timeout: float = TIMEOUT, cpus: int = 1) -> dict:
    """Program: (what it printed, its status).  Where one takes the machine with it, it is marked so and the
    others run on another one."""
    found, left = {}, list(programs)
    while left:
        seconds = SEVERAL_CPUS_SECONDS if cpus > 1 else CASE_SECONDS
        done = on_pith(["/bin/sh", "-c", LOOP.format(programs=" ".join(left), mark=MARK, seconds=seconds)], root=root,
                       timeout=timeout, cpus=cpus)
        found.update(split(done.output))
        left = [program for program in left if program not in found]
        if left:
            found[left[0]] = f"{left[0]}/end: {done.errors[-1000:]!r}\n", done.status
            left = left[1:]
    return found


def by_case(program: str, output: str, status: int) -> dict:
    """What each case observed; the status is the program's own where no case differs."""
    found = {f"{program}/status": [str(status)]}
    for line in output.splitlines():
        name, _, rest = line.partition(": ")
        found.setdefault(name if name.startswith(f"{program}/") else f"{program}/other", []).append(rest or name)
    return found


def differing(program: str, got: tuple, wanted: tuple) -> dict:
    """Case: the lines of a diff, of the cases of which two systems make something else."""
    here, there = by_case(program, *got), by_case(program, *wanted)
    found = {name: list(difflib.unified_diff(there.get(name, []), here.get(name, []), "Linux", name, lineterm="", n=0))
             for name in {**there, **here}}
    found = {name: lines for name, lines in found.items() if lines}
    if len(found) > 1:
        found.pop(f"{program}/status", None)  # it counts what is wrong in the cases
    return found


def known_differences() -> dict:
    """Case: why it is not as on Linux (tests/linux/differences.txt)."""
    lines = (FOLDER / "differences.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))
