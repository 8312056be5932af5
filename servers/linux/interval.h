// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What timers of processes have in common: a time on a clock, a period, and how often it has
// passed.
#pragma once

#include "clock.h"
#include "list.h"
#include "timer.h"

struct interval {
    struct timer timer;
    struct list real;         // among those that change when the real time is set
    int32_t clock;            // CLOCK_*
    int32_t by;               // the one that `next` is on: what was given from now on is steady
    struct process *process;  // whose processor time is meant, where the clock is that
    uint64_t next;            // 0: not armed
    uint64_t period;          // 0: once
    uint64_t expired;         // how often; who tells of it makes it zero
    void (*fire)(struct interval *interval);  // it has expired, once more or several times
    void (*real_set)(
        struct interval *interval);  // the time that it is armed for has moved; or NULL
};

// As processes see it.
struct interval_times {
    struct timespec period, value;
};

void interval_init(struct interval *interval, int32_t clock, void (*fire)(struct interval *));
// Arm it for a time on its clock or from now, or not at all: value 0.
void interval_set(struct interval *interval, uint64_t value, uint64_t period, bool absolute);
void interval_clear(struct interval *interval);
// How long until it expires; 0: not armed.
uint64_t interval_left(const struct interval *interval);
// The same as processes have them: 0, -EFAULT, or -EINVAL.
int64_t interval_read(struct task *task, user_t from, struct interval_times *times);
int64_t interval_write(struct task *task, user_t to, const struct interval *interval);
// The real time was set.
void interval_real_set(void);

// Timers of a process: itimer.c, ptimer.c.
struct itimer {
    struct interval interval;
    uint32_t signal;
};

struct process_timers {
    struct itimer itimers[3];
    struct list posix;
    int32_t next_number;
};

// Those of a process, made where it has none; NULL: no memory.
struct process_timers *process_timers_get(struct process *process);
// Exec: timers of timer_create go; the end of a process: all go.
void process_timers_exec(struct process *process);
void process_timers_end(struct process *process);
// Those of timer_create (ptimer.c).
void ptimers_end(struct process_timers *timers);
// A signal of one of these is taken: how often it has expired since it was sent goes with it.
struct signal_info;
void ptimer_taken(const struct process *process, struct signal_info *info);
