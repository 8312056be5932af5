# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Include rights: each layer is compiled with its own -I only, a forbidden include is not found,
and every header compiles alone.

The flags are those that the build really uses, from its compile_commands.json.
"""
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import rights

# layer -> headers that it may not include
FORBIDDEN = {
    "boot": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h", "rt/print.h", "wire/wire.h", "proto/log.h", "stdio.h"],
    "kernel/core": ["rt/print.h", "wire/wire.h", "proto/log.h", "stdio.h", "string.h"],
    "kernel/arch": ["kernel/cap.h", "rt/print.h", "stdio.h"],
    "lib/rt": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h", "stdio.h", "wire/wire.h", "proto/log.h"],
    "lib/ring": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h", "rt/print.h", "wire/wire.h", "stdio.h"],
    "lib/wire": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h", "stdio.h", "proto/log.h"],
    "lib/libc": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h", "wire/wire.h", "proto/log.h"],
    "apps": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h", "stdio.h"],
    "tests/system": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h"],
    "bench": ["kernel/cap.h", "hal/aspace.h", "arch/cpu.h"],
}
TARGET_FLAG = "-ffreestanding"
# An -I that opens a right by a link.
RIGHT = re.compile(r"(?:.*/)?rights/(\w+)")
# What is below these runs on the development host.
HOST_FOLDERS = {"test", "model", "plugin"}


def commands(build: Path) -> list:
    """(path of the source in the tree, words of the command) for every target source."""
    found = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        source = os.path.normpath(Path(entry["directory"]) / entry["file"])
        if TARGET_FLAG in words:
            found.append((source, words))
    return found


def sources(tree: Path, build: Path, layer: str) -> list:
    paths = [(os.path.relpath(source, tree), words) for source, words in commands(build)]
    return [(p, words) for p, words in paths if rights.layer_of(p) == layer]


def flags(words: list) -> list:
    """The flags of a compile command without its input and outputs."""
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MQ", "-c"):
            skip = True
        elif word != "-MD":
            kept.append(word)
    return kept


def layer_flags(tree: Path, build: Path, layer: str) -> list:
    """Flags of the C source of a layer that uses most of its rights; a layer of headers goes with
    the core."""
    name = "kernel/core" if layer == "kernel/hal" else layer
    found = [flags(words) for path, words in sources(tree, build, name) if path.endswith(".c")]
    if found:
        return max(found, key=lambda words: sum("rights/" in w for w in words))
    assert not any((tree / name).rglob("*.c")), f"nothing of {name} is built"
    pytest.skip(f"no sources in {name}")


def compile_text(command: list, build: Path, text: str) -> subprocess.CompletedProcess:
    return subprocess.run([*command, "-fdiagnostics-color=never", "-fsyntax-only", "-x", "c", "-"], cwd=build, input=text,
                          capture_output=True, text=True, check=False)


def right_of(include: str, tree: Path, build: Path) -> str:
    """The right that an -I opens, or ''.  Meson names a directory of the build in the tree as well."""
    linked = RIGHT.fullmatch(include)
    path = Path(os.path.normpath(build / include))
    built = [r for r, place in rights.BUILT.items() for top in (tree, build) if path == (top / place).parent]
    return linked[1] if linked else "".join(built)


def own_right(include: str, source: str, tree: Path, build: Path) -> bool:
    """Whether an -I is the target's own build directory or beside the source."""
    path = Path(os.path.normpath(build / include))
    beside = (tree / source).parent
    generated = build in path.parents and "rights" not in path.parts
    return generated or path == beside


