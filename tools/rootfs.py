#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Writes the root of all files of a Linux system as a cpio archive ("newc") in which the data of each file
begins at a multiple of 4,096 bytes, so that it can be mapped where it lies.

usage: rootfs.py -o OUT [--busybox FILE] [DIRECTORY|TAR...]

Where several roots name the same file, the last one has it; --busybox begins with the standard small root.
What a header's name is padded with is zeros: `namesize` says where the data begins, the first zero where
the name ends.  Of the names of a file with several the first has the data.  Directories come before what is
in them, and all names are in order, so the same root gives the same bytes.
"""
import argparse
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO, Callable, NamedTuple, Optional

PAGE = 4096
HEADER_BYTES = 110
MAGIC = b"070701"
TRAILER = "TRAILER!!!"
LARGEST = 0xFFFFFFFF


class RootError(Exception):
    """Something that the caller can put right."""


class Entry(NamedTuple):
    """A file without its name.  Entries with the same `link` (not None) are one file."""
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    device: tuple = (0, 0)
    link: Optional[object] = None
    read: Optional[Callable] = None  # opens the data for reading; the caller closes it

    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)


class Bytes:
    """Data that is at hand, as Entry.read gives it."""

    def __init__(self, data: bytes):
        self.data = data

    def __call__(self) -> BinaryIO:
        import io
        return io.BytesIO(self.data)


def with_data(mode: int, data: bytes, **more) -> Entry:
    return Entry(mode, size=len(data), read=Bytes(data), **more)


def directory(mode: int = 0o755) -> Entry:
    return Entry(stat.S_IFDIR | mode)


def regular(text: str, mode: int = 0o644) -> Entry:
    return with_data(stat.S_IFREG | mode, text.encode())


def symlink(target: str) -> Entry:
    return with_data(stat.S_IFLNK | 0o777, os.fsencode(target))


def device(mode: int, major: int, minor: int) -> Entry:
    return Entry(stat.S_IFCHR | mode, device=(major, minor))


# ---- where roots come from

STANDARD_DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "dev/pts": 0o755, "dev/shm": 0o1777, "etc": 0o755, "home": 0o755,
    "proc": 0o555, "root": 0o700, "run": 0o755, "sys": 0o555, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755,
    "var": 0o755, "var/tmp": 0o1777,
}
STANDARD_TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/hostname": "pith\n",
    "etc/hosts": "127.0.0.1 localhost pith\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/shells": "/bin/sh\n/bin/bash\n",
}
STANDARD_DEVICES = {
    "dev/null": (0o666, 1, 3), "dev/zero": (0o666, 1, 5), "dev/full": (0o666, 1, 7), "dev/random": (0o666, 1, 8),
    "dev/urandom": (0o666, 1, 9), "dev/tty": (0o666, 5, 0), "dev/console": (0o600, 5, 1), "dev/ptmx": (0o666, 5, 2),
}
STANDARD_LINKS = {
    "dev/fd": "/proc/self/fd", "dev/stdin": "/proc/self/fd/0", "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2", "etc/mtab": "/proc/self/mounts",
}


def standard_root() -> dict:
    """What every root has, by name; roots of packages lack some of it, since no script of theirs has run."""
    root = {"": directory()}
    root.update({name: directory(mode) for name, mode in STANDARD_DIRECTORIES.items()})
    root.update({name: regular(text) for name, text in STANDARD_TEXTS.items()})
    root.update({name: device(*what) for name, what in STANDARD_DEVICES.items()})
    root.update({name: symlink(target) for name, target in STANDARD_LINKS.items()})
    return root


def busybox_root(program: Path) -> dict:
    """The standard root with busybox and a link for each of its applets, which it is asked for."""
    try:
        done = subprocess.run([program, "--list-full"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RootError(f"{program}: cannot be asked for its applets: {error}") from None
    root = standard_root()
    root["bin/busybox"] = file_entry(program)._replace(uid=0, gid=0, mode=stat.S_IFREG | 0o755)
    for applet in done.stdout.split():
        parent, _, _ = applet.rpartition("/")
        root.setdefault(parent, directory())
        if applet not in ("bin/busybox", "linuxrc"):
            root[applet] = symlink("/bin/busybox")
    root["bin/sh"] = symlink("/bin/busybox")
    return root


def file_entry(path: Path) -> Entry:
    """A file of this machine, as it is."""
    status = os.lstat(path)
    common = {"mode": status.st_mode, "uid": status.st_uid, "gid": status.st_gid, "mtime": int(status.st_mtime)}
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(path))
        return Entry(**common, size=len(target), read=Bytes(target))
    if stat.S_ISREG(status.st_mode):
        link = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
        return Entry(**common, size=status.st_size, link=link, read=lambda: open(path, "rb"))
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return Entry(**common, device=(os.major(status.st_rdev), os.minor(status.st_rdev)))
    return Entry(**common)


def directory_root(top: Path) -> dict:
    root = {"": file_entry(top)}
    for folder, directories, files in os.walk(top):
        directories.sort()
        for name in directories + files:
            path = Path(folder, name)
            root[str(path.relative_to(top))] = file_entry(path)
    return root


TAR_KINDS = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR,
             tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}


def tar_name(name: str) -> str:
    """Without "./" in front; a name that leads out of the root is refused."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise RootError(f"tar: the name {name!r} leads out of the root")
    return "/".join(parts)


