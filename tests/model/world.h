// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The real core on the development host, beside the model: the same beginning, the same steps, and
// what they must agree in.
#pragma once

#include "generate.h"
#include "model.h"

// End the process: the core, or the comparison, found something wrong.
__attribute__((noreturn, format(printf, 1, 2))) void world_fail(const char *format, ...);

// What was taken, so that a run can be seen to have tried what it is for.
#define TALLY(X)                                                                  \
 X(call_lends, "fast call that lends time")                                       \
 X(call_keeps, "fast call to a server with a context of its own")                 \
 X(reply_returns, "fast reply_recv that gives time back")                         \
 X(reply_other, "fast reply_recv to a caller or guest with a context of its own") \
 X(reply_maps, "fast answer to a guest with a mapping")                           \
 X(send, "fast send")                                                             \
 X(guest, "fast system call of a guest")                                          \
 X(fault, "fast page fault")                                                      \
 X(mapped, "mappings made")                                                       \
 X(preempted, "system calls that were preempted")                                 \
 MODEL_EVENTS(X)                                                                  \
 X(elsewhere, "system calls on the second CPU")                                   \
 X(displaced, "system calls of a thread that another CPU has displaced")
enum tally {
#define TALLY_ENUM(name, text) TALLY_##name,
    TALLY(TALLY_ENUM)
#undef TALLY_ENUM
    TALLIES
};
extern uint64_t *world_tally;  // TALLIES of them

// A fresh core and a fresh model.  One in `preempt` preemption points that may preempts (0: none).
// `idle`: the first thread has no time slice but a budget, so that at times nobody runs.
void world_reset(unsigned preempt, bool idle);

// What the current thread knows of its table.
const struct generate_view *world_view(void);

// Whether a thread other than the first traps instead of making this call.
bool world_traps(const struct operation *operation);

// The current thread of both does this.  Fails where they differ.  False: the sequence ends here,
// since the core has put off the rest of a system call that took away its caller's context, which
// the model does at once.
bool world_step(const struct operation *operation);

// The same core with two CPUs between which the steps go to and fro, and a clock that runs; without
// the model, but for what check_invariants asserts after every few steps.
void world_reset_free(unsigned preempt);
const struct generate_view *world_view_free(uint64_t random);  // NULL: no new call is to be made
void world_step_free(const struct operation *operation);       // NULL: what there is to do

// Delete everything and see that nothing is left.
void world_end(void);
