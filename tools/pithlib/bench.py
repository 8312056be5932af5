# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith bench`: run the benchmark programs and hold their figures against the limits.

bench/programs.toml names the programs, each of which prints lines `PITH-BENCH <metric> <number>`:

    [ipc]                           # boots an image of the build on one counted CPU
    image = "bench.img"             # relative to the build directory
    timeout = 60                    # seconds; optional
    cpu = "max,-erms"               # optional, this is the default
    extra = ["-smp", "1"]           # optional, further QEMU arguments

    [size]                          # or: runs a command at the root of the tree
    command = ["python3", "tools/checks/kernel_size.py", "{build}"]

{build} in `extra` and `command` is the build directory.  A guest must power off with status 0, a command must end with status 0.  bench/limits.toml holds the
limits, lower being better:

    [metrics]
    "ipc.call" = { limit = 150, aim = 115, kept = 131, unit = "instructions" }

`limit` is what the design demands, `kept` what was reached: a figure more than a fiftieth above it
is a miss too, so that what was gained is not lost little by little.  A metric without a limit is only shown.  A metric with a limit that nothing printed fails --check.
"""
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Optional

from . import build as builds
from . import packages, qemu
from .ui import TREE, Failure, environment, say, tail

LINE = re.compile(r"^PITH-BENCH (\S+) (-?\d+(?:\.\d+)?)\s*$", re.MULTILINE)
PROGRAM_KEYS = {"image", "command", "timeout", "cpu", "extra"}
LIMIT_KEYS = {"limit", "aim", "kept", "unit"}
SLACK = 50  # a figure may exceed what was reached by one part in so many


class Limit(NamedTuple):
    limit: Optional[float]
    aim: Optional[float]
    unit: str
    kept: Optional[float] = None


def load_toml(path: Path) -> dict:
    try:
        import tomllib
    except ImportError:
        raise Failure("benchmarks need Python 3.11 or later (tomllib)") from None
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"{path}: {error}") from None


def read_programs(directory: Path) -> dict:
    path = directory / "programs.toml"
    programs = load_toml(path)
    for name, program in programs.items():
        if not isinstance(program, dict) or ("image" in program) == ("command" in program):
            raise Failure(f"{path}: [{name}] needs either 'image' or 'command'")
        for key in program.keys() - PROGRAM_KEYS:
            raise Failure(f"{path}: [{name}] has an unknown key '{key}'")
    return programs


def read_limits(directory: Path) -> dict:
    path = directory / "limits.toml"
    limits = {}
    for name, row in load_toml(path).get("metrics", {}).items():
        if not isinstance(row, dict) or row.keys() - LIMIT_KEYS:
            raise Failure(f"{path}: '{name}' may have limit, aim, kept and unit only")
        limits[name] = Limit(row.get("limit"), row.get("aim"), row.get("unit", ""),
                             row.get("kept"))
    return limits


def as_number(text: str):
    return float(text) if "." in text else int(text)


def read_metrics(program: str, text: str) -> dict:
    metrics = {}
    for name, value in LINE.findall(text):
        if name in metrics:
            raise Failure(f"benchmark '{program}' printed {name} twice")
        metrics[name] = as_number(value)
    if not metrics:
        raise Failure(f"benchmark '{program}' printed no PITH-BENCH line:\n{tail(text)}")
    return metrics


def boot_program(name: str, program: dict, build: Path, log: Path) -> str:
    image = build / program["image"]
    extra = [word.replace("{build}", str(build)) for word in program.get("extra", [])]
    if not image.exists():
        raise Failure(f"benchmark '{name}': {image} does not exist")
    log.write_text("")
    command = qemu.command(build / "boot" / "loader", image, cpu=program.get("cpu", "max,-erms"),
                           extra=[*qemu.COUNTED, "-display", "none", "-monitor", "none",
                                  "-serial", f"file:{log}", *extra])
    timeout = program.get("timeout", 60)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"benchmark '{name}' did not end within {timeout} s:\n"
                      f"{tail(log.read_text(errors='replace'))}") from None
    text = log.read_text(errors="replace")
    end = qemu.decode(done.returncode)
    if end != qemu.End("power-off", 0):
        raise Failure(f"benchmark '{name}': {end.explain()}:\n{tail(text)}{tail(done.stderr)}")
    return text


def run_command(name: str, program: dict, build: Path, tree: Path) -> str:
    command = [word.replace("{build}", str(build)) for word in program["command"]]
    timeout = program.get("timeout", 60)
    try:
        done = subprocess.run(command, cwd=tree, env=environment(PITH_BUILD=str(build)),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)
    except FileNotFoundError:
        raise Failure(f"benchmark '{name}': {command[0]} not found") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"benchmark '{name}' did not end within {timeout} s") from None
    if done.returncode != 0:
        raise Failure(f"benchmark '{name}' ended with status {done.returncode}:\n"
                      f"{tail(done.stdout + done.stderr)}")
    return done.stdout


def run_once(name: str, program: dict, build: Path, tree: Path) -> dict:
    if "command" in program:
        return read_metrics(name, run_command(name, program, build, tree))
    logs = build / "bench-logs"
    logs.mkdir(exist_ok=True)
    return read_metrics(name, boot_program(name, program, build, logs / f"{name}.log"))


def run_program(name: str, program: dict, build: Path, tree: Path, repeat: int) -> dict:
    first = run_once(name, program, build, tree)
    for _ in range(repeat - 1):
        again = run_once(name, program, build, tree)
        differing = sorted(m for m in first.keys() | again.keys() if first.get(m) != again.get(m))
        if differing:
            shown = ", ".join(f"{m}: {first.get(m)} and {again.get(m)}" for m in differing[:5])
            raise Failure(f"benchmark '{name}' gave different figures: {shown}")
    return first


def measure(programs: dict, build: Path, tree: Path, repeat: int) -> dict:
    """As many programs at once as there are processors: what they count does not depend on it."""
    metrics, owner = {}, {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = pool.map(lambda name: run_program(name, programs[name], build, tree, repeat), programs)
        results = dict(zip(programs, runs))
    for name, result in results.items():
        for metric, value in result.items():
            if metric in owner:
                raise Failure(f"benchmarks '{owner[metric]}' and '{name}' both print {metric}")
            owner[metric], metrics[metric] = name, value
    return metrics


def verdict(value, limit: Optional[Limit]) -> str:
    if limit is None or (limit.limit is None and limit.kept is None):
        return ""
    if value is None:
        return "NOT MEASURED"
    if limit.limit is not None and value > limit.limit:
        return "OVER THE LIMIT"
    if limit.kept is not None and value * SLACK > limit.kept * (SLACK + 1):
        return "WORSE THAN IT WAS"
    return "aim reached" if limit.aim is not None and value <= limit.aim else ""


def is_bad(text: str) -> bool:
    return text.isupper()


def shown(number) -> str:
    return "-" if number is None else f"{number:,}"


def print_table(metrics: dict, limits: dict) -> None:
    say(f"{'metric':<28} {'value':>11} {'kept':>11} {'limit':>11} {'aim':>11}  unit")
    for name in sorted(metrics.keys() | limits.keys()):
        value, limit = metrics.get(name), limits.get(name, Limit(None, None, ""))
        say(f"{name:<28} {shown(value):>11} {shown(limit.kept):>11} {shown(limit.limit):>11} "
            f"{shown(limit.aim):>11}  {limit.unit:<14} {verdict(value, limit)}".rstrip())


def misses(metrics: dict, limits: dict) -> list:
    texts = {n: verdict(metrics.get(n), limit) for n, limit in limits.items()}
    return sorted(f"{n}: {t.lower()} (value {shown(metrics.get(n))}, limit "
                  f"{shown(limits[n].limit)}, kept {shown(limits[n].kept)})" for n, t in texts.items() if is_bad(t))


def evaluate(build: Path, tree: Path, expression: Optional[str], repeat: int) -> tuple:
    """Measure; returns (metrics, limits), the limits being those that can be judged."""
    programs = read_programs(tree / "bench")
    limits = read_limits(tree / "bench")
    if expression:
        programs = {n: p for n, p in programs.items() if expression in n}
        if not programs:
            raise Failure(f"no benchmark program's name contains '{expression}'")
    metrics = measure(programs, build, tree, repeat)
    if expression:
        limits = {n: limit for n, limit in limits.items() if n in metrics}
    return metrics, limits


def bench(json_file: Optional[str], check: bool, expression: Optional[str], repeat: int) -> int:
    packages.setup("run")
    build = builds.build_shown(builds.CONFIGURATIONS["release"])
    metrics, limits = evaluate(build, TREE, expression, repeat)
    print_table(metrics, limits)
    if json_file:
        text = json.dumps({"metrics": metrics}, indent=2, sort_keys=True)
        Path(json_file).write_text(text + "\n")
    missed = misses(metrics, limits)
    if check and missed:
        raise Failure("limits missed:\n    " + "\n    ".join(missed))
    return 0
