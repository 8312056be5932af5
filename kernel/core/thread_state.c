// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Registers and vector state of threads as their owners read and write them.
#include "aspace.h"
#include "preempt.h"
#include "sched.h"
#include "thread.h"

#include <hal/cpu.h>

_Static_assert(sizeof(struct thread_regs) <= sizeof(uint64_t) * MSG_MAX_WORDS,
               "registers fit a message buffer");

// The registers of a thread that is not running are all in its context: OK; STATE; or RETRY: they
// will be.
static enum err stopped(const struct thread *thread)
{
    if (thread->place == PLACE_DISPLACED) {
        return ERR_RETRY;
    }
    return sched_is_current(thread) ? ERR_STATE : ERR_OK;
}

// A thread whose registers can be written without breaking a system call that it waits in.
static bool writable(const struct thread *thread)
{
    switch ((enum thread_state)thread->state) {
    case THREAD_SUSPENDED:
    case THREAD_STOPPED: return true;
    case THREAD_BLOCKED_SEND:
    case THREAD_BLOCKED_REPLY:
        return thread->sending == SENDING_FAULT || thread->sending == SENDING_GUEST;
    case THREAD_READY:
    case THREAD_BLOCKED_RECV:
    case THREAD_BLOCKED_WAIT: break;
    }
    return false;
}

enum err op_thread_read_regs(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_READ)) {
        return ERR_RIGHTS;
    }
    enum err error = stopped(thread);
    if (error) {
        return error;
    }
    if (!inv->thread->buffer) {
        return ERR_BUFFER;
    }
    hal_context_read(&thread->context, (struct thread_regs *)inv->thread->buffer->words);
    return ERR_OK;
}

enum err op_thread_write_regs(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!writable(thread)) {
        return ERR_STATE;
    }
    if (thread->place == PLACE_DISPLACED) {
        return ERR_RETRY;
    }
    if (!inv->thread->buffer) {
        return ERR_BUFFER;
    }
    struct thread_regs regs = *(const struct thread_regs *)inv->thread->buffer->words;
    hal_context_write(&thread->context, &regs);
    thread->restarted = false;
    return ERR_OK;
}

// The RAM that a vector operation names: words 0 and 1.
static enum err vector_ram(struct invocation *inv, unsigned right, void **ram)
{
    struct cap *frame;
    enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_FRAME, right, 1, &frame);
    if (error) {
        return error;
    }
    if (inv->words[1] % 64) {
        return err_blame(ERR_ALIGN, 2);
    }
    *ram = frame_ram(frame, inv->words[1], hal_vector_bytes(), right);
    return *ram ? ERR_OK : err_blame(ERR_RANGE, 2);
}

static void copy_words(void *to, const void *from, unsigned bytes)
{
    preempt_work(bytes / 8 / 2 + 20);
    hal_copy(to, from, bytes);
}

enum err op_thread_read_vector(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    void *ram;
    if (!(inv->self->rights & RIGHT_READ)) {
        return ERR_RIGHTS;
    }
    enum err error = stopped(thread);
    if (!error && !(thread->flags & THREAD_VECTOR)) {
        error = ERR_STATE;
    }
    if (error || (error = vector_ram(inv, RIGHT_WRITE, &ram))) {
        return error;
    }
    if (sched_vector_elsewhere(thread)) {
        sched_remove(thread);  // it may be ready
        sched_displace(hal_cpu_at(thread->vector_cpu), thread);
        return ERR_RETRY;
    }
    hal_vector_sync(thread->vector);
    copy_words(ram, thread->vector, hal_vector_bytes());
    inv->words[0] = hal_vector_bytes();
    inv->results = 1;
    return ERR_OK;
}

enum err op_thread_write_vector(struct invocation *inv)
{
    struct thread *thread = thread_of(inv->self);
    void *ram;
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!writable(thread) || !(thread->flags & THREAD_VECTOR)) {
        return ERR_STATE;
    }
    if (thread->place == PLACE_DISPLACED) {
        return ERR_RETRY;
    }
    enum err error = vector_ram(inv, RIGHT_READ, &ram);
    if (error) {
        return error;
    }
    // Copied into the thread, then checked there: what is not loadable leaves a fresh state behind.
    thread_vector_forget(thread);
    copy_words(thread->vector, ram, hal_vector_bytes());
    if (hal_vector_valid(thread->vector)) {
        return ERR_OK;
    }
    hal_vector_init(thread->vector);
    return err_blame(ERR_RANGE, 1);
}
