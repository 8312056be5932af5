// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Starting the other CPUs (Intel SDM volume 3A, 8.4.4; MultiProcessor specification 1.4, appendix
// B).
#pragma once

#include "memory.h"

#include <abi/bootinfo.h>

#include <stdint.h>

// Takes a page below one MiB for the first instructions of the other CPUs, before free memory there
// is forgotten.  0: there is none.
uint64_t smp_choose_page(const struct memory_map *map);

// Puts the CPU that runs this first into the list of CPUs and starts the others, which then wait in
// the loader; whatever is disabled or does not come within 100 ms is taken off the list, with a
// warning for the latter.
void smp_start(struct boot_info *info, uint64_t page);

// Sends them to the kernel's entry point.
void smp_enter(const struct boot_info *info, uint64_t entry);
