# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Size of the kernel, as benchmark lines.

kernel.lines       non-blank, non-comment lines of C, headers and assembler below kernel/ that a
                   release kernel for one ISA is made of: tests, boot code, what stands between
                   "#if PITH_DEBUG" and its end, and the generator of offsets apart
kernel.text_bytes  executable sections of the kernel, those of boot code apart

Boot code of the kernel is what runs once and lies in sections named .boot* or .init*, and files
named boot*.[chS], *_boot.[chS] or init*.[chS].

usage: kernel_size.py BUILD_DIR [ISA]
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checks import sources  # noqa: E402  (needs the path above)
from pithlib import elf  # noqa: E402

TREE = Path(__file__).resolve().parents[2]
SUFFIXES = {".c", ".h", ".S"}
BOOT_FILES = ("boot", "init")
BOOT_SECTIONS = (".boot", ".init")


def is_counted(path: Path, isa: str) -> bool:
    parts = path.parts
    if parts[0] != "kernel" or path.suffix not in SUFFIXES or sources.is_test(path):
        return False
    if path.name.startswith(BOOT_FILES) or path.stem.endswith("_boot") or path.stem == "offsets":
        return False
    return parts[1] != "arch" or parts[2] == isa


def release_text(text: str) -> str:
    """The text without what only debug kernels have."""
    kept, blocks = [], []  # of each conditional: whether it asks for a debug kernel, and is left out
    for line in text.splitlines():
        directive = line.replace(" ", "")
        if directive.startswith("#if"):
            blocks.append([directive == "#ifPITH_DEBUG"] * 2)
        asks = bool(blocks) and blocks[-1][0] and directive.startswith(("#if", "#else", "#endif"))
        if not asks and not any(left_out for _, left_out in blocks):
            kept.append(line)
        if directive.startswith("#else") and asks:
            blocks[-1][1] = False
        elif directive.startswith("#endif") and blocks:
            blocks.pop()
    return "\n".join(kept)


def kernel_lines(tree: Path, isa: str) -> int:
    return sum(sources.code_lines(release_text((tree / p).read_text()))
               for p in sources.all_files(tree) if is_counted(p, isa))


def text_bytes(program: Path) -> int:
    code = elf.SHF_ALLOC | elf.SHF_EXECINSTR
    return sum(s.size for s in elf.sections(program)
               if s.flags & code == code and not s.name.startswith(BOOT_SECTIONS))


def main(argv: list) -> int:
    if len(argv) not in (2, 3):
        print("usage: kernel_size.py BUILD_DIR [ISA]", file=sys.stderr)
        return 2
    isa = argv[2] if len(argv) == 3 else "x86_64"
    program = Path(argv[1]) / "kernel" / "pith"
    print(f"PITH-BENCH kernel.lines {kernel_lines(TREE, isa)}")
    try:
        print(f"PITH-BENCH kernel.text_bytes {text_bytes(program)}")
    except (OSError, elf.NotElf) as error:
        print(f"kernel_size: {program}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
