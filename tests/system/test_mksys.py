# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What tools/mksys says of a component's memory is what the supervisor makes of it: else a description that
was found right could have components that cannot be started."""
import re

from harness import boot
from mksys import description, layout, program
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
        more = layout.tables(component, elf, system)[1]
        # Where it may take more tables than the least, how many it does depends on its place.
        assert foretold - (more + 1) * layout.TABLE * bool(more) <= used[component.name] <= foretold, component.name
