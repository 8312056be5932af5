# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What Debian has of Linux that Pith is compared with: a kernel for virtual machines, and the manual of its calls."""
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Callable, Iterator

from .ui import TREE, Failure, Step, tail

PACKAGE = "linux-image-cloud-amd64"
CACHE = TREE / "build" / "debian"
KERNEL_AT = 0x1000000  # where the decompressed kernel begins: CONFIG_PHYSICAL_START, without address randomisation
OPTIONS = "console=ttyS0 quiet nokaslr panic=-1"


def asked(command: list, what: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{what} failed:\n{tail(done.stderr, 15)}\nthe command was: {' '.join(command)}")
    return done.stdout


def package() -> str:
    """The package that has the kernel of the day, which the other one depends on."""
    text = asked(["apt-cache", "show", "--no-all-versions", PACKAGE], "looking for Debian's Linux")
    found = re.search(r"^Depends:.*\b(linux-image-\S+)", text, re.MULTILINE)
    if not found:
        raise Failure(f"{PACKAGE} depends on no kernel")
    return found[1]


def members(archive: Path, start: str) -> Iterator:
    """What a package has whose names begin so: (the open archive, the member)."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                if member.name.startswith(start) and not member.isdir():
                    yield tar, member


def fetched(name: str, out: Path, unpack: Callable) -> Path:
    """`out`, which `unpack` makes of a package the first time: called with its archive and where to write."""
    if out.exists():
        return out
    work = CACHE / f"work-{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with Step(f"fetch {name}"):
        asked(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], f"fetching {name}", cwd=work)
        unpack(next(work.glob("*.deb")), work / "out")
        (work / "out").rename(out)
    shutil.rmtree(work)
    return out


def unpack_kernel(archive: Path, out: Path) -> None:
    for tar, member in members(archive, "./boot/vmlinuz-"):
        with out.open("wb") as file:
            shutil.copyfileobj(tar.extractfile(member), file)


def kernel() -> Path:
    """Fetched once, into build/debian."""
    name = package()
    return fetched(name, CACHE / f"vmlinuz-{name}", unpack_kernel)


def unpack_manual(archive: Path, out: Path) -> None:
    for tar, member in members(archive, "./usr/share/man/man"):
        member.name = str(Path(member.name).relative_to("usr/share/man"))
        tar.extract(member, out)


def manual() -> Path:
    """The pages of system calls, likewise: section 2, beside the others, which some of them are in."""
    return fetched("manpages-dev", CACHE / "man", unpack_manual) / "man2"


def arguments(root: Path, words: list, options: str = "") -> list:
    """For QEMU: boots it with an archive as its root, in which t/linux_init (bench/linux/init.c) runs a command."""
    line = " ".join([OPTIONS, options, "rdinit=/t/linux_init", "--", *words])
    return ["-kernel", str(kernel()), "-initrd", str(root), "-append", line]
