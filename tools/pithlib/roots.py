# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Roots for Linux guests: the small one with busybox, a directory or archive, or one of Debian's packages."""
import hashlib
import os
import re
import subprocess
from pathlib import Path

import rootfs

from . import packages
from .ui import Failure, Step, tail

BUSYBOX = Path("/bin/busybox")
ALWAYS = ("base-files", "bash", "coreutils", "dash")
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?")
LISTS = Path("/var/lib/apt/lists")


def write(root: dict, out: Path, align: int = rootfs.PAGE) -> Path:
    """The archive, whole or not at all: others may look for it."""
    part = out.with_name(f"{out.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            rootfs.write(root, file, align)
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
    return out


def busybox_root() -> dict:
    if not BUSYBOX.exists():
        raise Failure(f"{BUSYBOX} is missing; run './pith setup'")
    return rootfs.busybox_root(BUSYBOX)


def small(out: Path) -> Path:
    return write(busybox_root(), out)


def given(path: Path, out: Path) -> Path:
    """A directory or an archive as it is; an archive of rootfs.py needs nothing done."""
    if path.is_file() and rootfs.is_cpio(path):
        return path
    return write(rootfs.merge(rootfs.open_root(path)), out)


def suite() -> str:
    """Debian's name of what this machine runs."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        text = ""
    found = re.search(r"^VERSION_CODENAME=(\w+)$", text, re.MULTILINE)
    return found[1] if found else "stable"


def index_date() -> str:
    """When the newest of the package indexes was made: with another one, packages may be others."""
    dates = []
    for file in LISTS.glob("*_InRelease") if LISTS.is_dir() else ():
        found = re.search(r"^Date: (.*)$", file.read_text(errors="replace"), re.MULTILINE)
        dates.append(f"{file.name} {found[1]}" if found else file.name)
    return "\n".join(sorted(dates))


def cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "pith" / "roots"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def of_packages(names: list) -> Path:
    """A root with Debian packages and what they depend on, unpacked: no script of theirs runs.  What these
    would have made is there as the standard root has it."""
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong or not names:
        raise Failure(f"no name of a package: '{' '.join(wrong)}'", status=2)
    key = "\n".join([suite(), index_date(), *sorted(set(names))])
    out = cache() / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.cpio"
    if not out.exists():
        packages.setup("root")
        with Step(f"unpack {', '.join(names)} and what they need"):
            unpack(names, out)
    return out


def unpack(names: list, out: Path) -> None:
    archive = out.with_suffix(f".{os.getpid()}.tar")
    command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join([*ALWAYS, *names])}",
               suite(), str(archive)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              check=False)
        if done.returncode != 0:
            raise Failure(f"unpacking {', '.join(names)} failed:\n{tail(done.stderr, 15)}\n"
                          f"the command was: {' '.join(command)}")
        write(rootfs.merge(busybox_root(), rootfs.open_root(archive)), out)
    finally:
        archive.unlink(missing_ok=True)
