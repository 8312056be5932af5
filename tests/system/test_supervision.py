# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The supervisor: deaths of every kind, restarts, limits, groups, what comes back, what can be reached.

The guest is a system (tests/system/supervision) whose judge orders victims to die and prints "ok NAME" or
"FAIL NAME LINE WHY".
"""
from harness import boot
from pithlib import qemu


def test_supervision(artefacts, pith_build):
    result = boot("supervision", artefacts, timeout=300, extra=qemu.COUNTED)
    result.expect("SUMMARY checks 30 failed 0", status=0)


def test_component_on_another_cpu(artefacts, pith_build):
    result = boot("early", artefacts, timeout=100, cpus=2)
    result.expect("SUMMARY lives 16 failed 0", status=0)
