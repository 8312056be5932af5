// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The component: each thread runs the behaviour that the area names.
#include "program.h"

static uint64_t memory_used;

static void (*const behaviours[BEHAVIOURS])(unsigned index) = {
#define BEHAVIOUR(name) [BEHAVE_##name] = behave_##name,
#include "../behaviours.def"
#undef BEHAVIOUR
};

void ready(void)
{
    AREA->ready = true;
    rt_ignore(notification_signal(SLOT_READY));
}

void must(struct rt_status status)
{
    if (!rt_ok(status) && !AREA->status) {
        AREA->status = status.word;
    }
}

void stop(unsigned index)
{
    for (;;) {
        rt_ignore(thread_suspend(SLOT_THREADS + index));
    }
}

void objects_make(enum rt_kind kind, unsigned bits, cap_t slot, uint64_t count)
{
    uint64_t size = 1ull << bits;
    memory_used = (memory_used + size - 1) & ~(size - 1);
    must(untyped_retype(SLOT_MEMORY, (uint64_t)kind | (uint64_t)bits << 8, memory_used,
                        RT_PROGRAM_CSPACE, slot, count));
    memory_used += count * size;
}

void spin(uint64_t ticks)
{
    uint64_t until = trace_clock() + ticks;
    while (trace_clock() < until) {}
}

void sleep_until(uint64_t until)
{
    AREA->wake_at = until;
    rt_ignore(notification_wait(SLOT_WAKE).status);
}

void program_main(uint64_t argument)
{
    behaviours[AREA->behaviour]((unsigned)argument);
}
