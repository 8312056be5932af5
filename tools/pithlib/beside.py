# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""`./pith bench linux`: Pith's Linux beside Debian's, the same programs on the same machine.

docs/linux-bench.md says what is measured and how; bench/linux/rows.toml what each row must reach.
"""
import re
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import rootfs

from . import build as builds
from . import console, debian, linux, packages, qemu, roots, tally, workloads
from .bench import load_toml
from .ui import TREE, Failure, Step, say, tail

CPU = "max,-erms"
MEMORY = 256
TIMEOUT = 600
ROW = re.compile(r"^ROW (\w+) (\d+) (\d+)\s*$", re.MULTILINE)


# ---- machines ----------------------------------------------------------------------------------
class Setting(NamedTuple):
    """How a machine runs a command."""
    root: dict
    words: list
    memory: int = MEMORY
    extra: tuple = ()  # further arguments of QEMU


def with_programs(root: dict, build: Path) -> dict:
    """A root in which /t has what the comparison needs."""
    programs = {f"t/{name}": rootfs.file_entry(build / "bench" / "linux" / name) for name in ("linux_bench", "linux_init")}
    entries = {name: entry._replace(mode=stat.S_IFREG | 0o755, uid=0, gid=0) for name, entry in programs.items()}
    return rootfs.merge(root, entries)


def pith_line(setting: Setting, build: Path, place: Path) -> list:
    root = roots.write(setting.root, place / "pith.cpio")
    guest = linux.Guest(setting.words, root=root)
    image = linux.make_image(guest, build, place)
    ports = ["-serial", f"file:{place / 'console'}", "-serial", f"file:{place / 'control'}"]
    return qemu.command(build / "boot" / "loader", image, memory=setting.memory, cpu=CPU, extra=ports)


def linux_line(setting: Setting, build: Path, place: Path) -> list:
    root = roots.write(setting.root, place / "linux.cpio", align=4)
    line = qemu.machine(memory=setting.memory, cpu=CPU)
    return [*line, *debian.arguments(root, setting.words), "-serial", f"file:{place / 'console'}"]


def pith_said(place: Path) -> tuple:
    """What the programs said, and the status with which the first one ended."""
    control = console.Control()
    control.take((place / "control").read_bytes())
    return console.Output().take((place / "console").read_bytes()), control.status


def linux_said(place: Path) -> tuple:
    return (place / "console").read_bytes(), 0


class System(NamedTuple):
    line: Callable  # for QEMU
    said: Callable


SYSTEMS = {"Pith": System(pith_line, pith_said), "Linux": System(linux_line, linux_said)}


def run(name: str, setting: Setting, build: Path, place: Path) -> str:
    """What the command says on a system; it has to end with status 0."""
    system = SYSTEMS[name]
    line = [*system.line(setting, build, place), "-display", "none", "-monitor", "none", *setting.extra]
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT, check=False)
        end = qemu.decode(done.returncode).explain()
    except subprocess.TimeoutExpired:
        raise Failure(f"{name}: no end within {TIMEOUT} s:\n{tail((place / 'console').read_text(errors='replace'))}") from None
    said, status = system.said(place)
    if qemu.decode(done.returncode) != qemu.End("power-off", 0) or status != 0:
        raise Failure(f"{name}: {end}, its command with status {status}:\n{tail(said.decode(errors='replace'))}"
                      f"{tail(done.stderr)}")
    return said.decode(errors="replace").replace("\r\n", "\n")


def counted(system: str, setting: Setting, build: Path, **options) -> tuple:
    """What the system's programs said, and the samples."""
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as place:
        out = Path(place, "samples")
        extra = (*setting.extra, *qemu.COUNTED, *tally.arguments(out, **options))
        text = run(system, setting._replace(extra=extra), build, Path(place))
        return text, tally.read(out)


# ---- rows --------------------------------------------------------------------------------------
def figures(text: str, samples: list) -> dict:
    """Row -> sample by operation, from what linux_bench said and what was counted meanwhile."""
    rows, place = {}, 0
    for name, operations, rounds in ROW.findall(text):
        rows[name] = tally.middle(samples[place:place + int(rounds)], int(operations))
        place += int(rounds)
    if place != len(samples) or not rows:
        raise Failure(f"{place} samples were announced, {len(samples)} counted:\n{tail(text)}")
    return rows


