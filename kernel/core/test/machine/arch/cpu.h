// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The host's stand-in for an ISA, with several CPUs: the one that `machine_number` names is at
// work. Contract: hal/cpu.h.
#pragma once

#include <string.h>

#include <stdbool.h>
#include <stdint.h>

struct cpu;

extern uint64_t host_clock;
extern unsigned machine_number;
extern bool machine_lock_wanted;

struct cpu *machine_cpu(unsigned number);

static inline uint64_t hal_clock(void)
{
    return host_clock;
}

static inline struct cpu *hal_cpu_at(unsigned number)
{
    return machine_cpu(number);
}

static inline struct cpu *hal_cpu(void)
{
    return machine_cpu(machine_number);
}

static inline bool hal_lock_wanted(void)
{
    return machine_lock_wanted;
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
