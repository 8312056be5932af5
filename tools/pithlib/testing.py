# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith test`: every check, stage by stage.

A stage returns how many of its checks passed and failed; one that cannot run counts as one failure.
Each stage's full output is in build/logs.
"""
import functools
import json
import os
import shlex
import subprocess
import tempfile
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from checks import sources

from . import bench, coverage, mutants, packages
from . import build as builds
from .ui import TREE, Failure, Step, environment, run_logged, say, tail

LOGS = TREE / "build" / "logs"
RELEASE = builds.CONFIGURATIONS["release"]
PYTEST = ["/usr/bin/python3", "-m", "pytest"]
NOTHING_COLLECTED = 5  # pytest's status


class Score(NamedTuple):
    passed: int
    failed: int
    report: str = ""  # what to show of the failures
    skipped: int = 0

    def note(self) -> str:
        words = [f"FAIL: {self.failed} failed"] if self.failed else []
        words.append(f"{self.passed} passed")
        words += [f"{self.skipped} skipped"] if self.skipped else []
        return ", ".join(words)


class Stage(NamedTuple):
    name: str
    run: Callable
    needs: str = "release"  # the build that it works on
    makes: str = ""         # the build that it makes


def build_stage(name: str) -> Stage:
    configuration = builds.CONFIGURATIONS[name]

    def run() -> Score:
        builds.build(configuration)
        return Score(1, 0)
    return Stage(f"build {name}", run, needs="", makes=name)


def check_format() -> Score:
    files = [str(p) for p in sources.all_files(TREE) if sources.is_c(p)]
    log = LOGS / "format.log"
    if not files or run_logged(["clang-format", "--dry-run", "--Werror", *files], log) == 0:
        return Score(1, 0)
    places = [line for line in log.read_text().splitlines() if ": error:" in line]
    return Score(0, 1, "\n".join(places[:15]) + f"\n'clang-format -i' mends it; full log: {log}")


# Flags of gcc that clang does not know.
GCC_ONLY = ("-ffixed-", "-fno-tree-loop-distribute-patterns", "-Wlogical-op", "-Wduplicated-")


@functools.lru_cache(maxsize=None)
def headers_of(compiler: str) -> str:
    """Where gcc has headers of its own, such as those of the sanitizers."""
    done = subprocess.run([compiler, "-print-file-name=include"], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip()


def tidy_entry(entry: dict, extra: Path = Path("headers")) -> dict:
    """A compile command of the release build (gcc) as clang-tidy is to see it: assertions on, since
    they say what holds, warnings left to the compilers, and clang's own headers instead of gcc's.
    Hosted code finds in `extra` what clang's package may lack."""
    words = [w for w in shlex.split(entry["command"]) if not w.startswith(GCC_ONLY)]
    words = ["-DPITH_DEBUG=1" if w.startswith("-DPITH_DEBUG=") else w for w in words]
    if "-nostdinc" in words:
        words = [headers_of("clang") if w == headers_of(words[0]) else w for w in words]
    else:
        words += ["-idirafter", str(extra)]
    return {"directory": entry["directory"],
            "file": os.path.normpath(Path(entry["directory"]) / entry["file"]),
            "command": shlex.join(["clang", *words[1:], "-Wno-everything"])}


def extra_headers(place: Path) -> Path:
    """PLACE/headers with the sanitizers' headers, which gcc always has, and no other of gcc's: its
    <stdatomic.h> is none for clang."""
    extra = place / "headers"
    extra.mkdir(parents=True, exist_ok=True)
    link = extra / "sanitizer"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(headers_of("gcc")) / "sanitizer")
    return extra


def tidy_database(build: Path, place: Path) -> list:
    """Write PLACE/compile_commands.json, one command for each C source; returns the sources."""
    entries = json.loads((build / "compile_commands.json").read_text())
    found = {}
    extra = extra_headers(place)
    for entry in (tidy_entry(e, extra) for e in entries):
        if entry["file"].endswith(".c"):
            found.setdefault(entry["file"], entry)
    (place / "compile_commands.json").write_text(json.dumps(list(found.values()), indent=1))
    return sorted(found, key=lambda name: -os.path.getsize(name))


