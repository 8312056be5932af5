# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith run`: boot a system with its serial line on the terminal."""
import subprocess

from . import build as builds
from . import packages, qemu
from .ui import Failure, say, usage


def image_of(directory, name: str):
    image = directory / f"{name}.img"
    if not image.exists():
        known = sorted(p.stem for p in directory.glob("*.img")) or ["none"]
        raise usage(f"no system named '{name}'; the build has: {', '.join(known)}")
    return image


def run(name: str, memory: int, cpus: int, extra: list) -> int:
    packages.setup("run")
    directory = builds.build_shown(builds.CONFIGURATIONS["release"])
    image = image_of(directory, name)
    say(f"pith: booting {name}; leave with Ctrl-A X")
    line = qemu.command(directory / "boot" / "loader", image, memory=memory, cpus=cpus,
                        extra=["-display", "none", "-serial", "mon:stdio", *extra])
    end = qemu.decode(subprocess.run(line, check=False).returncode)
    if end.kind in ("closed", "power-off"):
        return end.status
    raise Failure(end.explain(), status=end.status if end.status > 0 else 1)
