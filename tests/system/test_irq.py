# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Interrupts: lines, messages, vectors, storms.

The guest (tests/system/irq) drives QEMU's edu, e1000e and HPET, and prints "ok NAME" or "FAIL NAME WHY".
"""
import pytest

from harness import boot
from pithlib import qemu
from test_time import expect_all

DEVICES = ["-nic", "none", "-device", "edu", "-device", "e1000e", "-global", "hpet.msi=on"]


@pytest.mark.parametrize("cpu", ["max", "max,-x2apic,-tsc-deadline"])
def test_interrupts(artefacts, pith_build, cpu):
    expect_all(boot("irq", artefacts, timeout=60, append="counted", cpu=cpu,
                    extra=[*qemu.COUNTED, *DEVICES]))


def test_interrupts_of_two_cpus(artefacts, pith_build):
    """Without counting, so that both CPUs run side by side."""
    expect_all(boot("irq", artefacts, timeout=200, cpus=2, extra=DEVICES))
