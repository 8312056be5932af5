# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Pages of the manual that are carried out as they stand.

A block of such a page is `sh` (a command), `text` (what the command before says, line by line, in this order, perhaps
with more between), or a language and a path (the file's text; "after KEY": a line to add below that of the key).
"""
import re
import shlex
import subprocess
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)(?: (\S+)(?: after (\w+))?)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def said_in_order(text: str, lines: list) -> None:
    place = 0
    for line in lines:
        found = text.find(line, place)
        assert found >= 0, f"'{line}' was not said (in order):\n{text}"
        place = found + len(line)


class Reader:
    """Somebody who does what a page says in a folder.  `carry_out` gets a command's words and returns a function that
    fails unless the lines that it is given are said."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.expect = None

    def carry_out(self, words: list):
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(words)}:\n{done.stdout}{done.stderr}"
        return lambda lines: said_in_order(done.stdout, lines)

    def write(self, path: str, after: str, text: str) -> None:
        file = self.folder / path
        if after:
            lines = file.read_text().splitlines(keepends=True)
            place = next(i for i, line in enumerate(lines) if line.startswith(after + " "))
            text = "".join([*lines[:place + 1], text, *lines[place + 1:]])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def follow(self, page: str) -> int:
        """Do everything; how many blocks there were."""
        blocks = BLOCK.findall(page)
        for language, path, after, text in blocks:
            if language == "sh":
                self.expect = self.carry_out(shlex.split(text))
            elif language == "text":
                self.expect(text.splitlines())
            else:
                assert path, f"which file is this?\n{text}"
                self.write(path, after, text)
        return len(blocks)
