// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// All executions of a few threads: at each access to shared memory any thread may go on, a load may
// be answered with any value that memory.c allows, and a thread may die.  Executions are run from
// the beginning with other choices each time; one that reaches a state seen before is cut off
// there.
//
// A thread's state is what it has done and read since it last said by explore_settle on what its
// future depends; so its code must depend on nothing else that changes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THREADS 2u

struct exploration {
    const char *name;
    void (*begin)(void);          // before each execution: the memory's first values
    void (*body[THREADS])(void);  // of each incarnation of each thread
    void (*end)(void);            // nobody can go on: is that as it should be?
    unsigned crashes[THREADS];    // how often each may die
    void *log;                    // what the threads have done to the world: zero at the beginning,
    size_t log_size;              // part of the state
};

struct exploration_counts {
    uint64_t executions, states, steps;
    uint64_t ends;  // executions that came to their end and were not cut off
};

// Try everything.  False: explore_fail was called; the execution was shown.
bool explore(const struct exploration *what, struct exploration_counts *counts);

// ---- for threads --------------------------------------------------------------------------------

// A point at which others may go on and this thread may die, in the middle of no access.
void explore_step(void);

// The thread's future depends on these bytes, the memory and the log alone.  At most once between
// two accesses.
void explore_settle(const void *state, size_t size);

// Signal a thread, and wait for a signal; a pending one is not counted, and dies with its thread.
void explore_signal(unsigned thread);
void explore_wait(void);

// The execution shows an error.
__attribute__((noreturn, format(printf, 1, 2))) void explore_fail(const char *format, ...);

// ---- for memory.c -------------------------------------------------------------------------------

// One of `count` ways to go on.
unsigned explore_choose(unsigned count);

// The thread that runs; THREADS while an execution begins.
unsigned explore_thread(void);

// The thread has read a value.
void explore_learn(uint64_t value);

// Whether the execution is being shown.
bool explore_tracing(void);

uint64_t explore_mix(uint64_t hash, uint64_t value);
