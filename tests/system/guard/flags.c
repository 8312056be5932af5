// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Flags at the entries of the kernel, and single-stepping over them.
#include "groups.h"
#include "guest.h"

#include <rt/memory.h>
#include <rt/panic.h>

#define SYSCALL_BYTES 2u
#define MAX_STEPS     200u
#define STATUS_FLAGS  0x8d5ull  // CF PF AF ZF SF OF

// What POPF of user mode can set.
#define POPF_FLAGS (STATUS_FLAGS | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID)

static const uint64_t flag_sets[] = {
    0,         FLAG_AC, FLAG_NT, FLAG_DF,  FLAG_ID,
    FLAG_IOPL, FLAG_RF, FLAG_VM, ~FLAG_TF, FLAG_NT | FLAG_AC | FLAG_DF,
};
#define FLAG_SETS (sizeof(flag_sets) / sizeof(flag_sets[0]))

static uint64_t flags_expected(uint64_t set)
{
    return (set & POPF_FLAGS) | FLAG_ONE | FLAG_IF;
}

// SYSCALL with each set: the call arrives, and the flags are the guest's own again after it.
static void call_keeps_flags(uint64_t set)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST | THREAD_FRAME_SYSCALLS);
    struct thread_regs regs = guest_regs(SCRIPT_OF(call_flags));
    regs.rbx = set;
    (void)guest_go(&guest, &regs);
    EXPECT_CALL(&guest);
    EXPECT_EQUAL(guest.frame->regs.rflags, flags_expected(set));
    (void)guest_next(&guest, GUEST_RESULT, 0x1234);
    EXPECT_END(&guest, SCRIPT_OF(call_flags));
    regs = guest_read(&guest);
    EXPECT_EQUAL(regs.rbx, flags_expected(set));
    EXPECT_EQUAL(regs.rax, 0x1234);
    guest_delete(&guest);
}

// The same through an exception, which is left by IRET.
static void break_keeps_flags(uint64_t set)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    struct thread_regs regs = guest_regs(SCRIPT_OF(break_flags));
    regs.rbx = set;
    (void)guest_go(&guest, &regs);
    EXPECT_EXCEPTION(&guest, VECTOR_BREAK, regs.rip + 3);
    EXPECT_EQUAL(guest.frame->regs.rflags & ~FLAG_RF, flags_expected(set));
    (void)guest_next(&guest, 0, 0);
    EXPECT_END(&guest, SCRIPT_OF(break_flags));
    EXPECT_EQUAL(guest_read(&guest).rbx, flags_expected(set));
    guest_delete(&guest);
}

void flags_at_syscall(void)
{
    for (unsigned i = 0; i < FLAG_SETS; i++) {
        call_keeps_flags(flag_sets[i]);
    }
}

void flags_at_exception(void)
{
    for (unsigned i = 0; i < FLAG_SETS; i++) {
        break_keeps_flags(flag_sets[i]);
    }
}

// The flags in a native thread's system call, fast or slow, failing or not.
void flags_of_natives(void)
{
    for (unsigned i = 0; i < FLAG_SETS; i++) {
        for (uint64_t number = SYS_call; number <= SYS_null; number++) {
            struct guest guest;
            guest_make(&guest, 0);
            struct thread_regs regs = guest_regs(SCRIPT_OF(call_flags));
            regs.rbx = flag_sets[i];
            regs.rax = number;
            (void)guest_go(&guest, &regs);
            EXPECT_END(&guest, SCRIPT_OF(call_flags));
            EXPECT_EQUAL(guest_read(&guest).rbx, flags_expected(flag_sets[i]));
            guest_delete(&guest);
        }
    }
}

// ---- single-stepping ---------------------------------------------------------------------------
// The guest goes on step by step; true: it got to the end of the script.
static bool step_to_end(struct guest *guest, struct script script)
{
    for (unsigned i = 0; i < MAX_STEPS; i++) {
        const uint64_t *words = guest->trap.words.word;
        if (guest->trap.label != FAULT_EXCEPTION) {
            return false;
        }
        if (words[0] == VECTOR_UNDEFINED) {
            return words[2] == guest_address(script.end);
        }
        if (words[0] != VECTOR_DEBUG || words[1] != DEBUG_STEP ||
            words[2] < guest_address(script.start) || words[2] > guest_address(script.end)) {
            return false;
        }
        (void)guest_next(guest, 0, 0);
    }
    return false;
}

// A #DB at the instruction after, or the one behind it: an IRET executes one instruction first.
static void expect_step(struct guest *guest, uint64_t rip)
{
    if (guest->trap.words.word[2] == rip + 1) {
        rip++;
    }
    EXPECT_EXCEPTION(guest, VECTOR_DEBUG, rip);
    EXPECT_EQUAL(guest->trap.words.word[1], DEBUG_STEP);
}

static void step_over(struct script script, uint64_t flags, uint64_t answer, uint64_t after)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST | flags);
    struct thread_regs regs = guest_regs(script);
    regs.rflags |= FLAG_TF;
    (void)guest_go(&guest, &regs);
    while (guest.trap.label == FAULT_EXCEPTION && guest.trap.words.word[0] == VECTOR_DEBUG) {
        (void)guest_next(&guest, 0, 0);
    }
    EXPECT_CALL(&guest);
    (void)guest_next(&guest, answer, 0);
    expect_step(&guest, guest_address(script.start) + after);
    EXPECT(step_to_end(&guest, script));
    guest_delete(&guest);
}

