// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Agents and the thread that runs when no other does.
#include "agent.h"

#include <rt/panic.h>

#define SETTLER_PRIORITY 1u

static struct rt_thread settler;
static cap_t settle_ask, settle_answer;

static void agent_loop(uint64_t argument)
{
    struct agent *agent = (struct agent *)argument;
    for (;;) {
        struct notification_result go = notification_wait(agent->go);
        if (!rt_ok(go.status)) {
            rt_yield();
        }
        agent->job.trap = rt_trap_words(agent->job.trap, &agent->job.words);
        agent->job.done = true;
    }
}

void agent_make(struct agent *agent, const struct agent_config *config)
{
    *agent = (struct agent){ 0 };
    agent->go = make(KIND_NOTIFICATION);
    struct rt_thread_config wanted = {
        .entry = agent_loop,
        .argument = (uint64_t)agent,
        .priority = config->priority ? config->priority : AGENT_PRIORITY,
        .budget = config->budget,
        .period = config->period,
        .fault = config->fault,
        .timeout = config->timeout,
    };
    struct rt_status status = rt_thread_new(&agent->thread, &wanted);
    if (!rt_ok(status)) {
        rt_panic("no agent: error %u, argument %u", rt_error(status), rt_blamed(status));
    }
    if (config->no_buffer) {
        EXPECT_OK(thread_set_buffer(agent->thread.cap, 0, 0, 0));
    }
    EXPECT_OK(rt_thread_start(&agent->thread));
}

void agent_delete(struct agent *agent)
{
    rt_thread_delete(&agent->thread);
    rt_object_delete(agent->go);
}

static void agent_go(struct agent *agent)
{
    agent->job.done = false;
    EXPECT_OK(notification_signal(agent->go));
}

void agent_begin(struct agent *agent, uint64_t number, uint64_t slot, uint64_t tag, uint64_t third)
{
    agent->job = (struct job){ .trap = { number, slot, tag, third } };
    agent_go(agent);
}

void agent_begin_words(struct agent *agent, uint64_t number, uint64_t slot, uint64_t tag,
                       struct ipc_words words)
{
    agent->job = (struct job){ .trap = { number, slot, tag, 0 }, .words = words };
    agent_go(agent);
}

void agent_run(struct agent *agent, uint64_t number, uint64_t slot, uint64_t tag, uint64_t third)
{
    agent_begin(agent, number, slot, tag, third);
    settle();
}

struct rt_status agent_status(const struct agent *agent)
{
    return (struct rt_status){ agent->job.trap.code };
}

void agent_refuse(struct agent *agent, struct rt_trap call, enum rt_error error, unsigned argument)
{
    agent_run(agent, call.code, call.slot, call.tag, call.third);
    EXPECT(agent->job.done);
    EXPECT_ERR((subject_t)call.code, agent_status(agent), error, argument);
}

struct rt_status agent_invoke(struct agent *agent, unsigned op, cap_t self, struct ipc_words words)
{
    agent_begin_words(agent, SYS_invoke, self, TAG(op, op_length(op), 0), words);
    settle();
    EXPECT(agent->job.done);
    return agent_status(agent);
}

static void settler_loop(uint64_t argument)
{
    (void)argument;
    for (;;) {
        struct notification_result asked = notification_wait(settle_ask);
        if (rt_ok(asked.status)) {
            rt_ignore(notification_signal(settle_answer));  // both live as long as this thread
        }
    }
}

void settle(void)
{
    EXPECT_OK(notification_signal(settle_ask));
    EXPECT_OK(notification_wait(settle_answer).status);
}

void settle_init(void)
{
    settle_ask = make(KIND_NOTIFICATION);
    settle_answer = make(KIND_NOTIFICATION);
    struct rt_thread_config config = { .entry = settler_loop, .priority = SETTLER_PRIORITY };
    struct rt_status status = rt_thread_new(&settler, &config);
    if (!rt_ok(status)) {
        rt_panic("no settler: error %u, argument %u", rt_error(status), rt_blamed(status));
    }
    EXPECT_OK(rt_thread_start(&settler));
}

void settle_end(void)
{
    rt_thread_delete(&settler);
    rt_object_delete(settle_ask);
    rt_object_delete(settle_answer);
}