def check_tidy() -> Score:
    """clang-tidy over all that is built, on as many processors as there are."""
    place = TREE / "build" / "tidy"
    files, workers = tidy_database(builds.build_dir(RELEASE), place), os.cpu_count() or 1

    def run_share(share: int) -> str:
        log = LOGS / f"clang-tidy-{share}.log"
        chosen = files[share::workers]
        if chosen and run_logged(["clang-tidy", "--quiet", "-p", str(place), *chosen], log) != 0:
            return log.read_text()
        return ""

    with ThreadPoolExecutor(workers) as pool:
        output = "\n".join(pool.map(run_share, range(workers)))
    places = {line.replace(f"{TREE}/", "") for line in output.splitlines() if ": error:" in line}
    if not output.strip():
        return Score(1, 0)
    return Score(0, 1, "\n".join(sorted(places)[:30]) + f"\nfull logs: {LOGS}/clang-tidy-*.log")


def host_tests() -> Score:
    build = builds.build_dir(RELEASE)
    log, results = LOGS / "host-tests.log", build / "meson-logs" / "testlog.json"
    results.unlink(missing_ok=True)
    status = run_logged(["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs"],
                        log, env=environment())
    rows = []
    if results.exists():
        rows = [json.loads(line) for line in results.read_text().splitlines()]
    bad = [row["name"] for row in rows if row["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")]
    if status != 0 and not bad:
        raise Failure(f"meson test failed:\n{tail(log.read_text())}\nfull log: {log}")
    report = f"{', '.join(bad)}\n{tail(log.read_text())}\nfull log: {log}" if bad else ""
    return Score(len(rows) - len(bad), len(bad), report)


def read_junit(path: Path) -> tuple:
    """(passed, failed, skipped) of a report in JUnit's form."""
    suite = xml.parse(path).getroot().find("testsuite")
    total, skipped = int(suite.get("tests")), int(suite.get("skipped"))
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    return total - failed - skipped, failed, skipped


def total(scores: list) -> Score:
    return Score(sum(s.passed for s in scores), sum(s.failed for s in scores),
                 "\n".join(s.report for s in scores if s.report), sum(s.skipped for s in scores))


def run_pytest(name: str, build: Path, arguments: list, shared: str = "") -> Score:
    log, results = LOGS / f"{name}.log", LOGS / f"{name}.xml"
    results.unlink(missing_ok=True)
    command = [*PYTEST, "-p", "no:cacheprovider", "-rfEs", "--tb=short", f"--junitxml={results}",
               *arguments]
    status = run_logged(command, log, env=environment(PITH_BUILD=str(build), PITH_SHARED=shared))
    if status == NOTHING_COLLECTED:
        return Score(0, 0)
    if status not in (0, 1) or not results.exists():
        raise Failure(f"pytest ended with status {status}:\n{tail(log.read_text())}\n"
                      f"full log: {log}")
    passed, failed, skipped = read_junit(results)
    report = f"{tail(log.read_text())}\nfull log: {log}" if failed else ""
    return Score(passed, failed, report, skipped)


