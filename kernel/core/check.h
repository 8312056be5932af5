// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Invariants of the whole core, asserted by a bounded walk.  Debug kernels only; with the kernel
// lock.
#pragma once

#include "cap.h"

// Walk everything: capabilities (cap_check, which calls object_check for each original) and CPUs.
void check_invariants(void);
// What the object of an original promises: states, queues, time.
void object_check(const struct cap *original);
