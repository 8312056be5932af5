// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// x86_64: the clock, random numbers, and moving much memory.  Only <rt/clock.h> and string.c
// include this.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_CPUID_RDRAND (1u << 30)  // leaf 1, ECX (Intel manual, volume 2, CPUID)
#define MACHINE_RDRAND_TRIES 10u         // as the same manual advises (volume 1, 7.3.17.1)

// From so many bytes on these are faster than a loop (Intel optimization manual, 3.7.6).
#define MACHINE_MANY 256u

// Copy or fill whole words of 8 bytes, upwards.
static inline void machine_copy(void *to, const void *from, uint64_t words)
{
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static inline void machine_fill(void *to, uint64_t word, uint64_t words)
{
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
}

static inline uint64_t machine_clock(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

// A random number of the processor's; false: it has none to give.
// NOLINTNEXTLINE(readability-non-const-parameter): the assembly writes it
static inline bool machine_random(uint64_t *number)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    for (unsigned i = 0; c & MACHINE_CPUID_RDRAND && i < MACHINE_RDRAND_TRIES; i++) {
        bool good = false;
        __asm__ volatile("rdrand %0" : "=r"(*number), "=@ccc"(good));
        if (good) {
            return true;
        }
    }
    return false;
}
