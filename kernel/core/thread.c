// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making, configuring and destroying threads.  Registers are in thread_state.c.
#include "thread.h"

#include "aspace.h"
#include "captable.h"
#include "guest.h"
#include "ipc.h"
#include "notification.h"
#include "preempt.h"
#include "sched.h"

#include <hal/cpu.h>

_Static_assert(offsetof(struct thread, context) == 0, "the ISA sees the context only");
_Static_assert(sizeof(struct thread) + HAL_VECTOR_MAX <= 1u << THREAD_BITS, "a thread is one page");

#define THREAD_FLAGS (THREAD_GUEST | THREAD_VECTOR | THREAD_FRAME_SYSCALLS)

static struct cap *thread_slot(struct thread *thread, enum thread_slot which)
{
    return &thread->slots[which];
}

void thread_init(struct cap *original)
{
    struct thread *thread = thread_of(original);
    thread->object_kind = KIND_THREAD;
    thread->state = THREAD_SUSPENDED;
    thread->translation = &hal_aspace_kernel;
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        thread->slots[i].flags = CAP_INTERNAL;
    }
    hal_context_init(&thread->context);
    hal_vector_init(thread->vector);
}

// The memory of a buffer: a slot of the thread names the page, the thread the offset in it.
static void *slot_ram(const struct cap *slot, uint64_t offset, uint64_t bytes)
{
    return cap_empty(slot) ? NULL : frame_ram(slot, offset, bytes, RIGHT_READ | RIGHT_WRITE);
}

// Another CPU that runs the thread does not go on in the space that it had.
static void aspace_leave(const struct thread *thread)
{
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        if (hal_cpu_at(i) != hal_cpu() && hal_cpu_at(i)->current == thread) {
            hal_aspace_leave(i);
        }
    }
}

void thread_slot_changed(struct cap *slot)
{
    struct thread *thread = (struct thread *)((uintptr_t)slot &
                                              ~(((uintptr_t)1 << THREAD_BITS) - 1));
    switch ((enum thread_slot)(slot - thread->slots)) {
    case THREAD_CSPACE:
        thread->cspace = cap_empty(slot) ? NULL : captable_slots(captable_of(slot));
        thread->cspace_count = cap_empty(slot) ? 0 : captable_of(slot)->count;
        break;
    case THREAD_ASPACE:
        thread->translation = &hal_aspace_kernel;
        if (!cap_empty(slot)) {
            thread->translation = &aspace_of(slot)->hal;
            aspace_of(slot)->loaded = true;
        }
        if (hal_cpu()->current == thread) {
            hal_switch(&thread->context, thread->translation);
        }
        aspace_leave(thread);
        break;
    case THREAD_BUFFER:
        thread->buffer = slot_ram(slot, thread->buffer_offset[0], MESSAGE_BUFFER_BYTES);
        break;
    case THREAD_GUEST_FRAME:
        thread->guest_frame = slot_ram(slot, thread->buffer_offset[1], GUEST_FRAME_BYTES);
        break;
    case THREAD_FAULT:
    case THREAD_TIMEOUT:
    case THREAD_SLOTS: break;
    }
}

static void slot_clear(struct thread *thread, enum thread_slot which)
{
    enum err error = cap_delete_derived(thread_slot(thread, which));
    ASSERT(!error);  // attached to nothing, it goes at once
    (void)error;
}

void thread_give(struct thread *thread, enum thread_slot which, struct cap *from)
{
    struct cap *slot = thread_slot(thread, which);
    slot_clear(thread, which);
    if (from) {
        cap_derive(slot, from, from->rights);
    }
    thread_slot_changed(slot);
}

static void context_unbind(struct sched_context **bound)
{
    if (*bound) {
        (*bound)->bound = NULL;
        sched_unwait(*bound);
        *bound = NULL;
    }
}

// Suspend a thread that is blocked in nothing.  False: another CPU has it, and was asked to let go.
static bool thread_stop(struct thread *thread)
{
    sched_remove(thread);
    sched_block(thread, THREAD_SUSPENDED);
    return thread->place != PLACE_DISPLACED;
}

