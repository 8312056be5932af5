// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who runs first, and who is served first.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>

#define MANY        60u
#define EQUALS      8u
#define LAST        1u  // event
#define YIELDS      40u
#define YIELD_TRIES 20u
#define STEP        37u  // has no divisor in common with MANY

static struct rt_thread threads[MANY];
static volatile unsigned order[MANY], order_count;
static volatile unsigned order_wanted;

static void note_self(uint64_t argument)
{
    order[order_count] = (unsigned)argument;
    order_count++;
    if (order_count == order_wanted) {
        event_signal(LAST);
    }
    for (;;) {
        rt_ignore(thread_suspend(threads[argument].cap));
    }
}

static void runner_make(unsigned i, unsigned priority)
{
    struct rt_thread_config config = {
        .entry = note_self, .argument = i, .priority = priority, .stack_pages = 1
    };
    must(rt_thread_new(&threads[i], &config), "thread");
}

static void runners_run(unsigned count)
{
    order_count = 0;
    order_wanted = count;
    events_clear();
    EXPECT(event_wait(LAST, 10 * second));
    EXPECT_EQUAL(order_count, count);
    for (unsigned i = 0; i < count; i++) {
        rt_thread_delete(&threads[i]);
    }
}

// Started in any order, they run by priority; all four words of the bitmap are used.
void order_by_priority(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        runner_make(i, 4 * (i * STEP % MANY) + 1);
    }
    for (unsigned i = 0; i < MANY; i++) {
        must(rt_thread_start(&threads[i]), "start");
    }
    runners_run(MANY);
    for (unsigned i = 0; i + 1 < MANY; i++) {
        EXPECT(order[i] * STEP % MANY > order[i + 1] * STEP % MANY);
    }
}

void order_among_equals(void)
{
    for (unsigned i = 0; i < EQUALS; i++) {
        runner_make(i, 77);
    }
    for (unsigned i = 0; i < EQUALS; i++) {
        must(rt_thread_start(&threads[i * 3 % EQUALS]), "start");
    }
    runners_run(EQUALS);
    for (unsigned i = 0; i < EQUALS; i++) {
        EXPECT_EQUAL(order[i], i * 3 % EQUALS);
    }
}

// ---- cost --------------------------------------------------------------------------------------
static volatile uint64_t yields_ticks;

// The least of several times, of which some contain the alarm.
static void yielder(uint64_t argument)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < YIELD_TRIES; i++) {
        uint64_t begin = clock_now();
        for (unsigned j = 0; j < YIELDS; j++) {
            rt_yield();
        }
        uint64_t ticks = clock_now() - begin;
        least = ticks < least ? ticks : least;
    }
    if (argument) {
        yields_ticks = least;
        event_signal(LAST);
    }
    for (;;) {
        rt_yield();
    }
}

// Ticks for two threads that yield to each other, with so many others ready below.
static uint64_t yields_measure(unsigned others)
{
    struct rt_thread pair[2];
    struct rt_thread_config config = { .entry = yielder, .priority = 200 };
    for (unsigned i = 0; i < others; i++) {
        runner_make(i, 4 * (i * STEP % MANY % 49) + 1);
        must(rt_thread_start(&threads[i]), "start");
    }
    for (unsigned i = 0; i < 2; i++) {
        config.argument = i;
        must(rt_thread_new(&pair[i], &config), "thread");
        must(rt_thread_start(&pair[i]), "start");
    }
    events_clear();
    order_wanted = MANY + 1;
    EXPECT(event_wait(LAST, 10 * second));
    rt_thread_delete(&pair[0]);
    rt_thread_delete(&pair[1]);
    for (unsigned i = 0; i < others; i++) {
        rt_thread_delete(&threads[i]);
    }
    return yields_ticks;
}

// How many others are ready makes no difference to the choice.
void order_at_constant_cost(void)
{
    uint64_t alone = yields_measure(0), crowded = yields_measure(MANY);
    rt_print("NOTE %u yields: %lu ticks alone, %lu among %u ready threads\n", 2 * YIELDS, alone,
             crowded, MANY);
    EXPECT_COUNTED(crowded <= alone + alone / 50 && alone <= crowded + crowded / 50);
}

// ---- ceilings ----------------------------------------------------------------------------------
static struct rt_thread climber;
static volatile uint64_t climb_status[6];

static void climb(uint64_t argument)
{
    (void)argument;
    climb_status[0] = thread_set_priority(climber.cap, 101, 101).word;
    climb_status[1] = thread_set_priority(climber.cap, 101, 100).word;
    climb_status[2] = thread_set_priority(climber.cap, 100, 255).word;
    climb_status[3] = thread_set_priority(climber.cap, 100, 100).word;
    climb_status[4] = thread_set_priority(climber.cap, 40, 60).word;  // the ceiling goes down, too
    climb_status[5] = thread_set_priority(climber.cap, 61, 61).word;
    event_signal(LAST);
    for (;;) {
        rt_ignore(thread_suspend(climber.cap));
    }
}

void ceilings_hold(void)
{
    struct rt_thread_config config = { .entry = climb, .priority = 50, .ceiling = 100 };
    must(rt_thread_new(&climber, &config), "thread");
    must(rt_thread_start(&climber), "start");
    events_clear();
    EXPECT(event_wait(LAST, 10 * second));
    EXPECT_EQUAL(climb_status[0], rt_refuse(ERR_RANGE, 2).word);
    EXPECT_EQUAL(climb_status[1], rt_refuse(ERR_RANGE, 1).word);
    EXPECT_EQUAL(climb_status[2], rt_refuse(ERR_RANGE, 2).word);
    EXPECT_EQUAL(climb_status[3], ERR_OK);
    EXPECT_EQUAL(climb_status[4], ERR_OK);
    EXPECT_EQUAL(climb_status[5], rt_refuse(ERR_RANGE, 2).word);
    rt_thread_delete(&climber);
}

// ---- senders -----------------------------------------------------------------------------------
#define SENDERS 9u

static cap_t senders_endpoint;

static void send_self(uint64_t argument)
{
    rt_ignore(ipc_send0(senders_endpoint, TAG(argument, 0, 0)));
    for (;;) {
        rt_ignore(thread_suspend(threads[argument].cap));
    }
}

static void expect_sender(unsigned i)
{
    struct ipc_words words;
    struct ipc_result got = ipc_nb_recv(senders_endpoint, 0, &words);
    EXPECT_OK(got.status);
    EXPECT_EQUAL(tag_label(got.tag), i);
}

// They arrive one after the other; who is served first is a matter of priority, then of arrival.  A
// new priority puts a waiting sender behind its new peers.
void senders_by_priority(void)
{
    static const unsigned priorities[SENDERS] = { 30, 50, 40, 50, 30, 60, 40, 50, 10 };
    static const unsigned wanted[SENDERS] = { 5, 1, 3, 7, 8, 2, 6, 0, 4 };
    senders_endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    for (unsigned i = 0; i < SENDERS; i++) {
        struct rt_thread_config config = { .entry = send_self,
                                           .argument = i,
                                           .priority = priorities[i] };
        must(rt_thread_new(&threads[i], &config), "thread");
        must(rt_thread_start(&threads[i]), "start");
        time_pass(moment);
    }
    EXPECT_OK(thread_set_priority(threads[8].cap, 50, 50));
    for (unsigned i = 0; i < SENDERS; i++) {
        expect_sender(wanted[i]);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        rt_thread_delete(&threads[i]);
    }
    rt_object_delete(senders_endpoint);
}
