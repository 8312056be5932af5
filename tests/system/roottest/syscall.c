// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What system calls refuse.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#define BAD_TAG  0x80ull  // a bit that must be zero
#define LONG_TAG TAG(0, MSG_REG_WORDS + 1, 0)
#define CAPS_TAG TAG(0, 0, 1)

// One call by the test itself, which must be refused at once.
static void refuse_call(uint64_t number, uint64_t slot, uint64_t tag, uint64_t third,
                        struct rt_status wanted)
{
    struct rt_status status = rt_syscall_raw(number, slot, tag, third);
    test_check_error((subject_t)number, status, wanted, TEST_HERE);
}

// The first argument: nothing there, another kind, a right that is missing.
static void refuse_slot(uint64_t number, enum rt_kind kind, unsigned enough, uint64_t third)
{
    cap_t object = make(kind);
    cap_t weak = derive(object, (unsigned)(RIGHT_ALL & ~enough));
    refuse_call(number, empty_slot(), 0, third, rt_refuse(ERR_SLOT, 0));
    refuse_call(number, SLOT_OUTSIDE, 0, third, rt_refuse(ERR_SLOT, 0));
    refuse_call(number, UINT64_MAX, 0, third, rt_refuse(ERR_SLOT, 0));
    refuse_call(number, wrong_kind(kind), 0, third, rt_refuse(ERR_TYPE, 0));
    refuse_call(number, weak, 0, third, rt_refuse(ERR_RIGHTS, 0));
    rt_cap_delete(weak);
    rt_object_delete(object);
}

static void slots_refused(void)
{
    cap_t reply = make(KIND_REPLY);
    refuse_slot(SYS_call, KIND_ENDPOINT, RIGHT_SEND, 0);
    refuse_slot(SYS_send, KIND_ENDPOINT, RIGHT_SEND, 0);
    refuse_slot(SYS_nb_send, KIND_ENDPOINT, RIGHT_SEND, 0);
    refuse_slot(SYS_recv, KIND_ENDPOINT, RIGHT_RECEIVE, 0);
    refuse_slot(SYS_nb_recv, KIND_ENDPOINT, RIGHT_RECEIVE, 0);
    refuse_slot(SYS_reply_recv, KIND_ENDPOINT, RIGHT_RECEIVE, reply);
    refuse_slot(SYS_signal, KIND_NOTIFICATION, RIGHT_WRITE, 0);
    refuse_slot(SYS_wait, KIND_NOTIFICATION, RIGHT_READ, 0);
    refuse_slot(SYS_poll, KIND_NOTIFICATION, RIGHT_READ, 0);
    refuse_slot(SYS_invoke_batch, KIND_FRAME, RIGHT_READ, 1);
    rt_object_delete(reply);
}

static void replies_refused(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t reply = make(KIND_REPLY);
    cap_t weak = derive(ROOT_SLOT_THREAD, 0);
    refuse_call(SYS_reply, empty_slot(), 0, 0, rt_refuse(ERR_SLOT, 0));
    refuse_call(SYS_reply, endpoint, 0, 0, rt_refuse(ERR_TYPE, 0));
    refuse_call(SYS_reply, reply, 0, 0, rt_refuse(ERR_STATE, 0));
    refuse_call(SYS_reply, ROOT_SLOT_THREAD, 0, 0, rt_refuse(ERR_STATE, 0));
    refuse_call(SYS_reply, weak, 0, 0, rt_refuse(ERR_RIGHTS, 0));
    refuse_call(SYS_reply_recv, endpoint, 0, empty_slot(), rt_refuse(ERR_SLOT, 2));
    refuse_call(SYS_reply_recv, endpoint, 0, endpoint, rt_refuse(ERR_TYPE, 2));
    refuse_call(SYS_reply_recv, endpoint, 0, reply, rt_refuse(ERR_STATE, 2));
    refuse_call(SYS_reply_recv, endpoint, 0, weak, rt_refuse(ERR_RIGHTS, 2));
    refuse_call(SYS_recv, endpoint, 0, empty_slot(), rt_refuse(ERR_SLOT, 2));
    refuse_call(SYS_recv, endpoint, 0, endpoint, rt_refuse(ERR_TYPE, 2));
    refuse_call(SYS_nb_recv, endpoint, 0, SLOT_OUTSIDE, rt_refuse(ERR_SLOT, 2));
    refuse_call(SYS_nb_recv, endpoint, 0, ROOT_SLOT_THREAD, rt_refuse(ERR_TYPE, 2));
    rt_cap_delete(weak);
    rt_object_delete(reply);
    rt_object_delete(endpoint);
}

