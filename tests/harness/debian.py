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

from .linux import MARK, Done, on_pith, split

SCRIPTS = Path(__file__).resolve().parents[1] / "linux/scripts"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/sh",
               "LANG": "C", "LC_ALL": "C"}

# Bodies of shells whose root is theirs already: $1 is that root, the rest a command there.
ENTER = """mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
root=$1; shift; exec chroot "$root" "$@" """
EACH = """mkdir /tmp/scripts && cd /tmp/scripts && tar xf - || exit 1
while [ $# -gt 0 ]; do
    echo "{mark}$1"
    (cd / && $1 </dev/null 2>&1)
    echo "{mark}$?"
    shift
done"""


def scripts_archive() -> bytes:
    """What the shell of EACH unpacks from its standard input."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(SCRIPTS.iterdir()):
            archive.add(path, path.name)
    return data.getvalue()


@contextlib.contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The archive's files, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="pith-root-") as place, archive.open("rb") as file:
        subprocess.run(["busybox", "cpio", "-idmu"], cwd=place, stdin=file, check=True, capture_output=True)
        yield Path(place)


def entering(root: Path, command: Sequence[str]) -> list:
    """The command that runs a command in a root of the host's."""
    return ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", ENTER, "sh",
            str(root), *command]


def commands(lines: Sequence[str]) -> list:
    """The shell that runs lines such as "dash shell.sh" one after the other."""
    words = [" ".join([*line.split()[:-1], f"/tmp/scripts/{line.split()[-1]}"]) for line in lines]
    return ["/bin/sh", "-c", EACH.format(mark=MARK), "sh", *words]


def on_linux(archive: Path, lines: Sequence[str], timeout: float = 120) -> dict:
    """Line: (what it printed, its status)."""
    with unpacked(archive) as root:
        done = subprocess.run(entering(root, commands(lines)), input=scripts_archive(), env=ENVIRONMENT, timeout=timeout,
                              start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return by_line(lines, done.stdout.decode(errors="backslashreplace"))


def on_pith_root(archive: Path, lines: Sequence[str], timeout: float, **guest) -> "tuple[dict, Done]":
    """The same, and what became of the machine."""
    done = on_pith(commands(lines), given=scripts_archive(), timeout=timeout, root=archive, environment=ENVIRONMENT, **guest)
    return by_line(lines, done.output), done


def by_line(lines: Sequence[str], output: str) -> dict:
    """Of those that came to their end."""
    return dict(zip(lines, split(output).values()))


def assert_alike(packages: Sequence[str], lines: Sequence[str], timeout: float = 300, **guest) -> None:
    """Runs scripts on both, each on one machine; they print the same and have the same statuses."""
    archive = roots.of_packages(list(packages))
    wanted = on_linux(archive, lines)
    found, done = on_pith_root(archive, lines, timeout, **{"memory": 1024, **guest})
    assert list(wanted) == list(lines), wanted
    for line in lines:
        got = found.get(line, (done.errors[-2000:], done.status))
        assert not (different := difference(wanted[line], got)), f"{line}:\n{different}"


def difference(wanted: tuple, got: tuple) -> str:
    """Of two pairs of output and status."""
    before, after = ([*said.splitlines(), f"exit status {status}"] for said, status in (wanted, got))
    return "\n".join(difflib.unified_diff(before, after, "Linux", "Pith", lineterm="", n=1))
