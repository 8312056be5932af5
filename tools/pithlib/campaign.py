# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith campaign NAME`: long searches for faults, over all processors.

A campaign is one entry of CAMPAIGNS.  It is cut into parts, each a run of a host program with a
seed of its own; the first part that fails ends it and says how to see the same again.  What is one
part speaks for itself, from its beginning on.
"""
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Callable, NamedTuple

from . import build as builds
from .ui import TREE, Failure, environment, say, tail

SEEDS_APART = 100_000  # a part of the model uses as many seeds as it has sequences
REPORT_LINES = 120
PYTHON_NAMES = TREE / "tests" / "linux" / "python" / "campaign.txt"


class Campaign(NamedTuple):
    text: str
    program: str        # host program of the release build
    unit: str           # what is counted
    amount: int         # of them, unless asked otherwise
    part: int           # of them in a part
    command: Callable   # (program, seed, units, scratch directory) -> arguments of a part
    shown: bool = False  # what a part says is its result
    needs: list = []     # targets besides the program


def model_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    return [str(program), "--steps", str(units), "--seed", str(seed)]


def cpus_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    return [*model_part(program, seed, units, scratch), "--cpus"]


def fuzz_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    """The corpus that it finds is shared by all parts and kept from run to run."""
    found = scratch / "corpus"
    found.mkdir(parents=True, exist_ok=True)
    return [str(program), f"-runs={units}", f"-seed={seed % 2**31}", "-max_len=4096",
            "-len_control=0", "-timeout=60", "-verbosity=0", "-reload=1", f"-artifact_prefix={scratch}/", str(found),
            str(TREE / "tests" / "fuzz" / "corpus")]


def latency_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    """All interrupts in one part; time is counted, so there is nothing that a seed could change."""
    return ["python3", str(TREE / "bench" / "latency.py"), str(program.parent), "--interrupts", str(units)]


def smp_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    """All CPUs at once and all in turn, by turns."""
    threads = "single" if seed // SEEDS_APART % 2 else "multi"
    return [sys.executable, str(TREE / "tests" / "system" / "smp_stress.py"), str(program), str(units), threads]


def counter_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    return [sys.executable, str(TREE / "tests" / "faults" / "counter.py"), str(program.parent), "kills", str(units),
            str(seed)]


def linux_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    return ["env", f"PITH_BUILD={program.parent}", sys.executable, str(TREE / "tests" / "harness" / "hostile.py"), str(seed),
            str(units)]


def python_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    """All names in one part, which runs several at once and tells all that differs."""
    return [sys.executable, str(TREE / "tests" / "system" / "python_campaign.py"), str(program.parent), str(units)]


def python_names() -> int:
    """How many there are: a name in each line, and what begins with #."""
    return sum(1 for line in PYTHON_NAMES.read_text().splitlines() if line.split("#")[0].strip())


def steps_part(program: Path, seed: int, units: int, scratch: Path) -> list:
    """Exhaustive: there is nothing that a seed could change."""
    return [sys.executable, str(TREE / "tests" / "faults" / "counter.py"), str(program.parent), "steps"]


CAMPAIGNS = {
    "model": Campaign("the core and the model take the same random steps and are compared",
                      "tests/model/model_test", "steps", 10_000_000, 250_000, model_part),
    "cpus": Campaign("the core takes random steps on two CPUs under its invariants",
                     "tests/model/model_test", "steps", 10_000_000, 250_000, cpus_part),
    "smp": Campaign("four CPUs move, stop and destroy each other's threads, spaces and capabilities",
                    "smp_stress.img", "seconds of each check", 240, 120, smp_part,
                    shown=True),
    "fuzz": Campaign("the same, a coverage-guided fuzzer choosing the steps",
                     "tests/model/model_fuzz", "runs", 200_000, 10_000, fuzz_part),
    "counter": Campaign("the counter service and its four clients are killed at random instants",
                        "counter_kills.img", "kills", 10_000, 1_000, counter_part, shown=True),
    "counter-steps": Campaign("the counter service is killed after every single instruction of each kind of request",
                      "counter_steps.img", "sweeps", 1, 1, steps_part, shown=True),
    "linux-calls": Campaign("hostile Linux processes make random system calls", "linux.img", "calls", 1_000_000, 100_000,
                            linux_part, needs=["boot/crc32c", "tests/hostile/hostile_calls"]),
    "latency": Campaign("the response of a handler under full load", "isolation.img", "interrupts",
                        100_000, 1_000_000, latency_part, shown=True),
    "linux": Campaign("Python's own tests have the results on Pith that they have on this host",
                      "linux.img", "modules and classes", python_names(), python_names(), python_part, shown=True, needs=["boot/crc32c"]),
}


class Part(NamedTuple):
    command: list
    units: int


def cut(campaign: Campaign, program: Path, amount: int, seed: int, scratch: Path) -> list:
    parts = []
    for number, start in enumerate(range(0, amount, campaign.part)):
        units = min(campaign.part, amount - start)
        own = seed + number * SEEDS_APART
        parts.append(Part(campaign.command(program, own, units, scratch), units))
    return parts


def run_part(part: Part, kept: bool = True) -> tuple:
    """(the part, its status, what it said as far as that is kept: else it is said at once)"""
    done = subprocess.run(part.command, capture_output=kept, text=True, errors="replace",
                          env=environment(), stdin=subprocess.DEVNULL, check=False)
    return part, done.returncode, done.stdout + done.stderr if kept else ""


def progress(done: int, amount: int, unit: str, start: float) -> None:
    rate = done / max(time.monotonic() - start, 0.001)
    say(f"  {done:>12,} of {amount:,} {unit}, {rate:,.0f} a second")


def run_parts(parts: list, amount: int, chosen: Campaign) -> None:
    start, done = time.monotonic(), 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = [pool.submit(run_part, part, len(parts) > 1 or not chosen.shown) for part in parts]
        try:
            for future in as_completed(waiting):
                part, status, said = future.result()
                if status:
                    raise Failure(f"a part failed (status {status}):\n{tail(said, REPORT_LINES)}\n"
                                  f"the same again: {shlex.join(part.command)}")
                done += part.units
                if chosen.shown and said:
                    say(said)
                progress(done, amount, chosen.unit, start)
        finally:
            for future in waiting:
                future.cancel()


def campaign(name: str, amount: int = None, seed: int = 1) -> int:
    if name not in CAMPAIGNS:
        raise Failure(f"no campaign '{name}'; there are: {', '.join(CAMPAIGNS)}", status=2)
    chosen = CAMPAIGNS[name]
    amount = amount or chosen.amount
    directory = builds.build(builds.CONFIGURATIONS["release"], targets=[chosen.program, "boot/loader", *chosen.needs])
    scratch = TREE / "build" / "campaigns" / name
    scratch.mkdir(parents=True, exist_ok=True)
    say(f"pith: campaign {name}: {chosen.text}; {amount:,} {chosen.unit}, seeds from {seed}")
    run_parts(cut(chosen, directory / chosen.program, amount, seed, scratch), amount, chosen)
    say(f"pith: {amount:,} {chosen.unit}, nothing found")
    return 0
