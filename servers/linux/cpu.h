// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Who runs.  The container has one SchedContext on each of its CPUs and lends it to one of its
// tasks after the other: while a task has it, the kernel runs the task whenever nothing more
// important is there; a task without it stays where it is.
#pragma once

#include "task.h"

#define CPU_SLICE  4000000ul   // nanoseconds
#define CPU_PERIOD 10000000ul  // likewise, of the container's time

void cpu_init(void);

// The task can run; its answer, if it is trapped, goes out when its turn comes.
void cpu_ready(struct task *task);
// It cannot any more.
void cpu_remove(struct task *task);
// The task that is to run now, with the context; NULL: none.
struct task *cpu_choose(void);
// Its turn is over, if others wait.
void cpu_yield(void);
// When the turn of the one that runs ends: TIMER_NEVER where nobody else waits.
uint64_t cpu_turn_end(void);
// Have what the running task has used so far stand in its record.
void cpu_count(void);
// How many could run.
unsigned cpu_load(void);

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
