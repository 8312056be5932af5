// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Time on the whole core: slices, budgets, time-outs, time that is lent and runs out.
#include "machine.h"

#define BUDGET 4000ull
#define PERIOD (10 * BUDGET)  // of actor_new

enum operation {
    CONFIGURE,
    BIND,
    UNBIND,
    CONSUMED,
};
#define THREAD_BIND 10

static struct sched_context *context_of(const struct actor *actor)
{
    return sched_context_of(slot_cap(actor->context));
}

// With this as its time-out handler.
static void timeout_set(const struct actor *actor, uint64_t handler)
{
    OK(INVOKE(actor->cap, KIND_THREAD, 0, ROOT_SLOT_CSPACE, ROOT_SLOT_ASPACE, 0, handler, 0));
}

static uint64_t word_of(uint64_t notification)
{
    const struct notification *object = notification_of(slot_cap(notification));
    return object->word;
}

// ---- slices -------------------------------------------------------------------------------------

static struct actor one, two, three;

static void stage_peers(void)
{
    one = actor_new(100, 0, 0, 0);
    two = actor_new(100, 0, 0, 0);
    three = actor_new(100, 0, 0, 0);
    actor_resume(&one);
    actor_resume(&two);
}

static void test_peers_take_turns(void **state)
{
    (void)state;
    stage_peers();
    rest();
    assert_ptr_equal(current(), one.thread);
    pass(SLICE);
    assert_ptr_equal(current(), two.thread);
    pass(SLICE - 1);
    assert_ptr_equal(current(), two.thread);
    pass(1);
    assert_ptr_equal(current(), one.thread);
}

// A slice that is over when its thread is preempted leaves it behind its peers.
static void test_end_of_a_slice_at_a_preemption(void **state)
{
    (void)state;
    stage_peers();
    rest();
    host_clock += SLICE;
    ring();
    rest();
    assert_ptr_equal(current(), two.thread);
    host_clock += SLICE / 2;
    ring();
    rest();
    assert_ptr_equal(current(), two.thread);  // it had not used its own up
}

static void test_end_of_a_slice_in_a_wait(void **state)
{
    (void)state;
    stage_peers();
    rest();
    host_clock += SLICE;
    wait_forever();
    assert_ptr_equal(current(), two.thread);
    assert_int_equal(context_of(&one)->refills[0].amount, SLICE);  // a new one
}

// How much `one` has when `two` has woken it: it had used `used` of its slice before it waited.
static uint64_t woken_with(uint64_t used)
{
    stage_peers();
    uint64_t note = make(KIND_NOTIFICATION, 6);
    rest();
    host_clock += used;
    SYS(SYS_wait, note);
    assert_ptr_equal(current(), two.thread);
    OK(SYS(SYS_signal, note));
    assert_ptr_equal(current(), two.thread);
    return context_of(&one)->refills[0].amount;
}

// What is not worth a switch is no rest of a slice for who is woken by a notification.
static void test_short_rest_of_a_slice(void **state)
{
    (void)state;
    assert_int_equal(woken_with(SLICE - SCHED_MIN_TICKS + 1), SLICE);
}

// Nor for who is bound to one that has a word.
static void test_short_rest_of_a_slice_at_a_bind(void **state)
{
    (void)state;
    stage_peers();
    uint64_t note = make(KIND_NOTIFICATION, 6), endpoint = make(KIND_ENDPOINT, 6);
    OK(SYS(SYS_signal, note));
    rest();
    host_clock += SLICE - 1;
    sys(SYS_recv, endpoint, 0, 0, WORDS(0));
    assert_ptr_equal(current(), two.thread);
    OK(INVOKE(one.cap, KIND_THREAD, THREAD_BIND, note));
    assert_ptr_equal(current(), two.thread);
    assert_int_equal(one.thread->state, THREAD_READY);
    assert_int_equal(context_of(&one)->refills[0].amount, SLICE);
}

// Who is bound outranks who binds: that has its result all the same.
static void test_bind_wakes_somebody_more_important(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6), endpoint = make(KIND_ENDPOINT, 6);
    struct actor high = actor_new(120, 0, 0, 0);
    stage_peers();
    actor_receive(&high, endpoint, 0);
    OK(SYS(SYS_signal, note));
    rest();
    assert_ptr_equal(current(), one.thread);
    sys(SYS_invoke, high.cap, TAG(OPERATION(KIND_THREAD, THREAD_BIND), 1, 0), 0, WORDS(note));
    assert_ptr_equal(current(), high.thread);
    assert_int_equal(one.thread->context.code, ERR_OK);
}

static void test_rest_of_a_slice(void **state)
{
    (void)state;
    assert_int_equal(woken_with(SLICE - SCHED_MIN_TICKS), SCHED_MIN_TICKS);
}

static void test_yield_goes_behind_all_peers(void **state)
{
    (void)state;
    stage_peers();
    actor_resume(&three);
    rest();
    struct actor *order[] = { &one, &two, &three, &one };
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(current(), order[i]->thread);
        OK(SYS(SYS_yield, 0));
    }
}

