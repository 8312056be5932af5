// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: operations on threads and contexts.
#include "model.h"

#include <string.h>

#define FLAGS (THREAD_GUEST | THREAD_VECTOR | THREAD_FRAME_SYSCALLS)

void model_thread_make(struct model_thread *thread)
{
    *thread = (struct model_thread){ .live = true, .state = SUSPENDED };
}

static void context_unbind(uint64_t context)
{
    if (context) {
        context_at(context)->bound = 0;
        model_unwait(context);
    }
}

void model_thread_destroy(struct model_thread *thread)
{
    model_cancel(thread, M_DEAD);
    model_unqueue(thread);
    thread->state = SUSPENDED;
    if (thread->context) {
        model_assign(thread, 0);
    }
    context_unbind(thread->own);
    context_unbind(thread->fallback);
    if (thread->notification) {
        notification_at(thread->notification)->bound = 0;
    }
    for (unsigned i = 0; i < INSIDE; i++) {
        if (thread_inside(thread, i)->kind) {
            model_delete_derived(thread_inside(thread, i));
        }
    }
    thread->live = false;
    if (model.current == thread_address(thread)) {
        model.current = 0;
    }
}

void model_guest_trap(struct model_thread *guest, const struct model_trap *trap)
{
    const struct model_cap *handler = thread_inside(guest, IN_FAULT);
    const struct model_cap *cap = thread_inside(guest, IN_GUEST_FRAME);
    const struct model_regs *regs = &guest->regs;
    guest->trap = *trap;
    if (cap->kind && (trap->label != GUEST_SYSCALL || guest->flags & THREAD_FRAME_SYSCALLS)) {
        struct guest_frame *frame = model_ram(cap, guest->offset[1], GUEST_FRAME_BYTES, 0);
        frame->regs = (struct thread_regs){ .rax = regs->code,
                                            .rdi = regs->slot,
                                            .rsi = regs->tag,
                                            .rbx = regs->words[0],
                                            .rbp = regs->words[1],
                                            .r12 = regs->words[2],
                                            .r13 = regs->words[3],
                                            .r14 = regs->words[4],
                                            .r15 = regs->words[5] };
        frame->trap = trap->label;
        frame->vector = trap->vector;
        frame->error = trap->error;
        frame->address = trap->address;
    }
    if (handler->kind != K_ENDPOINT) {
        guest->state = STOPPED;
        return;
    }
    model_send_trap(guest, handler, BY_GUEST);
}

void model_trap(const struct model_trap *trap)
{
    struct model_thread *thread = thread_at(model.current);
    const struct model_cap *handler = thread_inside(thread, IN_FAULT);
    if (thread->flags & THREAD_GUEST) {
        model_guest_trap(thread, trap);
    } else {
        thread->trap = *trap;
        if (handler->kind == K_ENDPOINT) {
            model_send_trap(thread, handler, BY_FAULT);
        } else {
            thread->state = SUSPENDED;
        }
    }
    model_choose();
}

// ---- operations of threads ----------------------------------------------------------------------

// An argument that is a capability; 0 leaves it out.
static uint64_t given(const struct model_invocation *inv, unsigned index, unsigned kind,
                      unsigned rights, const struct model_cap **cap)
{
    struct model_cap *found = NULL;
    uint64_t status = inv->words[index] ? model_lookup_kind(inv->thread, inv->words[index], kind,
                                                            rights, index + 1, &found)
                                        : M_OK;
    *cap = found;
    return status;
}

static uint64_t given_timeout(const struct model_invocation *inv, const struct model_cap **cap)
{
    struct model_cap *found;
    *cap = NULL;
    if (!inv->words[3]) {
        return M_OK;
    }
    if (model_lookup(inv->thread, inv->words[3], &found)) {
        return M_BLAME(M_SLOT, 4);
    }
    if (found->kind != K_ENDPOINT && found->kind != K_NOTIFICATION) {
        return M_BLAME(M_TYPE, 4);
    }
    *cap = found;
    return found->rights & (found->kind == K_ENDPOINT ? R_SEND : R_WRITE) ? M_OK
                                                                          : M_BLAME(M_RIGHTS, 4);
}

