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
from pithlib import qemu

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
# Functions that take an index from user space: how many look-ups, themselves or in an inlined helper that
# the compiler may have left a function.
MASKED = {"kernel_fast_call": 1, "kernel_fast_reply_recv": 2, "kernel_fast_send": 1, "cap_lookup": 1,
          "invoke": 2, "invoke_batch": 4, "op_aspace_stock": 1, "op_untyped_retype": 1,
          "op_irq_control_get": 1, "op_captable_delete": 1, "op_captable_revoke": 1,
          "op_captable_identify": 1, "thread_slot_changed": 1, "op_thread_read_vector": 1}
HELPERS = {"captable_slot", "op_removal", "frame_ram", "slot_ram", "vector_ram", "cap_find", "cap_find_any",
           "batch_entry", "batch_run", "operation_run", "order_read", "order_check"}
# What only runs where something is in force: the choice between its variants is made by patches too.
BEHIND_PATCHES = {"sysret_patched", "resume_patched", "trap_patched", "switch_patched"}


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
        """The function at an address, without the suffixes that compilers give."""
        return [name for start, name in self.functions if start <= address][-1].partition(".")[0]


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


def in_boot_code(kernel: Kernel, address: int) -> bool:
    """Between the entry code and the rest."""
    return kernel.symbols["entry_end"] <= address < kernel.symbols["boot_text_end"]


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


def helpers_of(name: str, calls: set) -> set:
    """Those that a function calls, and those that these call."""
    found, new = set(), {name}
    while new:
        new = {callee for caller, callee in calls if caller in new and callee in HELPERS} - found
        found |= new
    return found


def test_indices_of_user_space_are_places(kernel, artefacts):
    text = kernel.bytes_at(kernel.start, kernel.end - kernel.start)
    code = disassembled(text, kernel.start, artefacts)
    found = [kernel.function(place.address) for place in places_of(kernel, MASK)]
    calls = {(kernel.function(at), kernel.function(int(target[1], 16)))
             for at, (_, text) in code.items()
             if (target := re.match(r"(?:call|jmp) +0x([0-9a-f]+)$", text))
             and int(target[1], 16) >= kernel.start}
    missing = []
    for name, count in MASKED.items():
        known = any(function == name for _, function in kernel.functions)
        here = found.count(name) + sum(map(found.count, helpers_of(name, calls)))
        if known and here < count:
            missing.append(f"{name}: {here} of {count}")
    assert not missing


def test_no_branch_is_indirect_but_places(kernel, artefacts):
    """So that nothing is left out where indirect branches are replaced; boot code, which user mode has
    taught nothing, apart."""
    text = kernel.bytes_at(kernel.start, kernel.end - kernel.start)
    code = disassembled(text, kernel.start, artefacts)
    known = {place.address for place in places_of(kernel, RETPOLINE)}
    assert known
    assert not [name for name, at in indirect(kernel, code) if at not in known]


def indirect(kernel: Kernel, code: dict) -> list:
    return [(f"{kernel.function(at)}: {text}", at) for at, (_, text) in code.items()
            if re.search(r"\b(call|jmp) +\*", text) and not in_boot_code(kernel, at)]


# ---- the text in memory ------------------------------------------------------------------------

@pytest.mark.parametrize("append", ["", "mitigate=none", "other mitigate=none words"])
def test_nothing_is_changed_where_nothing_is_needed(append, kernel, artefacts):
    """The emulator needs none: a CPU that does pays no instruction."""
    text = kernel.bytes_at(kernel.start, kernel.end - kernel.start)
    found = text_after(kernel, artefacts, append)
    assert found == patched(kernel, SMAP)
    changed = {kernel.function(kernel.start + i) for i, byte in enumerate(found) if byte != text[i]}
    assert changed <= BEHIND_PATCHES


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
    assert not indirect(kernel, code)
    thunk = kernel.symbols["retpoline"]
    for place in places_of(kernel, RETPOLINE):
        assert code[place.address][1] == f"call {thunk:#x}"
    body = following(code, thunk, 6)
    assert [text.split()[0] for text in body] == ["call", "pause", "lfence", "jmp", "mov", "ret"]
    assert body[4] == "mov %rax,(%rsp)"
    assert int(body[3].split()[1], 16) == thunk + len(code[thunk][0])


