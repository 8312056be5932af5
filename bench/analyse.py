#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Boots the benchmark program under the plugin that counts, and says what each path costs.

usage: analyse.py BUILD [--metrics | --trace PATH] [--isolated]

Without an option a table for people.  --metrics prints one line `PITH-BENCH metric number` each,
which is what ./pith bench reads.  --trace lists the instructions and memory accesses of one sample
of a path.  --isolated: of a kernel that runs user mode without its own mappings; the names of metrics
then have .pti in them.  docs/benchmarks.md explains the figures.
"""
import argparse
import collections
import itertools
import json
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TREE / "tools"), str(TREE / "bench")]

from pithlib import plugins, qemu  # noqa: E402  (needs the path above)
from pithlib.ui import Failure  # noqa: E402
from symbols import SymbolError, Symbols  # noqa: E402

TIMEOUT = 300
WARM_UP = 0.25          # of a path's samples, not looked at
PAGES = 2048            # of the paths below
PER_PAGE = {"map.batch": "map.batch_per_page", "map.range": "map.range_per_page",
            "fork.copy": "fork.copy_per_page"}
COLUMNS = ("cr3", "cr0", "msr", "swapgs", "lines_code", "lines_data")
EXCLUDED = "clock_read"  # of the loader: calibration
ISOLATED = "mitigate=pti"
KERNEL_BASE = 0xFFFF800000000000


class BenchError(Exception):
    """A reason why there are no figures."""


# ---- preparation -------------------------------------------------------------------------------
def build_plugin(work: Path) -> Path:
    return plugins.compiled(TREE / "bench" / "plugin", work / "pathcount.so")


class Programs:
    """What is booted, and the symbols of it."""

    def __init__(self, build: Path, program: str = "bench"):
        self.image = build / f"{program}.img"
        self.loader_path = build / "boot" / "loader"
        self.loader = Symbols(self.loader_path)
        self.kernel = Symbols(build / "kernel" / "pith")
        self.bench = Symbols(build / "bench" / program)
        if not self.image.exists():
            raise BenchError(f"{self.image} does not exist: is the build up to date?")
        marks = [a for n, a in self.bench.names.items() if n.startswith("path_")]
        if not marks or self.loader.address("loader_end") > min(marks):
            raise BenchError(f"{program} has no marks, or they overlap with the loader")

    def function(self, address: int) -> tuple:
        """(name, offset) of the code or data at an address."""
        symbols = self.kernel if address >= KERNEL_BASE else self.bench
        return symbols.function(address) or (f"{address:#x}", 0)

    def name(self, address: int) -> str:
        name, offset = self.function(address)
        return f"{name}+{offset:#x}" if offset else name


def marked(symbols: Symbols, prefix: str) -> dict:
    """Path name -> address of the labels with a prefix."""
    return {n[len(prefix):]: a for n, a in symbols.names.items() if n.startswith(prefix)}


def configuration(programs: Programs) -> str:
    bench = programs.bench
    begins, ends = marked(bench, "path_begin."), marked(bench, "path_end.")
    lows, highs = marked(bench, "path_low."), marked(bench, "path_high.")
    lines = [f"boot {programs.loader.address('pvh_entry'):x} {bench.entry:x}",
             f"exclude {programs.loader.address(EXCLUDED):x}",
             f"drop {bench.address('path_drop'):x}"]
    for name in sorted(ends):
        end = f"{ends[name]:x}"
        if name in begins:
            kind = "long" if name == "worst" else "path"
            lines.append(f"{kind} {name} {begins[name]:x} {end}")
        elif name in lows and name in highs:
            lines.append(f"entry {name} {lows[name]:x} {highs[name]:x} {end}")
        else:
            raise BenchError(f"path {name} has an end and no beginning")
    return "\n".join(lines) + "\n"


# ---- measuring ---------------------------------------------------------------------------------
def run(programs: Programs, work: Path, text: str, trace: str = None, **machine) -> tuple:
    """Boot under the plugin configured by `text`; returns the samples and the listing's file."""
    work.mkdir(parents=True, exist_ok=True)
    config, out, serial = work / "paths.cfg", work / "samples.json", work / "serial.log"
    listing = work / "trace.raw"
    config.write_text(text)
    plugin = f"{build_plugin(work)},config={config},out={out}"
    if trace:
        plugin += f",trace={listing},only={trace}"
    command = qemu.command(programs.loader_path, programs.image, cpu="max,-erms",
                           extra=[*qemu.COUNTED, "-display", "none", "-monitor", "none",
                                  "-serial", f"file:{serial}", "-plugin", plugin], **machine)
    serial.write_text("")
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(f"no end after {TIMEOUT} s:\n{last_lines(serial)}") from None
    end = qemu.decode(done.returncode)
    if end != qemu.End("power-off", 0):
        raise BenchError(f"{end.explain()}:\n{last_lines(serial)}{done.stderr}")
    return [json.loads(line) for line in out.read_text().splitlines()], listing


