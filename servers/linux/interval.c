// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Intervals keep their time on their own clock; the deadline by the monotonic clock is found anew
// whenever they are armed, so that clocks that are set or that stand still (processor time) need no
// more than being asked again.
#include "interval.h"

#include "task.h"

#define CPU_STEP  1000000u  // how exactly processor time is watched
#define FIRE_STEP 50000u    // no interval fires more often; what passes in between is counted

static struct list real = LIST_EMPTY(real);

static bool clock_is_cpu(int32_t clock)
{
    return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

static uint64_t interval_now(const struct interval *interval)
{
    if (clock_is_real(interval->by)) {
        return (uint64_t)clock_real_ns();
    }
    if (clock_is_cpu(interval->by)) {
        return interval->process ? process_cpu_ns(interval->process) : 0;
    }
    return clock_now();
}

static void interval_run(struct timer *timer);

static void interval_arm(struct interval *interval, uint64_t earliest)
{
    uint64_t now = interval_now(interval);
    uint64_t left = interval->next > now ? interval->next - now : 0;

    // Several tasks use processor time at once: the last part is watched closely.
    if (clock_is_cpu(interval->by)) {
        left = left / 4 < CPU_STEP ? CPU_STEP : left / 4;
    }
    if (left < earliest) {
        left = earliest;
    }
    timer_set(&interval->timer, clock_deadline(CLOCK_MONOTONIC, left, false), interval_run);
}

static void interval_run(struct timer *timer)
{
    struct interval *interval = CONTAINER(timer, struct interval, timer);
    uint64_t now = interval_now(interval), times = 1;

    if (now < interval->next) {
        interval_arm(interval, 0);
        return;
    }
    if (interval->period) {
        times += (now - interval->next) / interval->period;
        interval->next += times * interval->period;
        interval_arm(interval, FIRE_STEP);
    } else {
        interval->next = 0;
        list_remove(&interval->real);
    }
    interval->expired += times;
    interval->fire(interval);
}

void interval_init(struct interval *interval, int32_t clock, void (*fire)(struct interval *))
{
    list_init(&interval->real);
    interval->clock = interval->by = clock;
    interval->fire = fire;
}

void interval_clear(struct interval *interval)
{
    timer_clear(&interval->timer);
    list_remove(&interval->real);
    interval->next = 0;
    interval->expired = 0;
}

void interval_set(struct interval *interval, uint64_t value, uint64_t period, bool absolute)
{
    uint64_t now;

    interval_clear(interval);
    if (value == 0) {
        return;
    }
    interval->by = absolute || !clock_is_real(interval->clock) ? interval->clock : CLOCK_MONOTONIC;
    now = interval_now(interval);
    interval->period = period;
    if (absolute) {
        interval->next = value;
    } else {
        interval->next = value > INT64_MAX - now ? INT64_MAX : now + value;
    }
    if (clock_is_real(interval->by)) {
        list_add(&real, &interval->real);
    }
    interval_arm(interval, 0);
}

void interval_real_set(void)
{
    LIST_EACH(interval, &real, struct interval, real) {
        interval_arm(interval, 0);
        if (interval->real_set) {
            interval->real_set(interval);
        }
    }
}

uint64_t interval_left(const struct interval *interval)
{
    uint64_t now = interval->next ? interval_now(interval) : 0;

    // One that is about to expire is still armed.
    return interval->next == 0 || interval->next > now ? interval->next - now : 1;
}

int64_t interval_read(struct task *task, user_t from, struct interval_times *times)
{
    if (user_read(task, times, from, sizeof(*times)) < 0) {
        return -EFAULT;
    }
    return timespec_valid(&times->value) && timespec_valid(&times->period) ? 0 : -EINVAL;
}

int64_t interval_write(struct task *task, user_t to, const struct interval *interval)
{
    struct interval_times times;

    times.period = timespec_of((int64_t)(interval->next ? interval->period : 0));
    times.value = timespec_of((int64_t)interval_left(interval));
    return user_write(task, to, &times, sizeof(times));
}
