# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Time: budgets, priorities, lent time, and clients that try to freeze a server with it.

The guest (tests/system/time) prints "ok NAME" or "FAIL NAME WHY".  It runs once with instructions as time,
where its limits are tight, and once with the host's time.
"""
import os
import re

import pytest

from harness import boot
from pithlib import qemu

SUMMARY = re.compile(r"^SUMMARY checks (\d+) failed (\d+)\r?$", re.MULTILINE)


def expect_all(result) -> None:
    """Every check of the guest went well, and it says how many there were."""
    failures = [line for line in result.lines if line.startswith(("FAIL", "PITH-PANIC"))]
    assert not failures, "\n".join(failures)
    found = SUMMARY.search(result.serial)
    assert found, result.explain()
    assert int(found[1]) == sum(line.startswith("ok ") for line in result.lines) > 0
    assert result.status == 0, result.explain()


def test_time_counted(artefacts, pith_build):
    expect_all(boot("time", artefacts, timeout=300, append="counted", extra=qemu.COUNTED))


@pytest.mark.skipif(not os.environ.get("PITH_LONG"), reason="depends on how busy the host is; PITH_LONG=1 runs it")
def test_time_as_it_passes(artefacts, pith_build):
    expect_all(boot("time", artefacts, timeout=300))
