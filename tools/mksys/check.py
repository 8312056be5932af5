# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What the values of a description must be together.  Each check tells all that it finds; values
that are wrong by themselves were told and are left out."""
from pathlib import Path
from typing import Iterator

from . import graph, layout, plan
from .description import SUPERVISOR, Component, Context, System
from .problems import Problems
from .values import NAME_BYTES, nearest, size_text, time_text

PROTOCOLS = [Path(__file__).resolve().parents[2] / "proto"]  # directories
COMPONENTS_MOST = 62  # SYSTEM_COMPONENTS
GRANTS_MOST = 40      # COMPONENT_GRANTS
CPU_MOST = 90         # per cent of a CPU that can be given away: the rest is the supervisor's

WATCHED_BUDGET = 200_000  # of which the second thread gets its part (WATCH_BUDGET_PART)


# ---- names -------------------------------------------------------------------------------------
def own_names(system: System, problems: Problems) -> None:
    if SUPERVISOR in system.components:
        problems.add(("component", SUPERVISOR), "this is the supervisor's own name", "another name stands here")


def services(system: System, problems: Problems) -> None:
    for component in system.components.values():
        for local, use in component.uses.items():
            place = component.path + ("uses", local)
            server = system.components.get(use.server)
            if use.server == SUPERVISOR:
                continue
            if server is None:
                problems.add(place, f"there is no component '{use.server}'",
                             nearest(use.server, [*system.components, SUPERVISOR]))
            elif use.service not in server.serves:
                problems.add(place, f"{server.name} serves no '{use.service}'",
                             nearest(use.service, server.serves))


def signals(system: System, problems: Problems) -> None:
    for component in system.components.values():
        for local, target in component.signals.items():
            place = component.path + ("signals", local)
            if target == component.name:
                problems.add(place, "this component would signal itself", "another component stands here")
            elif target not in system.components:
                problems.add(place, f"there is no component '{target}'",
                             nearest(target, system.components))
            name = plan.signal_name(component, local)
            if len(name) > NAME_BYTES:
                problems.add(place, f"'{name}', its name at {target}, is {len(name)} characters long",
                             f"at most {NAME_BYTES}: take a shorter name here")


def regions(system: System, problems: Problems) -> None:
    used = set()
    for component in system.components.values():
        for local, use in component.regions.items():
            used.add(use.region)
            if use.region not in system.regions:
                problems.add(component.path + ("regions", local, "region"), f"there is no region '{use.region}'",
                             nearest(use.region, system.regions))
    for region in system.regions.values():
        if region.name not in used:
            problems.add(region.path, "no component has this region",
                         "take it out, or give it: "
                         f'regions = {{ NAME = {{ region = "{region.name}", access = "rw" }} }}')


def protocols(system: System, problems: Problems) -> None:
    known = sorted(path.stem for directory in PROTOCOLS for path in directory.glob("*.idl"))
    for component in system.components.values():
        for number, protocol in enumerate(component.serves):
            place = component.path + ("serves", number)
            if protocol is not None and protocol not in known:
                problems.add(place, f"there is no protocol '{protocol}' (proto/{protocol}.idl)",
                             nearest(protocol, known))


def twice(system: System, problems: Problems) -> None:
    """Names of an array that stand there more than once."""
    for component in system.components.values():
        for key in ("serves", "timers"):
            names = getattr(component, key)
            for number, name in enumerate(names):
                if name is not None and name in names[:number]:
                    problems.add(component.path + (key, number), f"'{name}' stands here twice", "each name once")


# ---- calls -------------------------------------------------------------------------------------
def closing_calls(system: System, root: str, seen: set) -> Iterator[tuple]:
    """Calls that lead back to where a walk from the root came from: the way from there to the caller, and
    the call's name.  Without them no cycle is left."""
    seen.add(root)
    walk = [(root, iter(system.components[root].uses.items()))]
    while walk:
        name, rest = walk[-1]
        for local, use in rest:
            way = [one for one, _ in walk]
            if use.server in way:
                yield way[way.index(use.server):], local
            elif use.server in system.components and use.server not in seen:
                seen.add(use.server)
                walk.append((use.server, iter(system.components[use.server].uses.items())))
                break
        else:
            walk.pop()


