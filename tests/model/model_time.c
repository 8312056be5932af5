// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: time that passes.  Budgets and what is due at a time.
//
// The clock stands still while the kernel works.  Somebody is charged when another context comes
// into use, when its budget is asked for, and by an interrupt of the timer at its end.  One may
// come too early, for nothing (compare.c sees to it that none comes too late).  Each sees to one
// of the things that are due: the most important, of these the earliest.
#include "model.h"

#include <string.h>

// ---- replenishments -----------------------------------------------------------------------------

static struct model_refill *head(struct model_context *context)
{
    return &context->refills[0];
}

bool model_ready(const struct model_context *context)
{
    return context->refills[0].time <= model.now;
}

static void head_remove(struct model_context *context)
{
    context->count--;
    memmove(context->refills, context->refills + 1, context->count * sizeof(*context->refills));
}

// The first comes no earlier than the second.
static void head_join(struct model_context *context)
{
    uint64_t amount = head(context)->amount;
    head_remove(context);
    head(context)->amount += amount;
}

// Where there are too many pieces the last one grows, and comes later.
static void refill_add(struct model_context *context, uint64_t time, uint64_t amount)
{
    struct model_refill *last = &context->refills[context->count ? context->count - 1 : 0];
    if (context->count == MODEL_REFILLS ||
        (context->count && time - last->time <= context->period / (4ull * MODEL_REFILLS))) {
        last->amount += amount;
        last->time = time > last->time ? time : last->time;
        return;
    }
    context->refills[context->count++] = (struct model_refill){ time, amount };
}

// The context in use pays for interrupts that come at other times.
void model_pay(uint64_t ticks)
{
    model.since -= ticks;
}

// What is used comes back a period after it could be used.  True: nothing is left for now.
static bool server_use(struct model_context *context, uint64_t used)
{
    bool exhausted = used >= context->budget;
    if (exhausted) {  // more than all of it: all comes later
        uint64_t periods = used / context->budget, most = MAX_TICKS / context->period;
        for (unsigned i = 0; i < context->count; i++) {
            context->refills[i].time += (periods < most ? periods : most) * context->period;
        }
        used %= context->budget;
    }
    while (used >= head(context)->amount) {
        struct model_refill spent = *head(context);
        used -= spent.amount;
        head_remove(context);
        refill_add(context, spent.time + context->period, spent.amount);
        exhausted = true;
    }
    if (used) {
        head(context)->amount -= used;
        refill_add(context, head(context)->time + context->period, used);
    }
    while (context->count > 1 && head(context)->amount < MIN_TICKS) {
        head_join(context);  // too little to run on
    }
    return exhausted || !model_ready(context);
}

static bool slice_use(struct model_context *context, uint64_t used)
{
    if (used < head(context)->amount) {
        head(context)->amount -= used;
        return false;
    }
    *head(context) = (struct model_refill){ model.now, context->budget };
    return true;
}

// For an interrupt, from what is left or comes next.
static void pay(struct model_context *context, uint64_t ticks)
{
    context->used += ticks;
    (void)server_use(context, ticks);
}

// Who is woken behind its peers has a new slice for too little of one.
void model_renew(struct model_context *context)
{
    if (context->slice && head(context)->amount < MIN_TICKS) {
        head(context)->amount = context->budget;
        model.events[EVENT_renewed]++;
    }
}

// What could have been used until now can be used from now on.
void model_begin(struct model_context *context)
{
    if (!model_ready(context)) {
        return;
    }
    head(context)->time = model.now;
    while (context->count > 1 && context->refills[1].time <= model.now + head(context)->amount) {
        head_join(context);
        head(context)->time = model.now;
    }
}

// As model_begin, but only where it makes a difference of more than a budget.
static void resume(struct model_context *context)
{
    if (!context->slice && head(context)->time + context->period < model.now + context->budget) {
        model_begin(context);
    }
}

// A piece of at least `amount`, when that is there.
static void gather(struct model_context *context, uint64_t amount)
{
    if (context->slice && head(context)->amount < amount) {
        head(context)->time = model.now + head(context)->amount;  // the next slice
        head(context)->amount = context->budget;
    }
    while (context->count > 1 && head(context)->amount < amount) {
        head_join(context);
    }
}

void model_configure(struct model_context *context, uint64_t budget, uint64_t period,
                     uint64_t begin)
{
    context->budget = budget;
    context->period = period;
    context->slice = budget == period;
    context->count = 1;
    context->refills[0] = (struct model_refill){ begin, budget };
}

// ---- alarms -------------------------------------------------------------------------------------

static struct model_alarm *alarm_of(uint64_t address)
{
    for (unsigned i = 0; i < model.alarm_count; i++) {
        if (model.alarms[i].address == address) {
            return &model.alarms[i];
        }
    }
    return NULL;
}

