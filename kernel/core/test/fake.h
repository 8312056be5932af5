// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the capability code needs around it, for unit tests on the development host: an arena that
// is both RAM and direct map, a thread with a capability table, preemption that the test controls,
// and objects that only count.
#pragma once

#include <kernel/captable.h>
#include <kernel/preempt.h>
#include <kernel/thread.h>

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARENA_BITS  18
#define ARENA_BYTES (1ull << ARENA_BITS)
#define ROOT_SLOTS  256u

// Slots of the root table that fake_setup fills.
enum root_slot {
    ROOT_TABLE = 1,
    ROOT_RAM,     // the Untyped of the whole arena
    ROOT_DEVICE,  // an Untyped of device memory, ARENA_BITS
    ROOT_IRQ,     // interrupt control
    ROOT_SCHED,   // scheduling control
    ROOT_PORTS,   // I/O ports 0x100 to 0x1ff
    ROOT_FREE     // first empty slot
};

#define FAKE_THREAD_SLOTS 2

// A Thread object of the fake: slots that hold derived capabilities.
struct fake_thread {
    struct cap slots[FAKE_THREAD_SLOTS];
};

struct fake {
    uint8_t *arena;
    struct thread *thread;  // the caller of every operation
    // Preemption: one in `preempt_every` calls answers true (0: never); `preempt_points` counts
    // calls, `preempted` the true ones.
    unsigned preempt_every;
    unsigned preempt_points, preempted;
    unsigned check_every;  // fake_invoke checks at one in so many preemptions (0: at each)
    // Objects
    unsigned destroy_steps;  // that each destruction takes, and each detach
    unsigned inits, destroyed, detached, cleared, moved;
    uint64_t random;
};
extern struct fake fake;

// A fresh arena and root table.
void fake_setup(void);

uint64_t fake_random(uint64_t below);

static inline struct cap *root_slot(uint64_t slot)
{
    return fake.thread->cspace + slot;
}

// Call an operation with these words until it is not preempted; `self` is a slot that is looked up
// anew for each restart.  After a restart with nothing in it, what is left is drained.  Returns the
// result.
enum err fake_invoke(enum err (*op)(struct invocation *), struct cap *self, struct invocation *inv);

// The same with words in a row.
#define INVOKE(op, self, ...) \
 fake_invoke(op, self, &(struct invocation){ .words = { __VA_ARGS__ } })

// retype in the Untyped in root slot `untyped`: objects go to the root table.
enum err fake_retype(uint64_t untyped, enum kind kind, unsigned bits, uint64_t offset,
                     uint64_t slot);

// Assert every invariant, and overwrite all memory of the arena that nothing occupies: who still
// uses it will notice.
void fake_check(void);

// Make the interior of the arena's Untypeds unoccupied: delete everything, and assert that nothing
// is left.
void fake_teardown(void);