static void test_yield_at_the_end_of_a_slice(void **state)
{
    (void)state;
    stage_peers();
    rest();
    host_clock += SLICE;
    OK(SYS(SYS_yield, 0));
    assert_ptr_equal(current(), two.thread);
    OK(SYS(SYS_yield, 0));
    assert_ptr_equal(current(), one.thread);
    wait_forever();
    assert_ptr_equal(current(), two.thread);
    OK(SYS(SYS_yield, 0));  // alone
    assert_ptr_equal(current(), two.thread);
}

// Who is woken as a slice ends comes before whose it was, also where others come before both.
static void test_woken_at_the_end_of_a_slice(void **state)
{
    (void)state;
    stage_peers();
    uint64_t timer = make(KIND_TIMER, 7), note = make(KIND_NOTIFICATION, 6);
    OK(INVOKE(timer, KIND_TIMER, 0, note));
    rest();
    OK(INVOKE(timer, KIND_TIMER, 1, host_clock + SLICE));
    OK(SYS(SYS_yield, 0));
    SYS(SYS_wait, note);  // two
    ring();
    actor_resume(&three);
    rest();
    assert_ptr_equal(current(), one.thread);
    pass(SLICE);
    assert_ptr_equal(current(), three.thread);
    wait_forever();
    assert_ptr_equal(current(), two.thread);
}

// A Timer that is deleted before it goes off never does.
static void test_a_timer_that_is_deleted(void **state)
{
    (void)state;
    uint64_t before = alarm_next(hal_cpu(), READY_NONE);
    uint64_t timer = make(KIND_TIMER, 7);
    OK(INVOKE(timer, KIND_TIMER, 1, host_clock + SLICE));
    assert_int_equal(alarm_next(hal_cpu(), READY_NONE), host_clock + SLICE);
    OK(INVOKE(ROOT_SLOT_CSPACE, KIND_CAPTABLE, 3, timer));
    assert_int_equal(alarm_next(hal_cpu(), READY_NONE), before);
}

// ---- budgets ------------------------------------------------------------------------------------

static void test_a_budget_ends_and_comes_back(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, BUDGET, 0, 0);
    actor_begin(&actor);
    uint64_t begun = host_clock;
    pass(BUDGET - 1);
    assert_ptr_equal(current(), actor.thread);
    pass(1);
    assert_null(current());
    assert_true(context_of(&actor)->waiting);
    assert_int_equal(sched_context_head(context_of(&actor))->amount, BUDGET - SCHED_REFILL_TICKS);
    assert_true(machine.timer <= begun + PERIOD);
    pass(PERIOD - BUDGET - 1);
    assert_null(current());
    pass(1);
    assert_ptr_equal(current(), actor.thread);
    OK(INVOKE0(actor.context, KIND_SCHED_CONTEXT, CONSUMED));
    assert_int_equal(current()->context.words[0], BUDGET + SCHED_REFILL_TICKS);
}

// However many budgets end, one after the other, an alarm is seen to at least every second time.
static void test_an_alarm_has_its_turn(void **state)
{
    (void)state;
    struct actor high = actor_new(100, BUDGET, 0, 0), low = actor_new(50, BUDGET, 0, 0);
    actor_resume(&high);
    actor_resume(&low);
    rest();
    pass(BUDGET);
    assert_true(context_of(&high)->waiting);
    assert_ptr_equal(current(), low.thread);
    host_clock += PERIOD;  // its budget has ended long ago, and that of the high one is back
    kernel_timer();
    assert_false(context_of(&high)->waiting);
    assert_ptr_equal(current(), high.thread);
    kernel_timer();  // for nothing
    assert_ptr_equal(current(), high.thread);
}

// A switch does not see to the budget that ends at it: that waits until its thread would go on.
static void test_a_budget_that_ends_as_its_thread_is_preempted(void **state)
{
    (void)state;
    struct actor high = actor_new(100, 2 * BUDGET, 0, 0), low = actor_new(50, BUDGET, 0, 0);
    uint64_t note = make(KIND_NOTIFICATION, 6);
    actor_resume(&high);
    actor_resume(&low);
    rest();
    SYS(SYS_wait, note);
    assert_ptr_equal(current(), low.thread);
    uint64_t begun = host_clock;
    host_clock += BUDGET;
    OK(SYS(SYS_signal, note));
    assert_ptr_equal(current(), high.thread);
    assert_int_equal(low.thread->place, PLACE_QUEUED);
    assert_false(context_of(&low)->waiting);
    assert_int_equal(sched_context_head(context_of(&low))->time, begun + PERIOD);
    SYS(SYS_wait, note);
    assert_null(current());
    assert_true(context_of(&low)->waiting);
    pass(PERIOD - BUDGET);
    assert_ptr_equal(current(), low.thread);
    // And it may be back before anybody asks.
    host_clock += BUDGET;
    OK(SYS(SYS_signal, note));
    host_clock += PERIOD - BUDGET;
    SYS(SYS_wait, note);
    assert_ptr_equal(current(), low.thread);
}

