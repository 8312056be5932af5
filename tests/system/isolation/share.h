// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The share that is looked at: a tenth of the CPU, within a hundredth of it over any ten periods.
#pragma once

#include "../time/world.h"
#include "windows.h"

#include <rt/print.h>

#define SHARE_WINDOW 10u  // periods
// In hundredths of a per cent of the CPU.
#define SHARE_PROMISED 1000u
#define SHARE_LEAST    900u

// A debug kernel checks what it does, which what is paid for an interrupt does not cover.
static inline uint64_t share_most(void)
{
    return rt_ok(rt_debug_check()) ? 1150 : 1100;
}

static inline uint64_t share_period(void)
{
    return moment;
}

static inline uint64_t share_budget(void)
{
    return moment / 10;
}

// Of ticks in a window.
static inline uint64_t share_of(uint64_t ticks)
{
    return ticks * 10000 / (SHARE_WINDOW * share_period());
}

static inline void share_report(const char *what, const struct extremes *extremes)
{
    rt_print("NOTE %s, hundredths of a per cent in ten periods: %lu to %lu\n", what,
             share_of(extremes->least), share_of(extremes->most));
}
