// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The page tables that the kernel starts with (abi/bootinfo.h, top).
#pragma once

#include "memory.h"

#include <stdbool.h>
#include <stdint.h>

enum paging_rights {
    PAGING_WRITE = 1,
    PAGING_EXECUTE = 2,
    PAGING_UNCACHED = 4,
};

struct paging {
    uint64_t root;
    struct memory_map *map;  // where tables come from
    bool huge;               // the CPU has pages of one GiB
};

// Begins an address space.  False when there is no memory for it.
bool paging_begin(struct paging *paging, struct memory_map *map);

// Maps whole pages, in the largest page size that alignment allows and limit (a page size) does
// not exceed; replaces what was mapped there, splitting larger pages.  False when memory runs out.
bool paging_map(struct paging *paging, uint64_t vaddr, struct memory_region range, uint64_t limit,
                uint32_t rights);

// Maps all RAM and the registers of interrupt controllers at KERNEL_DIRECT_BASE.
bool paging_map_direct(struct paging *paging);
