// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The restart policy: pauses, window, limit, groups, operators and heartbeats one by one, then
// random deaths against a model that looks at all of a component's history each time.
#include "../life.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WINDOW    1000u
#define LIMIT     3u
#define BACKOFF   10u
#define MOST      70u  // not a multiple of it by a power of two
#define HEARTBEAT 100ull

static struct system_component is;
static struct life life;
static uint64_t clock;

static int setup(void **state)
{
    (void)state;
    is = (struct system_component){ .restart = true, .limit = LIMIT, .window = WINDOW };
    is.backoff = BACKOFF;
    is.backoff_max = MOST;
    life = (struct life){ 0 };
    clock = 5000;
    life_wanted(&life, clock);
    assert_int_equal(life_due(&life, &is, clock), LIFE_START);
    life_began(&life, &is, clock);
    return 0;
}

// It dies now, and starts as soon as it may; gives the pause.
static uint64_t die(enum system_reason reason)
{
    assert_int_equal(life.state, SYSTEM_STATE_RUNNING);
    assert_false(life_ended(&life, &is, reason, clock));
    assert_int_equal(life.reason, reason);
    assert_int_equal(life.state, SYSTEM_STATE_WAITING);
    uint64_t pause = life_next(&life, &is) - clock;
    if (pause) {
        assert_int_equal(life_due(&life, &is, clock + pause - 1), LIFE_NONE);
    }
    clock += pause;
    assert_int_equal(life_due(&life, &is, clock), LIFE_START);
    life_began(&life, &is, clock);
    return pause;
}

static void test_pauses_double_up_to_a_limit(void **state)
{
    (void)state;
    is.limit = 10;
    static const uint64_t pauses[] = { 10, 20, 40, 70, 70, 70 };
    for (unsigned i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        assert_int_equal(die(SYSTEM_REASON_PAGE_FAULT), pauses[i]);
    }
}

static void test_the_longest_pause_may_be_any(void **state)
{
    (void)state;
    for (is.backoff_max = BACKOFF; is.backoff_max < 50; is.backoff_max++) {
        life_wanted(&life, clock);
        life_began(&life, &is, clock);
        uint64_t wanted = BACKOFF;
        for (unsigned i = 0; i < LIMIT; i++) {
            assert_int_equal(die(SYSTEM_REASON_EXIT), wanted);
            wanted = wanted * 2 < is.backoff_max ? wanted * 2 : is.backoff_max;
        }
    }
}

static void test_a_window_without_death_begins_anew(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * LIMIT; i++) {
        assert_int_equal(die(SYSTEM_REASON_EXCEPTION), BACKOFF);
        clock = life.died_at + WINDOW + 1;
    }
}

static void test_a_window_counts_to_its_end(void **state)
{
    (void)state;
    assert_int_equal(die(SYSTEM_REASON_EXCEPTION), BACKOFF);
    clock = life.died_at + WINDOW;
    assert_int_equal(die(SYSTEM_REASON_EXCEPTION), 2 * BACKOFF);
}

static void test_the_limit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT; i++) {
        die(SYSTEM_REASON_HEARTBEAT);
    }
    assert_false(life_ended(&life, &is, SYSTEM_REASON_HEARTBEAT, clock));
    assert_int_equal(life.state, SYSTEM_STATE_FAILED);
    assert_int_equal(life.deaths, LIMIT + 1);
    assert_int_equal(life_next(&life, &is), UINT64_MAX);
    assert_int_equal(life_due(&life, &is, UINT64_MAX - 1), LIFE_NONE);
}

static void test_an_operator_gives_a_new_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT; i++) {
        die(SYSTEM_REASON_EXIT);
    }
    life_wanted(&life, clock);
    assert_int_equal(life_due(&life, &is, clock), LIFE_START);
    life_began(&life, &is, clock);
    for (unsigned i = 0; i < LIMIT; i++) {
        assert_int_equal(die(SYSTEM_REASON_EXIT), i == 0   ? BACKOFF
                                                  : i == 1 ? 2 * BACKOFF
                                                           : 4 * BACKOFF);
    }
}

static void test_kills_do_not_count(void **state)
{
    (void)state;
    assert_int_equal(die(SYSTEM_REASON_EXIT), BACKOFF);
    for (unsigned i = 0; i < 5 * LIMIT; i++) {
        assert_int_equal(die(SYSTEM_REASON_OPERATOR), 0);
    }
    assert_int_equal(life.deaths, 5 * LIMIT + 1);
    assert_int_equal(die(SYSTEM_REASON_EXIT), 2 * BACKOFF);
    assert_int_equal(die(SYSTEM_REASON_EXIT), 4 * BACKOFF);
}

