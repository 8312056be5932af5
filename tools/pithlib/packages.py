# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Which Debian packages the tree needs, which are missing, and installing them."""
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

from .ui import Failure, say


class Package(NamedTuple):
    name: str
    groups: str  # which commands need it: "run" also means build, "graph" drawing, "root" --packages; "test" needs all
    probe: str   # a program or file that shows its presence where there is no dpkg
    why: str


PACKAGES = [
    Package("gcc", "run", "x86_64-linux-gnu-gcc", "C compiler for the kernel and the host tests"),
    Package("binutils", "run", "addr2line", "linker, and addr2line for ./pith debug"),
    Package("libc6-dev", "run", "/usr/include/stdio.h", "C library headers for the host tests"),
    Package("meson", "run", "meson", "build system"),
    Package("ninja-build", "run", "ninja", "runs the build"),
    Package("libcmocka-dev", "run", "/usr/include/cmocka.h", "host unit tests"),
    Package("busybox-static", "run", "/bin/busybox", "unmodified Linux program for the guest tests"),
    Package("patch", "run", "patch", "applies the patches of ports, and the mutants"),
    Package("spin", "run", "spin", "model checker of the protocols"),
    Package("qemu-system-x86", "run", "qemu-system-x86_64", "the machine that the system boots on"),
    Package("clang", "test", "clang", "second compiler; thread-safety analysis"),
    Package("lld", "test", "ld.lld", "linker of the clang build"),
    Package("clang-format", "test", "clang-format", "layout of the C sources"),
    Package("clang-tidy", "test", "clang-tidy", "static analysis; size and nesting of functions"),
    Package("make", "test", "make", "builds a component with the installed SDK"),
    Package("pkg-config", "test", "pkg-config", "finds the installed SDK"),
    Package("python3-pytest", "test", "/usr/lib/python3/dist-packages/pytest", "system tests"),
    Package("grub-common", "test", "grub-mkrescue", "boot images that GRUB starts"),
    Package("grub-pc-bin", "test", "/usr/lib/grub/i386-pc", "GRUB under BIOS"),
    Package("grub-efi-amd64-bin", "test", "/usr/lib/grub/x86_64-efi", "GRUB under UEFI"),
    Package("xorriso", "test", "xorriso", "writes boot images"),
    Package("xz-utils", "test", "xz", "compresses boot images"),
    Package("mtools", "test", "mcopy", "EFI partition of the boot images"),
    Package("graphviz", "graph", "dot", "draws systems for ./pith graph --svg"),
    Package("mmdebstrap", "root", "mmdebstrap", "unpacks Debian packages for ./pith run --packages"),
    Package("ovmf", "test", "/usr/share/OVMF/OVMF_CODE_4M.fd", "UEFI firmware for QEMU"),
]


def wanted(group: str) -> list:
    return [p for p in PACKAGES if group == "test" or p.groups == group]


def installed_by_dpkg(names: list) -> set:
    command = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = (line.split() for line in done.stdout.splitlines())
    return {row[0] for row in rows if len(row) == 2 and row[1] == "installed"}


def is_present(package: Package) -> bool:
    if package.probe.startswith("/"):
        return os.path.exists(package.probe)
    return shutil.which(package.probe) is not None


def missing(group: str = "test") -> list:
    """The packages of a group that this machine lacks."""
    packages = wanted(group)
    if shutil.which("dpkg-query") is None:
        return [p for p in packages if not is_present(p)]
    have = installed_by_dpkg([p.name for p in packages])
    return [p for p in packages if p.name not in have and not is_present(p)]


def apt_prefix(names: list) -> list:
    """What to put before apt-get to have the right to install."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        command = "apt-get update && apt-get install --no-install-recommends " + " ".join(names)
        raise Failure("installing packages needs root, and there is no sudo; as root run:\n"
                      f"    {command}")
    return ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]


def run_apt(arguments: list, prefix: list, what: str) -> None:
    """Run apt-get, showing which package it is at."""
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-y", "-q",
               "-o", "DPkg::Lock::Timeout=300", *arguments]
    lines, total, count = [], 0, 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as apt:
        for line in apt.stdout:
            lines.append(line)
            newly = re.match(r"(\d+) upgraded, (\d+) newly installed", line)
            if newly:
                total = int(newly[1]) + int(newly[2])
                say(f"  {total} packages to fetch and set up")
            if line.startswith("Setting up "):
                count += 1
                say(f"  [{count}/{total}] {line.split()[2]}")
    if apt.returncode != 0:
        raise Failure(f"{what} failed:\n" + "".join(lines[-15:]) +
                      f"the command was: {' '.join(command)}")


def setup(group: str = "test") -> None:
    """Install what is missing; says what and why first, nothing where nothing is."""
    lacking = missing(group)
    if not lacking:
        return
    say("pith: these Debian packages are missing and will be installed:")
    for package in lacking:
        say(f"  {package.name:<20} {package.why}")
    names = [p.name for p in lacking]
    if shutil.which("apt-get") is None:
        raise Failure("this is not a Debian machine (no apt-get); install the equivalents of:\n    "
                      + " ".join(names))
    prefix = apt_prefix(names)
    say("pith: apt-get update")
    run_apt(["update"], prefix, "apt-get update")
    say("pith: apt-get install")
    run_apt(["install", "--no-install-recommends", *names], prefix, "apt-get install")
    still = missing(group)
    if still:
        raise Failure("still missing after the installation: " + " ".join(p.name for p in still))
