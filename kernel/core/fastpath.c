// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// call and reply_recv when everything is simple: refuse, commit, do.  Entry code jumps here with
// the message words in their registers.  This file is compiled so that the compiler never touches
// those registers, and the resume at the end leaves them as they are: the words do not see memory
// between sender and receiver.
//
// Refuses (takes the slow path, which does the same and everything else) when: the message carries
// capabilities, somebody else is to run first, the partner is not waiting, or time is not simply
// lent and given back.
#include "aspace.h"
#include "captable.h"
#include "entry.h"
#include "guest.h"
#include "ipc.h"
#include "sched.h"
#include "transfer.h"

#include <hal/cpu.h>

enum {
#define SYSCALL(number, name, args, fails, text) SYS_##name = (number),
#define DEBUG_SYSCALL(number, name, args, fails, text)
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};

// Words 6 and on.  False: it cannot be done here.
static inline bool long_message(const struct thread *from, struct thread *to, uint64_t tag)
{
    if ((tag & TAG_LOW_MASK) > MSG_MAX_WORDS || !from->buffer || !to->buffer) {
        return false;
    }
    uint64_t length = tag &
                      TAG_LENGTH_MASK;  // within a buffer whatever the CPU made of the comparison
    for (uint64_t i = MSG_REG_WORDS; i < length; i++) {
        to->buffer->words[i] = from->buffer->words[i];
    }
    return true;
}

// Nobody with more priority than `next` waits, and no vector registers are involved.
static inline bool direct(const struct cpu *cpu, const struct thread *next)
{
    return (int32_t)next->priority >= cpu->ready_top && hal_vector_idle();
}

