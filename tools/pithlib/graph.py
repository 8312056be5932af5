# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith graph`: who can reach whom in a system, and what each component must trust."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

from . import build as builds
from . import packages
from .ui import TREE, Failure, say, usage

if sys.version_info < (3, 11):
    raise Failure("system descriptions need Python 3.11 or later, this is " + sys.version.split()[0])

from mksys import check, description, draw  # noqa: E402  (needs the version above)
from mksys import graph as graphs  # noqa: E402

from . import tcb  # noqa: E402


def description_of(name: str) -> Path:
    """The file of a system that is named by its name or its path."""
    path = Path(name) if name.endswith(".toml") else TREE / "systems" / f"{name}.toml"
    if not path.is_file():
        known = sorted(p.stem for p in (TREE / "systems").glob("*.toml")) or ["none"]
        raise usage(f"there is no {path}; systems/ has: {', '.join(known)}")
    return path


def read(path: Path) -> description.System:
    """A system that is right, as far as can be said without its programs."""
    system, problems = description.read(path.read_bytes(), str(path))
    if system is not None:
        check.system(system, {}, problems)
    if problems:
        raise Failure(f"the description is not right\n{problems.text()}")
    return system


def draw_svg(system: description.System, place: str) -> None:
    if shutil.which("dot") is None:
        packages.setup("graph")
    done = subprocess.run(["dot", "-Tsvg", "-o", place], input=draw.dot(system), capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"dot cannot draw to {place}: {done.stderr.strip()}")


# ---- trust -------------------------------------------------------------------------------------
def executables(directory: Path) -> dict:
    """Name -> file of the programs of a build."""
    try:
        targets = json.loads((directory / "meson-info" / "intro-targets.json").read_text())
        return {t["name"]: Path(t["filename"][0]) for t in targets if t["type"] == "executable"}
    except (OSError, ValueError, KeyError) as error:
        raise Failure(f"{directory} is no build: {error}") from None


def program(programs: dict, name: str, directory: Path) -> Path:
    if name not in programs:
        raise Failure(f"{directory} has no program '{name}'")
    return programs[name]


def tcb_lines(system: description.System, directory: Path) -> list:
    programs, trust = executables(directory), tcb.Trust(directory)
    below_all = [program(programs, name, directory) for name in ("loader", "pith", f"supervisor_{system.name}")]
    lines = []
    for component in system.components.values():
        servers = graphs.servers_below(system, component.name)
        wanted = [component, *(system.components[name] for name in servers)]
        files = below_all + [program(programs, f"component_{c.program}", directory) for c in wanted]
        calls = f" and {', '.join(servers)}" if servers else ""
        lines += tcb.table(f"{component.name}: kernel, loader, supervisor, itself{calls}", trust.areas(files)) + [""]
    return lines[:-1]


def graph(name: str, svg: str, wants_tcb: bool, build: str) -> int:
    system = read(description_of(name))
    if svg:
        draw_svg(system, svg)
    if not wants_tcb:
        say(draw.text(system).rstrip("\n"))
        return 0
    if build is None:
        packages.setup("run")
    directory = Path(build).resolve() if build else builds.build_shown(builds.CONFIGURATIONS["release"])
    say("\n".join(tcb_lines(system, directory)))
    return 0
