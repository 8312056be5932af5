// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// call and reply_recv when everything is simple: refuse, commit, do.  Entry code jumps here with the message words in
// their registers.  This file is compiled so that the compiler never touches those registers, and the resume at
// the end leaves them as they are: the words do not see memory between sender and receiver.
//
// Refuses (takes the slow path, which does the same and everything else) when: the message carries capabilities, somebody else is
// to run first, the partner is not waiting, or time is not simply lent and given back.
#include <hal/cpu.h>

#include "captable.h"
#include "entry.h"
#include "ipc.h"
#include "sched.h"

enum {
#define SYSCALL(number, name, args, fails, text) SYS_##name = (number),
#define DEBUG_SYSCALL(number, name, args, fails, text)
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

#define TAG_LOW_MASK ((1ull << TAG_LABEL_SHIFT) - 1)

// Words 6 and on.  False: it cannot be done here.
static inline bool long_message(const struct thread *from, struct thread *to, uint64_t tag)
{
    uint64_t length = tag & TAG_LOW_MASK;
    if (length > MSG_MAX_WORDS || !from->buffer || !to->buffer) {
        return false;
    }
    for (uint64_t i = MSG_REG_WORDS; i < length; i++) {
        to->buffer->words[i] = from->buffer->words[i];
    }
    return true;
}

// Both parts of a thread's state in one store.
static inline void set_state(struct thread *thread, enum thread_state state, enum thread_sending sending)
{
    uint16_t both = (uint16_t)((unsigned)state | (unsigned)sending << 8);
    __builtin_memcpy(&thread->state, &both, sizeof(both));
}
_Static_assert(offsetof(struct thread, sending) == offsetof(struct thread, state) + 1, "one store");

// Nobody with more priority than `next` waits, and no vector registers are involved.
static inline bool direct(const struct cpu *cpu, const struct thread *next)
{
    return (int32_t)next->priority >= cpu->ready_top && hal_vector_idle();
}

// A receiver that is alone, as most are, leaves with two accesses.
static inline void take_receiver(struct endpoint *endpoint, struct thread *receiver)
{
    struct thread *next = receiver->next;
    if (LIKELY(next == receiver)) {
        endpoint->receivers = NULL;
        return;
    }
    endpoint->receivers = next;
    next->prev = receiver->prev;
    receiver->prev->next = next;
}

HOT void kernel_fast_call(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused, struct arch_context *context)
{
    (void)unused;
    struct thread *thread = (struct thread *)context;
    struct cap *cap = thread->cspace + slot;
    if (UNLIKELY(slot >= thread->cspace_count) || UNLIKELY(!cap_is(cap, KIND_ENDPOINT, RIGHT_SEND))) {
        goto slow;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    struct thread *receiver = endpoint->receivers;
    if (UNLIKELY(!receiver) || UNLIKELY(endpoint->min_budget)) {
        goto slow;
    }
    struct reply *reply = receiver->reply;
    struct cpu *cpu = hal_cpu();
    if (UNLIKELY(!reply) || UNLIKELY(receiver->flags & (THREAD_ACTIVE | THREAD_VECTOR)) || UNLIKELY(!direct(cpu, receiver))) {
        goto slow;
    }
    if (UNLIKELY((tag & TAG_LOW_MASK) > MSG_REG_WORDS) && !long_message(thread, receiver, tag)) {
        goto slow;
    }
    // COMMIT
    take_receiver(endpoint, receiver);
    struct sched_context *sched = thread->sched;
    reply->thread = thread;
    reply->context = sched;
    reply->below = sched->reply;
    sched->reply = reply;
    sched->thread = receiver;
    thread->sched = NULL;
    thread->reply = reply;
    set_state(thread, THREAD_BLOCKED_REPLY, SENDING_CALL);
    receiver->sched = sched;
    receiver->state = THREAD_READY;
    cpu->current = receiver;
    hal_pass(context, &receiver->context, receiver->translation, cap->badge, tag);
slow:
    hal_syscall_slow(slot, tag, third, SYS_call, context);
}

HOT void kernel_fast_reply_recv(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused, struct arch_context *context)
{
    (void)unused;
    struct thread *thread = (struct thread *)context;
    struct cap *cap = thread->cspace + slot;
    struct cap *reply_cap = thread->cspace + third;
    if (UNLIKELY(slot >= thread->cspace_count) || UNLIKELY(third >= thread->cspace_count) ||
        UNLIKELY(!cap_is(cap, KIND_ENDPOINT, RIGHT_RECEIVE)) || UNLIKELY(!cap_is(reply_cap, KIND_REPLY, 0))) {
        goto slow;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    struct reply *reply = (struct reply *)reply_cap->address;
    struct sched_context *sched = thread->sched;
    // The time in use is what this call lent, so that there is a caller and the context does not change.
    if (UNLIKELY(sched->reply != reply) || UNLIKELY(endpoint->senders.root) || UNLIKELY(thread->flags & THREAD_BOUND)) {
        goto slow;
    }
    struct cpu *cpu = hal_cpu();
    struct thread *caller = reply->thread;
    if (UNLIKELY(caller->flags & THREAD_VECTOR) || UNLIKELY(!direct(cpu, caller))) {
        goto slow;
    }
    if (UNLIKELY((tag & TAG_LOW_MASK) > MSG_REG_WORDS) && !long_message(thread, caller, tag)) {
        goto slow;
    }
    // COMMIT
    sched->reply = reply->below;
    sched->thread = caller;
    reply->thread = thread;
    reply->context = NULL;
    thread->sched = NULL;
    thread->reply = reply;
    set_state(thread, THREAD_BLOCKED_RECV, SENDING_SEND);
    caller->sched = sched;
    set_state(caller, THREAD_READY, SENDING_SEND);
    endpoint_add_receiver(endpoint, thread);
    cpu->current = caller;
    hal_pass(context, &caller->context, caller->translation, 0, tag);
slow:
    hal_syscall_slow(slot, tag, third, SYS_reply_recv, context);
}
