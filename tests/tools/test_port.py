# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""tools/port.py: what recipes may say, which sources are asked, and that a port is built once, from the
right archive, with its patches.  No network: archives come from here."""
import hashlib
import tarfile
from pathlib import Path

import pytest

import port

CROSS = "[binaries]\nc = 'x86_64-linux-gnu-gcc'\nar = 'x86_64-linux-gnu-ar'\n\n[properties]\nskip_sanity_check = true\n" \
        "needs_exe_wrapper = true\n\n[host_machine]\nsystem = 'none'\ncpu_family = 'x86_64'\ncpu = 'x86_64'\nendian = 'little'\n"
MESON = "project('small', 'c')\nstatic_library('small', 'small.c', install: true)\ninstall_headers('small.h')\n"
PATCH = "--- a/small.h\n+++ b/small.h\n@@ -1 +1 @@\n-#define SMALL 1\n+#define SMALL 2\n"
RECIPE = """
source = "small"
upstream = "1"
archive = "{checksum}"
[build]
system = "meson"
cross = "cross.ini"
results = ["lib/libsmall.a", "include/small.h"]
[build.variants.one]
arguments = ["-DONE"]
[build.variants.two]
"""


class Ports:
    """A tree with one port, and what was fetched for it."""

    def __init__(self, place: Path, monkeypatch):
        self.tree, self.cache, self.fetched = place / "tree", place / "cache", 0
        self.folder = self.tree / "ports" / "small"
        (self.folder / "patches").mkdir(parents=True)
        (self.tree / "cross.ini").write_text(CROSS)
        (self.folder / "patches" / "two.patch").write_text(PATCH)
        self.archive = self.make_archive(place)
        self.write(RECIPE)
        monkeypatch.setattr(port, "TREE", self.tree)
        monkeypatch.setattr(port, "PAUSE", 0)
        monkeypatch.setattr(port, "fetch_archive", self.fetch)

    @staticmethod
    def make_archive(place: Path) -> bytes:
        source = place / "small-1"
        source.mkdir()
        for name, text in {"meson.build": MESON, "small.c": '#include "small.h"\nint small = SMALL;\n',
                           "small.h": "#define SMALL 1\n"}.items():
            (source / name).write_text(text)
        with tarfile.open(place / "small.tar", "w") as tar:
            tar.add(source, source.name)
        return (place / "small.tar").read_bytes()

    def write(self, recipe: str) -> None:
        text = recipe.format(checksum=hashlib.sha256(self.archive).hexdigest())
        (self.folder / "recipe.toml").write_text(text)

    def fetch(self, recipe: dict, work: Path) -> Path:
        self.fetched += 1
        (work / "small.orig.tar.gz").write_bytes(self.archive)
        return work / "small.orig.tar.gz"

    def provide(self, variant: str = "one") -> Path:
        return port.provide_built("small", variant, self.cache)


@pytest.fixture
def ports(tmp_path, monkeypatch) -> Ports:
    return Ports(tmp_path, monkeypatch)


def test_built_once_and_offline_afterwards(ports):
    first = ports.provide()
    assert (first / "lib" / "libsmall.a").is_file()
    assert (first / "include" / "small.h").read_text() == "#define SMALL 2\n", "the patch was not applied"
    before = (first / "lib" / "libsmall.a").stat().st_mtime_ns
    assert ports.provide() == first
    assert (first / "lib" / "libsmall.a").stat().st_mtime_ns == before, "built again"
    assert ports.provide("two") != first
    assert ports.fetched == 1


def test_other_patches_are_another_build(ports):
    first = ports.provide()
    (ports.folder / "patches" / "two.patch").write_text(PATCH.replace("SMALL 2", "SMALL 3"))
    second = ports.provide()
    assert second != first and ports.fetched == 1
    assert (second / "include" / "small.h").read_text() == "#define SMALL 3\n"


def test_wrong_archive_is_refused_and_fetched_again(ports):
    right = ports.archive
    ports.archive = right + b"\0"
    with pytest.raises(port.PortError, match=r"has checksum \w{64}, the recipe says \w{64}"):
        ports.provide()
    assert ports.fetched == port.TRIES
    ports.archive = right
    assert ports.provide().is_dir()


def test_damaged_archive_is_not_used(ports):
    ports.provide()
    (ports.cache / "archives" / "small-1").write_bytes(b"damaged")
    ports.provide("two")
    assert ports.fetched == 2


def test_patch_that_does_not_apply(ports):
    (ports.folder / "patches" / "two.patch").write_text(PATCH.replace("SMALL 1", "SMALL 9"))
    with pytest.raises(port.PortError, match="applying two.patch failed"):
        ports.provide()


def test_build_that_fails_leaves_nothing(ports):
    ports.write(RECIPE.replace("-DONE", "-Werror -DSMALL=3"))
    with pytest.raises(port.PortError, match="compiling failed:\n(?:.*\n)*.*SMALL"):
        ports.provide()
    assert not list(ports.cache.glob("small/*"))


@pytest.mark.parametrize("old, new, complaint", [
    ('"meson"', '"make"', "only one there is"),
    ('archive = "{checksum}"', "", "needs 'archive'"),
    ("cross = ", "cros = ", "unknown key 'cros'"),
    ("arguments = ", "argument = ", r"\[build.variants.one\] has an unknown key 'argument'"),
    ("[build.variants.one]\n", "", "unknown key|needs one"),
    ('source = "small"', "", "'source' is missing"),
])
def test_wrong_recipe(ports, old, new, complaint):
    text = RECIPE.replace(old, new)
    if old.startswith("[build.variants"):
        text = RECIPE[:RECIPE.index(old)]
    ports.write(text)
    with pytest.raises(port.PortError, match=complaint):
        ports.provide()


def test_no_such_variant(ports):
    with pytest.raises(port.PortError, match=r"no \[build.variants.three\]"):
        ports.provide("three")


def test_link_and_stamp(ports, tmp_path, capsys, monkeypatch):
    arguments = ["small", "--variant", "one", "--cache", str(ports.cache),
                 "--link", str(tmp_path / "a" / "link"), "--stamp", str(tmp_path / "stamp")]
    assert port.main(arguments) == 0
    assert (tmp_path / "a" / "link").resolve() == ports.provide()
    assert (tmp_path / "stamp").read_text().strip() == str(ports.provide())
    assert port.main(["small", "--variant", "four", "--cache", str(ports.cache)]) == 1
    assert "port small: error:" in capsys.readouterr().err


DEB822 = "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
OLD = "deb http://mirror/debian bookworm main\ndeb http://mirror/security bookworm-security main\n"


def test_sources_of_another_release(monkeypatch):
    monkeypatch.setattr(port, "codename", lambda: "bookworm")
    assert port.source_entries(DEB822, False, "trixie") == \
        "Types: deb-src\nURIs: http://mirror/debian\nSuites: trixie trixie-updates\nComponents: main\n"
    assert port.source_entries(OLD, True, "trixie") == \
        "deb-src http://mirror/debian trixie main\ndeb-src http://mirror/security trixie-security main\n"
    assert "bookworm" in port.source_entries(DEB822, False)
