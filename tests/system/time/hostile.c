// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Clients that try to freeze or starve a server by what they lend it, and one honest client that
// must be served within a bound all the time.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>

#define HONEST       100u  // priorities
#define HOSTILE      100u
#define OUTRANKING   101u
#define ACCOMPLICE   105u
#define SERVER       110u
#define PROXY        100u  // no more than the honest client: it would be served first
#define HOSTILES     4u
#define HONEST_CALLS 60u
#define LEAST_BUDGET 4000ull
#define DONE         1u  // events
#define NEVER        2u

// What is done to a hostile client's call while it lasts, again and again.
typedef void meddle_t(struct client *hostile);

struct attack {
    unsigned priority;    // of each hostile client; 0: that of the honest one
    uint64_t budget;      // of each
    uint64_t min_budget;  // of the endpoint
    meddle_t *meddle;     // by an accomplice with a tenth of the CPU; NULL: none
    meddle_t *replace;    // by the root task, every moment; NULL: none
    bool proxy;           // hostile clients call through servers of their own
};

static struct client hostiles[HOSTILES];
static meddle_t *meddle;

static uint64_t work(void)
{
    return moment / 10;
}

// The longest that the honest client may have to wait: each hostile client's call before its own,
// all on the fall-back context, with room for what the emulator adds.
static uint64_t bound(void)
{
    return (counted ? 5 : 50) * moment;
}

static void accomplice_loop(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0;; i = (i + 1) % HOSTILES) {
        meddle(&hostiles[i]);
    }
}

static void accomplice_make(struct rt_thread *thread)
{
    struct rt_thread_config config = {
        .entry = accomplice_loop, .priority = ACCOMPLICE, .budget = moment / 10, .period = moment
    };
    must(rt_thread_new(thread, &config), "accomplice");
    must(rt_thread_start(thread), "start");
}

static void hostile_make(struct client *hostile, const struct attack *attack, cap_t endpoint)
{
    unsigned priority = attack->priority ? attack->priority : HOSTILE;
    client_make(hostile, &(struct client_config){ .priority = priority,
                                                  .event = NEVER,
                                                  .budget = attack->budget,
                                                  .period = 16 * attack->budget,
                                                  .endpoint = endpoint });
}

static bool wait_honest(const struct attack *attack)
{
    if (!attack->replace) {
        return event_wait(DONE, HONEST_CALLS * bound());
    }
    for (unsigned i = 0; i < 2000; i++) {
        if (event_wait(DONE, moment)) {
            return true;
        }
        attack->replace(&hostiles[i % HOSTILES]);
    }
    return false;
}

static void attack_run(const struct attack *attack)
{
    struct server server, proxies[HOSTILES];
    struct client honest;
    struct rt_thread accomplice;
    events_clear();
    server_make(&server, &(struct server_config){ .priority = SERVER,
                                                  .fallback_budget = moment,
                                                  .fallback_period = 2 * moment,
                                                  .work = work() });
    EXPECT_OK(endpoint_configure(server.endpoint, attack->min_budget));
    for (unsigned i = 0; i < HOSTILES; i++) {
        if (attack->proxy) {
            server_make(&proxies[i],
                        &(struct server_config){ .priority = PROXY, .next = server.endpoint });
        }
        hostile_make(&hostiles[i], attack, attack->proxy ? proxies[i].endpoint : server.endpoint);
    }
    meddle = attack->meddle;
    if (meddle) {
        accomplice_make(&accomplice);
    }
    time_pass(10 * moment);
    client_make(&honest, &(struct client_config){ .priority = HONEST,
                                                  .calls = HONEST_CALLS,
                                                  .event = DONE,
                                                  .budget = 2 * work(),
                                                  .pause = 3 * work(),
                                                  .endpoint = server.endpoint });
    EXPECT(wait_honest(attack));
    EXPECT_EQUAL(honest.answered, HONEST_CALLS);
    EXPECT(honest.longest <= bound());
    unsigned calls = 0;
    for (unsigned i = 0; i < HOSTILES; i++) {
        calls += hostiles[i].done;
    }
    rt_print(
        "NOTE honest %u/%u calls, longest %lu thousandths of a moment; hostile %u calls, %u unanswered\n",
        honest.answered, HONEST_CALLS, honest.longest * 1000 / moment, calls, server.unanswered);
    if (meddle) {
        rt_thread_delete(&accomplice);
    }
    client_delete(&honest);
    for (unsigned i = 0; i < HOSTILES; i++) {
        client_delete(&hostiles[i]);
        if (attack->proxy) {
            server_delete(&proxies[i]);
        }
    }
    server_delete(&server);
}

// Calls with next to nothing left, from several threads.
void hostile_small_budgets(void)
{
    for (uint64_t budget = LEAST_BUDGET; budget <= 64 * LEAST_BUDGET; budget *= 4) {
        attack_run(&(struct attack){ .budget = budget });
    }
}

// The endpoint asks for enough: they wait outside, or are refused, even where they come first.
void hostile_with_min_budget(void)
{
    attack_run(&(struct attack){
        .priority = OUTRANKING, .budget = LEAST_BUDGET, .min_budget = 2 * work() });
    attack_run(&(struct attack){
        .priority = OUTRANKING, .budget = 3 * work(), .min_budget = 2 * work() });
}

static void unbind_and_bind(struct client *hostile)
{
    rt_ignore(sched_context_unbind(hostile->thread.context));
    rt_ignore(sched_context_bind(hostile->thread.context, hostile->thread.cap, SCHED_OWN));
}

void hostile_unbinds(void)
{
    attack_run(&(struct attack){ .budget = 4 * work(), .meddle = unbind_and_bind });
}

static void cancel(struct client *hostile)
{
    rt_ignore(thread_cancel(hostile->thread.cap));
}

void hostile_cancels(void)
{
    attack_run(&(struct attack){ .budget = 4 * work(), .meddle = cancel });
}

static void suspend_and_resume(struct client *hostile)
{
    rt_ignore(thread_suspend(hostile->thread.cap));
    rt_ignore(thread_resume(hostile->thread.cap));
}

void hostile_suspends(void)
{
    attack_run(&(struct attack){ .budget = 4 * work(), .meddle = suspend_and_resume });
}

// The context is destroyed, in the middle of a call or not, and the client gets a new one.
static void context_replace(struct client *hostile)
{
    rt_object_delete(hostile->thread.context);
    must(rt_context_new(2 * work(), 32 * work(), &hostile->thread.context), "context");
    must(sched_context_bind(hostile->thread.context, hostile->thread.cap, SCHED_OWN), "bind");
}

void hostile_destroys(void)
{
    attack_run(&(struct attack){ .budget = 4 * work(), .replace = context_replace });
}

// The whole client dies and another one comes.
static void client_replace(struct client *hostile)
{
    cap_t endpoint = hostile->endpoint;
    client_delete(hostile);
    hostile_make(hostile, &(struct attack){ .budget = 2 * work() }, endpoint);
}

void hostile_dies(void)
{
    attack_run(&(struct attack){ .budget = 4 * work(), .replace = client_replace });
}

// A chain of calls on little time, cut at any place.
void hostile_through_proxy(void)
{
    attack_run(&(struct attack){ .budget = LEAST_BUDGET * 8, .proxy = true });
    attack_run(&(struct attack){ .budget = 4 * work(), .proxy = true, .meddle = cancel });
    attack_run(&(struct attack){ .budget = 4 * work(), .proxy = true, .meddle = unbind_and_bind });
}
