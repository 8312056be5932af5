// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The program of growth: the same operations in systems of 1, 10, ... 10,000 of everything.  A
// system of N has N ready threads that never come to run, N threads that wait to send at one
// endpoint, N capabilities derived from one, N objects of each of these kinds in one Untyped, N
// armed timers, and N pages mapped of as many frames.  bench/growth.py watches it.
#include "../bounds/driver.h"
#include "growth.h"

#include <rt/print.h>
#include <rt/start.h>
#include <rt/string.h>
#include <rt/thread.h>

const char rt_task_name[] = "growth";

#define ROUNDS          8u
#define MOST            10000u
#define SLOT_READY      500u  // 10,000 threads, their contexts from 19,500 on
#define SLOT_WAITING    29500u
#define SLOT_WORKERS    200u
#define SLOT_FAULTER    203u
#define SLOT_DERIVED    SLOT_TABLES  // a table
#define SLOT_FRAMES     (SLOT_TABLES + 1)
#define SLOT_SPACE      (SLOT_TABLES + 2)
#define SLOT_MEMORY     (SLOT_TABLES + 3)  // a frame
#define SLOT_SPARE      300u
#define SLOT_TIMER      302u
#define SLOT_STOCK      60000u
#define FRAME_BITS      (PAGE_BITS + 14)
#define PLACE           0x100000000000ull
#define PRIORITY_WORKER 110u
#define PRIORITY_SPIN   2u
#define FAR             (1ull << 40)
// Slots in the table of derived capabilities behind the endpoint's.
#define FRAMES_AT (2ull * MOST)
#define TIMERS_AT (3ull * MOST)

static void invoke(uint64_t status, const char *what)
{
    must((struct rt_status){ status }, what);
}

static void add(cap_t slot, uint64_t tag, uint64_t word0, uint64_t word1, uint64_t word2)
{
    bulk_add((struct batch_entry){ .slot = slot, .tag = tag, .words = { word0, word1, word2 } });
}

// --- the system ---------------------------------------------------------------------------------

static void worker_make(unsigned number, const char *entry, unsigned priority)
{
    const struct crowd worker = {
        .entry = entry, .first = SLOT_WORKERS + number, .count = 1, .priority = priority
    };
    crowd_make(&worker);
    crowd_start(&worker);
    settle();
}

static void workers_make(void)
{
    arena_make(KIND_NOTIFICATION, NOTIFICATION_BITS, SLOT_GO_CLIENT, NOTIFICATIONS);
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_CALLED, ENDPOINTS);
    arena_make(KIND_REPLY, REPLY_BITS, SLOT_REPLY, REPLIES);
    worker_make(0, growth_server, PRIORITY_WORKER);
    must(sched_context_unbind(SLOT_WORKERS + SLOT_CONTEXTS - SLOT_THREADS), "a passive server");
    worker_make(1, growth_client, PRIORITY_WORKER);
    worker_make(2, growth_handler, PRIORITY_WORKER + 1);
    crowd_make(&(struct crowd){ .entry = growth_faulter,
                                .first = SLOT_FAULTER,
                                .count = 1,
                                .priority = PRIORITY_WORKER,
                                .fault = SLOT_FAULTS });
    worker_make(4, growth_waiter, PRIORITY_WORKER + 1);
    worker_make(5, growth_signaller, PRIORITY_WORKER);
    worker_make(6, growth_yielder, PRIORITY_WORKER);
    worker_make(7, growth_other, PRIORITY_WORKER);
    worker_make(8, growth_timed, PRIORITY_WORKER);
}

// Ready threads are below the idle one.
static void threads_make(unsigned count)
{
    const struct crowd ready = { .entry = crowd_spinner, .first = SLOT_READY, .count = count };
    const struct crowd waiting = { .entry = growth_sender,
                                   .first = SLOT_WAITING,
                                   .count = count,
                                   .priority = PRIORITY_CROWD,
                                   .spread = 8 };
    crowd_make(&ready);
    crowd_start(&ready);
    crowd_make(&waiting);
    crowd_start(&waiting);
    settle();
}

