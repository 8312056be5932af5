# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The archive that is the root of all files of a Linux system: what is in it, and where its data lies."""
import io
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

import rootfs

BUSYBOX = Path("/bin/busybox")


class Found(NamedTuple):
    name: str
    inode: int
    mode: int
    uid: int
    gid: int
    links: int
    mtime: int
    device: tuple
    place: int
    data: bytes


def read(archive: bytes) -> dict:
    """A reader of newc of its own: by name."""
    found, at = {}, 0
    while True:
        assert archive[at:at + 6] == b"070701"
        f = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110:at + 110 + f[11]].split(b"\0")[0].decode("utf-8", "surrogateescape")
        place = (at + 110 + f[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert len(archive) % 4096 == 0 and not archive[place:].strip(b"\0")
            return found
        assert name not in found and f[11] > len(name)
        found[name] = Found(name, f[0], f[1], f[2], f[3], f[4], f[5], (f[9], f[10]), place,
                            archive[place:place + f[6]])
        at = (place + f[6] + 3) // 4 * 4


def written(root: dict) -> dict:
    out = io.BytesIO()
    rootfs.write(root, out)
    return read(out.getvalue())


def is_aligned(found: dict) -> bool:
    return all(f.place % 4096 == 0 for f in found.values() if stat.S_ISREG(f.mode) and f.data)


def sample(top: Path) -> None:
    (top / "etc" / "deep").mkdir(parents=True)
    (top / "etc" / "empty").write_bytes(b"")
    (top / "etc" / "one").write_bytes(b"x" * 5000)
    os.link(top / "etc" / "one", top / "etc" / "deep" / "two")
    os.symlink("../etc/one", top / "link")
    os.mkfifo(top / "fifo")
    (top / "run.sh").write_text("#!/bin/sh\n")
    (top / "run.sh").chmod(0o4751)
    (top / "né \udcff").write_bytes(b"odd")


def test_directory(tmp_path):
    sample(tmp_path)
    found = written(rootfs.directory_root(tmp_path))
    assert is_aligned(found)
    assert found["."].mode == tmp_path.lstat().st_mode
    one, two = found["etc/one"], found["etc/deep/two"]
    assert one.inode == two.inode and one.links == two.links == 2
    assert sorted([one.data, two.data]) == [b"", b"x" * 5000]
    assert list(found).index("etc/deep/two") < list(found).index("etc/one") and two.data  # the first has it
    assert stat.S_ISLNK(found["link"].mode) and found["link"].data == b"../etc/one"
    assert stat.S_ISFIFO(found["fifo"].mode)
    assert stat.S_IMODE(found["run.sh"].mode) == 0o4751
    assert found["run.sh"].uid == os.getuid() and found["run.sh"].mtime == int((tmp_path / "run.sh").stat().st_mtime)
    assert found["etc/empty"].data == b"" and found["etc/empty"].links == 1


def test_what_is_in_a_directory_comes_behind_it(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/x", "a-b", "a.c", "a/b"):
        (tmp_path / name).write_text(name)
    names = list(written(rootfs.directory_root(tmp_path)))
    assert names == [".", "a", "a/b", "a/x", "a-b", "a.c"]


def tar_of(path: Path, members: list) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, kind, more in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, more.pop("mode", 0o644)
            data = more.pop("data", b"")
            info.size = len(data)
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_tar_keeps_what_only_root_could_make(tmp_path):
    path = tar_of(tmp_path / "root.tar", [
        ("./", tarfile.DIRTYPE, {"mode": 0o755}),
        ("./dev/null", tarfile.CHRTYPE, {"mode": 0o666, "devmajor": 1, "devminor": 3}),
        ("./home/me", tarfile.REGTYPE, {"data": b"m" * 9000, "uid": 1000, "gid": 1001, "mode": 0o600, "mtime": 77}),
        ("./home/mine", tarfile.LNKTYPE, {"linkname": "./home/me"}),
        ("./home/further", tarfile.LNKTYPE, {"linkname": "./home/mine"}),
        ("./home/soft", tarfile.SYMTYPE, {"linkname": "me"}),
    ])
    found = written(rootfs.merge(rootfs.open_root(path)))
    assert is_aligned(found)
    assert found["dev/null"].device == (1, 3) and found["dev/null"].mode == stat.S_IFCHR | 0o666
    names = [found["home/" + n] for n in ("me", "mine", "further")]
    assert {f.inode for f in names} == {names[0].inode} and {f.links for f in names} == {3}
    assert sorted(len(f.data) for f in names) == [0, 0, 9000]
    assert (names[0].uid, names[0].gid, names[0].mtime) == (1000, 1001, 77)
    assert found["home/soft"].data == b"me" and stat.S_ISDIR(found["home"].mode)


@pytest.mark.parametrize("members", [
    [("../out", tarfile.REGTYPE, {})],
    [("b", tarfile.LNKTYPE, {"linkname": "nothing"})],
])
def test_bad_tar(tmp_path, members):
    with pytest.raises(rootfs.RootError):
        rootfs.open_root(tar_of(tmp_path / "bad.tar", members))


def archive_of(root: dict, out: Path, **options) -> bytes:
    with out.open("wb") as file:
        rootfs.write(root, file, **options)
    return out.read_bytes()


def test_an_archive_is_read_as_it_was_written(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    sample(top)
    first = archive_of(rootfs.directory_root(top), tmp_path / "first")
    assert archive_of(rootfs.open_root(tmp_path / "first"), tmp_path / "second") == first


def test_an_archive_for_linux(tmp_path):
    """No name is longer than a path may be."""
    top = tmp_path / "top"
    top.mkdir()
    sample(top)
    dense = archive_of(rootfs.directory_root(top), tmp_path / "dense", align=4)
    usual = archive_of(rootfs.directory_root(top), tmp_path / "usual")
    strip = [{n: f._replace(place=0) for n, f in read(text).items()} for text in (dense, usual)]
    assert strip[0] == strip[1] and len(dense) < len(usual)
    assert all(f.place < 8000 for f in read(dense).values())


@pytest.mark.parametrize("cut", [50, 300])
def test_an_archive_that_is_cut_off(tmp_path, cut):
    text = archive_of(rootfs.standard_root(), tmp_path / "root")
    (tmp_path / "root").write_bytes(text[:cut])
    with pytest.raises(rootfs.RootError, match="cut off"):
        rootfs.open_root(tmp_path / "root")


def test_not_a_root(tmp_path):
    (tmp_path / "text").write_text("no archive\n" * 100)
    for name in ("text", "missing"):
        with pytest.raises(rootfs.RootError):
            rootfs.open_root(tmp_path / name)


def test_merge_lays_the_later_over_the_earlier(tmp_path):
    first = {"bin": rootfs.directory(), "bin/tool": rootfs.regular("tool"), "etc/a": rootfs.regular("1")}
    second = {"bin": rootfs.symlink("usr/bin"), "usr/bin": rootfs.directory(), "etc/a": rootfs.regular("2")}
    found = written(rootfs.merge(first, second))
    assert found["usr/bin/tool"].data == b"tool" and found["etc/a"].data == b"2"
    assert stat.S_ISLNK(found["bin"].mode) and "bin/tool" not in found and "etc" in found


def test_a_file_that_shrinks_is_told(tmp_path):
    entry = rootfs.regular("short")._replace(size=10)
    with pytest.raises(rootfs.RootError, match="shorter"):
        rootfs.write({"f": entry}, io.BytesIO())


@pytest.mark.skipif(not BUSYBOX.exists(), reason="no busybox here")
def test_standard_root(tree, tmp_path):
    out = tmp_path / "out.cpio"
    command = [sys.executable, str(tree / "tools/rootfs.py"), "-o", str(out), "--busybox", str(BUSYBOX)]
    subprocess.run(command, check=True)
    found = read(out.read_bytes())
    assert is_aligned(found)
    assert found["bin/busybox"].data == BUSYBOX.read_bytes() and found["bin/sh"].data == b"/bin/busybox"
    assert found["usr/bin/env"].data == b"/bin/busybox"
    assert {"tmp", "proc", "dev", "root", "etc/passwd", "etc/group"} <= set(found)
    assert found["dev/ptmx"].device == (5, 2) and stat.S_IMODE(found["tmp"].mode) == 0o1777
    first = out.read_bytes()
    subprocess.run(command, check=True)
    assert out.read_bytes() == first
    # As others read it.
    (tmp_path / "there").mkdir()
    listed = subprocess.run([str(BUSYBOX), "cpio", "-t"], input=first, capture_output=True, check=True)
    assert set(listed.stdout.decode().split()) == set(found)


def test_refuses(tree, tmp_path):
    done = subprocess.run([sys.executable, str(tree / "tools/rootfs.py"), "-o", str(tmp_path / "o"), "/does/not/exist"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("rootfs: error: /does/not/exist: ")
