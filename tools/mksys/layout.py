# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What a component is made of, in bytes of its memory: objects in the order and alignment in which
servers/supervisor/incarnation.c makes them."""
from typing import NamedTuple, Optional

from .description import PAGE, Component, System
from .program import PF_W, Program
from .values import size_text

# RAM that is nobody's: below lie loader, kernel and supervisor, at the top what firmware keeps and the
# supervisor's first objects.
LOW_BYTES, HIGH_BYTES = 4 << 20, 4 << 20
SUPERVISOR_BYTES = LOW_BYTES + HIGH_BYTES
# Of servers/supervisor: HOME_TABLES, HOME_REGIONS, HOME_DEVICES, HOME_POOLS.
TABLES_MOST, REGIONS_MOST, DEVICES_MOST, POOLS_MOST = 8, 8, 8, 8
PAIRS_MOST = 4  # COMPONENT_UNTYPED_PAIRS
SLOT, REPLY, NOTIFICATION, TIMER, CONTEXT, THREAD, TABLE, SPACE = 64, 64, 64, 128, 512, 4096, 4096, 8192
ENTRIES = 512  # of a page table
LEVELS = 3     # of page tables below the one that is part of the address space
WATCH_PAGES = 1  # LAYOUT_WATCH_PAGES


class Part(NamedTuple):
    """Objects of one kind, made at once."""
    what: str
    size: int
    count: int


def power_of_two(number: int) -> int:
    """The least power of two that is not below."""
    return 1 << (number - 1).bit_length() if number > 0 else 0


def pages_between(start: int, end: int) -> int:
    return -(-end // PAGE) - start // PAGE


def data_pages(program: Program) -> int:
    """Pages of the segment that can be written."""
    return sum(pages_between(s.address, s.address + s.size) for s in program.segments if s.flags & PF_W)


def memory_pages(component: Component, program: Program) -> int:
    """Of the one frame: information, buffers, data, stack, stack of the second thread, heap."""
    return (2 + data_pages(program) + component.stack // PAGE + WATCH_PAGES * component.deadlines
            + component.heap // PAGE)


def span_pages(component: Component, program: Program) -> int:
    """Of the addresses that its own parts lie in (image.c:layout_of): a page that is not mapped before and behind
    each, the information and the two pages of buffers."""
    image = -(-max(s.address + s.size for s in program.segments) // PAGE)
    return (1 + component.stack // PAGE + 1 + WATCH_PAGES * component.deadlines + 1 + 3 + image + 1
            + component.heap // PAGE + 1)


def region_pages(component: Component, system: System) -> int:
    """Of the addresses behind, that its regions lie in."""
    regions = [system.regions[use.region] for use in component.regions.values() if use.region in system.regions]
    return sum((region.size or 0) // PAGE + 1 for region in regions)


def tables(component: Component, program: Program, system: System) -> tuple[int, int]:
    """Page tables that its own parts take at least, and those that come with its regions at most; together they
    are as few as can be, since the supervisor chooses the place so (image.c:layout_place)."""
    own = tables_of(span_pages(component, program))
    return own, tables_of(span_pages(component, program) + region_pages(component, system)) - own


def tables_of(pages: int) -> int:
    return sum(-(-pages // ENTRIES ** level) for level in range(1, LEVELS + 1))


def parts(component: Component, program: Program, system: System) -> list:
    own, more = tables(component, program, system)
    threads = [Part("thread", THREAD, 1), Part("context", CONTEXT, 1)]
    watch = [Part("notification", NOTIFICATION, 1), Part("timer", TIMER, 1)]
    return [Part("data, stack and heap", power_of_two(memory_pages(component, program) * PAGE), 1),
            Part("address space", SPACE, 1),
            Part("slots", power_of_two(component.slots * SLOT), 1),
            Part("replies", REPLY, component.replies),
            Part("page tables", TABLE, own),
            *threads, *threads * component.deadlines,
            Part("contexts", CONTEXT, len(component.contexts)),
            Part("more page tables", TABLE, more),
            Part("timers", TIMER, len(component.timers)),
            *watch * component.deadlines]


def end(all_parts: list) -> int:
    """Where the last of them ends when each begins at a multiple of its size."""
    place = 0
    for part in all_parts:
        if part.count:
            place = -(-place // part.size) * part.size + part.size * part.count
    return place


def kib(number: int) -> str:
    return f"{-(-number // 1024)}K"


def text(all_parts: list) -> str:
    """The large ones by name."""
    large = [part for part in all_parts if part.size * part.count >= PAGE]
    return ", ".join(f"{part.what} ({size_text(part.size * part.count)})" for part in large) + " and the rest"


# ---- the machine's memory ----------------------------------------------------------------------
class Wanted(NamedTuple):
    """Memory that the supervisor takes at boot."""
    what: str
    size: int         # a power of two, and aligned so
    is_untyped: bool  # which is smaller than the one that it is made of


def untypeds(memory: int, files: int) -> list:
    """Sizes of the Untypeds that the kernel hands over: the free RAM, cut into aligned powers of two."""
    found, base, end = [], LOW_BYTES, memory - HIGH_BYTES - files
    while end - base >= PAGE:
        size = min(base & -base, 1 << ((end - base).bit_length() - 1))
        found.append(size)
        base += size
    return sorted(found)


def place(free: list, size: int) -> bool:
    """Take a block out of the free ones of an Untyped, the smallest that has room; what is left of it
    stays free."""
    fitting = [block for block in free if block >= size]
    if not fitting:
        return False
    block = min(fitting)
    free.remove(block)
    while block > size:
        block //= 2
        free.append(block)
    return True


def unplaced(memory: int, files: int, wanted: list) -> Optional[Wanted]:
    """What finds no place in a machine with so much memory, or None."""
    free = [(size, [size]) for size in untypeds(memory, files)]
    for one in sorted(wanted, key=lambda w: -w.size):
        if not any(place(blocks, one.size) for size, blocks in free if size > one.size or not one.is_untyped):
            return one
    return None


def enough(memory: int, files: int, wanted: list) -> int:
    """The least power of two that is enough memory."""
    memory = power_of_two(memory)
    while unplaced(memory, files, wanted):
        memory *= 2
    return memory
