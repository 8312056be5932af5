# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The kernel protects itself: attacks from user mode, NMIs under attack, the panic record.

The guest (tests/system/guard) prints "ok NAME" or "FAIL NAME WHY" for each attack.
"""
import bisect
import json
import re
import subprocess
import time

import pytest

from harness import boot, build_directory
from pithlib import panic, qemu
from pithlib.ui import tail

SUMMARY = re.compile(r"^SUMMARY checks (\d+) failed (\d+)\r?$", re.MULTILINE)
CR0_WP = 1 << 16
CR4_WANTED = {"UMIP": 1 << 11, "SMEP": 1 << 20, "SMAP": 1 << 21}
RFLAGS_AC = 1 << 18
PERCPU = 0xFFFFFFFFC000C000  # of the first CPU
PERCPU_WORDS = 64
NMI_LEAST = 300
NMI_PAUSE = 0.001
# Where AC of user mode is still set: before the first CLAC.
ENTRIES = {"exception_stubs", "interrupt_stubs", "interrupt_common", "trap_common", "ist_common"}


def expect_all(result) -> None:
    """Every check of the guest went well, and it says how many there were."""
    failures = [line for line in result.lines if line.startswith(("FAIL", "PITH-PANIC"))]
    assert not failures, "\n".join(failures)
    found = SUMMARY.search(result.serial)
    assert found, result.explain()
    assert int(found[1]) == sum(line.startswith("ok ") for line in result.lines) > 0
    assert result.status == 0, result.explain()


def test_attacks_fail(artefacts, pith_build):
    expect_all(boot("guard", artefacts, timeout=120))


def test_attacks_fail_counted(artefacts, pith_build):
    expect_all(boot("guard", artefacts, timeout=300, extra=qemu.COUNTED))


def test_attacks_fail_one_instruction_at_a_time(artefacts, pith_build):
    """Interrupts and traps between any two instructions, which the emulator else batches."""
    expect_all(boot("guard", artefacts, timeout=300, extra=["-singlestep"],
                    append="test=bases test=step"))


# --- NMIs ---------------------------------------------------------------------------------------

class Machine:
    """A guest with a QMP monitor on QEMU's standard input and output."""

    def __init__(self, image: str, artefacts, append: str, extra: list):
        build = build_directory()
        self.log = artefacts / "serial.log"
        command = qemu.command(build / "boot" / "loader", build / f"{image}.img", append=append,
                               extra=extra)
        command += ["-display", "none", "-qmp", "stdio", "-serial", f"file:{self.log}"]
        self.errors = (artefacts / "serial.qemu").open("w")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True)
        self.process.stdout.readline()
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments):
        """The answer; None where the guest has ended."""
        try:
            print(json.dumps({"execute": name, "arguments": arguments}), file=self.process.stdin,
                  flush=True)
        except BrokenPipeError:
            return None
        for line in self.process.stdout:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            assert "error" not in answer, answer
        return None

    def monitor(self, line: str) -> str:
        return self.command("human-monitor-command", **{"command-line": line}) or ""

    def wait_for(self, text: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while text not in self.serial():
            assert time.monotonic() < end and self.process.poll() is None, self.explain()
            time.sleep(0.01)

    def serial(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def explain(self) -> str:
        return f"last lines of {self.log}:\n{tail(self.serial(), 25)}"

    def close(self) -> int:
        if self.process.poll() is None:
            self.process.kill()
        self.errors.close()
        return self.process.wait()


@pytest.fixture
def hammered(artefacts, pith_build):
    """The machine with hostile guests at work, each instruction a place for an interrupt."""
    machine = Machine("guard", artefacts, "hammer", ["-singlestep"])
    try:
        machine.wait_for("HAMMER begins", 60)
        yield machine
    finally:
        machine.close()


def percpu_words(machine, address: int) -> list:
    """The kernel's structure of the CPU, which counts NMIs."""
    text = machine.monitor(f"x/{PERCPU_WORDS}gx {address:#x}")
    return [int(word, 16) for line in text.splitlines() for word in line.split(":")[-1].split()]


def kernel_symbols() -> list:
    """(address, name), sorted."""
    rows = subprocess.run(["nm", build_directory() / "kernel" / "pith"], capture_output=True,
                          text=True, check=True).stdout.splitlines()
    return sorted((int(row.split()[0], 16), row.split()[-1]) for row in rows)


class Sampler:
    """Looks at the machine's registers now and then."""

    def __init__(self, machine):
        self.machine = machine
        self.symbols = kernel_symbols()
        self.percpu = PERCPU
        self.before = self.last = percpu_words(machine, self.percpu)
        self.levels = {0: 0, 3: 0}

    def place(self, address: int) -> str:
        index = bisect.bisect_right(self.symbols, (address, "~")) - 1
        return self.symbols[index][1]

    def stopped(self) -> str:
        """The registers, the CPU being stopped: the flags of one that runs are not all in one place."""
        self.machine.command("stop")
        state = self.machine.monitor("info registers")
        self.machine.command("cont")
        return state

    def look(self) -> None:
        """Protection is on everywhere.  In kernel mode AC is clear, whatever user mode has set, but for
        the first instructions of an entry."""
        state = self.stopped()
        self.last = percpu_words(self.machine, self.percpu) or self.last
        if not state:
            return
        level = int(re.search(r"CPL=(\d)", state)[1])
        flags, rip, cr0, cr4 = (int(re.search(rf"{name}=([0-9a-f]+)", state)[1], 16)
                                for name in ("RFL", "RIP", "CR0", "CR4"))
        assert cr0 & CR0_WP, f"CR0 = {cr0:#x} has not WP"
        for name, bit in CR4_WANTED.items():
            assert cr4 & bit, f"CR4 = {cr4:#x} has not {name}"
        assert level or not flags & RFLAGS_AC or self.place(rip) in ENTRIES, \
            f"AC is set in the kernel at {rip:#x} ({self.place(rip)})"
        self.levels[level] += 1

    def counted(self, sent: int) -> int:
        """How many NMIs the kernel has counted: the word of its structure that grew by a number that can
        be that."""
        grown = (last - first for first, last in zip(self.before, self.last))
        return max((n for n in grown if 0 < n <= sent), default=0)


def test_nmis_under_attack(hammered):
    sampler = Sampler(hammered)
    sent = 0
    while hammered.command("inject-nmi") is not None:
        sent += 1
        time.sleep(NMI_PAUSE)
        if sent % 5 == 0:
            sampler.look()
    hammered.process.wait(timeout=30)
    assert qemu.decode(hammered.process.returncode).status == 0, hammered.explain()
    assert "HAMMER ends" in hammered.serial(), hammered.explain()
    assert sampler.counted(sent) >= NMI_LEAST, f"{sampler.counted(sent)} of {sent} were counted"
    assert all(sampler.levels.values()), f"not both modes were seen: {sampler.levels}"


# --- panic --------------------------------------------------------------------------------------

def test_panic_record_names_lines(artefacts, pith_build, capsys):
    result = boot("guard", artefacts, append="panic")
    if "no debug calls" in result.serial:
        pytest.skip("a release kernel has no call to panic; the debug build runs this")
    assert result.end.kind == "panic", result.explain()
    records = [line for line in result.lines if line.startswith("PITH-PANIC v1 ")]
    assert len(records) == 1, result.explain()
    assert panic.explain(str(result.log), str(pith_build)) == 0
    said = capsys.readouterr().out
    assert "asked for" in said
    assert re.search(r"#\d+ +0x[0-9a-f]+ +kernel_panic +kernel/core/panic\.c:\d+", said), said
    assert re.search(r"#\d+ +0x[0-9a-f]+ +\w+ +kernel/core/syscall\.c:\d+", said), said
