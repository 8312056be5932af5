// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The three interval timers that each process has (setitimer(2)), and alarm.  They outlive exec.
#include "call.h"
#include "heap.h"
#include "interval.h"

#define ITIMERS 3

struct itimer_times {
    struct {
        int64_t seconds, microseconds;
    } period, value;
};

// Those that a process has; time of the process in the kernel is not told apart from its own.
static const struct {
    int32_t clock;
    uint32_t signal;
} kinds[ITIMERS] = {
    { CLOCK_MONOTONIC, SIGALRM },
    { CLOCK_PROCESS_CPUTIME_ID, SIGVTALRM },
    { CLOCK_PROCESS_CPUTIME_ID, SIGPROF },
};

static void itimer_fire(struct interval *interval)
{
    const struct itimer *itimer = CONTAINER(interval, struct itimer, interval);
    struct signal_info info = { .signal = (int32_t)itimer->signal, .code = SI_KERNEL };

    interval->expired = 0;
    signal_send(interval->process, &info);
}

struct process_timers *process_timers_get(struct process *process)
{
    struct process_timers *timers = process->timers;

    if (timers) {
        return timers;
    }
    timers = heap_alloc(sizeof(*timers));
    if (!timers) {
        return NULL;
    }
    list_init(&timers->posix);
    for (unsigned i = 0; i < ITIMERS; i++) {
        interval_init(&timers->itimers[i].interval, kinds[i].clock, itimer_fire);
        timers->itimers[i].interval.process = process;
        timers->itimers[i].signal = kinds[i].signal;
    }
    process->timers = timers;
    return timers;
}

void process_timers_exec(struct process *process)
{
    if (process->timers) {
        ptimers_end(process->timers);
    }
}

void process_timers_end(struct process *process)
{
    if (!process->timers) {
        return;
    }
    ptimers_end(process->timers);
    for (unsigned i = 0; i < ITIMERS; i++) {
        interval_clear(&process->timers->itimers[i].interval);
    }
    heap_free(process->timers);
    process->timers = NULL;
}

static void itimer_get(const struct task *task, uint32_t which, struct itimer_times *times)
{
    const struct process_timers *timers = task->process->timers;
    const struct interval *interval = timers ? &timers->itimers[which].interval : NULL;
    struct timespec value = timespec_of(interval ? (int64_t)interval_left(interval) : 0);
    struct timespec period = timespec_of(interval && interval->next ? (int64_t)interval->period
                                                                    : 0);

    // What is left of a timer that is armed is never told as nothing.
    times->value.seconds = value.seconds;
    times->value.microseconds = (value.nanoseconds + 999) / 1000;
    if (times->value.microseconds == 1000000) {
        times->value.microseconds = 0;
        times->value.seconds++;
    }
    times->period.seconds = period.seconds;
    times->period.microseconds = period.nanoseconds / 1000;
}

int64_t call_getitimer(struct task *task, int32_t which, user_t to)
{
    struct itimer_times times;

    if (which < 0 || which >= ITIMERS) {
        return -EINVAL;
    }
    itimer_get(task, (uint32_t)which, &times);
    return user_write(task, to, &times, sizeof(times));
}

static bool microseconds_valid(int64_t seconds, int64_t microseconds)
{
    return seconds >= 0 && microseconds >= 0 && microseconds < 1000000;
}

static int64_t itimer_set(struct task *task, uint32_t which, const struct itimer_times *times)
{
    struct timespec value = { times->value.seconds, times->value.microseconds * 1000 };
    struct timespec period = { times->period.seconds, times->period.microseconds * 1000 };
    struct process_timers *timers = process_timers_get(task->process);

    if (!timers) {
        return -ENOMEM;
    }
    interval_set(&timers->itimers[which].interval, timespec_ns(&value), timespec_ns(&period),
                 false);
    return 0;
}

int64_t call_setitimer(struct task *task, int32_t which, user_t from, user_t to)
{
    struct itimer_times new = { .value = { 0, 0 } }, old;
    int64_t error;

    if (from && user_read(task, &new, from, sizeof(new)) < 0) {
        return -EFAULT;
    }
    if (which < 0 || which >= ITIMERS ||
        !microseconds_valid(new.value.seconds, new.value.microseconds) ||
        !microseconds_valid(new.period.seconds, new.period.microseconds)) {
        return -EINVAL;
    }
    itimer_get(task, (uint32_t)which, &old);
    error = itimer_set(task, (uint32_t)which, &new);
    if (error || !to) {
        return error;
    }
    return user_write(task, to, &old, sizeof(old));
}

int64_t call_alarm(struct task *task, uint32_t seconds)
{
    struct itimer_times new = { .value = { seconds, 0 } }, old;

    itimer_get(task, 0, &old);
    itimer_set(task, 0, &new);
    // Rounded, but what is left is never told as nothing.
    if (old.value.microseconds >= 500000 || (old.value.seconds == 0 && old.value.microseconds)) {
        old.value.seconds++;
    }
    return old.value.seconds;
}
