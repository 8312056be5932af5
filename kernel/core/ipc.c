// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Synchronous messages: find the partner, check, commit, transfer.
#include "ipc.h"

#include "captable.h"
#include "fault.h"
#include "guest.h"
#include "notification.h"
#include "sched.h"
#include "transfer.h"

#include <hal/cpu.h>

void ipc_finish(struct thread *thread, enum err error)
{
    switch ((enum thread_sending)thread->sending) {
    case SENDING_GUEST:
        if (thread->state == THREAD_BLOCKED_SEND) {
            thread->handler = NULL;
            sched_block(thread, THREAD_STOPPED);
            return;
        }
        break;
    case SENDING_FAULT:
        if (error == ERR_DEAD) {
            sched_block(thread, THREAD_SUSPENDED);
            return;
        }
        break;
    case SENDING_SEND:
    case SENDING_CALL: hal_context_set_result(&thread->context, error); break;
    }
    thread->sending = SENDING_SEND;
    sched_wake(thread);
}

void ipc_receive_end(struct thread *thread)
{
    endpoint_remove_receiver(thread);
    if (thread->reply) {
        thread->reply->thread = NULL;
    }
}

// What `sender` sends reaches `receiver`, which is in no queue.  The receiver then needs to be
// woken if it is not the current thread.
static void deliver(struct thread *sender, struct thread *receiver)
{
    struct reply *reply = receiver->reply;
    enum thread_sending sending = (enum thread_sending)sender->sending;
    uint64_t tag = sending <= SENDING_CALL
                       ? transfer_message(sender, receiver, sender->tag, sender->send_rights,
                                          sender->endpoint_address)
                       : fault_message(sender, receiver);
    hal_context_set_result(&receiver->context, ERR_OK);
    hal_context_set_message(&receiver->context, sender->badge, tag);
    if (reply) {
        reply->thread = NULL;
    }
    if (sending == SENDING_GUEST) {
        sched_block(sender, THREAD_STOPPED);
        sender->handler = receiver;
    } else if (sending == SENDING_SEND) {
        if (sender->state == THREAD_BLOCKED_SEND) {
            ipc_finish(sender, ERR_OK);
        }
    } else if (reply) {
        reply_open(reply, sender, receiver, sending == SENDING_CALL && !receiver->own);
    } else {
        ipc_finish(sender, ERR_PEER_DIED);
    }
}

// A caller must have `min_budget` left to enter.  OK, ERR_BUDGET (it never can), or ERR_PREEMPTED:
// it waits for replenishment and then tries again.
static enum err budget_check(struct thread *thread, uint64_t min_budget)
{
    struct cpu *cpu = hal_cpu();
    struct sched_context *context = thread->sched;
    if (!context) {
        return ERR_PREEMPTED;
    }
    if (min_budget > context->budget) {
        return ERR_BUDGET;
    }
    if (sched_has_budget(cpu, thread, min_budget)) {
        return ERR_OK;
    }
    uint64_t now = sched_charge(cpu);
    if (thread->state != THREAD_READY || thread->sched != context || context->waiting) {
        return ERR_PREEMPTED;  // the charge found it used up
    }
    // Who has waited for it has used a little since, on the way back into the kernel.
    uint64_t slack = thread->gathered ? min_budget / 8 : 0;
    thread->gathered = false;
    if (sched_context_head(context)->amount + slack >= min_budget) {
        return ERR_OK;
    }
    sched_context_gather(context, min_budget);
    if (sched_context_ready(context, now)) {
        return ERR_OK;
    }
    thread->gathered = true;
    sched_wait(context, sched_context_head(context)->time);
    return ERR_PREEMPTED;
}

