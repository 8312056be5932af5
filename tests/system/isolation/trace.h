// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// When a thread ran, as it sees it itself: it reads the clock without end, and writes down when the
// clock jumped: then somebody else had the CPU.  Nothing the kernel says is believed.
#pragma once

#include <stdint.h>

// A jump of more ticks than this is not the thread's own doing.
#define TRACE_JUMP 64u

struct gap {
    uint64_t begin, end;
};

struct trace {
    uint32_t room;
    volatile uint32_t count;  // == room: full, what came later is lost
    uint64_t begin, end;      // when it was taken
    struct gap *gaps;
};

static inline uint64_t trace_clock(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// The clock was `last` and is `now`.
static inline void trace_step(struct trace *trace, uint64_t last, uint64_t now)
{
    if (__builtin_expect(now - last > TRACE_JUMP, 0) && trace->count < trace->room) {
        trace->gaps[trace->count] = (struct gap){ last, now };
        trace->count++;
    }
}

// Trace until the clock is `until`.
static inline void trace_take(struct trace *trace, uint64_t until)
{
    uint64_t last = trace->begin = trace_clock();
    while (last < until) {
        uint64_t now = trace_clock();
        trace_step(trace, last, now);
        last = now;
    }
    trace->end = last;
}
