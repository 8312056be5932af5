# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The tutorial, carried out as it stands in a copy of the tree."""
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import boot_until
from walkthrough import Reader, said_in_order

LEFT_OUT = shutil.ignore_patterns("build", ".git", "__pycache__")


class Newcomer(Reader):
    """Builds only what a command boots."""

    def __init__(self, folder: Path, artefacts: Path):
        super().__init__(folder)
        self.artefacts = artefacts
        self.build = folder / "build" / "release"

    def carry_out(self, words: list):
        if words[:2] == ["./pith", "run"]:
            system = words[3]
            assert self.make(f"{system}.img") == ""
            return lambda lines: boot_until(system, self.artefacts, *lines)
        if words == ["./pith", "build"]:
            complaint = self.make("greeter.img")
            return lambda lines: said_in_order(complaint, lines)
        return super().carry_out(words)

    def make(self, target: str) -> str:
        """Build one target and the loader; what went wrong."""
        setup = ["meson", "setup", *(["--reconfigure"] if self.build.exists() else []), "-Dhost_tests=false",
                 "--cross-file", "tools/cross/x86_64-gcc.ini", str(self.build), str(self.folder)]
        for command in (setup, ["ninja", "-C", str(self.build), "boot/loader", target]):
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return done.stdout + done.stderr
        return ""


@pytest.mark.slow
def test_tutorial(tree, artefacts, tmp_path, monkeypatch):
    shutil.copytree(tree, tmp_path / "pith", ignore=LEFT_OUT, symlinks=True)
    newcomer = Newcomer(tmp_path / "pith", artefacts)
    monkeypatch.setenv("PITH_BUILD", str(newcomer.build))
    assert newcomer.follow((tree / "docs" / "tutorial.md").read_text()) > 15
