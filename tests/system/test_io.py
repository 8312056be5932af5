# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Devices behind an IOMMU: what they reach, what they lose, what is said about it.

The guest (tests/system/io) prints "ok NAME" or "FAIL NAME WHY".  Two of QEMU's edu devices attack; each of
their transfers takes a tenth of a second of the machine's time.  QEMU validates the source of an interrupt,
but lets messages in the format without a table pass whatever the unit is told: that they are disabled is seen
in its registers.
"""
import re
import subprocess
import time

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
STATUS = 0xFED9001C                 # of the unit (VT-d specification, 11.4.4.2)
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


def ask(command: list, question: str) -> str:
    """What the monitor answers once the guest is off."""
    place = command.index("-device")  # without its exit device the machine stays, stopped
    command[place:place + 2] = ["-no-shutdown", "-display", "none", "-serial", "null", "-monitor", "stdio"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        answer = ""
        while "shutdown" not in answer:
            assert time.monotonic() < end, "the guest did not power off"
            time.sleep(0.1)
            answer = status(process, "")
        return status(process, question)
    finally:
        process.kill()
        process.wait()


def status(process, question: str) -> str:
    """What the monitor says up to the machine's status."""
    process.stdin.write(f"{question}\ninfo status\n")
    process.stdin.flush()
    lines = []
    while not lines or "VM status" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "QEMU is gone:\n" + "".join(lines)
    return "".join(lines)


def test_old_format_is_disabled(pith_build):
    said = ask(machine("hello", "-device", UNITS["39-bit"][0]), f"xp /1wx {STATUS:#x}")
    state = int(re.search(rf"^{STATUS:016x}: (0x[0-9a-f]+)", said, re.MULTILINE)[1], 16)
    assert state & TRANSLATES and state & REMAPS and not state & OLD_FORMAT, hex(state)
