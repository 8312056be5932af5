#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Writes a CD image that boots the loader by GRUB, under a BIOS and under UEFI.

usage: mkiso.py -o OUT LOADER IMAGE [WORD...]

Needs Debian's grub-common, grub-pc-bin, grub-efi-amd64-bin, xorriso and mtools.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

# What the configuration below needs, and what finds and reads the CD.
MODULES = "multiboot2 iso9660 normal configfile part_msdos part_gpt fat"
CONFIG = """set timeout=0
multiboot2 /boot/loader {words}
module2 /boot/image
boot
"""
UNSAFE = set("'\"\\$;&|<>{}#\n")


class IsoError(Exception):
    """Something that the caller can put right."""


def make(out: str, loader: str, image: str, words: list[str]) -> None:
    """Makes the CD image; words are the kernel's command line."""
    for word in words:
        if UNSAFE & set(word):
            raise IsoError(f"command line: {word!r} has a character that GRUB's shell would read")
    if not shutil.which("grub-mkrescue"):
        raise IsoError("grub-mkrescue is missing (Debian package grub-common)")
    with tempfile.TemporaryDirectory() as root:
        fill(root, loader, image, words)
        run_mkrescue(out, root)


def fill(root: str, loader: str, image: str, words: list[str]) -> None:
    os.makedirs(os.path.join(root, "boot", "grub"))
    for path, name in ((loader, "loader"), (image, "image")):
        try:
            shutil.copyfile(path, os.path.join(root, "boot", name))
        except OSError as error:
            raise IsoError(f"{name}: cannot copy {path}: {error.strerror}") from error
    with open(os.path.join(root, "boot", "grub", "grub.cfg"), "w", encoding="ascii") as config:
        config.write(CONFIG.format(words=" ".join(words)))


def run_mkrescue(out: str, root: str) -> None:
    command = ["grub-mkrescue", "--compress=xz", f"--install-modules={MODULES}",
               "--locales=", "--fonts=", "--themes=", "-o", out, root]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise IsoError(f"grub-mkrescue failed:\n{result.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="out", metavar="OUT", required=True, help="the file to write")
    parser.add_argument("loader", metavar="LOADER")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("words", metavar="WORD", nargs="*", help="of the kernel's command line")
    arguments = parser.parse_args()
    try:
        make(arguments.out, arguments.loader, arguments.image, arguments.words)
    except IsoError as error:
        print(f"mkiso: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
