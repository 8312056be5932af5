// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Vector registers: whose they are, and who sees them.
#include "groups.h"
#include "guest.h"

#include <rt/string.h>

#define FRESH_MXCSR  0x1f80u
#define FRESH_FCW    0x37fu
#define SECRET_MXCSR 0x1fa0u
#define STORED_BYTES 96u
#define SPIN_LOOPS   20000000ull

// In the guest's data: what vector_fill loads, and what vector_store leaves.
struct area {
    uint64_t fill[8];
    uint32_t mxcsr, unused[15];
    uint64_t stored[12];
    uint32_t stored_mxcsr;
    uint16_t status, control;
    uint64_t unused2[3];
    uint64_t kept;
};
_Static_assert(offsetof(struct area, stored) == 128 && offsetof(struct area, kept) == 256,
               "scripts.def");

static struct area *area_of(struct guest *guest)
{
    return guest->data.base;
}

static void fill(struct guest *guest, uint64_t secret)
{
    for (unsigned i = 0; i < 4; i++) {
        area_of(guest)->fill[i] = secret + i;
    }
    area_of(guest)->mxcsr = SECRET_MXCSR;
    struct thread_regs regs = guest_regs(SCRIPT_OF(vector_fill));
    (void)guest_go(guest, &regs);
    EXPECT_END(guest, SCRIPT_OF(vector_fill));
}

static void store(struct guest *guest)
{
    memset(area_of(guest)->stored, 0xee, STORED_BYTES);
    struct thread_regs regs = guest_regs(SCRIPT_OF(vector_store));
    (void)guest_go(guest, &regs);
    EXPECT_END(guest, SCRIPT_OF(vector_store));
}

static void expect_own(struct guest *guest, uint64_t secret)
{
    store(guest);
    for (unsigned i = 0; i < 12; i++) {
        EXPECT_EQUAL(area_of(guest)->stored[i], secret + i % 4);
    }
    EXPECT_EQUAL(area_of(guest)->stored_mxcsr, SECRET_MXCSR);
    EXPECT_EQUAL(area_of(guest)->status & 0x3800u, 0x3800u);  // one value on the x87 stack
}

static void expect_fresh(struct guest *guest)
{
    store(guest);
    for (unsigned i = 0; i < 12; i++) {
        EXPECT_EQUAL(area_of(guest)->stored[i], 0);
    }
    EXPECT_EQUAL(area_of(guest)->stored_mxcsr, FRESH_MXCSR);
    EXPECT_EQUAL(area_of(guest)->status, 0);
    EXPECT_EQUAL(area_of(guest)->control, FRESH_FCW);
}

// Two with the attribute and one without, guests or natives, each in turn.
static void isolation_run(uint64_t flags)
{
    struct guest owner, other, none;
    guest_make(&owner, flags | THREAD_VECTOR);
    guest_make(&other, flags | THREAD_VECTOR);
    guest_make(&none, flags);
    fill(&owner, 0x1111000011110000ull);
    expect_fresh(&other);
    expect_own(&owner, 0x1111000011110000ull);
    fill(&other, 0x2222000022220000ull);
    for (unsigned i = 0; i < 3; i++) {
        struct thread_regs regs = guest_regs(SCRIPT_OF(vector_store_sse));
        (void)guest_go(&none, &regs);
        EXPECT_EXCEPTION(&none, VECTOR_NO_VECTOR, regs.rip);
        expect_own(&owner, 0x1111000011110000ull);
        expect_own(&other, 0x2222000022220000ull);
    }
    guest_delete(&owner);
    guest_delete(&other);
    guest_delete(&none);
}

void vector_of_others_invisible(void)
{
    isolation_run(THREAD_GUEST);
    isolation_run(0);
}

// While the owner's registers are live, one without the attribute runs right after it.
void vector_needs_attribute(void)
{
    struct guest owner, none;
    guest_make(&owner, THREAD_GUEST | THREAD_VECTOR);
    guest_make(&none, THREAD_GUEST);
    fill(&owner, 0x3333000033330000ull);
    struct thread_regs regs = guest_regs(SCRIPT_OF(vector_store_sse));
    for (unsigned i = 0; i < 2; i++) {
        (void)guest_go(&none, &regs);
        EXPECT_EXCEPTION(&none, VECTOR_NO_VECTOR, regs.rip);
        EXPECT_EQUAL(area_of(&none)->stored[0], 0);
    }
    expect_own(&owner, 0x3333000033330000ull);
    guest_delete(&owner);
    guest_delete(&none);
}

static void keep_start(struct guest *guest, uint64_t value)
{
    area_of(guest)->fill[0] = value;
    area_of(guest)->kept = 0;
    struct thread_regs regs = guest_regs(SCRIPT_OF(vector_keep));
    guest_start(guest, &regs);
}

static void keep_end(struct guest *guest)
{
    EXPECT_OK(thread_kick(guest->thread.cap));
    EXPECT_EQUAL(guest_wait(guest).label, GUEST_KICK);
    EXPECT(area_of(guest)->kept > 0);
}

// Two that use their registers all the time and one that does not, preempted by each other.
void vector_kept_in_turns(void)
{
    struct guest one, two, spinner;
    guest_make(&one, THREAD_GUEST | THREAD_VECTOR);
    guest_make(&two, THREAD_GUEST | THREAD_VECTOR);
    guest_make(&spinner, THREAD_GUEST);
    keep_start(&one, 0x4444000044440000ull);
    keep_start(&two, 0x5555000055550000ull);
    struct thread_regs regs = guest_regs(SCRIPT_OF(spin));
    regs.rcx = SPIN_LOOPS;
    (void)guest_go(&spinner, &regs);
    EXPECT_END(&spinner, SCRIPT_OF(spin));
    keep_end(&one);
    keep_end(&two);
    guest_delete(&one);
    guest_delete(&two);
    guest_delete(&spinner);
}

// Who comes after one that died with its registers live finds nothing in them.
void vector_fresh_after_death(void)
{
    struct guest guest;
    guest_make(&guest, THREAD_GUEST | THREAD_VECTOR);
    fill(&guest, 0x6666000066660000ull);
    guest_delete(&guest);
    guest_make(&guest, THREAD_GUEST | THREAD_VECTOR);
    expect_fresh(&guest);
    guest_delete(&guest);
}