def cycles(system: System, problems: Problems) -> None:
    seen = set()
    for root in system.components:
        for way, local in closing_calls(system, root, seen) if root not in seen else ():
            what = "it calls itself" if len(way) == 1 else "it calls what calls it"
            problems.add(system.components[way[-1]].path + ("uses", local), f"{what}: {' -> '.join([*way, way[0]])}",
                         "calls go one way: take one of them out, or signal instead")


def clients(system: System) -> dict:
    """Server -> the most important of its clients."""
    found = {}
    for component in system.components.values():
        for server in {use.server for use in component.uses.values()} - {component.name}:
            best = found.get(server)
            if component.priority is not None and (best is None or component.priority > best.priority):
                found[server] = component
    return found


def priorities(system: System, problems: Problems) -> None:
    for name, client in clients(system).items():
        server = system.components.get(name)
        if server is not None and server.priority is not None and server.priority < client.priority:
            problems.add(server.path + ("priority",),
                         f"{server.priority} lies below {client.priority}, that of its client {client.name}",
                         f"at least {client.priority}: what serves is as important as all that wait for it")


def servers(system: System, problems: Problems) -> None:
    for component in system.components.values():
        if component.serves and component.replies == 0:
            problems.add(component.path + ("replies",), "what serves must be able to answer", "at least 1")
        if component.passive and not component.serves:
            problems.add(component.path + ("passive",), "it serves nothing, so nobody lends it time",
                         "take it out, or say what is served: serves = [...]")
        if component.min_budget and not component.serves:
            problems.add(component.path + ("min_budget",), "it serves nothing that a caller could enter",
                         "take it out, or say what is served: serves = [...]")


def entry(system: System, problems: Problems) -> None:
    """A caller with less time than a server asks for waits for ever."""
    for component in system.components.values():
        for local, use in component.uses.items():
            server = system.components.get(use.server)
            if server and component.budget is not None and server.min_budget > component.budget:
                problems.add(component.path + ("uses", local),
                             f"{server.name} asks its callers for {time_text(server.min_budget)}, "
                             f"{component.name} has {time_text(component.budget)}",
                             "give the client more budget, or lower the server's min_budget")


# ---- what there is once ------------------------------------------------------------------------
def devices(system: System, problems: Problems) -> None:
    ranges, lines = [], {}
    for component in system.components.values():
        for local, ports in component.ports.items():
            owner = f"{component.name}.ports.{local}"
            for other, taken in ranges:
                if ports.first < taken.first + taken.count and taken.first < ports.first + ports.count:
                    problems.add(component.path + ("ports", local), f"{other} has these ports already",
                                 f"other ports than {taken.first:#x}+{taken.count}")
            ranges.append((owner, ports))
        for local, irq in component.irq.items():
            if irq.line in lines:
                problems.add(component.path + ("irq", local), f"{lines[irq.line]} has line {irq.line} already",
                             "one handler for each line")
            lines.setdefault(irq.line, f"{component.name}.irq.{local}")


