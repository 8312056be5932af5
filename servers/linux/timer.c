// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986): setting takes a few instructions,
// which counts since most deadlines are cleared before they pass; removing is logarithmic,
// amortised.
#include "timer.h"

struct timer *timers_first;
// What is set while due timers run comes in the next round, so that a round ends.
static uint64_t earliest;

// Two heaps to one; neither is NULL.
static struct timer *heap_meld(struct timer *a, struct timer *b)
{
    struct timer *first = a->deadline <= b->deadline ? a : b, *second = first == a ? b : a;

    second->next = first->child;
    if (first->child) {
        first->child->back = second;
    }
    second->back = first;
    first->child = second;
    first->next = first->back = NULL;
    return first;
}

// One heap of those in a row: in pairs first, then from the last pair to the first, which is what
// keeps the heap flat.
static struct timer *heap_join(struct timer *row)
{
    struct timer *pairs = NULL, *all = NULL;

    while (row) {
        struct timer *a = row, *b = row->next, *rest = b ? b->next : NULL;
        struct timer *pair = b ? heap_meld(a, b) : a;
        pair->next = pairs;
        pairs = pair;
        row = rest;
    }
    while (pairs) {
        struct timer *rest = pairs->next;
        pairs->next = pairs->back = NULL;
        all = all ? heap_meld(all, pairs) : pairs;
        pairs = rest;
    }
    return all;
}

static void heap_add(struct timer *timer)
{
    timer->child = timer->next = timer->back = NULL;
    timers_first = timers_first ? heap_meld(timers_first, timer) : timer;
}

static void heap_remove(struct timer *timer)
{
    struct timer *below = heap_join(timer->child);

    if (timer == timers_first) {
        timers_first = below;
        return;
    }
    if (timer->back->child == timer) {
        timer->back->child = timer->next;
    } else {
        timer->back->next = timer->next;
    }
    if (timer->next) {
        timer->next->back = timer->back;
    }
    if (below) {
        timers_first = heap_meld(timers_first, below);
    }
}

void timer_clear(struct timer *timer)
{
    if (!timer_is_set(timer)) {
        return;
    }
    heap_remove(timer);
    timer->child = timer->next = timer->back = NULL;
    timer->run = NULL;
}

void timer_set(struct timer *timer, uint64_t deadline, void (*run)(struct timer *timer))
{
    timer_clear(timer);
    if (deadline == TIMER_NEVER) {
        return;
    }
    timer->deadline = deadline < earliest ? earliest : deadline;
    timer->run = run;
    heap_add(timer);
}

void timers_run(uint64_t now)
{
    earliest = now + 1;
    while (timers_first && timers_first->deadline <= now) {
        struct timer *timer = timers_first;
        void (*run)(struct timer *) = timer->run;
        timer_clear(timer);
        run(timer);
    }
    earliest = 0;
}