static void test_without_restart_it_stays_dead(void **state)
{
    (void)state;
    is.restart = false;
    assert_int_equal(die(SYSTEM_REASON_OPERATOR), 0);
    assert_false(life_ended(&life, &is, SYSTEM_REASON_EXIT, clock));
    assert_int_equal(life.state, SYSTEM_STATE_FAILED);
}

static void test_states_in_which_nothing_is_due(void **state)
{
    (void)state;
    is.heartbeat = HEARTBEAT;
    life_finished(&life);
    assert_int_equal(life.state, SYSTEM_STATE_DONE);
    assert_int_equal(life_next(&life, &is), UINT64_MAX);
    life_stopped(&life);
    assert_int_equal(life.state, SYSTEM_STATE_STOPPED);
    assert_int_equal(life_next(&life, &is), UINT64_MAX);
}

// ---- groups ------------------------------------------------------------------------------------
// It dies once more than it may.
static bool die_too_often(void)
{
    for (unsigned i = 0; i < LIMIT; i++) {
        die(SYSTEM_REASON_EXIT);
    }
    return life_ended(&life, &is, SYSTEM_REASON_EXIT, clock);
}

static void test_a_group_once_in_a_window(void **state)
{
    (void)state;
    is.group = 1;
    assert_true(die_too_often());
    life_again(&life, clock);
    assert_int_equal(life_due(&life, &is, clock), LIFE_START);
    life_began(&life, &is, clock);
    assert_false(die_too_often());
    assert_int_equal(life.state, SYSTEM_STATE_FAILED);
}

static void test_a_group_again_after_a_window(void **state)
{
    (void)state;
    is.group = 1;
    assert_true(die_too_often());
    uint64_t at = clock;
    life_again(&life, clock);
    life_began(&life, &is, clock);
    clock = at + WINDOW + 1;
    assert_true(die_too_often());
}

// Who was restarted for another's sake has a new count, and no group of its own to fall back on.
static void test_a_group_is_restarted_for_all(void **state)
{
    (void)state;
    is.group = 1;
    die(SYSTEM_REASON_EXIT);
    assert_int_equal(die(SYSTEM_REASON_GROUP), 0);
    assert_int_equal(die(SYSTEM_REASON_EXIT), BACKOFF);
    assert_int_equal(die(SYSTEM_REASON_EXIT), 2 * BACKOFF);
    assert_int_equal(die(SYSTEM_REASON_EXIT), 4 * BACKOFF);
    assert_false(life_ended(&life, &is, SYSTEM_REASON_EXIT, clock));
    assert_int_equal(life.state, SYSTEM_STATE_FAILED);
}

// ---- heartbeats --------------------------------------------------------------------------------
static void test_asked_in_time(void **state)
{
    (void)state;
    is.heartbeat = HEARTBEAT;
    life_began(&life, &is, clock);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(life_next(&life, &is), clock + HEARTBEAT);
        assert_int_equal(life_due(&life, &is, clock + HEARTBEAT - 1), LIFE_NONE);
        clock += HEARTBEAT;
        assert_int_equal(life_due(&life, &is, clock), LIFE_ASK);
        assert_int_equal(life_due(&life, &is, clock), LIFE_NONE);
        life_answered(&life);
    }
}

static void test_not_answered(void **state)
{
    (void)state;
    is.heartbeat = HEARTBEAT;
    life_began(&life, &is, clock);
    life_answered(&life);  // before it is asked: that says nothing
    assert_int_equal(life_due(&life, &is, clock + HEARTBEAT), LIFE_ASK);
    assert_int_equal(life_due(&life, &is, clock + 2 * HEARTBEAT - 1), LIFE_NONE);
    assert_int_equal(life_due(&life, &is, clock + 2 * HEARTBEAT), LIFE_MISSED);
}

// What an incarnation did not answer is not asked of the next one.
static void test_the_next_one_owes_nothing(void **state)
{
    (void)state;
    is.heartbeat = HEARTBEAT;
    life_began(&life, &is, clock);
    clock += HEARTBEAT;
    assert_int_equal(life_due(&life, &is, clock), LIFE_ASK);
    clock += HEARTBEAT / 2;
    die(SYSTEM_REASON_OPERATOR);
    assert_int_equal(life_next(&life, &is), clock + HEARTBEAT);
    clock += HEARTBEAT;
    assert_int_equal(life_due(&life, &is, clock), LIFE_ASK);
}

// Once started by an operator, long after boot.
static void test_started_later(void **state)
{
    (void)state;
    is.heartbeat = HEARTBEAT;
    life = (struct life){ 0 };
    assert_int_equal(life_due(&life, &is, clock + 100 * HEARTBEAT), LIFE_NONE);
    clock += 100 * HEARTBEAT;
    life_wanted(&life, clock);
    assert_int_equal(life_due(&life, &is, clock), LIFE_START);
    life_began(&life, &is, clock);
    assert_int_equal(life_due(&life, &is, clock), LIFE_NONE);
    assert_int_equal(life.generation, 1);
}