static void give(const struct model_thread *thread, enum model_inside which,
                 const struct model_cap *from)
{
    struct model_cap *inside = thread_inside(thread, which);
    if (inside->kind) {
        model_delete_derived(inside);
    }
    if (from) {
        model_derive(inside, from, R_ALL);
    }
}

static uint64_t thread_configure(struct model_invocation *inv, struct model_thread *thread)
{
    const struct model_cap *cspace, *aspace, *fault, *timeout;
    if (thread->state != SUSPENDED) {
        return M_STATE;
    }
    uint64_t status = given(inv, 0, K_CAPTABLE, 0, &cspace);
    if (!status) {
        status = given(inv, 1, K_ADDRESS_SPACE, 0, &aspace);
    }
    if (!status) {
        status = given(inv, 2, K_ENDPOINT, R_SEND, &fault);
    }
    if (!status) {
        status = given_timeout(inv, &timeout);
    }
    if (status) {
        return status;
    }
    if (inv->words[4] & ~(uint64_t)FLAGS) {
        return M_BLAME(M_RANGE, 5);
    }
    give(thread, IN_CSPACE, cspace);
    give(thread, IN_ASPACE, aspace);
    give(thread, IN_FAULT, fault);
    give(thread, IN_TIMEOUT, timeout);
    thread->flags = inv->words[4];
    if (!(thread->flags & THREAD_GUEST)) {
        thread->kicked = false;  // only guests can be kicked
    }
    return M_OK;
}

static uint64_t thread_set_buffer(struct model_invocation *inv, struct model_thread *thread)
{
    const struct model_cap *frame;
    uint64_t which = inv->words[0], offset = inv->words[2];
    uint64_t bytes = which ? GUEST_FRAME_BYTES : MESSAGE_BUFFER_BYTES;
    if (which > 1) {
        return M_BLAME(M_RANGE, 1);
    }
    uint64_t status = given(inv, 1, K_FRAME, R_READ | R_WRITE, &frame);
    if (status) {
        return status;
    }
    if (frame && offset % bytes) {
        return M_BLAME(M_ALIGN, 3);
    }
    if (frame && !model_ram(frame, offset, bytes, 0)) {
        return M_BLAME(M_RANGE, 3);
    }
    struct model_cap *inside = thread_inside(thread, which ? IN_GUEST_FRAME : IN_BUFFER);
    give(thread, which ? IN_GUEST_FRAME : IN_BUFFER, frame);
    if (frame) {
        inside->address += offset & ~(PAGE_SIZE - 1);
        inside->aux = 1;
    }
    thread->offset[which] = offset & (PAGE_SIZE - 1);
    return M_OK;
}

static bool writable(const struct model_thread *thread)
{
    bool trapped = thread->sending == BY_FAULT || thread->sending == BY_GUEST;
    return thread->state == SUSPENDED || thread->state == STOPPED ||
           ((thread->state == SENDING || thread->state == AWAITING_REPLY) && trapped);
}

static uint64_t thread_read_regs(const struct model_invocation *inv,
                                 const struct model_thread *thread)
{
    struct message_buffer *buffer = model_buffer(inv->thread);
    const struct model_regs *regs = &thread->regs;
    if (!(inv->self->rights & R_READ)) {
        return M_RIGHTS;
    }
    if (thread_address(thread) == model.current) {
        return M_STATE;
    }
    if (!buffer) {
        return M_BUFFER;
    }
    *(struct thread_regs *)buffer->words = (struct thread_regs){ .rax = regs->code,
                                                                 .rdi = regs->slot,
                                                                 .rsi = regs->tag,
                                                                 .rbx = regs->words[0],
                                                                 .rbp = regs->words[1],
                                                                 .r12 = regs->words[2],
                                                                 .r13 = regs->words[3],
                                                                 .r14 = regs->words[4],
                                                                 .r15 = regs->words[5] };
    return M_OK;
}

