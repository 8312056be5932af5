#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""A file as C source: NAME with its bytes and NAME_bytes with their number.

usage: embed.py NAME FILE OUTPUT
"""
import sys
from pathlib import Path

PER_LINE = 16


def source_of(name: str, content: bytes) -> str:
    rows = [content[at:at + PER_LINE] for at in range(0, len(content), PER_LINE)]
    lines = ["    " + " ".join(f"{byte:#04x}," for byte in row) for row in rows]
    return "\n".join(["#include <stdint.h>",
                      f"extern const uint8_t {name}[];",
                      f"extern const uint32_t {name}_bytes;",
                      f"const uint8_t {name}[] = {{", *lines, "};",
                      f"const uint32_t {name}_bytes = sizeof({name});", ""])


def main() -> None:
    name, content, output = sys.argv[1:]
    Path(output).write_text(source_of(name, Path(content).read_bytes()), encoding="ascii")


if __name__ == "__main__":
    main()
