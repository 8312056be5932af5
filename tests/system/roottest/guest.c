// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guests: traps, answers, kicks.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#include <rt/space.h>
#include <rt/string.h>

#define GUEST_FRAME_OFFSET 1024u
#define GUEST_VADDR        (TEST_VADDR + 0x80000000ull)
#define CALL_NUMBER        0x1234u

// The guest: calls with a number and six arguments again and again; the result goes to `results`.
__asm__(".text\n"
        "guest_calls:\n"
        "    movq %rdi, %rbx\n"
        "1:  movl $0x1234, %eax\n"
        "    movl $1, %edi\n"
        "    movl $2, %esi\n"
        "    movl $3, %edx\n"
        "    movl $4, %r10d\n"
        "    movl $5, %r8d\n"
        "    movl $6, %r9d\n"
        "    syscall\n"
        "    movq %rax, (%rbx)\n"
        "    jmp 1b\n"
        "guest_touches:\n"
        "    movq (%rdi), %rax\n"
        "    movl $7, %eax\n"
        "    syscall\n"
        "    ud2\n"
        "guest_spins:\n"
        "    pause\n"
        "    jmp guest_spins\n");
void guest_calls(uint64_t argument);
void guest_touches(uint64_t argument);
void guest_spins(uint64_t argument);

static volatile uint64_t results;

struct stage {
    struct rt_thread thread;
    cap_t endpoint, badged;
    struct guest_frame *frame;
};

static void stage_make(struct stage *stage, void (*entry)(uint64_t), uint64_t argument,
                       uint64_t flags)
{
    *stage = (struct stage){ .endpoint = make(KIND_ENDPOINT) };
    stage->badged = mint(stage->endpoint, RIGHT_ALL, 0x6e57);
    struct rt_thread_config config = { .entry = entry,
                                       .argument = argument,
                                       .priority = AGENT_PRIORITY,
                                       .budget = RT_SLICE,
                                       .period = 2 * RT_SLICE,
                                       .fault = stage->badged,
                                       .flags = THREAD_GUEST | flags };
    EXPECT_OK(rt_thread_new(&stage->thread, &config));
    EXPECT_OK(thread_set_buffer(stage->thread.cap, 1, stage->thread.memory.attached,
                                GUEST_FRAME_OFFSET));
    stage->frame = (struct guest_frame *)(void *)((char *)stage->thread.memory.base +
                                                  GUEST_FRAME_OFFSET);
    EXPECT_OK(rt_thread_start(&stage->thread));
}

static void stage_end(struct stage *stage)
{
    rt_thread_delete(&stage->thread);
    rt_cap_delete(stage->badged);
    rt_object_delete(stage->endpoint);
}

static struct ipc_words expect_trap(struct stage *stage, uint64_t label, unsigned length)
{
    struct ipc_words words = { 0 };
    struct ipc_result got = ipc_recv(stage->endpoint, 0, &words);
    EXPECT_OK(got.status);
    EXPECT_EQUAL(got.badge, 0x6e57);
    EXPECT_EQUAL(got.tag, TAG(label, length, 0));
    return words;
}

static void expect_call(struct stage *stage)
{
    struct ipc_words words = expect_trap(stage, GUEST_SYSCALL_LABEL(CALL_NUMBER), MSG_REG_WORDS);
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        EXPECT_EQUAL(words.word[i], i + 1);
    }
}

// A system call reaches the handler with number and arguments; the result comes back.
static void calls_reach_the_handler(void)
{
    struct stage stage;
    stage_make(&stage, guest_calls, (uint64_t)&results, 0);
    for (unsigned i = 1; i <= 3; i++) {
        struct ipc_words words = WORDS(i * 100ul);
        expect_call(&stage);
        EXPECT_OK(ipc_reply(stage.thread.cap, TAG(GUEST_RESULT, 1, 0), &words));
        settle();
        EXPECT_EQUAL(results, i * 100ul);
    }
    expect_call(&stage);
    EXPECT_EQUAL(stage.frame->trap, 0);  // system calls do not write the frame unasked
    stage_end(&stage);
}

