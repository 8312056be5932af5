// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Dispatch of invocations.  The table is abi/ops.def.
//
// A preempted operation keeps what is left to do in thread->invocation, out of user space's reach;
// the system call is then executed again and finds it there.
#include "invoke.h"

#include "aspace.h"
#include "captable.h"
#include "control.h"
#include "cpu.h"
#include "endpoint.h"
#include "io.h"
#include "irq.h"
#include "preempt.h"
#include "sched_context.h"
#include "thread.h"
#include "timer.h"

#include <hal/cpu.h>

#include <abi/message.h>

#define OPS_MAX 16

// Names of the functions: prefix of the kind, then the operation.
#define FN_UNTYPED(name)       op_untyped_##name
#define FN_CAPTABLE(name)      op_captable_##name
#define FN_FRAME(name)         op_frame_##name
#define FN_ADDRESS_SPACE(name) op_aspace_##name
#define FN_THREAD(name)        op_thread_##name
#define FN_SCHED_CONTEXT(name) op_sched_context_##name
#define FN_ENDPOINT(name)      op_endpoint_##name
#define FN_IRQ_HANDLER(name)   op_irq_handler_##name
#define FN_IO_PORTS(name)      op_io_ports_##name
#define FN_IRQ_CONTROL(name)   op_irq_control_##name
#define FN_IO_CONTROL(name)    op_io_control_##name
#define FN_IO_DEVICE(name)     op_io_device_##name
#define FN_POWER_CONTROL(name) op_power_control_##name
#define FN_TIMER(name)         op_timer_##name

#define COUNT_(unused, a1, a2, a3, a4, a5, a6, count, ...) count
#define ARGS(...)                                          COUNT_(0 __VA_OPT__(, ) __VA_ARGS__, 6, 5, 4, 3, 2, 1, 0, 0)

static const struct operation {
    enum err (*function)(struct invocation *inv);
    uint8_t arguments;
} operations[KIND_COUNT][OPS_MAX] = {
#define OP(kind, number, name, args, results, fails, text) \
 [KIND_##kind][number] = { FN_##kind(name), args },
#include <abi/ops.def>
#undef OP
};

enum label {
#define OP(kind, number, name, args, results, fails, text) \
 LABEL_##kind##_##name = KIND_##kind << 8 | (number),
#include <abi/ops.def>
#undef OP
};

#define OPERATION_SHIFT 4
_Static_assert(sizeof(struct operation) == 1 << OPERATION_SHIFT, "as operation_at scales");

static inline const struct operation *operation_at(unsigned kind, uint64_t number)
{
    return hal_element(operations[kind], number, OPS_MAX, OPERATION_SHIFT);
}

static inline enum err operation_run(struct invocation *inv, uint64_t label)
{
    const struct cap *self = inv->self;
    uint64_t number = label & 0xff;
    const struct operation *operation = operation_at(self->kind, number);
    if (label >> 8 != self->kind || number >= OPS_MAX || !operation->function) {
        return err_blame(ERR_OP, 1);
    }
    if (inv->length != operation->arguments) {
        return err_blame(ERR_LENGTH, 1);
    }
    inv->results = 0;
    return (enum err)hal_call((uintptr_t)operation->function, inv);
}

// Prepare `inv` for a new operation, whose words the caller fills in; or, in a restart, leave it as
// it was.
static bool invocation_begin(struct thread *thread, uint64_t tag)
{
    struct invocation *inv = &thread->invocation;
    bool restarted = thread->restarted;
    thread->restarted = false;
    if (!restarted) {
        inv->thread = thread;
        inv->progress = 0;
        inv->length = (uint8_t)tag_length(tag);
    }
    return !restarted;
}

enum err invoke(struct thread *thread, uint64_t slot, uint64_t tag)
{
    struct invocation *inv = &thread->invocation;
    enum err error = cap_find_any(thread, slot, &inv->self);
    if (error) {
        thread->restarted = false;
        return error;
    }
    if (invocation_begin(thread, tag)) {
        for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
            inv->words[i] = hal_context_word(&thread->context, i);
        }
    }
    error = operation_run(inv, tag_label(tag));
    if (hal_cpu()->current != thread) {
        return ERR_BLOCKED;  // it destroyed itself
    }
    if (error == ERR_PREEMPTED || error == ERR_RETRY) {
        thread->restarted = true;
    } else if (!error || error == err_blame(ERR_TABLES, 1) || error == err_blame(ERR_TABLES, 2)) {
        for (unsigned i = 0; i < inv->results; i++) {
            hal_context_set_word(&thread->context, i, inv->words[i]);
        }
    }
    return error;
}

