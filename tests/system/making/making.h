// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What components that make objects tell who oversees them, in a region that both have; and what
// several of them use.
#pragma once

#include <rt/component.h>

#define HAND_ON_GIVEN 1u  // what it was given
#define HAND_ON_MADE  2u  // capabilities of what it made

struct report {
    volatile uint64_t finished;  // the last incarnation that went through all checks
    volatile uint32_t failed;    // checks that failed, in all incarnations
    volatile uint32_t line;      // of the last one
    volatile uint32_t hand_on;   // overseer: give away HAND_ON_*
    volatile uint64_t traps;     // of the guest of this incarnation
    volatile uint64_t spins;     // of a thread of its own making, in all incarnations
    volatile uint64_t bytes;     // of the rest
    volatile uint32_t bell;  // overseer: the fence gives its notification, the maker binds a thread
    volatile uint32_t looks;       // fence: how often it looked
    volatile uint32_t held, used;  // fence: slots that hold what it was sent; could make a frame
};

// A failure of the component's checks; they go on.
void report_fact(struct report *report, bool fact, uint32_t line);
#define CHECK(fact) report_fact(report, fact, __LINE__)

// ---- memory.c ----------------------------------------------------------------------------------
// An Untyped, and how much of it is used.
struct pool {
    cap_t untyped;
    uint64_t used;
};

// Make objects behind those that were made.
struct rt_status pool_make(struct pool *pool, enum rt_kind kind, unsigned bits, cap_t slot,
                           uint64_t count);

uint64_t untyped_bytes(cap_t untyped);

// Whether nothing lives in an Untyped: both of its halves can be made; needs two empty slots.
bool untyped_whole(cap_t untyped, cap_t slots);

// Map pages of an attached frame, with page tables of the pool in slots from *tables on.
struct place {
    cap_t space, attached;
    uint64_t vaddr, pages;
    unsigned prot;
};
struct rt_status place_map(const struct place *place, struct pool *pool, cap_t *tables);

// ---- guest.c -----------------------------------------------------------------------------------
// Slots of the component, from its first free one on.
enum slot {
    SLOT_SCRATCH,
    SLOT_SCRATCH_2,
    SLOT_FRAME,
    SLOT_FRAME_HERE,
    SLOT_MODULE_HERE,
    SLOT_CODE,
    SLOT_CODE_HERE,
    SLOT_CODE_THERE,
    SLOT_ENDPOINT,
    SLOT_FAULT,
    SLOT_SPACE,
    SLOT_GUEST,
    SLOT_GUEST_CONTEXT,
    SLOT_SPINNER,
    SLOT_SPINNER_CONTEXT,
    SLOT_BELL,
    SLOT_TABLES,
};
cap_t slot_of(enum slot slot);

// All that the checks are about.
struct maker {
    struct report *report;
    struct pool objects, code;  // the second halves
    cap_t tables;               // next slot for one
    cap_t own_space;
    cap_t share, far_share;  // the latter of another CPU, where there is one
};

// Give a context a part of a CPU, in millionths, of a share.
struct rt_status context_configure(cap_t share, cap_t context, uint64_t millionths);

// Make a guest in a space of its own, and a thread that counts in the report.
void guest_make(struct maker *maker);
// Serve its traps for ever.
__attribute__((noreturn)) void guest_serve(const struct maker *maker);
