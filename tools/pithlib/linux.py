# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith run` without a system: a Linux program, or a shell, on the Linux server."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Optional

import mkimage
import rootfs

from . import build as builds
from . import command, packages, qemu, roots
from .console import Console, is_terminal
from .ui import Failure, usage

SYSTEM = "linux"
MIB = 1 << 20
LEAST_MEMORY = 65  # MiB beside the image: what systems/linux.toml asks for, 32M of it in one piece
SHELL = ["/bin/sh"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Guest(NamedTuple):
    """What is to run, and on what."""
    arguments: list
    root: Optional[Path] = None       # a directory or an archive
    packages: Optional[list] = None
    memory: int = 512                 # MiB
    cpus: int = 1
    strace: bool = False
    environment: dict = {}
    qemu: list = []                   # further arguments


def environment_of(guest: Guest) -> dict:
    usual = {"PATH": PATH, "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/sh", "LANG": "C.UTF-8"}
    if is_terminal():
        usual["TERM"] = os.environ.get("TERM", "vt100")
    return {**usual, **guest.environment}


def command_of(guest: Guest) -> bytes:
    """The module that tells the server."""
    options, rows, columns = command.STRACE if guest.strace else 0, 0, 0
    if is_terminal():
        options |= command.INPUT_TERMINAL
        columns, rows = os.get_terminal_size(0)
    if os.isatty(1):
        options |= command.OUTPUT_TERMINAL | (command.ERROR_TERMINAL if os.isatty(2) else 0)
    try:
        return command.Command(guest.arguments or SHELL, environment_of(guest), options=options, rows=min(rows, 65535),
                               columns=min(columns, 65535), seconds=int(time.time())).pack()
    except ValueError as error:
        raise usage(str(error)) from None


def root_of(guest: Guest, place: Path) -> Path:
    try:
        if guest.packages:
            return roots.of_packages(guest.packages)
        if guest.root:
            return roots.given(guest.root, place / "root.cpio")
        return roots.small(place / "root.cpio")
    except (rootfs.RootError, OSError) as error:
        raise Failure(str(error)) from None


def check_sums(directory: Path, files: list) -> list:
    done = subprocess.run([directory / "boot" / "crc32c", *files], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"no check sum: {done.stderr.strip()}")
    return [int(line, 16) for line in done.stdout.split()]


def make_image(guest: Guest, directory: Path, place: Path) -> Path:
    """The build's image with root and command behind it."""
    base = directory / f"{SYSTEM}.img"
    if not base.exists():
        raise Failure(f"{base} is missing: does the build have the system '{SYSTEM}'?")
    said = place / "command"
    said.write_bytes(command_of(guest))
    files = [root_of(guest, place), said]
    sums = check_sums(directory, files)
    names = [command.MODULE_ROOT, command.MODULE_COMMAND]
    image = place / "linux.img"
    try:
        with image.open("wb") as out:
            mkimage.append(base, out, list(zip(names, files, sums)))
    except (mkimage.ImageError, OSError) as error:
        raise Failure(f"making the boot image: {error}") from None
    return image


def check_memory(guest: Guest, image: Path) -> None:
    least = LEAST_MEMORY - -image.stat().st_size // MIB
    if guest.memory < least:
        raise Failure(f"--memory: {guest.memory}M is too little for this root; at least {least}M")


@contextlib.contextmanager
def said_apart():
    """What is said on the way goes to standard error where that is a terminal, else nowhere: standard output is
    the program's."""
    with contextlib.redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):
        yield


def run(guest: Guest, directory: Path) -> int:
    """On a build; the status is the program's."""
    terminal = is_terminal()
    with tempfile.TemporaryDirectory(prefix="pith-run-") as place:
        with said_apart():
            image = make_image(guest, directory, Path(place))
            check_memory(guest, image)
        console = Console(terminal)
        line = qemu.command(directory / "boot" / "loader", image, memory=guest.memory, cpus=guest.cpus,
                            extra=["-display", "none", "-monitor", "none", *console.arguments(), *guest.qemu])
        return end_of(console, run_machine(console, line))


def run_machine(console: Console, line: list) -> qemu.End:
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, pass_fds=console.descriptors())
    console.close_ends()
    try:
        console.run()
        if console.keys.leaves:
            process.terminate()
        return qemu.decode(process.wait())
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def end_of(console: Console, end: qemu.End) -> int:
    if console.keys.leaves:
        return 0
    if console.control.status is not None and end.kind in ("power-off", "closed"):
        return console.control.status
    before = console.output.before.decode(errors="replace").strip()
    raise Failure(end.explain() + (f"; it said:\n{before}" if before else ""),
                  status=end.status if 0 < end.status < 126 else 1)


def run_command(guest: Guest) -> int:
    with said_apart():
        packages.setup("run")
        directory = builds.build_shown(builds.CONFIGURATIONS["release"])
    return run(guest, directory)