def test_buffers_are_emptied_on_the_way_out(kernel, artefacts):
    """Each SYSRET and IRET to user mode comes behind a VERW, and touches no memory after it."""
    code = disassembled(text_after(kernel, artefacts, "mitigate=verw"), kernel.start, artefacts)
    for name in ("sysret_patched", "resume_patched"):
        body = until(code, kernel.symbols[name], ("sysretq", "iretq"))
        after = [text.split()[0] for text in body[[t.split()[0] for t in body].index("verw") + 1:]]
        assert set(after) <= {"xor", "mov", "add", "swapgs", "sysretq", "iretq"}, f"{name}: {body}"
    ways = [at for at, (_, text) in code.items() if text in ("sysretq", "iretq")]
    unguarded = [kernel.function(at) for at in ways
                 if kernel.function(at) not in ("sysret_patched", "resume_patched")]
    assert set(unguarded) <= {"resume_all", "trap_kernel", "ist_common", "ist_return_isolated"}, unguarded
    jump = code[kernel.symbols["resume_all"]][1]
    assert jump == f"jmp {kernel.symbols['resume_patched']:#x}", "the way out by IRET has none"


def until(code: dict, address: int, ends: tuple) -> list:
    found = following(code, address, 1)
    while not found[-1].startswith(ends):
        address += len(code[address][0])
        found += following(code, address, 1)
        assert len(found) < 200, f"no end: {found}"
    return found


def test_nothing_runs_ahead_of_swapgs(kernel, artefacts):
    """Each trap decides about GS in code that waits for the decision, both ways."""
    code = disassembled(text_after(kernel, artefacts, "mitigate=fence"), kernel.start, artefacts)
    way = kernel.symbols["trap_patched"]
    for name in ("trap_common", "interrupt_common", "flush_stub"):
        first = next(text for text in until(code, kernel.symbols[name], ("jmp",))
                     if not text.startswith("push"))
        assert first == f"jmp {way:#x}", f"{name}: {first}"
    body = until(code, way, ("jmp",))
    assert body[0].startswith("testb $0x3") and body[2:4] == ["swapgs", "lfence"], body
    kernel_mode = following(code, int(body[1].split()[1], 16), 2)
    assert body[1].startswith("je ") and kernel_mode[0] == "lfence", kernel_mode


def test_predictors_are_emptied_between_spaces(kernel, artefacts):
    """Every load of CR3 in the paths between threads becomes a call of the function that does it."""
    for option in ("ibpb", "rsb", "ibpb,pti"):
        code = disassembled(text_after(kernel, artefacts, f"mitigate={option}"), kernel.start, artefacts)
        call = f"call {kernel.symbols['switch_patched']:#x}"
        places = [place for place in places_of(kernel, IBPB | RSB)]
        assert len(places) >= 6
        assert {code[place.address][1] for place in places} == {call}
    body = until(code, kernel.symbols["switch_patched"], ("ret",))
    assert any("%cr3" in text for text in body) == ("pti" not in option), body
    for at, (_, text) in code.items():
        if re.search(r"mov +%r10,%cr3", text):
            assert kernel.function(at) == "sysret_patched", kernel.function(at)


# ---- isolation ---------------------------------------------------------------------------------

