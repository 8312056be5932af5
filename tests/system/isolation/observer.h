// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A thread of lower priority than the component, which uses all time that is left and traces it:
// what it does not get is what the component costs, in user mode and in the kernel.
#pragma once

#include "component.h"

#include <rt/thread.h>

#define OBSERVER_PRIORITY 50u

struct observer {
    struct rt_thread thread;
    struct rt_mapping memory;
    struct trace trace;
    struct area *area;  // of the component that it wakes; NULL: none
    cap_t wake, done;
    uint64_t lead, length;  // ticks before the trace, and of it
    uint64_t give_up;       // clock: the component must be ready by then
};

// Wait until the component is ready and `lead` ticks more, trace `length` ticks.  The caller waits
// meanwhile.
void observer_run(struct observer *observer, const struct component *component, uint64_t lead,
                  uint64_t length);
void observer_delete(struct observer *observer);
