# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Instructions that a machine executes between marks of its programs, counted by bench/tally."""
import statistics
from pathlib import Path
from typing import NamedTuple

from . import plugins
from .ui import TREE, Failure


class Sample(NamedTuple):
    """Instructions below and in the kernel's half of the addresses, and what REP repeats, apart."""
    low: float
    high: float
    rep: float

    @property
    def instructions(self) -> float:
        return self.low + self.high

    @property
    def all(self) -> float:
        return self.instructions + self.rep


def arguments(out: Path, **options) -> list:
    """For QEMU: counts into a file."""
    plugin = plugins.compiled(TREE / "bench" / "tally" / "tally.c", TREE / "build" / "tally" / "tally.so")
    return ["-plugin", ",".join([f"{plugin}", f"out={out}", *(f"{name}={value}" for name, value in options.items())])]


def read(out: Path) -> list:
    return [Sample(*map(int, line.split())) for line in out.read_text().splitlines()]


def middle(samples: list, operations: int = 1) -> Sample:
    """The sample with the median of instructions, by operation."""
    if not samples:
        raise Failure("nothing was counted")
    wanted = statistics.median_low(s.instructions for s in samples)
    sample = next(s for s in samples if s.instructions == wanted)
    return Sample(*(value / operations for value in sample))
