#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Writes a boot image, the file that the loader reads (format: abi/bootinfo.h, at the end).

usage: mkimage.py -o OUT [--file NAME=PATH]... NAME=PATH...

The loader starts the program named "kernel", which starts the one named "root"; every other is
passed on as a module.  Of programs, which are ELF files, the image has what is loaded: it is read,
checked and kept in memory on each start.  With --file a file is passed on as it is.
"""
import argparse
import os
import struct
import sys

MAGIC = 0x676D696874697061
MAJOR, MINOR = 1, 0
ALIGN = 4096
NAME_BYTES = 32
MAX_FILES = 66
HEADER = struct.Struct("<QHHIQII")
ELF_MAGIC = b"\x7fELF\2\1"  # of 64 bits, little-endian
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
ELF_SEGMENT = struct.Struct("<IIQQQQQQ")
ENTRY = struct.Struct("<32sQQII")
POLYNOMIAL = 0x82F63B78


class ImageError(Exception):
    """Something that the caller can put right."""


def crc_tables() -> list[list[int]]:
    """Tables for eight bytes at a time: table k advances a byte over k more zero bytes."""
    first = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        first.append(value)
    tables = [first]
    for _ in range(7):
        tables.append([first[v & 0xFF] ^ v >> 8 for v in tables[-1]])
    return tables


TABLES = crc_tables()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) as in RFC 3720, appendix B.4."""
    t0, t1, t2, t3, t4, t5, t6, t7 = TABLES
    crc = 0xFFFFFFFF
    whole = len(data) // 8 * 8
    for low, high in struct.iter_unpack("<II", data[:whole]):
        low ^= crc
        crc = (t7[low & 255] ^ t6[low >> 8 & 255] ^ t5[low >> 16 & 255] ^ t4[low >> 24]
               ^ t3[high & 255] ^ t2[high >> 8 & 255] ^ t1[high >> 16 & 255] ^ t0[high >> 24])
    for byte in data[whole:]:
        crc = t0[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def loaded(data: bytes) -> bytes:
    """An ELF file without what stands behind its segments: symbols, debug information, the table of sections."""
    if not data.startswith(ELF_MAGIC) or len(data) < ELF_HEADER.size:
        return data
    header = list(ELF_HEADER.unpack_from(data))
    table, size, count = header[5], header[9], header[10]
    if size != ELF_SEGMENT.size or len(data) < table + size * count:
        return data
    segments = ELF_SEGMENT.iter_unpack(data[table:table + size * count])
    end = max([table + size * count] + [segment[2] + segment[5] for segment in segments])
    header[6], header[11:] = 0, [0, 0, 0]  # no sections
    return ELF_HEADER.pack(*header) + data[ELF_HEADER.size:end]


def pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGN)


def build(files: list[tuple[str, bytes]]) -> bytes:
    """The image of (name, content) pairs, in their order."""
    check_names([name for name, _ in files])
    offset = len(pad(bytes(HEADER.size + ENTRY.size * len(files))))
    table, body = b"", b""
    for name, data in files:
        table += ENTRY.pack(name.encode(), offset + len(body), len(data), crc32c(data), 0)
        body += pad(data)
    header = HEADER.pack(MAGIC, MAJOR, MINOR, len(files), offset + len(body), crc32c(table), 0)
    return pad(header + table) + body


def append(image: str, out, modules: list[tuple[str, str, int]]) -> None:
    """Write to the open file `out` an image with modules behind it, each a name, a path and the CRC-32C of
    what is there.  The table has room for them in its page, so nothing that is there moves."""
    with open(image, "rb") as source:
        page, offset = source.read(ALIGN), os.fstat(source.fileno()).st_size
        if len(page) < ALIGN or HEADER.unpack_from(page)[:3] != (MAGIC, MAJOR, MINOR):
            raise ImageError(f"{image}: not a boot image")
        copy(source, out, offset, page)
    count = HEADER.unpack_from(page)[3]
    table = page[HEADER.size:HEADER.size + ENTRY.size * count]
    names = [ENTRY.unpack_from(table, ENTRY.size * i)[0].rstrip(b"\0").decode() for i in range(count)]
    check_names(names + [name for name, _, _ in modules])
    for name, path, crc in modules:
        with open(path, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            table += ENTRY.pack(name.encode(), offset, size, crc, 0)
            copy(source, out, size)
        out.write(bytes(-size % ALIGN))
        offset += size + -size % ALIGN
    out.seek(0)
    out.write(HEADER.pack(MAGIC, MAJOR, MINOR, len(names) + len(modules), offset, crc32c(table), 0) + table)
    out.flush()


def copy(source, out, size: int, begin: bytes = b"") -> None:
    """Exactly `size` bytes, of which the first have been read already."""
    out.write(begin)
    left = size - len(begin)
    while left:
        piece = source.read(min(left, 1 << 20))
        if not piece:
            raise ImageError(f"{source.name}: shorter than it was")
        out.write(piece)
        left -= len(piece)


def check_names(names: list[str]) -> None:
    if len(names) > MAX_FILES:
        raise ImageError(f"{len(names)} files; the loader takes at most {MAX_FILES}")
    for i, name in enumerate(names):
        if not name or "\0" in name:
            raise ImageError(f"file {i + 1}: its name is empty or contains a zero byte")
        if len(name.encode()) >= NAME_BYTES:
            raise ImageError(f"{name}: the name is longer than {NAME_BYTES - 1} bytes")
        if name in names[:i]:
            raise ImageError(f"{name}: named twice")


def read_file(argument: str) -> tuple[str, bytes]:
    name, separator, path = argument.partition("=")
    if not separator or not path:
        raise ImageError(f"{argument}: expected NAME=PATH")
    try:
        with open(path, "rb") as file:
            return name, file.read()
    except OSError as error:
        raise ImageError(f"{name}: cannot read {path}: {error.strerror}") from error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="out", metavar="OUT", required=True, help="the image to write")
    parser.add_argument("--file", dest="files", metavar="NAME=PATH", action="append", default=[])
    parser.add_argument("programs", metavar="NAME=PATH", nargs="+")
    arguments = parser.parse_args()
    try:
        programs = [read_file(argument) for argument in arguments.programs]
        files = [read_file(argument) for argument in arguments.files]
        image = build([(name, loaded(data)) for name, data in programs] + files)
        with open(arguments.out, "wb") as out:
            out.write(image)
    except ImageError as error:
        print(f"mkimage: error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mkimage: error: cannot write {arguments.out}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
