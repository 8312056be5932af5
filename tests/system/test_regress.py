# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Objects that end at awkward moments, and time that is lent and bound at once.

The guest (tests/system/regress) prints "ok NAME" or "FAIL NAME WHY".
"""
from harness import boot


def test_awkward_moments_are_survived(artefacts, pith_build):
    result = boot("regress", artefacts, timeout=240)
    result.expect("SUMMARY checks 6 failed 0", status=0)
