// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The parts of the hostile test: threads that make random system calls with everything they own,
// the supervisor that keeps them going and takes everything away at the end, and a service beside
// them that must not notice.
#pragma once

#include <rt/map.h>
#include <rt/thread.h>

#define HOSTILES_MAX  4u
#define HOSTILE_SLOTS 64u
#define CHECK_CALLS   1000u   // the kernel's invariants are checked every so often
#define REBUILD_CALLS 50000u  // everything is taken away and given anew

// Slots of the hostile threads' table that the supervisor fills.
enum hostile_slot {
    HOSTILE_CSPACE = 1,
    HOSTILE_UNTYPED,
    HOSTILE_CONTROL,    // limited authority over time
    HOSTILE_ELSEWHERE,  // the same on another CPU
    HOSTILE_VICTIM,     // to send to the service
    HOSTILE_THREAD,     // the other one of them
    HOSTILE_PAGE,       // a page that they share, for batches
    HOSTILE_FIRST,
};

#define PRIORITY_WATCHER 1u
#define PRIORITY_HOSTILE 50u
#define PRIORITY_CLIENT  100u
#define PRIORITY_VICTIM  110u

struct hostile {
    struct rt_thread thread;
    uint64_t seed;
    volatile uint64_t calls;   // made
    volatile uint64_t passed;  // answered with OK
};
extern struct hostile hostiles[HOSTILES_MAX];
extern unsigned hostile_count;  // one on each of several CPUs, two on one
extern struct rt_mapping hostile_page;

// What a hostile thread runs; the argument is its number.
void hostile_main(uint64_t number);

// The service and its client: begin, end, and how many calls the client had answered.  They panic
// where an answer is wrong.
// `alarm` is signalled now and then.
void victim_start(cap_t alarm);
uint64_t victim_answers(void);
void victim_end(void);
cap_t victim_endpoint(void);
