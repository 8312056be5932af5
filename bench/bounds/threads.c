// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Worst cases of threads: queues of ten thousand, time that comes and goes for all of them at once,
// long chains of calls.
#include "cases.h"

#include <rt/panic.h>

#define MANY        10000u
#define PRIORITIES  64u
#define CHAIN       1000u
#define RELEASED    10000u
#define SLOT_TIMERS 3000u
#define BUDGET      4000u  // the least there is

static uint8_t stack[PAGE_SIZE] __attribute__((aligned(16)));

static const struct crowd senders = { .entry = crowd_sender,
                                      .first = SLOT_THREADS,
                                      .count = MANY,
                                      .priority = PRIORITY_CROWD,
                                      .spread = PRIORITIES };

static void waiting_make(const struct crowd *crowd)
{
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINT, 1);
    arena_make(KIND_NOTIFICATION, NOTIFICATION_BITS, SLOT_NOTIFICATION, 1);
    crowd_make(crowd);
    crowd_start(crowd);
    settle();
}

// --- queues -------------------------------------------------------------------------------------

static void requeuer(uint64_t unused)
{
    (void)unused;
    for (uint64_t i = 0;; i++) {
        uint64_t priority = PRIORITY_CROWD + i * 7 % PRIORITIES;
        rt_ignore(thread_set_priority(SLOT_THREADS + i % MANY, priority, priority));
    }
}

void case_endpoint_requeued(void)
{
    const struct crowd crowd = { .entry = (const char *)(uintptr_t)requeuer,
                                 .first = SLOT_THREADS + MANY,
                                 .count = 1,
                                 .priority = PRIORITY_DRIVER + 1,
                                 .budget = 4000,
                                 .period = 8000,
                                 .rsp = (uint64_t)stack + sizeof(stack) - sizeof(uint64_t) };
    waiting_make(&senders);
    crowd_make(&crowd);
    crowd_start(&crowd);
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_ENDPOINT), "destroying an endpoint");
}

// In batches, before the endpoint's owner cancels the rest; each with as much of what is light as
// would go by before anybody looks for interrupts.
static void senders_change(void)
{
    page_make(SLOT_TABLES);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t priority = PRIORITY_CROWD + i * 7 % PRIORITIES;
        bulk_add((struct batch_entry){ .slot = SLOT_THREADS + i,
                                       .tag = TAG(OP_THREAD_SET_PRIORITY, 2, 0),
                                       .words = { priority, priority } });
        for (unsigned k = 0; k < 4; k++) {
            page_map_add(SLOT_TABLES);
        }
    }
    bulk_run();
    for (unsigned i = 0; i < MANY / 4; i++) {
        bulk_add((struct batch_entry){ .slot = SLOT_THREADS + i,
                                       .tag = TAG(OP_THREAD_CANCEL, 0, 0) });
    }
    bulk_run();
}

void case_endpoint_cancelled(void)
{
    waiting_make(&senders);
    senders_change();
    must(endpoint_cancel_badge(SLOT_ENDPOINT, 1).status, "cancelling by badge");
    must(endpoint_cancel_all(SLOT_ENDPOINT, ERR_CANCELLED).status, "cancelling");
}

void case_endpoint_receivers(void)
{
    struct crowd crowd = senders;
    crowd.entry = crowd_receiver;
    waiting_make(&crowd);
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_ENDPOINT), "destroying an endpoint");
}

void case_notification_waiters(void)
{
    struct crowd crowd = senders;
    crowd.entry = crowd_waiter;
    waiting_make(&crowd);
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_NOTIFICATION), "destroying a notification");
}

// --- time ---------------------------------------------------------------------------------------

// Each thread uses up its budget alone; its period is chosen so that it ends when those of all
// others do.
void case_contexts_released(void)
{
    const struct crowd crowd = { .entry = crowd_spinner,
                                 .first = SLOT_THREADS,
                                 .count = RELEASED,
                                 .priority = PRIORITY_CROWD,
                                 .spread = PRIORITIES,
                                 .budget = BUDGET,
                                 .period = 1ull << 30 };
    crowd_make(&crowd);
    uint64_t instant = clock_now() + RELEASED * 16000ull;
    for (unsigned i = 0; i < RELEASED; i++) {
        must(thread_resume(SLOT_THREADS + i), "starting a thread");
        must(sched_context_configure(SLOT_CONTEXTS + i, ROOT_SLOT_SCHED_CONTROL, BUDGET,
                                     instant - clock_now()),
             "configuring a context");
        settle();
    }
    while (clock_now() < instant + 100000) {}
    settle();
}

