// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Thread: configure, buffers, running, registers, priorities.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#include <rt/string.h>

#define UNKNOWN_FLAG (1ull << 16)

static void configure_refuses(void)
{
    cap_t thread = make(KIND_THREAD);
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t table = derive(wrong_kind(KIND_ENDPOINT), RIGHT_ALL);
    unsigned op = OP_THREAD_CONFIGURE;
    struct ipc_words words = WORDS(CSPACE, ROOT_SLOT_ASPACE, endpoint, endpoint, 0);
    refuse_rights(op, thread, words);
    refuse(op, ROOT_SLOT_THREAD, words, ERR_STATE, 0);
    refuse_cap_kind(op, thread, words, 1);
    refuse_cap_kind(op, thread, words, 2);
    refuse_cap(op, thread, words, 3);
    words.word[4] = UNKNOWN_FLAG;
    refuse(op, thread, words, ERR_RANGE, 5);
    rt_cap_delete(table);
    rt_object_delete(endpoint);
    rt_object_delete(thread);
}

// The time-out handler: an endpoint or a notification.
static void configure_refuses_handlers(void)
{
    cap_t thread = make(KIND_THREAD);
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t no_send = derive(endpoint, RIGHT_RECEIVE);
    cap_t no_signal = derive(notification, RIGHT_READ);
    unsigned op = OP_THREAD_CONFIGURE;
    refuse(op, thread, WORDS(0, 0, 0, empty_slot(), 0), ERR_SLOT, 4);
    refuse(op, thread, WORDS(0, 0, 0, thread, 0), ERR_TYPE, 4);
    refuse(op, thread, WORDS(0, 0, 0, no_send, 0), ERR_RIGHTS, 4);
    refuse(op, thread, WORDS(0, 0, 0, no_signal, 0), ERR_RIGHTS, 4);
    EXPECT_OK(thread_configure(thread, 0, 0, 0, notification, 0));
    EXPECT_OK(thread_configure(thread, 0, 0, 0, 0, 0));
    rt_cap_delete(no_send);
    rt_cap_delete(no_signal);
    rt_object_delete(notification);
    rt_object_delete(endpoint);
    rt_object_delete(thread);
}

static void set_buffer_refuses(void)
{
    cap_t thread = make(KIND_THREAD);
    cap_t frame = make_sized(KIND_FRAME, 12);
    unsigned op = OP_THREAD_SET_BUFFER;
    struct ipc_words words = WORDS(0, frame, 0);
    refuse_rights(op, thread, words);
    refuse(op, thread, WORDS(2, frame, 0), ERR_RANGE, 1);
    refuse_cap(op, thread, words, 2);
    refuse(op, thread, WORDS(0, frame, 512), ERR_ALIGN, 3);
    refuse(op, thread, WORDS(1, frame, 128), ERR_ALIGN, 3);
    refuse(op, thread, WORDS(0, frame, PAGE_SIZE), ERR_RANGE, 3);
    refuse(op, thread, WORDS(1, frame, 0 - 256ull), ERR_RANGE, 3);
    EXPECT_OK(thread_set_buffer(thread, 1, frame, PAGE_SIZE - GUEST_FRAME_BYTES));
    EXPECT_OK(thread_set_buffer(thread, 1, 0, 0));
    rt_object_delete(frame);
    rt_object_delete(thread);
}

static void running_refuses(void)
{
    cap_t thread = make(KIND_THREAD);
    refuse_rights(OP_THREAD_RESUME, thread, WORDS(0));
    refuse_rights(OP_THREAD_SUSPEND, thread, WORDS(0));
    refuse_rights(OP_THREAD_CANCEL, thread, WORDS(0));
    refuse_rights(OP_THREAD_KICK, thread, WORDS(0));
    refuse(OP_THREAD_RESUME, ROOT_SLOT_THREAD, WORDS(0), ERR_STATE, 0);
    refuse(OP_THREAD_CANCEL, ROOT_SLOT_THREAD, WORDS(0), ERR_STATE, 0);
    refuse(OP_THREAD_CANCEL, thread, WORDS(0), ERR_STATE, 0);
    refuse(OP_THREAD_KICK, thread, WORDS(0), ERR_STATE, 0);
    EXPECT_OK(thread_suspend(thread));
    rt_object_delete(thread);
}

