// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages: words, labels, badges, order of senders, notifications in a receive.
#include "agent.h"
#include "groups.h"

#define LABEL 0x123456789abcull

// A long call there and back: the words of registers and buffer, label, badge.
static void call_carries_words(void)
{
    struct agent client;
    struct ipc_words words;
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t reply = make(KIND_REPLY);
    cap_t badged = mint(endpoint, RIGHT_SEND, 0xbad6e);
    agent_make(&client, &(struct agent_config){ 0 });
    for (unsigned i = MSG_REG_WORDS; i < MSG_MAX_WORDS; i++) {
        client.thread.buffer->words[i] = 100 + i;
    }
    agent_begin_words(&client, SYS_call, badged, TAG(LABEL, MSG_MAX_WORDS, 0),
                      WORDS(1, 2, 3, 4, 5, 6));
    struct ipc_result got = ipc_recv(endpoint, reply, &words);
    EXPECT_OK(got.status);
    EXPECT_EQUAL(got.badge, 0xbad6e);
    EXPECT_EQUAL(got.tag, TAG(LABEL, MSG_MAX_WORDS, 0));
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        EXPECT_EQUAL(words.word[i], i + 1);
    }
    for (unsigned i = MSG_REG_WORDS; i < MSG_MAX_WORDS; i++) {
        EXPECT_EQUAL(rt_buffer()->words[i], 100 + i);
    }
    rt_buffer()->words[9] = 0x999;
    words = WORDS(11, 12, 13, 14, 15, 16);
    EXPECT_OK(ipc_reply(reply, TAG(7, 10, 0), &words));
    settle();
    EXPECT_OK(agent_status(&client));
    EXPECT_EQUAL(client.job.trap.tag, TAG(7, 10, 0));
    EXPECT_EQUAL(client.job.words.word[0], 11);
    EXPECT_EQUAL(client.job.words.word[5], 16);
    EXPECT_EQUAL(client.thread.buffer->words[9], 0x999);
    agent_delete(&client);
    rt_cap_delete(badged);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

// A receiver without a buffer gets what fits into registers, and the tag says so.
static void bare_receiver_gets_registers(void)
{
    struct agent bare;
    struct ipc_words words = WORDS(1, 2, 3, 4, 5, 6);
    cap_t endpoint = make(KIND_ENDPOINT);
    agent_make(&bare, &(struct agent_config){ .no_buffer = true });
    agent_run(&bare, SYS_recv, endpoint, 0, 0);
    EXPECT_OK(ipc_send(endpoint, TAG(LABEL, 10, 0), &words));
    settle();
    EXPECT_OK(agent_status(&bare));
    EXPECT_EQUAL(bare.job.trap.tag, TAG(LABEL, MSG_REG_WORDS, 0));
    EXPECT_EQUAL(bare.job.words.word[5], 6);
    agent_delete(&bare);
    rt_object_delete(endpoint);
}

static void nb_send_and_nb_recv_meet(void)
{
    struct agent agent;
    struct ipc_words words = WORDS(42);
    cap_t endpoint = make(KIND_ENDPOINT);
    agent_make(&agent, &(struct agent_config){ 0 });
    agent_run(&agent, SYS_recv, endpoint, 0, 0);
    EXPECT_OK(ipc_nb_send(endpoint, TAG(1, 1, 0), &words));
    settle();
    EXPECT_EQUAL(agent.job.words.word[0], 42);
    agent_begin_words(&agent, SYS_send, endpoint, TAG(2, 1, 0), WORDS(43));
    settle();
    struct ipc_result got = ipc_nb_recv(endpoint, 0, &words);
    EXPECT_OK(got.status);
    EXPECT_EQUAL(got.tag, TAG(2, 1, 0));
    EXPECT_EQUAL(words.word[0], 43);
    agent_delete(&agent);
    rt_object_delete(endpoint);
}

