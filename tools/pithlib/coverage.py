# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith coverage`: which branches of kernel/core the host tests take.

All unit tests and the model are built with gcc's --coverage into build/coverage and run; gcov says for each
program and source line how often each branch was taken.  A branch is covered if any program took it; the same
function of a header, compiled into several files, counts once.  Not branches of the code are

  - whatever stands inside ASSERT(...): facts, compiled away in release kernels;
  - a constant argument of a function that is always inlined, which gcc counts at the line of its name;
  - the way out of a `switch` without `default:` that no case takes: the compiler warns of enumerators left out.

The branches that no host test takes stand, each with its reason, in tests/coverage.toml; the list must be
complete and nothing in it stale.
"""
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import build as builds
from .bench import load_toml
from .ui import TREE, Failure, environment, say, tail

CONFIGURATION = "coverage"
CORE = "kernel/core"
LIST = "tests/coverage.toml"
KEYS = {"file", "function", "line", "numbers", "reason"}
TEST_SECONDS = 300
SHOWN = 40  # uncovered branches printed; the log has all


class Branch(NamedTuple):
    """One way out of a condition, named by what does not move when lines are added elsewhere: the text of its
    line and its number among the branches of the lines of this text in the function."""
    file: str
    function: str
    text: str
    number: int


def folded(taken: list, size: int) -> list:
    """The counts of a line's `size` branches where a function that is always inlined stands there several times."""
    return [max(taken[i::size]) for i in range(size)]


class Counts:
    """Branches by (file, line): how often each was taken, whichever program took it."""

    def __init__(self):
        self.lines = {}

    def add(self, key: tuple, taken: list) -> None:
        known = self.lines.setdefault(key, taken)
        size = min(len(known), len(taken))
        if max(len(known), len(taken)) % size:
            raise Failure(f"{key[0]}:{key[1]}: two programs have different branches here")
        self.lines[key] = [max(pair) for pair in zip(folded(known, size), folded(taken, size))]


# ---- running and reading ------------------------------------------------------------------------

def host_tests(build: Path) -> list:
    """The command of each host test that counts: the fuzzer is another compiler's."""
    done = subprocess.run(["meson", "introspect", "--tests", str(build)], capture_output=True, text=True, check=True)
    commands = [test["cmd"] for test in json.loads(done.stdout)]
    return [command for command in commands if Path(command[0]).is_relative_to(build)]


def notes_of(build: Path) -> list:
    """The notes that the compiler left beside the objects of this build, not of one before it."""
    done = subprocess.run(["ninja", "-C", str(build), "-t", "targets", "all"], capture_output=True, text=True,
                          check=True)
    objects = (line.partition(":")[0] for line in done.stdout.splitlines() if ".c.o:" in line)
    notes = (build / Path(name).with_suffix(".gcno") for name in objects)
    return sorted(path for path in notes if path.exists())


def with_steps(command: list) -> list:
    """The model takes as many steps as in its own stage."""
    return [*command, "--steps", "200000"] if Path(command[0]).name == "model_test" else command


def run_test(command: list) -> str:
    """What a test that failed said, or nothing."""
    done = subprocess.run(with_steps(command), capture_output=True, text=True, errors="replace", check=False,
                          timeout=TEST_SECONDS, env=environment())
    return f"{Path(command[0]).name}: status {done.returncode}\n{tail(done.stdout + done.stderr, 15)}" \
        if done.returncode else ""


