# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Boots a guest under a time limit with its serial output in a file.

Owns the QEMU processes that it starts and ends no other.  The build under test is $PITH_BUILD, by
default build/release of the tree.
"""
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Optional

from pithlib import qemu
from pithlib.ui import TREE, tail

SHOWN_LINES = 25


def build_directory() -> Path:
    return Path(os.environ.get("PITH_BUILD", TREE / "build" / "release")).resolve()


class Result(NamedTuple):
    """What became of one boot."""
    serial: str             # everything on the serial line, undecodable bytes replaced
    end: qemu.End           # how the guest ended
    log: Path               # the serial output
    errors: str             # what QEMU itself said

    @property
    def status(self) -> Optional[int]:
        """The guest's own exit status; None unless it powered off with one."""
        return self.end.status if self.end.kind == "power-off" else None

    @property
    def lines(self) -> list:
        return self.serial.splitlines()

    def explain(self) -> str:
        """For a failing assertion: how it ended and the last lines."""
        return (f"{self.end.explain()}; last lines of {self.log}:\n"
                f"{tail(self.serial, SHOWN_LINES)}\n{tail(self.errors, SHOWN_LINES)}")

    def expect(self, *needles: str, status: Optional[int] = 0) -> "Result":
        """Fail unless each needle was said, in this order, and the guest ended with `status`
        (None: however it likes)."""
        count = said(self.serial, needles)
        assert count == len(needles), f"'{needles[count]}' was not said (in order); {self.explain()}"
        assert status is None or self.status == status, self.explain()
        return self


def boot(image, artefacts: Path, *, timeout: float = 60, name: str = "serial",
         loader: Optional[Path] = None, **options) -> Result:
    """Boot an image: the name of one in the build, or a path.  `options` are those of
    pithlib.qemu.command (memory, cpus, cpu, append, extra)."""
    build = build_directory()
    path = image if isinstance(image, Path) else build / f"{image}.img"
    loader = loader or build / "boot" / "loader"
    for file in (path, loader):
        assert file.exists(), f"{file} does not exist: is the build up to date?"
    return boot_command(qemu.command(loader, path, **options), artefacts, timeout=timeout,
                        name=name)


def boot_until(image, artefacts: Path, *needles: str, timeout: float = 60,
               **options) -> str:
    """Boot an image (the name of one in the build, or a path) that does not end by itself until it has said every needle, in this order, and
    end it then; returns what it said."""
    build = build_directory()
    log = artefacts / "serial.log"
    log.write_text("")
    path = image if isinstance(image, Path) else build / f"{image}.img"
    command = qemu.command(build / "boot" / "loader", path, **options)
    command += ["-display", "none", "-monitor", "none", "-serial", f"file:{log}"]
    deadline = time.monotonic() + timeout
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and time.monotonic() < deadline:
                if said(log.read_text(errors="replace"), needles) == len(needles):
                    break
                time.sleep(0.05)
        finally:
            process.kill()
    text = log.read_text(errors="replace")
    count = said(text, needles)
    assert count == len(needles), (f"'{needles[count]}' was not said (in order); last lines of {log}:\n"
                                   f"{tail(text, SHOWN_LINES)}")
    return text


def said(text: str, needles: tuple) -> int:
    """How many of the needles, from the first, stand in the text in this order."""
    place = 0
    for count, needle in enumerate(needles):
        found = text.find(needle, place)
        if found < 0:
            return count
        place = found + len(needle)
    return len(needles)


def boot_command(command: list, artefacts: Path, *, timeout: float = 60,
                 name: str = "serial") -> Result:
    """Run a QEMU command line (without serial options) to its end or for `timeout` seconds, which
    fails the test, or for $PITH_PATIENCE if that is less; the machine's first serial port goes to
    ARTEFACTS/NAME.log."""
    timeout = min(timeout, float(os.environ.get("PITH_PATIENCE", timeout)))
    log, errors = artefacts / f"{name}.log", artefacts / f"{name}.qemu"
    command = [*command, "-display", "none", "-monitor", "none", "-serial", f"file:{log}"]
    log.write_text("")
    with errors.open("w") as out:
        out.write(" ".join(command) + "\n")
        out.flush()
        status = run_limited(command, out, timeout)
    result = Result(log.read_text(errors="replace"), qemu.decode(status or 0), log,
                    errors.read_text(errors="replace"))
    assert status is not None, (f"no end after {timeout} s; last lines of {log}:\n"
                                f"{tail(result.serial, SHOWN_LINES)}")
    return result


def run_limited(command: list, out, timeout: float) -> Optional[int]:
    """The command's status, or None where it had to be killed."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
