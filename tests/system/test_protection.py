# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The CPU's protection features and the kernel's own mappings, as QEMU sees them once a program has
run and powered the machine off."""
import re

import pytest

from harness import Monitor

KERNEL = 1 << 63
PAGE = 4096
LEAF = re.compile(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([-X])[-G]([-P])[-D][-A][-C][-T]([-U])([-W])",
                  re.MULTILINE)
CONTROL = re.compile(r"\b(CR0|CR4|EFER)=([0-9a-f]+)")
CR0_WP, CR0_AM = 1 << 16, 1 << 18
CR4 = {"UMIP": 1 << 11, "SMEP": 1 << 20, "SMAP": 1 << 21}
EFER_NXE = 1 << 11
AREA, AREA_BYTES = 0xFFFFFFFFC0000000, 0x20000  # of the first CPU (abi/bootinfo.h)
AREA_PAGES = {1, 2, 4, 6, 8, 10, 12, 14, 16, 17, 18}    # stacks: 1 and 2, 4, 6, 8, 10


@pytest.fixture(scope="module")
def said() -> str:
    """What the monitor tells of the machine's registers and translations."""
    with Monitor("hello") as guest:
        guest.wait_off()
        return guest.ask("info registers", "info tlb")


def controls(text: str) -> dict:
    return {name: int(value, 16) for name, value in CONTROL.findall(text)}


def leaves(text: str) -> list:
    """(address, physical address, can be executed, for user mode, can be written) of each leaf."""
    return [(int(m[1], 16), int(m[2], 16), m[3] == "-", m[5] == "U", m[6] == "W")
            for m in LEAF.finditer(text)]


def kernel_leaves(text: str) -> list:
    found = [leaf for leaf in leaves(text) if leaf[0] >= KERNEL]
    assert found, "no mapping of the kernel is seen"
    return found


def test_features_are_on(said):
    found = controls(said)
    assert found["CR0"] & CR0_WP, "the kernel could write to read-only pages"
    assert not found["CR0"] & CR0_AM, "an alignment check could stop the kernel"
    assert found["EFER"] & EFER_NXE
    missing = [name for name, bit in CR4.items() if not found["CR4"] & bit]
    assert not missing, f"off: {missing}"


def test_kernel_is_not_for_user_mode(said):
    assert not [leaf for leaf in kernel_leaves(said) if leaf[3]]


def test_nothing_is_writable_and_executable(said):
    assert not [hex(leaf[0]) for leaf in leaves(said) if leaf[2] and leaf[4]]


def test_kernel_text_cannot_be_written(said):
    """Neither where it runs nor through the mapping of all memory."""
    mapped = kernel_leaves(said)
    text = {physical for _, physical, execute, _, _ in mapped if execute}
    assert text
    writable = [hex(address) for address, physical, _, _, write in mapped
                if write and physical in text]
    assert not writable


def test_direct_map_cannot_be_executed(said):
    kernel = min(address for address, _, execute, _, _ in kernel_leaves(said) if execute)
    assert kernel >= 0xFFFFFFFF80000000


def test_stacks_have_guards(said):
    pages = {(leaf[0] - AREA) // PAGE for leaf in kernel_leaves(said)
             if AREA <= leaf[0] < AREA + AREA_BYTES}
    assert pages == AREA_PAGES
