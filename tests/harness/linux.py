# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The programs of tests/linux, and what two systems make of one of them.

A runner is what executes a command somewhere: it takes the command, a list whose first element is the name
of a program, and returns what it wrote to standard output and its exit status (128 + N for signal N).
"""
import difflib
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Sequence

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