const struct model_alarm *model_alarm(uint64_t address)
{
    return alarm_of(address);
}

void model_alarm_set(uint64_t address, uint64_t time, unsigned priority, bool timer)
{
    model.alarms[model.alarm_count++] = (struct model_alarm){ address, time, priority, timer };
}

void model_alarm_clear(uint64_t address)
{
    struct model_alarm *alarm = alarm_of(address);
    if (alarm) {
        *alarm = model.alarms[--model.alarm_count];
    }
}

void model_alarm_set_priority(uint64_t address, unsigned priority)
{
    struct model_alarm *alarm = alarm_of(address);
    if (alarm) {
        alarm->priority = priority;
    }
}

uint64_t model_alarm_next(int least)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < model.alarm_count; i++) {
        const struct model_alarm *alarm = &model.alarms[i];
        if ((int)alarm->priority >= least && alarm->time < next) {
            next = alarm->time;
        }
    }
    return next;
}

static bool before(const struct model_alarm *one, const struct model_alarm *other)
{
    if (one->priority != other->priority) {
        return one->priority > other->priority;
    }
    return one->time != other->time ? one->time < other->time : one->address < other->address;
}

static const struct model_alarm *alarm_due(int least)
{
    const struct model_alarm *found = NULL;
    for (unsigned i = 0; i < model.alarm_count; i++) {
        const struct model_alarm *alarm = &model.alarms[i];
        if (alarm->time <= model.now && (int)alarm->priority >= least &&
            (!found || before(alarm, found))) {
            found = alarm;
        }
    }
    return found;
}

// ---- contexts that wait -------------------------------------------------------------------------

static void wait_until(uint64_t address, uint64_t time, unsigned priority)
{
    struct model_context *context = context_at(address);
    if (!context->waiting) {
        context->waiting = true;
        model_alarm_set(address, time, priority, false);
    }
}

void model_await_budget(uint64_t address)
{
    const struct model_context *context = context_at(address);
    wait_until(address, context->refills[0].time,
               context->thread ? thread_at(context->thread)->priority : 0);
}

void model_unwait(uint64_t address)
{
    if (context_at(address)->waiting) {
        context_at(address)->waiting = false;
        model_alarm_clear(address);
    }
}

// A lent context is used up.  Those who lent it are told one after the other, the last first: each
// at the next interrupt, with the priority of the most important who used it.
static void recall_one(uint64_t address, unsigned priority)
{
    struct model_context *context = context_at(address);
    model.events[EVENT_recalled]++;
    context->waiting = true;  // nobody runs on it meanwhile
    model_recall(address, reply_at(context->reply)->below);
    context->waiting = false;
    if (context->reply) {
        pay(context, PAY_RECALL);
        wait_until(address, 0, priority);
    } else {
        model_await_budget(address);
    }
}

// `recalling`: the priority with which it was being taken back before.  False: nobody is concerned.
static bool exhausted(uint64_t address, unsigned recalling)
{
    struct model_context *context = context_at(address);
    struct model_thread *thread = context->thread ? thread_at(context->thread) : NULL;
    if (!thread || thread->state != READY) {
        return false;
    }
    model.events[EVENT_exhausted]++;
    model_unqueue(thread);
    if (context->reply) {
        recall_one(address, recalling > thread->priority ? recalling : thread->priority);
        return true;
    }
    const struct model_cap *handler = thread_inside(thread, IN_TIMEOUT);
    if (handler->kind == K_ENDPOINT) {
        model.events[EVENT_timeout]++;
        thread->trap = (struct model_trap){ .label = FAULT_TIMEOUT, .address = context->used };
        model_send_trap(thread, handler, BY_FAULT);
        return true;
    }
    model_timeout_tell(thread, context->used);
    model_await_budget(address);
    return true;
}

// ---- accounting ---------------------------------------------------------------------------------

uint64_t model_uncounted(uint64_t address)
{
    return model.in_use == address ? model.now - model.since : 0;
}

// Charge the context in use.  True: a piece of its budget is used up.
static bool charge(void)
{
    struct model_context *context = context_at(model.in_use);
    uint64_t used = model.now - model.since;
    model.since = model.now;
    if (!model.in_use) {
        return false;
    }
    context->used += used;
    bool end = context->slice ? slice_use(context, used) : server_use(context, used);
    if (!end || context->waiting) {
        return false;
    }
    if (!context->slice && !model_ready(context)) {  // what comes next pays for the pause
        pay(context, PAY_PIECE);
    }
    return true;
}

// There is another piece of the budget: who uses it goes behind his peers.  False: he is in no
// queue.
static bool queue_anew(void)
{
    uint64_t thread = context_at(model.in_use)->thread;
    model.events[EVENT_slice]++;
    if (!thread || !thread_at(thread)->queued) {
        return false;
    }
    model_queue(thread_at(thread), false);
    return true;
}

