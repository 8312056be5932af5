#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""How the cost of each hot operation grows with the size of the system.

usage: growth.py BUILD [--metrics | --check | --write]

Boots the program of growth (bench/growth) under the plugin that counts: the same operations in systems
of 1, 10, 100, 1,000 and 10,000 threads, waiting senders, capabilities, objects, timers and mapped
frames.  Without an option a table.  --check fails where a cost grows more than logarithmically,
--metrics prints lines for ./pith bench, --write makes docs/growth.md and docs/growth.svg anew.
"""
import argparse
import collections
import math
import statistics
import sys
from pathlib import Path

import analyse
from analyse import TREE, BenchError, Programs, marked

MEMORY = 6144  # MiB; what is not used costs nothing
SIZES = [1, 10, 100, 1000, 10000]
ROUNDS = 8
# From 10 to 10,000 a cost may grow by as many instructions for each doubling: what a search, and
# two insertions and two removals in balanced trees take for one more level.
PER_DOUBLING = 90
REVOKE = "revoke"  # a total, shown by descendant

TEXT = {
    "call": "call, to the server's first instruction",
    "reply_recv": "reply_recv, to the client's",
    "signal": "signal, to the first instruction of a more important waiter",
    "yield": "yield, to the other thread's",
    "fault": "page fault, to the handler's first instruction",
    "timer_fire": "a timer goes off: from the interrupt to the waiter's first instruction",
    "receive_waiting": "recv, taking one of N waiting senders",
    "set_priority": "set_priority of one of N waiting senders",
    "copy": "copy of a capability with N others",
    "mint": "mint of one",
    "delete": "delete of a derived capability",
    "retype": "retype of an endpoint beside N objects of each kind",
    "destroy": "delete of its original",
    "map": "map of one page of one of N attached frames",
    "timer_arm": "arm one timer more than N",
    "timer_cancel": "cancel it",
    REVOKE: "revoke, for each of N descendants",
}


def configuration(programs: Programs) -> str:
    bench = programs.bench
    marks = {side: marked(bench, f"path_{side}.") for side in ("begin", "end", "low", "high")}
    lines = [f"boot {programs.loader.address('pvh_entry'):x} {bench.entry:x}",
             f"exclude {programs.loader.address(analyse.EXCLUDED):x}"]
    for name, end in sorted(marks["end"].items()):
        if name in marks["begin"]:
            lines.append(f"count path {name} {marks['begin'][name]:x} {end:x}")
        else:
            lines.append(f"count entry {name} {marks['low'][name]:x} {marks['high'][name]:x} "
                         f"{end:x}")
    return "\n".join(lines) + "\n"


def costs_of(records: list) -> dict:
    """Operation -> cost in each of SIZES."""
    samples = collections.defaultdict(list)
    for record in records:
        if "path" in record:
            samples[record["path"]].append(record["insns"])
    unknown = samples.keys() ^ TEXT.keys()
    if unknown:
        raise BenchError("measured or described, but not both: " + ", ".join(sorted(unknown)))
    costs = {}
    for name in TEXT:
        rounds = 1 if name == REVOKE else ROUNDS
        if len(samples[name]) != rounds * len(SIZES):
            raise BenchError(f"{name}: {len(samples[name])} samples, not {rounds * len(SIZES)}")
        costs[name] = [statistics.median_high(samples[name][i * rounds:(i + 1) * rounds])
                       for i in range(len(SIZES))]
    costs[REVOKE] = [round(cost / size, 1) for cost, size in zip(costs[REVOKE], SIZES)]
    return costs


def run(build: Path) -> dict:
    programs = Programs(build, "growth")
    records, _ = analyse.run(programs, build / "bench" / "growth.run", configuration(programs),
                             memory=MEMORY)
    return costs_of(records)


def allowed(cost: float, size: int) -> float:
    """What an operation may cost in a system of a size, by what it costs in one of 10."""
    return cost + PER_DOUBLING * math.log2(size / 10)


def check(costs: dict) -> list:
    """The operations that grow too much."""
    return [f"{name}: {row[i]:,} instructions with {size:,}, {row[1]:,} with 10"
            for name, row in costs.items() for i, size in enumerate(SIZES)
            if size > 10 and row[i] > allowed(row[1], size)]


# ---- output ------------------------------------------------------------------------------------
def table(costs: dict) -> str:
    rows = ["| operation | " + " | ".join(f"{size:,}" for size in SIZES) + " |",
            "|---|" + "---:|" * len(SIZES)]
    rows += [f"| {TEXT[name]} | " + " | ".join(f"{cost:,}" for cost in row) + " |"
             for name, row in costs.items()]
    return "\n".join(rows) + "\n"


PAGE = """<!-- SPDX-License-Identifier: BSD-2-Clause -->
<!-- SPDX-FileCopyrightText: The Pith authors -->
# Growth

