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

// Where the two functions of vdso/signal.h are in a space; 0: it has changed what it has of the
// object.
user_t vdso_signal_enter(struct space *space);
user_t vdso_signal_return(struct space *space);
