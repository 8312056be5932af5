# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The tutorial, carried out as it stands: docs/tutorial.md in a copy of the tree.

A block of it is `sh` (a command), `text` (what the command before says, line by line, in this order, perhaps
with more between), or a language and a path (the file's text; "after KEY": a line to add below that of the key).
"""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import boot_until

BLOCK = re.compile(r"^```(\w+)(?: (\S+)(?: after (\w+))?)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = shutil.ignore_patterns("build", ".git", "__pycache__")


def said_in_order(text: str, lines: list) -> None:
    place = 0
    for line in lines:
        found = text.find(line, place)
        assert found >= 0, f"'{line}' was not said (in order):\n{text}"
        place = found + len(line)


class Reader:
    """Somebody who does what the tutorial says, in a copy of the tree."""

    def __init__(self, tree: Path, artefacts: Path, monkeypatch):
        self.tree, self.artefacts = tree, artefacts
        self.build = tree / "build" / "release"
        self.output = None  # of the last command: text, or the system that is to be booted
        monkeypatch.setenv("PITH_BUILD", str(self.build))

    def command(self, words: list) -> None:
        if words[:2] == ["./pith", "run"]:
            system = words[3] if len(words) > 2 else "hello"
            assert self.make(f"{system}.img") == ""
            self.output = ("boot", system)
        elif words == ["./pith", "build"]:
            self.output = ("text", self.make("greeter.img"))
        else:
            done = subprocess.run(words, cwd=self.tree, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            self.output = ("text", done.stdout)

    def make(self, target: str) -> str:
        """Build one target and the loader; what went wrong."""
        setup = ["meson", "setup", *(["--reconfigure"] if self.build.exists() else []), "-Dhost_tests=false",
                 "--cross-file", "tools/cross/x86_64-gcc.ini", str(self.build), str(self.tree)]
        for command in (setup, ["ninja", "-C", str(self.build), "boot/loader", target]):
            done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return done.stdout + done.stderr
        return ""

    def expect(self, lines: list) -> None:
        kind, output = self.output
        if kind == "boot":
            boot_until(output, self.artefacts, *lines)
        else:
            said_in_order(output, lines)

    def write(self, path: str, after: str, text: str) -> None:
        file = self.tree / path
        if after:
            lines = file.read_text().splitlines(keepends=True)
            place = next(i for i, line in enumerate(lines) if line.startswith(after + " "))
            text = "".join([*lines[:place + 1], text, *lines[place + 1:]])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.mark.slow
def test_tutorial(tree, artefacts, tmp_path, monkeypatch):
    blocks = BLOCK.findall((tree / "docs" / "tutorial.md").read_text())
    assert {language for language, *_ in blocks} == {"sh", "text", "c", "idl", "meson", "toml"}
    shutil.copytree(tree, tmp_path / "pith", ignore=LEFT_OUT, symlinks=True)
    reader = Reader(tmp_path / "pith", artefacts, monkeypatch)
    for language, path, after, text in blocks:
        if language == "sh":
            reader.command(text.split())
        elif language == "text":
            reader.expect(text.splitlines())
        else:
            reader.write(path, after, text)
