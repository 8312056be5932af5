// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Capabilities in messages: windows, moves, badges that come home.
#include "agent.h"
#include "groups.h"

// A receiver with a window of its own in a table, and a sender.
struct stage {
    cap_t endpoint, table, object;
    struct agent receiver;
};

static void stage_make(struct stage *stage, uint64_t window_count)
{
    stage->endpoint = make(KIND_ENDPOINT);
    stage->table = make(KIND_CAPTABLE);
    stage->object = make(KIND_NOTIFICATION);
    agent_make(&stage->receiver, &(struct agent_config){ 0 });
    struct message_buffer *buffer = stage->receiver.thread.buffer;
    buffer->window_table = stage->table;
    buffer->window_slot = 10;
    buffer->window_count = window_count;
    agent_run(&stage->receiver, SYS_recv, stage->endpoint, 0, 0);
}

static void stage_end(struct stage *stage)
{
    agent_delete(&stage->receiver);
    rt_object_delete(stage->object);
    rt_object_delete(stage->table);
    rt_object_delete(stage->endpoint);
}

static uint64_t kind_in(cap_t table, uint64_t slot)
{
    return captable_identify(table, slot).kind_rights & 0xff;
}

static void send_caps(struct stage *stage, unsigned count)
{
    struct ipc_words words = { 0 };
    EXPECT_OK(ipc_send(stage->endpoint, TAG(3, 0, count), &words));
    settle();
    EXPECT(stage->receiver.job.done);
}

// A sent capability becomes a child of the sender's.
static void caps_arrive_as_children(void)
{
    struct stage stage;
    stage_make(&stage, 4);
    cap_t weak = derive(stage.object, RIGHT_WRITE);
    rt_buffer()->caps[0] = stage.object;
    rt_buffer()->caps[1] = weak;
    send_caps(&stage, 2);
    EXPECT_EQUAL(stage.receiver.job.trap.tag, TAG(3, 0, 2));
    EXPECT_EQUAL(kind_in(stage.table, 10), KIND_NOTIFICATION);
    EXPECT_EQUAL(captable_identify(stage.table, 11).kind_rights,
                 KIND_NOTIFICATION | RIGHT_WRITE << 8);
    EXPECT_OK(captable_revoke(CSPACE, weak));
    EXPECT_EQUAL(kind_in(stage.table, 11), KIND_EMPTY);
    EXPECT_EQUAL(kind_in(stage.table, 10), KIND_NOTIFICATION);
    rt_cap_delete(weak);
    stage_end(&stage);
}

static void moved_caps_leave(void)
{
    struct stage stage;
    stage_make(&stage, 1);
    cap_t weak = derive(stage.object, RIGHT_WRITE);
    rt_buffer()->caps[0] = weak | CAP_MOVE;
    send_caps(&stage, 1);
    EXPECT_EQUAL(kind_in(CSPACE, weak), KIND_EMPTY);
    EXPECT_EQUAL(kind_in(stage.table, 10), KIND_NOTIFICATION);
    rt_slots_free(weak, 1);
    stage_end(&stage);
}

// An Untyped, which is never derived, can be given away.
static void untyped_is_moved(void)
{
    struct stage stage;
    stage_make(&stage, 1);
    cap_t untyped = make(KIND_UNTYPED);
    rt_buffer()->caps[0] = untyped | CAP_MOVE;
    send_caps(&stage, 1);
    EXPECT_EQUAL(kind_in(stage.table, 10), KIND_UNTYPED);
    EXPECT_OK(captable_move(CSPACE, untyped, stage.table, 10));
    rt_object_delete(untyped);
    stage_end(&stage);
}

// What finds no room in the window stays away, and the tag says so.
static void window_limits(void)
{
    struct stage stage;
    stage_make(&stage, 1);
    for (unsigned i = 0; i < 3; i++) {
        rt_buffer()->caps[i] = stage.object;
    }
    send_caps(&stage, 3);
    EXPECT_EQUAL(tag_caps(stage.receiver.job.trap.tag), 1);
    EXPECT_EQUAL(kind_in(stage.table, 11), KIND_EMPTY);
    agent_run(&stage.receiver, SYS_recv, stage.endpoint, 0, 0);
    send_caps(&stage, 1);  // the window's slot is taken
    EXPECT_EQUAL(tag_caps(stage.receiver.job.trap.tag), 0);
    stage.receiver.thread.buffer->window_table = empty_slot();
    agent_run(&stage.receiver, SYS_recv, stage.endpoint, 0, 0);
    send_caps(&stage, 1);
    EXPECT_EQUAL(tag_caps(stage.receiver.job.trap.tag), 0);
    stage_end(&stage);
}

// A capability that the receiver's endpoint minted comes home as its badge and takes no slot.
static void badge_comes_home(void)
{
    struct stage stage;
    stage_make(&stage, 4);
    cap_t badged = mint(stage.endpoint, RIGHT_SEND, 0x77);
    rt_buffer()->caps[0] = stage.object;
    rt_buffer()->caps[1] = badged;
    send_caps(&stage, 2);
    uint64_t tag = stage.receiver.job.trap.tag;
    EXPECT_EQUAL(tag_caps(tag), 2);
    EXPECT_EQUAL(tag >> TAG_HOME_SHIFT & 0xf, 2);
    EXPECT_EQUAL(stage.receiver.thread.buffer->caps[1], 0x77);
    EXPECT_EQUAL(kind_in(stage.table, 10), KIND_NOTIFICATION);
    EXPECT_EQUAL(kind_in(stage.table, 11), KIND_EMPTY);
    rt_cap_delete(badged);
    stage_end(&stage);
}

// Capabilities travel with an answer too.
static void answers_carry_caps(void)
{
    struct agent client;
    struct ipc_words words = { 0 };
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t reply = make(KIND_REPLY);
    cap_t table = make(KIND_CAPTABLE);
    agent_make(&client, &(struct agent_config){ 0 });
    client.thread.buffer->window_table = table;
    client.thread.buffer->window_slot = 1;
    client.thread.buffer->window_count = 1;
    agent_begin(&client, SYS_call, endpoint, 0, 0);
    EXPECT_OK(ipc_recv(endpoint, reply, &words).status);
    rt_buffer()->caps[0] = endpoint;
    EXPECT_OK(ipc_reply(reply, TAG(0, 0, 1), &words));
    settle();
    EXPECT_EQUAL(tag_caps(client.job.trap.tag), 1);
    EXPECT_EQUAL(kind_in(table, 1), KIND_ENDPOINT);
    agent_delete(&client);
    rt_object_delete(table);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

GROUP(capmsg, TEST(caps_arrive_as_children), TEST(moved_caps_leave), TEST(untyped_is_moved),
      TEST(window_limits), TEST(badge_comes_home), TEST(answers_carry_caps));
