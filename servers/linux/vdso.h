// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The vDSO: a shared object that every program finds in its space, with the page of the clocks
// before it.
#pragma once

#include "types.h"

struct space;

// Map both, when the place of the stack is known; *at becomes where the object begins
// (AT_SYSINFO_EHDR).  0, -ENOMEM.
int64_t vdso_map(struct space *space, uint64_t *at);
