// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Deadlines: what is to be done at a time of the monotonic clock (nanoseconds).  A timer lies in
// what it belongs to, so that setting one needs no memory and cannot fail.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX

// All zero: not set.
struct timer {
    struct timer *child, *next;  // in the heap: the first below, the next one at this level
    struct timer *back;          // the one before at this level, or the one above; NULL: the top
    uint64_t deadline;
    void (*run)(struct timer *timer);  // NULL: not set
};

// Have `run` called at the deadline, or as soon after it as the server can; a timer that is set
// already is moved.  It is no longer set when it runs, and may be set again there.  TIMER_NEVER: it
// is cleared.
void timer_set(struct timer *timer, uint64_t deadline, void (*run)(struct timer *timer));
// Not set is fine.
void timer_clear(struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->run != NULL;
}

// Run all that are due; those that are set again by what they run, for a time that has passed, wait
// for the next call, so that it always ends.
void timers_run(uint64_t now);
// The first deadline; TIMER_NEVER: none.
extern struct timer *timers_first;  // timer.c's to change
static inline uint64_t timers_next(void)
{
    return timers_first ? timers_first->deadline : TIMER_NEVER;
}
