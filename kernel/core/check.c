// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The state machine of threads, queues and time, as assertions.
#include "check.h"

#if PITH_DEBUG

# include "cpu.h"
# include "endpoint.h"
# include "notification.h"
# include "reply.h"
# include "sched.h"

// Is `thread` in the ring that begins at `head`?
static bool in_ring(const struct thread *head, const struct thread *thread)
{
    const struct thread *at = head;
    while (at && at != thread) {
        ASSERT(at->next->prev == at);
        at = at->next == head ? NULL : at->next;
    }
    return at;
}

// A thread that may run, but that its budget may have ended when it was switched away from.
static void check_runnable(const struct thread *thread, const struct cpu *cpu)
{
    const struct sched_context *context = thread->sched;
    ASSERT(thread->state == THREAD_READY && context && !context->waiting);
    ASSERT(context->cpu == cpu->number && context->budget);
    ASSERT(context->count && context->refills[context->first].time != UINT64_MAX);
}

// Whoever runs has budget, but for what it has used and nobody has counted yet.
static void check_running(const struct thread *thread, const struct cpu *cpu)
{
    check_runnable(thread, cpu);
    // A slice always has; another CPU's clock may be a little ahead.
    ASSERT(thread->sched->slice || cpu != hal_cpu() ||
           sched_context_ready(thread->sched, hal_clock()));
}

static void check_ready(const struct thread *thread)
{
    const struct cpu *cpu = thread->sched ? sched_context_cpu(thread->sched) : hal_cpu();
    bool could_run = thread->sched && !thread->sched->waiting;
    bool queued = thread->place == PLACE_QUEUED;
    ASSERT(!queued || (could_run && thread != cpu->current));
    ASSERT(thread->place || !could_run || thread == cpu->current);
    ASSERT(!queued || in_ring(cpu->ready[thread->priority], thread));
}

// The CPU that has a displaced thread is to look for it.
static void check_displaced(const struct thread *thread)
{
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        const struct cpu *cpu = hal_cpu_at(i);
        if (cpu->ready_top == READY_POKED &&
            (cpu->current == thread || cpu->vector_thread == thread)) {
            return;
        }
    }
    kernel_panic(__FILE__, __LINE__, "a displaced thread is nobody's");
}

static void check_sender(const struct thread *thread)
{
    const ptrdiff_t key = (ptrdiff_t)offsetof(struct thread, sender_key) -
                          (ptrdiff_t)offsetof(struct thread, sender);
    ASSERT(thread->endpoint);
    ASSERT(tree_find_ge(&thread->endpoint->senders, thread->sender_key, key) == &thread->sender);
    ASSERT(thread->sender_key >> 56 == 255u - thread->priority);
}

static void check_thread(const struct thread *thread)
{
    if (!thread->object_kind) {
        return;  // about to be unlinked: nothing refers to it
    }
    ASSERT(thread->priority <= thread->ceiling);
    ASSERT(thread->place != PLACE_QUEUED || thread->state == THREAD_READY);
    if (thread->place == PLACE_DISPLACED) {
        check_displaced(thread);
    }
    ASSERT(!thread->sched || thread->sched->thread == thread);
    ASSERT(!thread->own || thread->own->bound == thread);
    ASSERT(!thread->fallback || thread->fallback->bound == thread);
    ASSERT(!thread->notification || thread->notification->bound == thread);
    ASSERT(!(thread->flags & THREAD_ACTIVE) == !thread->own);
    ASSERT(!(thread->flags & THREAD_BOUND) == !thread->notification);
    ASSERT(!thread->own || thread->sched || thread->state == THREAD_BLOCKED_REPLY);
    switch ((enum thread_state)thread->state) {
    case THREAD_READY: check_ready(thread); break;
    case THREAD_BLOCKED_SEND: check_sender(thread); break;
    case THREAD_BLOCKED_RECV:
        ASSERT(thread->endpoint && in_ring(thread->endpoint->receivers, thread));
        ASSERT(!thread->reply || thread->reply->thread == thread);
        ASSERT(!thread->sched || thread->sched == thread->own);
        break;
    case THREAD_BLOCKED_REPLY: ASSERT(thread->reply && thread->reply->thread == thread); break;
    case THREAD_BLOCKED_WAIT:
        ASSERT(thread->waiting && in_ring(thread->waiting->waiters, thread));
        break;
    case THREAD_STOPPED: ASSERT(thread->flags & THREAD_GUEST); break;
    case THREAD_SUSPENDED: break;
    }
}

