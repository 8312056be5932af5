// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the checks of time are made of: threads that burn time, call, serve; events that the root
// task waits for with an alarm.  The root task has the highest priority: nobody else runs until it
// waits.
#pragma once

#include "../check/check.h"

#include <rt/thread.h>

// Lengths of time in clock ticks; set by world_init.  A moment is a millisecond where time is
// counted, and long enough elsewhere that the emulator's own delays do not matter.
extern uint64_t second, moment;
// True: the machine counts instructions as time (word "counted" of the command line).
extern bool counted;

void world_init(const struct root_info *info);

// What holds only where nothing but the machine itself takes time.
#define EXPECT_COUNTED(fact) EXPECT(!counted || (fact))

uint64_t clock_now(void);
// Use up so many ticks of the caller's own time, whoever runs in between.
void burn(uint64_t ticks);
uint64_t context_used(cap_t context);

// ---- events ------------------------------------------------------------------------------------
// Signal event 0-31 from any thread.
void event_signal(unsigned event);
// Wait for an event; false: it did not come in time.
bool event_wait(unsigned event, uint64_t ticks);
// Forget those that came.
void events_clear(void);
// Let others run.
void time_pass(uint64_t ticks);
// A signal capability of the event, for handlers.
cap_t event_cap(unsigned event);

// ---- threads -----------------------------------------------------------------------------------
// One that spins and counts.
struct spinner {
    struct rt_thread thread;
    volatile uint64_t count;
};
void spinner_make(struct spinner *spinner, const struct rt_thread_config *config);
void spinner_delete(struct spinner *spinner);

// One that serves: burns `work` for each call, calls `next` where there is one, answers.
struct server {
    struct rt_thread thread;
    cap_t endpoint, reply, fallback, next;
    volatile uint64_t work;
    volatile bool busy;  // instead: spins until it is false
    volatile unsigned served, unanswered;
    volatile uint64_t next_status;  // of its own call
    volatile uint64_t began;        // clock when it received the last call
};
struct server_config {
    unsigned priority;
    bool active;                                // has a context of its own
    uint64_t fallback_budget, fallback_period;  // 0: a full time slice
    cap_t endpoint;                             // 0: a new one
    cap_t timeout, next;
    uint64_t work;
};
void server_make(struct server *server, const struct server_config *config);
void server_delete(struct server *server);
// Only the thread and its contexts: endpoint and Reply stay.
void server_kill(struct server *server);

// One that calls: `calls` times (0: for ever), burning `pause` before each, then signals `event`.
struct client {
    struct rt_thread thread;
    cap_t endpoint;
    uint64_t pause;
    unsigned calls, event;
    volatile unsigned done, answered;  // calls that ended, and without an error
    volatile uint64_t status;          // of the last one
    volatile uint64_t longest;         // ticks of the longest call
};
struct client_config {
    unsigned priority, calls, event;
    uint64_t budget, period, pause;
    cap_t endpoint, timeout;
};
void client_make(struct client *client, const struct client_config *config);
void client_delete(struct client *client);

// Objects; a failure ends the run.
cap_t object_make(enum rt_kind kind, unsigned bits);
#define SMALL_BITS 6
void must(struct rt_status status, const char *what);