enum err thread_destroy_step(struct cap *original)
{
    struct thread *thread = thread_of(original);
    if (!thread->object_kind) {
        return ERR_OK;
    }
    if (!ipc_cancel(thread, ERR_DEAD)) {
        return ERR_PREEMPTED;
    }
    if (!thread_stop(thread)) {
        return ERR_RETRY;
    }
    if (thread->sched) {
        sched_assign(thread, NULL);  // lent time stays with its Reply
    }
    context_unbind(&thread->own);
    context_unbind(&thread->fallback);
    if (thread->notification) {
        thread->notification->bound = NULL;
    }
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        slot_clear(thread, (enum thread_slot)i);
    }
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        struct cpu *cpu = hal_cpu_at(i);
        if (cpu->vector_guest && cpu->vector_guest->handler == thread) {
            cpu->vector_guest = NULL;
        }
    }
    thread_vector_forget(thread);
    hal_context_forget(&thread->context);
    thread->object_kind = 0;
    if (hal_cpu()->current != thread) {
        return ERR_AGAIN;  // only so that others come first: to unlink it takes as long
    }
    hal_cpu()->current = NULL;
    return ERR_BLOCKED;  // it would not come back
}

void thread_vector_forget(struct thread *thread)
{
    struct cpu *cpu = hal_cpu_at(thread->vector_cpu);
    if (cpu->vector_thread == thread) {
        hal_vector_forget(cpu->number, thread->vector);
        cpu->vector_thread = cpu->vector_guest = NULL;
    }
}

void thread_vector_switch(struct thread *next)
{
    struct cpu *cpu = hal_cpu();
    if (next->flags & THREAD_VECTOR) {
        hal_vector_switch(next->vector, false);
        next->vector_cpu = cpu->number;
        cpu->vector_thread = next;
        cpu->vector_guest = next->flags & THREAD_GUEST ? next : NULL;
        return;
    }
    // A guest's registers may stay live under the handler that its trap was just delivered to.
    struct thread *guest = cpu->vector_guest;
    hal_vector_switch(NULL, guest && guest->state == THREAD_STOPPED && guest->handler == next);
}

// A capability for configure: 0 leaves it out.
static enum err configure_lookup(struct invocation *inv, unsigned index, enum kind kind,
                                 unsigned rights, struct cap **cap)
{
    *cap = NULL;
    return inv->words[index]
               ? cap_lookup_kind(inv->thread, inv->words[index], kind, rights, index + 1, cap)
               : ERR_OK;
}

// The time-out handler is an endpoint or a notification.
static enum err timeout_lookup(struct invocation *inv, struct cap **cap)
{
    *cap = NULL;
    if (!inv->words[3]) {
        return ERR_OK;
    }
    enum err error = cap_lookup(inv->thread, inv->words[3], cap);
    if (error) {
        return err_blame(error, 4);
    }
    if ((*cap)->kind != KIND_ENDPOINT && (*cap)->kind != KIND_NOTIFICATION) {
        return err_blame(ERR_TYPE, 4);
    }
    unsigned right = (*cap)->kind == KIND_ENDPOINT ? RIGHT_SEND : RIGHT_WRITE;
    return (*cap)->rights & right ? ERR_OK : err_blame(ERR_RIGHTS, 4);
}

enum err op_thread_configure(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    struct cap *cspace;
    struct cap *aspace;
    struct cap *fault;
    struct cap *timeout;
    enum err error;
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (thread->state != THREAD_SUSPENDED) {
        return ERR_STATE;
    }
    if (thread->place == PLACE_DISPLACED) {
        return ERR_RETRY;
    }
    if ((error = configure_lookup(inv, 0, KIND_CAPTABLE, 0, &cspace)) ||
        (error = configure_lookup(inv, 1, KIND_ADDRESS_SPACE, 0, &aspace)) ||
        (error = configure_lookup(inv, 2, KIND_ENDPOINT, RIGHT_SEND, &fault)) ||
        (error = timeout_lookup(inv, &timeout))) {
        return error;
    }
    if (aspace && aspace_of(aspace)->domain) {
        return err_blame(ERR_TYPE, 2);
    }
    if (inv->words[4] & ~(uint64_t)THREAD_FLAGS) {
        return err_blame(ERR_RANGE, 5);
    }
    preempt_work(60);
    thread_give(thread, THREAD_CSPACE, cspace);
    thread_give(thread, THREAD_ASPACE, aspace);
    thread_give(thread, THREAD_FAULT, fault);
    thread_give(thread, THREAD_TIMEOUT, timeout);
    thread->flags = (uint8_t)((thread->flags & (THREAD_ACTIVE | THREAD_BOUND)) | inv->words[4]);
    thread->kicked = thread->kicked && thread->flags & THREAD_GUEST;
    hal_context_set_guest(&thread->context, thread->flags & THREAD_GUEST);
    return ERR_OK;
}

