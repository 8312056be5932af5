# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The functions of the Linux server by which bench/linux/plugin tells what it does for programs."""
import re
import struct
import subprocess
from pathlib import Path

from .ui import Failure

FIRST_BYTES = 32  # of a function, as bench/linux/plugin/kinds.c has it
LOAD = 1
PROGRAM = struct.Struct("<IIQQQQQQ")
NAMES = re.compile(r"do_(?P<call>\w+)|space_(?P<fault>fault)")


def functions(program: Path) -> dict:
    """Name -> address of all functions of a program."""
    done = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=False)
    rows = (line.split() for line in done.stdout.splitlines())
    found = {row[2]: int(row[0], 16) for row in rows if len(row) == 3 and row[1] in "tT"}
    if not found:
        raise Failure(f"{program} has no symbols: {done.stderr.strip()}")
    return found


def contents(data: bytes, address: int, size: int) -> bytes:
    """What an ELF64 program has at an address."""
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for i in range(count):
        kind, _, offset, start, _, length, _, _ = PROGRAM.unpack_from(data, table + i * PROGRAM.size)
        if kind == LOAD and start <= address and address + size <= start + length:
            return data[address - start + offset:][:size]
    raise Failure(f"nothing lies at {address:#x}")


def write_list(server: Path, out: Path) -> Path:
    """The system calls and the page fault, for the plugin's `kinds`."""
    data, lines = server.read_bytes(), []
    for name, address in functions(server).items():
        found = NAMES.fullmatch(name)
        if found:
            first = contents(data, address, FIRST_BYTES).hex()
            lines.append(f"{address:x} {found['call'] or found['fault']} {first}\n")
    out.write_text("".join(lines))
    return out