bool model_charge(void)
{
    if (!charge()) {
        return false;
    }
    if (!model_ready(context_at(model.in_use))) {
        model.ended = true;
        return exhausted(model.in_use, 0);
    }
    uint64_t thread = context_at(model.in_use)->thread;
    return queue_anew() || (thread && thread == model.current ? model.rotate = true : false);
}

// What is in use is switched away from.  Whether its budget has ended is seen to when its thread
// would go on.
void model_leave(void)
{
    if (charge() && model_ready(context_at(model.in_use))) {
        (void)queue_anew();
    }
    model.in_use = 0;
}

bool model_use(uint64_t address)
{
    if (!context_at(address)->slice && !model_ready(context_at(address))) {
        model.events[EVENT_ended_before]++;
        (void)exhausted(address, 0);
        return false;
    }
    resume(context_at(address));
    model.in_use = address;
    model.since = model.now;
    return true;
}

uint64_t model_budget_check(struct model_thread *thread, uint64_t least)
{
    struct model_context *context = context_at(thread->context);
    uint64_t address = thread->context;
    if (least > context->budget) {
        return M_BUDGET;
    }
    if (!thread->gathered && head(context)->amount >= least + model_uncounted(address)) {
        return M_OK;  // without looking closer
    }
    (void)model_charge();
    if (thread->state != READY || thread->context != address || context->waiting) {
        return M_RETRY;  // that was all it had
    }
    // Who has waited for it may have used a little since.
    uint64_t slack = thread->gathered ? least / 8 : 0;
    thread->gathered = false;
    if (head(context)->amount + slack >= least) {
        return M_OK;
    }
    gather(context, least);
    if (model_ready(context)) {
        return M_OK;
    }
    model.events[EVENT_gathered]++;
    thread->gathered = true;
    model_await_budget(address);
    return M_RETRY;
}

// ---- interrupts ---------------------------------------------------------------------------------

static void context_released(uint64_t address, const struct model_alarm *alarm)
{
    const struct model_context *context = context_at(address);
    unsigned recalling = alarm->time == 0 ? alarm->priority : 0;
    model_unwait(address);
    if (!context->thread || thread_at(context->thread)->state != READY) {
        return;
    }
    if (model_ready(context)) {
        model.events[EVENT_released]++;
        model_wake(thread_at(context->thread), false);
    } else {
        (void)exhausted(address, recalling);
    }
}

static void timer_expired(uint64_t address)
{
    const struct model_cap *signalled = timer_inside(address);
    model.events[EVENT_timer]++;
    model_alarm_clear(address);
    if (signalled->kind) {
        model_signal_object(signalled->address, signalled->badge ? signalled->badge : 1);
    }
}

enum seen {
    NOTHING,
    CONTEXT,
    TIMER
};

// One thing that is due and not less important than `least`, if there is any.
static enum seen see_to(int least)
{
    const struct model_alarm *due = alarm_due(least);
    if (!due) {
        return NOTHING;
    }
    struct model_alarm alarm = *due;  // it may be cleared
    if (alarm.timer) {
        timer_expired(alarm.address);
        return TIMER;
    }
    context_released(alarm.address, &alarm);
    return CONTEXT;
}

void model_come_down(int least)
{
    model.floor = -1;
    model.events[EVENT_put_off]++;
    model.ended = false;
    (void)model_charge();
    if (!model.ended) {
        (void)see_to(least);
    }
}

static int floor_for(int least)
{
    return model_alarm_next(-1) < model_alarm_next(least) ? least : -1;
}

static uint64_t budget_end(void)
{
    return model.in_use ? model.since + head(context_at(model.in_use))->amount : UINT64_MAX;
}

// The end of a budget is enough for one interrupt; the next one sees to what is due first, and does
// not ask whether another has ended.
void model_interrupt(int floor)
{
    bool turn = model.ended && model_alarm_next(-1) <= model.now;
    model.woken = 0;
    model.ended = false;
    bool end = budget_end() <= model.now;
    if (!end && model_alarm_next(-1) > model.now && model.floor < 0) {
        model_choose();  // it came for nothing
        return;
    }
    if (end && !turn) {
        (void)model_charge();
    }
    const struct model_thread *current = thread_at(model.current);
    int least = model.current && model_runnable(current) ? (int)current->priority : model_top();
    enum seen seen = model.ended ? NOTHING : see_to(least);
    int woken = seen && model.woken ? (int)thread_at(model.woken)->priority : -1;
    model.floor = floor_for(woken > least ? woken : least);
    // A thread that a timer wakes may be switched to at once, before anybody looks at its priority.
    if (seen == TIMER && floor == floor_for(least)) {
        model.floor = floor;
    }
    model_choose();
}

uint64_t model_deadline(void)
{
    uint64_t next = model_alarm_next(model.floor), end = budget_end();
    return end < next ? end : next;
}
