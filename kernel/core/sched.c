// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The scheduler: 256 priorities, O(1) choice, accounting when the context changes.
#include "sched.h"

#include "endpoint.h"
#include "fault.h"
#include "guest.h"
#include "reply.h"

#define RELEASE_KEY ((ptrdiff_t)offsetof(struct sched_context, release_key) - (ptrdiff_t)offsetof(struct sched_context, release))
// Contexts released by one timer interrupt; the rest by the next, which is due at once.
#define RELEASE_BATCH 16

static int32_t ready_top(const struct cpu *cpu)
{
    for (int32_t word = PRIORITIES / 64 - 1; word >= 0; word--) {
        if (cpu->ready_bits[word]) {
            return word * 64 + 63 - __builtin_clzll(cpu->ready_bits[word]);
        }
    }
    return READY_NONE;
}

static void ready_insert(struct cpu *cpu, struct thread *thread, bool first)
{
    unsigned priority = thread->priority;
    struct thread *head = cpu->ready[priority];
    thread->queued = true;
    if (!head) {
        thread->next = thread->prev = thread;
        cpu->ready[priority] = thread;
        cpu->ready_bits[priority / 64] |= 1ull << priority % 64;
        if ((int32_t)priority > cpu->ready_top) {
            cpu->ready_top = (int32_t)priority;
        }
        return;
    }
    thread->next = head;
    thread->prev = head->prev;
    head->prev->next = thread;
    head->prev = thread;
    if (first) {
        cpu->ready[priority] = thread;
    }
}

void sched_remove(struct thread *thread)
{
    if (!thread->queued) {
        return;
    }
    struct cpu *cpu = hal_cpu();
    unsigned priority = thread->priority;
    thread->queued = false;
    if (thread->next == thread) {
        cpu->ready[priority] = NULL;
        cpu->ready_bits[priority / 64] &= ~(1ull << priority % 64);
        if ((int32_t)priority == cpu->ready_top) {
            cpu->ready_top = ready_top(cpu);
        }
        return;
    }
    thread->next->prev = thread->prev;
    thread->prev->next = thread->next;
    if (cpu->ready[priority] == thread) {
        cpu->ready[priority] = thread->next;
    }
}

void sched_assign(struct thread *thread, struct sched_context *context)
{
    if (thread->sched) {
        thread->sched->thread = NULL;
    }
    thread->sched = context;
    if (context) {
        context->thread = thread;
    }
}

void sched_drop(struct thread *thread)
{
    struct sched_context *lost = thread->sched;
    struct sched_context *home = sched_home(thread);
    sched_remove(thread);
    sched_assign(thread, home == lost ? NULL : home);
    if (thread->state == THREAD_READY && thread->sched) {
        sched_wake(thread);
    }
}

void sched_wait(struct cpu *cpu, struct sched_context *context, uint64_t time)
{
    if (context->waiting) {
        return;
    }
    context->release_key = time;
    context->waiting = true;
    tree_insert(&cpu->waiting, &context->release, RELEASE_KEY);
    if (context->release_key < cpu->timer) {
        cpu->timer = context->release_key;
        hal_timer_arm(cpu->timer);
    }
}

void sched_unwait(struct cpu *cpu, struct sched_context *context)
{
    if (context->waiting) {
        context->waiting = false;
        tree_remove(&cpu->waiting, &context->release, RELEASE_KEY);
    }
}

void sched_exhausted(struct cpu *cpu, struct sched_context *context)
{
    struct thread *thread = context->thread;
    if (!thread || thread->state != THREAD_READY) {
        return;
    }
    sched_remove(thread);
    if (!context->reply) {
        if (!fault_timeout(thread, context->used)) {
            sched_wait(cpu, context, sched_context_head(context)->time);
        }
        return;
    }
    // One loan at a time, so that the step is bounded: the caller gets the empty context back, and where that was
    // lent to it in turn the timer, due at once, comes back here for the next.
    context->waiting = true;  // nobody is queued on it meanwhile
    bool done = reply_recall(context, context->reply->below);
    context->waiting = false;
    (void)done;
    sched_wait(cpu, context, context->reply ? 0 : sched_context_head(context)->time);
}

uint64_t sched_charge(struct cpu *cpu)
{
    uint64_t now = hal_clock();
    struct sched_context *context = cpu->sched;
    uint64_t used = now - cpu->since;
    cpu->since = now;
    if (!context || !sched_context_charge(context, used, now)) {
        return now;
    }
    if (sched_context_ready(context, now)) {
        // A time slice ended: behind the others.
        if (context->thread && context->thread == cpu->current && context->thread->state == THREAD_READY) {
            cpu->rotate = true;
        }
        return now;
    }
    sched_exhausted(cpu, context);
    return now;
}

