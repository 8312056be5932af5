# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Which source files a program is made of: the file tables of its line-number information (DWARF 4
section 6.2.4; DWARF 5 section 6.2.4 and 7.5.6)."""
import os
import struct
from pathlib import Path
from typing import NamedTuple

from . import elf

FORM_DATA16, FORM_STRING, FORM_UDATA, FORM_STRP, FORM_LINE_STRP = 0x1E, 0x08, 0x0F, 0x0E, 0x1F
FORM_DATA1, FORM_DATA2, FORM_DATA4, FORM_DATA8 = 0x0B, 0x05, 0x06, 0x07
FIXED = {FORM_DATA1: 1, FORM_DATA2: 2, FORM_DATA4: 4, FORM_DATA8: 8, FORM_DATA16: 16}
CONTENT_PATH, CONTENT_DIRECTORY = 1, 2
TABLE_HEAD = struct.Struct("<IH")


class Damaged(Exception):
    """The line-number information is not to be understood."""


class Reader:
    """Bytes of .debug_line from a place on."""

    def __init__(self, data: bytes, place: int, strings: dict):
        self.data, self.place, self.strings = data, place, strings

    def number(self, size: int) -> int:
        self.place += size
        return int.from_bytes(self.data[self.place - size:self.place], "little")

    def leb(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self) -> str:
        end = self.data.index(b"\0", self.place)
        found = self.data[self.place:end].decode(errors="replace")
        self.place = end + 1
        return found

    def form(self, form: int):
        if form == FORM_STRING:
            return self.text()
        if form == FORM_UDATA:
            return self.leb()
        if form in self.strings:
            return elf.string_at(self.strings[form], self.number(4))
        if form in FIXED:
            return self.number(FIXED[form])
        raise Damaged(f"form {form:#x}")

    def entries(self) -> list:
        """A table of DWARF 5: each entry as {content: value}."""
        formats = [(self.leb(), self.leb()) for _ in range(self.number(1))]
        return [{content: self.form(form) for content, form in formats} for _ in range(self.leb())]


class Unit(NamedTuple):
    directories: list
    files: list  # (name, number of its directory)


def unit_of_5(reader: Reader) -> Unit:
    directories = [entry[CONTENT_PATH] for entry in reader.entries()]
    directories[0] = ""  # where it was compiled: known, while what stands here may have lost its first part
    return Unit(directories, [(entry[CONTENT_PATH], entry.get(CONTENT_DIRECTORY, 0))
                              for entry in reader.entries()])


def unit_of_4(reader: Reader) -> Unit:
    directories, files = [""], []
    while True:
        directory = reader.text()
        if not directory:
            break
        directories.append(directory)
    while True:
        name = reader.text()
        if not name:
            return Unit(directories, files)
        files.append((name, reader.leb()))
        reader.leb()
        reader.leb()


def unit_at(data: bytes, place: int, strings: dict) -> Unit:
    version = int.from_bytes(data[place + 4:place + 6], "little")
    reader = Reader(data, place + 6, strings)
    reader.place += (2 if version >= 5 else 0) + 4  # sizes of addresses and selectors, header's length
    reader.place += 5 if version >= 4 else 4        # of instructions, of operations, is_stmt, line base and range
    opcodes = reader.number(1)
    reader.place += opcodes - 1                     # operands of each standard one
    return unit_of_5(reader) if version >= 5 else unit_of_4(reader)


def units(data: bytes, strings: dict) -> list:
    found, place = [], 0
    while place + TABLE_HEAD.size <= len(data):
        length, version = TABLE_HEAD.unpack_from(data, place)
        if not 2 <= version <= 5 or length > len(data) - place - 4:
            raise Damaged(f"version {version}, length {length}")
        found.append(unit_at(data, place, strings))
        place += 4 + length
    return found


def source_files(program: Path, directory: Path) -> set:
    """The files, with their links resolved; `directory` is where the program was compiled."""
    data = program.read_bytes()
    parts = {s.name: data[s.offset:s.offset + s.size] for s in elf.read_sections(data)}
    strings = {FORM_STRP: parts.get(".debug_str", b""), FORM_LINE_STRP: parts.get(".debug_line_str", b"")}
    try:
        found = units(parts.get(".debug_line", b""), strings)
    except (Damaged, ValueError, IndexError, KeyError) as error:
        raise elf.NotElf(f"its line-number information is damaged: {error}") from None
    return {Path(os.path.realpath(directory / unit.directories[number] / name))
            for unit in found for name, number in unit.files if number < len(unit.directories)}
