# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Configurations of the build and bringing them up to date."""
from pathlib import Path
from typing import NamedTuple

from .ui import TREE, Step, must_run


class Configuration(NamedTuple):
    name: str  # of the directory below build/
    compiler: str
    debug: bool


CONFIGURATIONS = {c.name: c for c in (
    Configuration("release", "gcc", False),
    Configuration("debug", "gcc", True),
    Configuration("clang", "clang", False),
    Configuration("clang-debug", "clang", True),
    Configuration("coverage", "gcc", False),  # only its host tests are built
)}


def choose(compiler: str, debug: bool) -> Configuration:
    fitting = (c for c in CONFIGURATIONS.values() if (c.compiler, c.debug) == (compiler, debug))
    return next(fitting)


def build_dir(configuration: Configuration, tree: Path = TREE) -> Path:
    return tree / "build" / configuration.name


def layout_of(tree: Path) -> str:
    """Names whose appearance or disappearance Ninja cannot notice by itself."""
    folders = ("abi", "apps", "bench", "boot", "drivers", "kernel", "lib", "proto", "servers", "systems", "tests",
               "tools")
    found = [p for f in folders for g in ("meson.build", "*.def", "*.idl", "*.toml", "abigen.py", "idlgen.py")
             for p in (tree / f).rglob(g)]
    return "".join(sorted(f"{p.relative_to(tree)}\n" for p in found))


def configure(configuration: Configuration, tree: Path) -> None:
    directory = build_dir(configuration, tree)
    stamp = directory / "layout"
    layout = layout_of(tree)
    configured = (directory / "build.ninja").exists()
    if configured and stamp.exists() and stamp.read_text() == layout:
        return
    command = ["meson", "setup", *(["--reconfigure"] if configured else []),
               "--cross-file", f"tools/cross/x86_64-{configuration.compiler}.ini",
               f"-Ddebug_kernel={str(configuration.debug).lower()}",
               f"-Dhost_tests={str(configuration.name in ('release', 'coverage')).lower()}",
               f"-Dcoverage={str(configuration.name == 'coverage').lower()}",
               str(directory), str(tree)]
    must_run(command, tree / "build" / "logs" / f"setup-{configuration.name}.log",
             f"configuring {configuration.name}", cwd=tree)
    stamp.write_text(layout)


def build(configuration: Configuration, tree: Path = TREE, targets: list = ()) -> Path:
    """Configure where needed and build; returns the build directory."""
    directory = build_dir(configuration, tree)
    configure(configuration, tree)
    must_run(["ninja", "-C", str(directory), *targets],
             tree / "build" / "logs" / f"build-{configuration.name}.log",
             f"building {configuration.name}", cwd=tree)
    return directory


def build_shown(configuration: Configuration, tree: Path = TREE) -> Path:
    what = f"build {configuration.name} ({configuration.compiler})"
    with Step(what):
        return build(configuration, tree)
