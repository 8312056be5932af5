# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Objects that end at awkward moments, time that is lent and bound at once, invocations that lose their
capability half-way.

The guest (tests/system/regress) prints "ok NAME" or "FAIL NAME WHY".
"""
from harness import boot


def test_awkward_moments_are_survived(artefacts, pith_build):
    result = boot("regress", artefacts, timeout=240)
    result.expect("SUMMARY checks 7 failed 0", status=0)
