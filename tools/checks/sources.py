# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Which files are sources of the tree, and what in them is code."""
import re
from pathlib import Path

SKIPPED = {"build", ".git", "__pycache__", ".pytest_cache"}
C_SUFFIXES = {".c", ".h"}
CODE_SUFFIXES = C_SUFFIXES | {".S", ".ld", ".py", ".sh", ".def", ".toml", ".ini", ".idl"}
CODE_NAMES = {"meson.build", "meson_options.txt", "pith"}
STRING_OR_COMMENT = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)


def all_files(tree: Path) -> list:
    """Every file of the tree but what builds leave, relative to it."""
    found = []
    for path in tree.rglob("*"):
        relative = path.relative_to(tree)
        if not SKIPPED & set(relative.parts) and path.is_file() and not path.is_symlink():
            found.append(relative)
    return sorted(found)


def is_source(path: Path) -> bool:
    return (path.suffix in CODE_SUFFIXES or path.name in CODE_NAMES
            or path == Path(".ci/run"))


def is_c(path: Path) -> bool:
    return path.suffix in C_SUFFIXES


def is_test(path: Path) -> bool:
    return "test" in path.parts or path.parts[0] == "tests"


def strip_comments(text: str) -> str:
    """C or assembler text with its comments blanked, line numbers kept."""
    def blank(match):
        found = match[0]
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found
    return STRING_OR_COMMENT.sub(blank, text)


def code_lines(text: str) -> int:
    """Lines that are neither blank nor comment."""
    return sum(bool(line.strip()) for line in strip_comments(text).splitlines())
