// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Replies: the right to answer one caller, and the caller's time while it is lent.
//
// A context that is lent from call to call (A calls B calls C) has a chain of the replies it went
// through: context->reply is the last (C's), reply->below the one before.  Every reply in the
// chain, and no other, has reply->context set.
#pragma once

#include "cap.h"
#include "sched_context.h"
#include "thread.h"

struct reply {
    uint8_t object_kind;
    uint8_t reserved[7];
    struct thread *thread;  // BLOCKED_REPLY: the caller; BLOCKED_RECV: the receiver that names this
                            // reply; NULL: neither
    struct sched_context *context;  // lent with the call; NULL: none, or taken back
    struct reply *below;
    uint64_t reserved2[4];
};
#define REPLY_BITS 6
_Static_assert(sizeof(struct reply) == 1u << REPLY_BITS, "size");

static inline struct reply *reply_of(const struct cap *cap)
{
    return (struct reply *)cap->address;
}

// Who waits for the answer; NULL: nobody.
static inline struct thread *reply_caller(const struct reply *reply)
{
    return reply->thread && reply->thread->state == THREAD_BLOCKED_REPLY ? reply->thread : NULL;
}

void reply_init(struct cap *original);
// The caller gets PEER_DIED; a receiver goes on waiting without it.
MUST_USE enum err reply_destroy_step(struct cap *original);

// A call was received: `caller` waits for the answer from now on; with `lend` its context goes to
// `server`.
void reply_open(struct reply *reply, struct thread *caller, struct thread *server, bool lend);

// End all calls that the context was lent with above `until` (NULL: all of them) with ERR_BUDGET;
// their servers fall back and their time-out handlers are told.  False where it was preempted; what
// was done stays done.
MUST_USE bool reply_recall(struct sched_context *context, const struct reply *until);

// The caller stops waiting: it gets its context back and is not runnable yet (the caller of this
// decides).  False where it was preempted while taking back what was lent further.
MUST_USE bool reply_close(struct reply *reply);
