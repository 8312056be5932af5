// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The component under test: a program in an address space of its own, with capabilities to what it
// needs and threads that the root task makes for it.
#pragma once

#include "../time/world.h"
#include "shared.h"

#include <rt/program.h>
#include <rt/start.h>

struct component {
    struct rt_program program;
    struct rt_mapping here;  // the area in the root task's space
    struct area *area;
    cap_t frame, attached;  // of the area
    cap_t table;            // the capability table of its threads
    cap_t memory, wake, endpoint, ready;
    unsigned threads;
    cap_t thread[COMPONENT_THREADS], context[COMPONENT_THREADS];
};

struct component_thread {
    unsigned priority, ceiling;  // ceiling 0: as priority
    uint64_t budget, period;     // budget 0: no context
    bool fallback;               // for a server: the context is the fall-back one
    bool handled;                // its faults go to the component's own endpoint
    uint64_t flags;              // THREAD_*
};

// A check that goes on for so long hangs: the run ends.
void watchdog_start(void);
void watchdog_reset(void);

void component_init(const struct root_info *info);

void component_make(struct component *component, enum behaviour behaviour);
// The same with more memory and a larger table.
void component_make_large(struct component *component, enum behaviour behaviour);
// Add a thread; its number is its argument word.
void component_add(struct component *component, const struct component_thread *config);
// Derive a capability into its table.
void component_give(struct component *component, uint64_t slot, cap_t from);
void component_start(struct component *component);
// Wait until it signals that it is set up, or that it has taken its trace.
void component_wait(const struct component *component);
void component_delete(struct component *component);

// The trace that it takes in its area.
struct trace component_trace(const struct component *component);
