# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith debug`: turn a panic record into functions and source lines.

The record is one line that the kernel (or a program's runtime) writes to the serial line:

    PITH-PANIC v1 cpu=0 vector=14 error=0x2 build=<build-id> rip=0x.. rsp=0x.. cr2=0x.. \
        bt=0x..,0x.. msg="..."

A program's has task=NAME in the place of cpu, vector, error and cr2.  `build` and `rip` must be
there, everything else may be missing; `bt` holds return addresses, the innermost first.  Unknown
fields are shown as they are.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

from . import elf
from .ui import TREE, Failure, say, usage

MARK = "PITH-PANIC "
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
VECTORS = {
    0: "divide error", 1: "debug", 2: "NMI", 3: "breakpoint", 4: "overflow", 5: "bound range",
    6: "invalid opcode", 7: "device not available", 8: "double fault", 10: "invalid TSS",
    11: "segment not present", 12: "stack fault", 13: "general protection", 14: "page fault",
    16: "x87 error", 17: "alignment check", 18: "machine check", 19: "SIMD error",
    21: "control protection",
}
PAGE_FAULT_BITS = (("not present", "protection"), ("read", "write"), ("supervisor", "user"),
                   ("", "reserved bit"), ("", "instruction fetch"))


def find_record(text: str) -> dict:
    """The fields of the last record in a text."""
    line = next((l for l in reversed(text.splitlines()) if MARK in l), None)
    if line is None:
        raise Failure("no line with 'PITH-PANIC' in what was given")
    words = line[line.index(MARK) + len(MARK):].strip()
    version = words.split(" ", 1)[0]
    if version != "v1":
        raise Failure(f"this is a record of version '{version}', only v1 is known")
    fields = dict(FIELD.findall(words))
    for needed in ("build", "rip"):
        if needed not in fields:
            raise Failure(f"the record has no field '{needed}': {line.strip()}")
    return fields


def read_record(source: str) -> dict:
    if source == "-":
        return find_record(sys.stdin.read())
    if MARK.strip() in source:
        return find_record(source)
    try:
        return find_record(Path(source).read_text(errors="replace"))
    except OSError as error:
        raise usage(f"{source}: {error.strerror}; a record, a file that holds one, or -") from None


def number(fields: dict, name: str) -> int:
    text = fields[name]
    try:
        return int(text, 0)
    except ValueError:
        raise Failure(f"the record's field {name}={text} is not a number") from None


def trace_of(fields: dict) -> list:
    """Addresses to look up: the instruction, then each return address less one, which lies in the
    call instruction."""
    try:
        returns = [int(a, 16) for a in fields.get("bt", "").split(",") if a]
    except ValueError:
        raise Failure(f"the record's field bt={fields['bt']} is not a list of numbers") from None
    return [number(fields, "rip")] + [a - 1 for a in returns]


def find_program(build_id: str, directory: Path) -> Path:
    for folder, _, files in os.walk(directory):
        for name in sorted(files):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink() and elf.build_id(path) == build_id:
                return path
    raise Failure(f"no program with build-id {build_id} below {directory}; "
                  "build the same sources again, or name its place with --build DIR")


def locate(program: Path, addresses: list) -> list:
    """For each address its frames [(function, place), ...], inlined ones first."""
    text = "".join(f"{a:#x}\n" for a in addresses)
    command = ["addr2line", "-a", "-f", "-i", "-e", str(program)]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise Failure("addr2line: not found; run './pith setup'") from None
    except subprocess.CalledProcessError as error:
        raise Failure(f"addr2line failed: {error.stderr.strip()}") from None
    frames = []
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            frames.append([])
        else:
            frames[-1].append((line, tidy_place(next(lines))))
    return frames


def tidy_place(place: str) -> str:
    """build/release/../../kernel/x.c:7 (discriminator 2) -> kernel/x.c:7"""
    path, _, line = place.split(" (", 1)[0].rpartition(":")
    path = os.path.normpath(path)
    tree = str(TREE) + "/"
    return f"{path[len(tree):] if path.startswith(tree) else path}:{line}"


def describe(fields: dict) -> str:
    words = [f"panic of the program {fields['task']}" if "task" in fields else
             f"panic of the kernel on cpu {fields.get('cpu', '?')}"]
    if "vector" in fields:
        vector = number(fields, "vector")
        words.append(f"{VECTORS.get(vector, 'vector')} ({vector})")
        if vector == 14 and "error" in fields:
            error = number(fields, "error")
            bits = (names[error >> i & 1] for i, names in enumerate(PAGE_FAULT_BITS))
            words.append(f"at {fields.get('cr2', '?')}: " + ", ".join(b for b in bits if b))
    return ", ".join(words)


def explain(source: str, build: str = None) -> int:
    fields = read_record(source)
    program = find_program(fields["build"], Path(build) if build else TREE / "build")
    say(describe(fields))
    if "msg" in fields:
        say("message: " + fields["msg"].strip('"'))
    say(f"program: {program}")
    shown = ("cpu", "task", "build", "msg", "bt")
    say("  ".join(f"{k}={v}" for k, v in fields.items() if k not in shown))
    addresses = trace_of(fields)
    for depth, (address, frames) in enumerate(zip(addresses, locate(program, addresses))):
        for index, (function, place) in enumerate(frames):
            inlined = "  (inlined)" if index + 1 < len(frames) else ""
            say(f"  #{depth:<2} {address:#018x}  {function:<28} {place}{inlined}")
    return 0
