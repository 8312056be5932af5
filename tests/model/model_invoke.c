// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: the beginning, system calls, invocations.
#include "model.h"

#include <string.h>

struct model model;

#define COUNT_(unused, a1, a2, a3, a4, a5, a6, count, ...) count
#define ARGS(...)                                          COUNT_(0 __VA_OPT__(, ) __VA_ARGS__, 6, 5, 4, 3, 2, 1, 0, 0)

static const struct {
    bool exists;
    unsigned arguments;
} operations[K_COUNT][16] = {
#define OP(kind, number, name, args, results, fails, text) [K_##kind][number] = { true, args },
#include <abi/ops.def>
#undef OP
};

static struct model_cap *first_cap(enum model_first_slot slot, unsigned kind, uint64_t address,
                                   unsigned bits)
{
    struct model_cap *cap = &model.caps[(FIRST_TABLE >> SLOT_BITS) + slot];
    *cap = (struct model_cap){ .kind = (uint8_t)kind,
                               .rights = R_ALL,
                               .bits = (uint8_t)bits,
                               .original = true,
                               .address = address };
    return cap;
}

void model_reset(uint64_t now, uint64_t budget, uint64_t period)
{
    memset(&model, 0, sizeof(model));
    model.now = now;
    model.floor = -1;
    struct model_cap *table = &model.caps[FIRST_ORIGINAL];
    struct model_thread *thread = thread_at(FIRST_THREAD);
    struct model_context *context = context_at(FIRST_CONTEXT);
    *table = *first_cap(FIRST_CSPACE, K_CAPTABLE, FIRST_TABLE, SLOT_BITS + 6);
    model_derive(&model.caps[(FIRST_TABLE >> SLOT_BITS) + FIRST_CSPACE], table, R_ALL);
    first_cap(FIRST_RAM, K_UNTYPED, ARENA, ARENA_BITS);
    first_cap(FIRST_CONTROL, K_SCHED_CONTROL, 0, 0);
    first_cap(FIRST_PORTS, K_IO_PORTS, 0, 0)->aux = FIRST_PORT_RANGE;
    first_cap(FIRST_DEVICE, K_UNTYPED, DEVICE, DEVICE_BITS)->device = true;
    *thread = (struct model_thread){ .live = true,
                                     .state = READY,
                                     .priority = FIRST_PRIORITY,
                                     .ceiling = 255,
                                     .own = FIRST_CONTEXT,
                                     .context = FIRST_CONTEXT };
    *context = (struct model_context){
        .live = true, .thread = FIRST_THREAD, .bound = FIRST_THREAD, .own = true
    };
    model_derive(thread_inside(thread, IN_CSPACE), table, R_ALL);
    model_configure(context, budget, period, now);
    model.current = FIRST_THREAD;
    (void)model_use(FIRST_CONTEXT);
}

static uint64_t endpoint_op(struct model_invocation *inv, unsigned number)
{
    uint64_t endpoint = inv->self->address, count = 0;
    struct model_thread *thread;
    if (!(inv->self->rights & R_RECEIVE)) {
        return M_RIGHTS;
    }
    if (number == 0 && inv->words[0] > MAX_TICKS) {
        return M_BLAME(M_RANGE, 1);
    }
    if (number == 1 && (inv->words[0] == M_OK || inv->words[0] >= M_ERRORS)) {
        return M_BLAME(M_RANGE, 1);
    }
    if (number == 0) {
        endpoint_at(endpoint)->min_budget = inv->words[0];
        return M_OK;
    }
    while ((thread = model_first_sender(endpoint, inv->words[0], number == 1))) {
        model_finish(thread, number == 1 ? inv->words[0] : M_CANCELLED);
        count++;
    }
    inv->words[0] = count;
    inv->results = 1;
    return M_OK;
}

static uint64_t timer_op(struct model_invocation *inv, unsigned number)
{
    struct model_cap *inside = timer_inside(inv->self->address), *cap = NULL;
    uint64_t *words = inv->words;
    if (!(inv->self->rights & R_WRITE)) {
        return M_RIGHTS;
    }
    if (number == 2) {  // cancel
        words[0] = model_alarm(inv->self->address) != NULL;
        inv->results = 1;
        model_alarm_clear(inv->self->address);
        return M_OK;
    }
    if (number == 1) {  // arm
        if (words[0] > 1ull << 63) {
            return M_BLAME(M_RANGE, 1);
        }
        model_pay(model_alarm(inv->self->address) ? PAY_INTERRUPT : PAY_ALARM);
        model_alarm_clear(inv->self->address);
        model_alarm_set(inv->self->address, words[0], inv->thread->priority, true);
        return M_OK;
    }
    uint64_t status = words[0] ? model_lookup_kind(inv->thread, words[0], K_NOTIFICATION, R_WRITE,
                                                   1, &cap)
                               : M_OK;
    if (status) {
        return status;
    }
    if (inside->kind) {
        model_delete_derived(inside);
    }
    if (cap) {
        model_derive(inside, cap, R_ALL);
    }
    return M_OK;
}

