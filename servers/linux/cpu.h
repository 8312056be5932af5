// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who runs.  The container has one SchedContext on each of its CPUs and lends it to one of its
// tasks after the other: while a task has it, the kernel runs the task whenever nothing more
// important is there; a task without it stays where it is.
#pragma once

#include "task.h"

#define CPU_SLICE 4000000ul   // nanoseconds
#define CPU_JUMP  40000000ul  // likewise, between two turns that a task gets before others
#define CPUS_MOST 8u

extern unsigned cpu_number;  // of CPUs; they are numbered from 0
// Whether somebody else than the task whose trap is being handled may be to run now.
extern bool cpu_anew;
extern struct task *cpu_trapped;

void cpu_init(void);

// The task can run; its answer, if it is trapped, goes out when its turn comes.
void cpu_ready(struct task *task);
// It cannot any more.
void cpu_remove(struct task *task);
// The task that is to run on a CPU now, with the context; NULL: none.
struct task *cpu_choose(unsigned cpu);
// The CPU that a task runs on, which has its context.
unsigned cpu_of(const struct task *task);
// All, a bit each; and let a task run on some of these only.
static inline uint64_t cpu_all(void)
{
    return (1ull << cpu_number) - 1;
}
void cpu_allow(struct task *task, uint64_t mask);
// The turn of a task that has a context is over, if others wait.
void cpu_yield(struct task *task);
// When the first turn of those that run ends: TIMER_NEVER where nobody else waits.  At `now`: have
// those end that are over.
uint64_t cpu_turns_end(void);
void cpu_turns_over(uint64_t now);
// Have what all tasks have used so far stand in their records.
void cpu_count(void);

// What guests have used of a CPU, in nanoseconds.
uint64_t cpu_used(unsigned cpu);

// ---- main.c
// Try the call of a task that waits once more.
void task_again(struct task *task);
// Begin or repeat its call; give the call a result; give up what a call that is over holds; have a
// signal end its wait.
void call_try(struct task *task);
void call_result(struct task *task, int64_t result);
void call_ended(struct task *task);
void call_interrupt(struct task *task);
// Go on with a call that a signal has interrupted, when no handler runs.
void call_go_on(struct task *task);
// Go on after a stop.
void task_unstop(struct task *task);
// Whom traps of guests go to.
cap_t main_endpoint(void);