def numbers(system: System, problems: Problems) -> None:
    if len(system.components) > COMPONENTS_MOST:
        extra = list(system.components.values())[COMPONENTS_MOST]
        problems.add(extra.path, f"this is component {COMPONENTS_MOST + 1} of {len(system.components)}",
                     f"a system has at most {COMPONENTS_MOST}")
    for component in system.components.values():
        grants = plan.grant_kinds(system, component)
        if len(grants) > GRANTS_MOST:
            problems.add(component.path, f"it gets {len(grants)} grants",
                         f"at most {GRANTS_MOST} (services, signals, timers, interrupts, ports, regions, memory, time, "
                         "modules)")
        if len(component.regions) > layout.REGIONS_MOST:
            problems.add(component.path + ("regions",), f"it has {len(component.regions)} regions",
                         f"at most {layout.REGIONS_MOST}")
        devices = sum(map(len, (component.irq, component.ports, component.sched, component.modules)))
        if devices > layout.DEVICES_MOST:
            problems.add(component.path, f"it has {devices} interrupts, ranges of ports, shares of time and modules",
                         f"at most {layout.DEVICES_MOST}")
        pools = sum(layout.PAIRS_MOST if one.rest else 1 for one in component.untyped.values())
        if pools > layout.POOLS_MOST:
            problems.add(component.path + ("untyped",), f"it has {pools} pieces of memory",
                         f"at most {layout.POOLS_MOST}, of which the rest is {layout.PAIRS_MOST}")
        need = plan.slots_needed(component, grants)
        if need > component.slots:
            problems.add(component.path + ("slots",),
                         f"{component.slots} slots are too few: its grants and replies take {need}",
                         f"at least {1 << (need - 1).bit_length()}")


def rests(system: System, problems: Problems) -> None:
    taken = None
    for component in system.components.values():
        for local, untyped in component.untyped.items():
            if untyped.rest and taken:
                problems.add(component.path + ("untyped", local), f"{taken} has the rest already",
                             "a size stands here: only one can have what is left")
            taken = taken or (f"{component.name}.untyped.{local}" if untyped.rest else None)


# ---- time --------------------------------------------------------------------------------------
def sched(system: System, problems: Problems) -> None:
    """The kernel holds all that was admitted on a CPU against each limit: two would take each other's time."""
    taken = {}
    for component in system.components.values():
        for local, share in component.sched.items():
            cpu = plan.time_cpu(component, share)
            if cpu in taken:
                problems.add(component.path + ("sched", local), f"{taken[cpu]} has a share of CPU {cpu} already",
                             "one share of each CPU")
            taken.setdefault(cpu, f"{component.name}.sched.{local}")


def own_shares(component: Component) -> list:
    """What a component gives to its threads: (CPU, key, name, per cent)."""
    return [(plan.time_cpu(component, share), "sched", f"{component.name}.sched.{local}", share.percent)
            for local, share in component.sched.items()] + [
        (plan.time_cpu(component, context), "contexts", f"{component.name}.contexts.{local}",
         context.budget / context.period * 100) for local, context in component.contexts.items()
        if context.budget <= context.period]


def cpus_of(component: Component) -> set:
    return {component.cpu, *(cpu for cpu, *_ in own_shares(component))}


def backgrounds(system: System, problems: Problems) -> None:
    """What runs in the background takes what is left, so that it must not be in anybody's way."""
    for component in system.components.values():
        for other in system.components.values():
            if component.background and component is not other and cpus_of(component) & cpus_of(other) and \
                    None not in (component.priority, other.priority) and component.priority >= other.priority:
                problems.add(component.path + ("background",),
                             f"its priority, {component.priority}, is no less than that of {other.name}, {other.priority}, "
                             "whose time it would take",
                             "what runs in the background is less important than all others of its CPUs")


def budget_fits(problems: Problems, path: tuple, time: Component | Context) -> None:
    if time.budget > time.period:
        problems.add(path + ("budget",), f"{time_text(time.budget)} is more than the period of {time_text(time.period)}",
                     "a budget is at most the period")


def budgets(system: System, problems: Problems) -> None:
    shares = {}
    for component in system.components.values():
        for cpu, key, name, share in own_shares(component) if not component.background else []:
            shares.setdefault(cpu, []).append((component.path + (key,), name, share))
        for local, context in component.contexts.items():
            budget_fits(problems, component.path + ("contexts", local), context)
        if component.budget is None or component.period is None:
            continue
        budget_fits(problems, component.path, component)
        if component.deadlines and component.budget < WATCHED_BUDGET:
            problems.add(component.path + ("budget",),
                         f"{time_text(component.budget)} is too little to share with the thread that keeps deadlines",
                         f"at least {time_text(WATCHED_BUDGET)} where deadlines = true")
        if not component.background:
            shares.setdefault(component.cpu, []).append((component.path + ("budget",), component.name,
                                                         component.budget / component.period * 100))
    for cpu, given in shares.items():
        whole = sum(share for _, _, share in given)
        if whole > CPU_MOST:
            parts = ", ".join(f"{name} {share:.1f} %" for _, name, share in given)
            problems.add(given[-1][0], f"CPU {cpu} is given away to {whole:.1f} %: {parts}",
                         f"at most {CPU_MOST} %; the rest is the supervisor's")