// The replenishments add up to the budget; whoever lent the context can get it back.
static void check_context(const struct sched_context *context)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < context->count; i++) {
        sum += context->refills[(context->first + i) % SCHED_REFILLS].amount;
    }
    ASSERT(context->refills[context->first].time == UINT64_MAX ||
           (context->slice ? sum <= context->budget : sum == context->budget));
    ASSERT(!context->thread || context->thread->sched == context);
    ASSERT((context->simple_from == context->cpu) == (context->slice && !context->waiting));
    ASSERT((context->simple_to == context->cpu) == (context->slice && !context->waiting));
    ASSERT(!context->slice || context->first == 0);
    ASSERT(context->alarm.set == context->waiting);
    for (const struct reply *reply = context->reply; reply; reply = reply->below) {
        ASSERT(reply->context == context && reply_caller(reply));
    }
}

static void check_endpoint(const struct endpoint *endpoint)
{
    const ptrdiff_t key = (ptrdiff_t)offsetof(struct thread, sender_key) -
                          (ptrdiff_t)offsetof(struct thread, sender);
    ASSERT(!endpoint->receivers || !endpoint->senders.root);
    const struct thread *thread = endpoint->receivers;
    for (; thread; thread = thread->next == endpoint->receivers ? NULL : thread->next) {
        ASSERT(thread->state == THREAD_BLOCKED_RECV && thread->endpoint == endpoint);
    }
    tree_check(&endpoint->senders, key);
    struct tree_node *node = tree_first(&endpoint->senders);
    while (node) {
        thread = CONTAINER_OF(node, const struct thread, sender);
        ASSERT(thread->state == THREAD_BLOCKED_SEND && thread->endpoint == endpoint);
        node = tree_find_ge(&endpoint->senders, thread->sender_key + 1, key);
    }
}

static void check_notification(const struct notification *notification)
{
    ASSERT(!notification->waiters || !notification->word);
    ASSERT(!notification->bound || notification->bound->notification == notification);
    const struct thread *thread = notification->waiters;
    for (; thread; thread = thread->next == notification->waiters ? NULL : thread->next) {
        ASSERT(thread->state == THREAD_BLOCKED_WAIT && thread->waiting == notification);
    }
}

static void check_reply(const struct reply *reply)
{
    const struct thread *thread = reply->thread;
    ASSERT(!thread || thread->reply == reply);
    ASSERT(!thread || thread->state == THREAD_BLOCKED_REPLY ||
           thread->state == THREAD_BLOCKED_RECV);
    ASSERT(!reply->context || reply_caller(reply));
}

void object_check(const struct cap *original)
{
    if (original->flags & CAP_EMBRYO) {
        return;
    }
    switch ((enum kind)original->kind) {
    case KIND_THREAD: check_thread(thread_of(original)); break;
    case KIND_SCHED_CONTEXT: check_context(sched_context_of(original)); break;
    case KIND_REPLY: check_reply((const struct reply *)original->address); break;
    case KIND_ENDPOINT: check_endpoint(endpoint_of(original)); break;
    case KIND_NOTIFICATION: check_notification(notification_of(original)); break;
    case KIND_ADDRESS_SPACE: space_check(original); break;
    case KIND_EMPTY:
    case KIND_UNTYPED:
    case KIND_CAPTABLE:
    case KIND_FRAME:
    case KIND_PAGETABLE:
    case KIND_IRQ_HANDLER:
    case KIND_IO_PORTS:
    case KIND_SCHED_CONTROL:
    case KIND_IRQ_CONTROL:
    case KIND_IO_CONTROL:
    case KIND_POWER_CONTROL:
    case KIND_TIMER:
    case KIND_IO_DEVICE:
    case KIND_COUNT: break;
    }
}

// Every entry of the queues is a thread in the matching state.
static void check_queues(const struct cpu *cpu)
{
    for (unsigned priority = 0; priority < PRIORITIES; priority++) {
        const struct thread *head = cpu->ready[priority];
        for (const struct thread *thread = head; thread;
             thread = thread->next == head ? NULL : thread->next) {
            ASSERT(thread->place == PLACE_QUEUED && thread->priority == priority);
            check_runnable(thread, cpu);
        }
    }
}

static void check_cpu(const struct cpu *cpu)
{
    check_queues(cpu);
    int32_t top = READY_NONE;
    for (int32_t priority = 0; priority < PRIORITIES; priority++) {
        bool marked = cpu->ready_bits[priority / 64] >> (priority % 64) & 1;
        ASSERT(marked == (cpu->ready[priority] != NULL));
        top = marked ? priority : top;
    }
    alarm_check(cpu);
    top = top > cpu->floor ? top : cpu->floor;
    ASSERT(top == cpu->ready_top || cpu->ready_top == READY_POKED);
    // Whoever runs may, or is being displaced, or the CPU is to look again.
    const struct thread *current = cpu->current;
    if (current && current->place != PLACE_DISPLACED && !cpu->resched) {
        check_running(current, cpu);
    }
}

void check_cpus(void)
{
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        check_cpu(hal_cpu_at(i));
    }
}

void check_invariants(void)
{
    cap_check();
    check_cpus();
}

#endif