// What is used comes back a period after it was first there; parts too small to be worth a switch
// are joined with the next.
static void test_replenishments_come_one_by_one(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, BUDGET, 0, 0);
    uint64_t note = make(KIND_NOTIFICATION, 6);
    actor_begin(&actor);
    uint64_t begun = host_clock;
    host_clock += 1500;
    SYS(SYS_wait, note);
    assert_null(current());
    struct sched_context *context = context_of(&actor);
    assert_int_equal(context->count, 2);
    assert_int_equal(sched_context_head(context)->amount, BUDGET - 1500);
    ring();
    OK(SYS(SYS_signal, note));
    rest();
    assert_ptr_equal(current(), actor.thread);
    host_clock += BUDGET - 1500 - SCHED_MIN_TICKS + 1;
    SYS(SYS_wait, note);
    // What is left of the first is less than the least: it waits for the second.
    assert_int_equal(sched_context_head(context)->time, begun + PERIOD);
    ring();
    OK(SYS(SYS_signal, note));
    rest();
    assert_null(current());
    pass(PERIOD);
    assert_ptr_equal(current(), actor.thread);
    assert_true(sched_context_head(context)->amount >= 1500);
}

// A ring of replenishments that is full gives later what it cannot tell apart.
static void test_more_replenishments_than_there_is_room_for(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 40 * SCHED_MIN_TICKS, 0, 0);
    struct sched_context *context = context_of(&actor);
    context->count = SCHED_REFILLS;
    context->refills[0].amount -= (SCHED_REFILLS - 1) * SCHED_MIN_TICKS;
    for (unsigned i = 1; i < SCHED_REFILLS; i++) {
        context->refills[i] = (struct refill){ host_clock + i * PERIOD, SCHED_MIN_TICKS };
    }
    actor_begin(&actor);
    host_clock += 2 * SCHED_MIN_TICKS;
    wait_forever();
    assert_null(current());
    assert_int_equal(context->count, SCHED_REFILLS);
    uint64_t sum = 0;
    for (unsigned i = 0; i < SCHED_REFILLS; i++) {
        sum += context->refills[i].amount;
    }
    assert_int_equal(sum, 40 * SCHED_MIN_TICKS);
}

// Who uses several budgets at once waits for as many periods.
static void test_an_overrun_is_paid_for(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, BUDGET, 0, 0);
    actor_begin(&actor);
    uint64_t begun = host_clock;
    pass(3 * BUDGET + 10);
    assert_null(current());
    pass(begun + 3 * PERIOD - 1 - host_clock);
    assert_null(current());
    pass(PERIOD);
    assert_ptr_equal(current(), actor.thread);
}

// The one that is switched to has no time yet: the fast switch does not happen.
static void test_a_receiver_whose_budget_is_used_up(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    struct actor server = actor_new(110, BUDGET, 0, 0), client = actor_new(100, 0, 0, 0);
    actor_begin(&server);
    host_clock += BUDGET;
    sys(SYS_recv, endpoint, 0, reply, WORDS(0));
    assert_int_equal(server.thread->state, THREAD_BLOCKED_RECV);
    ring();
    machine.fast = true;
    actor_begin(&client);
    sys(SYS_call, endpoint, 0, 0, WORDS(0));
    assert_int_equal(machine.left, LEFT_SLOW);
    assert_null(current());
    assert_int_equal(server.thread->state, THREAD_READY);
    assert_true(context_of(&server)->waiting);
    pass(PERIOD);
    assert_ptr_equal(current(), server.thread);
}

// More contexts come back at once than one interrupt looks at.
static void test_many_releases_at_once(void **state)
{
    (void)state;
    enum {
        MANY = 20
    };
    struct actor actors[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        actors[i] = actor_new(100, NO_BUDGET, 0, 0);
        actors[i].context = context_new(BUDGET, (uint64_t)MANY * PERIOD);
        OK(INVOKE(actors[i].context, KIND_SCHED_CONTEXT, BIND, actors[i].cap, SCHED_OWN));
        actor_resume(&actors[i]);
    }
    rest();
    for (unsigned i = 0; i < MANY; i++) {
        assert_ptr_equal(current(), actors[i].thread);
        pass(BUDGET);
    }
    assert_null(current());
    host_clock += 2ull * MANY * PERIOD;
    kernel_timer();
    unsigned waiting = 0;
    for (unsigned i = 0; i < MANY; i++) {
        waiting += context_of(&actors[i])->waiting;
    }
    assert_in_range(waiting, 1, MANY - 1);
    // The others are released as the CPU comes down to them.
    for (unsigned i = 0; i < MANY; i++) {
        pass(0);
        assert_non_null(current());
        wait_forever();
    }
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(actors[i].thread->state, THREAD_BLOCKED_WAIT);
    }
}