static void timers_make(unsigned count)
{
    arena_make(KIND_TIMER, TIMER_BITS, SLOT_TIMER, 1);
    arena_make_in(SLOT_DERIVED, KIND_TIMER, TIMER_BITS, TIMERS_AT, count);
    for (unsigned i = 0; i < count; i++) {
        bulk_add((struct batch_entry){
            .slot = ROOT_SLOT_CSPACE,
            .tag = TAG(OP_CAPTABLE_COPY, 4, 0),
            .words = { SLOT_SPARE, SLOT_DERIVED, TIMERS_AT + i, RIGHT_ALL } });
        add(SLOT_SPARE, TAG(OP_TIMER_ARM, 1, 0), FAR + i, 0, 0);
        add(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_DELETE, 1, 0), SLOT_SPARE, 0, 0);
    }
    bulk_run();
}

// N capabilities of one endpoint, and N frames of a page each attached to a space and mapped there.
static void capabilities_make(unsigned count)
{
    arena_make(KIND_CAPTABLE, CAPTABLE_BITS, SLOT_DERIVED, 1);
    arena_make(KIND_ADDRESS_SPACE, SPACE_BITS, SLOT_SPACE, 1);
    arena_make(KIND_FRAME, FRAME_BITS, SLOT_MEMORY, 1);
    arena_make(KIND_PAGETABLE, PAGE_BITS, SLOT_STOCK, MOST / 512 + 4);
    must(aspace_stock(SLOT_SPACE, ROOT_SLOT_CSPACE, SLOT_STOCK, MOST / 512 + 4), "page tables");
    for (uint64_t i = 1; i <= count; i++) {
        bulk_add((struct batch_entry){ .slot = SLOT_DERIVED,
                                       .tag = TAG(OP_CAPTABLE_COPY, 4, 0),
                                       .words = { i, ROOT_SLOT_CSPACE, SLOT_CALLED, RIGHT_ALL } });
        bulk_add((struct batch_entry){
            .slot = ROOT_SLOT_CSPACE,
            .tag = TAG(OP_CAPTABLE_MINT, 5, 0),
            .words = { SLOT_SPARE, ROOT_SLOT_CSPACE, SLOT_MEMORY, RIGHT_ALL, i | 1ull << 32 } });
        add(SLOT_SPARE, TAG(OP_FRAME_ATTACH, 1, 0), SLOT_SPACE, 0, 0);
        bulk_add((struct batch_entry){ .slot = SLOT_SPARE,
                                       .tag = TAG(OP_FRAME_MAP, 4, 0),
                                       .words = { PLACE + i * PAGE_SIZE, 0, 1, READ_WRITE } });
        add(SLOT_DERIVED, TAG(OP_CAPTABLE_MOVE, 3, 0), FRAMES_AT + i - 1, ROOT_SLOT_CSPACE,
            SLOT_SPARE);
    }
    bulk_run();
}

// --- the operations -----------------------------------------------------------------------------

static void go(cap_t notification)
{
    must(notification_signal(notification), "signalling");
    settle();
}

static void fault(void)
{
    const struct thread_regs regs = { .rip = (uint64_t)growth_faulter };
    memcpy(rt_buffer()->words, &regs, sizeof(regs));
    must(thread_write_regs(SLOT_FAULTER), "registers");
    must(thread_resume(SLOT_FAULTER), "faulting");
    settle();
}

static void threads_measure(void)
{
    go(SLOT_GO_CLIENT);
    go(SLOT_GO_SIGNALLER);
    must(notification_signal(SLOT_GO_YIELDER), "signalling");
    go(SLOT_GO_OTHER);
    fault();
    invoke(growth_receive(), "receiving");
    settle();
}

