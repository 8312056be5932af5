# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""The C text of a system: the tables of servers/supervisor/system.h."""
from .description import PAGE, SUPERVISOR, Component
from .plan import SELF, Grant, Plan
from .program import Program

HEAD = """\
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The system "{name}", compiled from its description by tools/mksys.
#include <supervisor/system.h>
"""


def quoted(text: str) -> str:
    """A C string; what is no plain character stands in octal."""
    return '"' + "".join(c if c.isascii() and c.isprintable() and c not in '"\\?' else octal(c)
                         for c in text) + '"'


def octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode())


def truth(value: bool) -> str:
    return "true" if value else "false"


def array(kind: str, name: str, rows: list) -> list:
    """An array that is an object of its own, and none where it is empty."""
    if not rows:
        return []
    return [f"static const {kind} {name}[] = {{"] + [f"    {row}," for row in rows] + ["};", ""]


def pointer(name: str, rows: list) -> str:
    return name if rows else "NULL"


def grant_row(grant: Grant) -> str:
    return (f"{{ {quoted(grant.name)}, GRANT_{grant.kind}, {grant.object}, {grant.badge:#x}ull, "
            f"{grant.first:#x}, {grant.count}, {grant.flags} }}")


def symbol_tables(component: Component, program: Program) -> list:
    """Names one after the other, each with its zero, and where in them each symbol's stands."""
    rows, names, at = [], [], 0
    for offset, name in program.symbols:
        rows.append(f"{{ {offset:#x}, {at} }}")
        names.append(f"    {quoted(name)} \"\\0\"")
        at += len(name.encode()) + 1
    lines = array("struct system_symbol", f"{component.name}_symbols", rows)
    if names:
        lines += [f"static const char {component.name}_symbol_names[] =", *names]
        lines[-1] += ";"
        lines.append("")
    return lines


def restart_fields(plan: Plan, component: Component) -> list:
    restart = component.restart
    group = plan.groups.index(restart["group"]) + 1 if restart["group"] else 0
    return [f".backoff = {restart['backoff']}, .backoff_max = {restart['backoff_max']},",
            f".window = {restart['window']}, .limit = {restart['limit']}, .group = {group},",
            f".restart = {truth(restart['policy'] == 'always')}, "
            f".vital = {truth(restart['policy'] == 'power-off')},"]


def component_fields(plan: Plan, component: Component, program: Program) -> list:
    name, grants = component.name, plan.grants[component.name]
    identity = ", ".join(f"{byte:#04x}" for byte in program.build_id)
    return [
        f".name = {quoted(name)}, .module = {quoted(component.program)},",
        f".priority = {component.priority}, .cpu = {component.cpu},",
        f".home_bits = {log2(component.memory)}, .slot_bits = {log2(component.slots)},",
        f".stack_pages = {component.stack // PAGE}, .heap_pages = {component.heap // PAGE},",
        f".replies = {component.replies},",
        f".budget = {component.budget}, .period = {component.period},",
        f".heartbeat = {component.heartbeat},",
        *restart_fields(plan, component),
        f".deadlines = {truth(component.deadlines)}, .vector = {truth(component.vector)},",
        f".passive = {truth(component.passive)},",
        f".manual = {truth(not component.autostart)},",
        f".grant_count = {len(grants)}, .grants = {pointer(name + '_grants', grants)},",
        f".symbol_count = {len(program.symbols)},",
        f".symbols = {pointer(name + '_symbols', program.symbols)},",
        f".symbol_names = {name + '_symbol_names' if program.symbols else quoted('')},",
        f".build_id = {{ {identity} }},"]


def log2(number: int) -> int:
    """Of a power of two; else of the next one."""
    return max(number - 1, 0).bit_length()


def components(plan: Plan, programs: dict) -> list:
    lines = ["static const struct system_component components[] = {"]
    for component in plan.order:
        fields = component_fields(plan, component, programs[component.program])
        lines += ["    {"] + [f"        {one}" for one in fields] + ["    },"]
    return lines + ["};", ""]


def endpoint_row(plan: Plan, name: str) -> str:
    if name == SUPERVISOR:
        return f"{{ {quoted(name)}, {SELF}, 0 }}"
    return f"{{ {quoted(name)}, {plan.index(name)}, {plan.system.components[name].min_budget} }}"


def region_row(plan: Plan, name: str) -> str:
    region = plan.system.regions[name]
    return f"{{ {quoted(name)}, {region.size:#x}, {truth(region.survives)} }}"


def never_rows(plan: Plan) -> list:
    return [f"{{ {plan.index(n.source)}, {plan.index(n.target)} }}" for n in plan.system.never]


def whole(plan: Plan) -> list:
    system = plan.system
    return ["const struct system system_description = {",
            f"    .name = {quoted(system.name)},",
            f"    .seed = {system.seed}u,",
            f"    .component_count = {len(plan.order)},",
            f"    .endpoint_count = {len(plan.endpoints)},",
            f"    .region_count = {len(plan.regions)},",
            f"    .module_count = {len(plan.modules)},",
            f"    .never_count = {len(system.never)},",
            "    .components = components,",
            f"    .endpoints = {pointer('endpoints', plan.endpoints)},",
            f"    .regions = {pointer('regions', plan.regions)},",
            f"    .modules = {pointer('modules', plan.modules)},",
            f"    .never = {pointer('never', system.never)},",
            "};"]


def text(plan: Plan, programs: dict) -> str:
    """The C text; programs: name -> Program."""
    lines = HEAD.format(name=plan.system.name).split("\n")
    for component in plan.order:
        lines += array("struct system_grant", f"{component.name}_grants",
                       [grant_row(grant) for grant in plan.grants[component.name]])
        lines += symbol_tables(component, programs[component.program])
    lines += components(plan, programs)
    lines += array("struct system_endpoint", "endpoints", [endpoint_row(plan, e) for e in plan.endpoints])
    lines += array("struct system_region", "regions", [region_row(plan, r) for r in plan.regions])
    lines += array("char *const", "modules", [quoted(module) for module in plan.modules])
    lines += array("struct system_never", "never", never_rows(plan))
    return "\n".join(lines + whole(plan)) + "\n"
