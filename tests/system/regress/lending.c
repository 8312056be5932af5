// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Time that is lent while contexts are bound and taken away, and answers that give the Reply away.
#include "actor.h"

static cap_t endpoint, reply, extra;
static struct actor server, client;
static volatile unsigned served, called;
static struct rt_status bound, answered;

// Answers for ever; at the first call it binds `extra` to the thread `argument` names.
static void binding_server(uint64_t argument)
{
    uint64_t word = 0;
    struct ipc_result got = ipc_recv1(endpoint, reply, &word);
    bound = sched_context_bind(extra, argument ? client.thread.cap : server.thread.cap, SCHED_OWN);
    while (rt_ok(got.status)) {
        served++;
        got = ipc_reply_recv0(endpoint, 0, reply);
    }
    rt_ignore(notification_wait(server.go).status);
}

static void calling_client(uint64_t calls)
{
    for (; calls; calls--) {
        answered = ipc_call0(endpoint, 0).status;
        called++;
    }
    rt_ignore(notification_wait(client.go).status);
}

static void stage_make(void)
{
    endpoint = make(KIND_ENDPOINT, 6);
    reply = make(KIND_REPLY, 6);
    must(rt_context_new(RT_SLICE, RT_SLICE, &extra), "making a context");
    served = called = 0;
}

static void stage_end(void)
{
    actor_delete(&client);
    actor_delete(&server);
    rt_object_delete(extra);
    rt_object_delete(endpoint);
    rt_object_delete(reply);
}

// A server that runs on its caller's time cannot get a context of its own meanwhile: without one in
// use it would be taken for one that has.
void bind_while_serving(void)
{
    cap_t start = 0;
    stage_make();
    must(rt_context_new(RT_SLICE, RT_SLICE, &start), "making a context");
    actor_make(&server, binding_server, 0, RT_NO_CONTEXT);
    actor_start_passive(&server, start);
    actor_make(&client, calling_client, 3, 0);
    actor_start(&client);
    settle();
    EXPECT_ERROR(bound, ERR_STATE, 1);
    EXPECT_EQUAL(served, 3);
    EXPECT_EQUAL(called, 3);
    stage_end();
    rt_object_delete(start);
}

// Nor can a caller that has lent the time it runs on.
void bind_while_time_is_lent(void)
{
    cap_t start = 0;
    stage_make();
    must(rt_context_new(RT_SLICE, RT_SLICE, &start), "making a context");
    actor_make(&server, binding_server, 1, RT_NO_CONTEXT);
    actor_start_passive(&server, start);
    actor_make(&client, calling_client, 3, RT_NO_CONTEXT);
    must(sched_context_bind(start, client.thread.cap, SCHED_FALLBACK), "binding a fall-back");
    actor_start(&client);
    settle();
    EXPECT_ERROR(bound, ERR_STATE, 1);
    EXPECT_EQUAL(called, 3);
    stage_end();
    rt_object_delete(start);
}

static void receiving_server(uint64_t argument)
{
    uint64_t word = 0;
    (void)argument;
    struct ipc_result got = ipc_recv1(endpoint, reply, &word);
    served += rt_ok(got.status);
    rt_ignore(ipc_reply0(reply, 0));
    rt_ignore(notification_wait(server.go).status);
}

// A caller that waits in the queue is given a context without budget: whoever receives its call
// waits for the budget, too.
void lent_time_without_budget(void)
{
    cap_t start = 0;
    cap_t empty = make(KIND_SCHED_CONTEXT, 9);
    stage_make();
    must(rt_context_new(RT_SLICE, RT_SLICE, &start), "making a context");
    actor_make(&client, calling_client, 1, 0);
    actor_start(&client);
    settle();
    EXPECT_OK(sched_context_unbind(client.thread.context));
    EXPECT_OK(sched_context_bind(empty, client.thread.cap, SCHED_OWN));
    actor_make(&server, receiving_server, 0, RT_NO_CONTEXT);
    must(sched_context_bind(start, server.thread.cap, SCHED_FALLBACK), "binding a fall-back");
    actor_start(&server);
    settle();
    EXPECT_EQUAL(served, 0);
    EXPECT_OK(sched_context_configure(empty, ROOT_SLOT_SCHED_CONTROL, RT_SLICE, RT_SLICE));
    settle();
    EXPECT_EQUAL(served, 1);
    EXPECT_EQUAL(called, 1);
    stage_end();
    rt_object_delete(start);
    rt_object_delete(empty);
}

// The answer moves the Reply to the slot before its own and a frame to its own.
static cap_t moved_to, frame;

static void moving_server(uint64_t argument)
{
    uint64_t word = 0;
    (void)argument;
    rt_ignore(ipc_recv1(endpoint, moved_to + 1, &word).status);
    server.thread.buffer->caps[0] = (moved_to + 1) | CAP_MOVE;
    server.thread.buffer->caps[1] = frame;
    struct ipc_result got = ipc_reply_recv0(endpoint, TAG(0, 0, 2), moved_to + 1);
    served += rt_ok(got.status);
    rt_ignore(ipc_reply0(moved_to, 0));
    rt_ignore(notification_wait(server.go).status);
}

void answer_moves_its_reply(void)
{
    struct rt_mapping page;
    stage_make();
    must(rt_map_new(1, PROT_READ | PROT_WRITE, &page), "mapping a page");
    frame = page.attached;
    moved_to = rt_slots_alloc(2);
    EXPECT_OK(captable_move(ROOT_SLOT_CSPACE, moved_to + 1, ROOT_SLOT_CSPACE, reply));
    actor_make(&server, moving_server, 0, 0);
    actor_start(&server);
    actor_make(&client, calling_client, 2, 0);
    client.thread.buffer->window_table = ROOT_SLOT_CSPACE;
    client.thread.buffer->window_slot = moved_to;
    client.thread.buffer->window_count = 2;
    actor_start(&client);
    settle();
    EXPECT_EQUAL(called, 2);
    EXPECT_OK(answered);
    for (unsigned i = 0; i < PAGE_SIZE / sizeof(uint64_t); i++) {
        EXPECT_EQUAL(((volatile uint64_t *)page.base)[i], 0);
    }
    EXPECT_OK(captable_delete(ROOT_SLOT_CSPACE, moved_to + 1));
    EXPECT_OK(captable_move(ROOT_SLOT_CSPACE, reply, ROOT_SLOT_CSPACE, moved_to));
    rt_slots_free(moved_to, 2);
    stage_end();
    rt_map_delete(&page);
}
