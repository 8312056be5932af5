# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The counter service killed while it works: `./pith campaign counter` runs this, and test_counter.py.

    counter.py BUILD steps             after every single instruction of each kind of request
    counter.py BUILD kills N [SEED]    at N random instants, under four clients that die as well

Status 0 when every acknowledged request was counted exactly once (tests/system/components/counter).
"""
import re
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests"), str(TREE / "tools")]

from harness import boot_command  # noqa: E402  (needs the paths above)
from pithlib import qemu  # noqa: E402

LEAST_PATH = 100  # instructions: the shortest request has more
STEPS = re.compile(r"^STEPS ([a-z ]+): killed after 1 to (\d+) instructions\r?$", re.MULTILINE)
KILLS = re.compile(r"^KILLS (\d+) of the server, (\d+) of clients, (\d+) requests, each counted once\r?$",
                   re.MULTILINE)


def boot(build: Path, image: str, arguments: str, timeout: float, folder: Path):
    """Time is counted, so a run with the same arguments is the same run."""
    command = qemu.command(build / "boot" / "loader", build / f"{image}.img", memory=64,
                           extra=[*qemu.COUNTED, "-fw_cfg", f"name=opt/pith/arguments,string={arguments}"])
    return boot_command(command, folder, timeout=timeout)


def steps(build: Path, folder: Path, only: int = 0) -> dict:
    """How many instructions each kind of request takes; of the first `only` kinds."""
    result = boot(build, "counter_steps", f"least={LEAST_PATH} kinds={only}", 600, folder)
    result.expect("STEPS done", status=0)
    return {name: int(count) for name, count in STEPS.findall(result.serial)}


def kills(build: Path, folder: Path, count: int, seed: int = 1) -> tuple:
    """(kills of the server, of clients, requests)"""
    result = boot(build, "counter_kills", f"kills={count} seed={seed}", 60 + count / 5, folder)
    found = KILLS.search(result.expect("KILLS", status=0).serial)
    return tuple(int(number) for number in found.groups())


def main(words: list) -> int:
    if len(words) < 2 or words[1] not in ("steps", "kills") or len(words) < 2 + (words[1] == "kills"):
        print(__doc__)
        return 2
    build = Path(words[0])
    with tempfile.TemporaryDirectory() as scratch:
        try:
            if words[1] == "steps":
                for name, count in steps(build, Path(scratch)).items():
                    print(f"{name}: killed after each of {count} instructions")
            else:
                print("%d kills of the server, %d of clients: %d requests, each counted once" %
                      kills(build, Path(scratch), int(words[2]), int((words[3:] or ["1"])[0])))
        except AssertionError as error:
            print(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
