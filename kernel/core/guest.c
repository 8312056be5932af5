// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guests.  The guest frame is user memory: written once when a trap is delivered, copied once when
// the answer asks for it, then sanitised.
#include "guest.h"

#include "aspace.h"
#include "captable.h"
#include "cpu.h"
#include "fault.h"
#include "ipc.h"
#include "sched.h"

#include <hal/cpu.h>

void guest_frame_write(struct thread *guest, const struct hal_trap *trap)
{
    struct guest_frame *frame = guest->guest_frame;
    hal_context_read(&guest->context, &frame->regs);
    frame->trap = trap->label;
    frame->vector = trap->vector;
    frame->error = trap->error;
    frame->address = trap->address;
}

void guest_frame_load(struct thread *guest)
{
    struct thread_regs regs = guest->guest_frame->regs;
    hal_context_write(&guest->context, &regs);
}

void guest_trap(struct thread *guest, const struct hal_trap *trap)
{
    const struct cap *handler = &guest->slots[THREAD_FAULT];
    guest->trap = *trap;
    if (guest->guest_frame &&
        (trap->label != GUEST_SYSCALL || guest->flags & THREAD_FRAME_SYSCALLS)) {
        guest_frame_write(guest, trap);
    }
    if (!cap_is(handler, KIND_ENDPOINT, 0)) {
        guest->handler = NULL;
        sched_block(guest, THREAD_STOPPED);
        guest->sending = SENDING_GUEST;
        return;
    }
    if (!fault_pass(guest, handler, SENDING_GUEST)) {
        ipc_send_trap(guest, handler, SENDING_GUEST);
    }
}

uint64_t guest_message(struct thread *guest, struct thread *receiver)
{
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        hal_context_set_word(&receiver->context, i, hal_context_guest_arg(&guest->context, i));
    }
    return TAG(GUEST_SYSCALL_LABEL(hal_context_guest_number(&guest->context)), MSG_REG_WORDS, 0);
}

// One mapping before the resume: words 1-4 of the handler.
static enum err answer_map(struct thread *handler)
{
    struct cap *frame;
    enum err error = cap_find(handler, hal_context_word(&handler->context, 1), KIND_FRAME, 0, 8,
                              &frame);
    if (error) {
        return error;
    }
    uint64_t range = hal_context_word(&handler->context, 3);
    uint64_t words[4] = { hal_context_word(&handler->context, 2), range & UINT32_MAX, range >> 32,
                          hal_context_word(&handler->context, 4) };
    error = frame_map(frame, words);
    if (error == ERR_PREEMPTED) {
        hal_context_set_word(&handler->context, 2, words[0]);
        hal_context_set_word(&handler->context, 3, words[1] | words[2] << 32);
        return error;
    }
    if (UNLIKELY((error & 0xff) == ERR_TABLES)) {
        hal_context_set_word(&handler->context, 0, words[0]);
    }
    return error ? err_blame((enum err)(error & 0xff), 8 + ((unsigned)error >> 8)) : ERR_OK;
}

static __attribute__((noinline)) enum err guest_answer(struct thread *handler, struct thread *guest,
                                                       uint64_t tag)
{
    uint64_t what = tag_label(tag);
    enum err error;
    if (what & ~(uint64_t)(GUEST_RESULT | GUEST_LOAD | GUEST_MAP)) {
        return err_blame(ERR_RANGE, 1);
    }
    if ((what & GUEST_LOAD) && !guest->guest_frame) {
        return err_blame(ERR_BUFFER, 1);
    }
    if ((what & GUEST_MAP) && (error = answer_map(handler))) {
        return error;
    }
    if (UNLIKELY(what & GUEST_LOAD)) {
        guest_frame_load(guest);
    }
    if (what & GUEST_RESULT) {
        hal_context_set_guest_result(&guest->context, hal_context_word(&handler->context, 0));
    }
    return ERR_OK;
}

// After its answer a guest goes on at once and its handler, the current thread, waits for the next
// message: by a direct switch.
static inline bool guest_pass(struct thread *handler, struct endpoint *endpoint,
                              struct thread *guest)
{
    struct cpu *cpu = hal_cpu();
    if (!(guest->flags & THREAD_ACTIVE) || guest->kicked ||
        !ipc_nothing_to_receive(endpoint, handler) || handler->sched != handler->own ||
        (int32_t)guest->priority < cpu->ready_top || !thread_vector_unchanged(cpu, guest) ||
        !sched_account(cpu, guest->sched)) {
        return false;
    }
    // COMMIT
    ipc_block_receiving(endpoint, handler, NULL);
    thread_set_state(guest, THREAD_READY, SENDING_SEND);
    cpu->current = guest;
    hal_switch(&guest->context, guest->translation);
    return true;
}

enum err guest_answer_receive(struct thread *handler, struct endpoint *endpoint,
                              struct thread *guest, uint64_t tag)
{
    enum err error = guest_answer(handler, guest, tag);
    if (error) {
        return error;
    }
    if (guest_pass(handler, endpoint, guest)) {
        return ERR_BLOCKED;
    }
    guest->sending = SENDING_SEND;
    sched_wake_first(guest);
    return ipc_receive_from(handler, endpoint, NULL, true);
}

enum err guest_resume(struct thread *handler, struct thread *guest, uint64_t tag)
{
    enum err error = guest_answer(handler, guest, tag);
    if (error) {
        return error;
    }
    guest->sending = SENDING_SEND;
    sched_wake_first(guest);
    return ERR_OK;
}

void guest_kick(struct thread *guest)
{
    guest->kicked = true;
    if (guest->sched && sched_context_cpu(guest->sched)->current == guest) {
        sched_poke(sched_context_cpu(guest->sched));
    }
    hal_cpu()->resched = true;
}

void guest_deliver_kick(struct thread *guest)
{
    guest->kicked = false;
    guest_trap(guest, &(struct hal_trap){ .label = GUEST_KICK });
}
