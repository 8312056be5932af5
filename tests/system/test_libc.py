# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The C library (docs/libc.md) in a program without vector registers and in one with them.

The guests (tests/system/libc), root tasks and components, print "ok NAME" or "FAIL NAME WHY", and what they say by the library itself."""
import re
import subprocess

import pytest

from harness import boot

SAID = ["libc: printf says 42", "libc: puts", "libc: stderr abc", "!"]
# Registers of the vector and floating-point units, as objdump writes them.
VECTOR = re.compile(r"%(?:[xyz]mm\d|mm\d|st\b)")


@pytest.mark.parametrize("image, checks", [("libc", 16), ("libc_vector", 18)])
def test_library(artefacts, pith_build, image, checks):
    result = boot(image, artefacts, timeout=120)
    result.expect(f"SUMMARY checks {checks} failed 0", status=0)
    lines = result.serial.splitlines()
    for line in SAID:
        assert line in lines, f"the guest did not say: {line}"


@pytest.mark.parametrize("kind", ["scalar", "vector"])
def test_component(artefacts, pith_build, kind):
    result = boot(f"libc_component_{kind}", artefacts, timeout=120)
    result.expect("SUMMARY checks 6 failed 0", status=0)
    assert "component: stderr 12" in result.serial.splitlines()


def test_exit_writes_what_streams_hold(artefacts, pith_build):
    assert boot("libc", artefacts, append="test=formats").serial.rstrip().endswith("libc: the end")


def test_scalar_program_uses_no_vector_register(pith_build):
    program = pith_build / "tests" / "system" / "libc" / "libc"
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(program)], capture_output=True, text=True, check=True)
    found = [line for line in done.stdout.splitlines() if VECTOR.search(line)]
    assert not found, "\n".join(found[:5])
