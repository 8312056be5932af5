// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Hostile guests at full speed, for whoever disturbs the machine from outside meanwhile.
#include "groups.h"
#include "guest.h"

#include <rt/print.h>

#include <abi/bootinfo.h>

#define GUESTS 3u

static uint64_t clock_now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void hammer_start(struct guest *guest, uint64_t flags, uint64_t gs, uint64_t fs)
{
    struct thread_regs regs = guest_regs(SCRIPT_OF(hammer));
    regs.rbx = flags;
    regs.rdi = gs;
    regs.rsi = fs;
    regs.rdx = GUEST_NOWHERE;
    guest_start(guest, &regs);
}

// One trap served.  A page fault is passed over by moving RIP on; the guest's bases are hostile
// again at its next turn.
static void serve(struct guest *guest)
{
    (void)guest_wait(guest);
    if (guest->trap.label != FAULT_PAGE) {
        guest_answer(guest, guest->trap.label == FAULT_EXCEPTION ? 0 : GUEST_RESULT, 0);
        return;
    }
    struct thread_regs regs = guest->frame->regs;
    regs.rip += 3;
    guest_load(guest, &regs);
}

void hammer_run(unsigned long ticks)
{
    static struct guest guests[GUESTS], native;
    uint64_t end = clock_now() + ticks, served = 0;
    for (unsigned i = 0; i < GUESTS; i++) {
        guest_make(&guests[i], THREAD_GUEST);
    }
    guest_make(&native, 0);
    hammer_start(&guests[0], FLAG_AC | FLAG_NT | FLAG_DF, KERNEL_DIRECT_BASE,
                 0xffffffff80000000ull);
    hammer_start(&guests[1], FLAG_TF | FLAG_AC, 0xffffffffffffffffull, KERNEL_DIRECT_BASE);
    hammer_start(&guests[2], FLAG_TF | FLAG_NT, 0, GUEST_DATA);
    struct thread_regs regs = guest_regs(SCRIPT_OF(native_hammer));
    regs.r9 = KERNEL_DIRECT_BASE;
    guest_start(&native, &regs);
    rt_print("HAMMER begins\n");
    while (clock_now() < end) {
        serve(&guests[served++ % GUESTS]);
    }
    rt_print("HAMMER ends after %lu traps\n", served);
}
