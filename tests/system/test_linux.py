# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Unmodified Linux programs as guests: each command does what it does under Linux.

What runs is listed in linux/commands.def, for the root task (linux/main.c) and for this test, which runs
the same on the development host and compares output and exit status.
"""
import ast
import re
import subprocess
from pathlib import Path

from harness import boot, build_directory

FOLDER = Path(__file__).resolve().parent / "linux"
MAX_LINES = 1000
ENVIRONMENT = {"PATH": "/bin", "PWD": "/"}


def commands() -> list:
    """(exit status, arguments) of each COMMAND(status, "argument", ...)."""
    found = []
    for line in (FOLDER / "commands.def").read_text().splitlines():
        match = re.fullmatch(r"COMMAND\((\d+), (.*)\)", line)
        if match:
            found.append((int(match[1]), list(ast.literal_eval(f"[{match[2]}]"))))
    return found


def on_host(arguments: list) -> str:
    """What Linux makes of a command, with its exit status as the root task prints it."""
    places = {"busybox": Path("/bin/busybox"),
              "sigvec": build_directory() / "tests/system/linux/sigvec"}
    done = subprocess.run(arguments, executable=places[arguments[0]], env=ENVIRONMENT, cwd="/",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return f"{done.stdout.decode()}exit status {status}\n"


def test_programs_behave_as_under_linux(artefacts, pith_build):
    wanted = "".join(on_host(arguments) for _, arguments in commands())
    result = boot("guests", artefacts, timeout=120)
    assert result.lines == wanted.splitlines(), result.explain()
    assert result.status == 0, result.explain()


def test_statuses_are_those_of_linux(pith_build):
    for status, arguments in commands():
        assert on_host(arguments).endswith(f"exit status {status}\n"), arguments


def test_handler_is_small(tree):
    files = [p for p in FOLDER.iterdir()
             if p.suffix in (".c", ".h", ".def") and p.name not in ("sigvec.c", "commands.def")]
    assert sum(len(p.read_text().splitlines()) for p in files) < MAX_LINES
