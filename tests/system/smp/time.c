// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Budgets and time-outs on each CPU.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>

#define PERIODS  20u
#define TIMEOUTS 8u
#define SPINNERS 64u

static uint64_t used(const struct spinner *spinner)
{
    struct sched_context_consumed_result result = sched_context_consumed(spinner->thread.context);
    must(result.status, "consumed");
    return result.ticks;
}

static void budget_set(const struct spinner *spinner, unsigned cpu, uint64_t budget,
                       uint64_t period)
{
    must(sched_context_configure(spinner->thread.context, rt_cpu_control(cpu), budget, period),
         "budget");
}

// In all windows a budget of a tenth can be anything where the host is busy; in a quiet one it is
// that.
#define WINDOWS 10u

// How many CPUs gave the spinner with a budget its tenth, more or less.
static unsigned tenths_given(const struct spinner spinners[], uint64_t period)
{
    static uint64_t first[SPINNERS];
    unsigned given = 0;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        first[cpu] = used(&spinners[cpu]);
    }
    uint64_t begin = clock_now();
    ticks_pass(PERIODS * period);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        uint64_t ticks = used(&spinners[cpu]) - first[cpu], passed = clock_now() - begin;
        uint64_t share = ticks * 1000 / passed;
        rt_print("NOTE cpu %u: %lu thousandths\n", cpu, share);
        given += share <= 150 && share >= 50;
    }
    return given;
}

void budgets_per_cpu(void)
{
    if (cpu_count > 4) {
        return;
    }
    static struct spinner spinners[SPINNERS];
    uint64_t period = second / 20;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        spinner_make(&spinners[cpu], cpu, PRIORITY);
        budget_set(&spinners[cpu], cpu, period / 10, period);
    }
    bool given = false;
    for (unsigned i = 0; i < WINDOWS && !given; i++) {
        given = tenths_given(spinners, period) == cpu_count;
    }
    EXPECT(given);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        spinner_delete(&spinners[cpu]);
    }
}

void timeout_elsewhere(void)
{
    cap_t endpoint = object_make(KIND_ENDPOINT, SMALL_BITS);
    cap_t reply = object_make(KIND_REPLY, SMALL_BITS);
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        static struct spinner spinner;
        spinner_make(&spinner, cpu, PRIORITY);
        EXPECT_OK(thread_suspend(spinner.thread.cap));
        EXPECT_OK(thread_configure(spinner.thread.cap, ROOT_SLOT_CSPACE, ROOT_SLOT_ASPACE, 0,
                                   endpoint, 0));
        budget_set(&spinner, cpu, second / 1000, second / 50);
        EXPECT_OK(thread_resume(spinner.thread.cap));
        for (unsigned i = 0; i < TIMEOUTS; i++) {
            struct ipc_words words;
            struct ipc_result got = ipc_recv(endpoint, reply, &words);
            EXPECT_EQUAL(tag_label(got.tag), FAULT_TIMEOUT);
            EXPECT(spinner_stands(&spinner));
            EXPECT_OK(ipc_reply0(reply, 0));
        }
        EXPECT(spinner.count > TIMEOUTS);
        spinner_delete(&spinner);
    }
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

// A long time slice is cut short by a small budget while it lasts.
void new_budget_counts_at_once(void)
{
    static struct spinner spinner;
    if (cpu_count < 2) {
        return;
    }
    spinner_make(&spinner, 1, PRIORITY);
    budget_set(&spinner, 1, 10 * second, 10 * second);
    EXPECT(spinner_runs(&spinner));
    uint64_t before = used(&spinner);
    budget_set(&spinner, 1, second / 1000, 10 * second);
    ticks_pass(second / 5);
    EXPECT(used(&spinner) - before < second / 20);
    spinner_delete(&spinner);
}
