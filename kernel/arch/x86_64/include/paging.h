// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Four-level paging (Intel SDM vol. 3A, 4.5).  Contract: hal/aspace.h.
#pragma once

#include <abi/bootinfo.h>
#include <abi/message.h>

#include <stdbool.h>
#include <stdint.h>

#define HAL_PT_LEVELS      4
#define HAL_PT_LARGE_LEVEL 1

struct hal_aspace {
    uint64_t cr3;
    uint32_t domain;  // I/O kind: its id, and cr3 is never loaded; 0: CPU kind
};

#define PTE_PRESENT  0x001ull
#define PTE_WRITE    0x002ull
#define PTE_USER     0x004ull
#define PTE_PWT      0x008ull
#define PTE_PCD      0x010ull
#define PTE_ACCESSED 0x020ull
#define PTE_DIRTY    0x040ull
#define PTE_LARGE    0x080ull
#define PTE_NX       (1ull << 63)
#define PTE_ADDRESS  0x000ffffffffff000ull

static inline uint64_t hal_pte_table(uint64_t table)
{
    return (table - KERNEL_DIRECT_BASE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
}

// PAT as the kernel sets it: PWT alone = write-combining, PCD = uncached.
static inline uint64_t hal_pte_leaf(uint64_t page, unsigned prot, unsigned level)
{
    uint64_t pte = (page - KERNEL_DIRECT_BASE) | PTE_PRESENT | PTE_USER;
    pte |= prot & PROT_WRITE ? PTE_WRITE : 0;
    pte |= prot & PROT_EXECUTE ? 0 : PTE_NX;
    pte |= prot & PROT_UNCACHED ? PTE_PCD : 0;
    pte |= prot & PROT_COMBINE ? PTE_PWT : 0;
    return level ? pte | PTE_LARGE : pte;
}

static inline bool hal_pte_present(uint64_t pte)
{
    return pte & PTE_PRESENT;
}

static inline bool hal_pte_is_table(uint64_t pte, unsigned level)
{
    return level && !(pte & PTE_LARGE);
}

static inline uint64_t hal_pte_address(uint64_t pte)
{
    return (pte & PTE_ADDRESS) + KERNEL_DIRECT_BASE;
}

static inline unsigned hal_pte_prot(uint64_t pte)
{
    return PROT_READ | (pte & PTE_WRITE ? PROT_WRITE : 0) | (pte & PTE_NX ? 0 : PROT_EXECUTE);
}

static inline uint64_t hal_pte_protect(uint64_t pte, unsigned prot)
{
    pte &= ~(PTE_WRITE | PTE_NX);
    return pte | (prot & PROT_WRITE ? PTE_WRITE : 0) | (prot & PROT_EXECUTE ? 0 : PTE_NX);
}

static inline bool hal_pte_accessed(uint64_t pte)
{
    return pte & PTE_ACCESSED;
}

static inline bool hal_pte_dirty(uint64_t pte)
{
    return pte & PTE_DIRTY;
}

static inline uint64_t hal_pte_clean(uint64_t pte)
{
    return pte & ~(PTE_ACCESSED | PTE_DIRTY);
}
