// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Invariants of the whole core, asserted by a bounded walk.  Debug kernels only; with the kernel
// lock.
#pragma once

#include "cap.h"

// Walk everything: capabilities (cap_check, which calls object_check for each original) and CPUs.
void check_invariants(void);
// The CPUs alone: queues, alarms, and that whoever runs, or could, has a budget.
void check_cpus(void);
// The original whose memory has this address, or the Untyped that has nothing there; NULL: neither.
const struct cap *cap_owner(uint64_t address);
// What an address space promises: its lists, and that every entry of its tables points where it
// may.
void space_check(const struct cap *original);
// What the object of an original promises: states, queues, time.
void object_check(const struct cap *original);