// Somebody suspended while his time comes back is not woken by it.
static void test_a_release_for_somebody_suspended(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, BUDGET, 0, 0);
    actor_begin(&actor);
    pass(BUDGET);
    assert_null(current());
    ring();
    OK(INVOKE0(actor.cap, KIND_THREAD, 3));
    rest();
    pass(PERIOD);
    assert_null(current());
    ring();
    actor_begin(&actor);
}

// A guest that is stopped by a kick uncovers what was put off for its sake; from then on time is
// counted again.
static void test_time_goes_on_after_a_kick(void **state)
{
    (void)state;
    struct actor less = actor_new(100, BUDGET, 0, 0), guest = actor_new(120, 0, 0, THREAD_GUEST);
    actor_begin(&less);
    pass(BUDGET);
    ring();
    actor_begin(&guest);
    pass(PERIOD);
    assert_int_equal(hal_cpu()->floor, 120);
    ring();
    OK(INVOKE0(guest.cap, KIND_THREAD, 5));
    rest();
    assert_ptr_equal(current(), less.thread);
    assert_int_equal(hal_cpu()->stamp, 0);
}

static void test_a_context_that_was_never_configured(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, NO_BUDGET, 0, 0);
    uint64_t context = make(KIND_SCHED_CONTEXT, SCHED_CONTEXT_BITS);
    OK(INVOKE(context, KIND_SCHED_CONTEXT, BIND, actor.cap, SCHED_OWN));
    actor_resume(&actor);
    rest();
    assert_null(current());
    ring();
    OK(INVOKE(context, KIND_SCHED_CONTEXT, CONFIGURE, ROOT_SLOT_SCHED_CONTROL, BUDGET, PERIOD));
    rest();
    assert_ptr_equal(current(), actor.thread);
}

static void test_refusals_of_contexts(void **state)
{
    (void)state;
    struct actor actor = actor_new(100, 0, 0, 0);
    uint64_t spare = context_new(SLICE, SLICE), control = ROOT_SLOT_SCHED_CONTROL;
    uint64_t reader = copy_slot(spare, RIGHT_READ), writer = copy_slot(spare, RIGHT_WRITE);
    uint64_t limited = mint_slot(control, RIGHT_ALL, 500000);
    REFUSED(INVOKE(reader, KIND_SCHED_CONTEXT, CONFIGURE, control, 4000, 4000), ERR_RIGHTS);
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, spare, 4000, 4000),
            err_blame(ERR_TYPE, 1));
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, control, 3999, 3999),
            err_blame(ERR_RANGE, 3));
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, control, 4000, SCHED_MAX_TICKS + 1),
            err_blame(ERR_RANGE, 3));
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, control, 3999, 4000),
            err_blame(ERR_RANGE, 2));
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, control, 4001, 4000),
            err_blame(ERR_RANGE, 2));
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, limited, 6000, 10000),
            err_blame(ERR_LIMIT, 1));
    OK(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, limited, 5000, 10000));
    OK(INVOKE(spare, KIND_SCHED_CONTEXT, CONFIGURE, limited, 4ull << 20, 10ull << 20));
    REFUSED(INVOKE(reader, KIND_SCHED_CONTEXT, BIND, actor.cap, SCHED_OWN), ERR_RIGHTS);
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, BIND, actor.cap, 2), err_blame(ERR_RANGE, 2));
    REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, BIND, actor.cap, SCHED_OWN), err_blame(ERR_STATE, 1));
    REFUSED(INVOKE(actor.context, KIND_SCHED_CONTEXT, BIND, actor.cap, SCHED_FALLBACK), ERR_STATE);
    REFUSED(INVOKE0(spare, KIND_SCHED_CONTEXT, UNBIND), ERR_STATE);
    REFUSED(INVOKE0(reader, KIND_SCHED_CONTEXT, UNBIND), ERR_RIGHTS);
    REFUSED(INVOKE0(writer, KIND_SCHED_CONTEXT, CONSUMED), ERR_RIGHTS);
}

// ---- time-outs ----------------------------------------------------------------------------------

static void test_a_handler_is_told_and_answers(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    struct actor handler = actor_new(110, 0, 0, 0), actor = actor_new(100, BUDGET, 0, 0);
    timeout_set(&actor, endpoint);
    actor_receive(&handler, endpoint, reply);
    actor_begin(&actor);
    pass(BUDGET);
    assert_ptr_equal(current(), handler.thread);
    assert_int_equal(current()->context.tag, TAG(FAULT_TIMEOUT, 2, 0));
    assert_int_equal(current()->context.words[0], BUDGET + SCHED_REFILL_TICKS);
    assert_int_equal(current()->context.words[1], 0);
    OK(sys(SYS_reply, reply, 0, 0, WORDS(0)));
    wait_forever();
    assert_null(current());  // it goes on when its time comes back
    pass(PERIOD);
    assert_ptr_equal(current(), actor.thread);
}

