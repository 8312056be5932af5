# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What boot makes of the kernel's text: for each option that forces a mitigation the text in memory is
read back and disassembled.  The emulator has none of the defects and none of the controls, so that
without an option nothing is to change, and what is changed is judged by its instructions.
"""
import re
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import Monitor, boot, build_directory

SMAP, PTI, RETPOLINE, IBPB, RSB, MASK, VERW, FENCE = (1 << i for i in range(8))
NAMES = {"pti": PTI, "retpoline": RETPOLINE, "ibpb": IBPB, "rsb": RSB, "mask": MASK, "verw": VERW,
         "fence": FENCE}
ALL = sum(NAMES.values())
UNLESS = 16
JUMP, CALL, NOP = 0xE9, 0xE8, 0x90
BRANCH = 5
ENTRY = struct.Struct("<iiIBBH")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+((?:[0-9a-f]{2} )+)\s*(.*)$")
NOPS = {1: "90", 2: "6690", 3: "0f1f00", 4: "0f1f4000", 5: "0f1f440000", 6: "660f1f440000",
        7: "0f1f8000000000", 8: "0f1f840000000000"}
# Functions that take an index from user space, and how often at least.
MASKED = {"kernel_fast_call": 1, "kernel_fast_reply_recv": 2, "kernel_fast_send": 1, "cap_lookup": 1,
          "cap_lookup_place": 1, "invoke": 2, "invoke_batch": 4, "op_captable_delete": 1,
          "op_captable_revoke": 1, "op_captable_identify": 1, "op_aspace_stock": 1,
          "op_untyped_retype": 1, "op_irq_control_get": 1}


class Place(NamedTuple):
    """An entry of the table of places."""
    address: int
    target: int
    when: int
    how: int
    length: int


class Kernel:
    """The kernel as linked."""

    def __init__(self, path: Path):
        self.path = path
        listing = subprocess.run(["nm", "-n", str(path)], capture_output=True, text=True, check=True)
        rows = [line.split() for line in listing.stdout.splitlines()]
        self.symbols = {row[-1]: int(row[0], 16) for row in rows}
        self.functions = sorted((int(r[0], 16), r[-1]) for r in rows if r[1] in "tT")
        self.start, self.end = self.symbols["text_start"], self.symbols["text_end"]
        self.places = list(self.read_places())

    def bytes_at(self, address: int, size: int) -> bytes:
        """From the file."""
        data = self.path.read_bytes()
        table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
        for i in range(count):
            offset, vaddr, _, length = struct.unpack_from("<QQQQ", data, table + 56 * i + 8)
            if vaddr <= address and address + size <= vaddr + length:
                return data[offset + address - vaddr:offset + address - vaddr + size]
        raise AssertionError(f"{address:#x} is in no segment of {self.path}")

    def read_places(self):
        start, end = self.symbols["patches_start"], self.symbols["patches_end"]
        data = self.bytes_at(start, end - start)
        for offset in range(0, len(data), ENTRY.size):
            at = start + offset
            place, target, when, how, length, _ = ENTRY.unpack_from(data, offset)
            yield Place(at + place, at + 4 + target, when, how, length)

    def function(self, address: int) -> str:
        return [name for start, name in self.functions if start <= address][-1]


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return Kernel(build_directory() / "kernel" / "pith")


# ---- what is to be -----------------------------------------------------------------------------

def nops(count: int) -> bytes:
    sizes = [8] * (count // 8) + ([count % 8] if count % 8 else [])
    return b"".join(bytes.fromhex(NOPS[size]) for size in sizes)


def patched(kernel: Kernel, active: int) -> bytes:
    """The text with what is in force."""
    text = bytearray(kernel.bytes_at(kernel.start, kernel.end - kernel.start))
    when = active | (~active & 0xFFFF) << UNLESS
    for place in kernel.places:
        if place.when & when:
            code = b""
            if place.how != NOP:
                code = struct.pack("<Bi", place.how, place.target - place.address - BRANCH)
            at = place.address - kernel.start
            text[at:at + place.length] = code + nops(place.length - len(code))
    return bytes(text)


def text_after(kernel: Kernel, artefacts: Path, append: str, cpu="max") -> bytes:
    """The text as boot has left it."""
    with Monitor("hello", append=append, cpu=cpu) as guest:
        guest.wait_off()
        return guest.memory(kernel.start, kernel.end - kernel.start, artefacts)


def disassembled(text: bytes, start: int, artefacts: Path) -> dict:
    """Address -> (bytes, instruction)."""
    file = artefacts / "text"
    file.write_bytes(text)
    listing = subprocess.run(["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-w",
                              f"--adjust-vma={start:#x}", str(file)],
                             capture_output=True, text=True, check=True).stdout
    rows = (INSTRUCTION.match(line) for line in listing.splitlines())
    return {int(m[1], 16): (bytes.fromhex(m[2]), re.sub(r"\s+", " ", m[3].strip()))
            for m in rows if m}


def places_of(kernel: Kernel, feature: int) -> list:
    return [place for place in kernel.places if place.when == feature]


def following(code: dict, address: int, count: int) -> list:
    """The instructions from an address on."""
    found = []
    for _ in range(count):
        data, text = code[address]
        found.append(text)
        address += len(data)
    return found


# ---- the table ---------------------------------------------------------------------------------

def test_places_are_whole_instructions(kernel, artefacts):
    """Before they are patched, and with room for what they become."""
    text = kernel.bytes_at(kernel.start, kernel.end - kernel.start)
    code = disassembled(text, kernel.start, artefacts)
    for place in kernel.places:
        name = kernel.function(place.address)
        assert place.address in code, f"{name}: {place} begins inside an instruction"
        assert place.address + place.length in code, f"{name}: {place} ends inside an instruction"
        assert place.how == NOP or place.length >= BRANCH, f"{name}: {place} is too short"
        assert place.how == NOP or place.target in code, f"{name}: {place} leads inside an instruction"


def test_indices_of_user_space_are_places(kernel):
    found = [kernel.function(place.address) for place in places_of(kernel, MASK)]
    missing = {name: f"{found.count(name)} of {count}" for name, count in MASKED.items()
               if name in kernel.symbols and found.count(name) < count}
    assert not missing


def test_no_branch_is_indirect_but_places(kernel, artefacts):
    """So that nothing is left out where indirect branches are replaced."""
    text = kernel.bytes_at(kernel.start, kernel.end - kernel.start)
    code = disassembled(text, kernel.start, artefacts)
    known = {place.address for place in places_of(kernel, RETPOLINE)}
    assert known
    others = [f"{kernel.function(at)}: {text}" for at, (_, text) in code.items()
              if re.search(r"\b(call|jmp) +\*", text) and at not in known]
    assert not others


# ---- the text in memory ------------------------------------------------------------------------

@pytest.mark.parametrize("append", ["", "mitigate=none", "other mitigate=none words"])
def test_nothing_is_changed_where_nothing_is_needed(append, kernel, artefacts):
    """The emulator needs none: a CPU that does pays no instruction."""
    text = kernel.bytes_at(kernel.start, kernel.end - kernel.start)
    assert text_after(kernel, artefacts, append) == text


@pytest.mark.parametrize("names", [*NAMES, "all", "pti,verw", "ibpb,mask"])
def test_text_is_as_forced(names, kernel, artefacts):
    active = ALL if names == "all" else sum(NAMES[name] for name in names.split(","))
    found = text_after(kernel, artefacts, f"mitigate={names}")
    expected = patched(kernel, SMAP | active)
    wrong = [f"{place} in {kernel.function(place.address)}" for place in kernel.places
             if found[place.address - kernel.start:][:place.length]
             != expected[place.address - kernel.start:][:place.length]]
    assert not wrong
    assert found == expected


def test_clac_is_left_out_where_it_does_not_exist(kernel, artefacts):
    found = text_after(kernel, artefacts, "", cpu="max,-smap")
    assert found == patched(kernel, 0)
    assert not [t for _, t in disassembled(found, kernel.start, artefacts).values() if t == "clac"]


def test_masks(kernel, artefacts):
    """Each leads to a comparison with the bound, and a mask made of it before the index is used."""
    code = disassembled(text_after(kernel, artefacts, "mitigate=mask"), kernel.start, artefacts)
    for place in places_of(kernel, MASK):
        name = kernel.function(place.address)
        data, jump = code[place.address]
        assert jump.startswith("jmp "), f"{name}: {jump}"
        body = following(code, place.target, 5)
        assert [text.split()[0] for text in body][:3] == ["cmp", "sbb", "and"], f"{name}: {body}"
        index = body[0].split(",")[-1]
        mask = body[1].split(",")[-1]
        assert body[1] == f"sbb {mask},{mask}" and body[2] == f"and {mask},{index}", f"{name}: {body}"
        assert body[3].endswith(index) and body[4].startswith("jmp"), f"{name}: {body}"
        back = int(body[4].split()[1], 16)
        assert back == place.address + place.length, f"{name}: back to {back:#x}"


def test_retpolines(kernel, artefacts):
    """No indirect branch is left; in its place one that the return stack predicts into a trap."""
    code = disassembled(text_after(kernel, artefacts, "mitigate=retpoline"), kernel.start, artefacts)
    assert not [text for _, text in code.values() if re.search(r"\b(call|jmp) +\*", text)]
    thunk = kernel.symbols["retpoline"]
    for place in places_of(kernel, RETPOLINE):
        assert code[place.address][1] == f"call {thunk:#x}"
    body = following(code, thunk, 6)
    assert [text.split()[0] for text in body] == ["call", "pause", "lfence", "jmp", "mov", "ret"]
    assert body[4] == "mov %rax,(%rsp)"
    assert int(body[3].split()[1], 16) == thunk + len(code[thunk][0])


# ---- the option --------------------------------------------------------------------------------

@pytest.mark.parametrize("words", ["mitigate=ptl", "mitigate=", "mitigate=pti,", "mitigate=all,x y"])
def test_unknown_names_are_refused(words, artefacts, pith_build):
    result = boot("hello", artefacts, append=words)
    assert result.end.kind == "panic", result.explain()
    assert "mitigate= on the command line: unknown name" in result.serial


def test_other_words_are_left_alone(artefacts, pith_build):
    boot("hello", artefacts, append="premitigate=x mitigates=y mitigate=pti z").expect(status=0)


PROGRAMS = {"roottest": "", "guard": "", "linux": "", "time": "", "hostile": "calls=50000 seed=1"}


@pytest.mark.parametrize("image", PROGRAMS)
def test_programs_run_with_everything_on(image, artefacts, pith_build):
    words = f"mitigate=all {PROGRAMS[image]}".strip()
    boot(image, artefacts, append=words, timeout=300).expect(status=0)
