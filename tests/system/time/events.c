// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Events and the alarm.  The alarm is a thread above all others but the root task, which wakes with
// each replenishment of a small budget and looks at the clock.
#include "events.h"

#include <rt/memory.h>

#define EVENTS         32u
#define ALARM          31u
#define ALARM_PRIORITY 254u
#define ALARM_SHARE    20u  // one part of so many of the CPU

static cap_t notification, caps[EVENTS];
static volatile uint64_t alarm;  // clock; 0: none
static uint64_t seen;            // events that came and were not waited for
static struct rt_thread alarm_thread;

cap_t event_cap(unsigned event)
{
    return caps[event];
}

void event_signal(unsigned event)
{
    must(notification_signal(caps[event]), "signal");
}

static void alarm_loop(uint64_t argument)
{
    (void)argument;
    for (;;) {
        if (alarm && clock_now() >= alarm) {
            alarm = 0;
            event_signal(ALARM);
        }
        __asm__ volatile("pause");
    }
}

void events_init(void)
{
    notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
    for (unsigned i = 0; i < EVENTS; i++) {
        must(rt_cap_mint(notification, RIGHT_ALL, 1ull << i, &caps[i]), "event");
    }
    struct rt_thread_config config = { .entry = alarm_loop,
                                       .priority = ALARM_PRIORITY,
                                       .budget = moment / 4 / ALARM_SHARE,
                                       .period = moment / 4 };
    must(rt_thread_new(&alarm_thread, &config), "alarm");
    must(rt_thread_start(&alarm_thread), "alarm");
}

bool event_wait(unsigned event, uint64_t ticks)
{
    struct notification_result before = notification_poll(notification);
    seen |= rt_ok(before.status) ? before.word : 0;
    seen &= ~(1ull << ALARM);  // one that came when nobody waited for it any more
    alarm = clock_now() + ticks;
    while (!(seen & (1ull << event))) {
        struct notification_result got = notification_wait(notification);
        must(got.status, "wait");
        seen |= got.word;
        if (seen & 1ull << ALARM) {
            break;
        }
    }
    alarm = 0;
    rt_ignore(rt_debug_check());  // a release kernel has none; a debug kernel panics
    bool came = seen & 1ull << event;
    seen &= ~(1ull << event | 1ull << ALARM);
    return came;
}

void events_clear(void)
{
    rt_ignore(notification_poll(notification).status);  // there may be none
    seen = 0;
}

void time_pass(uint64_t ticks)
{
    (void)event_wait(ALARM, ticks);
}

void world_init(const struct root_info *info)
{
    world_clock_init(info);
    events_init();
}
