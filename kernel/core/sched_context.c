// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Budgets: replenishments of a sporadic server, and the operations on contexts.  Who runs is
// decided in sched.c.
#include "sched_context.h"

#include "preempt.h"
#include "reply.h"
#include "sched.h"

#include <hal/cpu.h>

static struct refill *refill_at(struct sched_context *context, unsigned index)
{
    return &context->refills[(context->first + index) % SCHED_REFILLS];
}

static void refill_pop(struct sched_context *context)
{
    context->first = (uint8_t)((context->first + 1) % SCHED_REFILLS);
    context->count--;
}

// Add a replenishment behind all others.  Where the last one comes little earlier, or the ring is
// full, that is given more, later: budget is never gained by that, at most delayed.
static void refill_push(struct sched_context *context, struct refill refill)
{
    struct refill *last = refill_at(context, context->count - 1u);
    if (context->count == SCHED_REFILLS ||
        refill.time - last->time <= context->period / (4ul * SCHED_REFILLS)) {
        last->amount += refill.amount;
        last->time = refill.time > last->time ? refill.time : last->time;
        return;
    }
    context->count++;
    *refill_at(context, context->count - 1u) = refill;
}

// Join the first two replenishments at the later one's time.
static void refill_join(struct sched_context *context)
{
    uint64_t amount = sched_context_head(context)->amount;
    refill_pop(context);
    sched_context_head(context)->amount += amount;
}

static bool slice_charge(struct sched_context *context, uint64_t used, uint64_t now)
{
    struct refill *head = sched_context_head(context);
    if (LIKELY(used < head->amount)) {
        head->amount -= used;
        return false;
    }
    *head = (struct refill){ .time = now, .amount = context->budget };
    return true;
}

// More than the whole budget was used at once: every replenishment comes later by as many periods.
// Returns what is left to charge, less than the budget.
static COLD uint64_t overrun_charge(struct sched_context *context, uint64_t used)
{
    uint64_t whole = used / context->budget;
    uint64_t most = SCHED_MAX_TICKS / context->period;
    for (unsigned i = 0; i < context->count; i++) {
        refill_at(context, i)->time += (whole < most ? whole : most) * context->period;
    }
    return used - whole * context->budget;
}

// True where a replenishment is used up.
static __attribute__((noinline)) bool budget_charge(struct sched_context *context, uint64_t used)
{
    bool exhausted = used >= context->budget;
    if (UNLIKELY(exhausted)) {
        used = overrun_charge(context, used);
    }
    // An overrun (the kernel worked on) uses up replenishments that are still to come.
    for (unsigned n = context->count; n && used >= sched_context_head(context)->amount; n--) {
        struct refill spent = *sched_context_head(context);
        used -= spent.amount;
        spent.time += context->period;
        refill_pop(context);
        if (context->count) {
            refill_push(context, spent);
        } else {
            context->count = 1;
            *sched_context_head(context) = spent;
        }
        exhausted = true;
    }
    struct refill *head = sched_context_head(context);
    if (used && used < head->amount) {
        head->amount -= used;
        refill_push(context,
                    (struct refill){ .time = head->time + context->period, .amount = used });
    }
    while (context->count > 1 && sched_context_head(context)->amount < SCHED_MIN_TICKS) {
        refill_join(context);
    }
    return exhausted;
}

COLD void sched_context_pay(struct sched_context *context, uint64_t ticks)
{
    ASSERT(!context->slice);
    context->used += ticks;
    (void)budget_charge(context, ticks);
}

bool sched_context_charge(struct sched_context *context, uint64_t used, uint64_t now)
{
    context->used += used;
    if (LIKELY(context->slice)) {
        return slice_charge(context, used, now);
    }
    bool exhausted = budget_charge(context, used);
    if (sched_context_ready(context, now)) {  // not where what is left was joined with the next
        return exhausted;
    }
    if (!context->waiting) {
        sched_context_pay(context, SCHED_REFILL_TICKS);
    }
    return true;
}

void sched_context_begin(struct sched_context *context, uint64_t now)
{
    struct refill *head = sched_context_head(context);
    head->time = now;
    while (context->count > 1 && refill_at(context, 1)->time <= now + head->amount) {
        uint64_t amount = refill_at(context, 1)->amount + head->amount;
        refill_pop(context);
        head = sched_context_head(context);
        *head = (struct refill){ .time = now, .amount = amount };
    }
}

void sched_context_gather(struct sched_context *context, uint64_t amount)
{
    struct refill *head = sched_context_head(context);
    if (context->slice && head->amount < amount) {
        // The next slice begins where this one would have ended.
        *head = (struct refill){ .time = hal_clock() + head->amount, .amount = context->budget };
    }
    while (context->count > 1 && sched_context_head(context)->amount < amount) {
        refill_join(context);
    }
}

void sched_context_init(struct cap *original)
{
    struct sched_context *context = sched_context_of(original);
    context->object_kind = KIND_SCHED_CONTEXT;
    context->count = 1;  // no budget until configured
    context->refills[0].time = UINT64_MAX;
    sched_context_simple(context);
}

// Take the context away from its owner and from whoever uses it; no call has it on loan any more.
static COLD void sched_context_release(struct sched_context *context)
{
    struct thread *bound = context->bound;
    if (bound) {
        if (context->role == SCHED_OWN) {
            bound->own = NULL;
            bound->flags &= (uint8_t)~THREAD_ACTIVE;
        } else {
            bound->fallback = NULL;
        }
    }
    context->bound = NULL;
    if (context->thread) {
        sched_drop(context->thread);
    }
    sched_unwait(context);
}