What each hot operation costs, in instructions, in systems of 1 to 10,000 of everything: N threads ready
to run, N threads that wait to send at one endpoint, N capabilities derived from one, N objects of each of
these kinds made from one Untyped, N armed timers, N frames attached to one address space and mapped. Made
by `bench/growth.py build/release --write`; what is not flat is a search in a balanced tree, so that a
tenfold system costs a few levels more. `bench/growth.py build/release --check` fails where an operation
grows by more than {per_doubling} instructions for each doubling from 10 on.

{table}
![Cost by size of the system](growth.svg)
"""

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 40, 60
COLOURS = ["#1b6ca8", "#c0392b", "#1e8449", "#7d3c98", "#b9770e", "#148f77", "#5d6d7e", "#d35400",
           "#2e4053"]
GAP = 13  # between labels


def place_labels(wanted: list) -> list:
    """Heights near the wanted ones (ascending) that leave GAP between neighbours."""
    placed = []
    for height in wanted:
        placed.append(max(height, placed[-1] + GAP) if placed else height)
    over = max(0.0, (placed[-1] if placed else 0) - (HEIGHT - BOTTOM))
    for i in range(len(placed) - 1, -1, -1):
        limit = HEIGHT - BOTTOM if i == len(placed) - 1 else placed[i + 1] - GAP
        placed[i] = min(placed[i], limit) if over else placed[i]
    return placed


def text(x: float, y: float, words: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{words}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def plot(costs: dict) -> str:
    """An SVG: the size of the system on a logarithmic axis, the cost on a linear one."""
    top = math.ceil(max(max(row) for row in costs.values()) / 200) * 200
    across = (WIDTH - LEFT - RIGHT) / (len(SIZES) - 1)

    def at(i: int) -> float:
        return LEFT + i * across

    def height(cost: float) -> float:
        return HEIGHT - BOTTOM - cost / top * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(LEFT, 22, "Cost of hot operations by the size of the system", 'font-size="15"')]
    for cost in range(0, top + 1, 200):
        parts += [line(LEFT, height(cost), WIDTH - RIGHT, height(cost), "#dddddd"),
                  text(LEFT - 8, height(cost) + 4, f"{cost:,}", 'text-anchor="end"')]
    for i, size in enumerate(SIZES):
        parts += [line(at(i), TOP, at(i), HEIGHT - BOTTOM, "#eeeeee"),
                  text(at(i), HEIGHT - BOTTOM + 18, f"{size:,}", 'text-anchor="middle"')]
    parts += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16,
                   "threads, waiting senders, capabilities, objects, timers, frames: of each",
                   'text-anchor="middle"'),
              text(0, 0, "instructions",
                   f'text-anchor="middle" transform="translate(18 {HEIGHT / 2}) rotate(-90)"')]
    names = sorted(costs, key=lambda name: -costs[name][-1])
    labels = place_labels([height(costs[name][-1]) for name in names])
    for number, (name, label) in enumerate(zip(names, labels)):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{at(i):.1f},{height(cost):.1f}" for i, cost in enumerate(costs[name]))
        end = height(costs[name][-1])
        parts += [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
                  line(WIDTH - RIGHT + 2, end, WIDTH - RIGHT + 14, label, colour),
                  text(WIDTH - RIGHT + 18, label + 4, name.replace("_", " "), f'fill="{colour}"')]
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(costs: dict) -> None:
    docs = TREE / "docs"
    page = PAGE.format(table=table(costs), per_doubling=PER_DOUBLING)
    (docs / "growth.md").write_text(page)
    (docs / "growth.svg").write_text(plot(costs))


def main(argv: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="build directory, build/release for instance")
    parser.add_argument("--metrics", action="store_true", help="print lines for ./pith bench")
    parser.add_argument("--check", action="store_true", help="fail where a cost grows too much")
    parser.add_argument("--write", action="store_true", help="make docs/growth.* anew")
    arguments = parser.parse_args(argv)
    try:
        costs = run(arguments.build)
    except (BenchError, analyse.SymbolError, analyse.Failure, OSError) as error:
        print(f"growth: error: {error}", file=sys.stderr)
        return 1
    if arguments.metrics:
        analyse.print_metrics({"revoke.per_descendant": costs[REVOKE][-1],
                               "timer.arm": costs["timer_arm"][0],
                               "timer.fire_to_user": costs["timer_fire"][0]})
    else:
        print(table(costs), end="")
    if arguments.write:
        write(costs)
    problems = check(costs) if arguments.check or arguments.metrics else []
    for problem in problems:
        print(f"growth: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
