// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: who runs, and on whose context.  Time stands still here: a configured context always
// has its whole budget, another one has none.
#include "model.h"

static uint64_t thread_home(const struct model_thread *thread)
{
    return thread->own ? thread->own : thread->fallback;
}

void model_assign(struct model_thread *thread, uint64_t context)
{
    if (thread->context) {
        context_at(thread->context)->thread = 0;
    }
    thread->context = context;
    if (context) {
        context_at(context)->thread = thread_address(thread);
    }
}

static bool runnable(const struct model_thread *thread)
{
    return thread->live && thread->state == READY && thread->context &&
           context_at(thread->context)->configured;
}

static void queue(struct model_thread *thread, bool first)
{
    thread->queued = true;
    thread->order = first ? --model.first_order : ++model.last_order;
}

void model_unqueue(struct model_thread *thread)
{
    thread->queued = false;
}

void model_wake(struct model_thread *thread, bool first)
{
    thread->state = READY;
    if (!thread->context && thread_home(thread)) {
        model_assign(thread, thread_home(thread));
    }
    if (runnable(thread) && !thread->queued && thread_address(thread) != model.current) {
        queue(thread, first);
    }
}

// It loses the context it uses, and goes on with another of its own, if it has one.
void model_drop(struct model_thread *thread)
{
    uint64_t lost = thread->context,
             home = thread->state == READY ? thread_home(thread) : thread->own;
    model_unqueue(thread);
    model_assign(thread, home == lost ? 0 : home);
    if (thread->state == READY && thread->context) {
        model_wake(thread, false);
    }
}

void model_release(uint64_t address)
{
    struct model_context *context = context_at(address);
    if (context->bound) {
        struct model_thread *bound = thread_at(context->bound);
        if (context->own) {
            bound->own = 0;
        } else {
            bound->fallback = 0;
        }
    }
    context->bound = 0;
    if (context->thread) {
        model_drop(thread_at(context->thread));
    }
}

static struct model_thread *first_ready(void)
{
    struct model_thread *found = NULL;
    for (uint64_t i = 0; i < PAGES; i++) {
        struct model_thread *thread = &model.threads[i];
        if (thread->live && thread->queued &&
            (!found || thread->priority > found->priority ||
             (thread->priority == found->priority && thread->order < found->order))) {
            found = thread;
        }
    }
    return found;
}

static void choose(void)
{
    struct model_thread *current = thread_at(model.current);
    if (model.current && runnable(current)) {
        queue(current, !model.rotate);
    }
    model.rotate = false;
    struct model_thread *next = first_ready();
    model.current = next ? thread_address(next) : 0;
    if (next) {
        model_unqueue(next);
    }
}

void model_choose(void)
{
    choose();
    while (model.current && thread_at(model.current)->kicked) {
        struct model_thread *guest = thread_at(model.current);
        guest->kicked = false;
        model_guest_trap(guest, &(struct model_trap){ .label = GUEST_KICK });
        choose();
    }
}

// Who waits in order of priority goes behind its new peers.
void model_set_priority(struct model_thread *thread, unsigned priority)
{
    thread->priority = priority;
    if (thread->queued || thread->state == SENDING) {
        thread->order = ++model.last_order;
    }
}
