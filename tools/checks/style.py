# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Rules of the sources that the compilers do not check.

Each check_* takes the tree and returns a list of complaints, `path:line: what`.
"""
import os
import re
from pathlib import Path

import rights

from . import sources

MAX_FUNCTION = 60
MAX_ASSEMBLY = 400
LICENSE_LINE = "SPDX-License-" + "Identifier: BSD-2-Clause"
AUTHORS_LINE = "SPDX-FileCopyright" + "Text: The Pith authors"
PROMISE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
HOSTS = re.compile(r"\b(?:(?:deb|ftp|security|snapshot|archive)[.](?:debian|ubuntu)[.](?:org|com)"
                   r"|pypi[.]org|files[.]pythonhosted[.]org|ghcr[.]io|docker[.]io|quay[.]io"
                   r"|crates[.]io|registry[.]npmjs[.]org|proxy[.]golang[.]org)")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def texts(tree: Path, wanted) -> list:
    """(path, text) of the source files for which `wanted` holds."""
    return [(p, (tree / p).read_text(errors="replace"))
            for p in sources.all_files(tree) if sources.is_source(p) and wanted(p)]


def everything(path: Path) -> bool:
    return True


def check_licence(tree: Path) -> list:
    found = []
    for path, text in texts(tree, everything):
        head = "\n".join(text.splitlines()[:4])
        for line in (LICENSE_LINE, AUTHORS_LINE):
            if line not in head:
                found.append(f"{path}:1: no '{line}' in the first lines")
    return found


def matches(tree: Path, pattern: re.Pattern, complaint: str) -> list:
    return [f"{path}:{number}: {complaint}: {hit[0]}"
            for path, text in texts(tree, everything)
            for number, line in enumerate(text.splitlines(), 1)
            for hit in [pattern.search(line)] if hit]


def check_promises(tree: Path) -> list:
    return matches(tree, PROMISE, "unfinished work")


def check_hosts(tree: Path) -> list:
    return matches(tree, HOSTS, "name of a registry host")


def functions(text: str):
    """(first line, line count, text) of each function, by the house layout: its braces stand alone
    in the first column.  The comment and signature before it belong to the text."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and lines[head - 1].strip() and lines[head - 1] != "}":
                head -= 1
            yield start, number - start + 1, "\n".join(lines[head:number])
            start = None


def check_function_length(tree: Path) -> list:
    return [f"{path}:{start}: a function of {count} lines without a '// LONG: reason' line"
            for path, text in texts(tree, sources.is_c)
            for start, count, body in functions(text)
            if count > MAX_FUNCTION and "// LONG:" not in body]


def assembly_lines(tree: Path, isa: Path) -> int:
    return sum(sources.code_lines(text) for path, text in texts(tree, lambda p: p.suffix == ".S")
               if isa in path.parents and not sources.is_test(path))


def check_assembly(tree: Path) -> list:
    isas = [p.relative_to(tree) for p in (tree / "kernel" / "arch").glob("*") if p.is_dir()]
    counts = {isa: assembly_lines(tree, isa) for isa in isas}
    return [f"{isa}: {count} lines of assembly, {MAX_ASSEMBLY} are allowed"
            for isa, count in counts.items() if count > MAX_ASSEMBLY]


def includes(text: str):
    for number, line in enumerate(text.splitlines(), 1):
        hit = INCLUDE.match(line)
        if hit:
            yield number, hit[1] == "<", hit[2]


def include_complaint(path: Path, angled: bool, name: str) -> str:
    """Why a file may not have an include, or ''.

    Most of the rights are the compiler's to enforce (tools/rights.py); left to this check is what
    it cannot see: ways around, and <arch/...>, which core can reach for the sake of the HAL."""
    if angled and (".." in Path(name).parts or name.startswith("/")):
        return "a path that leaves its prefix"
    if not angled:
        place = os.path.normpath(path.parent / name)
        return "" if same_layer(str(path), place) else "a private header of another layer"
    if path.parts[:2] == ("kernel", "core") and name.startswith("arch/") \
            and not sources.is_test(path):
        return "core never includes the architecture"
    return ""


def same_layer(one: str, other: str) -> bool:
    layer = rights.layer_of(one)
    if not layer:
        return os.path.dirname(one) == os.path.dirname(other)
    return rights.layer_of(other) == layer


def check_includes(tree: Path) -> list:
    c_or_asm = [(p, t) for p, t in texts(tree, lambda p: p.suffix in (".c", ".h", ".S"))]
    return [f"{path}:{number}: {complaint}: {name}"
            for path, text in c_or_asm for number, angled, name in includes(text)
            for complaint in [include_complaint(path, angled, name)] if complaint]


def check_isa_conditionals(tree: Path) -> list:
    pattern = re.compile(r"^\s*#\s*(?:el)?if.*\b__(?:x86_64|aarch64|riscv)")

    def portable(path: Path) -> bool:
        return (path.suffix in sources.C_SUFFIXES and path.parts[0] == "kernel"
                and path.parts[1] != "arch")
    return [f"{path}:{number}: an ISA conditional outside kernel/arch"
            for path, text in texts(tree, portable)
            for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)]


CHECKS = {name[len("check_"):]: function for name, function in list(globals().items())
          if name.startswith("check_")}
