// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers on the whole core: when they signal, whom they interrupt, and on which CPU.
#include "machine.h"

#include <kernel/timer.h>

enum operation {
    BIND,
    ARM,
    CANCEL,
};

#define SOON 5000u

static uint64_t timer, note;

static void stage(void)
{
    timer = make(KIND_TIMER, TIMER_BITS);
    note = make(KIND_NOTIFICATION, 6);
    OK(INVOKE(timer, KIND_TIMER, BIND, note));
}

static uint64_t arm(uint64_t deadline)
{
    return INVOKE(timer, KIND_TIMER, ARM, deadline);
}

static uint64_t word(void)
{
    const struct notification *notification = notification_of(slot_cap(note));
    return notification->word;
}

static uint64_t taken(void)
{
    uint64_t status = SYS(SYS_poll, note);
    return status == ERR_AGAIN ? 0 : current()->context.slot;
}

static void test_refusals(void **state)
{
    (void)state;
    stage();
    uint64_t weak = copy_slot(timer, RIGHT_READ);
    REFUSED(INVOKE(weak, KIND_TIMER, BIND, note), ERR_RIGHTS);
    REFUSED(INVOKE(weak, KIND_TIMER, ARM, 0), ERR_RIGHTS);
    REFUSED(INVOKE0(weak, KIND_TIMER, CANCEL), ERR_RIGHTS);
    REFUSED(INVOKE(timer, KIND_TIMER, BIND, timer), err_blame(ERR_TYPE, 1));
    REFUSED(arm(TIMER_MAX + 1), err_blame(ERR_RANGE, 1));
    OK(INVOKE0(timer, KIND_TIMER, CANCEL));
    assert_int_equal(current()->context.words[0], 0);
}

static void test_once(void **state)
{
    (void)state;
    stage();
    OK(arm(host_clock + SOON));
    pass(SOON - 1);
    assert_int_equal(word(), 0);
    pass(1);
    assert_int_equal(taken(), 1);
    pass(10 * SOON);
    assert_int_equal(word(), 0);
    OK(arm(host_clock - 1));  // has passed: at once
    pass(0);
    assert_int_equal(taken(), 1);
}

// Who arms it pays for the interrupt, and for one that comes for nothing where it is moved.
static void test_it_is_paid_in_advance(void **state)
{
    (void)state;
    stage();
    struct sched_context *context = current()->sched;
    uint64_t used = context->used + host_clock - hal_cpu()->since;
    OK(arm(host_clock + SOON));
    OK(arm(host_clock + 2 * SOON));
    assert_int_equal(context->used + host_clock - hal_cpu()->since,
                     used + SCHED_ALARM_TICKS + SCHED_INTERRUPT_TICKS);
    pass(2 * SOON);
    assert_int_equal(taken(), 1);
    used = context->used + host_clock - hal_cpu()->since;
    OK(arm(host_clock + SOON));
    assert_int_equal(context->used + host_clock - hal_cpu()->since, used + SCHED_ALARM_TICKS);
}

static void test_armed_anew(void **state)
{
    (void)state;
    stage();
    OK(arm(host_clock + SOON));
    OK(arm(host_clock + 3 * SOON));
    pass(2 * SOON);
    assert_int_equal(word(), 0);
    pass(SOON);
    assert_int_equal(taken(), 1);
}

static void test_two_at_different_times(void **state)
{
    (void)state;
    stage();
    uint64_t later = make(KIND_TIMER, TIMER_BITS);
    OK(INVOKE(later, KIND_TIMER, ARM, host_clock + 2 * SOON));
    OK(arm(host_clock + SOON));
    OK(INVOKE0(later, KIND_TIMER, CANCEL));  // not the first
    assert_int_equal(current()->context.words[0], 1);
    pass(SOON);
    assert_int_equal(taken(), 1);
}

static void test_nobody_to_tell(void **state)
{
    (void)state;
    stage();
    OK(arm(host_clock + SOON));
    OK(INVOKE(timer, KIND_TIMER, BIND, 0));
    pass(SOON);
    assert_int_equal(word(), 0);
    OK(INVOKE0(timer, KIND_TIMER, CANCEL));
    assert_int_equal(current()->context.words[0], 0);
}

static void test_the_end_of_a_timer_that_is_armed(void **state)
{
    (void)state;
    stage();
    OK(arm(host_clock + SOON));
    remove_slot(timer);
    pass(10 * SOON);
    assert_int_equal(word(), 0);
}

// It has the priority of whoever armed it: it wakes nobody while something more important runs.
static void test_it_interrupts_only_what_is_less_important(void **state)
{
    (void)state;
    stage();
    struct actor low = actor_new(50, 0, 0, 0), high = actor_new(60, 0, 0, 0);
    actor_begin(&low);
    OK(arm(host_clock + SOON));
    ring();
    uint64_t armed = machine.timer;
    actor_begin(&high);
    host_clock += 2 * SOON;
    if (armed <= host_clock) {
        kernel_timer();
    }
    assert_int_equal(word(), 0);
    wait_forever();
    pass(0);
    assert_int_equal(word(), 1);
}

// What is less important still is put off with it.
static void test_what_comes_while_alarms_are_put_off(void **state)
{
    (void)state;
    stage();
    struct actor low = actor_new(50, 0, 0, 0), high = actor_new(60, 0, 0, 0);
    struct actor lowest = actor_new(40, NO_BUDGET, 0, 0);
    uint64_t empty = make(KIND_SCHED_CONTEXT, SCHED_CONTEXT_BITS);
    OK(INVOKE(empty, KIND_SCHED_CONTEXT, 1, lowest.cap, SCHED_OWN));
    actor_begin(&low);
    OK(arm(host_clock + SOON));
    ring();
    actor_begin(&high);
    host_clock += SOON;
    kernel_timer();
    assert_int_equal(hal_cpu()->floor, 60);
    actor_resume(&lowest);
    assert_true(sched_context_of(slot_cap(empty))->waiting);
    assert_int_equal(word(), 0);
    wait_forever();
    pass(0);
    assert_int_equal(word(), 1);
}

static void test_on_the_cpu_that_armed_it(void **state)
{
    (void)state;
    stage();
    struct actor actor = actor_new(100, 0, 0, 0);
    const struct root_info *root = (const struct root_info *)slot_cap(ROOT_SLOT_INFO)->address;
    OK(INVOKE(actor.context, KIND_SCHED_CONTEXT, 0, root->cpu_slot, SLICE, SLICE));
    actor_resume(&actor);
    machine_on(1);
    kernel_resched();
    assert_ptr_equal(current(), actor.thread);
    OK(arm(host_clock + SOON));
    machine_on(0);
    pass(SOON);
    assert_int_equal(word(), 0);
    machine_on(1);
    pass(0);
    assert_int_equal(word(), 1);
    machine_on(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusals),
        TEST(test_once),
        TEST(test_it_is_paid_in_advance),
        TEST(test_armed_anew),
        TEST(test_two_at_different_times),
        TEST(test_nobody_to_tell),
        TEST(test_the_end_of_a_timer_that_is_armed),
        TEST(test_it_interrupts_only_what_is_less_important),
        TEST(test_what_comes_while_alarms_are_put_off),
        TEST_PAIR(test_on_the_cpu_that_armed_it),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