// They signal one notification, for which a thousand threads wait.
void case_timers_due(void)
{
    struct crowd crowd = senders;
    crowd.entry = crowd_waiter;
    crowd.count = MANY / 10;
    waiting_make(&crowd);
    arena_make(KIND_TIMER, TIMER_BITS, SLOT_TIMERS, MANY);
    uint64_t instant = clock_now() + MANY * 2000ull;
    for (unsigned i = 0; i < MANY; i++) {
        bulk_add((struct batch_entry){ .slot = SLOT_TIMERS + i,
                                       .tag = TAG(OP_TIMER_BIND, 1, 0),
                                       .words = { SLOT_NOTIFICATION } });
        bulk_add((struct batch_entry){
            .slot = SLOT_TIMERS + i, .tag = TAG(OP_TIMER_ARM, 1, 0), .words = { instant } });
    }
    bulk_run();
    while (clock_now() < instant + 100000) {}
    settle();
}

// A timer goes from one end of the tree to the other.
void case_timers_moved(void)
{
    arena_make(KIND_NOTIFICATION, NOTIFICATION_BITS, SLOT_NOTIFICATION, 1);
    arena_make(KIND_TIMER, TIMER_BITS, SLOT_TIMERS, MANY);
    uint64_t instant = clock_now() + (1ull << 40);
    for (unsigned i = 0; i < 3 * MANY; i++) {
        cap_t timer = SLOT_TIMERS + i % MANY;
        if (i < MANY) {
            bulk_add((struct batch_entry){
                .slot = timer, .tag = TAG(OP_TIMER_BIND, 1, 0), .words = { SLOT_NOTIFICATION } });
        }
        bulk_add((struct batch_entry){
            .slot = timer,
            .tag = TAG(OP_TIMER_ARM, 1, 0),
            .words = { instant + (i / MANY % 2 ? MANY - i : i) * 1000ull } });
    }
    bulk_run();
}

// --- ends ---------------------------------------------------------------------------------------

// With all that a thread can have to lose.
void case_threads_end(void)
{
    struct crowd crowd = senders;
    crowd.entry = crowd_ender;
    crowd.flags = THREAD_VECTOR;
    crowd.budget = 100000;
    crowd.period = 1ull << 30;
    crowd.rsp = 1;
    crowd_make(&crowd);
    crowd_start(&crowd);
    settle();
}

// --- guests -------------------------------------------------------------------------------------

void case_guests_kicked(void)
{
    struct crowd crowd = senders;
    crowd.entry = crowd_spinner;
    crowd.flags = THREAD_GUEST;
    crowd.fault = SLOT_ENDPOINT;
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINT, 1);
    crowd_make(&crowd);
    crowd_start(&crowd);
    for (unsigned i = 0; i < MANY; i++) {
        bulk_add((struct batch_entry){ .slot = SLOT_THREADS + i,
                                       .tag = TAG(OP_THREAD_KICK, 0, 0) });
    }
    bulk_run();
    settle();
}

// --- calls --------------------------------------------------------------------------------------

// Server k calls server k + 1; the last one's call waits for ever.  None has time of its own.
static void chain_make(uint64_t budget, uint64_t period)
{
    const struct crowd servers = { .entry = crowd_server,
                                   .first = SLOT_THREADS,
                                   .count = CHAIN,
                                   .priority = PRIORITY_CROWD,
                                   .rsp = 1 };
    const struct crowd client = { .entry = crowd_client,
                                  .first = SLOT_THREADS + CHAIN,
                                  .count = 1,
                                  .priority = PRIORITY_CROWD,
                                  .budget = budget,
                                  .period = period };
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINTS, CHAIN + 2);
    arena_make(KIND_REPLY, REPLY_BITS, SLOT_REPLIES, CHAIN + 1);
    crowd_make(&servers);
    crowd_start(&servers);
    settle();
    for (unsigned i = 0; i < CHAIN; i++) {
        must(sched_context_unbind(SLOT_CONTEXTS + i), "taking time away");
    }
    crowd_make(&client);
    crowd_start(&client);
    settle();
}

void case_replies_recalled(void)
{
    chain_make(0, 0);
    must(sched_context_unbind(SLOT_CONTEXTS + CHAIN), "taking lent time back");
}

void case_replies_exhausted(void)
{
    chain_make(1ull << 20, 1ull << 30);
    settle();
}
