# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The long stress of several CPUs: `./pith campaign smp` runs this.

    smp_stress.py IMAGE SECONDS multi|single

SECONDS is the length of each of its checks; all CPUs run at once (multi) or in turn (single), see
test_smp.py.  Status 0 when the guest found nothing.
"""
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests"), str(TREE / "tools")]

from harness import boot_command  # noqa: E402  (needs the paths above)
from pithlib import qemu  # noqa: E402

CPUS = 4
CHECKS = 4
SLACK = 1200  # seconds: on a busy host the first check takes minutes to begin and to end


def main(image: str, seconds: str, threads: str) -> int:
    path = Path(image)
    command = qemu.command(path.parent / "boot" / "loader", path, cpus=CPUS,
                           append=f"seconds={seconds}" + (" in_turn" if threads == "single" else ""), extra=["-accel", f"tcg,thread={threads}"])
    with tempfile.TemporaryDirectory() as scratch:
        result = boot_command(command, Path(scratch), timeout=CHECKS * int(seconds) + SLACK)
    print(result.serial)
    if result.status != 0 or "FAIL" in result.serial or f"NOTE {seconds} seconds of each check" not in result.serial:
        print(result.explain())
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
