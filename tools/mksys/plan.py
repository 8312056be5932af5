# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the supervisor is told: indices, bits and badges of a description that is right."""
from dataclasses import dataclass, field
from typing import NamedTuple

from .description import SUPERVISOR, Component, Context, Share, System

SELF = "SYSTEM_SELF"
SERVICE_SHIFT, RIGHTS_SHIFT = 8, 8  # in a badge; SVC_SERVICE_SHIFT, SYSTEM_RIGHTS_SHIFT
IRQ_ACTIVE_LOW, IRQ_LEVEL = 1, 2
REST = "UNTYPED of the rest"
MILLIONTHS = 10_000  # of a per cent
# GRANT_* of lib/rt/component.h -> slots that one takes.
GRANT_SLOTS = {"SERVE": 1, "CALL": 1, "SIGNAL": 1, "SIGNALLED": 0, "TIMER": 1, "IRQ": 1, "PORTS": 1,
               "REGION": 0, "WATCH": 4, "SCHED": 1, "CONTEXT": 1, "MODULE": 1, "SPACE": 1,
               "UNTYPED": 2, REST: 8}  # REST: an UNTYPED of COMPONENT_UNTYPED_PAIRS pairs
FIRST_SLOT = 4  # COMPONENT_SLOT_REPLIES
WATCH, SPACE = "deadlines", "space"


class Grant(NamedTuple):
    name: str
    kind: str
    object: int = 0
    badge: int = 0
    first: int = 0
    count: int = 0
    flags: str = "0"


@dataclass
class Plan:
    system: System
    order: list                                    # components, servers before their clients
    endpoints: list = field(default_factory=list)  # components that serve; last SUPERVISOR
    regions: list = field(default_factory=list)    # names
    modules: list = field(default_factory=list)    # names
    groups: list = field(default_factory=list)     # names; a group's number is its place + 1
    bits: dict = field(default_factory=dict)       # component -> {grant's name: bit}
    grants: dict = field(default_factory=dict)     # component -> [Grant]

    def index(self, name: str) -> int:
        return [component.name for component in self.order].index(name)


def servers(component: Component) -> set:
    return {use.server for use in component.uses.values()}


def start_order(system: System) -> list:
    """Servers before their clients; else as in the description.  Without what is in a cycle."""
    order, waiting = [], dict(system.components)
    while True:
        ready = next((c for c in waiting.values() if not servers(c) & waiting.keys()), None)
        if ready is None:
            return order
        del waiting[ready.name]
        order.append(ready)


def signal_name(sender: Component, local: str) -> str:
    """The name of a signal at who gets it."""
    return f"{sender.name}.{local}"


def notified(system: System, component: Component) -> list:
    """What signals a component: (kind, name), in the order of their bits."""
    found = [("IRQ", name) for name in component.irq] + [("TIMER", name) for name in component.timers]
    for sender in system.components.values():
        found += [("SIGNALLED", signal_name(sender, local)) for local, target in sender.signals.items()
                  if target == component.name]
    return found


def irq_flags(irq) -> str:
    words = ["IRQ_LEVEL"] * irq.level + ["IRQ_ACTIVE_LOW"] * irq.active_low
    return " | ".join(words) or "0"


def calls(plan: Plan, component: Component) -> list:
    caller, found = plan.index(component.name) + 1, []
    for local, use in component.uses.items():
        if use.server == SUPERVISOR:
            badge = caller | use.rights << RIGHTS_SHIFT
        else:
            services = plan.system.components[use.server].serves
            badge = caller | services.index(use.service) << SERVICE_SHIFT
        found.append(Grant(local, "CALL", plan.endpoints.index(use.server), badge))
    return found


def signals(plan: Plan, component: Component) -> list:
    return [Grant(local, "SIGNAL", plan.index(target),
                  1 << plan.bits[target]["SIGNALLED", signal_name(component, local)])
            for local, target in component.signals.items()]


