# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the Linux server is told by its boot image: the module `command` (format: servers/linux/command.h,
which has the same numbers).  tools/mkimage.py:append puts modules behind those of the build."""
import struct
from typing import NamedTuple

MODULE_ROOT = "rootfs"
MODULE_COMMAND = "command"
MAGIC = int.from_bytes(b"pithcmd1", "little")
MOST_BYTES = 2 << 20
INPUT_TERMINAL, OUTPUT_TERMINAL, ERROR_TERMINAL, STRACE = 1, 2, 4, 8
BEGIN = b"\x02"
HEADER = struct.Struct("<QIIIIHHIq")


class Command(NamedTuple):
    arguments: list      # text or bytes
    environment: dict
    directory: str = "/"
    options: int = 0
    rows: int = 0
    columns: int = 0
    seconds: int = 0

    def pack(self) -> bytes:
        """The module; ValueError where it cannot be said."""
        texts = [self.directory, *self.arguments,
                 *(f"{name}={value}" for name, value in self.environment.items())]
        strings = [t if isinstance(t, bytes) else t.encode("utf-8", "surrogateescape") for t in texts]
        if not self.arguments or any(b"\0" in s for s in strings):
            raise ValueError("no program, or a zero byte in an argument")
        body = b"".join(s + b"\0" for s in strings)
        if HEADER.size + len(body) > MOST_BYTES:
            raise ValueError("arguments and environment are too long")
        return HEADER.pack(MAGIC, self.options, len(self.arguments), len(self.environment), len(body),
                           self.rows, self.columns, 0, self.seconds) + body
