// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Waiting.  A system call that cannot be finished registers its task with what it waits for and
// returns RESULT_WAIT; it is called again, with the same arguments, when one of these things was
// woken, its deadline has passed or a signal has come.  So each attempt looks at the state anew,
// and nothing is ever lost between a look and a wait: the server handles one event at a time.
#pragma once

#include "list.h"

#include <stdbool.h>
#include <stdint.h>

struct task;

// Where something that can be waited for keeps those who wait.
struct waitlist {
    struct list waiters;
};

// One who waits.  `wake` is called when the list is woken; it may remove the waiter, and others.
struct waiter {
    struct list link;
    void (*wake)(struct waiter *waiter);
};

static inline void waitlist_init(struct waitlist *list)
{
    list_init(&list->waiters);
}

// All who wait: a task is tried again, others get their call.
void waitlist_wake(struct waitlist *list);
// The list is going: all who wait are woken and are in it no more.
static inline void waitlist_end(struct waitlist *list)
{
    waitlist_wake(list);
    while (!list_empty(&list->waiters)) {
        list_remove(list->waiters.next);
    }
}
// The first task that waits, for what only one can have.
void waitlist_wake_one(struct waitlist *list);

// Let the task of the running call wait; it may wait in several lists.  Returns RESULT_WAIT, or
// -ENOMEM.
int64_t wait_on(struct task *task, struct waitlist *list);
// Let it wait for a signal or its deadline only.
int64_t wait_only(struct task *task);
// The deadline of the running call: nanoseconds of the monotonic clock.  What the first attempt
// sets stays for the later ones.
void wait_until(struct task *task, uint64_t deadline);
// Whether that has passed.
bool wait_over(const struct task *task);
// For the loop and the end of tasks: leave all lists, and give the entries back.
void wait_end(struct task *task);
void wait_free(struct task *task);
