// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Contract: address translation.  The core walks translation tables itself (aspace.c); an ISA says
// what an entry means. Tables have 512 entries of 64 bits on every ISA so far; level 0 maps 4 KiB
// pages, level HAL_PT_LEVELS - 1 is the root.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// arch/paging.h defines, as static inline functions and constants:
//   HAL_PT_LEVELS                                  levels of a CPU address space
//   HAL_PT_LARGE_LEVEL                             level of PROT_LARGE entries (2 MiB)
//   struct hal_aspace                              what hal_aspace_switch needs (x86: CR3)
//   uint64_t hal_pte_table(uint64_t table_direct)  entry that points to a lower table (given by its
//   direct-map address) uint64_t hal_pte_leaf(uint64_t page_direct, unsigned prot, unsigned level)
//   entry that maps a page with PROT_* rights and type bool hal_pte_present(uint64_t pte) bool
//   hal_pte_is_table(uint64_t pte, unsigned level) uint64_t hal_pte_address(uint64_t pte)
//   direct-map address of the table or page unsigned hal_pte_prot(uint64_t pte) PROT_READ, WRITE,
//   EXECUTE of a leaf uint64_t hal_pte_protect(uint64_t pte, unsigned prot)   the leaf with other
//   rights, type and accessed/dirty bits kept bool hal_pte_accessed(uint64_t pte),
//   hal_pte_dirty(uint64_t pte) uint64_t hal_pte_clean(uint64_t pte)           the leaf with both
//   cleared
#include <arch/paging.h>

// A new root table (zeroed page): enter what all spaces share (the kernel's half).
void hal_aspace_init(struct hal_aspace *hal, uint64_t root[512]);

// Forget translations of [vaddr, vaddr + pages * 4 KiB), not empty, of a space on every CPU that
// has it loaded, after entries were removed or narrowed; waits for them.  Nothing to do where none
// has.
void hal_aspace_flush(struct hal_aspace *hal, uint64_t vaddr, uint64_t pages);

// Another CPU, whose current thread has lost its address space, leaves what it has loaded; waits.
void hal_aspace_leave(unsigned number);
