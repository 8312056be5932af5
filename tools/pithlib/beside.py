# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith bench linux`: Pith's Linux beside Debian's, the same programs on the same machine.

docs/linux-bench.md says what is measured and how; bench/linux/rows.toml what each row must reach.
"""
import re
import tempfile
from pathlib import Path
from typing import Optional

import rootfs

from . import build as builds
from . import debian, occasions, packages, ratios, roots, tally, workloads
from .sides import SYSTEMS, Setting, counted, timed, with_programs
from .ui import TREE, Failure, Step, say, tail

LIMITS = Path("bench", "linux", "rows.toml")
BOOT = "boot"
ROUNDS = 2  # of what is measured in seconds: the best one counts
ROW = re.compile(r"^ROW (\w+) (\d+) (\d+)\s*$", re.MULTILINE)
TOOK = re.compile(r"^TOOK (\d+)\s*$", re.MULTILINE)
SHOWN_KINDS = 14


# ---- operations --------------------------------------------------------------------------------
def figures(text: str, samples: list) -> dict:
    """Row -> sample by operation, from what linux_bench said and what was counted meanwhile."""
    rows, place = {}, 0
    for name, operations, rounds in ROW.findall(text):
        rows[name] = tally.middle(samples[place:place + int(rounds)], int(operations))
        place += int(rounds)
    if place != len(samples) or not rows:
        raise Failure(f"{place} samples were announced, {len(samples)} counted:\n{tail(text)}")
    return rows


def operations(system: str, build: Path, names: list = ()) -> dict:
    setting = Setting(with_programs(roots.busybox_root(), build), ["/t/linux_bench", *names])
    text, counts = counted(system, setting, build)
    return figures(text, counts.samples)


# ---- booting -----------------------------------------------------------------------------------
def boot_setting(build: Path) -> Setting:
    return Setting(with_programs(roots.busybox_root(), build), ["/t/linux_bench", "--prompt"])


def kernel_entry(system: str, build: Path) -> int:
    """The first instruction of what the firmware, or the code that decompresses a kernel, starts."""
    if system == "Linux":
        return debian.KERNEL_AT
    return occasions.functions(build / "boot" / "loader")["pvh_entry"]


def boot(system: str, build: Path) -> dict:
    _, counts = counted(system, boot_setting(build), build, entry=f"{kernel_entry(system, build):x}")
    return {BOOT: tally.middle(counts.samples)}


# ---- whole programs ----------------------------------------------------------------------------
def workload_setting(workload: workloads.Workload, build: Path) -> Setting:
    root = rootfs.cpio_root(roots.of_packages(workload.packages))
    files = {"t/input": rootfs.regular(workload.input()), "t/command": rootfs.regular(workload.command + "\n")}
    words = ["/t/linux_bench", "--run", "/bin/sh", "/t/command"]
    return Setting(with_programs(rootfs.merge(root, files), build), words, workload.memory)


def workload_counts(system: str, name: str, build: Path) -> tally.Counts:
    """On Pith with the kinds of calls."""
    setting, options = workload_setting(workloads.WORKLOADS[name], build), {}
    with tempfile.TemporaryDirectory(prefix="pith-kinds-") as place:
        if system == "Pith":
            options["kinds"] = occasions.write_list(build / "component_linux", Path(place, "kinds"))
        _, counts = counted(system, setting, build, **options)
    return counts


def print_kinds(name: str, counts: tally.Counts, other: tally.Sample) -> None:
    """Where the instructions of a whole program go on Pith, and how many Linux's kernel needs."""
    sample = tally.middle(counts.samples)
    served = sample.component + sample.kernel
    say(f"\n{name}: of {sample.instructions:,.0f} instructions {sample.guest:,.0f} are the programs' own, "
        f"{sample.component:,.0f} the server's, {sample.kernel:,.0f} the kernel's; on Linux the kernel's are "
        f"{other.kernel:,.0f}")
    say(f"  {'for':<16} {'times':>9} {'server each':>12} {'kernel each':>12} {'REP each':>9} {'share':>6}")
    by_size = sorted(counts.kinds.items(), key=lambda row: -row[1].instructions)
    for kind, row in by_size[:SHOWN_KINDS]:
        say(f"  {kind:<16} {row.times:>9,} {row.component / row.times:>12,.0f} {row.kernel / row.times:>12,.0f} "
            f"{row.rep / row.times:>9,.0f} {row.instructions / served:>6.1%}")


# ---- seconds -----------------------------------------------------------------------------------
def seconds(system: str, name: str, build: Path) -> float:
    """Booting takes what the whole machine does; a program says itself what it took."""
    if name == BOOT:
        return timed(system, boot_setting(build), build)[1]
    text, _ = timed(system, workload_setting(workloads.WORKLOADS[name], build), build)
    found = TOOK.search(text)
    if not found:
        raise Failure(f"{system}: {name} did not say what it took:\n{tail(text)}")
    return int(found[1]) / 1e9


def best_seconds(name: str, build: Path) -> ratios.Row:
    """In turn, so that what else the host does hinders both."""
    best = {}
    for _ in range(ROUNDS):
        for system in SYSTEMS:
            took = seconds(system, name, build)
            best[system] = min(took, best.get(system, took))
    return ratios.Row(best["Pith"], best["Linux"])


# ---- the command -------------------------------------------------------------------------------
def chosen(table: str, expression: Optional[str]) -> dict:
    bounds = ratios.read_bounds(TREE / LIMITS, table)
    return {name: bound for name, bound in bounds.items() if (expression or "") in name}


def count_both(what: str, count) -> list:
    """[Pith's, Linux's]"""
    both = []
    for system in SYSTEMS:
        with Step(f"{what} on {system}"):
            both.append(count(system))
    return both


def compare_counts(build: Path, bounds: dict) -> tuple:
    """The rows, and of whole programs what counts on both systems came to."""
    names = [name for name in bounds if name != BOOT and name not in workloads.WORKLOADS]
    rows, programs = {}, {}
    if names:
        rows.update(ratios.rows_of(*count_both("operations", lambda system: operations(system, build, names))))
    if BOOT in bounds:
        rows.update(ratios.rows_of(*count_both("boot", lambda system: boot(system, build))))
    for name in (n for n in bounds if n in workloads.WORKLOADS):
        both = count_both(name, lambda system, n=name: workload_counts(system, n, build))
        programs[name] = both
        rows.update(ratios.rows_of(*({name: tally.middle(counts.samples)} for counts in both)))
    return rows, programs


def compare_seconds(build: Path, bounds: dict) -> dict:
    rows = {}
    for name in bounds:
        with Step(f"{name} in seconds"):
            rows[name] = best_seconds(name, build)
    return rows


def compare(check: bool, expression: Optional[str]) -> int:
    packages.setup("run")
    build = builds.build_shown(builds.CONFIGURATIONS["release"])
    counts, times = chosen("rows", expression), chosen("seconds", expression)
    if not counts and not times:
        raise Failure(f"no row's name contains '{expression}'")
    rows, programs = compare_counts(build, counts)
    took = compare_seconds(build, times)
    ratios.print_head("instructions", rep=True)
    ratios.print_rows(rows, counts)
    if times:
        ratios.print_head("seconds", rep=False)
        ratios.print_rows(took, times, digits=2)
    for name, (pith, linux) in programs.items():
        print_kinds(name, pith, tally.middle(linux.samples))
    missed = ratios.misses(rows, counts) + [f"seconds of {text}" for text in ratios.misses(took, times)]
    if check and missed:
        raise Failure("limits missed:\n    " + "\n    ".join(missed))
    return 0