static void registers_refuse(void)
{
    cap_t thread = make(KIND_THREAD);
    struct agent agent;
    refuse_rights(OP_THREAD_READ_REGS, thread, WORDS(0));
    refuse_rights(OP_THREAD_WRITE_REGS, thread, WORDS(0));
    refuse(OP_THREAD_READ_REGS, ROOT_SLOT_THREAD, WORDS(0), ERR_STATE, 0);
    refuse(OP_THREAD_WRITE_REGS, ROOT_SLOT_THREAD, WORDS(0), ERR_STATE, 0);
    agent_make(&agent, &(struct agent_config){ .no_buffer = true });
    EXPECT_ERR(OP_THREAD_READ_REGS, agent_invoke(&agent, OP_THREAD_READ_REGS, thread, WORDS(0)),
               ERR_BUFFER, 0);
    EXPECT_ERR(OP_THREAD_WRITE_REGS, agent_invoke(&agent, OP_THREAD_WRITE_REGS, thread, WORDS(0)),
               ERR_BUFFER, 0);
    agent_delete(&agent);
    rt_object_delete(thread);
}

// What could harm is made harmless; the rest comes back as it was written.
static void registers_are_sanitised(void)
{
    cap_t thread = make(KIND_THREAD);
    struct thread_regs regs = {
        .rip = KERNEL_ADDRESS,
        .rsp = 0x0000800000000000ull,
        .rflags = ~0ull,
        .rax = 0xa,
        .r15 = 0xf,
        .fs_base = 0x8000000000000000ull,
        .gs_base = TEST_VADDR,
    };
    EXPECT_OK(rt_thread_set_regs(thread, &regs));
    memset(rt_buffer()->words, 0xff, sizeof(regs));
    EXPECT_OK(thread_read_regs(thread));
    memcpy(&regs, rt_buffer()->words, sizeof(regs));
    EXPECT_EQUAL(regs.rip, 0);
    EXPECT_EQUAL(regs.rsp, 0);
    EXPECT_EQUAL(regs.fs_base, 0);
    EXPECT_EQUAL(regs.gs_base, TEST_VADDR);
    EXPECT_EQUAL(regs.rax, 0xa);
    EXPECT_EQUAL(regs.r15, 0xf);
    EXPECT_EQUAL(regs.rflags & ~2ull, 0x250fd5);
    rt_object_delete(thread);
}

static void set_priority_refuses(void)
{
    cap_t thread = make(KIND_THREAD);
    struct agent agent;
    unsigned op = OP_THREAD_SET_PRIORITY;
    refuse_rights(op, thread, WORDS(1, 1));
    refuse(op, thread, WORDS(256, 255), ERR_RANGE, 1);
    refuse(op, thread, WORDS(5, 256), ERR_RANGE, 2);
    refuse(op, thread, WORDS(6, 5), ERR_RANGE, 1);
    agent_make(&agent, &(struct agent_config){ 0 });  // its ceiling is its priority
    EXPECT_ERR(op, agent_invoke(&agent, op, thread, WORDS(AGENT_PRIORITY, AGENT_PRIORITY + 1)),
               ERR_RANGE, 2);
    EXPECT_ERR(op, agent_invoke(&agent, op, thread, WORDS(AGENT_PRIORITY + 1, AGENT_PRIORITY)),
               ERR_RANGE, 1);
    EXPECT_OK(agent_invoke(&agent, op, thread, WORDS(AGENT_PRIORITY, AGENT_PRIORITY)));
    agent_delete(&agent);
    rt_object_delete(thread);
}

static void bind_refuses(void)
{
    cap_t thread = make(KIND_THREAD);
    cap_t other = make(KIND_THREAD);
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t second = make(KIND_NOTIFICATION);
    unsigned op = OP_THREAD_BIND;
    refuse_rights(op, thread, WORDS(notification));
    refuse_cap(op, thread, WORDS(notification), 1);
    EXPECT_OK(thread_bind(thread, notification));
    refuse(op, thread, WORDS(second), ERR_STATE, 0);
    refuse(op, other, WORDS(notification), ERR_STATE, 1);
    EXPECT_OK(thread_bind(thread, 0));
    EXPECT_OK(thread_bind(other, notification));
    rt_object_delete(notification);
    EXPECT_OK(thread_bind(other, second));
    rt_object_delete(other);
    EXPECT_OK(thread_bind(thread, second));
    rt_object_delete(thread);
    rt_object_delete(second);
}

// Suspend cancels what a thread waits for; resume lets it go on with CANCELLED.
static void suspend_cancels(void)
{
    struct agent agent;
    cap_t endpoint = make(KIND_ENDPOINT);
    agent_make(&agent, &(struct agent_config){ 0 });
    agent_run(&agent, SYS_send, endpoint, 0, 0);
    EXPECT(!agent.job.done);
    EXPECT_OK(thread_suspend(agent.thread.cap));
    settle();
    EXPECT(!agent.job.done);
    EXPECT_OK(thread_resume(agent.thread.cap));
    settle();
    EXPECT(agent.job.done);
    EXPECT_ERR(SYS_send, agent_status(&agent), ERR_CANCELLED, 0);
    agent_delete(&agent);
    rt_object_delete(endpoint);
}

