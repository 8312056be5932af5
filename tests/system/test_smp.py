# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Several CPUs: threads run where they should, and whatever one CPU does to another's threads.

The guest (tests/system/smp) prints "ok NAME" or "FAIL NAME WHY".  The CPUs are emulated by threads of
the host, so that they really run at once where it has as many.
"""
import re

import pytest

from harness import boot

pytestmark = pytest.mark.alone

PARALLEL = ["-accel", "tcg,thread=multi"]
# One thread of the host emulates all CPUs in turn, from PAUSE to PAUSE: who waits for a lock costs nothing,
# so that a hundred times as much happens.
IN_TURN = ["-accel", "tcg,thread=single"]
SUMMARY = re.compile(r"^SUMMARY checks (\d+) failed (\d+)\r?$", re.MULTILINE)


def expect_all(result) -> None:
    failures = [line for line in result.lines if line.startswith(("FAIL", "PITH-PANIC"))]
    assert not failures, "\n".join(failures)
    found = SUMMARY.search(result.serial)
    assert found, result.explain()
    assert int(found[1]) == sum(line.startswith("ok ") for line in result.lines) > 0
    assert result.status == 0, result.explain()


@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_smp(artefacts, pith_build, cpus):
    expect_all(boot("smp", artefacts, timeout=300, cpus=cpus, extra=PARALLEL))


@pytest.mark.parametrize("accel", [PARALLEL, IN_TURN], ids=["parallel", "in_turn"])
def test_stress(artefacts, pith_build, accel):
    """The short form; `./pith campaign smp` runs the long one."""
    expect_all(boot("smp_stress", artefacts, timeout=300, cpus=4, append="seconds=2" + (" in_turn" if accel == IN_TURN else ""),
                    extra=accel))
