# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Interrupts: lines, messages, vectors, storms.

The guest (tests/system/irq) drives QEMU's edu, e1000e and HPET, and prints "ok NAME" or "FAIL NAME WHY".
"""
import pytest

from harness import boot, boot_command, build_directory
from pithlib import qemu
from test_time import expect_all

DEVICES = ["-nic", "none", "-device", "edu", "-device", "e1000e", "-global", "hpet.msi=on"]


@pytest.mark.parametrize("cpu", ["max", "max,-x2apic,-tsc-deadline"])
def test_interrupts(artefacts, pith_build, cpu):
    expect_all(boot("irq", artefacts, timeout=60, append="counted", cpu=cpu,
                    extra=[*qemu.COUNTED, *DEVICES]))


@pytest.mark.alone
def test_interrupts_of_two_cpus(artefacts, pith_build):
    """Without counting, so that both CPUs run side by side."""
    expect_all(boot("irq", artefacts, timeout=200, cpus=2, extra=DEVICES))


def test_interrupts_through_an_iommu(artefacts, pith_build):
    build = build_directory()
    command = qemu.command(build / "boot" / "loader", build / "irq.img", append="counted",
                           extra=["-device", "intel-iommu,intremap=on", *qemu.COUNTED, *DEVICES])
    command[command.index("-M") + 1] = "q35,kernel-irqchip=split"
    expect_all(boot_command(command, artefacts, timeout=60))