COLD enum err sched_context_destroy_step(struct cap *original)
{
    struct sched_context *context = sched_context_of(original);
    if (context->reply && !reply_recall(context, NULL)) {
        return ERR_PREEMPTED;
    }
    sched_context_release(context);
    struct cpu *cpu = sched_context_cpu(context);
    if (cpu->sched == context) {
        cpu->sched = NULL;
    }
    cpu->admitted -= context->share;
    context->share = 0;
    return ERR_OK;
}

// What the CPU has used of the context since it last counted.
static uint64_t uncounted(const struct sched_context *context)
{
    const struct cpu *cpu = sched_context_cpu(context);
    int64_t used = (int64_t)(hal_clock() - cpu->since);
    return cpu->sched == context && used > 0 ? (uint64_t)used : 0;
}

// Whoever uses the context is off its old CPU before it can be on the new one.
static COLD void context_set(struct sched_context *context, struct cpu *to, struct refill first,
                             uint64_t period)
{
    struct cpu *from = sched_context_cpu(context);
    context->used += uncounted(context);
    sched_unwait(context);
    if (from->sched == context) {
        from->since = hal_clock();
        from->sched = NULL;  // taken up anew where it is used on: the timer is armed by its budget
        preempt_work(PREEMPT_WORK);
        sched_poke(from);
    }
    context->cpu = to->number;
    context->budget = first.amount;
    context->period = period;
    context->slice = context->budget == period;
    sched_context_simple(context);
    context->first = 0;
    context->count = 1;
    context->refills[0] = first;
}

// Part of the CPU, in millionths, rounded up; large numbers are rounded first.
static uint32_t share_of(uint64_t budget, uint64_t period)
{
    unsigned shift = budget >> 20 ? 8 : 0;
    return (uint32_t)(((budget >> shift) * 1000000 + (period >> shift) - 1) / (period >> shift));
}

COLD enum err op_sched_context_configure(struct invocation *inv)
{
    struct sched_context *context = sched_context_of(inv->self);
    struct cap *control;
    enum err error = ERR_OK;
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if ((error = cap_lookup_kind(inv->thread, inv->words[0], KIND_SCHED_CONTROL, 0, 1, &control))) {
        return error;
    }
    uint64_t budget = inv->words[1];
    uint64_t period = inv->words[2];
    if (period < SCHED_MIN_BUDGET || period > SCHED_MAX_TICKS) {
        return err_blame(ERR_RANGE, 3);
    }
    if (budget < SCHED_MIN_BUDGET || budget > period) {
        return err_blame(ERR_RANGE, 2);
    }
    struct cpu *from = sched_context_cpu(context);
    struct cpu *to = hal_cpu_at(control->aux);
    uint32_t share = control->badge ? share_of(budget, period) : 0;
    if (control->badge &&
        to->admitted - (from == to ? context->share : 0) + share > control->badge) {
        return err_blame(ERR_LIMIT, 1);
    }
    from->admitted -= context->share;
    to->admitted += share;
    context->share = share;
    struct thread *thread = context->thread;
    bool moves = thread && thread->state == THREAD_READY &&
                 (from != to || thread != hal_cpu()->current || control->badge);
    if (moves) {
        sched_remove(thread);
    }
    // What a limit allows is had after a period without: who configures again and again, or makes
    // a new context in place of a used one, gains nothing by it.
    uint64_t begin = hal_clock() + (control->badge ? period : 0);
    context_set(context, to, (struct refill){ .time = begin, .amount = budget }, period);
    if (moves) {
        sched_wake(thread);
    }
    return ERR_OK;
}

// A thread that runs on a caller's time, or has lent it on: it gets a context of its own only once
// that time is back where it came from, so that a thread with a context of its own always has one
// in use, except while it lends that.
static bool has_lent_time(const struct thread *thread)
{
    return sched_lent(thread) || (thread->state == THREAD_BLOCKED_REPLY && !thread->sched);
}

COLD enum err op_sched_context_bind(struct invocation *inv)
{
    struct sched_context *context = sched_context_of(inv->self);
    struct cap *cap;
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_THREAD, RIGHT_WRITE, 1, &cap);
    if (error) {
        return error;
    }
    struct thread *thread = thread_of(cap);
    if (inv->words[1] > SCHED_FALLBACK) {
        return err_blame(ERR_RANGE, 2);
    }
    bool own = inv->words[1] == SCHED_OWN;
    if (own ? thread->own || has_lent_time(thread) : thread->fallback != NULL) {
        return err_blame(ERR_STATE, 1);
    }
    if (context->bound) {
        return ERR_STATE;
    }
    context->bound = thread;
    context->role = (uint8_t)inv->words[1];
    if (own) {
        thread->own = context;
        thread->flags |= THREAD_ACTIVE;
    } else {
        thread->fallback = context;
    }
    if (!thread->sched && (own || thread->state == THREAD_READY)) {
        sched_assign(thread, context);
        if (thread->state == THREAD_READY) {
            sched_wake(thread);
        }
    }
    return ERR_OK;
}

COLD enum err op_sched_context_unbind(struct invocation *inv)
{
    struct sched_context *context = sched_context_of(inv->self);
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!context->bound && !inv->progress) {
        return ERR_STATE;
    }
    inv->progress = 1;
    if (context->reply && !reply_recall(context, NULL)) {
        return ERR_PREEMPTED;
    }
    sched_context_release(context);
    return ERR_OK;
}

COLD enum err op_sched_context_consumed(struct invocation *inv)
{
    struct sched_context *context = sched_context_of(inv->self);
    if (!(inv->self->rights & RIGHT_READ)) {
        return ERR_RIGHTS;
    }
    inv->words[0] = context->used + uncounted(context);
    inv->results = 1;
    return ERR_OK;
}