static uint64_t thread_write_regs(const struct model_invocation *inv, struct model_thread *thread)
{
    const struct message_buffer *buffer = model_buffer(inv->thread);
    if (!writable(thread)) {
        return M_STATE;
    }
    if (!buffer) {
        return M_BUFFER;
    }
    const struct thread_regs *regs = (const struct thread_regs *)buffer->words;
    thread->regs = (struct model_regs){ regs->rax,
                                        regs->rdi,
                                        regs->rsi,
                                        { regs->rbx, regs->rbp, regs->r12, regs->r13, regs->r14,
                                          regs->r15 } };
    thread->retry = false;
    return M_OK;
}

static uint64_t thread_vector(struct model_invocation *inv, struct model_thread *thread, bool read)
{
    struct model_cap *frame;
    unsigned right = read ? R_WRITE : R_READ;
    bool possible = read ? thread_address(thread) != model.current : writable(thread);
    if (!(inv->self->rights & (read ? R_READ : R_WRITE))) {
        return M_RIGHTS;
    }
    if (!possible || !(thread->flags & THREAD_VECTOR)) {
        return M_STATE;
    }
    uint64_t status = model_lookup_kind(inv->thread, inv->words[0], K_FRAME, right, 1, &frame);
    if (status) {
        return status;
    }
    if (inv->words[1] % 64) {
        return M_BLAME(M_ALIGN, 2);
    }
    void *ram = model_ram(frame, inv->words[1], sizeof(thread->vector), right);
    if (!ram) {
        return M_BLAME(M_RANGE, 2);
    }
    if (read) {
        memcpy(ram, thread->vector, sizeof(thread->vector));
        inv->words[0] = sizeof(thread->vector);
        inv->results = 1;
    } else {
        memcpy(thread->vector, ram, sizeof(thread->vector));
    }
    return M_OK;
}

static uint64_t thread_bind(const struct model_invocation *inv, struct model_thread *thread)
{
    const struct model_cap *cap;
    if (!inv->words[0]) {
        if (thread->notification) {
            notification_at(thread->notification)->bound = 0;
        }
        thread->notification = 0;
        return M_OK;
    }
    uint64_t status = given(inv, 0, K_NOTIFICATION, R_READ, &cap);
    if (status) {
        return status;
    }
    if (thread->notification) {
        return M_STATE;
    }
    if (notification_at(cap->address)->bound) {
        return M_BLAME(M_STATE, 1);
    }
    thread->notification = cap->address;
    notification_at(cap->address)->bound = thread_address(thread);
    if (notification_at(cap->address)->word && thread->state == RECEIVING) {
        model_signal_object(cap->address, 0);
    }
    return M_OK;
}

static uint64_t thread_set_priority(const struct model_invocation *inv, struct model_thread *thread)
{
    if (inv->words[0] > inv->words[1]) {
        return M_BLAME(M_RANGE, 1);
    }
    if (inv->words[1] > inv->thread->ceiling) {
        return M_BLAME(M_RANGE, 2);
    }
    thread->ceiling = (unsigned)inv->words[1];
    model_set_priority(thread, (unsigned)inv->words[0]);
    return M_OK;
}

static uint64_t thread_state_op(const struct model_invocation *inv, unsigned number,
                                struct model_thread *thread)
{
    switch (number) {
    case 2:  // resume
        if (thread->state != SUSPENDED) {
            return M_STATE;
        }
        thread->sending = BY_SEND;
        model_wake(thread, false);
        return M_OK;
    case 3:  // suspend
        model_cancel(thread, M_CANCELLED);
        model_unqueue(thread);
        thread->state = SUSPENDED;
        return M_OK;
    case 4:  // cancel
        if (thread->state == SUSPENDED || thread->state == READY || thread->state == STOPPED) {
            return M_STATE;
        }
        model_cancel(thread, M_CANCELLED);
        return M_OK;
    default:  // kick
        (void)inv;
        if (!(thread->flags & THREAD_GUEST)) {
            return M_STATE;
        }
        thread->kicked = true;
        return M_OK;
    }
}

