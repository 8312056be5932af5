// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The kernel clock, and seeds that others do not know.
#pragma once

#include "x86_64/machine.h"

#define RT_SECOND 1000000000ul  // nanoseconds

// Ticks of the kernel clock, as timer_arm takes them.
static inline uint64_t rt_clock(void)
{
    return machine_clock();
}

// Between ticks of a clock of `hz` and nanoseconds, without overflow below 500 years and 18 GHz.
static inline uint64_t rt_ticks(uint64_t nanoseconds, uint64_t hz)
{
    return nanoseconds / RT_SECOND * hz + nanoseconds % RT_SECOND * hz / RT_SECOND;
}

static inline uint64_t rt_nanoseconds(uint64_t ticks, uint64_t hz)
{
    return ticks / hz * RT_SECOND + ticks % hz * RT_SECOND / hz;
}

// Something that others cannot guess; without random numbers of the processor's it is only the
// clock.
static inline uint64_t rt_seed(void)
{
    uint64_t number = 0;
    return machine_random(&number) ? number : machine_clock();
}

// The clock's rate and what it said when the system was started: start code sets them.
void rt_clock_init(uint64_t hz, uint64_t boot);
uint64_t rt_clock_hz(void);

// Nanoseconds since the system was started.
uint64_t rt_clock_monotonic(void);
