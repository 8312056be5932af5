# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the commands share: the tree, errors, progress lines, running programs with a log.

Every command reports a refusal by raising Failure; cli.main turns it into one line on stderr.
"""
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
TAIL_LINES = 40


class Failure(Exception):
    """A reason to stop, worded for the user."""

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


def usage(message: str) -> Failure:
    """A failure that is the command line's fault."""
    return Failure(message, status=2)


def say(text: str) -> None:
    print(text, flush=True)


def tail(text: str, count: int = TAIL_LINES) -> str:
    return "\n".join(text.splitlines()[-count:])


class Step:
    """One line of progress with its duration; `with Step("building release"): ...`."""

    def __init__(self, name: str):
        self.name = name
        self.note = ""

    def __enter__(self) -> "Step":
        self.start = time.monotonic()
        end = "\r" if sys.stdout.isatty() else "\n"
        print(f"  ..  {self.name}", end=end, flush=True)
        return self

    def __exit__(self, kind, value, trace) -> None:
        mark = "FAIL" if kind or self.note.startswith("FAIL") else " ok "
        note = f"  {self.note}" if self.note else ""
        seconds = time.monotonic() - self.start
        print(f" {mark} {self.name:<44} {seconds:7.1f} s{note}", flush=True)


def end_group(process: subprocess.Popen) -> None:
    """End a process that still runs and all that it started: it leads a group of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run_logged(command: list, log: Path, *, cwd: Path = TREE, env: dict = None,
               timeout: float = None) -> int:
    """Run a command with its output in a file; return its status, 124 where it took too long."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        out.write("$ " + shlex.join(map(str, command)) + "\n")
        out.flush()
        try:
            process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=subprocess.STDOUT,
                                       start_new_session=True)
        except FileNotFoundError:
            raise Failure(f"{command[0]}: not found; run './pith setup'") from None
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            end_group(process)
            out.write(f"\nstopped after {timeout} s\n")
            return 124
        except BaseException:
            end_group(process)
            raise


def must_run(command: list, log: Path, what: str, **options) -> None:
    """Like run_logged, but a failure ends the command with the log's tail."""
    if run_logged(command, log, **options) != 0:
        text = log.read_text(errors="replace")
        at = text.find("\nFAILED: ")  # Ninja's first; others follow from it or are cut off
        shown = "\n".join(text[at + 1:].splitlines()[:TAIL_LINES]) if at >= 0 else tail(text)
        raise Failure(f"{what} failed:\n{shown}\nfull log: {log}")


def environment(**extra: str) -> dict:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **extra}
