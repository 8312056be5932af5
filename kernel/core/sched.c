// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The scheduler: 256 priorities, O(1) choice, accounting when the context changes.
#include "sched.h"

#include "endpoint.h"
#include "fault.h"
#include "guest.h"
#include "notification.h"
#include "reply.h"
#include "timer.h"

// A context that is taken back from a chain of calls waits until this time: the next step is due.
#define RECALL 0

static int32_t ready_top(const struct cpu *cpu)
{
    for (int32_t word = PRIORITIES / 64 - 1; word >= 0; word--) {
        if (cpu->ready_bits[word]) {
            return word * 64 + 63 - __builtin_clzll(cpu->ready_bits[word]);
        }
    }
    return READY_NONE;
}

static __attribute__((noinline)) void top_changed(struct cpu *cpu)
{
    int32_t top = ready_top(cpu);
    cpu->ready_top = top > cpu->floor ? top : cpu->floor;
}

static inline void ready_insert(struct cpu *cpu, struct thread *thread, bool first)
{
    unsigned priority = thread->priority;
    struct thread *head = cpu->ready[priority];
    thread->place = PLACE_QUEUED;
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

static void ready_remove(struct cpu *cpu, struct thread *thread)
{
    unsigned priority = thread->priority;
    thread->place = PLACE_NONE;
    if (thread->next == thread) {
        cpu->ready[priority] = NULL;
        cpu->ready_bits[priority / 64] &= ~(1ull << priority % 64);
        if ((int32_t)priority == cpu->ready_top) {
            top_changed(cpu);
        }
        return;
    }
    thread->next->prev = thread->prev;
    thread->prev->next = thread->next;
    if (cpu->ready[priority] == thread) {
        cpu->ready[priority] = thread->next;
    }
}

void sched_poke(struct cpu *cpu)
{
    cpu->resched = true;
    if (cpu != hal_cpu() && cpu->ready_top != READY_POKED) {
        cpu->ready_top = READY_POKED;
        hal_cpu_interrupt(cpu->number);
    }
}

void sched_displace(struct cpu *cpu, struct thread *thread)
{
    thread->place = PLACE_DISPLACED;
    sched_poke(cpu);
}

bool sched_is_current(const struct thread *thread)
{
    return thread == hal_cpu()->current || thread->place == PLACE_DISPLACED ||
           (thread->sched && sched_context_cpu(thread->sched)->current == thread);
}

void sched_remove(struct thread *thread)
{
    struct cpu *here = hal_cpu();
    struct cpu *cpu = thread->sched ? sched_context_cpu(thread->sched) : here;
    here->resched = true;
    if (here->next == thread) {
        here->next = NULL;
    } else if (thread->place == PLACE_QUEUED) {
        ready_remove(cpu, thread);
    } else if (cpu != here && cpu->current == thread) {
        sched_displace(cpu, thread);
    }
}

void sched_assign(struct thread *thread, struct sched_context *context)
{
    hal_cpu()->resched = true;
    if (thread->sched) {
        thread->sched->thread = NULL;
    }
    thread->sched = context;
    if (context) {
        context->thread = thread;
        alarm_set_priority(&context->alarm, thread->priority);
    }
}

COLD void sched_drop(struct thread *thread)
{
    struct sched_context *lost = thread->sched;
    struct sched_context *home = thread->state == THREAD_READY ? sched_home(thread) : thread->own;
    sched_remove(thread);
    sched_assign(thread, home == lost ? NULL : home);
    if (thread->state == THREAD_READY && thread->sched) {
        sched_wake(thread);
    }
}

static void wait_until(struct sched_context *context, uint64_t time, unsigned priority)
{
    struct cpu *cpu = sched_context_cpu(context);
    if (context->waiting) {
        return;
    }
    context->waiting = true;
    sched_context_simple(context);
    alarm_set(cpu, &context->alarm, time, priority);
    sched_poke(cpu);
}

void sched_wait(struct sched_context *context, uint64_t time)
{
    wait_until(context, time, context->thread ? context->thread->priority : 0);
}

void sched_unwait(struct sched_context *context)
{
    if (context->waiting) {
        context->waiting = false;
        sched_context_simple(context);
        alarm_clear(&context->alarm);
    }
}

COLD void sched_exhausted(struct sched_context *context)
{
    struct thread *thread = context->thread;
    if (!thread || thread->state != THREAD_READY) {
        return;
    }
    sched_remove(thread);
    if (!context->reply) {
        if (!fault_timeout(thread, context->used)) {
            sched_wait(context, sched_context_head(context)->time);
        }
        return;
    }
    // One loan at a time, so that the step is bounded: the caller gets the empty context back, and
    // where that was lent to it in turn the timer, due at once, comes back here for the next, with
    // the priority of the most important of those who used it: all callers are told before they can
    // go on.
    unsigned priority = context->alarm.time == RECALL && context->alarm.priority > thread->priority
                            ? context->alarm.priority
                            : thread->priority;
    context->waiting = true;  // nobody is queued on it meanwhile
    bool done = reply_recall(context, context->reply->below);
    context->waiting = false;
    (void)done;
    if (context->reply) {
        sched_context_pay(context, SCHED_RECALL_TICKS);
        wait_until(context, RECALL, priority);
    } else {
        sched_wait(context, sched_context_head(context)->time);
    }
}

enum left {
    LEFT_BUDGET,
    LEFT_NEXT,     // a piece of the budget, or a time slice; the next one is there
    LEFT_NOTHING,  // for now
};

// Charge the context in use until now, and say what that leaves.
static __attribute__((noinline)) enum left charge(struct cpu *cpu, uint64_t now)
{
    struct sched_context *context = cpu->sched;
    // Another CPU may have counted, by a clock that is a little ahead.
    uint64_t used = (int64_t)(now - cpu->since) > 0 ? now - cpu->since : 0;
    cpu->since = now;
    if (!context || LIKELY(!sched_context_charge(context, used, now)) || context->waiting) {
        return LEFT_BUDGET;  // where it waits already, its thread is only on its way out
    }
    return sched_context_ready(context, now) ? LEFT_NEXT : LEFT_NOTHING;
}

// Who begins anew does so behind his peers.
static COLD void begin_anew(struct cpu *cpu, struct thread *thread)
{
    if (thread && thread->place == PLACE_QUEUED) {
        ready_remove(cpu, thread);
        ready_insert(cpu, thread, false);
    } else if (thread && thread == cpu->current && thread->state == THREAD_READY) {
        cpu->rotate = cpu->resched = true;
    }
}

uint64_t sched_charge(struct cpu *cpu)
{
    uint64_t now = sched_clock(cpu);
    enum left left = charge(cpu, now);
    if (left == LEFT_NEXT) {
        begin_anew(cpu, cpu->sched->thread);
    } else if (left == LEFT_NOTHING) {
        cpu->stamp = 0;  // what is done about it, it pays
        cpu->ended = true;
        sched_exhausted(cpu->sched);
    }
    return now;
}

static bool runnable(const struct cpu *cpu, const struct thread *thread)
{
    return thread && thread->state == THREAD_READY && thread->sched && !thread->sched->waiting &&
           thread->sched->cpu == cpu->number;
}

bool sched_vector_elsewhere(const struct thread *thread)
{
    const struct cpu *cpu = hal_cpu_at(thread->vector_cpu);
    return cpu->vector_thread == thread && cpu != hal_cpu();
}

// The one who was woken last waits in cpu->next, outside the queues, until the kernel is left: most
// run at once.
//
// On another CPU it goes into the queue there; but the current thread only on its way out (choose).
static void wake_elsewhere(struct cpu *cpu, struct thread *thread, bool first)
{
    const struct thread *current = cpu->current;
    if (thread->place || current == thread || hal_cpu()->current == thread) {
        return;
    }
    ready_insert(cpu, thread, first);
    if (!current || current->priority < thread->priority) {
        sched_poke(cpu);
    }
}

// A thread without a context in use, or whose budget must be looked at first, or that runs on
// another CPU.  True: it can run here.
static __attribute__((noinline)) bool wake_prepare(struct thread *thread, bool first)
{
    if (!thread->sched) {
        struct sched_context *home = sched_home(thread);
        if (!home) {
            return false;
        }
        sched_assign(thread, home);
    }
    struct sched_context *context = thread->sched;
    struct cpu *cpu = sched_context_cpu(context);
    if (context->waiting) {
        return false;
    }
    if (!context->slice && !sched_context_ready(context, sched_clock(hal_cpu()))) {
        sched_wait(context, sched_context_head(context)->time);
        return false;
    }
    if (cpu != hal_cpu()) {
        wake_elsewhere(cpu, thread, first);
        return false;
    }
    return true;
}

static inline void wake(struct thread *thread, bool first)
{
    struct cpu *cpu = hal_cpu();
    struct sched_context *context = thread->sched;
    thread->state = THREAD_READY;
    cpu->resched = true;
    if ((UNLIKELY(!context) || UNLIKELY(context->simple_to != cpu->number)) &&
        !wake_prepare(thread, first)) {
        return;
    }
    if (thread->place || thread == cpu->next || thread == cpu->current) {
        return;
    }
    if (UNLIKELY(cpu->next != NULL)) {
        ready_insert(cpu, cpu->next, cpu->next_first);
    }
    cpu->next = thread;
    cpu->next_first = first;
}

void sched_wake(struct thread *thread)
{
    wake(thread, false);
}

void sched_wake_first(struct thread *thread)
{
    wake(thread, true);
}

// Of the context in use; UINT64_MAX: none.
static inline uint64_t budget_end(const struct cpu *cpu)
{
    return cpu->sched ? cpu->since + sched_context_head(cpu->sched)->amount : UINT64_MAX;
}

// The timer goes off for the next alarm that is not less important than `least`, or for the end of
// the budget.  Returns the time of the former.
static __attribute__((noinline)) uint64_t timer_set(struct cpu *cpu, int32_t least)
{
    uint64_t next = alarm_next(cpu, least);
    uint64_t end = budget_end(cpu);
    cpu->timer = end < next ? end : next;
    hal_timer_arm(cpu->timer);
    return next;
}

// The timer is always armed for the next release or earlier; here also for the end of the budget in
// use.  An earlier deadline is left as it is: it fires for nothing once, instead of being moved at
// every switch.
static inline void arm_end(struct cpu *cpu)
{
    uint64_t end = budget_end(cpu);
    if (UNLIKELY(end < cpu->timer)) {
        cpu->timer = end;
        hal_timer_arm(end);
    }
}

// Use `context` from now on.
static inline void context_use(struct cpu *cpu, struct sched_context *context, uint64_t now)
{
    sched_context_resume(context, now);
    cpu->sched = context;
    cpu->since = now;
    arm_end(cpu);
}

// Switch the accounting to `next`, if that has budget here.  False: nothing was changed.
static __attribute__((noinline)) bool account(struct cpu *cpu, struct sched_context *next,
                                              uint64_t now, enum left *left)
{
    if (next->waiting || next->cpu != cpu->number || !sched_context_ready(next, now)) {
        return false;
    }
    *left = charge(cpu, now);
    context_use(cpu, next, now);
    return true;
}

bool sched_account_general(struct cpu *cpu, struct sched_context *next)
{
    uint64_t now = sched_clock(cpu);
    enum left left;
    return !sched_context_turn_ends(cpu->sched, now - cpu->since, now) &&
           account(cpu, next, now, &left);
}

void sched_preempted(struct cpu *cpu, struct thread *thread)
{
    ready_insert(cpu, thread, true);
}

static inline void sched_run(struct cpu *cpu, struct thread *next)
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

// Who is to run: the current thread, the one who was woken last, or the first of the queues; out of
// its queue, the others in theirs.
static inline struct thread *pick(struct cpu *cpu)
{
    struct thread *current = cpu->current;
    struct thread *next = cpu->next;
    bool rotate = cpu->rotate;
    int32_t best = cpu->ready_top;
    bool take_next = next && (next->priority > best || (next->priority == best && cpu->next_first));
    cpu->next = NULL;
    cpu->rotate = false;
    if (next && next->priority > best) {
        best = next->priority;
    }
    bool could = runnable(cpu, current) && current->place != PLACE_QUEUED;
    struct thread *chosen = take_next ? next : NULL;
    if (could && (current->priority > best || (current->priority == best && !rotate))) {
        chosen = current;
    }
    // Who goes behind its peers goes behind who was woken meanwhile, too.
    if (next && next != chosen) {
        ready_insert(cpu, next, cpu->next_first);
    }
    if (could && current != chosen) {
        ready_insert(cpu, current, !rotate);
    }
    if (!chosen && cpu->ready_top != READY_NONE) {
        chosen = cpu->ready[cpu->ready_top];
        ready_remove(cpu, chosen);
    }
    return chosen;
}

// What was picked is not run after all: the choice is made anew.
static void put_back(struct cpu *cpu, struct thread *chosen)
{
    if (chosen != cpu->current) {
        ready_insert(cpu, chosen, true);
    }
}

// A thread that this CPU was asked to let go is passed on: it can run here after all, or elsewhere,
// or not at all.
static void let_go(struct cpu *cpu, struct thread *thread)
{
    thread->place = PLACE_NONE;
    if (thread == cpu->current) {
        if (runnable(cpu, thread)) {
            return;
        }
        cpu->current = NULL;
    }
    if (thread == cpu->vector_thread) {
        hal_vector_sync(thread->vector);
        hal_vector_forget(cpu->number, thread->vector);
        cpu->vector_thread = cpu->vector_guest = NULL;
    }
    if (thread->state == THREAD_READY) {
        sched_wake(thread);
    }
}

// Another CPU has changed something.
static COLD void poked(struct cpu *cpu)
{
    struct thread *current = cpu->current;
    struct thread *vector = cpu->vector_thread;
    cpu->ready_top = ready_top(cpu);
    if (current && current->place == PLACE_DISPLACED) {
        let_go(cpu, current);
    }
    if (vector && vector->place == PLACE_DISPLACED) {
        let_go(cpu, vector);
    }
}

static void context_released(struct sched_context *context, uint64_t now)
{
    struct thread *thread = context->thread;
    sched_unwait(context);  // its alarm is not set any more
    if (!thread || thread->state != THREAD_READY) {
        return;
    }
    if (sched_context_ready(context, now)) {
        sched_wake(thread);
    } else {
        sched_exhausted(context);
    }
}

// See to an alarm that is due and not less important than `least`, the priority of who runs
// otherwise: the most important one; the rest by the next interrupt, which is due at once.  Returns
// the priority of who runs then.
static int32_t alarm_see_to(struct cpu *cpu, uint64_t now, int32_t least)
{
    struct alarm *alarm = alarm_take(cpu, now, least);
    if (!alarm) {
        return least;
    }
    if (alarm->kind == ALARM_TIMER) {
        binding_signal(&((struct timer *)alarm)->notification);
    } else {
        context_released(CONTAINER_OF(alarm, struct sched_context, alarm), now);
    }
    return cpu->next && cpu->next->priority > least ? cpu->next->priority : least;
}

// Somebody is to run who is less important than those for whose sake alarms were put off.
static COLD void come_down(struct cpu *cpu, struct thread *chosen)
{
    if (chosen) {
        put_back(cpu, chosen);
    }
    cpu->floor = READY_NONE;
    top_changed(cpu);
    cpu->resched = true;
    cpu->ended = false;
    uint64_t now = sched_charge(cpu);
    if (!cpu->ended) {
        cpu->stamp = now;  // from now on who runs next pays
        (void)alarm_see_to(cpu, now, chosen ? chosen->priority : READY_NONE);
    }
    (void)timer_set(cpu, READY_NONE);
}

// The current thread has got a context of another CPU: it goes there (one that is displaced, too:
// let_go).
static void send_away(struct cpu *cpu)
{
    struct thread *current = cpu->current;
    if (current && current->state == THREAD_READY && !current->place && current->sched &&
        UNLIKELY(current->sched->cpu != cpu->number)) {
        cpu->current = NULL;
        sched_wake(current);
    }
}

// A budget ended when its thread was switched away from, which is seen to now that it would go on:
// alone, so that the step is bounded.
static COLD void ended_before(struct cpu *cpu, struct thread *thread)
{
    idle(cpu);
    if (cpu->fresh) {
        sched_exhausted(thread->sched);
    } else {
        ready_insert(cpu, thread, true);
    }
    sched_pause(cpu);
}

static __attribute__((noinline)) void choose(struct cpu *cpu)
{
    for (;;) {
        if (UNLIKELY(cpu->ready_top == READY_POKED)) {
            poked(cpu);
        }
        send_away(cpu);
        int32_t floor = cpu->floor;
        if (UNLIKELY(floor >= 0)) {
            cpu->ready_top = ready_top(cpu);
        }
        cpu->resched = false;
        struct thread *chosen = pick(cpu);
        if (UNLIKELY(floor >= 0)) {
            if (!chosen || chosen->priority < floor) {
                come_down(cpu, chosen);
                continue;
            }
            top_changed(cpu);
        }
        if (UNLIKELY(!chosen)) {
            (void)charge(cpu, sched_clock(cpu));
            idle(cpu);
            return;
        }
        if (chosen->flags & THREAD_VECTOR && UNLIKELY(sched_vector_elsewhere(chosen))) {
            sched_displace(hal_cpu_at(chosen->vector_cpu), chosen);
            cpu->resched = true;
            continue;
        }
        if (chosen->sched != cpu->sched) {
            uint64_t now = sched_clock(cpu);
            if (charge(cpu, now) == LEFT_NEXT) {
                begin_anew(cpu, cpu->sched->thread);
            }
            if (!chosen->sched->slice && UNLIKELY(!sched_context_ready(chosen->sched, now))) {
                ended_before(cpu, chosen);
                return;
            }
            context_use(cpu, chosen->sched, now);
        }
        if (chosen != cpu->current) {
            sched_run(cpu, chosen);
        }
        return;
    }
}

// Who tries it in a few steps does the rest itself.
static bool account_not(struct cpu *cpu, struct sched_context *next)
{
    (void)cpu;
    (void)next;
    return false;
}

// The most frequent case by far, in one piece: the thread that was just woken outranks all others,
// and the accounting is simple. False: nothing was done.
static inline bool hand_off(struct cpu *cpu)
{
    struct thread *current = cpu->current;
    struct thread *next = cpu->next;
    if (!next || !current || !cpu->sched || next->priority <= cpu->ready_top || next->kicked) {
        return false;
    }
    bool preempted = current->state == THREAD_READY;
    if (preempted && (next->priority <= current->priority || !runnable(cpu, current))) {
        return false;
    }
    enum left left = LEFT_BUDGET;
    if ((next->flags & THREAD_VECTOR && sched_vector_elsewhere(next)) ||
        (!sched_account_by(cpu, next->sched, true, account_not) &&
         !account(cpu, next->sched, sched_clock(cpu), &left))) {
        return false;
    }
    cpu->next = NULL;
    cpu->resched = false;
    if (preempted) {
        ready_insert(cpu, current, left != LEFT_NEXT);
    }
    sched_run(cpu, next);
    return true;
}

static __attribute__((noinline)) void choose_and_kick(struct cpu *cpu)
{
    choose(cpu);
    cpu->stamp = 0;
    if (LIKELY(!cpu->current || !cpu->current->kicked)) {
        return;
    }
    guest_deliver_kick(cpu->current);  // which stops the guest
    choose(cpu);
    cpu->stamp = 0;
    if (UNLIKELY(cpu->current && cpu->current->kicked)) {
        sched_pause(cpu);  // one at a time
    }
}

// The same for a thread that goes behind its peers.
static inline bool rotate(struct cpu *cpu)
{
    struct thread *current = cpu->current;
    if (cpu->next || !cpu->sched || !runnable(cpu, current) ||
        cpu->ready_top != current->priority) {
        return false;
    }
    struct thread *next = cpu->ready[current->priority];
    if (!next || next->kicked || (next->flags & THREAD_VECTOR && sched_vector_elsewhere(next)) ||
        !sched_account_any(cpu, next->sched)) {
        return false;
    }
    cpu->rotate = false;
    cpu->resched = false;
    // It takes the place at the end of the ring whose first leaves.
    struct thread *first = next->next;
    if (first == next) {
        current->next = current->prev = first = current;
    } else {
        current->next = first;
        current->prev = next->prev;
        first->prev = current;
        next->prev->next = current;
    }
    cpu->ready[current->priority] = first;
    current->place = PLACE_QUEUED;
    next->place = PLACE_NONE;
    sched_run(cpu, next);
    return true;
}

void sched_choose(struct cpu *cpu)
{
    if (UNLIKELY(!(cpu->rotate ? rotate(cpu) : hand_off(cpu)))) {
        choose_and_kick(cpu);
    }
}

void sched_give_way(struct cpu *cpu)
{
    cpu->rotate = cpu->resched = true;
}

void sched_pay(uint64_t ticks)
{
    struct cpu *cpu = hal_cpu();
    cpu->since -= ticks;
    arm_end(cpu);
}

// The priority of who runs, but for what is due.
static int32_t important(const struct cpu *cpu)
{
    const struct thread *current = cpu->current;
    if (current && runnable(cpu, current)) {
        return current->priority;
    }
    return cpu->ready_top < READY_POKED ? cpu->ready_top : READY_NONE;
}

bool sched_timer(struct cpu *cpu)
{
    uint64_t now = cpu->stamp;
    bool end = budget_end(cpu) <= now;
    bool alarm = alarm_next(cpu, READY_NONE) <= now;
    // The end of a budget is enough for once, if it was not that the last time.
    bool turn = alarm && cpu->ended;
    cpu->ended = false;
    if (!end && !alarm && cpu->floor < 0) {
        (void)timer_set(cpu, READY_NONE);  // it was left as it was (arm_end)
        return false;
    }
    if (end && !turn) {
        (void)sched_charge(cpu);
    }
    int32_t least = important(cpu);
    if (!cpu->ended) {
        least = alarm_see_to(cpu, now, least);
    }
    uint64_t next = timer_set(cpu, least);
    // Those that wait now are looked at when somebody less important is to run.
    int32_t floor = alarm_next(cpu, READY_NONE) < next ? least : READY_NONE;
    if (floor != cpu->floor) {
        cpu->floor = floor;
        if (cpu->ready_top != READY_POKED) {
            top_changed(cpu);
        }
    }
    return true;
}

void sched_pause(struct cpu *cpu)
{
    if (cpu->next) {
        ready_insert(cpu, cpu->next, cpu->next_first);
        cpu->next = NULL;
    }
    if (cpu->current && cpu->current->state != THREAD_READY && !cpu->current->place) {
        // It may be answered meanwhile, and run elsewhere: its context is nobody's here.  One that
        // is displaced stays until it is let go.
        cpu->current = NULL;
        hal_switch_idle();
    }
    cpu->resched = true;
    hal_cpu_interrupt(cpu->number);
}

void sched_poked(struct cpu *cpu)
{
    hal_timer_arm(cpu->timer);
    cpu->resched = true;
}

COLD void sched_set_priority(struct thread *thread, unsigned priority)
{
    struct cpu *cpu = thread->sched ? sched_context_cpu(thread->sched) : hal_cpu();
    if (thread->state == THREAD_BLOCKED_SEND) {
        endpoint_requeue(thread, priority);
        return;
    }
    bool queued = thread->place == PLACE_QUEUED;
    if (queued) {
        ready_remove(cpu, thread);
    }
    thread->priority = (uint8_t)priority;
    if (thread->sched) {
        alarm_set_priority(&thread->sched->alarm, priority);
    }
    if (queued) {
        ready_insert(cpu, thread, false);
    }
    sched_poke(cpu);
}
