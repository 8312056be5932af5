// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads that fault and guests, and the handlers that answer for them, in another address space.
#include "scenarios.h"

#include <rt/memory.h>
#include <rt/slots.h>

#include <gen/rt_stubs.h>

#define ENDPOINT_BITS 6
#define REPLY_BITS    6
#define HOLE_BITS     19  // log2 of the size of the frame that is mapped page by page
#define HOLE_PAGES    (1u << (HOLE_BITS - PAGE_BITS))

// A handler and the thread that it answers for.
struct pair {
    struct worker handler, subject;
    cap_t endpoint, reply;
};

static void pair_new(struct pair *pair, const char *handler, const char *subject, uint64_t flags)
{
    pair->endpoint = object_new(KIND_ENDPOINT, ENDPOINT_BITS);
    pair->reply = object_new(KIND_REPLY, REPLY_BITS);
    worker_new(&pair->handler, &(struct worker_config){
                                   .entry = handler, .priority = PRIORITY_HIGH, .rounds = ROUNDS });
    worker_new(&pair->subject, &(struct worker_config){ .entry = subject,
                                                        .priority = PRIORITY_LOW,
                                                        .flags = flags,
                                                        .fault = pair->endpoint });
    worker_give(&pair->handler, WORKER_ENDPOINT, pair->endpoint, RIGHT_RECEIVE);
    worker_give(&pair->handler, WORKER_REPLY, pair->reply, RIGHT_ALL);
    worker_give(&pair->handler, WORKER_GUEST, pair->subject.thread, RIGHT_ALL);
}

static void pair_run(struct pair *pair)
{
    worker_start(&pair->handler);
    workers_settle();
    worker_start(&pair->subject);
    setup_wait();
}

static void pair_delete(struct pair *pair)
{
    worker_delete(&pair->handler);
    worker_delete(&pair->subject);
    rt_object_delete(pair->reply);
    rt_object_delete(pair->endpoint);
}

void scenario_fault(void)
{
    struct pair pair;
    pair_new(&pair, worker_fault_handler, worker_faulter, 0);
    pair_run(&pair);
    pair_delete(&pair);
}

void scenario_guest_syscall(void)
{
    struct pair pair;
    pair_new(&pair, worker_guest_syscall_handler, worker_guest_syscaller, THREAD_GUEST);
    pair_run(&pair);
    pair_delete(&pair);
    pair_new(&pair, worker_guest_vector_syscall_handler, worker_guest_vector_syscaller,
             THREAD_GUEST | THREAD_VECTOR);
    pair_run(&pair);
    pair_delete(&pair);
}

void scenario_guest_fault(void)
{
    struct pair pair;
    cap_t frame = object_new(KIND_FRAME, HOLE_BITS);
    cap_t attached = 0;
    pair_new(&pair, worker_guest_fault_handler, worker_guest_faulter, THREAD_GUEST);
    must(rt_cap_copy(frame, RIGHT_READ | RIGHT_WRITE, &attached), "deriving a frame");
    must(frame_attach(attached, pair.subject.space_cap), "attaching a frame");
    // Once by hand, so that the page tables are there.
    must(rt_space_map(&pair.subject.space, attached, GUEST_HOLE, 0, HOLE_PAGES,
                      PROT_READ | PROT_WRITE),
         "mapping a frame");
    must(frame_unmap(attached, GUEST_HOLE, HOLE_PAGES), "unmapping a frame");
    must(captable_move(pair.handler.cspace, WORKER_FRAME, ROOT_SLOT_CSPACE, attached),
         "giving a frame");
    pair_run(&pair);
    pair_delete(&pair);
    rt_slots_free(attached, 1);
    rt_object_delete(frame);
}
