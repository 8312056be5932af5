# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""A component outside the tree, built with the installed SDK by make and by Meson, as docs/sdk.md says."""
import os
import subprocess
from pathlib import Path

import pytest

from harness import boot_until
from pithlib import sdk
from pithlib.ui import Failure
from walkthrough import Reader


class Outsider(Reader):
    """Has the SDK and no tree."""

    def __init__(self, folder: Path, build: Path, artefacts: Path, monkeypatch):
        super().__init__(folder)
        self.build, self.artefacts, self.monkeypatch = build, artefacts, monkeypatch

    def carry_out(self, words: list):
        if words[:2] == ["./pith", "sdk"]:
            sdk.install(self.build, (self.folder / words[2]).resolve())
            return None
        if words[0] == "export":
            for word in words[1:]:
                name, _, value = word.partition("=")
                value = value.replace("$PWD", str(self.folder)).replace("$PATH", os.environ["PATH"])
                self.monkeypatch.setenv(name, value)
            return None
        if words[0] == "pith-run":
            return lambda lines: boot_until(self.folder / words[1], self.artefacts, *lines)
        return super().carry_out(words)


def use_floating_point(folder: Path) -> None:
    """The station of the page's end, which has the C library, with vector registers and by Meson."""
    for name, before, after in (("station.c", "%d.%d degrees", "%.1f degrees, %.4f"),
                                ("station.c", "TENTHS / 10, TENTHS % 10", "TENTHS / 10.0, sin(TENTHS)"),
                                ("station.c", "#include <stdio.h>", "#include <math.h>\n#include <stdio.h>"),
                                ("station.toml", 'heap = "64K"', 'heap = "64K"\nvector = true'),
                                ("meson.build", "dependency('pith')", "dependency('pith-libc-vector')")):
        text = (folder / name).read_text()
        assert text.count(before) == 1, f"{name}: {before}"
        (folder / name).write_text(text.replace(before, after))


@pytest.mark.slow
def test_component_outside_the_tree(tree, pith_build, artefacts, tmp_path, monkeypatch):
    (tmp_path / "station").mkdir()
    outsider = Outsider(tmp_path / "station", pith_build, artefacts, monkeypatch)
    assert outsider.follow((tree / "docs" / "sdk.md").read_text()) > 12
    moved = tmp_path / "elsewhere"
    (tmp_path / "pith-sdk").rename(moved)
    monkeypatch.setenv("PATH", f"{moved}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PKG_CONFIG_PATH", f"{moved}/lib/pkgconfig")
    subprocess.run(["make", "-B", "PITH=pith-libc", "station.img"], cwd=outsider.folder, check=True)
    use_floating_point(outsider.folder)
    subprocess.run(["meson", "setup", "again"], cwd=outsider.folder, check=True)
    subprocess.run(["ninja", "-C", "again"], cwd=outsider.folder, check=True)
    boot_until(outsider.folder / "again" / "station.img", artefacts, "station: station 1 measures 21.5 degrees, 0.9802")
    wrong = subprocess.run(["pith-system", "-o", "x.img", "station.toml", "--protocols", "nowhere"], check=False,
                           cwd=outsider.folder, capture_output=True, text=True)
    assert wrong.returncode == 1 and "station.toml" in wrong.stderr and not (outsider.folder / "x.img").exists()


def test_directory_that_is_in_use(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="not empty"):
        sdk.sdk(str(tmp_path))
