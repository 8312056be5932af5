#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""How long it takes from the loader's first instruction to the monitor's greeting.

usage: monitor.py BUILD

Boots the system `monitor` with time counted in instructions and prints `PITH-BENCH boot.to_monitor N`: nanoseconds, so
instructions executed and time spent idle, calibration of the clock (10 ms) included.
"""
import re
import subprocess
import sys
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "tools"))

from pithlib import qemu  # noqa: E402  (needs the path above)

PATIENCE = 50  # seconds
GREETING = re.compile(r"Pith monitor, (\d+)\.(\d{9}) s after the start")


def greeting(build: Path):
    log = build / "monitor.log"
    log.write_text("")
    command = qemu.command(build / "boot" / "loader", build / "monitor.img", cpu="max,-erms",
                           extra=[*qemu.COUNTED, "-display", "none", "-monitor", "none", "-serial", f"file:{log}"])
    deadline = time.monotonic() + PATIENCE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and time.monotonic() < deadline:
                found = GREETING.search(log.read_text(errors="replace"))
                if found:
                    return found
                time.sleep(0.05)
        finally:
            process.kill()
    return None


def main(words: list) -> int:
    if len(words) != 1:
        print("usage: monitor.py BUILD", file=sys.stderr)
        return 2
    found = greeting(Path(words[0]))
    if not found:
        print(f"monitor.py: no greeting after {PATIENCE} s; see {words[0]}/monitor.log", file=sys.stderr)
        return 1
    print(f"PITH-BENCH boot.to_monitor {int(found[1]) * 10**9 + int(found[2])}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
