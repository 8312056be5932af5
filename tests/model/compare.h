// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The state of the core in the terms of the model.
#pragma once

#include "model.h"

#include <kernel/sched_context.h>
#include <kernel/thread.h>

// The core's side of what the first thread starts with.
struct world {  // NOLINT(clang-analyzer-optin.performance.Padding): the core checks alignments
    uint8_t *arena;
    _Alignas(1 << THREAD_BITS) uint8_t thread_page[1 << THREAD_BITS];
    _Alignas(64) struct cap table[FIRST_SLOTS];
    struct cap original;
    _Alignas(64) struct sched_context context;
};
extern struct world world;

// The first thread.
static inline struct thread *world_thread(void)
{
    return (struct thread *)(void *)world.thread_page;
}

// Fails (world_fail) where core and model differ: in who runs, and when the timer goes off for
// that; in anything.
void compare_who(void);
void compare(void);
