// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Contract: what a CPU may do ahead of a check or of the target of a branch.  Where the CPU in use
// is not known to be safe the ISA patches these places at boot; elsewhere they cost nothing.
#pragma once

// arch/speculation.h defines inline:
//   void *hal_element(const void *base, uint64_t index, uint64_t count, unsigned shift)   base +
//   (index << shift), element `index` of a table of `count`; a CPU that runs ahead of the caller's
//   check of the index (which user space chose) gets element 0 for one that is not below `count`.
//   `shift` is a constant. unsigned hal_call(uintptr_t function, void *argument)   call what a
//   table names: the CPU goes nowhere else meanwhile, whatever code outside of the kernel has
//   taught it unsigned hal_call_4(uintptr_t function, void *a, void *b, unsigned c, unsigned d)
#include <arch/speculation.h>
