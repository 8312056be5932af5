# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Several CPUs: threads run where they should, and whatever one CPU does to another's threads.

The guest (tests/system/smp) prints "ok NAME" or "FAIL NAME WHY".  The CPUs are emulated by threads of
the host, so that they really run at once where it has as many.
"""
import re

import pytest

from harness import boot

PARALLEL = ["-accel", "tcg,thread=multi"]
SUMMARY = re.compile(r"^SUMMARY checks (\d+) failed (\d+)\r?$", re.MULTILINE)


@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
def test_smp(artefacts, pith_build, cpus):
    result = boot("smp", artefacts, timeout=240, cpus=cpus, extra=PARALLEL)
    failures = [line for line in result.lines if line.startswith(("FAIL", "PITH-PANIC"))]
    assert not failures, "\n".join(failures)
    found = SUMMARY.search(result.serial)
    assert found, result.explain()
    assert int(found[1]) == sum(line.startswith("ok ") for line in result.lines) > 0
    assert result.status == 0, result.explain()
