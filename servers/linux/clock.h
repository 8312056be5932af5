// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Clocks.  Everything that waits does so by the monotonic clock, in nanoseconds since the system
// was started; real time is that and an offset.
#pragma once

#include "capability.h"
#include "types.h"

struct clock_page;
struct process;
struct task;

#define SECOND 1000000000ll  // nanoseconds

#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define CLOCK_MONOTONIC_RAW      4
#define CLOCK_REALTIME_COARSE    5
#define CLOCK_MONOTONIC_COARSE   6
#define CLOCK_BOOTTIME           7
#define CLOCK_REALTIME_ALARM     8
#define CLOCK_BOOTTIME_ALARM     9
#define CLOCK_TAI                11
#define TIMER_ABSTIME            1u

// The monotonic clock; real time in nanoseconds since 1970, and as files are stamped with it.
uint64_t clock_now(void);
int64_t clock_real_ns(void);
struct timespec clock_real(void);
// What the real time is now; the main program and clock_settime set it.
void clock_set_real(int64_t seconds, int64_t nanoseconds);
// How many times it has been set.
uint32_t clock_sets(void);
// Keep the offset to the real time in this page from now on, where processes see it (clockpage.h).
void clock_keep(struct clock_page *page);

// Whether it is what Linux takes as one: no negative seconds, less than a second of nanoseconds.
bool timespec_valid(const struct timespec *time);
// A valid one in nanoseconds; TIMER_NEVER where that is too much.
uint64_t timespec_ns(const struct timespec *time);
struct timespec timespec_of(int64_t nanoseconds);
// One of a process: 0, -EFAULT, or -EINVAL where it is not valid.
int64_t timespec_read(struct task *task, user_t from, struct timespec *time);

// Whether a clock runs with the real time (else with the monotonic clock).
bool clock_is_real(int32_t clock);
// When a time on a clock will have come, by the monotonic clock: `ns` from now, or absolute.  Never
// 0.
uint64_t clock_deadline(int32_t clock, uint64_t ns, bool absolute);
// What a clock says: 0 or -EINVAL.
int64_t clock_get(struct task *task, int32_t clock, int64_t *ns);

// ---- given by who schedules
// Processor time that a task, or a process with those of its tasks that have ended, has used.
uint64_t task_cpu_ns(const struct task *task);
uint64_t process_cpu_ns(const struct process *process);
