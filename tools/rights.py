#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Include rights: which layer may include which.

Owns the table of rights and the symlink farm BUILD/rights/<right>/<prefix> that carries it out.
A layer is compiled with only the -I of its rights, so a forbidden include is "file not found".
The root meson.build calls this at configure time; tests/tree/test_rights.py checks the outcome.

usage: rights.py SOURCE_DIR BUILD_DIR
"""
import sys
from pathlib import Path

# right (= include prefix) -> directory that it opens.
RIGHTS = {
    "abi": "abi",
    "hal": "kernel/hal",
    "arch": "kernel/arch/x86_64/include",
    "kernel": "kernel/core",
    "rt": "lib/rt",
    "ring": "lib/ring",
    "wire": "lib/wire",
    "svc": "lib/svc",
    "client": "lib/client",
    "supervisor": "servers/supervisor",
    "libc": "lib/libc",
}
# The same of rights without a link: these directories of the build are opened as they are, by -I of
# the one above.  Ninja knows what is made there by that name and would not see it change behind a link.
BUILT = {"proto": "proto/proto", "gen": "tools/gen/gen"}

# What components may use.
COMPONENT = ["abi", "rt", "ring", "gen", "wire", "svc", "proto", "client", "libc", "picolibc"]

# directory -> rights of the sources below it; the longest matching directory counts.  `picolibc` is the
# right to the headers of a C library, which have no prefix (lib/libc/meson.build).
# kernel/core carries `arch` because the headers of kernel/hal include it: the sources themselves
# may not name <arch/...>, which the style checks enforce.
LAYERS = {
    "boot": ["abi"],
    "kernel/core": ["abi", "hal", "arch", "kernel", "gen"],
    "kernel/hal": ["abi", "hal", "arch", "kernel", "gen"],
    "kernel/arch": ["abi", "hal", "arch", "gen"],
    "lib/rt": ["abi", "rt", "gen"],
    "lib/ring": ["ring"],
    "lib/wire": ["abi", "rt", "gen", "wire"],
    "lib/libc": ["abi", "rt", "gen", "libc", "picolibc"],
    "lib/svc": ["abi", "rt", "gen", "wire", "svc", "proto"],
    "lib/client": ["abi", "rt", "gen", "wire", "svc", "proto", "client"],
    "servers": COMPONENT,
    "servers/supervisor": ["abi", "rt", "gen", "wire", "proto", "supervisor"],
    "systems": ["abi", "rt", "gen", "wire", "proto", "supervisor"],
    "drivers": COMPONENT,
    "apps": COMPONENT,
    "tests/system": COMPONENT,
    "tests/model": ["abi", "hal", "arch", "kernel", "gen"],
    "tests/ring": ["ring"],
    "bench": ["abi", "rt", "ring", "gen", "wire", "svc", "proto", "client"],
}


def layer_of(path: str) -> str:
    """The layer that a source file (relative to the tree) belongs to, or ''."""
    fitting = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(fitting, key=len, default="")


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        if place.readlink() == target:
            return
        place.unlink()
    place.symlink_to(target)


def make_farm(source: Path, build: Path) -> None:
    for right, directory in RIGHTS.items():
        link(build / "rights" / right / right, source / directory)


def main(argv: list) -> int:
    if len(argv) != 3:
        print("usage: rights.py SOURCE_DIR BUILD_DIR", file=sys.stderr)
        return 2
    make_farm(Path(argv[1]).resolve(), Path(argv[2]).resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
