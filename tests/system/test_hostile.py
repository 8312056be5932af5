# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Hostile threads make random system calls; nobody else notices and all memory comes back.

PITH_LONG=1: twenty million calls instead of one.  PITH_SEED: other calls.
"""
import os

import pytest

from harness import boot

LONG = os.environ.get("PITH_LONG") == "1"
CALLS = 20_000_000 if LONG else 1_000_000
SEED = int(os.environ.get("PITH_SEED", "1"))


def test_hostile_threads_harm_nobody(artefacts, pith_build):
    result = boot("hostile", artefacts, timeout=600 if LONG else 120,
                  append=f"calls={CALLS} seed={SEED}")
    result.expect("hostile: all memory is back, the victim answered", status=0)


@pytest.mark.parametrize("accel", [
    pytest.param("tcg,thread=multi", id="parallel", marks=pytest.mark.alone),
    pytest.param("tcg,thread=single", id="in_turn")])
def test_hostile_threads_on_four_cpus(artefacts, pith_build, accel):
    """Fewer calls where they wait for each other with the host's threads (test_smp.py)."""
    calls = CALLS // (10 if accel.endswith("single") else 500)
    result = boot("hostile", artefacts, timeout=900 if LONG else 240, cpus=4,
                  append=f"calls={calls} seed={SEED}", extra=["-accel", accel])
    result.expect("hostile: all memory is back, the victim answered", status=0)