// A guest that was kicked meanwhile does not go on as if it was not.
static void test_a_kicked_guest_is_answered(void **state)
{
    (void)state;
    struct actor handler = actor_new(130, 0, 0, 0), guest = actor_new(120, BUDGET, 0, 0);
    uint64_t endpoint = make(KIND_ENDPOINT, 6), reply = make(KIND_REPLY, 6);
    OK(INVOKE(guest.cap, KIND_THREAD, 0, ROOT_SLOT_CSPACE, ROOT_SLOT_ASPACE, 0, endpoint,
              THREAD_GUEST));
    actor_receive(&handler, endpoint, reply);
    actor_begin(&guest);
    pass(BUDGET);
    assert_ptr_equal(current(), handler.thread);
    ring();
    OK(INVOKE0(guest.cap, KIND_THREAD, 5));
    host_clock += PERIOD;
    rest();
    machine.fast = true;
    sys(SYS_reply_recv, endpoint, 0, reply, WORDS(0));
    machine.fast = false;
    assert_int_equal(handler.thread->state, THREAD_BLOCKED_RECV);
    assert_int_equal(guest.thread->state, THREAD_STOPPED);
}

static void test_a_notification_is_signalled(void **state)
{
    (void)state;
    uint64_t note = make(KIND_NOTIFICATION, 6), badged = mint_slot(note, RIGHT_ALL, 6);
    struct actor actor = actor_new(100, BUDGET, 0, 0), other = actor_new(100, BUDGET, 0, 0);
    timeout_set(&actor, note);
    timeout_set(&other, badged);
    actor_begin(&actor);
    pass(BUDGET);
    assert_null(current());
    assert_int_equal(word_of(note), 1);
    ring();
    actor_begin(&other);
    pass(BUDGET);
    assert_int_equal(word_of(note), 1 | 6);
}

// ---- time that is lent --------------------------------------------------------------------------

#define CHAIN 6u

// Passive servers that call each other, on the time of the first in the row.
static struct {
    struct actor actor[CHAIN];
    uint64_t endpoint[CHAIN], reply[CHAIN];
} chain;

// The last one runs; the first is the client, with this budget.
static void stage_chain(unsigned length, uint64_t budget)
{
    for (unsigned i = 1; i < length; i++) {
        chain.endpoint[i] = make(KIND_ENDPOINT, 6);
        chain.reply[i] = make(KIND_REPLY, 6);
        chain.actor[i] = actor_new(100 + i, NO_BUDGET, 0, 0);
    }
    chain.actor[0] = actor_new(100, budget, 0, 0);
}

static void chain_call(unsigned length)
{
    for (unsigned i = 1; i < length; i++) {
        actor_receive(&chain.actor[i], chain.endpoint[i], chain.reply[i]);
    }
    actor_begin(&chain.actor[0]);
    for (unsigned i = 1; i < length; i++) {
        sys(SYS_call, chain.endpoint[i], 0, 0, WORDS(0));
        assert_ptr_equal(current(), chain.actor[i].thread);
    }
}

static void test_lent_time_runs_out(void **state)
{
    (void)state;
    stage_chain(2, BUDGET);
    fallback_bind(&chain.actor[1]);
    uint64_t note = make(KIND_NOTIFICATION, 6);
    timeout_set(&chain.actor[1], note);
    chain_call(2);
    pass(BUDGET);
    // The server goes on with its fall-back context; its client is told when it has time again.
    assert_ptr_equal(current(), chain.actor[1].thread);
    assert_ptr_equal(current()->sched, sched_context_of(slot_cap(chain.actor[1].fallback)));
    assert_int_equal(word_of(note), 1);
    assert_int_equal(chain.actor[0].thread->context.code, ERR_BUDGET);
    REFUSED(sys(SYS_reply, chain.reply[1], 0, 0, WORDS(0)), ERR_STATE);
    wait_forever();
    assert_null(current());
    pass(PERIOD);
    assert_ptr_equal(current(), chain.actor[0].thread);
}

// A client and a server whose fall-back context, which this gives, has no budget left.
static struct sched_context *stage_spent_fallback(void)
{
    stage_chain(2, 0);
    fallback_bind(&chain.actor[1]);
    struct sched_context *fallback = sched_context_of(slot_cap(chain.actor[1].fallback));
    OK(INVOKE(chain.actor[1].fallback, KIND_SCHED_CONTEXT, CONFIGURE, ROOT_SLOT_SCHED_CONTROL,
              BUDGET, PERIOD));
    fallback->refills[0].time = host_clock + PERIOD;
    return fallback;
}

// A server that answers and receives in one call does not wait for time of its own.
static void test_a_fallback_that_is_not_needed(void **state)
{
    (void)state;
    struct sched_context *fallback = stage_spent_fallback();
    chain_call(2);
    sys(SYS_reply_recv, chain.endpoint[1], 0, chain.reply[1], WORDS(0));
    assert_ptr_equal(current(), chain.actor[0].thread);
    assert_false(fallback->waiting);
}

