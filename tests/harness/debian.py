# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Scripts of tests/linux/scripts in a root of Debian packages, on Pith and on the development host.

Both have the same files: the host unpacks the archive that Pith boots from and changes its root there, in
a process namespace of its own.  What a script says to either output is one text, in its order.
"""
import contextlib
import difflib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Iterator, Sequence

from pithlib import roots

from .linux import on_pith

SCRIPTS = Path(__file__).resolve().parents[1] / "linux/scripts"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root", "LOGNAME": "root",
               "SHELL": "/bin/sh", "LANG": "C", "LC_ALL": "C"}

# Bodies of shells.  The first is in a mount namespace of its own; $1 is the root, the rest a command there.
ENTER = """mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
root=$1; shift; exec chroot "$root" "$@" """
RUN = 'mkdir /tmp/scripts && cd /tmp/scripts && tar xf - && cd / && exec "$@" </dev/null 2>&1'


def scripts_archive() -> bytes:
    """What RUN unpacks from its standard input."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(SCRIPTS.iterdir()):
            archive.add(path, path.name)
    return data.getvalue()


@contextlib.contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The archive's files, for as long as they are needed."""
    with tempfile.TemporaryDirectory(prefix="pith-root-") as place, archive.open("rb") as file:
        # Nobody but root can make its devices, and the host's are put over them.
        done = subprocess.run(["busybox", "cpio", "-idmu"], cwd=place, stdin=file, capture_output=True, text=True,
                              check=False)
        assert Path(place, "usr/bin/env").exists(), done.stderr
        yield Path(place)


def entering(root: Path, command: Sequence[str]) -> list:
    """The command that runs a command in a root of the host's."""
    return ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child",
            "sh", "-ec", ENTER, "sh", str(root), *command]


def script_command(line: str) -> list:
    """What runs "dash shell.sh" in either root, with scripts_archive() as its standard input."""
    *interpreter, script = line.split()
    return ["/bin/sh", "-c", RUN, "sh", *interpreter, f"/tmp/scripts/{script}"]


def on_linux(archive: Path, line: str, timeout: float = 120) -> "tuple[str, int]":
    """What a script printed, and its status."""
    with unpacked(archive) as root:
        done = subprocess.run(entering(root, script_command(line)), input=scripts_archive(), env=ENVIRONMENT,
                              timeout=timeout, start_new_session=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="backslashreplace"), done.returncode


def difference(wanted: tuple, got: tuple) -> str:
    """Of two pairs of output and status."""
    before, after = ([*said.splitlines(), f"exit status {status}"] for said, status in (wanted, got))
    return "\n".join(difflib.unified_diff(before, after, "Linux", "Pith", lineterm="", n=1))


def assert_alike(packages: Sequence[str], line: str, timeout: float = 300, memory: int = 1024) -> None:
    """A script prints the same on both, and has the same status."""
    archive = roots.of_packages(list(packages))
    wanted = on_linux(archive, line)
    done = on_pith(script_command(line), given=scripts_archive(), timeout=timeout, root=archive,
                   environment=ENVIRONMENT, memory=memory)
    assert not (different := difference(wanted, (done.output, done.status))), f"{different}\n{done.errors[-2000:]}"