// reply_recv answers by the Thread too.
static void reply_recv_serves_guests(void)
{
    struct stage stage;
    struct ipc_words words;
    stage_make(&stage, guest_calls, (uint64_t)&results, 0);
    expect_call(&stage);
    for (unsigned i = 1; i <= 3; i++) {
        words = WORDS(i);
        struct ipc_result got = ipc_reply_recv(stage.endpoint, TAG(GUEST_RESULT, 1, 0),
                                               stage.thread.cap, &words);
        EXPECT_OK(got.status);
        EXPECT_EQUAL(tag_label(got.tag), GUEST_SYSCALL_LABEL(CALL_NUMBER));
        EXPECT_EQUAL(results, i);
    }
    stage_end(&stage);
}

// The frame: written for system calls where the flag asks; what it holds goes back when asked, made
// harmless.
static void frame_carries_registers(void)
{
    struct stage stage;
    stage_make(&stage, guest_calls, (uint64_t)&results, THREAD_FRAME_SYSCALLS);
    expect_call(&stage);
    EXPECT_EQUAL(stage.frame->regs.rbx, (uint64_t)&results);
    EXPECT_EQUAL(stage.frame->regs.rdi, 1);
    stage.frame->regs.r14 = 0x1414;
    stage.frame->regs.rflags = ~0ull & ~0x100ull;
    stage.frame->regs.rax = 0x55;
    EXPECT_OK(ipc_reply0(stage.thread.cap, TAG(GUEST_LOAD, 0, 0)));
    settle();
    EXPECT_EQUAL(results, 0x55);
    expect_call(&stage);
    EXPECT_EQUAL(stage.frame->regs.r14, 0x1414);
    EXPECT_EQUAL(stage.frame->regs.rflags & 0x3000, 0);  // no I/O privilege
    stage.frame->regs.rip = KERNEL_ADDRESS;
    EXPECT_OK(ipc_reply0(stage.thread.cap, TAG(GUEST_LOAD, 0, 0)));
    struct ipc_words words = expect_trap(&stage, FAULT_PAGE, 3);
    EXPECT_EQUAL(words.word[0], 0);
    stage_end(&stage);
}

// ---- page faults and the mapping in the answer --------------------------------------------------
struct mapping_stage {
    struct stage guest;
    cap_t frame, attached;
};

static void mapping_make(struct mapping_stage *stage)
{
    stage->frame = make_sized(KIND_FRAME, 13);
    stage->attached = derive(stage->frame, RIGHT_READ);
    EXPECT_OK(frame_attach(stage->attached, rt_own_space.cap));
    stage_make(&stage->guest, guest_touches, GUEST_VADDR, 0);
    struct ipc_words words = expect_trap(&stage->guest, FAULT_PAGE, 3);
    EXPECT_EQUAL(words.word[0], GUEST_VADDR);
    EXPECT_EQUAL(words.word[1], FAULT_READ);
    EXPECT_EQUAL(stage->guest.frame->trap, FAULT_PAGE);
    EXPECT_EQUAL(stage->guest.frame->address, GUEST_VADDR);
}

static void mapping_end(struct mapping_stage *stage)
{
    stage_end(&stage->guest);
    rt_cap_delete(stage->attached);
    rt_object_delete(stage->frame);
}

// One refused mapping, by reply and by reply_recv: nothing is resumed.
static void refuse_mapping(struct mapping_stage *stage, struct ipc_words words, enum rt_error error,
                           unsigned argument)
{
    const uint64_t tag = TAG(GUEST_MAP, 5, 0);
    struct ipc_words again = words;
    EXPECT_ERR(SYS_reply, ipc_reply(stage->guest.thread.cap, tag, &words), error, argument);
    EXPECT_ERR(SYS_reply_recv,
               ipc_reply_recv(stage->guest.endpoint, tag, stage->guest.thread.cap, &again).status,
               error, argument);
}