// Waiting senders: by priority, first come first served within one; a change of priority counts.
static void senders_are_ordered(void)
{
    static const unsigned priorities[4] = { 50, 60, 50, 40 };
    static const uint64_t expected[4] = { 4, 2, 1, 3 };
    struct agent agents[4];
    cap_t endpoint = make(KIND_ENDPOINT);
    for (unsigned i = 0; i < 4; i++) {
        agent_make(&agents[i], &(struct agent_config){ .priority = priorities[i] });
        agent_begin_words(&agents[i], SYS_send, endpoint, TAG(0, 1, 0), WORDS(i + 1));
        settle();
    }
    EXPECT_OK(thread_set_priority(agents[3].thread.cap, 70, 70));
    for (unsigned i = 0; i < 4; i++) {
        struct ipc_words words = { 0 };
        EXPECT_OK(ipc_recv(endpoint, 0, &words).status);
        EXPECT_EQUAL(words.word[0], expected[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        agent_delete(&agents[i]);
    }
    rt_object_delete(endpoint);
}

// Who calls a receiver that named no Reply cannot be answered.
static void call_without_reply_ends(void)
{
    struct agent agent;
    struct ipc_words words;
    cap_t endpoint = make(KIND_ENDPOINT);
    agent_make(&agent, &(struct agent_config){ 0 });
    agent_begin(&agent, SYS_call, endpoint, 0, 0);
    EXPECT_OK(ipc_recv(endpoint, 0, &words).status);
    settle();
    EXPECT_ERR(SYS_call, agent_status(&agent), ERR_PEER_DIED, 0);
    agent_delete(&agent);
    rt_object_delete(endpoint);
}

static void notifications_collect(void)
{
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t one = mint(notification, RIGHT_WRITE, 1);
    cap_t eight = mint(notification, RIGHT_WRITE, 8);
    EXPECT_OK(notification_signal(one));
    EXPECT_OK(notification_signal(eight));
    EXPECT_OK(notification_signal(one));
    EXPECT_EQUAL(notification_wait(notification).word, 9);
    EXPECT_ERR(SYS_poll, notification_poll(notification).status, ERR_AGAIN, 0);
    EXPECT_OK(notification_signal(eight));
    struct notification_result polled = notification_poll(notification);
    EXPECT_OK(polled.status);
    EXPECT_EQUAL(polled.word, 8);
    rt_cap_delete(one);
    rt_cap_delete(eight);
    rt_object_delete(notification);
}

// A bound notification wakes its thread in a receive, before and while it waits.
static void bound_notification_wakes(void)
{
    struct agent agent;
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t badged = mint(notification, RIGHT_WRITE, 0x40);
    agent_make(&agent, &(struct agent_config){ 0 });
    EXPECT_OK(thread_bind(agent.thread.cap, notification));
    agent_run(&agent, SYS_recv, endpoint, 0, 0);
    EXPECT(!agent.job.done);
    EXPECT_OK(notification_signal(badged));
    settle();
    EXPECT(agent.job.done);
    EXPECT_EQUAL(agent.job.trap.tag, TAG_NOTIFICATION);
    EXPECT_EQUAL(agent.job.trap.slot, 0x40);
    EXPECT_OK(notification_signal(badged));
    agent_run(&agent, SYS_recv, endpoint, 0, 0);
    EXPECT_EQUAL(agent.job.trap.tag, TAG_NOTIFICATION);
    agent_delete(&agent);
    rt_cap_delete(badged);
    rt_object_delete(notification);
    rt_object_delete(endpoint);
}

// An endpoint outlives its server: callers wait for the next one.
static void endpoint_outlives_server(void)
{
    struct agent server;
    struct agent client;
    struct ipc_words words;
    cap_t endpoint = make(KIND_ENDPOINT);
    agent_make(&server, &(struct agent_config){ 0 });
    agent_make(&client, &(struct agent_config){ 0 });
    agent_run(&server, SYS_recv, endpoint, 0, 0);
    agent_delete(&server);
    agent_run(&client, SYS_send, endpoint, TAG(5, 0, 0), 0);
    EXPECT(!client.job.done);
    EXPECT_EQUAL(ipc_recv(endpoint, 0, &words).tag, TAG(5, 0, 0));
    settle();
    EXPECT_OK(agent_status(&client));
    agent_delete(&client);
    rt_object_delete(endpoint);
}

// Destroying an endpoint ends what waits at it.
static void death_of_endpoint_ends_waiting(void)
{
    struct agent sender;
    struct agent receiver;
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t other = make(KIND_ENDPOINT);
    agent_make(&sender, &(struct agent_config){ 0 });
    agent_make(&receiver, &(struct agent_config){ 0 });
    agent_run(&sender, SYS_send, endpoint, 0, 0);
    agent_run(&receiver, SYS_recv, other, 0, 0);
    rt_object_delete(endpoint);
    rt_object_delete(other);
    settle();
    EXPECT(sender.job.done);
    EXPECT(receiver.job.done);
    EXPECT_ERR(SYS_send, agent_status(&sender), ERR_DEAD, 0);
    agent_delete(&sender);
    agent_delete(&receiver);
}

static void yield_rotates(void)
{
    struct agent agents[2];
    for (unsigned i = 0; i < 2; i++) {
        agent_make(&agents[i], &(struct agent_config){ 0 });
        agent_begin(&agents[i], SYS_yield, 0, 0, 0);
    }
    settle();
    EXPECT(agents[0].job.done && agents[1].job.done);
    rt_yield();
    rt_null();
    for (unsigned i = 0; i < 2; i++) {
        agent_delete(&agents[i]);
    }
}

GROUP(message, TEST(call_carries_words), TEST(bare_receiver_gets_registers),
      TEST(nb_send_and_nb_recv_meet), TEST(senders_are_ordered), TEST(call_without_reply_ends),
      TEST(notifications_collect), TEST(bound_notification_wakes), TEST(endpoint_outlives_server),
      TEST(death_of_endpoint_ends_waiting), TEST(yield_rotates));
