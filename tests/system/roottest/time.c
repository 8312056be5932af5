// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Time: budgets, lent time and how it comes back.
#include "agent.h"
#include "groups.h"

#include <rt/string.h>

#define SMALL_BUDGET 200000ull
#define LONG_PERIOD  (1ull << 34)  // never replenished while a test runs

static void spin(uint64_t argument)
{
    (void)argument;
    for (;;) {
        __asm__ volatile("pause");
    }
}

// A server without a context of its own: it spins in each call while `busy`, then answers.
struct server {
    struct rt_thread thread;
    cap_t endpoint, reply, fallback;
    volatile bool busy;
    volatile unsigned served;
};

static void server_loop(uint64_t argument)
{
    struct server *server = (struct server *)argument;
    struct ipc_result got = ipc_recv1(server->endpoint, server->reply, &argument);
    for (;;) {
        while (server->busy && rt_ok(got.status)) {
            __asm__ volatile("pause");
        }
        server->served++;
        got = ipc_reply_recv0(server->endpoint, 0, server->reply);
        if (!rt_ok(got.status)) {  // its caller was told already that time is up
            got = ipc_recv1(server->endpoint, server->reply, &argument);
        }
    }
}

static void server_make(struct server *server, cap_t timeout)
{
    *server = (struct server){ .endpoint = make(KIND_ENDPOINT), .reply = make(KIND_REPLY) };
    struct rt_thread_config config = {
        .entry = server_loop,
        .argument = (uint64_t)server,
        .priority = AGENT_PRIORITY + 10,
        .budget = RT_NO_CONTEXT,
        .timeout = timeout,
    };
    EXPECT_OK(rt_thread_new(&server->thread, &config));
    EXPECT_OK(rt_context_new(RT_SLICE, RT_SLICE, &server->fallback));
    EXPECT_OK(sched_context_bind(server->fallback, server->thread.cap, SCHED_FALLBACK));
    EXPECT_OK(rt_thread_start(&server->thread));
    settle();
}

static void server_end(struct server *server)
{
    rt_thread_delete(&server->thread);
    rt_object_delete(server->fallback);
    rt_object_delete(server->reply);
    rt_object_delete(server->endpoint);
}

static uint64_t used(cap_t context)
{
    struct sched_context_consumed_result result = sched_context_consumed(context);
    EXPECT_OK(result.status);
    return result.ticks;
}

// A spinning thread with a budget leaves time to lower ones.
static void budgets_end(void)
{
    struct rt_thread spinner;
    struct rt_thread_config config = { .entry = spin,
                                       .priority = AGENT_PRIORITY,
                                       .budget = SMALL_BUDGET,
                                       .period = 10 * SMALL_BUDGET };
    EXPECT_OK(rt_thread_new(&spinner, &config));
    EXPECT_OK(rt_thread_start(&spinner));
    settle();
    uint64_t first = used(spinner.context);
    settle();
    EXPECT(first > 0);
    rt_thread_delete(&spinner);
}

