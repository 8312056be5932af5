#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the build finds in the tree by itself, so that a new component needs no change elsewhere.

usage: tree.py components|protocols|systems

Prints, one on a line: the directories below apps, servers and drivers that have a meson.build; the
names of proto/*.idl; the names of systems/*.toml.  Asked when the build is configured, which `./pith build`
and its like do again where such files have come or gone.
"""
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
# The supervisor is no component; hello is a root task of its own.
OTHERS = {"servers/supervisor", "apps/hello"}


def components() -> list:
    found = (path.parent.relative_to(TREE).as_posix()
             for top in ("apps", "drivers", "servers")
             for path in (TREE / top).rglob("meson.build"))
    return sorted(path for path in set(found) - OTHERS if not path.endswith("/test"))


def names(directory: str, suffix: str) -> list:
    return sorted(path.stem for path in (TREE / directory).glob("*" + suffix))


LISTS = {
    "components": components,
    "protocols": lambda: names("proto", ".idl"),
    "systems": lambda: names("systems", ".toml"),
}


def main(words: list) -> int:
    if len(words) != 1 or words[0] not in LISTS:
        print(f"usage: tree.py {'|'.join(LISTS)}", file=sys.stderr)
        return 2
    print("\n".join(LISTS[words[0]]()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