def last_lines(file: Path, count: int = 15) -> str:
    return "\n".join(file.read_text(errors="replace").splitlines()[-count:]) + "\n"


def steady(samples: list) -> tuple:
    """The sample that a path settles at, and how many of the settled ones differ from it."""
    settled = samples[max(1, int(len(samples) * WARM_UP)):] or samples
    keys = [tuple(sorted(s.items())) for s in settled]
    common, times = collections.Counter(keys).most_common(1)[0]
    return dict(common), len(settled) - times


def summarise(records: list) -> dict:
    """Path -> (steady sample, number of samples, how many differ, fewest, most instructions)."""
    paths = collections.defaultdict(list)
    for record in records:
        if "path" in record:
            paths[record["path"]].append(record)
    rows = {}
    for name, samples in sorted(paths.items()):
        if name == "worst":
            continue
        sample, differing = steady(samples)
        counts = [s["insns"] for s in samples]
        rows[name] = (sample, len(samples), differing, min(counts), max(counts))
    return rows


def one(records: list, key: str) -> dict:
    found = [r for r in records if key in r and "path" not in r]
    if len(found) != 1:
        raise BenchError(f"the plugin gave {len(found)} records of '{key}', not one")
    return found[0]


def check_complete(programs: Programs, rows: dict) -> None:
    lacking = sorted(marked(programs.bench, "path_end.").keys() - rows.keys() - {"worst"})
    if lacking:
        raise BenchError("never executed from beginning to end: " + ", ".join(lacking))
    for name, (_, total, differing, low, high) in rows.items():
        if differing * 2 > total:
            raise BenchError(f"{name} does not settle: {low} to {high} instructions")
    check_sums(rows)


def check_sums(rows: dict) -> None:
    """A round trip is its two halves and the server's jump between them."""
    for whole in (n for n in rows if n.startswith("ipc.round_trip")):
        suffix = whole[len("ipc.round_trip"):]
        halves = [rows[f"ipc.{half}{suffix}"][0]["insns"] for half in ("call", "reply_recv")]
        between = rows[whole][0]["insns"] - sum(halves)
        if between not in (1, 2):  # 2: with vectors, one more instruction that uses one
            raise BenchError(f"{whole} is not the sum of its halves: {between} between them")


# ---- output ------------------------------------------------------------------------------------
def metrics_of(records: list, rows: dict, suffix: str) -> dict:
    metrics = {}
    for path, (sample, *_) in rows.items():
        if path in PER_PAGE:
            metrics[PER_PAGE[path] + suffix] = round(sample["insns"] / PAGES, 1)
            continue
        name = path + suffix
        metrics[name] = sample["insns"]
        if sample["rep"]:
            metrics[f"{name}.rep"] = sample["rep"]
        for column in COLUMNS:
            metrics[f"{name}.{column}"] = sample[column]
    boot, irqoff = one(records, "boot"), one(records, "irqoff")
    metrics["boot.to_root" + suffix] = boot["boot"]
    metrics["boot.to_root" + suffix + ".rep"] = boot["rep"]
    metrics["irqoff.max" + suffix] = irqoff["irqoff"]
    metrics["irqoff.max" + suffix + ".rep"] = irqoff["rep"]
    return metrics


def print_metrics(metrics: dict) -> None:
    for name in sorted(metrics):
        print(f"PITH-BENCH {name} {metrics[name]}")