def test_every_source_has_only_its_rights(tree, pith_build):
    complaints = []
    for source, words in commands(pith_build):
        # What the build makes belongs where the directory of its meson.build does.
        made = pith_build in Path(source).parents
        path = os.path.relpath(source, pith_build if made else tree)
        layer = rights.layer_of(path)
        assert layer, f"{path} belongs to no layer of tools/rights.py"
        for include in (w[2:] for w in words if w.startswith("-I")):
            right = right_of(include, tree, pith_build)
            if not right:
                if not own_right(include, path, tree, pith_build):
                    complaints.append(f"{path}: -I{include}")
            elif right not in rights.LAYERS[layer]:
                complaints.append(f"{path}: no right to <{right}/...>")
        if any(w.startswith("-isystem") for w in words) and "picolibc" not in rights.LAYERS[layer]:
            complaints.append(f"{path}: no right to a C library")
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_forbidden_include_is_not_found(tree, pith_build, layer):
    command = layer_flags(tree, pith_build, layer)
    for header in FORBIDDEN[layer]:
        done = compile_text(command, pith_build, f"#include <{header}>\n")
        assert done.returncode != 0, f"{layer} can include <{header}>"
        # gcc: "No such file or directory", clang: "file not found"
        assert re.search(r"fatal error: .*(No such file|file not found)", done.stderr), done.stderr


@pytest.mark.parametrize("layer", ["tests/system"])
def test_header_of_a_protocol_is_found(tree, pith_build, layer):
    """By who names the protocol, and only its code: no header of another right comes with it."""
    command = [w for words in [flags(w) for p, w in sources(tree, pith_build, layer) if "/proto/main.c" in p]
               for w in words if not re.search(r"(rights/rt|tools/gen)$", w)]
    done = compile_text(command, pith_build, "#include <proto/log.h>\nextern int not_empty;\n")
    assert done.returncode == 0, done.stderr


def included(build: Path) -> set:
    """What the compiler read for the objects that there are, named as it told Ninja."""
    done = subprocess.run(["ninja", "-t", "deps"], cwd=build, capture_output=True, text=True, check=True)
    return {line.strip() for line in done.stdout.splitlines() if line.startswith(" ")}


def test_generated_headers_are_known_to_ninja(pith_build):
    """By the name that they are made under: behind a link, a change reaches who includes it a build late."""
    inside = {p: os.path.relpath(os.path.realpath(pith_build / p), os.path.realpath(pith_build))
              for p in included(pith_build)}
    made = {p: real for p, real in inside.items() if not real.startswith("../")}
    assert made, "nothing generated is included"
    assert not [f"{p} is {real}" for p, real in made.items() if p != real]


def headers(tree: Path, layer: str) -> list:
    found = [p.relative_to(tree) for p in (tree / layer).rglob("*.h")]
    return [p for p in sorted(found)
            if rights.layer_of(str(p)) == layer and not HOST_FOLDERS & set(p.parts)]


def header_complaint(command: list, build: Path, tree: Path, header: Path) -> str:
    text = f'#include "{tree / header}"\n#include "{tree / header}"\n'
    done = compile_text(command, build, text + "extern int not_empty;\n")
    return "" if done.returncode == 0 else f"{header}:\n{done.stderr}"


@pytest.mark.parametrize("layer", [*rights.LAYERS, "abi"])
def test_every_header_compiles_alone(tree, pith_build, layer):
    """Twice in a row too, so that each is guarded against a second inclusion."""
    names = headers(tree, layer) if layer != "abi" else [
        p.relative_to(tree) for p in sorted((tree / "abi").glob("*.h"))]
    if not names:
        pytest.skip(f"no headers in {layer}")
    command = layer_flags(tree, pith_build, "boot" if layer == "abi" else layer)
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda h: header_complaint(command, pith_build, tree, h), names)
    complaints = [c for c in results if c]
    assert not complaints, "\n".join(complaints)


def test_headers_that_are_forbidden_exist(tree, pith_build):
    """A misspelt name would make the test of forbidden includes pass for nothing."""
    for name in {h for names in FORBIDDEN.values() for h in names}:
        prefix, _, rest = name.partition("/")
        if rest:
            built = prefix in rights.BUILT
            place = pith_build / rights.BUILT[prefix] / rest if built else tree / rights.RIGHTS[prefix] / rest
            assert place.exists(), f"{place} does not exist; name another header"
