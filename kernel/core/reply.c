// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Replies and lent time.  The fast path does the same as reply_open and reply_close for the common
// case.
#include "reply.h"

#include "fault.h"
#include "ipc.h"
#include "preempt.h"
#include "sched.h"

void reply_init(struct cap *original)
{
    reply_of(original)->object_kind = KIND_REPLY;
}

void reply_open(struct reply *reply, struct thread *caller, struct thread *server, bool lend)
{
    struct sched_context *context = caller->sched;
    reply->thread = caller;
    caller->reply = reply;
    sched_block(caller, THREAD_BLOCKED_REPLY);
    if (!lend || !context) {
        return;
    }
    reply->context = context;
    reply->below = context->reply;
    context->reply = reply;
    caller->sched = NULL;
    sched_assign(server, context);
}

// Take the last loan off the chain: the context is its caller's again.  Returns the server that
// used it; NULL: it was parked.
static struct thread *reply_pop(struct sched_context *context)
{
    struct reply *reply = context->reply;
    struct thread *server = context->thread;
    struct thread *caller = reply->thread;
    context->reply = reply->below;
    reply->below = NULL;
    reply->context = NULL;
    if (server) {
        sched_drop(server);
    }
    sched_assign(caller, context);
    return server;
}

bool reply_recall(struct sched_context *context, const struct reply *until)
{
    while (context->reply != until) {
        struct reply *reply = context->reply;
        struct thread *caller = reply->thread;
        struct thread *server = reply_pop(context);
        reply->thread = NULL;
        if (server) {
            fault_tell_timeout(server, context->used);
        }
        ipc_finish(caller, ERR_BUDGET);
        if (preempt_point(PREEMPT_WORK)) {
            return false;
        }
    }
    return true;
}

bool reply_close(struct reply *reply)
{
    struct sched_context *context = reply->context;
    if (context) {
        if (!reply_recall(context, reply)) {
            return false;
        }
        (void)reply_pop(context);
    }
    reply->thread = NULL;
    return true;
}

enum err reply_destroy_step(struct cap *original)
{
    struct reply *reply = reply_of(original);
    struct thread *caller = reply_caller(reply);
    if (!caller) {
        if (reply->thread) {
            reply->thread->reply = NULL;  // it goes on receiving without
        }
        return ERR_OK;
    }
    if (!reply_close(reply)) {
        return ERR_PREEMPTED;
    }
    ipc_finish(caller, ERR_PEER_DIED);
    return ERR_OK;
}