static void capabilities_measure(void)
{
    const uint64_t endpoint = KIND_ENDPOINT | ENDPOINT_BITS << 8;
    invoke(growth_copy(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_COPY, 4, 0),
                       &(struct ipc_words){
                           { SLOT_SPARE, ROOT_SLOT_CSPACE, SLOT_CALLED, RIGHT_ALL } }),
           "copying");
    invoke(growth_delete(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_DELETE, 1, 0),
                         &(struct ipc_words){ { SLOT_SPARE } }),
           "deleting");
    invoke(growth_mint(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_MINT, 5, 0),
                       &(struct ipc_words){
                           { SLOT_SPARE, ROOT_SLOT_CSPACE, SLOT_CALLED, RIGHT_ALL, 1 } }),
           "minting");
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_SPARE), "deleting");
    invoke(growth_retype(SLOT_ARENA, TAG(OP_UNTYPED_RETYPE, 5, 0),
                         &(struct ipc_words){
                             { endpoint, 1ull << 30, ROOT_SLOT_CSPACE, SLOT_SPARE, 1 } }),
           "retyping");
    invoke(growth_destroy(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_DELETE, 1, 0),
                          &(struct ipc_words){ { SLOT_SPARE } }),
           "destroying");
}

static void others_measure(unsigned round, unsigned count)
{
    cap_t frame = SLOT_SPARE + 1, place = FRAMES_AT + round % count;
    uint64_t priority = PRIORITY_CROWD + round % 8;
    must(captable_move(ROOT_SLOT_CSPACE, frame, SLOT_DERIVED, place), "moving");
    invoke(growth_map(frame, TAG(OP_FRAME_MAP, 4, 0),
                      &(struct ipc_words){
                          { PLACE + (MOST + 8 + round) * PAGE_SIZE, 0, 1, READ_WRITE } }),
           "mapping");
    must(captable_move(SLOT_DERIVED, place, ROOT_SLOT_CSPACE, frame), "moving");
    invoke(growth_set_priority(SLOT_WAITING + round * 977 % count,
                               TAG(OP_THREAD_SET_PRIORITY, 2, 0),
                               &(struct ipc_words){ { priority, priority } }),
           "a priority");
    invoke(growth_timer_arm(SLOT_TIMER, TAG(OP_TIMER_ARM, 1, 0),
                            &(struct ipc_words){ { FAR + round * 977 % count } }),
           "arming");
    invoke(growth_timer_cancel(SLOT_TIMER, TAG(OP_TIMER_CANCEL, 0, 0), &(struct ipc_words){ 0 }),
           "cancelling");
}

// A thread spins until the timer goes off for a more important one.
static void timer_measure(void)
{
    const struct crowd spinner = {
        .entry = growth_spinner, .first = SLOT_WORKERS + 9, .count = 1, .priority = PRIORITY_SPIN
    };
    crowd_make(&spinner);
    must(timer_bind(SLOT_TIMER, SLOT_TIMED), "binding a timer");
    crowd_start(&spinner);
    for (unsigned round = 0; round < ROUNDS; round++) {
        must(timer_arm(SLOT_TIMER, clock_now() + 20000), "arming");
        settle();
    }
}

static void system_measure(unsigned count)
{
    rt_print("growth: %u\n", count);
    workers_make();
    threads_make(count);
    capabilities_make(count);
    timers_make(count);
    for (unsigned round = 0; round < ROUNDS; round++) {
        threads_measure();
        capabilities_measure();
        others_measure(round, count);
    }
    timer_measure();
    invoke(growth_revoke(ROOT_SLOT_CSPACE, TAG(OP_CAPTABLE_REVOKE, 1, 0),
                         &(struct ipc_words){ { SLOT_CALLED } }),
           "revoking");
    arena_clear();
}

static void growth_run(void)
{
    for (unsigned count = 1; count <= MOST; count *= 10) {
        system_measure(count);
    }
}

int main(const struct root_info *info)
{
    driver_run(info, growth_run);
    return 1;
}