static bool runnable(const struct thread *thread)
{
    return thread && thread->state == THREAD_READY && thread->sched && !thread->sched->waiting;
}

static void wake(struct thread *thread, bool first)
{
    struct cpu *cpu = hal_cpu();
    thread->state = THREAD_READY;
    if (!thread->sched) {
        struct sched_context *home = sched_home(thread);
        if (!home) {
            return;
        }
        sched_assign(thread, home);
    }
    struct sched_context *context = thread->sched;
    if (context->waiting || thread->queued) {
        return;
    }
    if (context != cpu->sched) {
        uint64_t now = hal_clock();
        sched_context_begin(context, now);
        if (!sched_context_ready(context, now)) {
            sched_wait(cpu, context, sched_context_head(context)->time);
            return;
        }
    }
    if (thread != cpu->current) {
        ready_insert(cpu, thread, first);
    }
}

void sched_wake(struct thread *thread)
{
    wake(thread, false);
}

void sched_wake_first(struct thread *thread)
{
    wake(thread, true);
}

// Use `context` from now on.  The timer is always armed for the next release or earlier; here also for the end of
// the budget.  An earlier deadline is left as it is: it fires for nothing once, instead of being moved at every switch.
static void context_use(struct cpu *cpu, struct sched_context *context, uint64_t now)
{
    cpu->sched = context;
    uint64_t deadline = now + sched_context_head(context)->amount;
    if (deadline < cpu->timer) {
        cpu->timer = deadline;
        hal_timer_arm(deadline);
    }
}

void sched_run(struct cpu *cpu, struct thread *next)
{
    cpu->current = next;
    if (!hal_vector_idle() || (next->flags & THREAD_VECTOR)) {
        thread_vector_switch(next);
    }
    hal_switch(&next->context, next->translation);
}

static void idle(struct cpu *cpu)
{
    cpu->current = NULL;
    cpu->sched = NULL;
    hal_switch_idle();
}

// Choose once: the current thread goes on, or the first of the highest priority.
static void choose(struct cpu *cpu)
{
    struct thread *current = cpu->current;
    if (LIKELY(runnable(current)) && current->priority >= cpu->ready_top && !cpu->rotate && current->sched == cpu->sched) {
        return;
    }
    uint64_t now = sched_charge(cpu);
    if (runnable(current)) {
        ready_insert(cpu, current, !cpu->rotate);
    }
    cpu->rotate = false;
    if (cpu->ready_top == READY_NONE) {
        idle(cpu);
        return;
    }
    struct thread *next = cpu->ready[cpu->ready_top];
    sched_remove(next);
    if (next->sched != cpu->sched) {
        context_use(cpu, next->sched, now);
    }
    if (next != current) {
        sched_run(cpu, next);
    }
}

void sched_exit(struct cpu *cpu)
{
    choose(cpu);
    // Delivering a kick blocks the guest, so this ends with the guests.
    while (UNLIKELY(cpu->current && cpu->current->kicked)) {
        guest_deliver_kick(cpu->current);
        choose(cpu);
    }
}

void sched_yield(struct cpu *cpu)
{
    cpu->rotate = true;
}

void sched_timer(struct cpu *cpu)
{
    uint64_t now = sched_charge(cpu);
    cpu->timer = UINT64_MAX;
    for (unsigned n = 0; n < RELEASE_BATCH; n++) {
        struct tree_node *node = tree_find_ge(&cpu->waiting, 0, RELEASE_KEY);
        if (!node) {
            break;
        }
        struct sched_context *context = CONTAINER_OF(node, struct sched_context, release);
        if (context->release_key > now) {
            break;
        }
        sched_unwait(cpu, context);
        if (context->thread && context->thread->state == THREAD_READY) {
            if (sched_context_ready(context, now)) {
                sched_wake(context->thread);
            } else {
                sched_exhausted(cpu, context);
            }
        }
    }
    struct tree_node *node = tree_find_ge(&cpu->waiting, 0, RELEASE_KEY);
    if (node) {
        cpu->timer = CONTAINER_OF(node, struct sched_context, release)->release_key;
    }
    if (cpu->sched && now + sched_context_head(cpu->sched)->amount < cpu->timer) {
        cpu->timer = now + sched_context_head(cpu->sched)->amount;
    }
    hal_timer_arm(cpu->timer);
}

void sched_set_priority(struct thread *thread, unsigned priority)
{
    if (thread->queued) {
        sched_remove(thread);
        thread->priority = (uint8_t)priority;
        ready_insert(hal_cpu(), thread, false);
    } else if (thread->state == THREAD_BLOCKED_SEND) {
        endpoint_requeue(thread, priority);
    } else {
        thread->priority = (uint8_t)priority;
    }
}