def operations(system: str, build: Path, names: list = ()) -> dict:
    setting = Setting(with_programs(roots.busybox_root(), build), ["/t/linux_bench", *names])
    return figures(*counted(system, setting, build))


def workload_setting(workload: workloads.Workload, build: Path) -> Setting:
    root = rootfs.cpio_root(roots.of_packages(workload.packages))
    files = {"t/input": rootfs.regular(workload.input()), "t/command": rootfs.regular(workload.command + "\n")}
    return Setting(with_programs(rootfs.merge(root, files), build), ["/t/linux_bench", "--run", "/bin/sh", "/t/command"],
                   workload.memory)


# ---- limits ------------------------------------------------------------------------------------
class Bound(NamedTuple):
    """Of the ratio: what it is to come to, and what holds until it does."""
    must: Optional[float] = None
    limit: Optional[float] = None


def read_bounds(path: Path) -> dict:
    bounds = {}
    for name, row in load_toml(path).get("rows", {}).items():
        if row.keys() - set(Bound._fields):
            raise Failure(f"{path}: '{name}' may have must and limit only")
        bounds[name] = Bound(**row)
    return bounds


def verdict(ratio: Optional[float], bound: Bound) -> str:
    """In capitals where it is a miss."""
    if bound.must is None:
        return ""
    if ratio is None:
        return "NOT MEASURED"
    if ratio <= bound.must:
        return "ok"
    return "not yet" if bound.limit is not None and ratio <= bound.limit else "TOO MUCH"


class Row(NamedTuple):
    """A line of the table."""
    pith: tally.Sample
    linux: tally.Sample

    @property
    def ratio(self) -> float:
        return self.pith.instructions / self.linux.instructions


def rows_of(sides: dict) -> dict:
    """Of what both systems have figures of."""
    return {name: Row(sample, sides["Linux"][name]) for name, sample in sides["Pith"].items()
            if name in sides["Linux"]}


def verdicts(rows: dict, bounds: dict) -> dict:
    return {name: verdict(rows[name].ratio if name in rows else None, bound) for name, bound in bounds.items()}


def print_table(rows: dict, bounds: dict) -> None:
    texts = verdicts(rows, bounds)
    say(f"{'':<18} {'instructions':^35} {'':>6} {'':<9} {'repeated by REP':>21}\n"
        f"{'row':<18} {'Pith':>13} {'Linux':>13} {'ratio':>7} {'must':>6} {'':<9} {'Pith':>10} {'Linux':>10}")
    for name in [*(n for n in bounds if n in rows), *(n for n in rows if n not in bounds)]:
        row, must = rows[name], bounds.get(name, Bound()).must
        say(f"{name:<18} {row.pith.instructions:>13,.0f} {row.linux.instructions:>13,.0f} {row.ratio:>7.2f} "
            f"{must or '-':>6} {texts.get(name, ''):<9} {row.pith.rep:>10,.0f} {row.linux.rep:>10,.0f}")


# ---- the command -------------------------------------------------------------------------------
def compare(check: bool, expression: Optional[str]) -> int:
    packages.setup("run")
    build = builds.build_shown(builds.CONFIGURATIONS["release"])
    bounds = read_bounds(TREE / "bench" / "linux" / "rows.toml")
    bounds = {name: bound for name, bound in bounds.items() if (expression or "") in name}
    if not bounds:
        raise Failure(f"no row's name contains '{expression}'")
    sides = {}
    for system in SYSTEMS:
        with Step(f"count on {system}"):
            sides[system] = operations(system, build, bounds)
    rows = rows_of(sides)
    print_table(rows, bounds)
    missed = [f"{name}: {text.lower()}" for name, text in verdicts(rows, bounds).items() if text.isupper()]
    if check and missed:
        raise Failure("limits missed:\n    " + "\n    ".join(missed))
    return 0
