// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: who runs, and on whose context.
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
        model_alarm_set_priority(context, thread->priority);
    }
}

bool model_runnable(const struct model_thread *thread)
{
    return thread->live && thread->state == READY && thread->context &&
           !context_at(thread->context)->waiting;
}

void model_queue(struct model_thread *thread, bool first)
{
    thread->queued = true;
    thread->order = first ? --model.first_order : ++model.last_order;
}

void model_unqueue(struct model_thread *thread)
{
    thread->queued = false;
    if (model.woken == thread_address(thread)) {
        model.woken = 0;
    }
}

// Is there budget to run on?  Otherwise it waits for some.
static bool budget_now(uint64_t address)
{
    struct model_context *context = context_at(address);
    if (context->waiting || context->slice) {
        return !context->waiting;
    }
    if (!model_ready(context)) {
        model_await_budget(address);
        return false;
    }
    return true;
}

void model_wake(struct model_thread *thread, bool first)
{
    thread->state = READY;
    if (!thread->context && thread_home(thread)) {
        model_assign(thread, thread_home(thread));
    }
    if (!thread->context || !budget_now(thread->context)) {
        return;
    }
    if (!thread->queued && thread_address(thread) != model.current) {
        model_queue(thread, first);
        model.woken = thread_address(thread);
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
    model_unwait(address);
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

// The highest priority of those who were ready before anybody was woken, or the floor.
int model_top(void)
{
    int top = model.floor;
    for (uint64_t i = 0; i < PAGES; i++) {
        const struct model_thread *thread = &model.threads[i];
        if (thread->live && thread->queued && thread_address(thread) != model.woken &&
            (int)thread->priority > top) {
            top = (int)thread->priority;
        }
    }
    return top;
}

// The first of those who are ready, out of its queue; who ran until now among them.
static struct model_thread *pick(void)
{
    struct model_thread *current = thread_at(model.current);
    if (model.current && model_runnable(current) && !current->queued) {
        model_queue(current, !model.rotate);
    }
    model.rotate = false;
    struct model_thread *next = first_ready();
    if (next) {
        model_unqueue(next);
    }
    return next;
}

static void put_back(struct model_thread *thread)
{
    if (thread && thread_address(thread) != model.current) {
        model_queue(thread, true);
    }
}

// One choice; false: what had to be done first can change it.
static bool choose_once(void)
{
    struct model_thread *next = pick();
    int priority = next ? (int)next->priority : -1;
    if (priority < model.floor) {
        put_back(next);
        model_come_down(priority);
        return false;
    }
    if (!next) {
        bool again = model_charge();
        model.current = model.in_use = 0;
        return !again;
    }
    if (next->context != model.in_use) {
        model_leave();
        model.current = 0;
        if (!model_use(next->context)) {
            return false;
        }
    }
    model.current = thread_address(next);
    return true;
}

static void choose(void)
{
    while (!choose_once()) {}
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
    model.woken = 0;
}

// Who was woken last comes to its peers when the kernel is left, behind who came meanwhile.
static void woken_behind(const struct model_thread *thread)
{
    struct model_thread *woken = model.woken ? thread_at(model.woken) : NULL;
    if (woken && woken != thread && woken->order > 0) {
        woken->order = ++model.last_order;
    }
}

// Who waits in order of priority goes behind its new peers.
void model_set_priority(struct model_thread *thread, unsigned priority)
{
    thread->priority = priority;
    if (thread->context && thread->state != SENDING) {
        model_alarm_set_priority(thread->context, priority);
    }
    if (thread->queued || thread->state == SENDING) {
        thread->order = ++model.last_order;
        woken_behind(thread);
    }
}
