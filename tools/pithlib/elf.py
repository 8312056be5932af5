# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""As much of ELF64 (little endian) as the tools need: build-id and section sizes."""
import struct
from pathlib import Path
from typing import NamedTuple, Optional

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
NOTE = struct.Struct("<III")
SHT_NOTE, SHF_ALLOC, SHF_EXECINSTR, NT_GNU_BUILD_ID = 7, 2, 4, 3


class NotElf(Exception):
    """The file is no readable ELF64."""


class Section(NamedTuple):
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int


def string_at(table: bytes, offset: int) -> str:
    return table[offset:table.find(b"\0", offset)].decode(errors="replace")


def read_sections(data: bytes) -> list:
    if data[:6] != b"\x7fELF\x02\x01":
        raise NotElf("no little-endian ELF64")
    try:
        fields = HEADER.unpack_from(data)
        offset, entry_size, count, names_index = fields[6], fields[11], fields[12], fields[13]
        rows = [SECTION.unpack_from(data, offset + i * entry_size) for i in range(count)]
    except (struct.error, OverflowError) as error:
        raise NotElf(f"damaged section headers: {error}") from None
    if not rows:
        return []
    if names_index >= len(rows):
        raise NotElf("section names are missing")
    names = data[rows[names_index][4]:rows[names_index][4] + rows[names_index][5]]
    return [Section(string_at(names, r[0]), r[1], r[2], r[4], r[5], r[6]) for r in rows]


def sections(path: Path) -> list:
    return read_sections(path.read_bytes())


def build_id(path: Path) -> Optional[str]:
    """The build-id in hexadecimal; None where the file has none or is no ELF64."""
    with path.open("rb") as file:
        if file.read(6) != b"\x7fELF\x02\x01":
            return None
    data = path.read_bytes()
    try:
        notes = [s for s in read_sections(data) if s.type == SHT_NOTE]
        found = (id_in_notes(data[s.offset:s.offset + s.size]) for s in notes)
        return next((i for i in found if i), None)
    except (NotElf, struct.error):
        return None


def id_in_notes(data: bytes) -> Optional[str]:
    place = 0
    while place + NOTE.size <= len(data):
        name_size, size, kind = NOTE.unpack_from(data, place)
        name_at = place + NOTE.size
        value_at = name_at + (name_size + 3) // 4 * 4
        if kind == NT_GNU_BUILD_ID and data[name_at:name_at + 4] == b"GNU\0":
            return data[value_at:value_at + size].hex()
        place = value_at + (size + 3) // 4 * 4
    return None
