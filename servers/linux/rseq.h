// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Restartable sequences (rseq(2)): a program reads where it runs, and a short sequence of its that
// it was made to leave in the middle goes on where it says, not where it left off.
#pragma once

#include "task.h"

// It runs on this CPU from now on.
void rseq_place(struct task *task, uint32_t cpu);
// It has been stopped where it was: whether it may be in a sequence.
bool rseq_may_be_left(struct task *task);
// Have it go on, by the registers in its frame, where its sequence says, if it is in one.  False:
// what it has for a sequence is none; it is to get SIGSEGV.
bool rseq_leave(struct task *task);
