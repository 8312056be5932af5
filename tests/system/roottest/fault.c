// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Faults of native threads.
#include "agent.h"
#include "groups.h"

#include <rt/space.h>
#include <rt/string.h>

#define FAULT_VADDR    (TEST_VADDR + 0x40000000ull)
#define INVALID_OPCODE 6u
#define UD2_BYTES      2u

static volatile uint64_t seen;

static void touch(uint64_t argument)
{
    seen = *(volatile uint64_t *)argument;
    for (;;) {
        rt_yield();
    }
}

static void touch_write(uint64_t argument)
{
    *(volatile uint64_t *)argument = 5;
    seen = 1;
    for (;;) {
        rt_yield();
    }
}

static void undefined(uint64_t argument)
{
    (void)argument;
    __asm__ volatile("ud2");
    seen = 77;
    for (;;) {
        rt_yield();
    }
}

struct stage {
    struct rt_thread thread;
    cap_t endpoint, badged, reply;
};

static void stage_make(struct stage *stage, void (*entry)(uint64_t), uint64_t argument)
{
    stage->endpoint = make(KIND_ENDPOINT);
    stage->badged = mint(stage->endpoint, RIGHT_ALL, 0xfa);
    stage->reply = make(KIND_REPLY);
    seen = 0;
    struct rt_thread_config config = { .entry = entry,
                                       .argument = argument,
                                       .priority = AGENT_PRIORITY,
                                       .budget = RT_SLICE,
                                       .period = 2 * RT_SLICE,
                                       .fault = stage->badged };
    EXPECT_OK(rt_thread_new(&stage->thread, &config));
    EXPECT_OK(rt_thread_start(&stage->thread));
}

static void stage_end(struct stage *stage)
{
    rt_thread_delete(&stage->thread);
    rt_cap_delete(stage->badged);
    rt_object_delete(stage->reply);
    rt_object_delete(stage->endpoint);
}

static struct ipc_words expect_fault(struct stage *stage, unsigned label)
{
    struct ipc_words words = { 0 };
    struct ipc_result got = ipc_recv(stage->endpoint, stage->reply, &words);
    EXPECT_OK(got.status);
    EXPECT_EQUAL(got.tag, TAG(label, 3, 0));
    EXPECT_EQUAL(got.badge, 0xfa);
    return words;
}

// A page fault tells address and access; after the handler mapped the page the access is done
// again.
static void page_fault_is_served(void)
{
    struct stage stage;
    cap_t frame = make_sized(KIND_FRAME, 12);
    cap_t attached = derive(frame, RIGHT_READ | RIGHT_WRITE);
    stage_make(&stage, touch, FAULT_VADDR + 8);
    struct ipc_words words = expect_fault(&stage, FAULT_PAGE);
    EXPECT_EQUAL(words.word[0], FAULT_VADDR + 8);
    EXPECT_EQUAL(words.word[1], FAULT_READ);
    EXPECT_OK(frame_attach(attached, rt_own_space.cap));
    EXPECT_OK(rt_space_map(&rt_own_space, attached, FAULT_VADDR, 0, 1, PROT_READ | PROT_WRITE));
    ((volatile uint64_t *)FAULT_VADDR)[1] = 0xabcd;
    EXPECT_OK(ipc_reply0(stage.reply, 0));
    settle();
    EXPECT_EQUAL(seen, 0xabcd);
    stage_end(&stage);
    rt_cap_delete(attached);
    rt_object_delete(frame);
}

// A write to a page that is read-only says that it is present.
static void write_fault_tells(void)
{
    struct stage stage;
    cap_t frame = make_sized(KIND_FRAME, 12);
    cap_t attached = derive(frame, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(frame_attach(attached, rt_own_space.cap));
    EXPECT_OK(rt_space_map(&rt_own_space, attached, FAULT_VADDR, 0, 1, PROT_READ));
    stage_make(&stage, touch_write, FAULT_VADDR);
    struct ipc_words words = expect_fault(&stage, FAULT_PAGE);
    EXPECT_EQUAL(words.word[0], FAULT_VADDR);
    EXPECT_EQUAL(words.word[1], FAULT_WRITE | FAULT_PRESENT);
    EXPECT_OK(aspace_protect(rt_own_space.cap, FAULT_VADDR, 1, PROT_READ | PROT_WRITE));
    EXPECT_OK(ipc_reply0(stage.reply, 0));
    settle();
    EXPECT_EQUAL(seen, 1);
    stage_end(&stage);
    rt_cap_delete(attached);
    rt_object_delete(frame);
}

static void exception_registers_can_be_changed(void)
{
    struct stage stage;
    struct thread_regs regs;
    stage_make(&stage, undefined, 0);
    struct ipc_words words = expect_fault(&stage, FAULT_EXCEPTION);
    EXPECT_EQUAL(words.word[0], INVALID_OPCODE);
    EXPECT_OK(thread_read_regs(stage.thread.cap));
    memcpy(&regs, rt_buffer()->words, sizeof(regs));
    EXPECT_EQUAL(regs.rip, words.word[2]);
    regs.rip += UD2_BYTES;
    EXPECT_OK(rt_thread_set_regs(stage.thread.cap, &regs));
    EXPECT_OK(ipc_reply0(stage.reply, 0));
    settle();
    EXPECT_EQUAL(seen, 77);
    stage_end(&stage);
}

// An answer with a label leaves the thread suspended.
static void answer_can_leave_suspended(void)
{
    struct stage stage;
    stage_make(&stage, undefined, 0);
    (void)expect_fault(&stage, FAULT_EXCEPTION);
    EXPECT_OK(ipc_reply0(stage.reply, TAG(1, 0, 0)));
    settle();
    EXPECT_EQUAL(seen, 0);
    EXPECT_OK(thread_resume(stage.thread.cap));
    (void)expect_fault(&stage, FAULT_EXCEPTION);
    stage_end(&stage);
}

GROUP(fault, TEST(page_fault_is_served), TEST(write_fault_tells),
      TEST(exception_registers_can_be_changed), TEST(answer_can_leave_suspended));
