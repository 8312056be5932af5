// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Synchronous messages, the general path.  fastpath.c does the common cases of call and reply_recv
// the same way, shorter.
#pragma once

#include "endpoint.h"
#include "notification.h"
#include "reply.h"
#include "thread.h"

// System calls.  The caller is the current thread.  ERR_BLOCKED: its result is, or will be, in its
// context.
MUST_USE enum err ipc_send(struct thread *thread, uint64_t slot, uint64_t tag,
                           enum thread_sending sending, bool block);
MUST_USE enum err ipc_receive(struct thread *thread, uint64_t slot, uint64_t reply, bool block);
MUST_USE enum err ipc_reply(struct thread *thread, uint64_t slot, uint64_t tag, unsigned argument);
MUST_USE enum err ipc_reply_receive(struct thread *thread, uint64_t slot, uint64_t tag,
                                    uint64_t reply);

// Receive from an endpoint; everything has been checked.  `reply` is free, or NULL.
MUST_USE enum err ipc_receive_from(struct thread *thread, struct endpoint *endpoint,
                                   struct reply *reply, bool block);

// Send what the kernel says for `thread` (SENDING_FAULT, SENDING_GUEST; thread->trap) to
// the endpoint of `cap`, or queue.
void ipc_send_trap(struct thread *thread, const struct cap *cap, enum thread_sending sending);

// End what a thread is blocked in (it is in no queue and no reply stands for it any more): a system
// call returns `error`; a faulted thread goes on, or is suspended where nobody will ever answer
// (DEAD); a guest stays stopped.
void ipc_finish(struct thread *thread, enum err error);

// Take a thread out of an endpoint's receivers and off its Reply.
void ipc_receive_end(struct thread *thread);

// Give a thread that receives (blocked, or the current one) the bound notification's word.
static inline void ipc_deliver_notification(struct thread *thread, uint64_t word)
{
    hal_context_set_result(&thread->context, ERR_OK);
    hal_context_set_message(&thread->context, word, TAG_NOTIFICATION);
}

// Whatever a thread is blocked in ends with `error`; false: preempted, call again.  Not blocked:
// nothing happens.
MUST_USE bool ipc_cancel(struct thread *thread, enum err error);

// The current thread receives from now on.
static inline void ipc_block_receiving(struct endpoint *endpoint, struct thread *thread,
                                       struct reply *reply)
{
    if (reply) {
        reply->thread = thread;
    }
    thread->reply = reply;
    thread_set_state(thread, THREAD_BLOCKED_RECV, SENDING_SEND);
    endpoint_add_receiver(endpoint, thread);
}

// Nothing can be received from `endpoint` now, so that a receive blocks.
static inline bool ipc_nothing_to_receive(const struct endpoint *endpoint,
                                          const struct thread *thread)
{
    return !endpoint->senders.root &&
           (LIKELY(!(thread->flags & THREAD_BOUND)) || !thread->notification->word);
}
