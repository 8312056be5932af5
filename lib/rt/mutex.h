// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mutual exclusion between the threads of a program.  Locks and unlocks that nobody contends are
// one atomic instruction each; a thread enters the kernel to wait, and to wake the one that waited
// longest, to which the mutex is handed over.  So no thread starves, and none spins.
//
// Who may have to wait needs a Notification of its own (struct rt_tcb.wait); waiting without one
// panics.  The two threads that a component can have do without: they yield.  No priority is
// inherited: threads of different priority that share a mutex wait for the less important one, and
// for what runs between them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rt_tcb;

// Zero is unlocked.  Bit 0: locked; the rest: the waiter that came last, or 0.
struct rt_mutex {
    _Atomic(uintptr_t) word;
};

// The same, for a thread that may hold it already.  Zero is unlocked.
struct rt_recursive_mutex {
    struct rt_mutex mutex;
    _Atomic(uintptr_t) owner;  // its control block, or 0
    unsigned depth;            // the owner's
};

void rt_mutex_lock(struct rt_mutex *mutex);
// False: somebody has it.
bool rt_mutex_try(struct rt_mutex *mutex);
// By the thread that locked it.
void rt_mutex_unlock(struct rt_mutex *mutex);

void rt_recursive_mutex_lock(struct rt_recursive_mutex *mutex);
bool rt_recursive_mutex_try(struct rt_recursive_mutex *mutex);
void rt_recursive_mutex_unlock(struct rt_recursive_mutex *mutex);
