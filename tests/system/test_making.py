# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Components that make kernel objects themselves: what they are given, what they are refused, and that all of it
comes back whenever they are killed.

The guest is a system (tests/system/making) whose overseer prints "ok NAME" for each check, or "FAIL WHY".
"""
from harness import boot
from pithlib import qemu


def test_making(artefacts, pith_build):
    result = boot("making", artefacts, timeout=300, extra=qemu.COUNTED)
    result.expect("SUMMARY checks 6 failed 0", status=0)


def test_making_on_two_cpus(artefacts, pith_build):
    """What it made runs on while the supervisor takes it away."""
    result = boot("making_apart", artefacts, timeout=300, cpus=2)
    result.expect("SUMMARY checks 6 failed 0", status=0)
