# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Linux programs that mean harm (tests/hostile): the server stays, what runs beside them comes to its results, and
when they are gone everything is as before."""
import os

import pytest

from harness import hostile

SEEDS = (1, 2)
CALLS = 12_000  # `./pith campaign linux-calls` makes more


@pytest.fixture(autouse=True)
def built(pith_build):
    """Each of these boots the build."""


@pytest.mark.parametrize("seed", SEEDS)
def test_random_calls(seed):
    done = hostile.calls(seed, int(os.environ.get("PITH_HOSTILE_CALLS", CALLS)))
    assert done.ended and done.status == 0 and "WRONG" not in done.output, done