static void nothing_there_refused(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t notification = make(KIND_NOTIFICATION);
    refuse_call(SYS_nb_send, endpoint, 0, 0, rt_refuse(ERR_AGAIN, 0));
    refuse_call(SYS_nb_recv, endpoint, 0, 0, rt_refuse(ERR_AGAIN, 0));
    refuse_call(SYS_poll, notification, 0, 0, rt_refuse(ERR_AGAIN, 0));
    EXPECT_EQUAL(rt_syscall_raw(77, 0, 0, 0).word, ERR_OP);
    EXPECT_EQUAL(rt_syscall_raw(UINT64_MAX, 0, 0, 0).word, ERR_OP);
    rt_object_delete(notification);
    rt_object_delete(endpoint);
}

// ---- tags --------------------------------------------------------------------------------------
// A caller that waits for an answer through `reply`.
struct caller {
    struct agent agent;
    cap_t endpoint, reply;
};

static void caller_make(struct caller *caller)
{
    struct ipc_words words = { 0 };
    caller->endpoint = make(KIND_ENDPOINT);
    caller->reply = make(KIND_REPLY);
    agent_make(&caller->agent, &(struct agent_config){ 0 });
    agent_begin(&caller->agent, SYS_call, caller->endpoint, 0, 0);
    EXPECT_OK(ipc_recv(caller->endpoint, caller->reply, &words).status);
}

static void caller_end(struct caller *caller)
{
    agent_delete(&caller->agent);
    rt_object_delete(caller->reply);
    rt_object_delete(caller->endpoint);
}

static void refuse_tags(uint64_t number, uint64_t slot, uint64_t third)
{
    cap_t untyped = make(KIND_UNTYPED);
    uint64_t *caps = rt_buffer()->caps;
    refuse_call(number, slot, BAD_TAG, third, rt_refuse(ERR_LENGTH, 1));
    refuse_call(number, slot, TAG(0, MSG_MAX_WORDS + 1, 0), third, rt_refuse(ERR_LENGTH, 1));
    refuse_call(number, slot, TAG(0, 0, MSG_MAX_CAPS + 1), third, rt_refuse(ERR_LENGTH, 1));
    refuse_call(number, slot, TAG_NOTIFICATION, third, rt_refuse(ERR_LENGTH, 1));
    caps[0] = empty_slot();
    refuse_call(number, slot, CAPS_TAG, third, rt_refuse(ERR_SLOT, 1));
    caps[0] = CAP_MOVE | SLOT_OUTSIDE;
    refuse_call(number, slot, CAPS_TAG, third, rt_refuse(ERR_SLOT, 1));
    caps[0] = untyped;
    refuse_call(number, slot, CAPS_TAG, third, rt_refuse(ERR_TYPE, 1));
    rt_object_delete(untyped);
}

static void tags_refused(void)
{
    struct caller caller;
    caller_make(&caller);
    cap_t other = make(KIND_ENDPOINT);
    refuse_tags(SYS_call, other, 0);
    refuse_tags(SYS_send, other, 0);
    refuse_tags(SYS_nb_send, other, 0);
    refuse_tags(SYS_reply, caller.reply, 0);
    refuse_tags(SYS_reply_recv, other, caller.reply);
    EXPECT_OK(ipc_reply0(caller.reply, 0));
    rt_object_delete(other);
    caller_end(&caller);
}

static void caps_need_grant(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t weak = derive(endpoint, RIGHT_SEND);
    rt_buffer()->caps[0] = ROOT_SLOT_THREAD;
    refuse_call(SYS_call, weak, CAPS_TAG, 0, rt_refuse(ERR_RIGHTS, 1));
    refuse_call(SYS_send, weak, CAPS_TAG, 0, rt_refuse(ERR_RIGHTS, 1));
    refuse_call(SYS_nb_send, weak, CAPS_TAG, 0, rt_refuse(ERR_RIGHTS, 1));
    rt_cap_delete(weak);
    rt_object_delete(endpoint);
}