enum err ipc_send(struct thread *thread, uint64_t slot, uint64_t tag, enum thread_sending sending,
                  bool block)
{
    struct cap *cap;
    enum err error = cap_find(thread, slot, KIND_ENDPOINT, RIGHT_SEND, 0, &cap);
    if (error || (error = transfer_check(thread, tag, cap->rights))) {
        return error;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    struct thread *receiver = endpoint->receivers;
    if (!receiver && !block) {
        return ERR_AGAIN;
    }
    if (endpoint->min_budget && sending == SENDING_CALL &&
        (error = budget_check(thread, endpoint->min_budget))) {
        return error;
    }
    // COMMIT
    thread->sending = (uint8_t)sending;
    thread->tag = tag;
    thread->badge = cap->badge;
    thread->send_rights = cap->rights;
    thread->endpoint_address = cap->address;
    if (!receiver) {
        sched_block(thread, THREAD_BLOCKED_SEND);
        endpoint_add_sender(endpoint, thread);
        return ERR_BLOCKED;
    }
    endpoint_take_receiver(endpoint, receiver);
    deliver(thread, receiver);
    sched_wake_first(receiver);
    return sending == SENDING_SEND ? ERR_OK : ERR_BLOCKED;
}

void ipc_send_trap(struct thread *thread, const struct cap *cap, enum thread_sending sending)
{
    struct endpoint *endpoint = endpoint_of(cap);
    struct thread *receiver = endpoint->receivers;
    thread->sending = (uint8_t)sending;
    thread->badge = cap->badge;
    sched_block(thread, THREAD_BLOCKED_SEND);
    if (!receiver) {
        endpoint_add_sender(endpoint, thread);
        return;
    }
    endpoint_take_receiver(endpoint, receiver);
    deliver(thread, receiver);
    sched_wake_first(receiver);
}

// The Reply in `slot` for a receive (0: none): it must be free.
static enum err receive_reply(struct thread *thread, uint64_t slot, struct reply **reply)
{
    struct cap *cap;
    *reply = NULL;
    if (!slot) {
        return ERR_OK;
    }
    enum err error = cap_find(thread, slot, KIND_REPLY, 0, 2, &cap);
    if (error) {
        return error;
    }
    *reply = reply_of(cap);
    return (*reply)->thread ? err_blame(ERR_STATE, 2) : ERR_OK;
}

enum err ipc_receive_from(struct thread *thread, struct endpoint *endpoint, struct reply *reply,
                          bool block)
{
    uint64_t word = thread->notification ? notification_take(thread->notification) : 0;
    if (word) {
        ipc_deliver_notification(thread, word);
        return ERR_BLOCKED;
    }
    struct thread *sender = endpoint_first_sender(endpoint);
    if (!sender && !block) {
        return ERR_AGAIN;
    }
    thread->reply = reply;
    if (thread->sched) {
        sched_unwait(thread->sched);  // a fall-back context, which it was to go on with
    }
    if (sender) {
        endpoint_remove_sender(sender);
        deliver(sender, thread);
        sched_wake(thread);  // time that a waiting caller lends may have to be waited for
        return ERR_BLOCKED;
    }
    if (reply) {
        reply->thread = thread;
    }
    sched_block(thread, THREAD_BLOCKED_RECV);
    thread->sending = SENDING_SEND;
    sched_park(thread);
    endpoint_add_receiver(endpoint, thread);
    return ERR_BLOCKED;
}

enum err ipc_receive(struct thread *thread, uint64_t slot, uint64_t reply_slot, bool block)
{
    struct cap *cap;
    struct reply *reply;
    enum err error = cap_find(thread, slot, KIND_ENDPOINT, RIGHT_RECEIVE, 0, &cap);
    if (error || (error = receive_reply(thread, reply_slot, &reply))) {
        return error;
    }
    return ipc_receive_from(thread, endpoint_of(cap), reply, block);
}

// Answer the caller of `reply`, which has one; the tag has been checked.
static enum err answer(struct thread *thread, struct reply *reply, uint64_t tag)
{
    struct thread *caller = reply->thread;
    bool fault = caller->sending == SENDING_FAULT;
    if (!reply_close(reply)) {
        return ERR_PREEMPTED;
    }
    if (fault) {
        fault_answered(caller, tag);
        return ERR_OK;
    }
    tag = transfer_message(thread, caller, tag, RIGHT_GRANT, 0);
    hal_context_set_result(&caller->context, ERR_OK);
    hal_context_set_message(&caller->context, 0, tag);
    sched_wake_first(caller);
    return ERR_OK;
}

// The capability to answer with: a Reply with a caller, or the Thread of a stopped guest.
static enum err reply_lookup(struct thread *thread, uint64_t slot, unsigned argument,
                             struct cap **cap)
{
    enum err error = cap_lookup(thread, slot, cap);
    if (error) {
        return err_blame(error, argument);
    }
    if ((*cap)->kind == KIND_REPLY) {
        return reply_caller(reply_of(*cap)) ? ERR_OK : err_blame(ERR_STATE, argument);
    }
    if ((*cap)->kind != KIND_THREAD) {
        return err_blame(ERR_TYPE, argument);
    }
    if (!((*cap)->rights & RIGHT_WRITE)) {
        return err_blame(ERR_RIGHTS, argument);
    }
    return thread_of(*cap)->state == THREAD_STOPPED ? ERR_OK : err_blame(ERR_STATE, argument);
}

static enum err reply_through(struct thread *thread, struct cap *cap, uint64_t tag)
{
    return cap->kind == KIND_THREAD ? guest_resume(thread, thread_of(cap), tag)
                                    : answer(thread, reply_of(cap), tag);
}

enum err ipc_reply(struct thread *thread, uint64_t slot, uint64_t tag, unsigned argument)
{
    struct cap *cap;
    enum err error = reply_lookup(thread, slot, argument, &cap);
    if (error || (error = transfer_check(thread, tag, RIGHT_GRANT))) {
        return error;
    }
    return reply_through(thread, cap, tag);
}

enum err ipc_reply_receive(struct thread *thread, uint64_t slot, uint64_t tag, uint64_t reply_slot)
{
    struct cap *cap;
    enum err error = cap_find(thread, slot, KIND_ENDPOINT, RIGHT_RECEIVE, 0, &cap);
    if (error) {
        return error;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    struct cap *reply;
    error = reply_lookup(thread, reply_slot, 2, &reply);
    if (!error && reply->kind == KIND_THREAD) {
        error = transfer_check(thread, tag, RIGHT_GRANT);
        return error ? error : guest_answer_receive(thread, endpoint, thread_of(reply), tag);
    }
    if (error || (error = transfer_check(thread, tag, RIGHT_GRANT))) {
        return error;
    }
    // The answer may move the capability away and another one into its slot.
    struct reply *answered = reply_of(reply);
    error = reply_through(thread, reply, tag);
    return error ? error : ipc_receive_from(thread, endpoint, answered, true);
}

bool ipc_cancel(struct thread *thread, enum err error)
{
    switch ((enum thread_state)thread->state) {
    case THREAD_SUSPENDED:
    case THREAD_READY:
    case THREAD_STOPPED: return true;
    case THREAD_BLOCKED_SEND: endpoint_remove_sender(thread); break;
    case THREAD_BLOCKED_RECV: ipc_receive_end(thread); break;
    case THREAD_BLOCKED_REPLY:
        if (!reply_close(thread->reply)) {
            return false;
        }
        break;
    case THREAD_BLOCKED_WAIT: notification_remove_waiter(thread); break;
    }
    ipc_finish(thread, error);
    return true;
}
