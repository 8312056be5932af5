#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Path lengths on two CPUs: a call on one CPU, a call and a signal from one to the other.

usage: smp.py BUILD [--metrics]

Boots bench/smp under the plugin bench/smp/stretches.c.  The CPUs run in turn, so these are
instructions of each CPU, not latencies: what the sender executes from its system call until its CPU
leaves the kernel or halts, and what the receiver's CPU executes from the interrupt to the
receiver's first instruction.  --metrics prints lines for ./pith bench.
"""
import argparse
import collections
import subprocess
import sys
from pathlib import Path

from analyse import TREE, BenchError, Failure
from pithlib import plugins, qemu
from symbols import SymbolError, Symbols

TIMEOUT = 120
CPUS = 2
SIDES = ("same_call", "same_serve", "cross_call", "cross_serve", "cross_signal", "cross_wait")


def build_plugin(work: Path) -> Path:
    return plugins.compiled(TREE / "bench" / "smp" / "stretches.c", work / "stretches.so")


def stretches(build: Path, marks: dict) -> list:
    """(CPU, last user address, first kernel address, instructions, end) of each."""
    work = build / "bench" / "smp"
    out, serial = work / "stretches.txt", work / "serial.log"
    plugin = f"{build_plugin(work)},out={out}"
    plugin += "".join(f",watch={address:x}" for address in marks.values())
    command = qemu.command(build / "boot" / "loader", build / "bench_smp.img", cpus=CPUS,
                           cpu="max,-erms",
                           extra=[*qemu.COUNTED, "-display", "none", "-monitor", "none", "-serial",
                                  f"file:{serial}", "-plugin", plugin])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    end = qemu.decode(done.returncode)
    if end != qemu.End("power-off", 0):
        raise BenchError(f"{end.explain()}:\n{serial.read_text(errors='replace')}{done.stderr}")
    records = []
    for line in out.read_text().splitlines():
        cpu, user, first, count, last = line.split()
        records.append((int(cpu), int(user, 16), int(first, 16), int(count), int(last, 16)))
    return records


def usual(counts: list, what: str) -> int:
    """The most frequent of them, without the first quarter."""
    if len(counts) < 16:
        raise BenchError(f"{what}: only {len(counts)} samples")
    (count, times), *_ = collections.Counter(counts[len(counts) // 4:]).most_common(1)
    if times * 2 < len(counts) * 3 // 4:
        raise BenchError(f"{what} does not settle: {min(counts)} to {max(counts)}")
    return count


def metrics_of(records: list, marks: dict) -> dict:
    """`left`: out of the kernel from a system call, to somewhere else than its caller's next
    instruction; `reached`: by an interrupt, to the instruction after the receiver's system call."""
    def left(side, cpu):
        return [c for n, user, _, c, _ in records if n == cpu and user == marks[side + "_in"]]

    def reached(side, cpu):
        own = marks[side + "_in"]
        return [c for n, user, _, c, end in records
                if n == cpu and end == marks[side + "_out"] and user != own]

    def both(name, sender, receiver):
        send = usual(left(sender, 0), f"{name}, sender")
        receive = usual(reached(receiver, 1), f"{name}, receiver")
        return {f"smp.{name}": send + receive, f"smp.{name}.sender": send,
                f"smp.{name}.receiver": receive}

    same = [c for n, user, _, c, end in records
            if n == 0 and user == marks["same_call_in"] and end == marks["same_serve_out"]]
    return {"smp.call_same_cpu": usual(same, "call_same_cpu"),
            **both("call_cross_cpu", "cross_call", "cross_serve"),
            **both("signal_cross_cpu", "cross_signal", "cross_wait")}


def main(argv: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--metrics", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        program = Symbols(arguments.build / "bench" / "bench_smp")
        marks = {f"{side}_{way}": program.address(f"{side}_{way}")
                 for side in SIDES for way in ("in", "out")}
        metrics = metrics_of(stretches(arguments.build, marks), marks)
        for name, value in metrics.items():
            print(f"PITH-BENCH {name} {value}" if arguments.metrics else f"{name:<32}{value:>8}")
    except (BenchError, SymbolError, Failure, OSError, subprocess.TimeoutExpired) as error:
        print(f"smp: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
