// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A fault is a call that the kernel makes for a thread; it lends no time.
#include "fault.h"

#include "guest.h"
#include "ipc.h"
#include "notification.h"
#include "sched.h"

static bool usable(const struct cap *cap, enum kind kind)
{
    return cap->kind == kind && !(cap->flags & CAP_MARKED);
}

void fault_trap(struct thread *thread, const struct hal_trap *trap)
{
    const struct cap *handler = &thread->slots[THREAD_FAULT];
    thread->trap = *trap;
    if (!usable(handler, KIND_ENDPOINT)) {
        sched_block(thread, THREAD_SUSPENDED);
        return;
    }
    ipc_send_trap(thread, handler, SENDING_FAULT);
}

bool fault_timeout(struct thread *thread, uint64_t used)
{
    const struct cap *handler = &thread->slots[THREAD_TIMEOUT];
    if (!usable(handler, KIND_ENDPOINT)) {
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
    uint64_t words[MSG_REG_WORDS] = { 0 };
    unsigned length = 3;
    switch (trap->label) {
    case GUEST_SYSCALL: return guest_message(thread, receiver);
    case FAULT_PAGE:
        words[0] = trap->address;
        words[1] = trap->access;
        words[2] = hal_context_ip(&thread->context);
        break;
    case FAULT_EXCEPTION:
        words[0] = trap->vector;
        words[1] = trap->error;
        words[2] = hal_context_ip(&thread->context);
        break;
    case FAULT_TIMEOUT:
        words[0] = trap->address;
        length = 2;
        break;
    default: length = 0; break;  // GUEST_KICK
    }
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        hal_context_set_word(to, i, words[i]);
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