LEAF = re.compile(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ", re.MULTILINE)
HALF = 1 << 63
PAGE = 4096
AREA, AREA_BYTES, PERCPU = 0xFFFFFFFFC0000000, 0x20000, 0xC000  # abi/bootinfo.h, arch/percpu.h
CPUS = 3


def upper_half(guest: Monitor) -> set:
    """Pages of the kernel's half in the translation of the first CPU as it is now."""
    return {int(m[1], 16) for m in LEAF.finditer(guest.ask("info tlb")) if int(m[1], 16) >= HALF}


@pytest.mark.parametrize("image,append", [("hostile", "calls=100000000"), ("guests", "")])
def test_user_mode_has_next_to_nothing_of_the_kernel(image, append, kernel):
    """The text of its ways in and out, the descriptor table of traps, the page of each CPU's structure."""
    def pages(name, end):
        return set(range(kernel.symbols[name] & -PAGE, end, PAGE))
    allowed = pages("entry_start", kernel.symbols["entry_end"])
    allowed |= pages("gates", kernel.symbols["gates"] + PAGE)
    allowed |= {AREA + i * AREA_BYTES + PERCPU for i in range(CPUS)}
    assert kernel.symbols["gates"] % PAGE == 0
    with Monitor(image, append=f"mitigate=pti {append}", cpus=CPUS) as guest:
        for _ in range(10):
            guest.stop_in_user_mode()
            assert upper_half(guest) == allowed
            guest.ask("cont")


def test_without_isolation_user_mode_has_the_kernel(kernel):
    """The test above would see it."""
    with Monitor("hostile", append="calls=100000000") as guest:
        guest.stop_in_user_mode()
        assert len(upper_half(guest)) > 100


def test_isolated_kernel_has_no_global_translations(artefacts, pith_build):
    """They would outlive the load of CR3."""
    with Monitor("hello", append="mitigate=pti") as guest:
        guest.wait_off()
        control = int(re.search(r"CR4=([0-9a-f]+)", guest.ask("info registers"))[1], 16)
        assert not control & 1 << 7


def test_nothing_of_a_register_stays_behind(kernel, artefacts):
    """Interrupted by NMIs all the time, user mode's registers and the kernel's are never left in what user
    mode's translations have; the machine goes on."""
    stacks, size, count = PERCPU + 0x400 + 176, 96, 4
    with Monitor("hostile", append="mitigate=pti calls=100000000") as guest:  # not done before we are
        guest.stop_in_user_mode()  # firmware and loader do not expect an NMI
        guest.ask("cont")
        for _ in range(20):
            guest.ask("nmi")
            guest.stop_in_user_mode()
            data = guest.memory(AREA + stacks, size * count, artefacts)
            guest.ask("cont")
            for i in range(count):
                words = struct.unpack_from("<12Q", data, i * size)
                assert words[0] == 0 and words[2] == 0, words
        nmi = struct.unpack_from("<12Q", data, 0)
        assert nmi[3] == 2, "no NMI was seen"
        guest.stop_in_user_mode()


def test_an_nmi_goes_back_to_the_space_it_came_from(kernel, artefacts):
    """The kernel's is loaded on the way in, the one that was found on the way out."""
    code = disassembled(text_after(kernel, artefacts, "mitigate=pti"), kernel.start, artefacts)
    into = until(code, kernel.symbols["ist_isolated"], ("jmp",))
    back = until(code, kernel.symbols["ist_return_isolated"], ("iretq",))
    saved = into.index("mov %cr3,%rax")
    assert into[saved + 1] == "push %rax" and "mov %rax,%cr3" in into[saved + 2:], into
    assert back[-1] == "iretq"
    assert back[2:4] == ["mov 0x8(%rsp),%rax", "mov %rax,%cr3"], back


# ---- the option --------------------------------------------------------------------------------

@pytest.mark.parametrize("words", ["mitigate=ptl", "mitigate=", "mitigate=pti,", "mitigate=all,x y"])
def test_unknown_names_are_refused(words, artefacts, pith_build):
    result = boot("hello", artefacts, append=words)
    assert result.end.kind == "panic", result.explain()
    assert "mitigate= on the command line: unknown name" in result.serial


def test_other_words_are_left_alone(artefacts, pith_build):
    boot("hello", artefacts, append="premitigate=x mitigates=y mitigate=pti z").expect(status=0)


# Program -> its words on the command line.  Time is counted, so that mitigations make it no later.
PROGRAMS = {"roottest": "", "guard": "", "guests": "", "time": "counted", "irq": "counted", "regress": "",
            "hostile": "calls=50000 seed=1"}
DEVICES = {"irq": ["-nic", "none", "-device", "edu", "-device", "e1000e", "-global", "hpet.msi=on"]}


SLOW = {"time"}


@pytest.mark.parametrize("image", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
                                   for name in PROGRAMS])
def test_programs_run_with_everything_on(image, artefacts, pith_build):
    words = f"mitigate=all {PROGRAMS[image]}".strip()
    extra = [*qemu.COUNTED, *DEVICES.get(image, [])]
    boot(image, artefacts, append=words, timeout=300, extra=extra).expect(status=0)


@pytest.mark.slow
@pytest.mark.alone
def test_programs_run_isolated_on_several_cpus(artefacts, pith_build):
    """Threads of many spaces, moved between CPUs, translations forgotten by all of them.  What measures
    time says nothing on a host that has other work."""
    result = boot("smp", artefacts, append="mitigate=all", cpus=4, timeout=240,
                  extra=["-accel", "tcg,thread=multi"])
    result.expect("SUMMARY checks ", status=None)
    failures = [line for line in result.lines if line.startswith(("FAIL", "PITH-PANIC"))]
    assert all(line.startswith("FAIL budgets_per_cpu") for line in failures), failures