#define ONE_PAGE (1ull << 32)

static void mappings_refused(void)
{
    struct mapping_stage stage;
    mapping_make(&stage);
    cap_t frame = stage.attached;
    refuse_mapping(&stage, WORDS(0, empty_slot(), GUEST_VADDR, ONE_PAGE, PROT_READ), ERR_SLOT, 8);
    refuse_mapping(&stage, WORDS(0, wrong_kind(KIND_FRAME), GUEST_VADDR, ONE_PAGE, PROT_READ),
                   ERR_TYPE, 8);
    refuse_mapping(&stage, WORDS(0, stage.frame, GUEST_VADDR, ONE_PAGE, PROT_READ), ERR_STATE, 8);
    refuse_mapping(&stage, WORDS(0, frame, GUEST_VADDR + 1, ONE_PAGE, PROT_READ), ERR_ALIGN, 9);
    refuse_mapping(&stage, WORDS(0, frame, KERNEL_ADDRESS, ONE_PAGE, PROT_READ), ERR_RANGE, 9);
    refuse_mapping(&stage, WORDS(0, frame, GUEST_VADDR, ONE_PAGE | 2, PROT_READ), ERR_RANGE, 10);
    refuse_mapping(&stage, WORDS(0, frame, GUEST_VADDR, 0, PROT_READ), ERR_RANGE, 11);
    refuse_mapping(&stage, WORDS(0, frame, GUEST_VADDR, ONE_PAGE, PROT_WRITE), ERR_RIGHTS, 12);
    refuse_mapping(&stage, WORDS(0, frame, GUEST_VADDR, ONE_PAGE, 1u << 7), ERR_RANGE, 12);
    mapping_end(&stage);
}

// Where something is mapped, and where tables are missing: a space that has none in stock.
static void mappings_refused_by_space(void)
{
    struct mapping_stage stage;
    struct rt_space bare;
    mapping_make(&stage);
    EXPECT_OK(rt_space_map(&rt_own_space, stage.attached, GUEST_VADDR, 0, 1, PROT_READ));
    refuse_mapping(&stage, WORDS(0, stage.attached, GUEST_VADDR, ONE_PAGE, PROT_READ), ERR_MAPPED,
                   9);
    EXPECT_OK(rt_space_new(&bare));
    cap_t there = derive(stage.frame, RIGHT_READ);
    EXPECT_OK(frame_attach(there, bare.cap));
    refuse_mapping(&stage, WORDS(0, there, GUEST_VADDR, ONE_PAGE, PROT_READ), ERR_TABLES, 9);
    rt_cap_delete(there);
    rt_space_delete(&bare);
    mapping_end(&stage);
}

// The answer to a fault maps and resumes at once.
static void answer_maps(void)
{
    struct mapping_stage stage;
    mapping_make(&stage);
    // Tables that the answer needs are put in beforehand, as a handler does when it is told TABLES.
    EXPECT_OK(rt_space_map(&rt_own_space, stage.attached, GUEST_VADDR + PAGE_SIZE, 0, 1,
                           PROT_READ));
    struct ipc_words words = WORDS(0, stage.attached, GUEST_VADDR, ONE_PAGE, PROT_READ);
    EXPECT_OK(ipc_reply(stage.guest.thread.cap, TAG(GUEST_MAP, 5, 0), &words));
    (void)expect_trap(&stage.guest, GUEST_SYSCALL_LABEL(7), MSG_REG_WORDS);
    mapping_end(&stage);
}

static struct mapping_stage dead_stage;

