#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Boots the program of worst cases under the plugin that counts, and says what each comes to.

usage: bounds.py BUILD [--metrics] [--case NAME] [--limits IRQOFF,HOLD]

Without --metrics a table for people: for each case (bench/bounds/cases.def) the longest stretch with
interrupts off, the longest before an interrupt would have been served, and the longest with the
kernel lock held; and where the instructions of these lie.
docs/benchmarks.md explains the figures.
"""
import argparse
import collections
import sys
from pathlib import Path

import analyse
from analyse import BenchError, Programs, marked

MEMORY = 6144  # MiB; what is not used costs nothing


def configuration(programs: Programs, names: list) -> str:
    begins, ends = (marked(programs.bench, f"path_{side}.") for side in ("begin", "end"))
    lines = [f"boot {programs.loader.address('pvh_entry'):x} {programs.bench.entry:x}",
             f"exclude {programs.loader.address(analyse.EXCLUDED):x}"]
    lock = programs.kernel.address("hal_lock")
    lines.append(f"lock {lock:x} {lock + 4:x}")
    lines += [f"long {name} {begins[name]:x} {ends[name]:x}" for name in names]
    return "\n".join(lines) + "\n"


def run(build: Path, case: str = None) -> tuple:
    """(programs, records of the cases by name)"""
    programs = Programs(build, "bounds")
    names = sorted(marked(programs.bench, "path_begin."))
    if case and case not in names:
        raise BenchError(f"no case '{case}': " + ", ".join(names))
    names = [case] if case else names
    records, _ = analyse.run(programs, build / "bench" / "bounds.run",
                             configuration(programs, names), memory=MEMORY,
                             append=f"bounds={case}" if case else "")
    found = {r["path"]: r for r in records if "path" in r}
    lacking = sorted(set(names) - found.keys())
    if lacking:
        raise BenchError("cases that did not run: " + ", ".join(lacking))
    return programs, found


def metrics_of(records: dict) -> dict:
    return {"irqoff.max_adversarial": max(r["serve"]["serve"] for r in records.values()),
            "lock.hold_max": max(r["held"]["held"] for r in records.values())}


def check(records: dict, irqoff: int, hold: int) -> list:
    """What exceeds the limits."""
    return [f"{name}: {record[key][key]:,} instructions {what}, limit {limit:,}"
            for name, record in records.items()
            for key, limit, what in (("serve", irqoff, "before an interrupt is served"),
                                     ("held", hold, "with the kernel lock"))
            if limit and record[key][key] > limit]


def places(programs: Programs, stretch: dict) -> str:
    """Where its instructions lie, from samples of them."""
    counts = collections.Counter(programs.function(spot)[0] for spot in stretch["spots"])
    return ", ".join(f"{name} x{count}" if count > 1 else name
                     for name, count in counts.most_common(12))


def ends(programs: Programs, stretch: dict) -> str:
    return f"{programs.name(stretch['first'])} .. {programs.name(stretch['last'])}"


def print_table(programs: Programs, records: dict) -> None:
    print(f"{'case':<24}{'irqoff':>11}{'served':>11}{'held':>11}")
    for name, record in records.items():
        print(f"{name:<24}{record['irqoff']:>11,}{record['serve']['serve']:>11,}"
              f"{record['held']['held']:>11,}")
        for key in ("worst", "serve", "held"):
            print(f"    {key:<6}{ends(programs, record[key])}: {places(programs, record[key])}")


def main(argv: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="build directory, build/release for instance")
    parser.add_argument("--metrics", action="store_true", help="print lines for ./pith bench")
    parser.add_argument("--case", metavar="NAME", help="run one case only")
    parser.add_argument("--limits", metavar="IRQOFF,HOLD", help="fail where a case exceeds these")
    arguments = parser.parse_args(argv)
    try:
        programs, records = run(arguments.build, arguments.case)
    except (BenchError, analyse.SymbolError, analyse.Failure, OSError) as error:
        print(f"bounds: error: {error}", file=sys.stderr)
        return 1
    if arguments.metrics:
        analyse.print_metrics(metrics_of(records))
    else:
        print_table(programs, records)
    limits = [int(word) for word in arguments.limits.split(",")] if arguments.limits else [0, 0]
    exceeded = check(records, *limits)
    print("\n".join(exceeded), end="\n" if exceeded else "", file=sys.stderr)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
