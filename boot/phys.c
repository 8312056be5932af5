// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the loader's identity mapping, which entry.S began and which grows here on demand.
#include "phys.h"

#include "cpu.h"
#include "entry.h"
#include "x86.h"

#define SPARE_TABLES  16  // each reaches one GiB more, or begins another 512 GiB
#define IDENTITY_BITS 47  // what the lower half of the address space holds
#define LEVEL_ROOT    4
#define LEVEL_HUGE    2
#define PTE_TABLE     0x3ull
#define PTE_LEAF      0x83ull
#define PTE_UNCACHED  0x18ull
#define PTE_ADDRESS   0x000ffffffffff000ull

static uint64_t spare_tables[SPARE_TABLES][512] __attribute__((aligned(4096)));
static uint32_t spare_used;

// The entry that maps the huge page of an address; makes the tables on the way to it.
static uint64_t *identity_entry(uint64_t address)
{
    uint64_t *table = identity_root;
    for (unsigned level = LEVEL_ROOT;; level--) {
        uint64_t *entry = &table[address >> (12 + 9 * (level - 1)) & 511];
        if (level == LEVEL_HUGE) {
            return entry;
        }
        if (!*entry) {
            if (spare_used == SPARE_TABLES) {
                return 0;
            }
            *entry = (uintptr_t)spare_tables[spare_used++] | PTE_TABLE;
        }
        table = phys_pointer(*entry & PTE_ADDRESS);
    }
}

static bool identity_map(uint64_t address)
{
    uint64_t *entry = identity_entry(address);
    if (!entry) {
        return false;
    }
    if (!*entry) {
        *entry = (address & ~(PAGE_HUGE - 1)) | PTE_LEAF;
    }
    return true;
}

void *phys_reach(uint64_t base, uint64_t bytes)
{
    static uint64_t limit;
    if (!limit) {
        limit = 1ull << (cpu_phys_bits() < IDENTITY_BITS ? cpu_phys_bits() : IDENTITY_BITS);
    }
    if (!base || base >= limit || bytes > limit - base) {
        return 0;
    }
    uint64_t end = base + bytes;
    uint64_t first = base & ~(PAGE_HUGE - 1);
    if (first < 4 * PAGE_GIANT) {
        first = 4 * PAGE_GIANT;  // below, everything is mapped from the start
    }
    for (uint64_t at = first; at < end; at += PAGE_HUGE) {
        if (!identity_map(at)) {
            return 0;
        }
    }
    return phys_pointer(base);
}

volatile uint32_t *phys_reach_device(uint64_t base)
{
    void *pointer = phys_reach(base, sizeof(uint32_t));
    if (!pointer) {
        return 0;
    }
    *identity_entry(base) |= PTE_UNCACHED;
    tlb_flush();
    return pointer;
}

bool phys_copy_string(uint64_t base, char *to, uint32_t bytes)
{
    for (uint32_t i = 0; i + 1 < bytes; i++) {
        const char *c = phys_reach(base + i, 1);
        if (!c) {
            return false;
        }
        to[i] = *c;
        if (!*c) {
            return true;
        }
    }
    to[bytes - 1] = 0;
    return true;
}
