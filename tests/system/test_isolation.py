# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Time is isolated: a component gets its share of the CPU in any ten periods, no more and no less.

The guest (tests/system/isolation) prints "ok NAME" or "FAIL NAME WHY", and what it found in lines "NOTE".  It runs
with instructions as time, so that every run gives the same figures.
"""
import re

from harness import boot
from pithlib import qemu

SUMMARY = re.compile(r"^SUMMARY checks (\d+) failed (\d+)\r?$", re.MULTILINE)


def test_isolation(artefacts, pith_build):
    result = boot("isolation", artefacts, timeout=300, append="counted", extra=qemu.COUNTED)
    failures = [line for line in result.lines if line.startswith(("FAIL", "PITH-PANIC"))]
    assert not failures, "\n".join(failures)
    found = SUMMARY.search(result.serial)
    assert found, result.explain()
    assert int(found[1]) == sum(line.startswith("ok ") for line in result.lines) > 0
    assert result.status == 0, result.explain()
