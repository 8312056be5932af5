# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Instructions that a machine executes between marks of its programs, counted by bench/linux/plugin."""
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

    @property
    def instructions(self) -> int:
        return self.component + self.kernel


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
    plugin = plugins.compiled(TREE / "bench" / "linux" / "plugin", TREE / "build" / "tally" / "tally.so")
    return ["-plugin", ",".join([f"{plugin}", f"out={out}", *(f"{name}={value}" for name, value in options.items())])]


class Counts(NamedTuple):
    """What one run of a machine came to."""
    samples: list  # in the order of their ends
    kinds: dict    # name -> kind, of the only sample


def parse(text: str) -> Counts:
    lines = [line.split() for line in text.splitlines()]
    return Counts([Sample(*map(int, words[1:])) for words in lines if words[0] == "sample"],
                  {words[1]: Kind(*map(int, words[2:])) for words in lines if words[0] == "kind"})


def read(out: Path) -> Counts:
    return parse(out.read_text())


def middle(samples: list, operations: int = 1) -> Sample:
    """The sample with the median of instructions, by operation."""
    if not samples:
        raise Failure("nothing was counted")
    wanted = statistics.median_low(s.instructions for s in samples)
    sample = next(s for s in samples if s.instructions == wanted)
    return Sample(*(value / operations for value in sample))
