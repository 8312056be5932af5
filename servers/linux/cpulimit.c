// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a process has used is looked at whenever so much real time has passed as it has processor
// time left: it cannot have used it up before.
#include "cpulimit.h"

#include "clock.h"
#include "task.h"

#include <rt/clock.h>

#define RLIMIT_CPU 0
#define STEP       10000000ull  // nanoseconds; how exactly it is watched

static uint64_t nanoseconds(uint64_t seconds)
{
    return seconds < INT64_MAX / RT_SECOND ? seconds * RT_SECOND : TIMER_NEVER;
}

static void cpulimit_run(struct timer *timer);

static void cpulimit_arm(struct process *process, uint64_t used)
{
    const struct limit *limit = &process->limits[RLIMIT_CPU];
    uint64_t next = nanoseconds(limit->soft < limit->hard ? limit->soft : limit->hard);
    if (next == TIMER_NEVER) {
        timer_clear(&process->cpu_limit);
        return;
    }
    uint64_t left = next > used + STEP ? next - used : STEP;
    timer_set(&process->cpu_limit, rt_clock_monotonic() + left, cpulimit_run);
}

// A word for each second beyond the soft limit, until the hard one ends it (setrlimit(2)).  As in
// Linux it is the limit itself that moves on.
static void cpulimit_run(struct timer *timer)
{
    struct process *process = CONTAINER(timer, struct process, cpu_limit);
    struct limit *limit = &process->limits[RLIMIT_CPU];
    uint64_t used = process_cpu_ns(process);
    if (used >= nanoseconds(limit->hard)) {
        signal_kernel(process, SIGKILL);
        return;
    }
    if (used >= nanoseconds(limit->soft)) {
        limit->soft++;
        signal_kernel(process, SIGXCPU);
    }
    cpulimit_arm(process, used);
}

void cpulimit_set(struct process *process)
{
    const struct limit *limit = &process->limits[RLIMIT_CPU];
    if (limit->soft == UINT64_MAX && limit->hard == UINT64_MAX) {
        timer_clear(&process->cpu_limit);
    } else {
        cpulimit_arm(process, process_cpu_ns(process));
    }
}

void cpulimit_end(struct process *process)
{
    timer_clear(&process->cpu_limit);
}