def run_shared(name: str, build: Path, arguments: list, marks: list) -> Score:
    """As many runs as there are processors share the tests file by file; then those that want to be alone."""
    workers = range(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory(prefix="pith-shared-") as shared:
        options = ["-m", " and ".join([*marks, "not alone"]), *arguments]
        with ThreadPoolExecutor(len(workers)) as pool:
            runs = pool.map(lambda i: run_pytest(f"{name}-{i}", build, options, shared), workers)
            scores = list(runs)
    return total([*scores, run_pytest(f"{name}-alone", build, ["-m", " and ".join([*marks, "alone"]), *arguments])])


# Long, and about a server more than about the kernel below it: the release build's run is enough.
ONCE = [f"--ignore-glob=*/test_linux_{name}.py"
        for name in ("calls", "cpus", "debug", "hostile", "programs", "python", "shells", "tools")]


def pytest_stage(title: str, configuration: str, paths: list, options: list = (), marks: list = ()) -> Stage:
    build = builds.build_dir(builds.CONFIGURATIONS[configuration])
    name = title.replace(",", "").replace(" ", "-")
    return Stage(title, lambda: run_shared(name, build, [*options, *paths], marks), configuration)


def check_bench() -> Score:
    metrics, limits = bench.evaluate(builds.build_dir(RELEASE), TREE, None, repeat=2)
    missed = bench.misses(metrics, limits)
    return Score(len(limits) - len(missed), len(missed), "\n".join(missed))


def check_coverage() -> Score:
    report, wrong = coverage.judge()
    return Score(int(not wrong), len(wrong), "\n".join([*wrong[:coverage.SHOWN], report[-1]]))


def check_mutants() -> Score:
    verdicts = mutants.judge(mutants.choose(TREE, (), short=True))
    bad = [f"{v.result} {v.name}: {v.note}" for v in verdicts if v.result != "caught"]
    return Score(len(verdicts) - len(bad), len(bad), "\n".join(bad))


def choose_stages(expression: Optional[str], quick: bool) -> list:
    options, marks = ["-k", expression] if expression else [], ["not slow"] if quick else []
    release = build_stage("release")
    others = [build_stage("debug"), build_stage("clang"), build_stage("clang-debug")]
    static = [Stage("clang-format", check_format, needs=""), Stage("host unit tests", host_tests)]
    tree = pytest_stage("tests of tree, tools and Linux", "release", ["tests/tree", "tests/tools", "tests/linux"],
                        options, marks)
    system = pytest_stage("system tests", "release", ["tests/system"], options, marks)
    if expression:
        return [release, tree, system]
    if quick:
        return [release, *static, tree, system]
    return [release, *others, *static, tree,
            pytest_stage("include rights, clang", "clang", ["tests/tree/test_rights.py"]),
            system,
            pytest_stage("system tests, debug build", "debug", ["tests/system", *ONCE]),
            pytest_stage("system tests, clang build", "clang", ["tests/system", *ONCE]),
            Stage("branch coverage", check_coverage, needs=""), Stage("benchmarks", check_bench),
            Stage("clang-tidy", check_tidy),
            Stage("mutants", check_mutants)]


def run_stage(stage: Stage, may_be_empty: bool) -> Score:
    with Step(stage.name) as step:
        try:
            score = stage.run()
        except Failure as failure:
            score = Score(0, 1, str(failure))
        if score.passed + score.failed == 0 and not may_be_empty:
            score = Score(0, 1, "nothing ran", score.skipped)
        step.note = score.note()
    if score.report:
        say("\n".join("      | " + line for line in score.report.splitlines()))
    return score


def run_stages(stages: list, may_be_empty: bool) -> list:
    """(stage, score) of each; one whose build failed is left out, the build is its failure."""
    results, broken = [], set()
    for stage in stages:
        if stage.needs in broken:
            say(f"  --  {stage.name}: left out, there is no {stage.needs} build")
            continue
        score = run_stage(stage, may_be_empty)
        results.append((stage, score))
        if stage.makes and score.failed:
            broken.add(stage.makes)
    return results


def test(expression: Optional[str], quick: bool) -> int:
    packages.setup("test")
    start = time.monotonic()
    results = run_stages(choose_stages(expression, quick), may_be_empty=bool(expression))
    passed = sum(score.passed for _, score in results)
    failed = sum(score.failed for _, score in results)
    tests = sum(score.passed + score.failed for stage, score in results if not stage.makes)
    if expression and tests == 0 and failed == 0:
        raise Failure(f"nothing matches '{expression}'")
    seconds = time.monotonic() - start
    say(f"==== {passed} passed, {failed} failed in {seconds:.0f} s ====")
    return 1 if failed else 0
