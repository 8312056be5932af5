# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""A system as text for people, and as a graph for Graphviz."""
from . import graph, plan
from .description import RIGHTS, SUPERVISOR, Component, System, Untyped, Use
from .values import size_text, time_text

HEAD = """\
digraph "{name}" {{
    graph [rankdir=LR, label="{name}", labelloc=t, fontname="Helvetica", nodesep=0.3, ranksep=0.9];
    node [shape=box, style="rounded,filled", fillcolor="#eef3fb", fontname="Helvetica", fontsize=11];
    edge [fontname="Helvetica", fontsize=9];"""


def share(component: Component) -> float:
    return component.budget / component.period * 100


def rights_text(rights: int) -> str:
    return "+".join(name for name, bit in RIGHTS.items() if rights & bit)


def use_text(use: Use) -> str:
    return f"{use.server}.{use.service or rights_text(use.rights)}"


def devices(component: Component) -> list:
    found = [f"ports {p.first:#x}+{p.count}" for p in component.ports.values()]
    return found + [f"irq {irq.line}" for irq in component.irq.values()]


def untyped_text(untyped: Untyped) -> str:
    size = f"the rest (at least {size_text(untyped.size)})" if untyped.rest else size_text(untyped.size)
    return size + " (wx)" * untyped.wx


def access(write: bool) -> str:
    return "rw" if write else "r"


# ---- text --------------------------------------------------------------------------------------
def facts(system: System, component: Component, out: dict) -> list:
    """(what, text) of all that there is to say; what is empty is left out."""
    rows = [("serves", component.serves),
            ("devices", devices(component)),
            ("timers", component.timers),
            ("calls", [f"{use_text(use)} as {local}" for local, use in component.uses.items()]),
            ("signals", [f"{target} as {local}" for local, target in component.signals.items()]),
            ("regions", [f"{r.region} ({access(r.write)}) as {local}" for local, r in component.regions.items()]),
            ("untyped", [f"{untyped_text(u)} as {local}" for local, u in component.untyped.items()]),
            ("time", [f"{s.percent} % of CPU {plan.time_cpu(component, s)} as {local}"
                      for local, s in component.sched.items()]
             + [f"{time_text(c.budget)} in {time_text(c.period)} of CPU {plan.time_cpu(component, c)} as {local}"
                for local, c in component.contexts.items()]),
            ("modules", [f"{module} as {local}" for local, module in component.modules.items()]),
            ("reaches", graph.reached(out, component.name))]
    return [(what, ", ".join(texts)) for what, texts in rows if texts]


def component_lines(system: System, component: Component, out: dict) -> list:
    program = f" ({component.program})" if component.program != component.name else ""
    return ["", f"{component.name}{program}: priority {component.priority}, {share(component):.1f} % of CPU "
                f"{component.cpu}, {size_text(component.memory)}",
            *[f"  {what:<8} {text}" for what, text in facts(system, component, out)]]


def text(system: System) -> str:
    count = len(system.components)
    lines = [f"system {system.name}: {count} component{'s' * (count != 1)}, {size_text(system.memory)}"]
    out = graph.outgoing(system)
    for component in system.components.values():
        lines += component_lines(system, component, out)
    for region in system.regions.values():
        fate = "survives restarts" if region.survives else "zero after each restart"
        lines += ["", f"region {region.name}: {size_text(region.size)}, {fate}"]
    if system.never:
        lines += ["", *[f"never {n.source} -> {n.target}: holds" for n in system.never]]
    return "\n".join(lines) + "\n"


# ---- Graphviz ----------------------------------------------------------------------------------
def component_node(component: Component) -> str:
    label = [component.name, f"priority {component.priority}, {share(component):.1f} %", *devices(component)]
    text = r"\n".join(label)
    return f'    "{component.name}" [label="{text}"];'


def component_edges(component: Component) -> list:
    name = component.name
    lines = [f'    "{name}" -> "{use.server}" [label="{use.service or rights_text(use.rights)}"];'
             for use in component.uses.values()]
    lines += [f'    "{name}" -> "{target}" [style=dashed, label="{local}"];'
              for local, target in component.signals.items()]
    for use in component.regions.values():
        ends = f'"{name}" -> "region {use.region}"'
        direction = "both" if use.write else "back"
        lines.append(f"    {ends} [color=gray40, dir={direction}, label=\"{access(use.write)}\"];")
    return lines


def dot(system: System) -> str:
    lines = [HEAD.format(name=system.name)]
    components = list(system.components.values())
    lines += [component_node(component) for component in components]
    lines += [f'    "region {name}" [shape=cylinder, style=filled, fillcolor="#f6f1e4", '
              f'label="{name}\\n{size_text(region.size)}"];' for name, region in system.regions.items()]
    if any(use.server == SUPERVISOR for c in components for use in c.uses.values()):
        lines.append(f'    "{SUPERVISOR}" [fillcolor="#e4e4e4"];')
    for component in components:
        lines += component_edges(component)
    lines += [f'    "{n.source}" -> "{n.target}" [style=dotted, color=red3, fontcolor=red3, constraint=false, '
              f'label="never"];' for n in system.never]
    return "\n".join([*lines, "}"]) + "\n"
