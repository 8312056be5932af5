# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What is wrong with a description: collected, so that all of it is told at once."""
from typing import NamedTuple


class Wrong(Exception):
    """A value that cannot be: what is wrong with it, and what would be right."""

    def __init__(self, wrong: str, right: str):
        super().__init__(f"{wrong}; {right}")
        self.wrong, self.right = wrong, right


def key_text(path: tuple) -> str:
    """A path as one would write it."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".") or "file"


class Problem(NamedTuple):
    line: int
    key: str
    wrong: str
    right: str


class Problems:
    """The problems of one file.  A path is the tuple of keys that leads to a value."""

    def __init__(self, file: str, lines: dict):
        self.file, self.lines, self.found = file, lines, []

    def line(self, path: tuple) -> int:
        """Where a value stands; of one that does not, where what should hold it does."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def add(self, path: tuple, wrong: str, right: str) -> None:
        problem = Problem(self.line(path), key_text(path), wrong, right)
        if problem not in self.found:
            self.found.append(problem)

    def __bool__(self) -> bool:
        return bool(self.found)

    def text(self) -> str:
        ordered = sorted(self.found, key=lambda p: (p.line, p.key))
        return "\n".join(f"{self.file}:{p.line}: {p.key}: {p.wrong}; {p.right}" for p in ordered)
