// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A core for the file layer on the development host: pages at their usual place, the memory of the
// one process is that of the test, and what is waited for or told is recorded.
#pragma once

#include "../task.h"

// A task with all capabilities in a new tree of files: "/" with /dev, /tmp and /proc.
struct task *fake_begin(void);
// Give everything up.
void fake_end(void);

extern struct waitlist *fake_waited;  // by the last call that waits
extern uint32_t fake_signal;          // sent last
extern uint64_t fake_clock;           // nanoseconds, monotonic
extern uint64_t fake_truncated;       // page of the last area_truncate
extern unsigned fake_replaced;        // calls of area_replace
extern uint64_t fake_heap;            // allocations that are not given up
extern uint64_t fake_heap_left;       // allocations until there is no memory
// An address in the process.
static inline user_t at(const void *here)
{
    return (user_t)(uintptr_t)here;
}
// The call ends: what it kept is given up.
int64_t fake_done(struct task *task, int64_t result);
// A bank that cannot be written to, of this size, and the first page of it.
char *fake_image(uint64_t bytes);
