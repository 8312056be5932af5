// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Agents: threads that carry out one system call at a time for a test, which can block in it.
#pragma once

#include "fixture.h"

#include <rt/thread.h>

#define AGENT_PRIORITY 100u

// One system call: what goes in, and what came back once `done`.
struct job {
    uint64_t number;
    struct rt_trap trap;  // code: the status afterwards
    struct ipc_words words;
    volatile bool done;
};

struct agent {
    struct rt_thread thread;
    cap_t go;
    struct job job;
};

// How an agent differs from the usual one: of the usual priority, with a time slice and a buffer.
struct agent_config {
    unsigned priority;
    uint64_t budget, period;  // RT_NO_CONTEXT: none
    cap_t fault, timeout;
    bool no_buffer;
};

void agent_make(struct agent *agent, const struct agent_config *config);
void agent_delete(struct agent *agent);

// Begin a system call; it goes on when the caller blocks (settle).
void agent_begin(struct agent *agent, uint64_t number, uint64_t slot, uint64_t tag, uint64_t third);
// The same with message words, and wait until it ended or blocked.
void agent_begin_words(struct agent *agent, uint64_t number, uint64_t slot, uint64_t tag,
                       struct ipc_words words);
void agent_run(struct agent *agent, uint64_t number, uint64_t slot, uint64_t tag, uint64_t third);
struct rt_status agent_status(const struct agent *agent);
// Run and expect this refusal; records it for the system call.
void agent_refuse(struct agent *agent, struct rt_trap call, enum rt_error error, unsigned argument);
// Invoke in the agent, wait, give the answer.
struct rt_status agent_invoke(struct agent *agent, unsigned op, cap_t self, struct ipc_words words);

// Wait until every thread but the caller waits for something: the lowest of all threads answers.
void settle(void);
void settle_init(void);
void settle_end(void);
