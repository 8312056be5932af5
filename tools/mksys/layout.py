# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The Pith authors
"""What a component is made of, in bytes of its memory: as servers/supervisor/incarnation.c makes it."""
from typing import NamedTuple

from .description import PAGE, Component, System
from .program import PF_W, Program
from .values import size_text

SUPERVISOR_BYTES = 8 << 20  # kernel objects and tables of its own
SLOT, ADDRESS_SPACE, THREAD, CONTEXT, TIMER, REPLY, TABLES = 64, 8192, 4096, 512, 128, 64, 5


class Part(NamedTuple):
    what: str
    bytes: int


def power_of_two(number: int) -> int:
    """The least power of two that is not below."""
    return 1 << (number - 1).bit_length() if number > 0 else 0


def data_pages(program: Program) -> int:
    """Pages of the segments that can be written."""
    return sum(pages_between(s.address, s.address + s.size) for s in program.segments if s.flags & PF_W)


def pages_between(start: int, end: int) -> int:
    return -(-end // PAGE) - start // PAGE


def frame_pages(component: Component, program: Program) -> int:
    """The one frame: information, message buffer, data, stack, heap; stack and buffer of the second
    thread."""
    own = 2 + data_pages(program) + (component.stack + component.heap) // PAGE
    return own + 2 * component.deadlines


def parts(component: Component, program: Program, system: System) -> list:
    threads = 1 + component.deadlines
    small = CONTEXT * threads + REPLY * component.replies + TIMER * (len(component.timers) + component.deadlines)
    return [Part("data, stack and heap", power_of_two(frame_pages(component, program) * PAGE)),
            Part("slots", SLOT * component.slots),
            Part("threads", THREAD * threads),
            Part("address space", ADDRESS_SPACE + TABLES * PAGE),
            Part("contexts, timers and replies", -(-small // PAGE) * PAGE)]


def text(all_parts: list) -> str:
    return ", ".join(f"{part.what} {size_text(part.bytes)}" for part in all_parts)