uint64_t model_thread_op(struct model_invocation *inv, unsigned number)
{
    struct model_thread *thread = thread_at(inv->self->address);
    if (number == 6) {
        return thread_read_regs(inv, thread);
    }
    if (number == 8 || number == 9) {
        return thread_vector(inv, thread, number == 8);
    }
    if (!(inv->self->rights & R_WRITE)) {
        return M_RIGHTS;
    }
    switch (number) {
    case 0: return thread_configure(inv, thread);
    case 1: return thread_set_buffer(inv, thread);
    case 7: return thread_write_regs(inv, thread);
    case 10: return thread_bind(inv, thread);
    case 11: return thread_set_priority(inv, thread);
    default: return thread_state_op(inv, number, thread);
    }
}

// ---- operations of contexts ---------------------------------------------------------------------

static uint64_t context_configure(const struct model_invocation *inv, uint64_t address)
{
    struct model_context *context = context_at(address);
    const struct model_cap *control;
    uint64_t budget = inv->words[1], period = inv->words[2], share = 0;
    struct model_cap *found;
    uint64_t status = model_lookup_kind(inv->thread, inv->words[0], K_SCHED_CONTROL, 0, 1, &found);
    control = found;
    if (status) {
        return status;
    }
    if (period < MIN_BUDGET || period > MAX_TICKS) {
        return M_BLAME(M_RANGE, 3);
    }
    if (budget < MIN_BUDGET || budget > period) {
        return M_BLAME(M_RANGE, 2);
    }
    unsigned shift = budget >> 20 ? 8 : 0;  // large ones are rounded
    if (control->badge) {
        share = ((budget >> shift) * 1000000 + (period >> shift) - 1) / (period >> shift);
    }
    if (control->badge && model.admitted - context->share + share > control->badge) {
        return M_BLAME(M_LIMIT, 1);
    }
    model.admitted += share - context->share;
    context->share = share;
    struct model_thread *thread = context->thread ? thread_at(context->thread) : NULL;
    bool moves = thread && thread->state == READY &&
                 (context->thread != model.current || control->badge);
    if (moves) {
        model_unqueue(thread);
    }
    context->used += model_uncounted(address);
    model_unwait(address);
    if (model.in_use == address) {
        model.in_use = 0;
        model.since = model.now;
    }
    // What a limit admits is there a period later.
    model_configure(context, budget, period, model.now + (control->badge ? period : 0));
    if (moves) {
        model_wake(thread, false);
    }
    return M_OK;
}

static uint64_t context_bind(const struct model_invocation *inv, uint64_t address)
{
    struct model_context *context = context_at(address);
    struct model_cap *cap;
    uint64_t status = model_lookup_kind(inv->thread, inv->words[0], K_THREAD, R_WRITE, 1, &cap);
    if (status) {
        return status;
    }
    struct model_thread *thread = thread_at(cap->address);
    bool own = inv->words[1] == SCHED_OWN;
    if (inv->words[1] > SCHED_FALLBACK) {
        return M_BLAME(M_RANGE, 2);
    }
    // Who runs on a caller's time, or has lent it on, gets no context of its own meanwhile.
    bool lent = thread->context
                    ? thread->context != thread->own && thread->context != thread->fallback
                    : thread->state == AWAITING_REPLY;
    if (own ? thread->own || lent : thread->fallback) {
        return M_BLAME(M_STATE, 1);
    }
    if (context->bound) {
        return M_STATE;
    }
    context->bound = cap->address;
    context->own = own;
    if (own) {
        thread->own = address;
    } else {
        thread->fallback = address;
    }
    if (thread->context || (!own && thread->state != READY)) {
        return M_OK;  // it is used when the thread runs
    }
    model_assign(thread, address);
    if (thread->state == READY) {
        model_wake(thread, false);
    }
    return M_OK;
}

uint64_t model_context_op(struct model_invocation *inv, unsigned number)
{
    uint64_t address = inv->self->address;
    if (!(inv->self->rights & (number == 3 ? R_READ : R_WRITE))) {
        return M_RIGHTS;
    }
    switch (number) {
    case 0: return context_configure(inv, address);
    case 1: return context_bind(inv, address);
    case 2:  // unbind
        if (!context_at(address)->bound) {
            return M_STATE;
        }
        model_recall(address, 0);
        model_release(address);
        return M_OK;
    default:  // consumed
        inv->words[0] = context_at(address)->used + model_uncounted(address);
        inv->results = 1;
        return M_OK;
    }
}
