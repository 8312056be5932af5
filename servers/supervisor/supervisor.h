// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the supervisor knows of each component.
//
// Memory: at boot each component gets its *home*, one Untyped of which every object of an
// incarnation is made, and for good what outlives incarnations: its notification, its endpoint, the
// regions. Revoking the home ends an incarnation and gives back all of it at once.  The
// supervisor's own capabilities of an incarnation stand in a block of slots that is the component's
// for good.  Memory of which a component makes objects itself is Untypeds beside its home, its
// *pools*, revoked with it.  After boot nothing is allocated.
#pragma once

#include "image.h"
#include "life.h"
#include "system.h"

#include <proto/system.h>
#include <rt/clock.h>
#include <rt/map.h>

#define SUPERVISOR_VERSION 1u

#define SUPERVISOR_TIMER 1ull  // bit of the supervisor's notification

// Badges on the supervisor's endpoint: of a fault, FAULT_BADGE | component; of a request, as the
// description says.
#define FAULT_BADGE (1ull << 48)
#define FAULT_WATCH (1ull << 16)  // of its second thread

#define HOME_TABLES  8u  // page tables of one incarnation, at most
#define HOME_REGIONS 8u  // regions that a component may have
#define HOME_DEVICES 8u  // interrupts, ranges of ports, shares of time and modules
#define HOME_POOLS   8u  // Untypeds that what it makes itself is made of

// The block of slots of a component.
enum home_slot {
    HOME_MEMORY,        // frame of all that the component can write, original
    HOME_MEMORY_HERE,   // attached to the supervisor's space
    HOME_MEMORY_THERE,  // attached to the component's
    HOME_IMAGE_THERE,   // frame of its ELF file, attached to the component's space
    HOME_CSPACE,
    HOME_ASPACE,
    HOME_THREAD,
    HOME_CONTEXT,
    HOME_WATCH_THREAD,
    HOME_WATCH_CONTEXT,
    HOME_SCRATCH,  // two on their way into the component's table
    HOME_MADE,
    HOME_NOTIFICATION,  // what the component's own notification and its sign of life are derived
    HOME_ALIVE,         // from, so that with the incarnation all copies go
    HOME_TABLE,         // page tables
    HOME_REGION = HOME_TABLE + HOME_TABLES,    // of regions, attached to the component's space
    HOME_DEVICE = HOME_REGION + HOME_REGIONS,  // what it has copies of: interrupts, ports, time
    HOME_SLOTS = HOME_DEVICE + HOME_DEVICES,
};

struct component {
    const struct system_component *is;
    struct life life;
    struct image image;
    struct layout layout;
    // For good.
    cap_t home;               // Untyped
    cap_t first_slot;         // of its block, HOME_SLOTS of them
    cap_t notification;       // original
    cap_t ping;               // the same, with COMPONENT_PING
    uint64_t window;          // where its memory is mapped in the supervisor's space
    cap_t pools[HOME_POOLS];  // in the order of its grants
    // Of the incarnation.
    uint64_t used;         // bytes of the home
    uint64_t base;         // of its arena, in its own address space
    uint64_t since;        // clock when it was started
    uint64_t time_before;  // ticks used by earlier incarnations
    unsigned tables;       // page tables in use
    unsigned regions;      // slots of regions in use, a bit each
    unsigned devices;      // slots of devices in use
    unsigned pool_count;   // for good
    uint64_t steps;        // instructions until it is to die; 0: none asked for
};

// All that a successor would need; the only state of the supervisor.
struct supervisor {
    uint32_t version, size;
    const struct root_info *root;
    uint64_t hz;
    uint64_t random;
    cap_t endpoint;  // faults and requests
    cap_t reply;
    cap_t notification;  // bound to the supervisor's thread
    cap_t alive;         // bound to nobody: who says that it lives costs nobody anything
    cap_t timer;
    cap_t endpoints[SYSTEM_COMPONENTS + 1];  // as the description counts them
    struct rt_mapping regions[SYSTEM_COMPONENTS];
    uint64_t changes;                                    // incarnations made and ended
    struct component components[SYSTEM_COMPONENTS + 1];  // after the last one, none
};
extern struct supervisor supervisor;

static inline cap_t home_slot(const struct component *component, unsigned slot)
{
    return component->first_slot + slot;
}

static inline uint64_t ticks(uint64_t nanoseconds)
{
    return rt_ticks(nanoseconds, supervisor.hz);
}
