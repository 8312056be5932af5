// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Behaviours that work on the component's own threads and contexts, to gain time by it.  Thread 0
// does it, the others spin, unless stated otherwise.
#include "program.h"

#define PRIORITY_LOW  10u
#define PRIORITY_HIGH 90u
#define SLOT_NEW      SLOT_FREE
#define SLOT_TABLE    (SLOT_FREE + 1)
#define CONTEXT_BITS  9u
#define OBJECT_BITS   6u
#define TABLE_BITS    20u
#define TABLE_SLOTS   16384u

static void spin_ever(void)
{
    for (;;) {
        AREA->rounds++;
    }
}

// Keep a thread ready where nobody lets it run, for a long time, then let it.
void behave_priority(unsigned index)
{
    if (index) {
        spin_ever();
    }
    ready();
    for (;;) {
        must(thread_set_priority(SLOT_THREADS + 1, PRIORITY_LOW, PRIORITY_HIGH));
        sleep_until(trace_clock() + 12 * AREA->period);
        must(thread_set_priority(SLOT_THREADS + 1, PRIORITY_HIGH, PRIORITY_HIGH));
        sleep_until(trace_clock() + 12 * AREA->period);
    }
}

// Two threads give each other new budgets.
void behave_configure(unsigned index)
{
    ready();
    for (;;) {
        must(sched_context_configure(SLOT_CONTEXTS + 1 - index, SLOT_CONTROL,
                                     AREA->budget / AREA->threads, AREA->period));
        AREA->rounds++;
    }
}

// Give another thread a new context again and again.
void behave_recreate(unsigned index)
{
    if (index) {
        spin_ever();
    }
    must(sched_context_unbind(SLOT_CONTEXTS + 1));
    ready();
    for (;;) {
        must(untyped_retype(SLOT_MEMORY, (uint64_t)KIND_SCHED_CONTEXT | (uint64_t)CONTEXT_BITS << 8,
                            0, RT_PROGRAM_CSPACE, SLOT_NEW, 1));
        must(sched_context_configure(SLOT_NEW, SLOT_CONTROL, AREA->work, AREA->period));
        must(sched_context_bind(SLOT_NEW, SLOT_THREADS + 1, SCHED_OWN));
        sleep_until(trace_clock() + AREA->period / 4);
        must(captable_delete(RT_PROGRAM_CSPACE, SLOT_NEW));
        AREA->rounds++;
    }
}

// Move the contexts of the others round and round.
void behave_bind(unsigned index)
{
    if (index) {
        spin_ever();
    }
    ready();
    for (unsigned turn = 0;; turn++) {
        for (unsigned i = 1; i < AREA->threads; i++) {
            must(sched_context_unbind(SLOT_CONTEXTS + i));
        }
        for (unsigned i = 1; i < AREA->threads; i++) {
            unsigned to = 1 + (i + turn) % (AREA->threads - 1);
            must(sched_context_bind(SLOT_CONTEXTS + i, SLOT_THREADS + to, SCHED_OWN));
        }
        AREA->rounds++;
    }
}

void behave_suspend(unsigned index)
{
    if (index) {
        spin_ever();
    }
    ready();
    for (;;) {
        must(thread_suspend(SLOT_THREADS + 1));
        must(thread_resume(SLOT_THREADS + 1));
        AREA->rounds++;
    }
}

// Thread 1 destroys its own context at the beginning of a long operation.
void behave_vanish(unsigned index)
{
    if (index) {
        must(thread_suspend(SLOT_THREADS + 1));
        must(captable_delete(RT_PROGRAM_CSPACE, SLOT_TABLE));
        stop(index);
    }
    sleep_until(trace_clock() + AREA->period);
    must(sched_context_unbind(SLOT_CONTEXTS + 1));
    objects_make(KIND_CAPTABLE, TABLE_BITS, SLOT_TABLE, 1);
    objects_make(KIND_SCHED_CONTEXT, CONTEXT_BITS, SLOT_NEW, 1);
    must(sched_context_configure(SLOT_NEW, SLOT_CONTROL, AREA->work, AREA->period));
    must(untyped_retype(SLOT_MEMORY, (uint64_t)KIND_ENDPOINT | (uint64_t)OBJECT_BITS << 8, 0x400000,
                        SLOT_TABLE, 2, TABLE_SLOTS - 2));
    must(sched_context_bind(SLOT_NEW, SLOT_THREADS + 1, SCHED_OWN));
    must(captable_move(SLOT_TABLE, 1, RT_PROGRAM_CSPACE, SLOT_NEW));
    ready();
    sleep_until(trace_clock() + 11 * AREA->period);
    must(thread_resume(SLOT_THREADS + 1));
    stop(index);
}
