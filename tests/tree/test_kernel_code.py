# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Promises about the kernel's machine code, looked up in its disassembly.

Message words stay in their registers between sender and receiver: the code of the fast path has no
instruction that names one of these registers.  Every entry of a trap clears AC before it calls C."""
import re
import subprocess

import pytest

FUNCTIONS = ("kernel_fast_call", "kernel_fast_reply_recv")
TRAPS = ("trap_common", "interrupt_common", "ist_common")
WORD = re.compile(r"%(?:rbx|ebx|bx|bl|rbp|ebp|bp|bpl|r1[2-5][dwb]?)\b")


def instructions(kernel, function: str) -> list:
    """The instructions of a function, as the disassembler shows them."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}",
                           str(kernel)], capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if re.match(r"\s*[0-9a-f]+:\t", line)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_message_words_are_left_alone(pith_build, function):
    code = instructions(pith_build / "kernel" / "pith", function)
    if not code:
        pytest.skip("this compiler's kernel has no fast path")
    assert any("sysret" in line for line in code), "this is not the whole path"
    touched = [line for line in code if WORD.search(line)]
    assert not touched, "\n".join(touched)


@pytest.mark.parametrize("entry", TRAPS)
def test_traps_clear_ac(pith_build, entry):
    code = "\n".join(instructions(pith_build / "kernel" / "pith", entry))
    before_c = code.partition("call")[0]
    assert before_c, f"no code at {entry}"
    assert re.search(r"\bclac\b", before_c), code
