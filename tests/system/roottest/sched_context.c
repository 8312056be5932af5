// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// SchedContext: configure, bind, unbind, consumed.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#define BUDGET 1000000ull
#define PERIOD 10000000ull

static void configure_refuses(void)
{
    cap_t context = make(KIND_SCHED_CONTEXT);
    unsigned op = OP_SCHED_CONTEXT_CONFIGURE;
    struct ipc_words words = WORDS(ROOT_SLOT_SCHED_CONTROL, BUDGET, PERIOD);
    refuse_rights(op, context, words);
    refuse_cap_kind(op, context, words, 1);
    refuse(op, context, WORDS(ROOT_SLOT_SCHED_CONTROL, PERIOD + 1, PERIOD), ERR_RANGE, 2);
    refuse(op, context, WORDS(ROOT_SLOT_SCHED_CONTROL, 0, PERIOD), ERR_RANGE, 2);
    refuse(op, context, WORDS(ROOT_SLOT_SCHED_CONTROL, BUDGET, 0), ERR_RANGE, 3);
    refuse(op, context, WORDS(ROOT_SLOT_SCHED_CONTROL, BUDGET, UINT64_MAX), ERR_RANGE, 3);
    rt_object_delete(context);
}

// A limited SchedControl hands out no more than its part of the CPU, and has it back from what
// dies.
static void limit_holds(void)
{
    cap_t one = make(KIND_SCHED_CONTEXT);
    cap_t other = make(KIND_SCHED_CONTEXT);
    cap_t limited = mint(ROOT_SLOT_SCHED_CONTROL, RIGHT_ALL, 150000);
    unsigned op = OP_SCHED_CONTEXT_CONFIGURE;
    refuse(op, one, WORDS(limited, PERIOD / 5, PERIOD), ERR_LIMIT, 1);
    EXPECT_OK(sched_context_configure(one, limited, PERIOD / 10, PERIOD));
    refuse(op, other, WORDS(limited, PERIOD / 10, PERIOD), ERR_LIMIT, 1);
    EXPECT_OK(sched_context_configure(other, limited, PERIOD / 20, PERIOD));
    rt_object_delete(one);
    EXPECT_OK(sched_context_configure(other, limited, PERIOD / 10, PERIOD));
    rt_object_delete(other);
    rt_cap_delete(limited);
}

static void bind_refuses(void)
{
    cap_t context = make(KIND_SCHED_CONTEXT);
    cap_t second = make(KIND_SCHED_CONTEXT);
    cap_t thread = make(KIND_THREAD);
    cap_t other = make(KIND_THREAD);
    unsigned op = OP_SCHED_CONTEXT_BIND;
    struct ipc_words words = WORDS(thread, SCHED_OWN);
    refuse_rights(op, context, words);
    refuse_cap(op, context, words, 1);
    refuse(op, context, WORDS(thread, 2), ERR_RANGE, 2);
    EXPECT_OK(sched_context_bind(context, thread, SCHED_OWN));
    refuse(op, second, words, ERR_STATE, 1);
    refuse(op, context, WORDS(other, SCHED_OWN), ERR_STATE, 0);
    EXPECT_OK(sched_context_bind(second, thread, SCHED_FALLBACK));
    rt_object_delete(thread);
    EXPECT_OK(sched_context_bind(context, other, SCHED_FALLBACK));
    rt_object_delete(context);
    EXPECT_OK(sched_context_bind(second, other, SCHED_FALLBACK));
    rt_object_delete(second);
    rt_object_delete(other);
}

static void unbind_consumed_refuse(void)
{
    cap_t context = make(KIND_SCHED_CONTEXT);
    refuse_rights(OP_SCHED_CONTEXT_UNBIND, context, WORDS(0));
    refuse_rights(OP_SCHED_CONTEXT_CONSUMED, context, WORDS(0));
    refuse(OP_SCHED_CONTEXT_UNBIND, context, WORDS(0), ERR_STATE, 0);
    rt_object_delete(context);
}

// A thread stops when its context is taken and goes on when it is given back.
static void unbind_stops(void)
{
    struct agent agent;
    agent_make(&agent, &(struct agent_config){ 0 });
    settle();
    EXPECT_OK(sched_context_unbind(agent.thread.context));
    agent_run(&agent, SYS_null, 0, 0, 0);
    EXPECT(!agent.job.done);
    EXPECT_OK(sched_context_bind(agent.thread.context, agent.thread.cap, SCHED_OWN));
    settle();
    EXPECT(agent.job.done);
    agent_delete(&agent);
}

// Time that was used is counted, and none while nobody runs on the context.
static void consumed_counts(void)
{
    struct agent agent;
    agent_make(&agent, &(struct agent_config){ 0 });
    settle();
    struct sched_context_consumed_result before = sched_context_consumed(agent.thread.context);
    struct sched_context_consumed_result idle = sched_context_consumed(agent.thread.context);
    agent_run(&agent, SYS_null, 0, 0, 0);
    struct sched_context_consumed_result after = sched_context_consumed(agent.thread.context);
    EXPECT_OK(before.status);
    EXPECT_OK(after.status);
    EXPECT_EQUAL(idle.ticks, before.ticks);
    EXPECT(after.ticks > before.ticks);
    agent_delete(&agent);
}

static cap_t probe_context;

static void probe_bind(cap_t victim)
{
    struct rt_status status = sched_context_bind(probe_context, victim, SCHED_OWN);
    test_hit(OP_SCHED_CONTEXT_BIND, status);
    if (rt_ok(status)) {
        rt_ignore(sched_context_unbind(probe_context));
    }
}

static bool bind_seen(void)
{
    return test_was_hit(OP_SCHED_CONTEXT_BIND, ERR_DEAD, 1);
}

static void dying_thread_refused(void)
{
    struct dying dying = { .probe = probe_bind, .done = bind_seen };
    cap_t thread = make(KIND_THREAD);
    probe_context = make(KIND_SCHED_CONTEXT);
    EXPECT(dying_observe(&dying, thread));
    rt_object_delete(probe_context);
    rt_object_delete(thread);
}

static void probe_configure(cap_t victim)
{
    test_hit(OP_SCHED_CONTEXT_CONFIGURE, sched_context_configure(probe_context, victim, 0, PERIOD));
}

static bool configure_seen(void)
{
    return test_was_hit(OP_SCHED_CONTEXT_CONFIGURE, ERR_DEAD, 1);
}

static void dying_control_refused(void)
{
    struct dying dying = { .probe = probe_configure, .done = configure_seen };
    probe_context = make(KIND_SCHED_CONTEXT);
    EXPECT(dying_observe(&dying, ROOT_SLOT_SCHED_CONTROL));
    rt_object_delete(probe_context);
}

GROUP(sched_context, TEST(configure_refuses), TEST(limit_holds), TEST(bind_refuses),
      TEST(unbind_consumed_refuse), TEST(unbind_stops), TEST(consumed_counts),
      TEST(dying_thread_refused), TEST(dying_control_refused));
