# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Instructions that a machine executes between marks of its programs, counted by bench/tally."""
import statistics
from pathlib import Path
from typing import NamedTuple

from . import plugins
from .ui import TREE, Failure


class Kind(NamedTuple):
    """What was done for programs on one kind of occasion."""
    times: int
    component: int
    kernel: int
    rep: int


class Sample(NamedTuple):
    """Instructions of programs, Pith's components and the kernel, and what REP repeats, apart."""
    guest: float
    component: float
    kernel: float
    rep: float

    @property
    def instructions(self) -> float:
        return self.guest + self.component + self.kernel


def arguments(out: Path, **options) -> list:
    """For QEMU: counts into a file."""
    plugin = plugins.compiled(TREE / "bench" / "tally", TREE / "build" / "tally" / "tally.so")
    return ["-plugin", ",".join([f"{plugin}", f"out={out}", *(f"{name}={value}" for name, value in options.items())])]


def read(out: Path) -> list:
    """The samples, in the order of their ends."""
    lines = [line.split() for line in out.read_text().splitlines()]
    return [Sample(*map(int, words[1:])) for words in lines if words[0] == "sample"]


def read_kinds(out: Path) -> dict:
    """Name -> kind, of the only sample."""
    lines = [line.split() for line in out.read_text().splitlines()]
    return {words[1]: Kind(*map(int, words[2:])) for words in lines if words[0] == "kind"}


def middle(samples: list, operations: int = 1) -> Sample:
    """The sample with the median of instructions, by operation."""
    if not samples:
        raise Failure("nothing was counted")
    wanted = statistics.median_low(s.instructions for s in samples)
    sample = next(s for s in samples if s.instructions == wanted)
    return Sample(*(value / operations for value in sample))
