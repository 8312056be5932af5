# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""A program on a pseudo-terminal of the host: what is typed, and what is shown.

Owns the process that it starts and all that this starts in turn.
"""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from typing import Mapping, Sequence

ROWS, COLUMNS = 30, 100
SHOWN = 2000


class Dialogue:
    """To be used in a `with` statement; `text` is all that was shown."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvpe(command[0], list(command), dict(environment))
        self.status = None
        self.text = ""
        self.seen = 0  # what `expect` has gone past

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def take(self, seconds: float) -> bool:
        """Wait for output, at most so long; False: there was none."""
        if not select.select([self.terminal], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # nobody has it open any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def expect(self, wanted: str, timeout: float = 60) -> str:
        """Wait for a text, a regular expression, behind all that was expected before; gives what came until
        its end."""
        end = time.monotonic() + timeout
        while not (found := re.compile(wanted).search(self.text, self.seen)):
            if not self.take(end - time.monotonic()):
                raise AssertionError(f"{wanted!r} did not come; the terminal last showed {self.text[-SHOWN:]!r}")
        begin, self.seen = self.seen, found.end()
        return self.text[begin:self.seen]

    def end(self, timeout: float = 60) -> int:
        """Wait for the program's end; gives its status."""
        limit = time.monotonic() + timeout
        while self.take(limit - time.monotonic()):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status
