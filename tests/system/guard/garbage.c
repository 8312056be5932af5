// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Registers that no program could have, given to threads by write_regs and by guest frames.
#include "groups.h"
#include "guest.h"

#include <rt/memory.h>
#include <rt/string.h>

#define REGISTERS    (sizeof(struct thread_regs) / sizeof(uint64_t))
#define RANDOM_TRIES 2000u

// Flags that may come through (abi/thread.h).
#define ALLOWED_FLAGS 0x250fd7ull

static const uint64_t patterns[] = {
    ~0ull,
    0xffff800000000000ull,
    0xffffffff80000000ull,
    1ull << 63,
    1ull << 47,
    USER_END,
    USER_END + 1,
    0,
};
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

// Whatever it trapped with: in user mode, and nothing dangerous came through.  Bases and RIP that
// it did not set itself are its own or zero.
static void expect_harmless(struct guest *guest)
{
    struct thread_regs regs = guest_read(guest);
    EXPECT(regs.rip <= USER_END);
    EXPECT(regs.rsp <= USER_END);
    EXPECT(regs.fs_base <= USER_END);
    EXPECT(regs.gs_base <= USER_END);
    EXPECT_EQUAL(regs.rflags & ~ALLOWED_FLAGS, 0);
    EXPECT_EQUAL(regs.rflags & (FLAG_IF | FLAG_ONE), FLAG_IF | FLAG_ONE);
}

typedef void enter_t(struct guest *guest, const struct thread_regs *regs);

static void attempt(struct guest *guest, enter_t *enter, const struct thread_regs *regs)
{
    enter(guest, regs);
    (void)guest_wait(guest);
    expect_harmless(guest);
}

static struct thread_regs filled(uint64_t value)
{
    uint64_t words[REGISTERS];
    struct thread_regs regs;
    for (unsigned i = 0; i < REGISTERS; i++) {
        words[i] = value;
    }
    memcpy(&regs, words, sizeof(regs));
    return regs;
}

// All fields alike, then each alone among good ones.
static void garbage_run(enter_t *enter, uint64_t flags)
{
    struct guest guest;
    guest_make(&guest, flags);
    struct thread_regs good = guest_regs(SCRIPT_OF(nothing));
    (void)guest_go(&guest, &good);
    EXPECT_END(&guest, SCRIPT_OF(nothing));
    for (unsigned i = 0; i < PATTERNS; i++) {
        struct thread_regs regs = filled(patterns[i]);
        attempt(&guest, enter, &regs);
        for (unsigned j = 0; j < REGISTERS; j++) {
            regs = good;
            memcpy((uint64_t *)(void *)&regs + j, &patterns[i], sizeof(uint64_t));
            attempt(&guest, enter, &regs);
        }
    }
    guest_delete(&guest);
}

void garbage_in_write_regs(void)
{
    garbage_run(guest_start, THREAD_GUEST);
    garbage_run(guest_start, 0);
}

void garbage_in_frame(void)
{
    garbage_run(guest_load, THREAD_GUEST);
    garbage_run(guest_load, THREAD_GUEST | THREAD_FRAME_SYSCALLS);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Random fields, of which half are near something interesting.
static struct thread_regs random_regs(uint64_t *state)
{
    uint64_t words[REGISTERS];
    struct thread_regs regs;
    for (unsigned i = 0; i < REGISTERS; i++) {
        uint64_t choice = next_random(state);
        words[i] = choice & 1 ? next_random(state)
                              : patterns[(choice >> 8) % PATTERNS] + (choice >> 16) % 17 - 8;
    }
    memcpy(&regs, words, sizeof(regs));
    if (next_random(state) & 1) {
        regs.rip = guest_address(SCRIPT_OF(call_flags).start);
    }
    return regs;
}

void garbage_at_random(void)
{
    struct guest guest;
    uint64_t state = 0x9e3779b97f4a7c15ull;
    guest_make(&guest, THREAD_GUEST);
    struct thread_regs good = guest_regs(SCRIPT_OF(nothing));
    (void)guest_go(&guest, &good);
    for (unsigned i = 0; i < RANDOM_TRIES; i++) {
        struct thread_regs regs = random_regs(&state);
        attempt(&guest, i % 2 ? guest_load : guest_start, &regs);
    }
    guest_delete(&guest);
}

// What the frame holds while the guest runs is ignored: it is filled with garbage behind the
// guest's back.
void garbage_while_running(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST);
    struct thread_regs regs = guest_regs(SCRIPT_OF(call));
    guest_start(&guest, &regs);
    memset(guest.frame, 0xff, GUEST_FRAME_BYTES);
    (void)guest_wait(&guest);
    EXPECT_CALL(&guest);
    EXPECT_EQUAL(guest.frame->regs.rip, ~0ull);
    guest_answer(&guest, GUEST_RESULT, 0);
    memset(guest.frame, 0xff, GUEST_FRAME_BYTES);
    (void)guest_wait(&guest);
    EXPECT_END(&guest, SCRIPT_OF(call));
    EXPECT_EQUAL(guest.frame->regs.rsp, GUEST_STACK);
    guest_delete(&guest);
}

// ---- SYSRET ------------------------------------------------------------------------------------
// The last instruction that there can be is a SYSCALL: the address after it is canonical, and
// nothing can be mapped there.
static void end_page_make(struct guest *guest, struct rt_mapping *page, cap_t *there)
{
    static const unsigned char syscall[] = { 0x0f, 0x05 };
    EXPECT_OK(rt_map_new(1, PROT_READ | PROT_WRITE, page));
    memcpy((char *)page->base + PAGE_SIZE - sizeof(syscall), syscall, sizeof(syscall));
    EXPECT_OK(rt_cap_copy(page->frame, RIGHT_READ | RIGHT_EXECUTE, there));
    EXPECT_OK(frame_attach(*there, guest->space.cap));
    EXPECT_OK(rt_space_map(&guest->space, *there, USER_END - PAGE_SIZE, 0, 1,
                           PROT_READ | PROT_EXECUTE));
    EXPECT_ERROR(frame_map(*there, USER_END, 0, 1, PROT_READ).status, ERR_RANGE, 1);
    EXPECT_ERROR(frame_map(*there, USER_END + PAGE_SIZE, 0, 1, PROT_READ).status, ERR_RANGE, 1);
}

void syscall_at_end_of_space(void)
{
    struct guest guest;
    struct rt_mapping page;
    cap_t there = 0;
    guest_make(&guest, THREAD_GUEST);
    end_page_make(&guest, &page, &there);
    struct thread_regs regs = guest_regs(SCRIPT_OF(call));
    regs.rip = USER_END - 2;
    for (unsigned i = 0; i < 2; i++) {
        (void)guest_go(&guest, &regs);
        EXPECT_CALL(&guest);
        EXPECT_EQUAL(guest_read(&guest).rip, USER_END);
        (void)guest_next(&guest, i ? GUEST_RESULT : 0, 0);
        EXPECT_PAGE(&guest, USER_END, FAULT_EXECUTE);
    }
    for (unsigned i = 0; i < PATTERNS; i++) {
        regs.rip = patterns[i];
        guest_load(&guest, &regs);
        (void)guest_wait(&guest);
        EXPECT_PAGE(&guest, patterns[i] <= USER_END ? patterns[i] : 0, FAULT_EXECUTE);
    }
    rt_cap_delete(there);
    guest_delete(&guest);
    rt_map_delete(&page);
}
