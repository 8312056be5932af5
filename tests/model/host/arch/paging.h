// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host as an ISA: entries of translation tables are addresses with flags.
// Contract: hal/aspace.h.
#pragma once

#include <abi/bootinfo.h>
#include <abi/message.h>

#include <stdbool.h>
#include <stdint.h>

#define HAL_PT_LEVELS      4
#define HAL_PT_LARGE_LEVEL 1

struct hal_aspace {
    uint64_t *root;
};

#define HOST_PTE_LARGE    0x080ull
#define HOST_PTE_TABLE    0x100ull
#define HOST_PTE_ACCESSED 0x200ull
#define HOST_PTE_DIRTY    0x400ull
#define HOST_PTE_ADDRESS  (~0xfffull)

static inline uint64_t hal_pte_table(uint64_t table)
{
    return table | HOST_PTE_TABLE;
}

static inline uint64_t hal_pte_leaf(uint64_t page, unsigned prot, unsigned level)
{
    return page | (prot & PROT_RIGHTS) | PROT_READ | (level ? HOST_PTE_LARGE : 0);
}

static inline bool hal_pte_present(uint64_t pte)
{
    return pte != 0;
}

static inline bool hal_pte_is_table(uint64_t pte, unsigned level)
{
    return level && pte & HOST_PTE_TABLE;
}

static inline uint64_t hal_pte_address(uint64_t pte)
{
    return pte & HOST_PTE_ADDRESS;
}

static inline unsigned hal_pte_prot(uint64_t pte)
{
    return (unsigned)(pte & PROT_RIGHTS);
}

static inline uint64_t hal_pte_protect(uint64_t pte, unsigned prot)
{
    return (pte & ~(uint64_t)PROT_RIGHTS) | (prot & PROT_RIGHTS) | PROT_READ;
}

static inline bool hal_pte_accessed(uint64_t pte)
{
    return pte & HOST_PTE_ACCESSED;
}

static inline bool hal_pte_dirty(uint64_t pte)
{
    return pte & HOST_PTE_DIRTY;
}

static inline uint64_t hal_pte_clean(uint64_t pte)
{
    return pte & ~(HOST_PTE_ACCESSED | HOST_PTE_DIRTY);
}
