// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Preemption points of long operations.
#pragma once

#include "types.h"

// Count `work` units (one is about ten instructions) of a long operation; true where it should stop
// and answer ERR_PREEMPTED because an interrupt waits, or another CPU for the lock.  Interrupts are
// looked at only every PREEMPT_WORK units, so that calling it in a tight loop is cheap. At least
// one bounded step of progress must lie between two calls that return true.
#define PREEMPT_WORK 48u
MUST_USE bool preempt_point(unsigned work);

// Only count: work that the next preemption point is to know of.
void preempt_work(unsigned work);
