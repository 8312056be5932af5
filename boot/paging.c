// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the kernel's first page tables.  Relies on an identity mapping of the arena.
#include "paging.h"

#include "cpu.h"
#include "phys.h"
#include "string.h"

#define PTE_PRESENT  0x1ull
#define PTE_WRITE    0x2ull
#define PTE_UNCACHED 0x18ull
#define PTE_LARGE    0x80ull
#define PTE_GLOBAL   0x100ull
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull
#define TABLE_SLOTS  512

static uint64_t *table_at(uint64_t entry)
{
    return phys_pointer(entry & PTE_ADDRESS);
}

static uint64_t page_bytes(unsigned level)
{
    return PAGE_SIZE << 9 * (level - 1);
}

static uint64_t table_new(struct paging *paging)
{
    uint64_t table = memory_take(paging->map, PAGE_SIZE, PAGE_SIZE, BOOT_MEMORY_KERNEL);
    if (table) {
        memset(table_at(table), 0, PAGE_SIZE);
    }
    return table;
}

bool paging_begin(struct paging *paging, struct memory_map *map)
{
    paging->map = map;
    paging->huge = cpu_has_huge_pages();
    paging->root = table_new(paging);
    return paging->root;
}

// Fills a new table so that it maps what one large page of the level above did.
static void table_split(uint64_t *table, uint64_t large, unsigned level)
{
    uint64_t flags = large & ~(level == 1 ? PTE_LARGE : 0);
    for (uint64_t i = 0; i < TABLE_SLOTS; i++) {
        table[i] = flags + i * page_bytes(level);
    }
}

// The table below an entry of the level; a null pointer when there is no memory for it.
static uint64_t *table_below(struct paging *paging, uint64_t *entry, unsigned level)
{
    if ((*entry & PTE_PRESENT) && !(*entry & PTE_LARGE)) {
        return table_at(*entry);
    }
    uint64_t table = table_new(paging);
    if (!table) {
        return 0;
    }
    if (*entry) {
        table_split(table_at(table), *entry, level - 1);
    }
    *entry = table | PTE_PRESENT | PTE_WRITE;
    return table_at(table);
}

static bool map_page(struct paging *paging, uint64_t vaddr, uint64_t value, unsigned leaf)
{
    uint64_t *table = table_at(paging->root);
    for (unsigned level = 4;; level--) {
        uint64_t *entry = &table[vaddr >> (12 + 9 * (level - 1)) & (TABLE_SLOTS - 1)];
        if (level == leaf) {
            *entry = value | (leaf > 1 ? PTE_LARGE : 0);
            return true;
        }
        table = table_below(paging, entry, level);
        if (!table) {
            return false;
        }
    }
}

static uint64_t rights_flags(uint32_t rights)
{
    return PTE_PRESENT | PTE_GLOBAL | (rights & PAGING_WRITE ? PTE_WRITE : 0) |
           (rights & PAGING_EXECUTE ? 0 : PTE_NX) | (rights & PAGING_UNCACHED ? PTE_UNCACHED : 0);
}

// The level of the largest page that fits.
static unsigned page_level(uint64_t addresses, uint64_t left, uint64_t limit)
{
    unsigned level = 1;
    while (level < 3) {
        uint64_t bytes = page_bytes(level + 1);
        if (bytes > limit || bytes > left || addresses % bytes) {
            break;
        }
        level++;
    }
    return level;
}

bool paging_map(struct paging *paging, uint64_t vaddr, struct memory_region range, uint64_t limit,
                uint32_t rights)
{
    uint64_t flags = rights_flags(rights);
    for (uint64_t at = range.base; at < range.end;) {
        unsigned level = page_level(vaddr | at, range.end - at, limit);
        if (!map_page(paging, vaddr, at | flags, level)) {
            return false;
        }
        at += page_bytes(level);
        vaddr += page_bytes(level);
    }
    return true;
}

bool paging_map_direct(struct paging *paging)
{
    struct memory_map *map = paging->map;
    uint64_t limit = paging->huge ? PAGE_GIANT : PAGE_HUGE;
    struct memory_region range = { 0 };
    while (memory_next_stretch(map, range.end, &range)) {
        uint64_t vaddr = KERNEL_DIRECT_BASE + range.base;
        uint32_t rights = PAGING_WRITE | (range.ram ? 0 : PAGING_UNCACHED);
        if (!range.ram && range.kind != BOOT_MEMORY_IRQCHIP) {
            continue;
        }
        if (!paging_map(paging, vaddr, range, limit, rights)) {
            return false;
        }
    }
    return true;
}
