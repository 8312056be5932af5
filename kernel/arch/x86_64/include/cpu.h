// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Clock and per-CPU pointer on x86_64.  Contract: hal/cpu.h.
#pragma once

#include <arch/percpu.h>

#include <stdint.h>

struct cpu;

// The time stamp counter.
static inline uint64_t hal_clock(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline struct cpu *hal_cpu(void)
{
    return THIS_CPU->cpu;
}

static inline struct cpu *hal_cpu_at(unsigned number)
{
    return (struct cpu *)(KERNEL_CPU_BASE + number * KERNEL_CPU_BYTES + AREA_CPU);
}

static inline bool hal_lock_wanted(void)
{
    const volatile struct hal_lock *lock = &hal_lock;
    return lock->next - lock->serving != 1;
}

// By words of 8 bytes.
static inline void hal_zero(void *at, uint64_t bytes)
{
    uint64_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0ull) : "memory");
}

static inline void hal_copy(void *to, const void *from, uint64_t bytes)
{
    uint64_t words = bytes / 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static inline void hal_pause(void)
{
    __asm__ volatile("pause");
}
