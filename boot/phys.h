// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Physical memory as the loader sees it: identity-mapped, checked before each use.
//
// The host tests put a fake in its place.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE  4096ull
#define PAGE_HUGE  (512 * PAGE_SIZE)  // mapped by one entry of the second level
#define PAGE_GIANT (512 * PAGE_HUGE)  // mapped by one entry of the third level

static inline uint64_t page_down(uint64_t value)
{
    return value & ~(PAGE_SIZE - 1);
}

// The caller has made sure that the result fits.
static inline uint64_t page_up(uint64_t value)
{
    return page_down(value + PAGE_SIZE - 1);
}

// Where the identity mapping has an address that is known to be mapped: one that phys_reach() has
// given, or memory below four GiB.
static inline void *phys_pointer(uint64_t address)
{
    return (void *)(uintptr_t)address;  // NOLINT(performance-no-int-to-ptr): that is its purpose
}

// A pointer to bytes bytes at a physical address, or a null pointer where the CPU has no such
// address, or the loader's tables for addresses above four GiB are used up.
void *phys_reach(uint64_t base, uint64_t bytes);

// The same for registers of a device: their page is uncached from now on.
volatile uint32_t *phys_reach_device(uint64_t base);

// Copies a zero-terminated string, cutting it to what fits.  False where it cannot be reached.
bool phys_copy_string(uint64_t base, char *to, uint32_t bytes);