// Work of an entry, in units of preempt_point; what takes longer counts the rest itself.
#define BATCH_WORK 12u

// The entry at `offset` of the batch.  All is looked up anew for each entry: the one before may
// have removed it.
static inline enum err batch_entry(struct thread *thread, uint64_t slot, uint64_t offset,
                                   const volatile struct batch_entry **entry)
{
    struct cap *frame;
    enum err error = cap_find(thread, slot, KIND_FRAME, RIGHT_READ, 0, &frame);
    if (error) {
        return error;
    }
    *entry = frame_ram(frame, offset, sizeof(struct batch_entry), RIGHT_READ);
    return *entry ? ERR_OK : err_blame(ERR_RANGE, 1);
}

// Is it time to look for interrupts?  Any entry may be all that one hold of the lock has room for,
// and is looked before unless nothing was done since; but mapping a page, which batches are for.
static inline bool batch_waits(const struct cpu *cpu, uint64_t tag)
{
    unsigned most = tag_label(tag) == LABEL_FRAME_map ? PREEMPT_WORK : 1;
    return UNLIKELY(cpu->work >= most) && preempt_point(PREEMPT_WORK);
}

// Carry out one entry, each field of which is loaded once.
static inline enum err batch_run(struct thread *thread, const volatile struct batch_entry *entry,
                                 uint64_t tag)
{
    struct invocation *inv = &thread->invocation;
    uint64_t slot = entry->slot;
    if (invocation_begin(thread, tag)) {
        inv->words[0] = entry->words[0];
        inv->words[1] = entry->words[1];
        inv->words[2] = entry->words[2];
        inv->words[3] = entry->words[3];
        inv->words[4] = entry->words[4];
        inv->words[5] = entry->words[5];
    }
    enum err error = cap_find_any(thread, slot, &inv->self);
    return error ? error : operation_run(inv, tag_label(tag));
}

// On return the context's arguments are what is left: the entry that failed, or that a restart goes
// on with, is the first.
enum err invoke_batch(struct thread *thread, uint64_t slot, uint64_t offset, uint64_t count)
{
    enum err error = offset % sizeof(struct batch_entry) ? err_blame(ERR_ALIGN, 1) : ERR_OK;
    struct cpu *cpu = hal_cpu();
    for (; count && !error; offset += sizeof(struct batch_entry), count--) {
        const volatile struct batch_entry *entry = NULL;
        if ((error = batch_entry(thread, slot, offset, &entry))) {
            break;
        }
        uint64_t tag = entry->tag;
        if (batch_waits(cpu, tag)) {
            hal_context_set_arguments(&thread->context, slot, offset, count);
            return ERR_PREEMPTED;
        }
        if ((error = batch_run(thread, entry, tag))) {
            break;
        }
        if (UNLIKELY(cpu->current != thread)) {
            return ERR_BLOCKED;  // it destroyed itself
        }
        cpu->work += BATCH_WORK;
    }
    if (cpu->current != thread) {
        return ERR_BLOCKED;
    }
    thread->restarted = error == ERR_PREEMPTED || error == ERR_RETRY;
    hal_context_set_arguments(&thread->context, slot, offset, count);
    return error;
}
