# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The terminal of a Linux guest: carries bytes between this process's standard files and the guest's two
serial ports (servers/linux/command.h says what goes over the second one).

QEMU has a socket for each port, and nothing is read here that there is no room for there, so a pipe's
writer waits for the guest.  A terminal is raw while the guest runs: Ctrl-C reaches the guest; Ctrl-A X
leaves, Ctrl-A Ctrl-A is one Ctrl-A.
"""
import contextlib
import os
import re
import selectors
import signal
import socket
import termios
import tty

from .command import BEGIN

ESCAPE = b"\x01"
PIECE = 1 << 14


class Keys:
    """What was typed, without the escapes of this side."""

    def __init__(self):
        self.escaped = False
        self.leaves = False

    def take(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in (bytes([b]) for b in data):
            if self.escaped:
                self.escaped = False
                self.leaves |= byte in b"xX"
                out += ESCAPE if byte == ESCAPE else b"" if byte in b"xX" else ESCAPE + byte
            elif byte == ESCAPE:
                self.escaped = True
            else:
                out += byte
        return bytes(out)


class Output:
    """What the guest says on its first port: what comes before the server's beginning is kept apart."""

    def __init__(self):
        self.begun = False
        self.before = b""

    def take(self, data: bytes) -> bytes:
        if self.begun:
            return data
        said, self.begun, rest = data.partition(BEGIN)[0], BEGIN in data, data.partition(BEGIN)[2]
        self.before += said
        return rest


class Control:
    """What the server says on the second port: `errors` is what was said for standard error since `take`."""

    def __init__(self):
        self.status = None
        self.buffer = b""
        self.errors_left = 0

    def take(self, data: bytes) -> bytes:
        self.buffer += data
        errors = b""
        while True:
            said, self.buffer = self.buffer[:self.errors_left], self.buffer[self.errors_left:]
            self.errors_left -= len(said)
            errors += said
            if self.errors_left or b"\n" not in self.buffer:
                return errors
            line, _, self.buffer = self.buffer.partition(b"\n")
            self.line(line)

    def line(self, line: bytes) -> None:
        found = re.fullmatch(rb"(exit|error) (\d{1,9})\r?", line)
        if found and found[1] == b"exit":
            self.status = int(found[2]) & 255
        elif found:
            self.errors_left = int(found[2])


class Console:
    """Both ports.  `ends` are what QEMU gets: descriptors to be handed to it and closed here."""

    def __init__(self, terminal: bool):
        self.terminal = terminal
        self.port, end = socket.socketpair()
        self.control_port, control_end = socket.socketpair()
        self.ends = [end, control_end]
        self.keys, self.output, self.control = Keys(), Output(), Control()
        self.to_port, self.to_control = b"", b""
        self.sent = 0
        self.input_open = True
        for sock in (self.port, self.control_port):
            sock.setblocking(False)

    def arguments(self) -> list:
        """For QEMU."""
        words = []
        for name, end in zip(("terminal", "control"), self.ends):
            words += ["-chardev", f"socket,id={name},fd={end.fileno()}", "-serial", f"chardev:{name}"]
        return words

    def descriptors(self) -> list:
        return [end.fileno() for end in self.ends]

    def close_ends(self) -> None:
        for end in self.ends:
            end.close()

    # ---- what happened

    def resized(self) -> None:
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(0)
            self.to_control += f"size {size.lines} {size.columns}\n".encode()

    def typed(self) -> None:
        try:
            data = os.read(0, PIECE)
        except OSError:
            data = b""
        if not data:
            self.input_open = False
            self.to_control += f"end {self.sent}\n".encode()
            return
        self.to_port = self.keys.take(data) if self.terminal else data
        self.sent += len(self.to_port)

    def said(self) -> bool:
        """False: the port is closed."""
        data = receive(self.port)
        write_all(1, self.output.take(data))
        return bool(data)

    def told(self) -> bool:
        data = receive(self.control_port)
        write_all(2, self.control.take(data))
        return bool(data)

    # ---- the loop

    def run(self) -> None:
        """Until QEMU has closed both ports, or Ctrl-A X."""
        open_ports = {self.port: self.said, self.control_port: self.told}
        with raw_terminal(self.terminal), resize_pipe(self.terminal) as resize:
            while open_ports and not self.keys.leaves:
                for what, mask in self.wait(open_ports, resize):
                    if what == resize:
                        os.read(resize, PIECE)
                        self.resized()
                    elif what == 0:
                        self.typed()
                    elif mask & selectors.EVENT_READ and not open_ports[what]():
                        del open_ports[what]
                self.send()

    def wait(self, open_ports: dict, resize) -> list:
        """Descriptors and sockets for which something can be done."""
        begun = self.output.begun
        with selectors.SelectSelector() as selector:
            for port in open_ports:
                pending = self.to_port if port is self.port else self.to_control
                selector.register(port, selectors.EVENT_READ | (selectors.EVENT_WRITE if pending and begun else 0))
            if begun and self.input_open and not self.to_port and self.port in open_ports:
                selector.register(0, selectors.EVENT_READ)
            if resize is not None:
                selector.register(resize, selectors.EVENT_READ)
            return [(key.fileobj, mask) for key, mask in selector.select()]

    def send(self) -> None:
        """Not before the server has begun: drivers lose what comes before they do."""
        if not self.output.begun:
            return
        self.to_port = self.to_port[send_some(self.port, self.to_port):]
        self.to_control = self.to_control[send_some(self.control_port, self.to_control):]


def receive(sock) -> bytes:
    """What has come; nothing: the other side has closed."""
    try:
        return sock.recv(PIECE)
    except ConnectionError:
        return b""


def send_some(sock, data: bytes) -> int:
    if not data:
        return 0
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0
    except OSError:
        return len(data)  # nobody is there any more: the loop learns that by reading


def write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data):]


@contextlib.contextmanager
def raw_terminal(wanted: bool):
    if not wanted:
        yield
        return
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextlib.contextmanager
def resize_pipe(wanted: bool):
    """A descriptor that can be read when the terminal's size has changed."""
    if not wanted:
        yield None
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def changed(number, frame):
        with contextlib.suppress(OSError):
            os.write(writer, b"w")

    before = signal.signal(signal.SIGWINCH, changed)
    try:
        yield reader
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)


def is_terminal() -> bool:
    """Input and output are one terminal, which the guest gets as its own."""
    return os.isatty(0) and os.isatty(1)