// Nor does one that is lent time at once, by who waited already.
static void test_a_fallback_that_waits_for_nobody(void **state)
{
    (void)state;
    struct sched_context *fallback = stage_spent_fallback();
    one = actor_new(200, 0, 0, 0);
    chain_call(2);
    actor_resume(&one);
    ring();
    rest();
    assert_ptr_equal(current(), one.thread);
    sys(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_ptr_equal(current(), chain.actor[1].thread);
    sys(SYS_reply_recv, chain.endpoint[1], 0, chain.reply[1], WORDS(0));
    assert_ptr_equal(current(), chain.actor[1].thread);
    assert_ptr_equal(current()->sched, context_of(&one));
    assert_false(fallback->waiting);
}

// One loan after the other, each by a step of its own.
static void test_time_that_was_lent_on_runs_out(void **state)
{
    (void)state;
    stage_chain(CHAIN, BUDGET);
    chain_call(CHAIN);
    pass(BUDGET);
    assert_null(current());
    for (unsigned i = 0; i < CHAIN - 1; i++) {
        assert_int_equal(chain.actor[i].thread->context.code, ERR_BUDGET);
        assert_int_equal(chain.actor[i].thread->state, THREAD_READY);
    }
    const struct sched_context *context = context_of(&chain.actor[0]);
    assert_ptr_equal(chain.actor[0].thread->sched, context);
    // The next budget pays for the interrupts that this took.
    assert_int_equal(context->used, BUDGET + SCHED_REFILL_TICKS + (CHAIN - 2) * SCHED_RECALL_TICKS);
    pass(PERIOD);
    assert_null(current());
    pass(PERIOD);
    assert_ptr_equal(current(), chain.actor[0].thread);
}

static void test_a_handler_hears_of_lost_time(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    struct actor handler = actor_new(120, 0, 0, 0);
    stage_chain(2, BUDGET);
    fallback_bind(&chain.actor[1]);
    timeout_set(&chain.actor[1], endpoint);
    actor_receive(&handler, endpoint, 0);
    chain_call(2);
    pass(BUDGET);
    assert_ptr_equal(current(), handler.thread);
    assert_int_equal(current()->context.tag, TAG(FAULT_TIMEOUT, 2, 0));
    assert_int_equal(current()->context.words[0], BUDGET + SCHED_REFILL_TICKS);
    assert_int_equal(current()->context.words[1], 1);
    wait_forever();
    assert_ptr_equal(current(), chain.actor[1].thread);
}

static void test_a_handler_that_does_not_listen_misses_it(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    stage_chain(2, BUDGET);
    fallback_bind(&chain.actor[1]);
    timeout_set(&chain.actor[1], endpoint);
    chain_call(2);
    pass(BUDGET);
    assert_ptr_equal(current(), chain.actor[1].thread);  // it goes on
    assert_null(endpoint_of(slot_cap(endpoint))->senders.root);
}

// The server waits for something else: the time is nobody's until it is taken back.
static void test_time_taken_back_from_a_server_that_waits(void **state)
{
    (void)state;
    stage_chain(2, 0);
    chain_call(2);
    host_clock += SLICE;  // it ends as the server begins to wait
    sys(SYS_recv, make(KIND_ENDPOINT, 6), 0, make(KIND_REPLY, 6), WORDS(0));
    assert_null(current());
    assert_null(context_of(&chain.actor[0])->thread);
    ring();
    OK(INVOKE0(chain.actor[0].context, KIND_SCHED_CONTEXT, UNBIND));
    assert_int_equal(chain.actor[0].thread->context.code, ERR_BUDGET);
    assert_int_equal(chain.actor[1].thread->state, THREAD_BLOCKED_RECV);
}

static void test_a_budget_that_ends_in_a_wait_on_lent_time(void **state)
{
    (void)state;
    stage_chain(2, BUDGET);
    chain_call(2);
    host_clock += BUDGET;
    sys(SYS_recv, make(KIND_ENDPOINT, 6), 0, make(KIND_REPLY, 6), WORDS(0));
    assert_null(current());
    assert_int_equal(chain.actor[0].thread->state, THREAD_BLOCKED_REPLY);
    pass(PERIOD);
    ring();
}

// Taking back a long chain of loans is interrupted, and goes on where it was.
static void expect_all_back(void)
{
    assert_int_equal(machine.windows, 0);  // there was an interruption
    for (unsigned i = 1; i < CHAIN - 1; i++) {
        assert_int_equal(chain.actor[i].thread->context.code, ERR_BUDGET);
    }
}

static void stage_interrupted(void)
{
    stage_chain(CHAIN, 0);
    chain_call(CHAIN);
    ring();
    interrupt_soon();
}

static void test_unbind_of_time_lent_far(void **state)
{
    (void)state;
    stage_interrupted();
    OK(INVOKE0(chain.actor[0].context, KIND_SCHED_CONTEXT, UNBIND));
    expect_all_back();
    assert_int_equal(chain.actor[0].thread->context.code, ERR_BUDGET);
}

static void test_end_of_a_context_lent_far(void **state)
{
    (void)state;
    stage_interrupted();
    remove_slot(chain.actor[0].context);
    expect_all_back();
    assert_int_equal(chain.actor[0].thread->context.code, ERR_BUDGET);
    assert_null(chain.actor[0].thread->own);
}

static void test_cancel_of_somebody_who_lent_time_far(void **state)
{
    (void)state;
    stage_interrupted();
    OK(INVOKE0(chain.actor[0].cap, KIND_THREAD, 4));
    expect_all_back();
    assert_int_equal(chain.actor[0].thread->context.code, ERR_CANCELLED);
    rest();
    assert_ptr_equal(current(), chain.actor[0].thread);
}

static void test_suspension_of_somebody_who_lent_time_far(void **state)
{
    (void)state;
    stage_interrupted();
    OK(INVOKE0(chain.actor[0].cap, KIND_THREAD, 3));
    expect_all_back();
    assert_int_equal(chain.actor[0].thread->state, THREAD_SUSPENDED);
}

static void test_end_of_somebody_who_lent_time_far(void **state)
{
    (void)state;
    stage_interrupted();
    remove_slot(chain.actor[0].cap);
    expect_all_back();
    assert_null(context_of(&chain.actor[0])->bound);
}

static void test_end_of_a_reply_whose_time_was_lent_far(void **state)
{
    (void)state;
    stage_interrupted();
    remove_slot(chain.reply[1]);
    expect_all_back();
    assert_int_equal(chain.actor[0].thread->context.code, ERR_PEER_DIED);
}

// Another thread answers while the time is lent on: that comes back first.
static void test_an_answer_while_the_time_is_lent_far(void **state)
{
    (void)state;
    stage_interrupted();
    OK(sys(SYS_reply, chain.reply[1], TAG(5, 0, 0), 0, WORDS(0)));
    expect_all_back();
    OK(chain.actor[0].thread->context.code);
    assert_int_equal(chain.actor[0].thread->context.tag, TAG(5, 0, 0));
}

// The same by somebody who then receives.
static void test_an_answer_and_a_receive_while_the_time_is_lent_far(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    stage_interrupted();
    sys(SYS_reply_recv, endpoint, TAG(5, 0, 0), chain.reply[1], WORDS(0));
    assert_int_equal(machine.windows, 0);
    OK(chain.actor[0].thread->context.code);
    assert_int_equal(chain.actor[0].thread->context.tag, TAG(5, 0, 0));
}

static void test_nobody_gets_time_of_his_own_while_he_uses_lent_time(void **state)
{
    (void)state;
    stage_chain(3, 0);
    chain_call(3);
    uint64_t spare = context_new(SLICE, SLICE);
    for (unsigned i = 0; i < 3; i++) {
        REFUSED(INVOKE(spare, KIND_SCHED_CONTEXT, BIND, chain.actor[i].cap, SCHED_OWN),
                err_blame(ERR_STATE, 1));
    }
}

// ---- endpoints that ask for a budget ------------------------------------------------------------

static void endpoint_asks(uint64_t endpoint, uint64_t budget)
{
    OK(INVOKE(endpoint, KIND_ENDPOINT, 0, budget));
}

static void test_a_caller_waits_for_enough_time(void **state)
{
    (void)state;
    stage_chain(2, BUDGET);
    endpoint_asks(chain.endpoint[1], BUDGET - 500);
    actor_receive(&chain.actor[1], chain.endpoint[1], chain.reply[1]);
    actor_begin(&chain.actor[0]);
    host_clock += 1000;
    sys_once(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_null(current());  // it waits, at the call
    assert_int_equal(chain.actor[0].thread->state, THREAD_READY);
    pass(PERIOD);
    assert_ptr_equal(current(), chain.actor[0].thread);
    host_clock += 100;  // on the way back into the kernel
    sys(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_ptr_equal(current(), chain.actor[1].thread);
}

static void test_a_caller_who_never_can(void **state)
{
    (void)state;
    stage_chain(2, BUDGET);
    endpoint_asks(chain.endpoint[1], BUDGET + 1);
    actor_receive(&chain.actor[1], chain.endpoint[1], chain.reply[1]);
    actor_begin(&chain.actor[0]);
    REFUSED(sys(SYS_call, chain.endpoint[1], 0, 0, WORDS(0)), ERR_BUDGET);
    uint64_t huge = SCHED_MAX_TICKS + 1;
    REFUSED(INVOKE(chain.endpoint[1], KIND_ENDPOINT, 0, huge), err_blame(ERR_RANGE, 1));
}

// A slice that is short of it: the next one comes when this would have ended.
static void test_a_caller_with_a_slice_waits_for_the_next(void **state)
{
    (void)state;
    stage_chain(2, 0);
    endpoint_asks(chain.endpoint[1], SLICE / 2);
    actor_receive(&chain.actor[1], chain.endpoint[1], chain.reply[1]);
    actor_begin(&chain.actor[0]);
    host_clock += SLICE - 2000;
    sys_once(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_null(current());
    pass(2000);
    assert_ptr_equal(current(), chain.actor[0].thread);
    sys(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_ptr_equal(current(), chain.actor[1].thread);
}

static void test_the_budget_ends_at_the_call(void **state)
{
    (void)state;
    stage_chain(2, BUDGET);
    endpoint_asks(chain.endpoint[1], BUDGET);
    actor_receive(&chain.actor[1], chain.endpoint[1], chain.reply[1]);
    actor_begin(&chain.actor[0]);
    host_clock += BUDGET;
    sys_once(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_null(current());
    assert_true(context_of(&chain.actor[0])->waiting);
    assert_int_equal(chain.actor[1].thread->state, THREAD_BLOCKED_RECV);
}

static void test_the_budget_ends_at_the_call_of_somebody_with_a_handler(void **state)
{
    (void)state;
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    stage_chain(2, BUDGET);
    timeout_set(&chain.actor[0], endpoint);
    endpoint_asks(chain.endpoint[1], BUDGET);
    actor_receive(&chain.actor[1], chain.endpoint[1], chain.reply[1]);
    actor_begin(&chain.actor[0]);
    host_clock += BUDGET;
    sys_once(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_int_equal(chain.actor[0].thread->state, THREAD_BLOCKED_SEND);
    assert_int_equal(chain.actor[0].thread->sending, SENDING_FAULT);
}

// A server on lent time calls on, and that ends: it goes on, and tries again, on its own.
static void test_lent_time_ends_at_the_call(void **state)
{
    (void)state;
    stage_chain(3, BUDGET);
    fallback_bind(&chain.actor[1]);
    endpoint_asks(chain.endpoint[2], 1000);
    actor_receive(&chain.actor[2], chain.endpoint[2], chain.reply[2]);
    actor_receive(&chain.actor[1], chain.endpoint[1], chain.reply[1]);
    actor_begin(&chain.actor[0]);
    sys(SYS_call, chain.endpoint[1], 0, 0, WORDS(0));
    assert_ptr_equal(current(), chain.actor[1].thread);
    host_clock += BUDGET;
    sys(SYS_call, chain.endpoint[2], 0, 0, WORDS(0));
    assert_ptr_equal(current(), chain.actor[2].thread);
    assert_ptr_equal(current()->sched, sched_context_of(slot_cap(chain.actor[1].fallback)));
    assert_int_equal(chain.actor[0].thread->context.code, ERR_BUDGET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_peers_take_turns),
        TEST(test_end_of_a_slice_at_a_preemption),
        TEST(test_end_of_a_slice_in_a_wait),
        TEST(test_short_rest_of_a_slice),
        TEST(test_short_rest_of_a_slice_at_a_bind),
        TEST(test_bind_wakes_somebody_more_important),
        TEST(test_rest_of_a_slice),
        TEST(test_yield_goes_behind_all_peers),
        TEST(test_yield_at_the_end_of_a_slice),
        TEST(test_woken_at_the_end_of_a_slice),
        TEST(test_a_budget_ends_and_comes_back),
        TEST(test_a_timer_that_is_deleted),
        TEST(test_an_alarm_has_its_turn),
        TEST(test_a_budget_that_ends_as_its_thread_is_preempted),
        TEST(test_replenishments_come_one_by_one),
        TEST(test_more_replenishments_than_there_is_room_for),
        TEST(test_an_overrun_is_paid_for),
        TEST(test_a_receiver_whose_budget_is_used_up),
        TEST(test_many_releases_at_once),
        TEST(test_a_release_for_somebody_suspended),
        TEST(test_time_goes_on_after_a_kick),
        TEST(test_a_context_that_was_never_configured),
        TEST(test_refusals_of_contexts),
        TEST(test_a_handler_is_told_and_answers),
        TEST(test_a_kicked_guest_is_answered),
        TEST(test_a_notification_is_signalled),
        TEST(test_lent_time_runs_out),
        TEST(test_a_fallback_that_is_not_needed),
        TEST(test_a_fallback_that_waits_for_nobody),
        TEST(test_time_that_was_lent_on_runs_out),
        TEST(test_a_handler_hears_of_lost_time),
        TEST(test_a_handler_that_does_not_listen_misses_it),
        TEST(test_time_taken_back_from_a_server_that_waits),
        TEST(test_a_budget_that_ends_in_a_wait_on_lent_time),
        TEST(test_unbind_of_time_lent_far),
        TEST(test_end_of_a_context_lent_far),
        TEST(test_cancel_of_somebody_who_lent_time_far),
        TEST(test_suspension_of_somebody_who_lent_time_far),
        TEST(test_end_of_somebody_who_lent_time_far),
        TEST(test_end_of_a_reply_whose_time_was_lent_far),
        TEST(test_an_answer_while_the_time_is_lent_far),
        TEST(test_an_answer_and_a_receive_while_the_time_is_lent_far),
        TEST(test_nobody_gets_time_of_his_own_while_he_uses_lent_time),
        TEST(test_a_caller_waits_for_enough_time),
        TEST(test_a_caller_who_never_can),
        TEST(test_a_caller_with_a_slice_waits_for_the_next),
        TEST(test_the_budget_ends_at_the_call),
        TEST(test_the_budget_ends_at_the_call_of_somebody_with_a_handler),
        TEST(test_lent_time_ends_at_the_call),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
