# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Plugins for QEMU, compiled for the development host."""
import subprocess
from pathlib import Path

import port

from .ui import Failure

HEADER = "qemu-plugin-header"
COMPILER = ["gcc", "-std=gnu2x", "-O2", "-g", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra",
            "-Wconversion", "-Wshadow", "-Werror"]


def compiled(source: Path, out: Path) -> Path:
    """`out`, made of a file or of all sources of a directory where they are newer."""
    sources = sorted(source.glob("*.[ch]")) if source.is_dir() else [source]
    if out.exists() and out.stat().st_mtime > max(s.stat().st_mtime for s in sources):
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        header = port.provide(HEADER)
    except port.PortError as error:
        raise Failure(str(error)) from None
    command = [*COMPILER, "-isystem", str(header), *(str(s) for s in sources if s.suffix == ".c"),
               "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"the plugin {out.name} does not compile:\n{done.stderr}")
    return out
