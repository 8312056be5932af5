// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The real core on the development host, beside the model: the same beginning, the same steps, and
// what they must agree in.
#pragma once

#include "generate.h"

// End the process: the core, or the comparison, found something wrong.
__attribute__((noreturn, format(printf, 1, 2))) void world_fail(const char *format, ...);

// A fresh core and a fresh model.  One in `preempt` preemption points that may preempts (0: none).
void world_reset(unsigned preempt);

// What the current thread knows of its table.
const struct generate_view *world_view(void);

// Whether a thread other than the first traps instead of making this call.
bool world_traps(const struct operation *operation);

// The current thread of both does this.  Fails where they differ.
void world_step(const struct operation *operation);

// Delete everything and see that nothing is left.
void world_end(void);
