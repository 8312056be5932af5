// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who waits for what.  A task's entries lie in its record, and where a call needs more (poll) in an
// array that it keeps.
#include "wait.h"

#include "cpu.h"
#include "heap.h"
#include "task.h"

#include <rt/clock.h>
#include <rt/string.h>

#define FEW 4u

struct task_wait {
    struct waiter waiter;
    struct task *task;
};

static void task_woken(struct waiter *waiter)
{
    task_again(CONTAINER(waiter, struct task_wait, waiter)->task);
}

void wait_end(struct task *task)
{
    for (unsigned i = 0; i < task->wait_count; i++) {
        list_remove(&task->waits[i].waiter.link);
    }
    task->wait_count = 0;
    timer_clear(&task->timer);
}

void wait_free(struct task *task)
{
    wait_end(task);
    heap_free(task->waits);
    task->waits = NULL;
    task->wait_room = 0;
}

// The entries move, so that the lists that they are in have to know.
static bool room_grow(struct task *task)
{
    unsigned room = task->wait_room ? task->wait_room * 4 : FEW;
    struct task_wait *waits = heap_alloc(room * sizeof(*waits));
    if (!waits) {
        return false;
    }
    for (unsigned i = 0; i < task->wait_count; i++) {
        struct list *old = &task->waits[i].waiter.link;
        waits[i] = task->waits[i];
        list_add(old, &waits[i].waiter.link);
        list_remove(old);
    }
    heap_free(task->waits);
    task->waits = waits;
    task->wait_room = room;
    return true;
}

int64_t wait_on(struct task *task, struct waitlist *list)
{
    if (task->wait_count == task->wait_room && !room_grow(task)) {
        return -ENOMEM;
    }
    struct task_wait *wait = &task->waits[task->wait_count++];
    wait->task = task;
    wait->waiter.wake = task_woken;
    list_add(&list->waiters, &wait->waiter.link);
    return RESULT_WAIT;
}

int64_t wait_only(struct task *task)
{
    (void)task;
    return RESULT_WAIT;
}

void wait_until(struct task *task, uint64_t deadline)
{
    if (!task->call.again) {
        task->call.deadline = deadline ? deadline : 1;
    }
}

bool wait_over(const struct task *task)
{
    return task->call.deadline && rt_clock_monotonic() >= task->call.deadline;
}

// Those who are added while the list is woken wait for the next time: only who is in it now.
void waitlist_wake(struct waitlist *list)
{
    struct list woken;
    if (list_empty(&list->waiters)) {
        return;
    }
    list_add(&list->waiters, &woken);
    list_remove(&list->waiters);
    while (!list_empty(&woken)) {
        struct waiter *waiter = CONTAINER(woken.next, struct waiter, link);
        list_remove(&waiter->link);
        list_add(&list->waiters, &waiter->link);
        waiter->wake(waiter);
    }
}

void waitlist_wake_one(struct waitlist *list)
{
    LIST_EACH(waiter, &list->waiters, struct waiter, link) {
        waiter->wake(waiter);
        if (waiter->wake == task_woken) {
            return;
        }
    }
}
