# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What tools/mksys says of a component's memory is what the supervisor makes of it: else a description that
was found right could have components that cannot be started."""
import re
import subprocess
import sys

from checks import kernel_size
from harness import boot
from mksys import description, graph, layout, program
from pithlib import qemu

SYSTEM = "tests/system/components/anatomy/anatomy.toml"


def test_memory_is_foretold(tree, artefacts, pith_build):
    result = boot("anatomy", artefacts, timeout=60, extra=qemu.COUNTED, memory=64).expect(status=0)
    used = {name: int(number) for name, number in re.findall(r"^used (\w+) (\d+)", result.serial, re.MULTILINE)}
    system, problems = description.read((tree / SYSTEM).read_bytes(), SYSTEM)
    assert not problems and used.keys() == system.components.keys()
    elf = program.read(str(pith_build / "component_anatomy"))
    for component in system.components.values():
        foretold = layout.end(layout.parts(component, elf, system))
        # Where its regions take page tables too, how many of them come first depends on its place.
        more = layout.tables(component, elf, system)[1]
        assert 0 <= foretold - used[component.name] < (layout.TABLE if more else 1), component.name


def trusted(text: str) -> dict:
    """Component -> {part of the tree: lines}; under "" their sum as it is printed."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(  )?(\S.*?) +([\d,]+)", line)
        if match and not match[1]:
            rows = found.setdefault(match[2].partition(":")[0], {})
        if match:
            rows[match[2] if match[1] else ""] = int(match[3].replace(",", ""))
    return found


def test_trust(tree, pith_build):
    """What each component of the monitor must trust: what all do, itself, and the servers that it calls."""
    done = subprocess.run([sys.executable, tree / "pith", "graph", "monitor", "--tcb", "--build", pith_build],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = trusted(done.stdout)
    system, _ = description.read((tree / "systems/monitor.toml").read_bytes(), "monitor")
    assert found.keys() == system.components.keys()
    for name, rows in found.items():
        assert rows.pop("") == sum(rows.values()), name
        assert {"kernel", "boot", "servers/supervisor", "lib/rt"} <= rows.keys(), name
        assert rows["kernel"] >= kernel_size.kernel_lines(tree, "x86_64"), name
        trusted_names = {name, *graph.servers_below(system, name)}
        assert ("servers/log" in rows) == bool(trusted_names & {"log", "logprint"}), name
        assert ("drivers/serial/uart16550" in rows) == ("uart" in trusted_names), name
    assert found["monitor"]["lib/rt"] < 2 * found["uart"]["lib/rt"]
