// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making workers: threads that run the measured code, each in an address space and on a capability
// table of its own unless told otherwise.  Any failure is a panic: there is nothing to measure
// then.
#pragma once

#include "worker.h"

#include <rt/thread.h>

// Priorities: the root task is above all.
#define PRIORITY_IDLE 1u
#define PRIORITY_LOW  100u
#define PRIORITY_HIGH 120u

#define ROUNDS 80u  // of each path: the first ones warm up

struct worker_config {
    const char *entry;
    unsigned priority;
    unsigned rounds;
    uint64_t flags;  // THREAD_*; guests get a guest frame and no capability table
    cap_t fault;     // endpoint, or 0
    const struct worker
        *in_space;  // the worker whose address space it shares, with a page of its own
};

struct worker {
    struct rt_space space;  // not ours where shared
    bool space_shared;
    cap_t space_cap;
    cap_t cspace, thread, context;
    cap_t code;              // derived frame, attached to the space
    cap_t page_attached;     // the same of the worker's page
    struct rt_mapping page;  // the worker's page in the root task's space
};

void must(struct rt_status status, const char *what);

// Once, first.
void setup_init(void);

// The notification that workers signal when they are done; setup_wait waits for it.
void setup_wait(void);

cap_t object_new(enum rt_kind kind, unsigned bits);

// A worker, not running yet.
void worker_new(struct worker *worker, const struct worker_config *config);
// Give it a capability derived from one of ours, in a slot of its table.
void worker_give(const struct worker *worker, uint64_t slot, cap_t from, unsigned rights);
// Let it run, below the root task.
void worker_start(const struct worker *worker);
// Take its time away: it runs on its callers'.
void worker_make_passive(const struct worker *worker);
void worker_delete(struct worker *worker);

// Wait until every worker that can run has blocked.
void workers_settle(void);
