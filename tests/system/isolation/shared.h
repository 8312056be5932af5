// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the root task and the component under test (program/) agree on: where things are in the
// component's address space, which capabilities it has, what it is to do.
#pragma once

#include "trace.h"

#include <stdbool.h>

// Slots of the component's table, besides RT_PROGRAM_CSPACE.
enum component_slot {
    SLOT_ASPACE = 2,
    SLOT_MEMORY,    // an Untyped of its own, 2^MEMORY_BITS bytes
    SLOT_SERVER,    // endpoint of somebody else's server
    SLOT_ENDPOINT,  // its own; faults of its threads arrive there
    SLOT_WAKE,      // notification that is signalled when the clock reaches area->wake_at
    SLOT_CONTROL,   // time, limited to the component's share
    SLOT_IRQ,
    SLOT_PORTS,
    SLOT_READY,  // notification: signalled when it is set up, and when a trace is taken
    SLOT_AREA,   // the frame of the area, attached to its space
    SLOT_FREE = 16,
    SLOT_THREADS = 32,    // its own threads, with all rights
    SLOT_CONTEXTS = 132,  // and their contexts
    SLOT_END = 232,
    SLOT_SWARM = 256,  // in a larger table
};
#define COMPONENT_THREADS 24u
#define MEMORY_BITS       24u
#define MEMORY_BITS_SWARM 26u
#define SWARM             10000u
#define SWARM_TABLE_BITS  21u

// The area: shared with the root task.  Page 1 + i is that of thread i: message buffer, guest
// frame, stack.
#define AREA_VADDR 0x0000600000000000ull
#define AREA_BITS  22u
#define AREA_FRAME 2048u  // guest frame in a thread's page
#define AREA_TRACE 0x100000u
#define AREA_GAPS  ((uint32_t)(((1u << AREA_BITS) - AREA_TRACE - 64) / sizeof(struct gap)))
#define HOLE_VADDR 0x0000610000000000ull  // nothing is mapped there to begin with

// What a component can do, a function of program/ each.
enum behaviour {
#define BEHAVIOUR(name) BEHAVE_##name,
#include "behaviours.def"
#undef BEHAVIOUR
    BEHAVIOURS
};

struct area {
    uint32_t behaviour;
    uint32_t threads;
    uint64_t budget, period;    // of the whole component
    uint64_t work;              // behaviour's own
    volatile uint64_t wake_at;  // clock; 0: never
    volatile uint64_t rounds;   // done so far
    volatile uint64_t status;   // of something that must succeed, first failure
    volatile bool ready;        // prepared, from now on it is measured
};
