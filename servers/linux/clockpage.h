// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the clocks are computed from, in a page that every process can read: clock.c writes it,
// vdso/vdso.c reads it in the processes.
#pragma once

#include <stdint.h>

struct clock_page {
    uint32_t sequence;    // odd while the rest is being changed; another one after each change
    uint32_t cpus;        // how many there are
    uint64_t hz, boot;    // ticks of the kernel clock in a second, and when the system was started
    int64_t real_offset;  // nanoseconds from monotonic to real time
};