def grant_kinds(system: System, component: Component) -> list:
    """The kinds of a component's grants, also where names in the description are wrong."""
    return (["SERVE"] * bool(component.serves) + ["CALL"] * len(component.uses)
            + ["SIGNAL"] * len(component.signals) + [kind for kind, _ in notified(system, component)]
            + ["PORTS"] * len(component.ports) + ["SPACE"] * component.space
            + [REST if untyped.rest else "UNTYPED" for untyped in component.untyped.values()]
            + ["SCHED"] * len(component.sched) + ["CONTEXT"] * len(component.contexts)
            + ["MODULE"] * len(component.modules)
            + ["REGION"] * len(component.regions) + ["WATCH"] * component.deadlines)


def slots_needed(component: Component, kinds: list) -> int:
    return FIRST_SLOT + component.replies + sum(GRANT_SLOTS[kind] for kind in kinds)


def untyped(component: Component) -> list:
    """The rest last: servers/supervisor takes it when all else has been taken."""
    found = []
    for name, one in sorted(component.untyped.items(), key=lambda item: item[1].rest):
        flags = ["UNTYPED_REST"] * one.rest + ["UNTYPED_WX"] * one.wx
        found.append(Grant(name, "UNTYPED", first=one.size, count=GRANT_SLOTS[REST if one.rest else "UNTYPED"],
                           flags=" | ".join(flags) or "0"))
    return found


def time_cpu(component: Component, time: Share | Context) -> int:
    return component.cpu if time.cpu is None else time.cpu


def objects(plan: Plan, component: Component) -> list:
    """What a component needs that makes objects itself."""
    found = [Grant(SPACE, "SPACE")] * component.space + untyped(component)
    found += [Grant(name, "SCHED", time_cpu(component, share), share.percent * MILLIONTHS)
              for name, share in component.sched.items()]
    found += [Grant(name, "CONTEXT", time_cpu(component, context), first=context.budget, count=context.period,
                    flags="CONTEXT_OPTIONAL" if context.optional else "0")
              for name, context in component.contexts.items()]
    return found + [Grant(name, "MODULE", plan.modules.index(module)) for name, module in component.modules.items()]


def grants(plan: Plan, component: Component) -> list:
    """Regions before timers: servers/supervisor makes page tables for those, which are aligned."""
    bits = plan.bits[component.name]
    found = []
    if component.serves:
        found.append(Grant(component.name, "SERVE", plan.endpoints.index(component.name)))
    found += calls(plan, component) + signals(plan, component)
    found += [Grant(name, "SIGNALLED", badge=1 << bit) for (kind, name), bit in bits.items()
              if kind == "SIGNALLED"]
    found += [Grant(name, "IRQ", irq.line, 1 << bits["IRQ", name], flags=irq_flags(irq))
              for name, irq in component.irq.items()]
    found += [Grant(name, "PORTS", first=p.first, count=p.count) for name, p in component.ports.items()]
    found += objects(plan, component)
    found += [Grant(name, "REGION", plan.regions.index(r.region),
                    flags="PROT_READ | PROT_WRITE" if r.write else "PROT_READ")
              for name, r in component.regions.items()]
    found += [Grant(name, "TIMER", badge=1 << bits["TIMER", name]) for name in component.timers]
    return found + [Grant(WATCH, "WATCH")] * component.deadlines


def make(system: System) -> Plan:
    plan = Plan(system, start_order(system))
    plan.endpoints = [c.name for c in plan.order if c.serves]
    if any(use.server == SUPERVISOR for c in plan.order for use in c.uses.values()):
        plan.endpoints.append(SUPERVISOR)
    plan.regions = list(system.regions)
    plan.modules = list(dict.fromkeys(module for c in plan.order for module in c.modules.values()))
    plan.groups = list(dict.fromkeys(c.restart["group"] for c in plan.order if c.restart["group"]))
    for component in plan.order:
        plan.bits[component.name] = {key: bit for bit, key in enumerate(notified(system, component))}
    for component in plan.order:
        plan.grants[component.name] = grants(plan, component)
    return plan
