// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A fault is a call that the kernel makes for a thread; it lends no time.
#include "fault.h"

#include "captable.h"
#include "guest.h"
#include "ipc.h"
#include "notification.h"
#include "sched.h"

static bool usable(const struct cap *cap, enum kind kind)
{
    return cap_is(cap, kind, 0);
}

void fault_trap(struct thread *thread, const struct hal_trap *trap)
{
    const struct cap *handler = &thread->slots[THREAD_FAULT];
    thread->trap = *trap;
    if (!usable(handler, KIND_ENDPOINT)) {
        sched_block(thread, THREAD_SUSPENDED);
        return;
    }
    if (!fault_pass(thread, handler, SENDING_FAULT)) {
        ipc_send_trap(thread, handler, SENDING_FAULT);
    }
}

bool fault_pass(struct thread *thread, const struct cap *handler, enum thread_sending sending)
{
    struct cpu *cpu = hal_cpu();
    struct endpoint *endpoint = endpoint_of(handler);
    struct thread *receiver = endpoint->receivers;
    if (!receiver || (receiver->flags & (THREAD_ACTIVE | THREAD_VECTOR)) != THREAD_ACTIVE ||
        (sending == SENDING_FAULT && !receiver->reply) ||
        (int32_t)receiver->priority < cpu->ready_top ||
        !(hal_vector_idle() || cpu->vector_guest == thread) ||
        !sched_account(cpu, receiver->sched)) {
        return false;
    }
    // COMMIT
    struct reply *reply = receiver->reply;
    endpoint_take_receiver(endpoint, receiver);
    if (sending == SENDING_FAULT) {
        reply->thread = thread;
        thread->reply = reply;
        thread_set_state(thread, THREAD_BLOCKED_REPLY, SENDING_FAULT);
    } else {
        if (reply) {
            reply->thread = NULL;
        }
        thread->handler = receiver;
        thread_set_state(thread, THREAD_STOPPED, SENDING_GUEST);
    }
    uint64_t tag = fault_message(thread, receiver);
    hal_context_set_result(&receiver->context, ERR_OK);
    hal_context_set_message(&receiver->context, handler->badge, tag);
    receiver->state = THREAD_READY;
    cpu->current = receiver;
    hal_switch(&receiver->context, receiver->translation);
    return true;
}

bool fault_timeout(struct thread *thread, uint64_t used)
{
    const struct cap *handler = &thread->slots[THREAD_TIMEOUT];
    if (thread->place == PLACE_DISPLACED) {
        return false;  // another CPU may still run it: it cannot stop in a fault here
    }
    if (!usable(handler, KIND_ENDPOINT)) {
        fault_tell_timeout(thread, used);
        return false;
    }
    thread->trap = (struct hal_trap){ .label = FAULT_TIMEOUT, .address = used };
    ipc_send_trap(thread, handler, SENDING_FAULT);
    return true;
}

void fault_tell_timeout(struct thread *thread, uint64_t used)
{
    const struct cap *handler = &thread->slots[THREAD_TIMEOUT];
    if (usable(handler, KIND_NOTIFICATION)) {
        notification_signal(notification_of(handler), handler->badge ? handler->badge : 1);
        return;
    }
    if (!usable(handler, KIND_ENDPOINT)) {
        return;
    }
    struct thread *receiver = endpoint_of(handler)->receivers;
    if (!receiver) {
        return;
    }
    ipc_receive_end(receiver);
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        hal_context_set_word(&receiver->context, i, i == 0 ? used : i == 1);
    }
    hal_context_set_result(&receiver->context, ERR_OK);
    hal_context_set_message(&receiver->context, handler->badge, TAG(FAULT_TIMEOUT, 2, 0));
    sched_wake(receiver);
}

uint64_t fault_message(struct thread *thread, struct thread *receiver)
{
    struct arch_context *to = &receiver->context;
    const struct hal_trap *trap = &thread->trap;
    unsigned length = 3;
    switch (trap->label) {
    case GUEST_SYSCALL: return guest_message(thread, receiver);
    case FAULT_PAGE:
        hal_context_set_word(to, 0, trap->address);
        hal_context_set_word(to, 1, trap->access);
        hal_context_set_word(to, 2, hal_context_ip(&thread->context));
        break;
    case FAULT_EXCEPTION:
        hal_context_set_word(to, 0, trap->vector);
        hal_context_set_word(to, 1, trap->error);
        hal_context_set_word(to, 2, hal_context_ip(&thread->context));
        break;
    case FAULT_TIMEOUT:
        hal_context_set_word(to, 0, trap->address);
        hal_context_set_word(to, 1, 0);
        length = 2;
        break;
    default: length = 0; break;  // GUEST_KICK
    }
    return TAG(trap->label, length, 0);
}

void fault_answered(struct thread *thread, uint64_t tag)
{
    thread->sending = SENDING_SEND;
    if (tag_label(tag)) {
        sched_block(thread, THREAD_SUSPENDED);
        return;
    }
    sched_wake_first(thread);
}