// The end of a budget is a fault to the handler that the thread names; the answer lets it go on.
static void timeout_is_a_fault(void)
{
    struct rt_thread spinner;
    struct ipc_words words = { 0 };
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t reply = make(KIND_REPLY);
    struct rt_thread_config config = { .entry = spin,
                                       .priority = AGENT_PRIORITY,
                                       .budget = SMALL_BUDGET,
                                       .period = 4 * SMALL_BUDGET,
                                       .timeout = endpoint };
    EXPECT_OK(rt_thread_new(&spinner, &config));
    EXPECT_OK(rt_thread_start(&spinner));
    for (unsigned i = 0; i < 2; i++) {
        struct ipc_result got = ipc_recv(endpoint, reply, &words);
        EXPECT_OK(got.status);
        EXPECT_EQUAL(tag_label(got.tag), FAULT_TIMEOUT);
        EXPECT(words.word[0] >= SMALL_BUDGET);
        EXPECT_EQUAL(words.word[1], 0);
        EXPECT_OK(ipc_reply0(reply, 0));
    }
    rt_thread_delete(&spinner);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

// A server without a context of its own works on the caller's time, not on its fall-back.
static void calls_lend_time(void)
{
    struct server server;
    struct agent client;
    server_make(&server, 0);
    agent_make(&client, &(struct agent_config){ 0 });
    settle();
    uint64_t before = used(server.fallback);
    for (unsigned i = 0; i < 3; i++) {
        agent_run(&client, SYS_call, server.endpoint, 0, 0);
        EXPECT(client.job.done);
        EXPECT_OK(agent_status(&client));
    }
    EXPECT_EQUAL(server.served, 3);
    EXPECT_EQUAL(used(server.fallback), before);
    agent_delete(&client);
    server_end(&server);
}

// A caller whose budget can never reach what the endpoint asks for is refused; one that has it
// enters.
static void min_budget_guards(void)
{
    struct server server;
    struct agent poor;
    struct agent rich;
    server_make(&server, 0);
    agent_make(&poor, &(struct agent_config){ .budget = SMALL_BUDGET, .period = LONG_PERIOD });
    agent_make(&rich, &(struct agent_config){ 0 });
    EXPECT_OK(endpoint_configure(server.endpoint, 2 * SMALL_BUDGET));
    agent_refuse(&poor, (struct rt_trap){ SYS_call, server.endpoint, 0, 0 }, ERR_BUDGET, 0);
    agent_run(&rich, SYS_call, server.endpoint, 0, 0);
    EXPECT_OK(agent_status(&rich));
    EXPECT_EQUAL(server.served, 1);
    agent_delete(&poor);
    agent_delete(&rich);
    server_end(&server);
}

// Uses up most of its budget, then calls.
static volatile unsigned entered;
static cap_t entered_endpoint;

static void burn_and_call(uint64_t argument)
{
    cap_t context = argument;
    for (;;) {
        uint64_t begin = sched_context_consumed(context).ticks;
        while (sched_context_consumed(context).ticks - begin < 3 * SMALL_BUDGET) {
            __asm__ volatile("pause");
        }
        struct ipc_result got = ipc_call0(entered_endpoint, 0);
        entered += rt_ok(got.status);
    }
}

// A caller with too little left waits for its replenishment before it enters.
static void min_budget_waits(void)
{
    struct server server;
    struct rt_thread client;
    server_make(&server, 0);
    struct rt_thread_config config = { .entry = burn_and_call,
                                       .priority = AGENT_PRIORITY,
                                       .budget = 4 * SMALL_BUDGET,
                                       .period = 16 * SMALL_BUDGET };
    EXPECT_OK(endpoint_configure(server.endpoint, 2 * SMALL_BUDGET));
    entered = 0;
    entered_endpoint = server.endpoint;
    EXPECT_OK(rt_thread_new(&client, &config));
    struct thread_regs regs;
    EXPECT_OK(thread_read_regs(client.cap));
    memcpy(&regs, rt_buffer()->words, sizeof(regs));
    regs.rdi = client.context;
    EXPECT_OK(rt_thread_set_regs(client.cap, &regs));
    EXPECT_OK(rt_thread_start(&client));
    for (unsigned tries = 0; tries < 1000000 && entered < 3; tries++) {
        settle();
    }
    EXPECT(entered >= 3);
    EXPECT_EQUAL(server.served, entered);
    rt_thread_delete(&client);
    server_end(&server);
}

// A hostile client lends next to nothing: it gets BUDGET, the server goes on on its fall-back and
// serves others, and its time-out handler is told.
static void hostile_budget_freezes_nobody(void)
{
    struct server server;
    struct agent hostile;
    struct agent other;
    cap_t told = make(KIND_NOTIFICATION);
    server_make(&server, told);
    agent_make(&hostile, &(struct agent_config){ .budget = SMALL_BUDGET, .period = LONG_PERIOD });
    agent_make(&other, &(struct agent_config){ .priority = AGENT_PRIORITY + 1 });
    server.busy = true;
    agent_begin(&hostile, SYS_call, server.endpoint, 0, 0);
    EXPECT_OK(notification_wait(told).status);
    server.busy = false;
    agent_run(&other, SYS_call, server.endpoint, 0, 0);
    EXPECT(other.job.done);
    EXPECT_OK(agent_status(&other));
    EXPECT_EQUAL(server.served, 2);
    EXPECT_OK(sched_context_configure(hostile.thread.context, ROOT_SLOT_SCHED_CONTROL, RT_SLICE,
                                      RT_SLICE));
    settle();
    EXPECT(hostile.job.done);
    EXPECT_ERR(SYS_call, agent_status(&hostile), ERR_BUDGET, 0);
    agent_delete(&hostile);
    agent_delete(&other);
    server_end(&server);
    rt_object_delete(told);
}

// Taking a lent context away ends the call with BUDGET, too.
static void unbind_recalls(void)
{
    struct server server;
    struct agent client;
    server_make(&server, 0);
    EXPECT_OK(sched_context_unbind(server.fallback));
    agent_make(&client, &(struct agent_config){ 0 });
    settle();
    server.busy = true;
    EXPECT_OK(thread_set_priority(server.thread.cap, 1, 1));  // peers with the settler
    agent_begin(&client, SYS_call, server.endpoint, 0, 0);
    settle();
    EXPECT(!client.job.done);
    EXPECT_OK(sched_context_unbind(client.thread.context));
    EXPECT_OK(sched_context_bind(client.thread.context, client.thread.cap, SCHED_OWN));
    settle();
    EXPECT(client.job.done);
    EXPECT_ERR(SYS_call, agent_status(&client), ERR_BUDGET, 0);
    agent_delete(&client);
    EXPECT_OK(sched_context_bind(server.fallback, server.thread.cap, SCHED_FALLBACK));
    server_end(&server);
}

// Cancelling a call brings the lent time back at once.
static void cancel_returns_time(void)
{
    struct server server;
    struct agent client;
    server_make(&server, 0);
    agent_make(&client, &(struct agent_config){ 0 });
    settle();
    server.busy = true;
    EXPECT_OK(thread_set_priority(server.thread.cap, 1, 1));
    agent_begin(&client, SYS_call, server.endpoint, 0, 0);
    settle();
    EXPECT(!client.job.done);
    EXPECT_OK(thread_cancel(client.thread.cap));
    settle();
    EXPECT(client.job.done);
    EXPECT_ERR(SYS_call, agent_status(&client), ERR_CANCELLED, 0);
    agent_run(&client, SYS_null, 0, 0, 0);
    EXPECT(client.job.done);
    agent_delete(&client);
    server_end(&server);
}

GROUP(time, TEST(budgets_end), TEST(timeout_is_a_fault), TEST(calls_lend_time),
      TEST(min_budget_guards), TEST(min_budget_waits), TEST(hostile_budget_freezes_nobody),
      TEST(unbind_recalls), TEST(cancel_returns_time));
