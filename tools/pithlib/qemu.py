# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The QEMU command line, and what its exit status says.

`./pith run`, the benchmarks and tests/harness all start the guest through here.

How a guest ends.  The device isa-debug-exit ends QEMU with status (v << 1) | 1 when the guest
writes byte v to port 0xf4.  Pith uses of the values of v:
    0x10        the kernel panicked             QEMU status 33
    0x20 + s    power-off with status s, 0..94  QEMU status 65 + 2 s
    0x7f        the loader refused to boot      QEMU status 255
QEMU's own failures end it with status 1, which no value above gives.  A power-off through ACPI, a
reset (-no-reboot is always given) and a user who types Ctrl-A X end it with status 0.
"""
from pathlib import Path
from typing import NamedTuple

PROGRAM = "qemu-system-x86_64"
EXIT_PORT = 0xF4
PANIC = 0x10 << 1 | 1
REFUSED = 0x7F << 1 | 1
FIRST_STATUS, LAST_STATUS = 0x20, 0x7E

# One guest instruction is one nanosecond of virtual time: time stamps count instructions.
COUNTED = ["-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01T00:00:00,clock=vm",
           "-seed", "1"]


class End(NamedTuple):
    """How a guest ended; `status` is the guest's own where kind is "power-off"."""
    kind: str  # "power-off", "closed", "panic", "refused", "qemu"
    status: int

    def explain(self) -> str:
        return {
            "power-off": f"the guest powered off with status {self.status}",
            "closed": "QEMU ended without a status from the guest (ACPI power-off, reset or user)",
            "panic": "the kernel panicked",
            "refused": "the loader refused to boot",
            "qemu": f"QEMU failed with status {self.status}",
        }[self.kind]


def decode(status: int) -> End:
    """What QEMU's exit status means (negative: killed by that signal)."""
    if status == 0:
        return End("closed", 0)
    if status == PANIC:
        return End("panic", status)
    if status == REFUSED:
        return End("refused", status)
    if status % 2 == 1 and FIRST_STATUS <= status >> 1 <= LAST_STATUS:
        return End("power-off", (status >> 1) - FIRST_STATUS)
    return End("qemu", status)


def command(loader: Path, image: Path, *, memory: int = 512, cpus: int = 1, cpu: str = "max",
            append: str = "", extra: list = ()) -> list:
    """The standard machine with a loader and a boot image; serial output is up to the caller."""
    line = machine(memory=memory, cpus=cpus, cpu=cpu)
    line += ["-kernel", str(loader), "-initrd", str(image)]
    if append:
        line += ["-append", append]
    return [*line, *extra]


def machine(*, memory: int = 512, cpus: int = 1, cpu: str = "max") -> list:
    """The standard machine without anything to boot."""
    return [PROGRAM, "-M", "q35", "-cpu", cpu, "-smp", str(cpus), "-m", str(memory), "-no-reboot",
            "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]
