# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Symbols of an ELF64 program: addresses by name, names by address."""
import bisect
import struct
from pathlib import Path
from typing import Optional

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
SHT_SYMTAB = 2
TYPE_FUNCTION, TYPE_SECTION, TYPE_FILE = 2, 3, 4
SHN_ABS = 0xFFF1
REACH = 0x20000  # no function or table is larger
# Labels of the benchmarks, not functions.
MARKS = ("path_begin.", "path_end.", "path_low.", "path_high.", "path_drop")


class SymbolError(Exception):
    """The program has no symbols that can be read, or lacks one."""


class Symbols:
    """The symbol table of one program."""

    def __init__(self, path: Path):
        self.path = path
        try:
            data = path.read_bytes()
            self.entry = HEADER.unpack_from(data)[4]
            table = list(read_table(data))
        except OSError as error:
            raise SymbolError(f"{path}: {error.strerror}") from None
        except (struct.error, StopIteration, IndexError):
            raise SymbolError(f"{path}: no ELF64 program with symbols") from None
        self.names = {name: address for name, address, _ in table}
        # Of several names of one address the last is used: a function's.
        rows = sorted((a, is_function, n) for n, a, is_function in table if not n.startswith(MARKS))
        self.addresses = [row[0] for row in rows]
        self.labels = [row[2] for row in rows]

    def address(self, name: str) -> int:
        if name not in self.names:
            raise SymbolError(f"{self.path}: no symbol '{name}'")
        return self.names[name]

    def function(self, address: int) -> Optional[tuple]:
        """(name, offset) of the closest symbol at or below an address."""
        place = bisect.bisect_right(self.addresses, address) - 1
        if place < 0 or address - self.addresses[place] > REACH:
            return None
        return self.labels[place], address - self.addresses[place]


def read_table(data: bytes):
    """(name, address, is it a function) of every symbol that stands for a place."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise IndexError
    fields = HEADER.unpack_from(data)
    sections = [SECTION.unpack_from(data, fields[6] + i * fields[11]) for i in range(fields[12])]
    table = next(s for s in sections if s[1] == SHT_SYMTAB)
    strings = sections[table[6]][4]
    for place in range(table[4], table[4] + table[5], SYMBOL.size):
        name, info, _, section, value, _ = SYMBOL.unpack_from(data, place)
        if name and section not in (0, SHN_ABS) and info & 15 not in (TYPE_SECTION, TYPE_FILE):
            end = data.index(b"\0", strings + name)
            text = data[strings + name:end].decode(errors="replace")
            yield text, value, info & 15 == TYPE_FUNCTION