HOT void kernel_fast_call(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused,
                          struct arch_context *context)
{
    (void)unused;
    struct thread *thread = (struct thread *)context;
    struct cap *cap = cap_at(thread->cspace, slot, thread->cspace_count);
    if (UNLIKELY(slot >= thread->cspace_count) ||
        UNLIKELY(!cap_is(cap, KIND_ENDPOINT, RIGHT_SEND))) {
        goto slow;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    struct thread *receiver = endpoint->receivers;
    if (UNLIKELY(!receiver) || (UNLIKELY(endpoint->min_budget) &&
                                !sched_has_budget(hal_cpu(), thread, endpoint->min_budget))) {
        goto slow;
    }
    struct reply *reply = receiver->reply;
    struct cpu *cpu = hal_cpu();
    if (UNLIKELY(!reply) || UNLIKELY(receiver->flags & THREAD_VECTOR) ||
        UNLIKELY(!direct(cpu, receiver))) {
        goto slow;
    }
    if (UNLIKELY((tag & TAG_LOW_MASK) > MSG_REG_WORDS) && !long_message(thread, receiver, tag)) {
        goto slow;
    }
    struct sched_context *sched = thread->sched;
    if (UNLIKELY(receiver->flags & THREAD_ACTIVE)) {
        if (!sched_account(cpu, receiver->sched)) {
            goto slow;
        }
    } else {
        // COMMIT: nothing below can fail.  Lend the time.
        reply->context = sched;
        reply->below = sched->reply;
        sched->reply = reply;
        sched->thread = receiver;
        thread->sched = NULL;
        receiver->sched = sched;
    }
    endpoint_take_receiver(endpoint, receiver);
    reply->thread = thread;
    thread->reply = reply;
    thread_set_state(thread, THREAD_BLOCKED_REPLY, SENDING_CALL);
    receiver->state = THREAD_READY;
    cpu->current = receiver;
    hal_pass(context, &receiver->context, receiver->translation, cap->badge, tag);
slow:
    hal_syscall_slow(slot, tag, third, SYS_call, context);
}

// The thread that a Reply or a guest's Thread answers, if it can be resumed here; NULL: it cannot.
static inline struct thread *answered(const struct cap *cap, uint64_t tag)
{
    if (LIKELY(cap_is(cap, KIND_REPLY, 0))) {
        struct thread *caller = ((struct reply *)cap->address)->thread;
        return caller && caller->state == THREAD_BLOCKED_REPLY &&
                       (caller->sending == SENDING_CALL || !tag_label(tag))
                   ? caller
                   : NULL;
    }
    if (!cap_is(cap, KIND_THREAD, RIGHT_WRITE)) {
        return NULL;
    }
    struct thread *guest = (struct thread *)cap->address;
    return guest->state == THREAD_STOPPED && tag_label(tag) <= GUEST_RESULT ? guest : NULL;
}

// Not the return of lent time: `caller`, which faulted, or is a guest, or runs on a context of its
// own.  Returns only where it refuses.
static __attribute__((noinline)) void answer_other(struct endpoint *endpoint, struct cap *cap,
                                                   uint64_t tag, struct arch_context *context)
{
    struct thread *thread = (struct thread *)context;
    struct cpu *cpu = hal_cpu();
    struct thread *caller = answered(cap, tag);
    struct reply *reply = cap->kind == KIND_REPLY ? (struct reply *)cap->address : NULL;
    if (!caller || caller->kicked || (reply && reply->context) ||
        !(caller->flags & THREAD_ACTIVE) || (int32_t)caller->priority < cpu->ready_top ||
        !thread_vector_unchanged(cpu, caller) || !sched_account(cpu, caller->sched)) {
        return;
    }
    enum thread_sending sending = (enum thread_sending)caller->sending;
    // COMMIT
    if (UNLIKELY(thread->sched != thread->own)) {
        sched_park(thread);
        cpu->resched = false;
    }
    ipc_block_receiving(endpoint, thread, reply);
    if (sending == SENDING_GUEST && tag_label(tag)) {
        hal_context_set_guest_result(&caller->context, hal_live_word_0());
    }
    thread_set_state(caller, THREAD_READY, SENDING_SEND);
    cpu->current = caller;
    if (sending == SENDING_CALL) {
        hal_pass(context, &caller->context, caller->translation, 0, tag);
    }
    hal_switch(&caller->context, caller->translation);
    hal_resume();
}

// The answer to a guest's fault that carries a mapping of one page.  Returns only where it refuses:
// the tag of what is left to do, without the mapping where that was done.
static __attribute__((noinline)) uint64_t answer_map(struct endpoint *endpoint,
                                                     const struct cap *cap, uint64_t tag,
                                                     struct arch_context *context)
{
    struct thread *thread = (struct thread *)context;
    struct thread *guest = (struct thread *)cap->address;
    struct cpu *cpu = hal_cpu();
    struct cap *frame;
    if (guest->state != THREAD_STOPPED || tag_label(tag) & GUEST_LOAD ||
        !(guest->flags & THREAD_ACTIVE) || guest->kicked ||
        (int32_t)guest->priority < cpu->ready_top || !thread_vector_unchanged(cpu, guest) ||
        thread->sched != thread->own) {
        return tag;
    }
    hal_save_words(context);
    uint64_t range = hal_context_word(context, 3);
    uint64_t words[4] = { hal_context_word(context, 2), range & UINT32_MAX, range >> 32,
                          hal_context_word(context, 4) };
    if (words[2] != 1 || cap_find(thread, hal_context_word(context, 1), KIND_FRAME, 0, 8, &frame) ||
        frame_map(frame, words)) {
        return tag;  // nothing was mapped
    }
    tag &= ~((uint64_t)GUEST_MAP << TAG_LABEL_SHIFT);
    if (!sched_account(cpu, guest->sched)) {
        return tag;
    }
    // COMMIT
    ipc_block_receiving(endpoint, thread, NULL);
    if (tag_label(tag)) {
        hal_context_set_guest_result(&guest->context, hal_context_word(context, 0));
    }
    thread_set_state(guest, THREAD_READY, SENDING_SEND);
    cpu->current = guest;
    hal_switch(&guest->context, guest->translation);
    hal_resume();
}

// A guest goes on as its frame says.  Returns as answer_map does.
static __attribute__((noinline)) uint64_t answer_load(struct endpoint *endpoint, struct cap *cap,
                                                      uint64_t tag, struct arch_context *context)
{
    struct thread *guest = (struct thread *)cap->address;
    if (guest->state == THREAD_STOPPED && guest->guest_frame &&
        tag >> TAG_LABEL_SHIFT <= (GUEST_RESULT | GUEST_LOAD)) {
        guest_frame_load(guest);
        tag &= ~((uint64_t)GUEST_LOAD << TAG_LABEL_SHIFT);
        answer_other(endpoint, cap, tag, context);
    }
    return tag;
}

HOT void kernel_fast_reply_recv(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused,
                                struct arch_context *context)
{
    (void)unused;
    struct thread *thread = (struct thread *)context;
    struct cap *cap = cap_at(thread->cspace, slot, thread->cspace_count);
    struct cap *reply_cap = cap_at(thread->cspace, third, thread->cspace_count);
    if (UNLIKELY(slot >= thread->cspace_count) || UNLIKELY(third >= thread->cspace_count) ||
        UNLIKELY(!cap_is(cap, KIND_ENDPOINT, RIGHT_RECEIVE))) {
        goto slow;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    if (UNLIKELY(!ipc_nothing_to_receive(endpoint, thread))) {
        goto slow;
    }
    struct reply *reply = (struct reply *)reply_cap->address;
    struct sched_context *sched = thread->sched;
    struct cpu *cpu = hal_cpu();
    if (UNLIKELY(cpu->ready_top == READY_POKED)) {
        goto slow;  // there may be no context any more
    }
    // Most often the time in use is what this call lent: then there is a caller and the context
    // does not change.
    if (UNLIKELY(!cap_is(reply_cap, KIND_REPLY, 0)) || UNLIKELY(sched->reply != reply)) {
        if ((tag & TAG_LOW_MASK) > MSG_REG_WORDS) {
            goto slow;
        }
        if (tag_label(tag) & (GUEST_MAP | GUEST_LOAD) &&
            cap_is(reply_cap, KIND_THREAD, RIGHT_WRITE)) {
            tag = tag_label(tag) & GUEST_MAP ? answer_map(endpoint, reply_cap, tag, context)
                                             : answer_load(endpoint, reply_cap, tag, context);
        } else {
            answer_other(endpoint, reply_cap, tag, context);
        }
        goto slow;
    }
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
    thread_set_state(thread, THREAD_BLOCKED_RECV, SENDING_SEND);
    caller->sched = sched;
    thread_set_state(caller, THREAD_READY, SENDING_SEND);
    endpoint_add_receiver(endpoint, thread);
    cpu->current = caller;
    hal_pass(context, &caller->context, caller->translation, 0, tag);
slow:
    hal_syscall_slow(slot, tag, third, SYS_reply_recv, context);
}

// One-way, to a receiver that outranks the sender: the sender goes on later.
HOT void kernel_fast_send(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused,
                          struct arch_context *context)
{
    (void)unused;
    struct thread *thread = (struct thread *)context;
    struct cap *cap = cap_at(thread->cspace, slot, thread->cspace_count);
    if (UNLIKELY(slot >= thread->cspace_count) ||
        UNLIKELY(!cap_is(cap, KIND_ENDPOINT, RIGHT_SEND)) ||
        UNLIKELY((tag & TAG_LOW_MASK) > MSG_REG_WORDS)) {
        goto slow;
    }
    struct endpoint *endpoint = endpoint_of(cap);
    struct thread *receiver = endpoint->receivers;
    struct cpu *cpu = hal_cpu();
    if (UNLIKELY(!receiver) || UNLIKELY(!(receiver->flags & THREAD_ACTIVE)) ||
        UNLIKELY(receiver->priority <= thread->priority) ||
        UNLIKELY(receiver->flags & THREAD_VECTOR) || UNLIKELY(!direct(cpu, receiver)) ||
        UNLIKELY(!sched_account(cpu, receiver->sched))) {
        goto slow;
    }
    // COMMIT
    endpoint_take_receiver(endpoint, receiver);
    if (receiver->reply) {
        receiver->reply->thread = NULL;
    }
    receiver->state = THREAD_READY;
    hal_save_words(context);
    hal_context_set_result(context, ERR_OK);
    hal_context_set_message(context, slot, tag);
    sched_preempted(cpu, thread);
    cpu->current = receiver;
    hal_pass(context, &receiver->context, receiver->translation, cap->badge, tag);
slow:
    hal_syscall_slow(slot, tag, third, SYS_send, context);
}

// The handler that waits, with a context of its own (and a Reply, where one is needed), for the
// traps of the current thread; NULL: it is not that simple.  The accounting has been switched to
// it, nothing else was done.
static inline struct thread *trap_handler(struct thread *thread, const struct cap *cap, bool reply)
{
    struct cpu *cpu = hal_cpu();
    if (UNLIKELY(!cap_is(cap, KIND_ENDPOINT, 0))) {
        return NULL;
    }
    struct thread *receiver = endpoint_of(cap)->receivers;
    if (UNLIKELY(!receiver) ||
        UNLIKELY((receiver->flags & (THREAD_ACTIVE | THREAD_VECTOR)) != THREAD_ACTIVE) ||
        UNLIKELY((int32_t)receiver->priority < cpu->ready_top) ||
        UNLIKELY(!hal_vector_idle() && cpu->vector_guest != thread) ||
        UNLIKELY(reply && !receiver->reply) || UNLIKELY(!sched_account(cpu, receiver->sched))) {
        return NULL;
    }
    return receiver;
}

// It takes the trap.
static inline void guest_stop(struct thread *thread, struct endpoint *endpoint,
                              struct thread *receiver)
{
    struct reply *reply = receiver->reply;
    endpoint_take_receiver(endpoint, receiver);
    if (reply) {
        reply->thread = NULL;
    }
    thread->handler = receiver;
    thread_set_state(thread, THREAD_STOPPED, SENDING_GUEST);
    receiver->state = THREAD_READY;
    hal_cpu()->current = receiver;
}

static inline void fault_stop(struct thread *thread, struct endpoint *endpoint,
                              struct thread *receiver)
{
    struct reply *reply = receiver->reply;
    endpoint_take_receiver(endpoint, receiver);
    reply->thread = thread;
    thread->reply = reply;
    thread_set_state(thread, THREAD_BLOCKED_REPLY, SENDING_FAULT);
    receiver->state = THREAD_READY;
    hal_cpu()->current = receiver;
}

// A guest's system call.  Its registers are in its context; the arguments go from there straight
// into the handler's message registers.
HOT void kernel_fast_guest(struct arch_context *context)
{
    struct thread *thread = (struct thread *)context;
    const struct cap *cap = &thread->slots[THREAD_FAULT];
    struct thread *receiver = UNLIKELY(thread->flags & THREAD_FRAME_SYSCALLS)
                                  ? NULL
                                  : trap_handler(thread, cap, false);
    if (!receiver) {
        return;
    }
    // COMMIT
    guest_stop(thread, endpoint_of(cap), receiver);
    hal_pass_guest(context, &receiver->context, receiver->translation, cap->badge,
                   TAG(GUEST_SYSCALL_LABEL(hal_context_guest_number(context)), MSG_REG_WORDS, 0));
}

// A page fault, likewise.
HOT void kernel_fast_fault(struct arch_context *context, const struct hal_trap *trap)
{
    struct thread *thread = (struct thread *)context;
    const struct cap *cap = &thread->slots[THREAD_FAULT];
    bool guest = thread->flags & THREAD_GUEST;
    struct thread *receiver = trap_handler(thread, cap, !guest);
    if (!receiver) {
        return;
    }
    // COMMIT
    if (guest) {
        guest_stop(thread, endpoint_of(cap), receiver);
        if (thread->guest_frame) {
            guest_frame_write(thread, trap);
        }
    } else {
        fault_stop(thread, endpoint_of(cap), receiver);
    }
    hal_set_live_words(trap->address, trap->access, hal_context_ip(context));
    hal_pass_from_guest(context, &receiver->context, receiver->translation, cap->badge,
                        TAG(FAULT_PAGE, 3, 0));
}