def print_table(programs: Programs, records: list, rows: dict) -> None:
    print(f"{'path':<32}{'insns':>8}{'user':>6}{'rep':>6}{'cr3':>5}{'cr0':>5}{'msr':>5}"
          f"{'swapgs':>7}{'code':>6}{'data':>6}{'irqoff':>8}  samples")
    for name, (s, total, differing, low, high) in rows.items():
        spread = f"{total}" + (f", {differing} differ ({low} to {high})" if differing else "")
        print(f"{name:<32}{s['insns']:>8}{s['user']:>6}{s['rep']:>6}{s['cr3']:>5}{s['cr0']:>5}"
              f"{s['msr']:>5}{s['swapgs']:>7}{s['lines_code']:>6}{s['lines_data']:>6}"
              f"{s['irqoff']:>8}  {spread}")
        if name in PER_PAGE:
            print(f"{'  per page':<32}{s['insns'] / PAGES:>8.1f}")
    boot = one(records, "boot")
    print(f"boot to root task: {boot['boot']:,} instructions and {boot['rep']:,} iterations of REP;"
          f" calibration: {boot['excluded']:,} more")
    worst = [r["irqoff"] for r in records if r.get("path") == "worst"]
    print("longest stretch with interrupts off in each long operation: "
          + ", ".join(f"{w:,}" for w in worst))
    print_stretch(programs, one(records, "irqoff"))


def print_stretch(programs: Programs, stretch: dict) -> None:
    print(f"longest stretch with interrupts off: {stretch['irqoff']:,} ({stretch['rep']:,} of them "
          f"iterations of REP), from {programs.name(stretch['first'])} "
          f"to {programs.name(stretch['last'])}")
    names = [programs.function(spot)[0] for spot in stretch["spots"]]
    runs = [f"{name} x{len(list(group))}" for name, group in itertools.groupby(names)]
    print("  every 16th instruction lies in: " + ", ".join(runs[:40]))


def split_listing(listing: Path) -> list:
    """The samples in a listing of the plugin, a list of lines each."""
    samples = []
    for line in listing.read_text().splitlines():
        if line.startswith("path "):
            samples.append([])
        elif samples:
            samples[-1].append(line)
    if not samples:
        raise BenchError("no sample of this path")
    return samples


def print_trace(programs: Programs, listing: Path) -> None:
    samples = split_listing(listing)
    lengths = [len(s) for s in samples]
    usual = collections.Counter(lengths).most_common(1)[0][0]
    sample = next(s for s in reversed(samples) if len(s) == usual)
    functions, lines, number = collections.Counter(), set(), 0
    for line in sample:
        kind, address, *rest = line.split(maxsplit=2)
        address = int(address, 16)
        if kind in "ir":
            number += kind == "i"
            functions[programs.function(address)[0]] += kind == "i"
            print(f"{number:5} {programs.name(address):<40} {' '.join(rest)}"
                  + (" (again)" if kind == "r" else ""))
            continue
        place, size = rest[0].split()
        if place == "0":
            print(f"      device {size} at {address:#x}")
            continue
        new = int(place, 16) >> 6 not in lines
        lines.add(int(place, 16) >> 6)
        print(f"      {'store' if kind == 'W' else 'load '} {size} {programs.name(address)} "
              f"({address:#x}){' first touch of its line' if new else ''}")
    print(f"{number} instructions, {len(lines)} lines of data; by function:")
    for name, count in functions.most_common():
        print(f"{count:6} {name}")


def isolation_most(plain: dict, isolated: dict) -> float:
    """The most that isolation adds to a path for each entry and exit of the kernel (each has one SWAPGS
    without it)."""
    return max((isolated[name][0]["insns"] - sample["insns"]) / sample["swapgs"]
               for name, (sample, *_) in plain.items() if sample["swapgs"])


def measure(arguments) -> None:
    programs = Programs(arguments.build)
    suffix = ".pti" if arguments.isolated else ""
    work = arguments.build / "bench" / f"paths{suffix}"
    append = ISOLATED if arguments.isolated else ""
    records, listing = run(programs, work, configuration(programs), arguments.trace, append=append)
    if arguments.trace:
        print_trace(programs, listing)
        return
    rows = summarise(records)
    if not arguments.metrics:
        print_table(programs, records, rows)
    check_complete(programs, rows)
    if arguments.metrics:
        metrics = metrics_of(records, rows, suffix)
        if arguments.isolated:
            plain = summarise(run(programs, work, configuration(programs))[0])
            metrics["isolation.per_way"] = round(isolation_most(plain, rows), 1)
        print_metrics(metrics)


def main(argv: list) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="build directory, build/release for instance")
    parser.add_argument("--metrics", action="store_true", help="print lines for ./pith bench")
    parser.add_argument("--trace", metavar="PATH", help="list one sample of a path")
    parser.add_argument("--isolated", action="store_true", help="user mode without the kernel's mappings")
    arguments = parser.parse_args(argv)
    try:
        measure(arguments)
    except (BenchError, SymbolError, Failure, OSError) as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
