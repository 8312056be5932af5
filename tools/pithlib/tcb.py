# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What each component of a system must trust, in lines of code.

A program's files are those that its line-number information names; what compilers and the C library
of the host bring along is not the tree's and is left out."""
from pathlib import Path
from typing import Iterable, NamedTuple

from checks import kernel_size, sources

from . import dwarf, elf
from .ui import TREE, Failure

COUNTED = {".c", ".h", ".S"}
DEPTHS = {"kernel": 1, "boot": 1, "abi": 1, "lib": 2}  # of the directories whose lines are told together


class Area(NamedTuple):
    """A part of the tree: what a line of the answer stands for."""
    name: str
    lines: int


def area_of(path: Path, tree: Path) -> str:
    """The part of the tree that a file belongs to."""
    if not path.is_relative_to(tree):
        return "outside"
    parts = path.relative_to(tree).parts
    if parts[0] == "build":
        return f"ports/{parts[2]}" if parts[1] == "ports" else "generated"
    return "/".join(parts[:DEPTHS.get(parts[0], len(parts) - 1)])


def lines_of(path: Path) -> int:
    text = path.read_text(errors="replace")
    return sources.code_lines(kernel_size.release_text(text) if "kernel" in path.parts else text)


def is_counted(path: Path) -> bool:
    return path.suffix in COUNTED and path.is_file() and not path.is_relative_to("/usr")


class Trust:
    """The lines of the programs of one build."""

    def __init__(self, directory: Path, tree: Path = TREE):
        self.directory, self.tree, self.known, self.lines = directory, tree, {}, {}

    def files(self, program: Path) -> set:
        if program not in self.known:
            try:
                found = dwarf.source_files(program, self.directory)
            except (OSError, elf.NotElf) as error:
                raise Failure(f"{program}: {error}") from None
            self.known[program] = {path for path in found if is_counted(path)}
        return self.known[program]

    def area(self, path: Path) -> str:
        if path.is_relative_to(self.directory) and "ports" not in path.parts:
            return "generated"
        return area_of(path, self.tree)

    def areas(self, programs: Iterable[Path]) -> list:
        """The parts that the programs are made of, each file counted once."""
        found = {}
        for path in set().union(*map(self.files, programs)):
            if path not in self.lines:
                self.lines[path] = lines_of(path)
            name = self.area(path)
            found[name] = found.get(name, 0) + self.lines[path]
        return [Area(*row) for row in sorted(found.items(), key=lambda row: (-row[1], row[0]))]


def table(title: str, areas: list) -> list:
    whole = sum(area.lines for area in areas)
    return [f"{title:<40} {whole:>8,}"] + [f"  {area.name:<38} {area.lines:>8,}" for area in areas]
