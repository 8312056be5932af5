# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The part of an ELF file that the supervisor's tables are made of."""
import struct
from pathlib import Path
from typing import NamedTuple

from pithlib import elf

SYMBOL = struct.Struct("<IBBHQQ")
SEGMENT = struct.Struct("<IIQQQQQQ")
SHT_SYMTAB, STT_FUNC, PT_LOAD, PF_W = 2, 2, 1, 2
ET_DYN = 3
PARTS_MOST = 3  # IMAGE_PARTS of servers/supervisor/image.h


class Segment(NamedTuple):
    flags: int
    address: int
    size: int


class Program(NamedTuple):
    build_id: bytes       # 20 bytes
    symbols: list         # (offset, name) of functions, by offset
    segments: list
    bytes: int            # of the file


class BadProgram(Exception):
    """The file is no component's program."""


def symbol_rows(data: bytes, sections: list) -> list:
    tables = [(s, sections[s.link]) for s in sections if s.type == SHT_SYMTAB and s.link < len(sections)]
    found = []
    for table, names in tables:
        rows = data[table.offset:table.offset + table.size // SYMBOL.size * SYMBOL.size]
        strings = data[names.offset:names.offset + names.size]
        found += [(row, strings) for row in SYMBOL.iter_unpack(rows)]
    return found


def functions(data: bytes, sections: list) -> list:
    """The functions by their offsets, one name each."""
    found = {}
    for (name, info, _, section, value, _), strings in symbol_rows(data, sections):
        if info & 15 == STT_FUNC and section and value < 1 << 32:
            text = elf.string_at(strings, name)
            if text:
                found[value] = min(text, found.get(value, text))
    return sorted(found.items())


def segments(data: bytes) -> list:
    header = elf.HEADER.unpack_from(data)
    kind, offset, entry_size, count = header[1], header[5], header[9], header[10]
    if kind != ET_DYN:
        raise BadProgram("it is not position independent")
    rows = [SEGMENT.unpack_from(data, offset + i * entry_size) for i in range(count)]
    return [Segment(r[1], r[3], r[6]) for r in rows if r[0] == PT_LOAD and r[6]]


def read(path: str) -> Program:
    try:
        data = Path(path).read_bytes()
        sections = elf.read_sections(data)
        found = Program(bytes.fromhex(elf.build_id(Path(path)) or ""), functions(data, sections),
                        segments(data), len(data))
    except OSError as error:
        raise BadProgram(error.strerror or str(error)) from None
    except (elf.NotElf, struct.error, IndexError, OverflowError) as error:
        raise BadProgram(str(error)) from None
    if len(found.build_id) != 20:
        raise BadProgram("it has no build-id of 20 bytes")
    writable = [s for s in found.segments if s.flags & PF_W]
    if not found.segments or len(writable) > 1 or len(found.segments) - len(writable) > PARTS_MOST:
        raise BadProgram(f"it has {len(found.segments)} segments to load, {len(writable)} of them writable")
    return found
