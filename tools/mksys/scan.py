# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Where the keys of a TOML text stand: Python's tomllib does not say.

The text is one that tomllib has taken.  What this scanner does not understand ends it, so that later
keys have the line of what holds them."""
import bisect
import re
import tomllib

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE = re.compile(r"[ \t]*")
BARE = re.compile(r"[A-Za-z0-9_-]+")
SCALAR = re.compile(r"[^,\]}\n#]*")
# The multi-line forms first: they begin with the others' mark.
STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}(?!")|' r"'''.*?'{3,5}(?!')|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'", re.S)


class Lost(Exception):
    """The text is not as the scanner takes it to be."""


class Scanner:
    def __init__(self, text: str):
        self.text, self.at, self.lines = text, 0, {}
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.tables = {}  # path of an array of tables -> how many there were

    def line(self) -> int:
        return bisect.bisect_left(self.ends, self.at) + 1

    def take(self, pattern: re.Pattern) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise Lost
        self.at = match.end()
        return match.group()

    def take_if(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def need(self, mark: str) -> None:
        if not self.take_if(mark):
            raise Lost

    def note(self, path: tuple, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def file(self) -> None:
        prefix = ()
        self.take(BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                prefix = self.header()
            else:
                self.pair(prefix)
            self.take(BLANK)

    def header(self) -> tuple:
        line = self.line()
        self.need("[")
        is_array = self.take_if("[")
        path = self.key()
        self.need("]]" if is_array else "]")
        if is_array:
            number = self.tables.get(path, 0)
            self.tables[path] = number + 1
            path += (number,)
        self.note(path, line)
        return path

    def key(self) -> tuple:
        parts = []
        while True:
            self.take(SPACE)
            if self.text[self.at:self.at + 1] in ("'", '"'):
                parts.append(tomllib.loads("key = " + self.take(STRING))["key"])
            else:
                parts.append(self.take(BARE))
            self.take(SPACE)
            if not self.take_if("."):
                return tuple(parts)

    def pair(self, prefix: tuple) -> None:
        line = self.line()
        path = prefix + self.key()
        self.note(path, line)
        self.need("=")
        self.value(path)

    def value(self, path: tuple) -> None:
        self.take(SPACE)
        first = self.text[self.at:self.at + 1]
        if first == "[":
            self.array(path)
        elif first == "{":
            self.inline(path)
        elif first in ("'", '"'):
            self.take(STRING)
        else:
            self.take(SCALAR)

    def array(self, path: tuple) -> None:
        self.need("[")
        number = 0
        self.take(BLANK)
        while not self.take_if("]"):
            self.note(path + (number,), self.line())
            self.value(path + (number,))
            number += 1
            self.take(BLANK)
            if not self.take_if(","):
                self.need("]")
                return
            self.take(BLANK)

    def inline(self, path: tuple) -> None:
        self.need("{")
        self.take(SPACE)
        while not self.take_if("}"):
            self.pair(path)
            self.take(SPACE)
            if not self.take_if(","):
                self.need("}")
                return
            self.take(SPACE)


def key_lines(text: str) -> dict:
    """Path of keys -> line, for all keys and elements of arrays."""
    scanner = Scanner(text.replace("\r\n", "\n"))
    try:
        scanner.file()
    except (Lost, tomllib.TOMLDecodeError, RecursionError):
        pass
    return scanner.lines
