// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Budgets, periods, and what happens at their end.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>

#define HIGH    100u
#define LOW     50u
#define PERIODS 20u
// Thousandths of the CPU.
#define TOLERANCE        20u
#define TOLERANCE_LOOSER 50u

static uint64_t period(void)
{
    return 10 * moment;
}

static void budgeted_make(struct spinner *spinner, unsigned priority, unsigned percent,
                          cap_t timeout)
{
    spinner_make(spinner, &(struct rt_thread_config){ .priority = priority,
                                                      .budget = period() * percent / 100,
                                                      .period = period(),
                                                      .timeout = timeout });
}

static void expect_share(unsigned percent, uint64_t ticks, uint64_t elapsed)
{
    uint64_t thousandths = ticks * 1000 / elapsed;
    rt_print("NOTE %u %%: %lu thousandths\n", percent, thousandths);
    uint64_t tolerance = counted ? TOLERANCE : TOLERANCE_LOOSER;
    EXPECT(thousandths + tolerance >= percent * 10ul && thousandths <= percent * 10ul + tolerance);
}

static void share_run(const unsigned *percents, unsigned count)
{
    struct spinner budgeted[2], other;
    uint64_t before[2];
    spinner_make(&other, &(struct rt_thread_config){ .priority = LOW });
    for (unsigned i = 0; i < count; i++) {
        budgeted_make(&budgeted[i], HIGH + i, percents[i], 0);
    }
    time_pass(2 * period());
    uint64_t begin = clock_now();
    for (unsigned i = 0; i < count; i++) {
        before[i] = context_used(budgeted[i].thread.context);
    }
    uint64_t rest = context_used(other.thread.context);
    time_pass(PERIODS * period());
    uint64_t elapsed = clock_now() - begin;
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        expect_share(percents[i], context_used(budgeted[i].thread.context) - before[i], elapsed);
        sum += percents[i];
    }
    // The alarm takes its part of what is left.
    rest = context_used(other.thread.context) - rest;
    EXPECT(rest * 100 / elapsed + 8 >= 100 - sum);
    for (unsigned i = 0; i < count; i++) {
        spinner_delete(&budgeted[i]);
    }
    spinner_delete(&other);
}

// A thread with a budget gets its share, however much it wants, and another that spins the rest.
void share_of_one(void)
{
    for (unsigned percent = 10; percent <= 70; percent += 30) {
        share_run(&percent, 1);
    }
}

void share_of_two(void)
{
    const unsigned percents[] = { 10, 30 };
    share_run(percents, 2);
}

// ---- in pieces ---------------------------------------------------------------------------------
static cap_t pieces_go;
static volatile unsigned pieces_done;

static void pieces_loop(uint64_t argument)
{
    (void)argument;
    for (;;) {
        must(notification_wait(pieces_go).status, "wait");
        burn(period() / 50);
        pieces_done++;
    }
}

// Work in small pieces at any time within the budget is done at once; more than the budget waits.
void budget_in_pieces(void)
{
    struct rt_thread thread;
    pieces_go = object_make(KIND_NOTIFICATION, SMALL_BITS);
    pieces_done = 0;
    struct rt_thread_config config = {
        .entry = pieces_loop, .priority = HIGH, .budget = period() / 5, .period = period()
    };
    must(rt_thread_new(&thread, &config), "thread");
    must(rt_thread_start(&thread), "start");
    uint64_t begin = clock_now();
    for (unsigned i = 0; i < 40; i++) {
        must(notification_signal(pieces_go), "signal");
        time_pass(period() / 40);
    }
    uint64_t elapsed = clock_now() - begin;
    unsigned allowed = (unsigned)((elapsed / period() + 2) * 10);
    EXPECT(pieces_done >= 8);
    EXPECT(pieces_done <= allowed);
    // One budget more than the time brought, and the piece that was begun: 21 in one period.
    EXPECT_COUNTED(pieces_done <= 10 + elapsed * 10 / period() + 1);
    rt_thread_delete(&thread);
    rt_object_delete(pieces_go);
}

// ---- time-out ----------------------------------------------------------------------------------
// The end of the budget is a call to the endpoint; the thread waits for the answer, then for its
// replenishment.
void timeout_to_endpoint(void)
{
    struct spinner spinner;
    struct ipc_words words = { 0 };
    cap_t endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    cap_t reply = object_make(KIND_REPLY, SMALL_BITS);
    cap_t badged = 0;
    must(rt_cap_mint(endpoint, RIGHT_ALL, 0x71, &badged), "mint");
    budgeted_make(&spinner, HIGH, 10, badged);
    for (unsigned i = 1; i <= 3; i++) {
        struct ipc_result got = ipc_recv(endpoint, reply, &words);
        EXPECT_OK(got.status);
        EXPECT_EQUAL(got.badge, 0x71);
        EXPECT_EQUAL(got.tag, TAG(FAULT_TIMEOUT, 2, 0));
        EXPECT(words.word[0] >= i * (period() / 10));
        EXPECT_EQUAL(words.word[1], 0);
        uint64_t count = spinner.count;
        time_pass(2 * period());
        EXPECT_EQUAL(spinner.count, count);
        EXPECT_OK(ipc_reply0(reply, 0));
    }
    rt_thread_delete(&spinner.thread);
    rt_cap_delete(badged);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

// To a notification it is a signal, each time; the thread goes on with its replenishment.
void timeout_to_notification(void)
{
    struct spinner spinner;
    events_clear();
    budgeted_make(&spinner, HIGH, 10, event_cap(1));
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(event_wait(1, 5 * period()));
        EXPECT(context_used(spinner.thread.context) >= period() / 10);
    }
    uint64_t count = spinner.count;
    time_pass(3 * period());
    EXPECT(spinner.count > count);
    spinner_delete(&spinner);
}

void replenished_without_handler(void)
{
    struct spinner spinner;
    budgeted_make(&spinner, HIGH, 10, 0);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t count = spinner.count;
        time_pass(2 * period());
        EXPECT(spinner.count > count);
    }
    spinner_delete(&spinner);
}
