// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host as an ISA: clock and CPU structure.  Contract: hal/cpu.h.
#pragma once

#include <string.h>

#include <stdbool.h>
#include <stdint.h>

struct cpu;

extern uint64_t host_clock;
extern uint64_t host_timer;  // when the timer goes off (of the CPU that armed it last)
extern struct cpu *host_cpu;
#define HOST_CPUS 2u
extern struct cpu *host_cpus[HOST_CPUS];
extern unsigned host_interrupted;  // bit n: CPU n, by hal_cpu_interrupt
extern unsigned host_paused;       // bit n: CPU n, by itself: before it executes anything else

static inline uint64_t hal_clock(void)
{
    return host_clock;
}

static inline struct cpu *hal_cpu(void)
{
    return host_cpu;
}

static inline struct cpu *hal_cpu_at(unsigned number)
{
    return host_cpus[number];
}

static inline bool hal_lock_wanted(void)
{
    return false;
}

static inline void hal_zero(void *at, uint64_t bytes)
{
    memset(at, 0, bytes);
}

static inline void hal_copy(void *to, const void *from, uint64_t bytes)
{
    memcpy(to, from, bytes);
}

static inline void hal_pause(void) {}