enum err op_thread_set_buffer(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    struct cap *frame = NULL;
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (inv->words[0] > 1) {
        return err_blame(ERR_RANGE, 1);
    }
    enum thread_slot which = inv->words[0] ? THREAD_GUEST_FRAME : THREAD_BUFFER;
    uint64_t bytes = inv->words[0] ? GUEST_FRAME_BYTES : MESSAGE_BUFFER_BYTES;
    if (inv->words[1]) {
        enum err error = cap_lookup_kind(inv->thread, inv->words[1], KIND_FRAME,
                                         RIGHT_READ | RIGHT_WRITE, 2, &frame);
        if (error) {
            return error;
        }
        if (inv->words[2] % bytes) {
            return err_blame(ERR_ALIGN, 3);
        }
        if (!frame_ram(frame, inv->words[2], bytes, RIGHT_READ | RIGHT_WRITE)) {
            return err_blame(ERR_RANGE, 3);
        }
    }
    preempt_work(15);
    struct cap *slot = thread_slot(thread, which);
    slot_clear(thread, which);
    if (frame) {
        cap_derive(slot, frame, frame->rights);
        // The slot names just the page: the capability keeps the rest, the thread only what it
        // uses.
        slot->address += inv->words[2] & ~(PAGE_SIZE - 1);
        slot->aux = 1;
    }
    thread->buffer_offset[!!inv->words[0]] = (uint16_t)(inv->words[2] & (PAGE_SIZE - 1));
    thread_slot_changed(slot);
    return ERR_OK;
}

enum err op_thread_resume(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (thread->state != THREAD_SUSPENDED) {
        return ERR_STATE;
    }
    thread->sending = SENDING_SEND;
    sched_wake(thread);
    return ERR_OK;
}

enum err op_thread_suspend(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!ipc_cancel(thread, ERR_CANCELLED)) {
        return ERR_PREEMPTED;
    }
    return thread_stop(thread) ? ERR_OK : ERR_RETRY;
}

enum err op_thread_cancel(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (thread->state == THREAD_SUSPENDED || thread->state == THREAD_READY ||
        thread->state == THREAD_STOPPED) {
        return ERR_STATE;
    }
    return ipc_cancel(thread, ERR_CANCELLED) ? ERR_OK : ERR_PREEMPTED;
}

enum err op_thread_kick(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!(thread->flags & THREAD_GUEST)) {
        return ERR_STATE;
    }
    guest_kick(thread);
    return ERR_OK;
}

enum err op_thread_bind(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!inv->words[0]) {
        if (thread->notification) {
            thread->notification->bound = NULL;
            thread->notification = NULL;
            thread->flags &= (uint8_t)~THREAD_BOUND;
        }
        return ERR_OK;
    }
    struct cap *cap;
    enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_NOTIFICATION, RIGHT_READ, 1,
                                     &cap);
    if (error) {
        return error;
    }
    struct notification *notification = notification_of(cap);
    if (thread->notification) {
        return ERR_STATE;
    }
    if (notification->bound) {
        return err_blame(ERR_STATE, 1);
    }
    thread->notification = notification;
    thread->flags |= THREAD_BOUND;
    notification->bound = thread;
    // It may wait for the word already; a switch in the middle of an operation would lose its
    // result.
    if (notification->word) {
        hal_cpu()->resched = true;
        notification_signal(notification, 0);
    }
    return ERR_OK;
}

enum err op_thread_set_priority(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (inv->words[0] > inv->words[1]) {
        return err_blame(ERR_RANGE, 1);
    }
    if (inv->words[1] > inv->thread->ceiling) {
        return err_blame(ERR_RANGE, 2);
    }
    // To queue a sender anew takes most of what may lie between two looks.
    if (!inv->progress++ && preempt_point(PREEMPT_WORK)) {
        return ERR_PREEMPTED;
    }
    thread->ceiling = (uint8_t)inv->words[1];
    sched_set_priority(thread, (unsigned)inv->words[0]);
    return ERR_OK;
}