static void probe_mapping(cap_t victim)
{
    struct ipc_words words = WORDS(0, victim, GUEST_VADDR, ONE_PAGE, PROT_READ);
    struct ipc_words again = words;
    test_hit(SYS_reply, ipc_reply(dead_stage.guest.thread.cap, TAG(GUEST_MAP, 5, 0), &words));
    test_hit(SYS_reply_recv, ipc_reply_recv(dead_stage.guest.endpoint, TAG(GUEST_MAP, 5, 0),
                                            dead_stage.guest.thread.cap, &again)
                                 .status);
}

static bool mapping_seen(void)
{
    return test_was_hit(SYS_reply, ERR_DEAD, 8) && test_was_hit(SYS_reply_recv, ERR_DEAD, 8);
}

static void dying_frame_refused(void)
{
    struct dying dying = { .probe = probe_mapping, .done = mapping_seen };
    mapping_make(&dead_stage);
    EXPECT(dying_observe(&dying, dead_stage.frame));
    mapping_end(&dead_stage);
}

static void answers_refused(void)
{
    struct stage stage;
    struct ipc_words words = { 0 };
    stage_make(&stage, guest_calls, (uint64_t)&results, 0);
    expect_call(&stage);
    EXPECT_OK(thread_suspend(stage.thread.cap));
    EXPECT_ERR(SYS_reply, ipc_reply(stage.thread.cap, 0, &words), ERR_STATE, 0);
    stage_end(&stage);
    stage_make(&stage, guest_calls, (uint64_t)&results, 0);
    expect_call(&stage);
    EXPECT_ERR(SYS_reply, ipc_reply(stage.thread.cap, TAG(8, 0, 0), &words), ERR_RANGE, 1);
    EXPECT_ERR(SYS_reply_recv,
               ipc_reply_recv(stage.endpoint, TAG(8, 0, 0), stage.thread.cap, &words).status,
               ERR_RANGE, 1);
    stage_end(&stage);
}

// ---- kicks -------------------------------------------------------------------------------------
// A kick is delivered exactly once, whatever the guest does.
static void kick_interrupts_a_spinning_guest(void)
{
    struct stage stage;
    struct ipc_words words;
    stage_make(&stage, guest_spins, 0, 0);
    settle();
    EXPECT_OK(thread_kick(stage.thread.cap));
    EXPECT_OK(thread_kick(stage.thread.cap));
    (void)expect_trap(&stage, GUEST_KICK, 0);
    EXPECT_OK(ipc_reply0(stage.thread.cap, 0));
    settle();
    EXPECT_ERR(SYS_nb_recv, ipc_nb_recv(stage.endpoint, 0, &words).status, ERR_AGAIN, 0);
    stage_end(&stage);
}

static void kick_waits_for_the_answer(void)
{
    struct stage stage;
    struct ipc_words words = WORDS(0x99);
    stage_make(&stage, guest_calls, (uint64_t)&results, 0);
    expect_call(&stage);
    results = 0;
    EXPECT_OK(thread_kick(stage.thread.cap));
    settle();
    EXPECT_ERR(SYS_nb_recv, ipc_nb_recv(stage.endpoint, 0, &words).status, ERR_AGAIN, 0);
    words = WORDS(0x99);
    EXPECT_OK(ipc_reply(stage.thread.cap, TAG(GUEST_RESULT, 1, 0), &words));
    (void)expect_trap(&stage, GUEST_KICK, 0);
    EXPECT_EQUAL(results, 0);  // not one instruction of the guest in between
    EXPECT_EQUAL(stage.frame->regs.rax, 0x99);
    EXPECT_OK(ipc_reply0(stage.thread.cap, 0));
    expect_call(&stage);
    EXPECT_EQUAL(results, 0x99);
    stage_end(&stage);
}

GROUP(guest, TEST(calls_reach_the_handler), TEST(reply_recv_serves_guests),
      TEST(frame_carries_registers), TEST(mappings_refused), TEST(mappings_refused_by_space),
      TEST(answer_maps), TEST(dying_frame_refused), TEST(answers_refused),
      TEST(kick_interrupts_a_spinning_guest), TEST(kick_waits_for_the_answer));