static void long_messages_need_buffers(void)
{
    struct caller caller;
    struct agent bare;
    caller_make(&caller);
    cap_t endpoint = make(KIND_ENDPOINT);
    agent_make(&bare, &(struct agent_config){ .no_buffer = true });
    agent_refuse(&bare, (struct rt_trap){ SYS_call, endpoint, LONG_TAG, 0 }, ERR_BUFFER, 1);
    agent_refuse(&bare, (struct rt_trap){ SYS_send, endpoint, LONG_TAG, 0 }, ERR_BUFFER, 1);
    agent_refuse(&bare, (struct rt_trap){ SYS_nb_send, endpoint, CAPS_TAG, 0 }, ERR_BUFFER, 1);
    agent_refuse(&bare, (struct rt_trap){ SYS_reply, caller.reply, LONG_TAG, 0 }, ERR_BUFFER, 1);
    agent_refuse(&bare, (struct rt_trap){ SYS_reply_recv, endpoint, LONG_TAG, caller.reply },
                 ERR_BUFFER, 1);
    EXPECT(!caller.agent.job.done);
    agent_delete(&bare);
    rt_object_delete(endpoint);
    caller_end(&caller);
}

// ---- calls that end otherwise than they should -------------------------------------------------
static void expect_cancelled(uint64_t number, uint64_t slot, uint64_t third)
{
    struct agent agent;
    agent_make(&agent, &(struct agent_config){ 0 });
    agent_run(&agent, number, slot, 0, third);
    EXPECT(!agent.job.done);
    EXPECT_OK(thread_cancel(agent.thread.cap));
    settle();
    EXPECT(agent.job.done);
    EXPECT_ERR((subject_t)number, agent_status(&agent), ERR_CANCELLED, 0);
    agent_delete(&agent);
}

static void blocked_calls_are_cancelled(void)
{
    struct caller caller;
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t notification = make(KIND_NOTIFICATION);
    expect_cancelled(SYS_call, endpoint, 0);
    expect_cancelled(SYS_send, endpoint, 0);
    expect_cancelled(SYS_recv, endpoint, 0);
    expect_cancelled(SYS_wait, notification, 0);
    caller_make(&caller);
    expect_cancelled(SYS_reply_recv, endpoint, caller.reply);
    settle();
    EXPECT_OK(agent_status(&caller.agent));
    caller_end(&caller);
    rt_object_delete(notification);
    rt_object_delete(endpoint);
}

// A call that was received and is then cancelled: its Reply is dead.
static void cancelled_call_kills_its_reply(void)
{
    struct caller caller;
    caller_make(&caller);
    EXPECT_OK(thread_cancel(caller.agent.thread.cap));
    settle();
    EXPECT_ERR(SYS_call, agent_status(&caller.agent), ERR_CANCELLED, 0);
    refuse_call(SYS_reply, caller.reply, 0, 0, rt_refuse(ERR_STATE, 0));
    caller_end(&caller);
}

static void death_of_reply_ends_call(void)
{
    struct caller caller;
    caller_make(&caller);
    rt_object_delete(caller.reply);
    settle();
    EXPECT_ERR(SYS_call, agent_status(&caller.agent), ERR_PEER_DIED, 0);
    caller.reply = make(KIND_REPLY);
    caller_end(&caller);
}

// A Reply that stands for a caller, or with which somebody waits, serves no second receive.
static void busy_reply_refused(void)
{
    struct caller caller;
    struct agent receiver;
    caller_make(&caller);
    cap_t second = make(KIND_REPLY);
    refuse_call(SYS_recv, caller.endpoint, 0, caller.reply, rt_refuse(ERR_STATE, 2));
    refuse_call(SYS_nb_recv, caller.endpoint, 0, caller.reply, rt_refuse(ERR_STATE, 2));
    agent_make(&receiver, &(struct agent_config){ 0 });
    agent_run(&receiver, SYS_recv, caller.endpoint, 0, second);
    refuse_call(SYS_nb_recv, caller.endpoint, 0, second, rt_refuse(ERR_STATE, 2));
    agent_delete(&receiver);
    EXPECT_ERR(SYS_nb_recv, rt_syscall_raw(SYS_nb_recv, caller.endpoint, 0, second), ERR_AGAIN, 0);
    rt_object_delete(second);
    caller_end(&caller);
}

// ---- objects that are being destroyed ----------------------------------------------------------
static struct caller dead_caller;
static cap_t dead_endpoint;

static void probe_call(uint64_t number, uint64_t slot, uint64_t tag, uint64_t third)
{
    test_hit((subject_t)number, rt_syscall_raw(number, slot, tag, third));
}

static void probe_endpoint(cap_t victim)
{
    probe_call(SYS_call, victim, BAD_TAG, 0);
    probe_call(SYS_send, victim, BAD_TAG, 0);
    probe_call(SYS_nb_send, victim, BAD_TAG, 0);
    probe_call(SYS_recv, victim, 0, empty_slot());
    probe_call(SYS_nb_recv, victim, 0, empty_slot());
    probe_call(SYS_reply_recv, victim, 0, empty_slot());
}

