# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Linux programs that mean harm (tests/hostile): the server stays, what runs beside them comes to its results, and
when they are gone everything is as before."""
import os

import pytest

from harness import hostile

SEEDS = (1, 2)
BOMBS = 17
CALLS = 12_000  # `./pith campaign linux-calls` makes more


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


@pytest.mark.parametrize("seed", SEEDS)
def test_random_calls(seed):
    done = hostile.calls(seed, int(os.environ.get("PITH_HOSTILE_CALLS", CALLS)))
    assert done.ended and done.status == 0 and "WRONG" not in done.output, done


def test_bombs():
    """Each takes all there is of something, twice, and when it is ended all is there again: memory, files, page tables,
    processes, time, threads, descriptors, timers, signals; random calls and executables that are no good as well."""
    done = hostile.run(["bombs", "0.1"], memory=128, timeout=200)
    over = [line for line in done.output.splitlines() if line.endswith(": over")]
    assert done.status == 0 and "WRONG" not in done.output and len(over) == BOMBS, done


def test_executables_that_are_no_good():
    done = hostile.run(["bombs", "1", "executables"], timeout=100)
    assert done.status == 0 and done.output == "executables: over\n", done


# ---- two containers

ROUNDS = 400  # of 20 ms: all bombs end in the time
PERIOD = 10_000_000  # nanoseconds, of both shares


def test_a_container_beside_a_hostile_one(artefacts):
    """It comes to the same results, in time.  Each 10 ms its server has 1.5 ms and its programs 2.5 ms of the one CPU,
    and the work takes less than both; so it is done within one period, whatever happens in the other."""
    alone = hostile.containers(ROUNDS, ["/bin/sleep", "1000"], artefacts, "alone")
    beside = hostile.containers(ROUNDS, ["/bombs", "0.02"], artefacts, "beside")
    assert alone.right and beside.right and beside.sum == alone.sum
    assert alone.longest <= PERIOD and beside.longest <= PERIOD, (alone.longest, beside.longest)
    assert beside.beside.count(": over") == BOMBS and "WRONG" not in beside.beside, beside.beside
