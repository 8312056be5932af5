// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Time.  Owns the clock's rate, which start code says once.
#include "clock.h"

static uint64_t clock_hz, clock_boot;

void rt_clock_init(uint64_t hz, uint64_t boot)
{
    clock_hz = hz;
    clock_boot = boot;
}

uint64_t rt_clock_hz(void)
{
    return clock_hz;
}

uint64_t rt_clock_monotonic(void)
{
    return clock_hz ? rt_nanoseconds(rt_clock() - clock_boot, clock_hz) : 0;  // 0: nobody said
}