static bool endpoint_seen(void)
{
    return test_was_hit(SYS_call, ERR_DEAD, 0) && test_was_hit(SYS_send, ERR_DEAD, 0) &&
           test_was_hit(SYS_nb_send, ERR_DEAD, 0) && test_was_hit(SYS_recv, ERR_DEAD, 0) &&
           test_was_hit(SYS_nb_recv, ERR_DEAD, 0) && test_was_hit(SYS_reply_recv, ERR_DEAD, 0);
}

// What is sent is dying; where it lives, the empty slot behind it refuses the message.
static void probe_sent(cap_t victim)
{
    const uint64_t tag = TAG(0, 0, 2);
    dying_buffer()->caps[0] = victim;
    dying_buffer()->caps[1] = empty_slot();
    probe_call(SYS_call, dead_endpoint, tag, 0);
    probe_call(SYS_send, dead_endpoint, tag, 0);
    probe_call(SYS_nb_send, dead_endpoint, tag, 0);
    probe_call(SYS_reply, dead_caller.reply, tag, 0);
    probe_call(SYS_reply_recv, dead_endpoint, tag, dead_caller.reply);
}

static bool sent_seen(void)
{
    return test_was_hit(SYS_call, ERR_DEAD, 1) && test_was_hit(SYS_send, ERR_DEAD, 1) &&
           test_was_hit(SYS_nb_send, ERR_DEAD, 1) && test_was_hit(SYS_reply, ERR_DEAD, 1) &&
           test_was_hit(SYS_reply_recv, ERR_DEAD, 1);
}

// Copies of a Reply that stands for a caller: no receive takes it, no answer has a good tag.
static void probe_reply(cap_t victim)
{
    probe_call(SYS_reply, victim, BAD_TAG, 0);
    probe_call(SYS_reply_recv, dead_endpoint, BAD_TAG, victim);
    probe_call(SYS_recv, dead_endpoint, 0, victim);
    probe_call(SYS_nb_recv, dead_endpoint, 0, victim);
}

static bool reply_seen(void)
{
    return test_was_hit(SYS_reply, ERR_DEAD, 0) && test_was_hit(SYS_reply_recv, ERR_DEAD, 2) &&
           test_was_hit(SYS_recv, ERR_DEAD, 2) && test_was_hit(SYS_nb_recv, ERR_DEAD, 2);
}

static void probe_notification(cap_t victim)
{
    struct rt_status status = notification_signal(victim);
    test_hit(SYS_signal, status);
    if (rt_error(status) == ERR_SLOT) {
        return;
    }
    test_hit(SYS_wait, notification_wait(victim).status);  // there is a word, if it lives
    test_hit(SYS_poll, notification_poll(victim).status);
}

static bool notification_seen(void)
{
    return test_was_hit(SYS_signal, ERR_DEAD, 0) && test_was_hit(SYS_wait, ERR_DEAD, 0) &&
           test_was_hit(SYS_poll, ERR_DEAD, 0);
}

static void probe_batch(cap_t victim)
{
    probe_call(SYS_invoke_batch, victim, PAGE_SIZE, 1);  // behind the end
}

static bool batch_seen(void)
{
    return test_was_hit(SYS_invoke_batch, ERR_DEAD, 0);
}

static void observe(enum rt_kind kind, void (*probe)(cap_t victim), bool (*done)(void))
{
    struct dying dying = { .probe = probe, .done = done };
    cap_t sample = kind == KIND_REPLY ? dead_caller.reply : make(kind);
    EXPECT(dying_observe(&dying, sample));
    if (kind != KIND_REPLY) {
        rt_object_delete(sample);
    }
}

static void dying_objects_refused(void)
{
    caller_make(&dead_caller);
    dead_endpoint = make(KIND_ENDPOINT);
    observe(KIND_ENDPOINT, probe_endpoint, endpoint_seen);
    observe(KIND_ENDPOINT, probe_sent, sent_seen);
    observe(KIND_REPLY, probe_reply, reply_seen);
    observe(KIND_NOTIFICATION, probe_notification, notification_seen);
    observe(KIND_FRAME, probe_batch, batch_seen);
    rt_object_delete(dead_endpoint);
    caller_end(&dead_caller);
}

GROUP(syscall, TEST(slots_refused), TEST(replies_refused), TEST(nothing_there_refused),
      TEST(tags_refused), TEST(caps_need_grant), TEST(long_messages_need_buffers),
      TEST(blocked_calls_are_cancelled), TEST(cancelled_call_kills_its_reply),
      TEST(death_of_reply_ends_call), TEST(busy_reply_refused), TEST(dying_objects_refused));