static uint64_t operate(struct model_invocation *inv, uint64_t tag)
{
    uint64_t number = tag_label(tag) & 0xff, kind = inv->self->kind;
    if (tag_label(tag) >> 8 != kind || number > 15 || !operations[kind][number].exists) {
        return M_BLAME(M_OP, 1);
    }
    if (tag_length(tag) != operations[kind][number].arguments) {
        return M_BLAME(M_LENGTH, 1);
    }
    switch (kind) {
    case K_UNTYPED: return model_retype(inv);
    case K_CAPTABLE: return model_cap_op(inv, (unsigned)number);
    case K_TIMER: return timer_op(inv, (unsigned)number);
    case K_FRAME: return model_frame_op(inv, (unsigned)number);
    case K_ADDRESS_SPACE: return model_space_op(inv, (unsigned)number);
    case K_THREAD: return model_thread_op(inv, (unsigned)number);
    case K_SCHED_CONTEXT: return model_context_op(inv, (unsigned)number);
    case K_ENDPOINT: return endpoint_op(inv, (unsigned)number);
    default: return M_BLAME(M_OP, 1);  // not described, not asked for
    }
}

uint64_t model_invoke(struct model_thread *thread, uint64_t slot, uint64_t tag)
{
    struct model_invocation inv = { .thread = thread };
    uint64_t status = model_lookup(thread, slot, &inv.self);
    if (status) {
        return status;
    }
    memcpy(inv.words, thread->regs.words, sizeof(inv.words));
    status = operate(&inv, tag);
    if (!thread->live) {
        return M_BLOCKED;
    }
    bool tables = status == M_BLAME(M_TABLES, 1) || status == M_BLAME(M_TABLES, 2);
    for (unsigned i = 0; (!status || tables) && i < inv.results; i++) {
        thread->regs.words[i] = inv.words[i];
    }
    return status;
}

static uint64_t batch_entry(struct model_thread *thread, uint64_t slot, uint64_t offset)
{
    struct model_cap *frame;
    struct model_invocation inv = { .thread = thread };
    uint64_t status = model_lookup_kind(thread, slot, K_FRAME, R_READ, 0, &frame);
    if (status) {
        return status;
    }
    const struct batch_entry *entry = model_ram(frame, offset, sizeof(*entry), R_READ);
    if (!entry) {
        return M_BLAME(M_RANGE, 1);
    }
    uint64_t tag = entry->tag;
    memcpy(inv.words, entry->words, sizeof(inv.words));
    status = model_lookup(thread, entry->slot, &inv.self);
    return status ? status : operate(&inv, tag);
}

uint64_t model_invoke_batch(struct model_thread *thread, uint64_t slot, uint64_t offset,
                            uint64_t count)
{
    uint64_t status = offset % sizeof(struct batch_entry) ? M_BLAME(M_ALIGN, 1) : M_OK;
    while (count && !status) {
        status = batch_entry(thread, slot, offset);
        if (!thread->live) {
            return M_BLOCKED;
        }
        offset += status ? 0 : sizeof(struct batch_entry);
        count -= !status;
    }
    thread->regs.tag = offset;  // of the entry that failed, or of the end
    return status;
}

static uint64_t dispatch(struct model_thread *thread, uint64_t third)
{
    uint64_t slot = thread->regs.slot, tag = thread->regs.tag;
    switch (thread->regs.code) {
    case S_call: return model_send(thread, slot, tag, BY_CALL, true);
    case S_reply_recv: return model_reply_receive(thread, slot, tag, third);
    case S_send: return model_send(thread, slot, tag, BY_SEND, true);
    case S_nb_send: return model_send(thread, slot, tag, BY_SEND, false);
    case S_recv: return model_receive(thread, slot, third, true);
    case S_nb_recv: return model_receive(thread, slot, third, false);
    case S_reply: return model_reply(thread, slot, tag);
    case S_signal: return model_signal(thread, slot);
    case S_wait: return model_wait(thread, slot, true);
    case S_poll: return model_wait(thread, slot, false);
    case S_invoke: return model_invoke(thread, slot, tag);
    case S_invoke_batch: return model_invoke_batch(thread, slot, tag, third);
    case S_yield: model.rotate = true; return M_OK;
    case S_null: return M_OK;
    default: return M_OP;
    }
}

void model_syscall(uint64_t third)
{
    struct model_thread *thread = thread_at(model.current);
    thread->retry = false;
    thread->third = third;
    if (thread->flags & THREAD_GUEST) {
        model_guest_trap(thread, &(struct model_trap){ .label = GUEST_SYSCALL });
    } else {
        uint64_t status = dispatch(thread, third);
        if (status == M_RETRY) {
            thread->retry = true;
        } else if (status != M_BLOCKED) {
            thread->regs.code = status;
        }
    }
    model_choose();
}
