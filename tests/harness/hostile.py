# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Runs programs of tests/hostile on Pith, where one instruction is one nanosecond: the same seed is the same run.

    python3 tests/harness/hostile.py SEED CALLS     as `./pith campaign linux-calls` does
"""
import shutil
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "tools")]

# pylint: disable=wrong-import-position
from harness.linux import Done, on_pith, root_with
from harness.machine import build_directory
from pithlib import qemu

TIMEOUT = 3000


def program(name: str) -> Path:
    return build_directory() / "tests/hostile" / f"hostile_{name}"


def calls(seed: int, amount: int, timeout: float = TIMEOUT) -> Done:
    """Random system calls, some `amount` of them."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "root"
        root.mkdir()
        shutil.copy(program("calls"), root / "calls")
        return on_pith(["/calls", str(seed), str(amount)], root=root_with(root, Path(place) / "root.cpio"),
                       timeout=timeout, qemu=qemu.COUNTED)


def main() -> int:
    done = calls(int(sys.argv[1]), int(sys.argv[2]))
    print(done.output[-2000:], done.errors[-4000:], sep="\n")
    return 0 if done.ended and done.status == 0 and "WRONG" not in done.output else 1


if __name__ == "__main__":
    sys.exit(main())
