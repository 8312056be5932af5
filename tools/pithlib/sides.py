# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The two systems that `./pith bench linux` compares: how each runs a command on the same machine."""
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple

import rootfs

from . import console, debian, linux, qemu, roots, tally
from .ui import Failure, tail

CPU = "max,-erms"
MEMORY = 256
TIMEOUT = 600


class Setting(NamedTuple):
    """How a machine runs a command."""
    root: dict
    words: list
    memory: int = MEMORY
    extra: tuple = ()  # further arguments of QEMU


def with_programs(root: dict, build: Path) -> dict:
    """A root in which /t has what the comparison needs."""
    entries = {}
    for name in ("linux_bench", "linux_init"):
        entry = rootfs.file_entry(build / "bench" / "linux" / name)
        entries[f"t/{name}"] = entry._replace(mode=stat.S_IFREG | 0o755, uid=0, gid=0)
    return rootfs.merge(root, entries)


def pith_line(setting: Setting, build: Path, place: Path) -> list:
    root = roots.write(setting.root, place / "pith.cpio")
    guest = linux.Guest(setting.words, root=root)
    image = linux.make_image(guest, build, place)
    ports = ["-serial", f"file:{place / 'console'}", "-serial", f"file:{place / 'control'}"]
    return qemu.command(build / "boot" / "loader", image, memory=setting.memory, cpu=CPU, extra=ports)


def linux_line(setting: Setting, build: Path, place: Path) -> list:
    root = roots.write(setting.root, place / "linux.cpio", align=4)
    line = qemu.machine(memory=setting.memory, cpu=CPU)
    return [*line, *debian.arguments(root, setting.words), "-serial", f"file:{place / 'console'}"]


def pith_said(place: Path) -> tuple:
    """What the programs said, and the status with which the first one ended."""
    control = console.Control()
    control.take((place / "control").read_bytes())
    return console.Output().take((place / "console").read_bytes()), control.status


def linux_said(place: Path) -> tuple:
    return (place / "console").read_bytes(), 0


class System(NamedTuple):
    line: Callable  # for QEMU
    said: Callable


SYSTEMS = {"Pith": System(pith_line, pith_said), "Linux": System(linux_line, linux_said)}


def run(name: str, setting: Setting, build: Path, place: Path) -> str:
    """What the command says on a system; it has to end with status 0."""
    return machine_run(name, SYSTEMS[name].line(setting, build, place), setting, place)


def machine_run(name: str, line: list, setting: Setting, place: Path) -> str:
    """The same of the arguments of QEMU that belong to it."""
    line = [*line, "-display", "none", "-monitor", "none", *setting.extra]
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT, check=False)
        end = qemu.decode(done.returncode).explain()
    except subprocess.TimeoutExpired:
        said = (place / "console").read_text(errors="replace")
        raise Failure(f"{name}: no end within {TIMEOUT} s:\n{tail(said)}") from None
    said, status = SYSTEMS[name].said(place)
    if qemu.decode(done.returncode) != qemu.End("power-off", 0) or status != 0:
        raise Failure(f"{name}: {end}, its command with status {status}:\n{tail(said.decode(errors='replace'))}"
                      f"{tail(done.stderr)}")
    return said.decode(errors="replace").replace("\r\n", "\n")


def counted(name: str, setting: Setting, build: Path, **options) -> tuple:
    """What the command says on a system, and what was counted; `options` are the plugin's."""
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as place:
        out = Path(place, "counts")
        extra = (*setting.extra, *qemu.COUNTED, *tally.arguments(out, **options))
        text = run(name, setting._replace(extra=extra), build, Path(place))
        return text, tally.read(out)


def timed(name: str, setting: Setting, build: Path) -> tuple:
    """What the command says on a system that runs as fast as it can, and the seconds from switching the machine on to
    its end."""
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as place:
        lines = SYSTEMS[name].line(setting, build, Path(place))
        begun = time.monotonic()
        text = machine_run(name, lines, setting, Path(place))
        return text, time.monotonic() - begun
