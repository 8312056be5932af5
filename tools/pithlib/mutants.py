# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith mutants`: show that the checks catch what they claim to.

A mutant is tests/mutants/NAME.patch.  Lines before the first `diff` or `---` say what it is:

    # breaks: a marked slot can be copied
    # check: /usr/bin/python3 -m pytest -q tests/system/test_cap.py -k revoke
    # build: release            (optional; a configuration of ./pith build, several, or none)
    # short: yes                (optional; ./pith test runs it)

The check is a shell command run at the root of a copy of the tree; {build} in it and $PITH_BUILD
name the (first) build there.  It must pass on the unchanged copy and fail with the patch applied.  A
mutant that does not apply or does not build is an error, not a success: where the compiler is what
must catch it, say `# build: none` and let the check build.
"""
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Sequence

from . import build as builds
from .ui import TREE, Failure, environment, run_logged, say, tail, usage

CHECK_SECONDS = 600
KEYS = {"breaks", "check", "build", "short"}
LEFT_OUT = shutil.ignore_patterns("build", ".git", "__pycache__", ".pytest_cache")


class Mutant(NamedTuple):
    name: str
    patch: Path
    breaks: str
    check: str
    builds: tuple
    short: bool


class Verdict(NamedTuple):
    name: str
    result: str  # "caught", "SURVIVED" or "ERROR"
    note: str


def read_header(path: Path) -> dict:
    header = {}
    for line in path.read_text().splitlines():
        if line.startswith(("diff ", "--- ")):
            break
        key, colon, value = line.lstrip("#").partition(":")
        if line.startswith("#") and colon and key.strip() in KEYS:
            header[key.strip()] = value.strip()
    return header


def read_mutant(path: Path) -> Mutant:
    header = read_header(path)
    for key in ("breaks", "check"):
        if not header.get(key):
            raise Failure(f"{path}: no line '# {key}: ...' before the patch")
    wanted = tuple(w for w in header.get("build", "release").split() if w != "none")
    for name in wanted:
        if name not in builds.CONFIGURATIONS:
            raise Failure(f"{path}: no build configuration '{name}'")
    if header.get("short", "no") not in ("yes", "no"):
        raise Failure(f"{path}: '# short:' must be yes or no")
    return Mutant(path.stem, path, header["breaks"], header["check"], wanted,
                  header.get("short") == "yes")


def choose(tree: Path, names: Sequence[str], short: bool) -> list:
    """The mutants of these names, or without names all of them."""
    directory = tree / "tests" / "mutants"
    paths = {p.stem: p for p in sorted(directory.glob("*.patch"))}
    for name in names:
        if name not in paths:
            raise usage(f"no mutant '{name}' in {directory}")
    mutants = [read_mutant(paths[name]) for name in names or paths]
    return [m for m in mutants if m.short or not short]


class Workshop:
    """A copy of the tree in which mutants are applied one after the other.

    The builds in it are incremental: patching a file and restoring it gives it new times."""

    def __init__(self, tree: Path, place: Path):
        self.copy = place / "tree"
        self.logs = tree / "build" / "logs" / "mutants"
        shutil.copytree(tree, self.copy, symlinks=True, ignore=LEFT_OUT)
        (tree / "build" / "ports").mkdir(parents=True, exist_ok=True)
        (self.copy / "build").mkdir()
        (self.copy / "build" / "ports").symlink_to(tree / "build" / "ports")  # by checksum: any tree's

    def build(self, mutant: Mutant) -> None:
        for name in mutant.builds:
            builds.build(builds.CONFIGURATIONS[name], self.copy)

    def check(self, mutant: Mutant, log_name: str) -> int:
        first = (*mutant.builds, "release")[0]
        directory = self.copy / "build" / first
        command = mutant.check.replace("{build}", str(directory))
        return run_logged(["sh", "-c", command], self.logs / log_name, cwd=self.copy,
                          env=environment(PITH_BUILD=str(directory)), timeout=CHECK_SECONDS)

    def patch(self, mutant: Mutant, *options: str) -> None:
        command = ["patch", "-p1", "--no-backup-if-mismatch", "--fuzz=0", "-s", *options,
                   "-i", str(mutant.patch)]
        done = subprocess.run(command, cwd=self.copy, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"the patch does not apply: {' '.join(done.stdout.split())}")

    def touched(self, mutant: Mutant) -> set:
        names = re.findall(r"^(?:--- a|\+\+\+ b)/(\S+)", mutant.patch.read_text(), re.MULTILINE)
        return {self.copy / name for name in names}

    def baseline(self, mutant: Mutant) -> None:
        """The check must pass on the unchanged copy."""
        self.build(mutant)
        log = f"baseline-{mutant.name}.log"
        status = self.check(mutant, log)
        if status != 0:
            text = tail((self.logs / log).read_text(errors="replace"), 15)
            raise Failure(f"the check fails without the mutant (status {status}):\n{text}\n"
                          f"full log: {self.logs / log}")

    def attempt(self, mutant: Mutant) -> Verdict:
        self.patch(mutant, "--dry-run")
        before = {path: path.read_bytes() if path.exists() else None for path in self.touched(mutant)}
        self.patch(mutant)
        try:
            self.build(mutant)
            status = self.check(mutant, f"{mutant.name}.log")
        finally:
            restore(before)
        if status == 0:
            return Verdict(mutant.name, "SURVIVED", f"the check passes: {mutant.check}")
        if status in (126, 127):
            return Verdict(mutant.name, "ERROR", "the check could not be run: " + mutant.check)
        return Verdict(mutant.name, "caught", mutant.breaks)


def restore(files: dict) -> None:
    """Give each file what it held, None: nothing.  A reversed patch could fit in another place, too."""
    for path, held in files.items():
        if held is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(held)


def run_one(workshop: Workshop, mutant: Mutant, passed: set) -> Verdict:
    key = (mutant.check, mutant.builds)
    try:
        if key not in passed:
            workshop.baseline(mutant)
            passed.add(key)
        return workshop.attempt(mutant)
    except Failure as failure:
        return Verdict(mutant.name, "ERROR", str(failure))


def judge(mutants: list, tree: Path = TREE) -> list:
    """The verdict on each mutant, shown as they come."""
    verdicts, passed = [], set()
    with tempfile.TemporaryDirectory(prefix="pith-mutants-") as place:
        workshop = Workshop(tree, Path(place))
        for mutant in mutants:
            start = time.monotonic()
            verdict = run_one(workshop, mutant, passed)
            verdicts.append(verdict)
            seconds = time.monotonic() - start
            say(f"  {verdict.result:<8} {verdict.name:<32} {seconds:6.1f} s  {verdict.note}")
    return verdicts


def run_mutants(names: Sequence[str], short: bool, tree: Path = TREE) -> int:
    mutants = choose(tree, names, short)
    if not mutants:
        say("pith: no mutants to run")
        return 0
    verdicts = judge(mutants, tree)
    caught = sum(v.result == "caught" for v in verdicts)
    say(f"pith: {caught} of {len(verdicts)} mutants caught")
    return 0 if caught == len(verdicts) else 1
