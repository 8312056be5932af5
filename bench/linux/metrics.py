#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What operations of Linux programs, and booting to a shell, cost on Pith, for ./pith bench.

usage: metrics.py BUILD

docs/linux-bench.md explains the rows; `./pith bench linux` compares them with Debian's Linux.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from pithlib import beside  # noqa: E402  (needs the path above)
from pithlib.ui import Failure  # noqa: E402


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    build = Path(sys.argv[1])
    try:
        samples = {**beside.operations("Pith", build), **beside.boot("Pith", build)}
    except (Failure, OSError) as error:
        print(f"metrics: error: {error}", file=sys.stderr)
        return 1
    for name, sample in sorted(samples.items()):
        print(f"PITH-BENCH linux.{name} {round(sample.instructions)}")
        if round(sample.rep):
            print(f"PITH-BENCH linux.{name}.rep {round(sample.rep)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
