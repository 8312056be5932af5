# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Runs programs of tests/hostile on Pith, where one instruction is one nanosecond: the same seed is the same run.

    python3 tests/harness/hostile.py SEED CALLS     as `./pith campaign linux-calls` does
"""
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "tools")]

# pylint: disable=wrong-import-position
import mkimage
from harness.linux import Done, on_pith, root_with
from harness.machine import boot, build_directory
from pithlib import command, linux, qemu

TIMEOUT = 3000


def root_of(program: str, place: Path) -> Path:
    """An archive with a program beside busybox."""
    root = place / program
    root.mkdir()
    shutil.copy(build_directory() / "tests/hostile" / f"hostile_{program}", root / program)
    return root_with(root, place / f"{program}.cpio")


def run(arguments: list, timeout: float = TIMEOUT, **guest) -> Done:
    """One of the programs, counted."""
    with tempfile.TemporaryDirectory() as place:
        return on_pith([f"/{arguments[0]}", *arguments[1:]], root=root_of(arguments[0], Path(place)), timeout=timeout,
                       qemu=qemu.COUNTED, **guest)


def calls(seed: int, amount: int) -> Done:
    """Random system calls, some `amount` of them."""
    return run(["calls", str(seed), str(amount)])


# ---- two containers

class Steady(NamedTuple):
    """What came of the steady program, and what the container beside it said."""
    sum: int
    longest: int  # nanoseconds
    right: bool
    beside: str


def containers(rounds: int, hostile: list, artefacts: Path, name: str) -> Steady:
    """The steady program in one container, and another in the other."""
    build = build_directory()
    place = artefacts / name
    place.mkdir()
    first = ["/steady", str(rounds)]
    files = {"steady_root": root_of("steady", place), "hostile_root": root_of("bombs", place),
             "steady_command": place / "first", "hostile_command": place / "second"}
    files["steady_command"].write_bytes(command.Command(first, {}).pack())
    files["hostile_command"].write_bytes(command.Command(hostile, {}).pack())
    sums = linux.check_sums(build, list(files.values()))
    image = place / "containers.img"
    with image.open("wb") as out:
        mkimage.append(build / "containers.img", out, list(zip(files, files.values(), sums)))
    said, beside = place / "said", place / "beside"
    result = boot(image, place, timeout=TIMEOUT, extra=[
        *qemu.COUNTED, "-serial", f"file:{said}", "-chardev", f"file,id=beside,path={beside}",
        "-device", "isa-serial,chardev=beside,iobase=0x3e8,irq=5"])
    assert "exit 0" in result.serial, (result.explain(), said.read_text(errors="replace"))
    found = re.search(r"(right|WRONG) sum (\d+) longest (\d+)", said.read_text(errors="replace"))
    assert found, said.read_text(errors="replace")
    return Steady(int(found[2]), int(found[3]), found[1] == "right", beside.read_text(errors="replace"))


def main() -> int:
    done = calls(int(sys.argv[1]), int(sys.argv[2]))
    print(done.output[-2000:], done.errors[-4000:], sep="\n")
    return 0 if done.ended and done.status == 0 and "WRONG" not in done.output else 1


if __name__ == "__main__":
    sys.exit(main())
