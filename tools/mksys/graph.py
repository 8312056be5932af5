# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""Who can reach whom in a system, and what its assertions say about it."""
from typing import Iterator, NamedTuple, Optional

from .description import System
from .problems import Problems
from .values import nearest


class Edge(NamedTuple):
    """The source can make the target do something, or see something, by its own authority."""
    source: str
    target: str
    how: str


def call_edges(system: System) -> Iterator[Edge]:
    for component in system.components.values():
        for use in component.uses.values():
            if use.server in system.components:
                yield Edge(component.name, use.server, f"calls {use.server}.{use.service}")


def signal_edges(system: System) -> Iterator[Edge]:
    for component in system.components.values():
        for local, target in component.signals.items():
            if target in system.components:
                yield Edge(component.name, target, f"signals {local}")


def region_edges(system: System) -> Iterator[Edge]:
    """From each writer of a region to all others that see it."""
    holders = [(c.name, use) for c in system.components.values() for use in c.regions.values()]
    for writer, use in holders:
        if use.write:
            readers = {name for name, other in holders if other.region == use.region and name != writer}
            yield from (Edge(writer, reader, f"writes {use.region}") for reader in sorted(readers))


def edges(system: System) -> list:
    found = [*call_edges(system), *signal_edges(system), *region_edges(system)]
    return list(dict.fromkeys(found))


def outgoing(system: System) -> dict:
    """Component -> its edges."""
    found = {name: [] for name in system.components}
    for edge in edges(system):
        found[edge.source].append(edge)
    return found


def way(out: dict, source: str, target: str) -> Optional[list]:
    """The edges of a shortest way, or None where the target cannot be reached."""
    came, queue = {source: None}, [source]
    for here in queue:
        for edge in out[here]:
            if edge.target not in came:
                came[edge.target] = edge
                queue.append(edge.target)
    if target not in came or source == target:
        return None
    found = []
    while target != source:
        found.append(came[target])
        target = came[target].source
    return found[::-1]


def way_text(edges_of_way: list) -> str:
    return edges_of_way[0].source + "".join(f" -({edge.how})-> {edge.target}" for edge in edges_of_way)


def check_assertions(system: System, problems: Problems) -> None:
    out = outgoing(system)
    for number, assertion in enumerate(system.never):
        if assertion is None:
            continue
        place = ("system", "never", number)
        unknown = [name for name in assertion if name not in system.components]
        for name in unknown:
            problems.add(place, f"there is no component '{name}'", nearest(name, system.components))
        if assertion.source == assertion.target:
            problems.add(place, "a component always reaches itself", "two components stand here")
        found = None if unknown else way(out, *assertion)
        if found:
            problems.add(place, f"{assertion.source} reaches {assertion.target}: {way_text(found)}",
                         "take a part of this way out of the description, or the assertion")


def reached(out: dict, source: str) -> list:
    """All components that one reaches, in the order of the description."""
    return [name for name in out if way(out, source, name)]


def servers_below(system: System, name: str) -> list:
    """The servers that a component calls, and those that they call, each once."""
    found = [name]
    for here in found:
        for use in system.components[here].uses.values():
            if use.server in system.components and use.server not in found:
                found.append(use.server)
    return found[1:]