// ---- arguments that are being destroyed --------------------------------------------------------
static cap_t probe_thread, probe_thread2;

static void probe_bind(cap_t victim)
{
    struct rt_status status = thread_bind(probe_thread, victim);
    test_hit(OP_THREAD_BIND, status);
    if (rt_ok(status)) {
        rt_ignore(thread_bind(probe_thread, 0));
    }
}

static bool bind_seen(void)
{
    return test_was_hit(OP_THREAD_BIND, ERR_DEAD, 1);
}

static void probe_buffer(cap_t victim)
{
    struct rt_status status = thread_set_buffer(probe_thread2, 0, victim, 0);
    test_hit(OP_THREAD_SET_BUFFER, status);
    if (rt_ok(status)) {
        rt_ignore(thread_set_buffer(probe_thread2, 0, 0, 0));
    }
    test_hit(OP_THREAD_READ_VECTOR, thread_read_vector(probe_thread2, victim, 0).status);
    test_hit(OP_THREAD_WRITE_VECTOR, thread_write_vector(probe_thread2, victim, 0));
}

static bool buffer_seen(void)
{
    return test_was_hit(OP_THREAD_SET_BUFFER, ERR_DEAD, 2) &&
           test_was_hit(OP_THREAD_READ_VECTOR, ERR_DEAD, 1) &&
           test_was_hit(OP_THREAD_WRITE_VECTOR, ERR_DEAD, 1);
}

static void dying_arguments_refused(void)
{
    struct dying binding = { .probe = probe_bind, .done = bind_seen };
    struct dying buffers = { .probe = probe_buffer, .done = buffer_seen };
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t frame = make_sized(KIND_FRAME, 13);
    probe_thread = make(KIND_THREAD);
    probe_thread2 = make(KIND_THREAD);
    EXPECT_OK(thread_configure(probe_thread2, 0, 0, 0, 0, THREAD_VECTOR));
    EXPECT(dying_observe(&binding, notification));
    EXPECT(dying_observe(&buffers, frame));
    rt_object_delete(probe_thread);
    rt_object_delete(probe_thread2);
    rt_object_delete(frame);
    rt_object_delete(notification);
}

// Each of them in turn is what configure is given; the flag refuses it where all of them live.
static void probe_table(cap_t victim)
{
    test_hit(OP_THREAD_CONFIGURE, thread_configure(probe_thread, victim, 0, 0, 0, UNKNOWN_FLAG));
}

static void probe_space(cap_t victim)
{
    test_hit(OP_THREAD_CONFIGURE, thread_configure(probe_thread, 0, victim, 0, 0, UNKNOWN_FLAG));
}

static void probe_handlers(cap_t victim)
{
    test_hit(OP_THREAD_CONFIGURE, thread_configure(probe_thread, 0, 0, victim, 0, UNKNOWN_FLAG));
    test_hit(OP_THREAD_CONFIGURE, thread_configure(probe_thread, 0, 0, 0, victim, UNKNOWN_FLAG));
}

static bool table_seen(void)
{
    return test_was_hit(OP_THREAD_CONFIGURE, ERR_DEAD, 1);
}

static bool space_seen(void)
{
    return test_was_hit(OP_THREAD_CONFIGURE, ERR_DEAD, 2);
}

static bool handlers_seen(void)
{
    return test_was_hit(OP_THREAD_CONFIGURE, ERR_DEAD, 3) &&
           test_was_hit(OP_THREAD_CONFIGURE, ERR_DEAD, 4);
}

static void observe(enum rt_kind kind, void (*probe)(cap_t victim), bool (*done)(void))
{
    struct dying dying = { .probe = probe, .done = done };
    cap_t sample = make(kind);
    EXPECT(dying_observe(&dying, sample));
    rt_object_delete(sample);
}

static void dying_parts_refused(void)
{
    probe_thread = make(KIND_THREAD);
    observe(KIND_CAPTABLE, probe_table, table_seen);
    observe(KIND_ADDRESS_SPACE, probe_space, space_seen);
    observe(KIND_ENDPOINT, probe_handlers, handlers_seen);
    rt_object_delete(probe_thread);
}

GROUP(thread, TEST(configure_refuses), TEST(configure_refuses_handlers), TEST(set_buffer_refuses),
      TEST(running_refuses), TEST(registers_refuse), TEST(registers_are_sanitised),
      TEST(set_priority_refuses), TEST(bind_refuses), TEST(suspend_cancels),
      TEST(dying_arguments_refused), TEST(dying_parts_refused));
