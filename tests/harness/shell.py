# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The monitor shell of a guest, through a terminal as a person would use it.

Owns the QEMU process that it starts and the pseudo-terminal that its serial line is on.
"""
import os
import pty
import re
import select
import subprocess
import termios
import time
import tty
from pathlib import Path
from typing import NamedTuple, Optional

from pithlib import qemu
from pithlib.ui import tail

from .machine import SHOWN_LINES, build_directory

PROMPT = "pith> "
# What the editor paints for an empty line.
READY = f"\r{PROMPT}\x1b[K\r\x1b[{len(PROMPT)}C"
# How it ends a line: the cursor behind it, then the next row.
ENTERED = re.compile("\x1b\\[[0-9]+C\r\n")
LOG_LINE = re.compile(r"^\r?\[ *\d+\.\d{6}\] |^\r?\[log: ")
PATIENCE = 30  # seconds


class Component(NamedTuple):
    """A row of `list`."""
    name: str
    state: str
    priority: int
    memory: int  # KiB
    used: int
    budget: str
    cpu: str
    time: float
    deaths: int
    generation: int
    reason: str


class Screen:
    """What a VT100 of 80 columns shows of a stream; only what the monitor and the console send."""

    SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")

    def __init__(self, text: str = ""):
        self.rows = [""]
        self.row = self.column = 0
        self.bells = 0
        self.feed(text)

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            found = self.SEQUENCE.match(text, at)
            if found:
                self._sequence(found.group(1), found.group(2))
                at = found.end()
            else:
                self._character(text[at])
                at += 1

    def _character(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif char == "\a":
            self.bells += 1
        else:
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[:self.column] + char + row[self.column + 1:]
            self.column += 1

    def _sequence(self, parameter: str, final: str) -> None:
        if final == "C":
            self.column += int(parameter or 1)
        elif final == "K":
            self.rows[self.row] = self.rows[self.row][:self.column]
        elif final == "H" and not parameter:
            self.row = self.column = 0
        elif final == "J" and parameter == "2":
            self.rows = [""] * (self.row + 1)
        else:
            raise ValueError(f"a sequence that the screen does not know: {parameter}{final}")

    @property
    def line(self) -> str:
        """The row of the cursor, without blanks at its end."""
        return self.rows[self.row].rstrip()


class Shell:
    """A guest with its serial line on a pseudo-terminal; to be used in a `with` statement.
    `options` are those of pithlib.qemu.command."""

    def __init__(self, artefacts: Path, image: str = "monitor", *, extra: list = (), **options):
        build = build_directory()
        self.log = artefacts / "terminal.log"
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.ONLCR  # QEMU turns on what else is done to output
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        command = qemu.command(build / "boot" / "loader", build / f"{image}.img",
                               extra=[*extra, "-display", "none", "-monitor", "none",
                                      "-chardev", "stdio,id=line,signal=off",
                                      "-serial", "chardev:line"], **options)
        self.errors = (artefacts / "terminal.qemu").open("w+")
        self.machine = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=self.errors)
        os.close(slave)
        self.text = ""
        self.seen = 0  # what `expect` has gone past

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.log.write_text(self.text)
        if self.machine.poll() is None:
            self.machine.kill()
        self.machine.wait()
        os.close(self.master)
        self.errors.close()

    def explain(self) -> str:
        return f"the terminal last showed:\n{tail(self.text, SHOWN_LINES)!s}"

    # ---- bytes ---------------------------------------------------------------------------------
    def type(self, keys) -> None:
        """Type text or bytes, a few at a time as the device takes them."""
        data = keys if isinstance(keys, bytes) else keys.encode()
        while data:
            data = data[os.write(self.master, data[:64]):]

    def take(self, seconds: float) -> bool:
        """Wait for output, at most so long; False: there was none."""
        ready, _, _ = select.select([self.master], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # QEMU has closed the terminal
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def expect(self, wanted: str, timeout: float = PATIENCE) -> str:
        """Wait for a text behind all that was expected before; gives what came in front of it."""
        return self.expect_pattern(re.compile(re.escape(wanted)), timeout)

    def expect_pattern(self, wanted: re.Pattern, timeout: float = PATIENCE) -> str:
        end = time.monotonic() + timeout
        while not (found := wanted.search(self.text, self.seen)):
            left = end - time.monotonic()
            if not self.take(left) and (self.machine.poll() is not None or left <= 0):
                raise AssertionError(f"{wanted.pattern!r} did not come within {timeout} s; "
                                     f"{self.explain()}")
        before = self.text[self.seen:found.start()]
        self.seen = found.end()
        return before

    def quiet(self, seconds: float = 0.3) -> str:
        """All output until there is none for so long; everything counts as expected then."""
        while self.take(seconds):
            pass
        begin, self.seen = self.seen, len(self.text)
        return self.text[begin:]

    # ---- commands ------------------------------------------------------------------------------
    def ready(self, timeout: float = PATIENCE) -> str:
        """Wait for an empty prompt; gives what came in front of it."""
        return self.expect(READY, timeout)

    def run(self, command: str, timeout: float = PATIENCE) -> list:
        """Type a command at the prompt; gives the lines of its output, lines of the log left out."""
        self.type(command + "\r")
        self.expect_pattern(ENTERED, timeout)
        return output_lines(self.ready(timeout))

    def components(self) -> dict:
        rows = [row.split(None, 10) for row in self.run("list")[1:]]
        return {row[0]: component(row) for row in rows}

    def resources(self) -> tuple:
        """Bytes and slots that the supervisor has free, and its count of incidents."""
        found = dict(row.split()[:2] for row in self.run("resources"))
        return int(found["memory"]), int(found["slots"]), int(found["incidents"])

    def wait_for(self, name: str, generation: int, timeout: float = PATIENCE) -> Component:
        """Until the component runs in this generation, or a later one."""
        end = time.monotonic() + timeout
        while True:
            row = self.components()[name]
            if row.state == "running" and row.generation >= generation:
                return row
            assert time.monotonic() < end, f"{row}; {self.explain()}"

    def kill(self, name: str) -> Component:
        """Kill a component and wait for its next incarnation.  Where it is the driver of the line, what it
        was about to write is lost, the end of the command's own row for one."""
        before = self.components()[name]
        self.type(f"kill {name}\r")
        said = output_lines(self.ready())
        assert not [row for row in said if row and name not in row and "generation" not in row], said
        return self.wait_for(name, before.generation + 1)

    def power_off(self, status: int = 0) -> Optional[int]:
        """The guest's own status, after `power off`."""
        self.type(f"power off {status}\r")
        while self.take(PATIENCE):
            pass
        end = qemu.decode(self.machine.wait(PATIENCE))
        return end.status if end.kind == "power-off" else None


def output_lines(text: str) -> list:
    rows = text.replace("\r\n", "\n").split("\n")
    rows = [row for row in rows if not LOG_LINE.match(row)]
    return rows[:-1] if rows and not rows[-1] else rows


def component(row: list) -> Component:
    name, state, priority, memory, used, budget, cpu, seconds, deaths, generation, reason = row
    return Component(name, state, int(priority), int(memory.rstrip("K")), int(used.rstrip("K")),
                     budget, cpu, float(seconds), int(deaths), int(generation), reason)