def run_tests(commands: list, workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        failures = [text for text in pool.map(run_test, commands) if text]
    if failures:
        raise Failure("host tests fail:\n" + "\n".join(failures))


def read_gcov(notes: list, build: Path) -> list:
    """gcov's documents of these notes files, one for each."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *map(str, notes)], cwd=build,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"gcov: {tail(done.stderr, 5)}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def count(documents: list, tree: Path) -> Counts:
    counts = Counts()
    for document in documents:
        here = Path(document["current_working_directory"])
        for source in document["files"]:
            path = (here / source["file"]).resolve()
            if path.parent != tree / CORE:
                continue
            name = str(path.relative_to(tree))
            for line in source["lines"]:
                if line["branches"]:
                    counts.add((name, line["line_number"]), [branch["count"] for branch in line["branches"]])
    return counts


# ---- what is a branch of the code ---------------------------------------------------------------

def closing(text: str, at: int, pair: str) -> int:
    """Where the bracket that opens at `at` closes."""
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == pair[0]) - (text[place] == pair[1])
        if depth == 0:
            return place
    return len(text)


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def assertion_lines(text: str) -> set:
    """Lines that an ASSERT(...) stands on."""
    lines = set()
    for match in re.finditer(r"\bASSERT\(", text):
        end = closing(text, match.end() - 1, "()")
        lines.update(range(line_of(text, match.start()), line_of(text, end) + 1))
    return lines


def complete_switches(text: str) -> set:
    """Lines of each `switch` that has no default."""
    lines = set()
    for match in re.finditer(r"\bswitch \(", text):
        begin = text.index("{", closing(text, match.end() - 1, "()"))
        if not re.search(r"\bdefault:", text[begin:closing(text, begin, "{}")]):
            lines.add(line_of(text, match.start()))
    return lines


def function_at(lines: list, number: int) -> str:
    """The function around a line: its body begins with a brace that stands alone, its name stands before the first
    parenthesis above that."""
    begin = number - 1
    while begin > 0 and lines[begin] != "{":
        begin -= 1
    while begin > 0 and lines[begin - 1].strip() and not lines[begin - 1].startswith(("}", "//", "#")):
        begin -= 1
    names = re.findall(r"(\w+)\((?!\()", re.sub(r"__attribute__\(\(.*?\)\)", "", " ".join(lines[begin:number])))
    return names[0] if names else "?"


def branches_of(counts: Counts, tree: Path) -> dict:
    """Branch -> (line, times taken), of those that are branches of the code."""
    found, seen = {}, {}
    sources = {name: (tree / name).read_text() for name, _ in counts.lines}
    facts = {name: assertion_lines(text) for name, text in sources.items()}
    switches = {name: complete_switches(text) for name, text in sources.items()}
    for (name, line), taken in sorted(counts.lines.items()):
        lines = sources[name].splitlines()
        if line in facts[name] or not lines[line - 1].startswith(" "):
            continue
        if line in switches[name] and not taken[-1]:
            taken = taken[:-1]
        function, text = function_at(lines, line), lines[line - 1].strip()
        first = seen.get((name, function, text), 0)
        seen[name, function, text] = first + len(taken)
        for number, times in enumerate(taken, first + 1):
            found[Branch(name, function, text, number)] = (line, times)
    return found


# ---- the list and the verdict -------------------------------------------------------------------

def read_list(tree: Path) -> tuple:
    """(minimum in per cent, {branch: reason})"""
    path = tree / LIST
    table = load_toml(path)
    excused = {}
    for entry in table.get("branch", []):
        if set(entry) != KEYS or not entry["reason"].strip() or not entry["numbers"]:
            raise Failure(f"{path}: an entry needs {', '.join(sorted(KEYS))}: {entry}")
        for number in entry["numbers"]:
            branch = Branch(entry["file"], entry["function"], entry["line"], number)
            if branch in excused:
                raise Failure(f"{path}: twice: {branch}")
            excused[branch] = entry["reason"]
    return float(table["minimum"]), excused


def missing_sources(counts: Counts, tree: Path) -> list:
    """Sources of the core that no host test is built from, though they branch."""
    measured = {name for name, _ in counts.lines}
    sources = sorted((tree / CORE).glob("*.c"))
    return [str(p.relative_to(tree)) for p in sources
            if str(p.relative_to(tree)) not in measured and re.search(r"\b(if|for|while|switch) \(", p.read_text())]


def show(branch: Branch, line: int) -> str:
    return f"{branch.file}:{line}: {branch.function}: branch {branch.number} of `{branch.text}`"


def complaints(found: dict, excused: dict, minimum: float) -> list:
    taken = sum(times > 0 for _, times in found.values())
    result = []
    if 100 * taken < minimum * len(found):
        result.append(f"only {100 * taken / len(found):.2f} % of the branches are taken, less than {minimum:g} %")
    result += [f"{LIST}: {show(b, found[b][0])} is taken: remove the entry" for b in excused
               if b in found and found[b][1]]
    result += [f"{LIST}: no such branch: {b}" for b in excused if b not in found]
    result += [f"not taken: {show(b, line)}" for b, (line, times) in found.items() if not times and b not in excused]
    return result


def summary(found: dict) -> list:
    """Lines: branches taken and in all, for each file."""
    files = {}
    for branch, (_, times) in found.items():
        files.setdefault(branch.file, []).append(times > 0)
    rows = [f"{sum(ways):5} of {len(ways):5}  {100 * sum(ways) / len(ways):6.2f} %  {name}"
            for name, ways in sorted(files.items())]
    taken = sum(sum(ways) for ways in files.values())
    return [*rows, f"{taken:5} of {len(found):5}  {100 * taken / len(found):6.2f} %  branches of {CORE}"]


def measure(tree: Path = TREE, workers: int = 2) -> dict:
    """Build and run all host tests of the tree; its branches."""
    configuration = builds.CONFIGURATIONS[CONFIGURATION]
    build = builds.build_dir(configuration, tree)
    builds.build(configuration, tree, ["libcoverage_exit.a"])
    commands = host_tests(build)
    builds.build(configuration, tree, [str(Path(c[0]).relative_to(build)) for c in commands])
    for path in build.rglob("*.gcda"):
        path.unlink()
    run_tests(commands, workers)
    notes = notes_of(build)
    shares = [notes[i::workers] for i in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        documents = [d for ds in pool.map(lambda share: read_gcov(share, build), shares) for d in ds]
    counts = count(documents, tree)
    absent = missing_sources(counts, tree)
    if absent:
        raise Failure(f"no host test is built from {', '.join(absent)}")
    return branches_of(counts, tree)


def judge(tree: Path = TREE) -> tuple:
    """(lines to show, complaints)"""
    minimum, excused = read_list(tree)
    found = measure(tree)
    wrong = complaints(found, excused, minimum)
    report = summary(found)
    log = tree / "build" / "logs" / "coverage.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join([*report, *wrong]) + "\n")
    return report, wrong


def coverage() -> int:
    report, wrong = judge()
    say("\n".join(report))
    if wrong:
        more = [f"... and {len(wrong) - SHOWN} more, all in build/logs/coverage.log"] if len(wrong) > SHOWN else []
        raise Failure("\n".join([f"{len(wrong)} complaints", *wrong[:SHOWN], *more]))
    return 0
