# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Debian's Linux for virtual machines, as a guest that Pith is compared with."""
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

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


def unpack(archive: Path, out: Path) -> None:
    """The kernel out of its package."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                if member.name.startswith("./boot/vmlinuz-"):
                    with out.open("wb") as file:
                        shutil.copyfileobj(tar.extractfile(member), file)


def kernel() -> Path:
    """Fetched once, into build/debian."""
    name = package()
    out = CACHE / f"vmlinuz-{name}"
    if out.exists():
        return out
    work = CACHE / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with Step(f"fetch {name}"):
        asked(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], f"fetching {name}", cwd=work)
        unpack(next(work.glob("*.deb")), work / "vmlinuz")
        (work / "vmlinuz").rename(out)
    shutil.rmtree(work)
    return out


def arguments(root: Path, words: list, options: str = "") -> list:
    """For QEMU: boots it with an archive as its root, in which t/linux_init (bench/linux/init.c) runs a command."""
    line = " ".join([OPTIONS, options, "rdinit=/t/linux_init", "--", *words])
    return ["-kernel", str(kernel()), "-initrd", str(root), "-append", line]
