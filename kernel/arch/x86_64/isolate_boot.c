// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The kernel's half of user mode's translations where that is to be nearly empty: the text of
// entry.S, the descriptor table of traps, and of each CPU the page with its per-CPU structure,
// where the kernel has them too. All spaces share these tables.  Called once, by boot.c.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

#define ENTRIES     512
#define TABLE_BYTES (PAGE_SIZE * ENTRIES)
// Three levels for the image; for the areas of the CPUs one more on the second, and as many on the
// last as it takes.
#define TABLES     (4 + BOOT_MAX_CPUS * KERNEL_CPU_BYTES / TABLE_BYTES)
#define ROOT_LEVEL 3

static uint64_t shared_root[ENTRIES];
static uint64_t tables[TABLES][ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static unsigned tables_used;

static uint64_t *entry_at(uint64_t *table, uint64_t vaddr, unsigned level)
{
    return &table[vaddr >> (12 + 9 * level) & (ENTRIES - 1)];
}

static uint64_t *table_below(uint64_t entry)
{
    return (uint64_t *)hal_pte_address(entry);
}

// The entry of the kernel's own tables for a page of its image or of a CPU's area; these are small.
static uint64_t kernel_leaf(uint64_t vaddr)
{
    uint64_t entry = hal_aspace_kernel.cr3;
    for (unsigned level = ROOT_LEVEL + 1; level-- > 0;) {
        entry = *entry_at(table_below(entry), vaddr, level);
        if (!(entry & PTE_PRESENT) || (level && entry & PTE_LARGE)) {
            hal_panic(__FILE__, __LINE__, "the loader has mapped the kernel otherwise");
        }
    }
    return entry;
}

static uint64_t table_new(void)
{
    if (tables_used == TABLES) {
        hal_panic(__FILE__, __LINE__, "the kernel's image is larger than a table maps");
    }
    return (kernel_leaf((uint64_t)tables[tables_used++]) & PTE_ADDRESS) | PTE_PRESENT | PTE_WRITE;
}

static void page_share(uint64_t vaddr)
{
    uint64_t *table = shared_root;
    for (unsigned level = ROOT_LEVEL; level; level--) {
        uint64_t *entry = entry_at(table, vaddr, level);
        if (!*entry) {
            *entry = table_new();
        }
        table = table_below(*entry);
    }
    *entry_at(table, vaddr, 0) = kernel_leaf(vaddr);
}

static void range_share(uint64_t start, uint64_t end)
{
    for (uint64_t page = start & ~(PAGE_SIZE - 1); page < end; page += PAGE_SIZE) {
        page_share(page);
    }
}

void isolate_boot(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gates;
    __asm__("sidt %0" : "=m"(gates));
    range_share((uint64_t)entry_start, (uint64_t)entry_end);
    range_share(gates.base, gates.base + gates.limit + 1u);
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        page_share((uint64_t)hal_percpu_at(i));
    }
    aspace_shared = shared_root;
}