// Single-stepping over SYSCALL: the #DB comes in user mode, at the instruction after.
void step_over_syscall(void)
{
    struct script script = SCRIPT_OF(call);
    step_over(script, 0, 0, SYSCALL_BYTES);
    step_over(script, 0, GUEST_RESULT, SYSCALL_BYTES);
    step_over(script, THREAD_FRAME_SYSCALLS, GUEST_RESULT, SYSCALL_BYTES);
    step_over(script, THREAD_FRAME_SYSCALLS, GUEST_LOAD, SYSCALL_BYTES);
}

// The same with the trap held back by a load of SS.
void step_over_shadow(void)
{
    struct guest guest;
    step_over(SCRIPT_OF(call_shadow), 0, GUEST_RESULT, 7 + SYSCALL_BYTES);
    guest_make(&guest, THREAD_GUEST);
    struct script script = SCRIPT_OF(break_shadow);
    struct thread_regs regs = guest_regs(script);
    regs.rflags |= FLAG_TF;
    (void)guest_go(&guest, &regs);
    while (guest.trap.label == FAULT_EXCEPTION && guest.trap.words.word[0] == VECTOR_DEBUG) {
        (void)guest_next(&guest, 0, 0);
    }
    EXPECT_EXCEPTION(&guest, VECTOR_BREAK, regs.rip + 8);
    (void)guest_next(&guest, 0, 0);
    EXPECT(step_to_end(&guest, script));
    guest_delete(&guest);
}

void step_native_syscalls(void)
{
    for (uint64_t number = SYS_call; number <= SYS_null; number++) {
        struct guest guest;
        guest_make(&guest, 0);
        struct thread_regs regs = guest_regs(SCRIPT_OF(call));
        regs.rflags |= FLAG_TF;
        regs.rax = number;
        (void)guest_go(&guest, &regs);
        expect_step(&guest, regs.rip + SYSCALL_BYTES);
        EXPECT(step_to_end(&guest, SCRIPT_OF(call)));
        guest_delete(&guest);
    }
}

// A loop, step by step, every resume by the frame.
void step_through_loop(void)
{
    struct guest guest;
    struct script script = SCRIPT_OF(count);
    guest_make(&guest, THREAD_GUEST);
    struct thread_regs regs = guest_regs(SCRIPT_OF(nothing));
    (void)guest_go(&guest, &regs);
    regs = guest_regs(script);
    uint64_t start = regs.rip, end = guest_address(script.end);
    regs.rflags |= FLAG_TF;
    guest_load(&guest, &regs);
    (void)guest_wait(&guest);
    EXPECT_EXCEPTION(&guest, VECTOR_DEBUG, start + 5);
    for (unsigned i = 0; i < 40; i++) {
        regs = guest.frame->regs;
        EXPECT(regs.rflags & FLAG_TF);
        guest_load(&guest, &regs);
        (void)guest_wait(&guest);
        EXPECT_EXCEPTION(&guest, VECTOR_DEBUG, i == 39 ? end : i % 2 ? start + 5 : start + 7);
    }
    (void)guest_next(&guest, 0, 0);
    EXPECT_END(&guest, script);
    EXPECT_EQUAL(guest.frame->regs.rcx, 0);
    guest_delete(&guest);
}

// ---- a message of a native that single-steps ---------------------------------------------------
#define CLIENT_SLOT 2u

struct echo {
    cap_t endpoint, reply;
    volatile uint64_t served, flags;
};

static void echo_loop(uint64_t argument)
{
    struct echo *echo = (struct echo *)argument;
    struct ipc_result got = ipc_recv1(echo->endpoint, echo->reply, &argument);
    for (;;) {
        uint64_t flags;
        __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
        echo->flags |= flags;
        echo->served += rt_ok(got.status);
        got = ipc_reply_recv0(echo->endpoint, 0, echo->reply);
    }
}

// The direct switch to a server and back: the server sees nothing of TF, NT and AC, the client has
// them again.
void step_over_call(void)
{
    struct guest guest;
    struct echo echo = { 0 };
    struct rt_thread server;
    cap_t table = 0;
    EXPECT_OK(rt_object_new(KIND_ENDPOINT, 6, &echo.endpoint));
    EXPECT_OK(rt_object_new(KIND_REPLY, 6, &echo.reply));
    struct rt_thread_config config = { .entry = echo_loop,
                                       .argument = (uint64_t)&echo,
                                       .priority = 120 };
    EXPECT_OK(rt_thread_new(&server, &config));
    EXPECT_OK(rt_thread_start(&server));
    guest_make(&guest, 0);
    EXPECT_OK(rt_object_new(KIND_CAPTABLE, 8, &table));
    EXPECT_OK(captable_copy(table, CLIENT_SLOT, ROOT_SLOT_CSPACE, echo.endpoint, RIGHT_SEND));
    EXPECT_OK(thread_configure(guest.thread.cap, table, guest.space.cap, guest.endpoint, 0, 0));
    struct thread_regs regs = guest_regs(SCRIPT_OF(call));
    regs.rflags |= FLAG_TF | FLAG_AC | FLAG_DF;
    regs.rax = SYS_call;
    regs.rdi = CLIENT_SLOT;
    for (unsigned i = 0; i < 3; i++) {
        (void)guest_go(&guest, &regs);
        expect_step(&guest, regs.rip + SYSCALL_BYTES);
        struct thread_regs now = guest_read(&guest);
        EXPECT_EQUAL(now.rax, ERR_OK);
        EXPECT_EQUAL(now.rflags & (FLAG_TF | FLAG_AC | FLAG_DF), FLAG_TF | FLAG_AC | FLAG_DF);
    }
    EXPECT_EQUAL(echo.served, 3);
    EXPECT_EQUAL(echo.flags & (FLAG_TF | FLAG_AC | FLAG_DF | FLAG_NT), 0);
    guest_delete(&guest);
    rt_thread_delete(&server);
    rt_object_delete(table);
    rt_object_delete(echo.reply);
    rt_object_delete(echo.endpoint);
}