// ---- at random ---------------------------------------------------------------------------------
#define STEPS   400000u
#define HISTORY 4096u

// Deaths that count since the count last began anew, and when the group was last restarted.
static struct {
    uint64_t deaths[HISTORY];
    unsigned count;
    uint64_t group_at;
    bool grouped;
} model;

// The last deaths that no pause of a window lies between.
static unsigned model_run(void)
{
    unsigned run = 0;
    for (unsigned i = 0; i < model.count; i++) {
        run = i && model.deaths[i] - model.deaths[i - 1] > WINDOW ? 1 : run + 1;
    }
    return run;
}

static uint64_t model_pause(unsigned run)
{
    uint64_t pause = is.backoff;
    for (unsigned i = 1; i < run; i++) {
        pause = pause * 2 < is.backoff_max ? pause * 2 : is.backoff_max;
    }
    return pause;
}

static void model_anew(bool grouped)
{
    model.count = 0;
    model.grouped = grouped;
    model.group_at = clock;
}

static void counted_death(void)
{
    assert_true(model.count < HISTORY);
    model.deaths[model.count++] = clock;
    bool group = life_ended(&life, &is, SYSTEM_REASON_EXIT, clock);
    if (model_run() <= is.limit) {
        assert_false(group);
        assert_int_equal(life.state, SYSTEM_STATE_WAITING);
        assert_int_equal(life_next(&life, &is), clock + model_pause(model_run()));
        return;
    }
    bool may = is.group && !(model.grouped && clock - model.group_at <= WINDOW);
    assert_int_equal(group, may);
    assert_int_equal(life.state, SYSTEM_STATE_FAILED);
    if (group) {
        life_again(&life, clock);
        model_anew(true);
    } else {
        life_wanted(&life, clock);
        model_anew(false);
    }
}

static void random_step(void)
{
    switch (rand() % 16) {
    case 0:
        assert_false(life_ended(&life, &is, SYSTEM_REASON_OPERATOR, clock));
        assert_int_equal(life_next(&life, &is), clock);
        break;
    case 1:
        assert_false(life_ended(&life, &is, SYSTEM_REASON_GROUP, clock));
        assert_int_equal(life_next(&life, &is), clock);
        model_anew(true);
        break;
    case 2:
        life_wanted(&life, clock);
        model_anew(false);
        break;
    default: counted_death(); break;
    }
}

static void test_random_deaths(void **state)
{
    (void)state;
    uint64_t generation = life.generation;
    model.count = 0;
    model.grouped = false;
    for (unsigned i = 0; i < STEPS; i++) {
        if (i % 1000 == 0) {
            is.group = (unsigned)rand() % 2;
            is.limit = 1 + (unsigned)rand() % 6;
            life_wanted(&life, clock);
            model_anew(false);
            life_began(&life, &is, clock);
            generation++;
        }
        clock += (unsigned)rand() % (rand() % 4 ? BACKOFF : 2 * WINDOW);
        random_step();
        uint64_t next = life_next(&life, &is);
        assert_true(next >= clock && next != UINT64_MAX);
        clock = next;
        assert_int_equal(life_due(&life, &is, clock), LIFE_START);
        life_began(&life, &is, clock);
        assert_int_equal(life.generation, ++generation);
    }
}

int main(void)
{
    srand(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pauses_double_up_to_a_limit, setup),
        cmocka_unit_test_setup(test_the_longest_pause_may_be_any, setup),
        cmocka_unit_test_setup(test_a_window_without_death_begins_anew, setup),
        cmocka_unit_test_setup(test_a_window_counts_to_its_end, setup),
        cmocka_unit_test_setup(test_the_limit, setup),
        cmocka_unit_test_setup(test_an_operator_gives_a_new_count, setup),
        cmocka_unit_test_setup(test_kills_do_not_count, setup),
        cmocka_unit_test_setup(test_without_restart_it_stays_dead, setup),
        cmocka_unit_test_setup(test_states_in_which_nothing_is_due, setup),
        cmocka_unit_test_setup(test_a_group_once_in_a_window, setup),
        cmocka_unit_test_setup(test_a_group_again_after_a_window, setup),
        cmocka_unit_test_setup(test_a_group_is_restarted_for_all, setup),
        cmocka_unit_test_setup(test_asked_in_time, setup),
        cmocka_unit_test_setup(test_not_answered, setup),
        cmocka_unit_test_setup(test_the_next_one_owes_nothing, setup),
        cmocka_unit_test_setup(test_started_later, setup),
        cmocka_unit_test_setup(test_random_deaths, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
