// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Deadlines of calls (client.h).  The component's second thread waits for the timer that the first
// one arms, and cancels what the first is blocked in.
//
// A cancel must not hit a call made after the deadline's end.  So the second thread takes the state
// from ARMED to FIRING before it looks at the time and cancels, and gives it back after; the first
// one ends a deadline only from ARMED, and waits while it is FIRING.  A timer that fires for a
// deadline that has ended finds IDLE, or ARMED for one whose time has not come.
//
// The first thread may be between two calls when its time has come: cancelling it then does
// nothing, so the second one comes back after RETRY until the deadline is ended.
#include "client.h"

#include <rt/clock.h>
#include <rt/panic.h>

#include <gen/rt_stubs.h>

#include <stdatomic.h>

#define RETRY 100000u  // nanoseconds

enum deadline_state {
    IDLE,
    ARMED,
    FIRING
};

static _Atomic uint32_t state;
static _Atomic uint64_t deadline;  // of the kernel clock; written while IDLE only
static _Atomic uint32_t passed;
static cap_t watch;  // first slot of the grant; 0: there is no second thread yet

// ---- the second thread --------------------------------------------------------------------------
static uint32_t state_change(uint32_t from, uint32_t to)
{
    atomic_compare_exchange_strong(&state, &from, to);
    return from;
}

// What the timer's signal is for; gives the time at which to look again, 0: not before it signals.
static uint64_t fire(void)
{
    uint64_t now = rt_clock(), due = atomic_load(&deadline);
    if (now < due) {
        return due;
    }
    atomic_store(&passed, 1);
    // STATE: it is not blocked, now.
    rt_ignore(thread_cancel(watch + WATCH_FIRST));
    return now + rt_ticks(RETRY, component_info()->clock_hz);
}

void component_watch(void)
{
    for (;;) {
        // Nobody but this thread waits for it, and nobody cancels this thread.
        rt_ignore(notification_wait(watch + WATCH_NOTIFICATION).status);
        if (state_change(ARMED, FIRING) == ARMED) {
            rt_ignore(timer_arm(watch + WATCH_TIMER, fire()));
            atomic_store(&state, ARMED);
        }
    }
}

// ---- the first thread ---------------------------------------------------------------------------
static void watch_begin(void)
{
    watch = component_need(GRANT_WATCH, "deadlines")->slot;
    if (!rt_ok(thread_resume(watch + WATCH_THREAD))) {
        rt_panic("the thread that watches deadlines does not run");
    }
}

void svc_deadline_begin(uint64_t ticks)
{
    uint64_t now = rt_clock();
    if (!watch) {
        watch_begin();
    }
    if (atomic_load(&state) != IDLE) {
        rt_panic("a deadline within another");
    }
    uint64_t due = ticks < UINT64_MAX - now ? now + ticks : UINT64_MAX;
    atomic_store(&deadline, due);
    atomic_store(&passed, 0);
    atomic_store(&state, ARMED);
    rt_ignore(timer_arm(watch + WATCH_TIMER, due));
}

void svc_deadline_end(void)
{
    while (state_change(ARMED, IDLE) == FIRING) {
        // The second thread is more important: it is on another CPU, or waits for budget.
        rt_yield();
    }
    rt_ignore(timer_cancel(watch + WATCH_TIMER).status);
}

bool svc_deadline_passed(void)
{
    return atomic_load(&passed);
}
