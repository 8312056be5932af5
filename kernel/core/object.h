// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What each kind of object does when it is made and destroyed, and the invocation that operates on
// it.  One row a kind (object.c); the capability code knows nothing else of kinds.
#pragma once

#include "cap.h"

struct thread;

// One invocation: arguments in, results out.  A preempted operation leaves in `words` what is left
// to do.
struct invocation {
    struct thread *thread;  // whose table names the arguments
    struct cap *self;       // the capability that is invoked
    uint64_t words[6];
    uint64_t progress;  // 0 when the operation begins; the operation's own when it restarts
    uint8_t length;     // number of arguments
    uint8_t results;    // number of words to deliver: set by the operation
};

// The slot of the caller's cspace, or the reason why not; `argument` is blamed.  Kind 0: any.
// Refuses marked and embryonic capabilities (DEAD).
MUST_USE enum err cap_lookup(struct thread *thread, uint64_t slot, struct cap **cap);
MUST_USE enum err cap_lookup_kind(struct thread *thread, uint64_t slot, enum kind kind,
                                  unsigned rights, unsigned argument, struct cap **cap);

// An empty slot of the table in slot `table` (needs WRITE), for a new capability; blamed as
// `argument` and the next.
MUST_USE enum err cap_lookup_empty(struct thread *thread, uint64_t table, uint64_t slot,
                                   unsigned argument, struct cap **cap);

// The same slot whatever it holds.
MUST_USE enum err cap_lookup_place(struct thread *thread, uint64_t table, uint64_t slot,
                                   unsigned argument, struct cap **cap);

// Called by the capability code.
// Initialise the zeroed memory of a new object and its original's fields; cannot fail.
void object_init(struct cap *original);
// Refuse everything from now on, take one bounded step of destruction; ERR_OK when the object is no
// longer referred to by anything and holds no capability, ERR_AGAIN where more is to do,
// ERR_PREEMPTED where more is to do and somebody waits.
MUST_USE enum err object_destroy_step(struct cap *original);
// A derived capability with CAP_ATTACHED is about to be cleared: detach what hangs on it.
// Preemptible.
MUST_USE enum err object_detach(struct cap *cap);
// A CAP_INTERNAL slot (not a plain one) was emptied by somebody else than its owner: drop what was
// cached from it.
void object_internal_cleared(struct cap *slot);
// An attached capability (frame, page table) was copied to slot `to`; `from` is still intact: fix
// what points to it.
void object_moved(struct cap *to, struct cap *from);