def tar_entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind = TAR_KINDS.get(member.type, stat.S_IFREG)
    common = {"mode": kind | member.mode & 0o7777, "uid": member.uid, "gid": member.gid,
              "mtime": max(int(member.mtime), 0)}
    if kind == stat.S_IFLNK:
        target = os.fsencode(member.linkname)
        return Entry(**common, size=len(target), read=Bytes(target))
    if kind == stat.S_IFREG:
        return Entry(**common, size=member.size, read=lambda: archive.extractfile(member))
    return Entry(**common, device=(member.devmajor, member.devminor))


def tar_root(path: Path) -> dict:
    """Without unpacking it, so that owners and devices stay.  The archive stays open for its data."""
    root = {}
    try:
        archive = tarfile.open(path)
        for member in archive:
            name = tar_name(member.name)
            if member.islnk():
                first = tar_name(member.linkname)
                if first not in root:
                    raise RootError(f"{path}: {name} is a link to {first}, which is not there")
                root[first] = root[first]._replace(link=(str(path), first) if root[first].link is None
                                                   else root[first].link)
                root[name] = root[first]
            else:
                root[name] = tar_entry(archive, member)
    except (OSError, tarfile.TarError) as error:
        raise RootError(f"{path}: {error}") from None
    return root


class Part:
    """Some bytes of a file, as Entry.read gives them."""

    def __init__(self, path: Path, place: int):
        self.path, self.place = path, place

    def __call__(self) -> BinaryIO:
        file = open(self.path, "rb")
        file.seek(self.place)
        return file


