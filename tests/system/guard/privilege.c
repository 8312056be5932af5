// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Privileged instructions, hostile segment bases and stacks.
#include "groups.h"
#include "guest.h"

#include <abi/bootinfo.h>

#define NONCANONICAL 0x8000000000000000ull

static bool error_fits(const struct attack *attack, uint64_t error)
{
    uint64_t gate = attack->error & 0xff;
    if (attack->error & GATE(0)) {
        return error == (gate << 3 | 2) || error == (gate << 4 | 2);
    }
    return error == attack->error;
}

// Is this what the attack is to end with?
static bool trap_fits(const struct attack *attack, const struct trap *trap)
{
    if (attack->vector == REFUSED) {
        return trap->label == FAULT_EXCEPTION || trap->label == FAULT_PAGE;
    }
    return trap->label == FAULT_EXCEPTION && trap->words.word[0] == attack->vector &&
           error_fits(attack, trap->words.word[1]);
}

static void attack_run(struct guest *guest, const struct attack *attack)
{
    struct thread_regs regs = guest_regs(attack->script);
    uint64_t start = guest_address(attack->script.start), end = guest_address(attack->script.end);
    regs.rax = 0;
    (void)guest_go(guest, &regs);
    const uint64_t *words = guest->trap.words.word;
    bool inside = words[2] >= start &&
                  (words[2] < end || (words[2] == end && words[0] == VECTOR_BREAK));
    if (!trap_fits(attack, &guest->trap) || !inside) {
        check_fail(attack->name, "trap 0x%lx: 0x%lx 0x%lx at +%ld, not exception %u 0x%lx",
                   guest->trap.label, words[0], words[1], (long)(words[2] - start), attack->vector,
                   attack->error);
    }
}

static void attacks_run(uint64_t flags)
{
    struct guest guest;
    guest_make(&guest, flags);
    for (unsigned i = 0; i < attack_count; i++) {
        attack_run(&guest, &attacks[i]);
    }
    guest_delete(&guest);
}

void attacks_of_guests(void)
{
    attacks_run(THREAD_GUEST);
}

void attacks_of_natives(void)
{
    attacks_run(0);
}

// ---- bases -------------------------------------------------------------------------------------
static const uint64_t bases[] = {
    KERNEL_DIRECT_BASE,
    0xffffffff80000000ull,
    0xffffffffffffffffull,
    NONCANONICAL,
    1ull << 47,
    USER_END,
    GUEST_DATA,
    0,
};
#define BASES (sizeof(bases) / sizeof(bases[0]))

static uint64_t gs_base(void)
{
    uint64_t base;
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

static uint64_t fs_base(void)
{
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

// System call, exception and page fault with the bases in place.  An emulator may let a base
// through that is not canonical, where a CPU faults.
static void bases_try(struct guest *guest, uint64_t gs, uint64_t fs)
{
    struct script script = SCRIPT_OF(bases);
    struct thread_regs regs = guest_regs(script);
    regs.rdi = gs;
    regs.rsi = fs;
    regs.rdx = GUEST_NOWHERE;
    (void)guest_go(guest, &regs);
    if (guest->trap.label == FAULT_EXCEPTION && guest->trap.words.word[0] == VECTOR_PROTECTION) {
        return;
    }
    EXPECT_CALL(guest);
    (void)guest_next(guest, 0, 0);
    EXPECT_EQUAL(guest->trap.words.word[0], VECTOR_BREAK);
    struct thread_regs now = guest_read(guest);
    EXPECT_EQUAL(now.gs_base, gs);
    EXPECT_EQUAL(now.fs_base, fs);
    (void)guest_next(guest, 0, 0);
    EXPECT_PAGE(guest, GUEST_NOWHERE, FAULT_READ);
}

void bases_hostile(void)
{
    struct guest guest;
    uint64_t gs = gs_base(), fs = fs_base();
    guest_make(&guest, THREAD_GUEST);
    for (unsigned i = 0; i < BASES; i++) {
        for (unsigned j = 0; j < BASES; j++) {
            bases_try(&guest, bases[i], bases[j]);
        }
    }
    EXPECT_EQUAL(gs_base(), gs);
    EXPECT_EQUAL(fs_base(), fs);
    guest_delete(&guest);
}

void bases_of_kernel_unusable(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    for (unsigned i = 0; i < 2; i++) {
        struct thread_regs regs = guest_regs(SCRIPT_OF(bases_use));
        regs.rdi = bases[i];
        (void)guest_go(&guest, &regs);
        EXPECT_PAGE(&guest, bases[i], FAULT_READ);
    }
    guest_delete(&guest);
}

// Long enough for timer interrupts; two at once, so that they are switched between.
void bases_survive_interrupts(void)
{
    struct guest guests[2];
    for (unsigned i = 0; i < 2; i++) {
        guest_make(&guests[i], THREAD_GUEST);
        struct thread_regs regs = guest_regs(SCRIPT_OF(bases_spin));
        regs.rdi = bases[i];
        regs.rsi = bases[1 - i];
        regs.rcx = 10000000;
        guest_start(&guests[i], &regs);
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)guest_wait(&guests[i]);
        EXPECT_END(&guests[i], SCRIPT_OF(bases_spin));
        struct thread_regs now = guest_read(&guests[i]);
        EXPECT_EQUAL(now.gs_base, bases[i]);
        EXPECT_EQUAL(now.fs_base, bases[1 - i]);
    }
    guest_delete(&guests[0]);
    guest_delete(&guests[1]);
}

// A stack pointer into the kernel, or nowhere, at system call and exception.
void stack_hostile(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    for (unsigned i = 0; i < BASES; i++) {
        struct thread_regs regs = guest_regs(SCRIPT_OF(stack_call));
        regs.rdi = bases[i];
        (void)guest_go(&guest, &regs);
        EXPECT_CALL(&guest);
        EXPECT_EQUAL(guest_read(&guest).rsp, bases[i]);
        (void)guest_next(&guest, GUEST_RESULT, 0);
        EXPECT_EXCEPTION(&guest, VECTOR_BREAK, regs.rip + 6);
        EXPECT_EQUAL(guest.frame->regs.rsp, bases[i]);
        (void)guest_next(&guest, 0, 0);
        EXPECT_END(&guest, SCRIPT_OF(stack_call));
    }
    guest_delete(&guest);
}
