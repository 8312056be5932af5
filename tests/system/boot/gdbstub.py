# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""A client of QEMU's debugger stub, for changing a guest's memory before its first instruction.

Speaks the GDB remote serial protocol; the machine must have been started with options().
"""
import socket
import time
from pathlib import Path

PATIENCE = 20  # seconds
RBX = 1        # place in the stub's list of registers, eight bytes each


def options(path: Path) -> list:
    """QEMU options: wait for a debugger at a socket of this path."""
    return ["-S", "-chardev", f"socket,id=gdb,path={path},server=on,wait=off", "-gdb", "chardev:gdb"]


class Stub:
    """A stopped guest."""

    def __init__(self, path: Path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < end, f"no debugger stub at {path}"
                time.sleep(0.02)
        self.data = b""

    def byte(self) -> bytes:
        if not self.data:
            self.data = self.socket.recv(4096)
            assert self.data, "the debugger stub hung up"
        first, self.data = self.data[:1], self.data[1:]
        return first

    def send(self, text: str) -> None:
        total = sum(text.encode()) & 0xFF
        self.socket.sendall(f"${text}#{total:02x}".encode())

    def receive(self) -> str:
        while self.byte() != b"$":
            pass
        text = b""
        while (byte := self.byte()) != b"#":
            text += byte
        self.byte()
        self.byte()
        self.socket.sendall(b"+")
        return text.decode()

    def ask(self, text: str) -> str:
        self.send(text)
        return self.receive()

    def run_to(self, address: int) -> None:
        assert self.ask(f"Z1,{address:x},1") == "OK"
        stop = self.ask("c")
        assert stop.startswith(("T05", "S05")), f"the guest stopped with {stop}"
        assert self.ask(f"z1,{address:x},1") == "OK"

    def register(self, number: int) -> int:
        text = self.ask("g")[16 * number:16 * number + 16]
        return int.from_bytes(bytes.fromhex(text), "little")

    def read(self, address: int, size: int) -> bytes:
        return bytes.fromhex(self.ask(f"m{address:x},{size:x}"))

    def read_number(self, address: int, size: int) -> int:
        return int.from_bytes(self.read(address, size), "little")

    def write(self, address: int, data: bytes) -> None:
        assert self.ask(f"M{address:x},{len(data):x}:{data.hex()}") == "OK"

    def detach(self) -> None:
        """Let the guest run."""
        self.send("D")
        self.socket.close()
