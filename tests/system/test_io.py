# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Devices behind an IOMMU: what they reach, what they lose, what is said about it.

The guest (tests/system/io) prints "ok NAME" or "FAIL NAME WHY".  Two of QEMU's edu devices attack; each of
their transfers takes a tenth of a second of the machine's time.  QEMU validates the source of an interrupt,
but lets messages in the format without a table pass whatever the unit is told: that they are disabled is seen
in what it is told.
"""
import re

import pytest

from harness import boot_command, build_directory
from pithlib import qemu

from test_time import expect_all

KIND = "q35,kernel-irqchip=split"
EDU = ["-device", "edu,dma_mask=0xffffffff"] * 2
UNITS = {
    "39-bit": ("intel-iommu,intremap=on", ""),
    "48-bit": ("intel-iommu,intremap=on,aw-bits=48", "wide"),
    "caching": ("intel-iommu,intremap=on,caching-mode=on", ""),
    "without-interrupts": ("intel-iommu,intremap=off", "test=gone"),
}
COMMAND = re.compile(r"^vtd_reg_write_gcmd status \w+ value (\w+)$", re.MULTILINE)
# Bits of a unit's commands (VT-d specification, 11.4.4.1).
TRANSLATES, REMAPS, OLD_FORMAT = 1 << 31, 1 << 25, 1 << 23


def machine(image: str, *extra: str, append: str = "", cpus: int = 1) -> list:
    build = build_directory()
    command = qemu.command(build / "boot" / "loader", build / f"{image}.img", append=append,
                           cpus=cpus, extra=list(extra))
    command[command.index("-M") + 1] = KIND
    return command


@pytest.mark.parametrize("unit", UNITS)
def test_devices(unit, artefacts, pith_build):
    device, words = UNITS[unit]
    command = machine("io", "-device", device, *EDU, append=words)
    expect_all(boot_command(command, artefacts, timeout=300))


def test_without_iommu(artefacts, pith_build):
    expect_all(boot_command(machine("io", append="none"), artefacts, timeout=60))


def test_old_format_is_disabled(artefacts, pith_build):
    """QEMU knows no bit that shows it: no command enables it, and each says anew what is to be enabled."""
    told = artefacts / "commands.txt"
    command = machine("hello", "-device", UNITS["39-bit"][0], "-trace", "vtd_reg_write_gcmd", "-D", str(told))
    boot_command(command, artefacts).expect(status=0)
    given = [int(value, 16) for value in COMMAND.findall(told.read_text())]
    assert given and given[-1] & TRANSLATES and given[-1] & REMAPS, given
    assert not [hex(value) for value in given if value & OLD_FORMAT]