def restarts(system: System, problems: Problems) -> None:
    for component in system.components.values():
        restart = component.restart
        if restart["backoff"] > restart["backoff_max"]:
            problems.add(component.path + ("restart", "backoff"),
                         f"{time_text(restart['backoff'])} is more than backoff_max, "
                         f"{time_text(restart['backoff_max'])}",
                         "backoff is where the waiting begins, backoff_max where it ends")


# ---- memory ------------------------------------------------------------------------------------
def slot_counts(system: System, problems: Problems) -> None:
    for component in system.components.values():
        if component.slots & (component.slots - 1):
            problems.add(component.path + ("slots",), f"{component.slots} is no power of two",
                         f"the next one is {1 << component.slots.bit_length()}")


def addresses(component: Component, tables: int, problems: Problems) -> None:
    if tables > layout.TABLES_MOST:
        problems.add(component.path, f"what it has mapped takes up to {tables} page tables",
                     f"at most {layout.TABLES_MOST}: less heap, stack or regions")


def homes(system: System, programs: dict, problems: Problems) -> None:
    for component in system.components.values():
        program = programs.get(component.program)
        if program is None:
            continue
        addresses(component, sum(layout.tables(component, program, system)), problems)
        parts = layout.parts(component, program, system)
        need = layout.end(parts)
        if component.memory is not None and need > component.memory:
            problems.add(component.path + ("memory",),
                         f"{size_text(component.memory)} is too little: {layout.text(parts)} take {layout.kib(need)}",
                         f"at least {size_text(layout.power_of_two(need))}")


def wanted(system: System) -> list:
    """What components and regions take of the machine's memory."""
    objects = [(f"{c.name}.untyped.{local}", one.size) for c in system.components.values()
               for local, one in c.untyped.items()]
    return ([layout.Wanted(name, size, False) for name, size in objects]
            + [layout.Wanted(f"component {c.name}", c.memory, True) for c in system.components.values() if c.memory]
            + [layout.Wanted(f"region {r.name}", layout.power_of_two(r.size), False)
               for r in system.regions.values() if r.size])


def memory(system: System, programs: dict, problems: Problems) -> None:
    if system.memory is None:
        return
    takers = wanted(system)
    files = sum(program.bytes for program in programs.values() if program)
    shared = sum(layout.power_of_two(region.size or 0) for region in system.regions.values())
    home = sum(taker.size for taker in takers) - shared
    place, right = ("system", "memory"), f"at least {size_text(layout.enough(system.memory, files, takers))}"
    if home + shared + files + layout.SUPERVISOR_BYTES > system.memory:
        problems.add(place, f"{size_text(system.memory)} is too little for components ({size_text(home)}), "
                     f"regions ({size_text(shared)}), programs ({layout.kib(files)}) "
                     f"and the supervisor ({size_text(layout.SUPERVISOR_BYTES)})", right)
        return
    lost = layout.unplaced(system.memory, files, takers)
    if lost:
        problems.add(place, f"{size_text(system.memory)} is too little: {lost.what} finds no {size_text(lost.size)} in "
                     "one piece, which begins at a multiple of its size", right)


CHECKS = (own_names, services, signals, regions, protocols, twice, cycles, priorities, servers, entry, devices,
          numbers, rests, sched, backgrounds, budgets, restarts, slot_counts, graph.check_assertions)


def system(described: System, programs: dict, problems: Problems) -> None:
    """programs: name -> Program, or None where there is none."""
    for check in CHECKS:
        check(described, problems)
    homes(described, programs, problems)
    memory(described, programs, problems)
