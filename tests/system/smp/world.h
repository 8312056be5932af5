// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the checks of several CPUs are made of: workers that carry out jobs on a CPU of their own.
//
// The root task runs on CPU 0 among the workers there, in time slices, and waits by looking: a
// check that hangs fails by itself.  It alone allocates.
#pragma once

#include "../check/check.h"

#include <rt/thread.h>

#define PRIORITY 50u  // of everybody, unless a check says otherwise

#define SMALL_BITS 6u  // notification, endpoint, reply

extern unsigned cpu_count;
extern uint64_t second;  // in clock ticks

void world_init(const struct root_info *info);

uint64_t clock_now(void);

// The CPU that the caller runs on, as its SchedControl is numbered.
unsigned cpu_here(void);
// The n-th CPU, round about: so that checks do with as many as there are.
unsigned cpu_nth(unsigned n);

void must(struct rt_status status, const char *what);
cap_t object_make(enum rt_kind kind, unsigned bits);

// So many times with two CPUs, less often with more: the host that emulates them has only a few.
unsigned often(unsigned times);

// 31 bits that look random; the state is any number to begin with.
uint64_t random_next(uint64_t *state);

// ---- waiting -----------------------------------------------------------------------------------
// A moment passes; others on this CPU run.
void moment_pass(void);
void ticks_pass(uint64_t ticks);

// How long something may take that a busy host holds up, in clock ticks; once something has not
// come little is waited for.
extern uint64_t patience;

#define WAIT(fact)                                    \
 do {                                                 \
  uint64_t wait_end = clock_now() + patience;         \
  while (!(fact)) {                                   \
   if (clock_now() > wait_end) {                      \
    check_fail(CHECK_HERE, "not in time: %s", #fact); \
    patience = second / 10;                           \
    break;                                            \
   }                                                  \
   moment_pass();                                     \
  }                                                   \
 } while (0)

// ---- threads -----------------------------------------------------------------------------------
// How long each runs before its peers.
uint64_t time_slice(void);
// Move whatever runs on a context.
void context_move(cap_t context, unsigned cpu);

// One that counts as fast as it can, and notes where.
struct spinner {
    struct rt_thread thread;
    volatile uint64_t count;
    volatile unsigned cpu;
};
void spinner_make(struct spinner *spinner, unsigned cpu, unsigned priority);
void spinner_delete(struct spinner *spinner);
// Is it counting?
bool spinner_runs(const struct spinner *spinner);
bool spinner_stands(const struct spinner *spinner);

// One that carries out jobs, and waits for a notification in between.
struct worker {
    struct rt_thread thread;
    cap_t go;
    void (*job)(uint64_t argument);
    uint64_t argument;
    volatile bool busy;
};
void worker_make(struct worker *worker, const struct rt_thread_config *config);
void worker_delete(struct worker *worker);
void worker_begin(struct worker *worker, void (*job)(uint64_t argument), uint64_t argument);
void worker_run(struct worker *worker, void (*job)(uint64_t argument), uint64_t argument);
// The same on any CPU, with nothing special about it.
void worker_on(struct worker *worker, unsigned cpu);