def is_cpio(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def cpio_root(path: Path) -> dict:
    """An archive as `write` makes it.  Data is read from the archive when it is wanted."""
    root, files = {}, {}
    with open(path, "rb") as file:
        while True:
            header = file.read(HEADER_BYTES)
            if len(header) < HEADER_BYTES or header[:len(MAGIC)] != MAGIC:
                raise RootError(f"{path}: no archive of the kind \"newc\", or cut off")
            inode, mode, uid, gid, links, mtime, size, _, _, major, minor, name_size, _ = (
                int(header[i:i + 8], 16) for i in range(len(MAGIC), HEADER_BYTES, 8))
            name = os.fsdecode(file.read(name_size).split(b"\0")[0])
            if name == TRAILER:
                return root
            file.seek(-file.tell() % 4, os.SEEK_CUR)
            entry = Entry(mode, uid, gid, mtime, size, (major, minor), read=Part(path, file.tell()))
            if links > 1 and stat.S_ISREG(mode):
                entry = files.setdefault(inode, entry._replace(link=(str(path), inode)))
            root["" if name == "." else name] = entry
            file.seek(size + -size % 4, os.SEEK_CUR)


def open_root(path: Path) -> dict:
    if path.is_dir():
        return directory_root(path)
    if path.is_file() and is_cpio(path):
        return cpio_root(path)
    if path.exists():
        return tar_root(path)
    raise RootError(f"{path}: there is no such directory or archive")


def merge(*roots: dict) -> dict:
    """One root of several, the later ones over the earlier.  What is in a directory of an earlier root that a
    later one has as a link (bin -> usr/bin) goes where the link leads."""
    merged = {}
    for root in roots:
        for name, entry in root.items():
            if name in merged and stat.S_ISLNK(entry.mode) and merged[name].is_directory():
                move_below(merged, name, entry)
            merged[name] = entry
    return with_parents(merged)


def move_below(root: dict, name: str, link: Entry) -> None:
    with link.read() as file:
        target = os.path.normpath(os.path.join("/", os.path.dirname(name), os.fsdecode(file.read()))).lstrip("/")
    for old in [n for n in root if n.startswith(name + "/")]:
        root.setdefault(target + old[len(name):], root[old])
        del root[old]


def with_parents(root: dict) -> dict:
    for name in list(root):
        while name:
            name = name.rpartition("/")[0]
            root.setdefault(name, directory())
    return root


# ---- the archive

class Writer:
    """Writes entries one after another."""

    def __init__(self, out: BinaryIO, align: int):
        self.out = out
        self.align = align
        self.place = 0
        self.inode = 0
        self.links = {}  # link -> number

    def put(self, data: bytes) -> None:
        self.out.write(data)
        self.place += len(data)

    def header(self, name: bytes, entry: Entry, fields: tuple) -> None:
        inode, links, size = fields
        bare = HEADER_BYTES + len(name) + 1
        align = self.align if size and stat.S_ISREG(entry.mode) else 4
        padding = -(self.place + bare) % align
        numbers = (inode, entry.mode, entry.uid, entry.gid, links, entry.mtime & LARGEST, size, 0, 0,
                   *entry.device, len(name) + 1 + padding, 0)
        self.put(MAGIC + b"".join(b"%08X" % n for n in numbers) + name + bytes(1 + padding))

    def add(self, name: str, entry: Entry, names: int = 1) -> None:
        """`names`: how many the file has."""
        known = self.links.get(entry.link) if entry.link is not None else None
        self.inode += known is None
        if entry.link is not None:
            self.links.setdefault(entry.link, self.inode)
        if entry.size > LARGEST:
            raise RootError(f"{name}: larger than 4 GiB")
        size = 0 if known else entry.size
        self.header(os.fsencode(name), entry, (known or self.inode, names, size))
        if size:
            self.data(name, entry)

    def data(self, name: str, entry: Entry) -> None:
        left = entry.size
        with entry.read() as file:
            while left:
                piece = file.read(min(left, 1 << 20))
                if not piece:
                    raise RootError(f"{name}: shorter than it was")
                left -= len(piece)
                self.put(piece)
        self.put(bytes(-self.place % 4))

    def end(self) -> None:
        self.header(TRAILER.encode(), Entry(0), (0, 1, 0))
        self.put(bytes(-self.place % PAGE))


def write(root: dict, out: BinaryIO, align: int = PAGE) -> None:
    """`align`: of the data; with more than 4 some names are too long for Linux, of which it takes no file."""
    names = {}
    for entry in root.values():
        if entry.link is not None:
            names[entry.link] = names.get(entry.link, 0) + 1
    writer = Writer(out, align)
    for name in sorted(root, key=lambda n: n.split("/") if n else []):
        writer.add(name or ".", root[name], names.get(root[name].link, 1))
    writer.end()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="out", metavar="OUT", required=True, help="the archive to write")
    parser.add_argument("--busybox", type=Path, metavar="FILE", help="a static busybox")
    parser.add_argument("roots", type=Path, metavar="DIRECTORY|TAR", nargs="*")
    arguments = parser.parse_args()
    try:
        first = busybox_root(arguments.busybox) if arguments.busybox else {}
        with open(arguments.out, "wb") as out:
            write(merge(first, *(open_root(path) for path in arguments.roots)), out)
    except (RootError, OSError) as error:
        print(f"rootfs: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
