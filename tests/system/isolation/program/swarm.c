// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Very many threads with the least budget there is.
#include "program.h"

#include <rt/string.h>

#define THREAD_BITS  12u
#define CONTEXT_BITS 9u
#define BUDGET       4000u  // the least that a context may have
#define FLAGS_IF     0x200ull
#define PRIORITY     20u

static __attribute__((naked)) void swarm_spin(void)
{
    __asm__ volatile("1: pause\n\tjmp 1b");
}

static void swarm_make(unsigned i)
{
    cap_t thread = SLOT_SWARM + i;
    cap_t context = SLOT_SWARM + SWARM + i;
    must(thread_configure(thread, 0, SLOT_ASPACE, 0, 0, THREAD_GUEST));
    must(thread_set_priority(thread, PRIORITY, PRIORITY));
    must(thread_write_regs(thread));
    must(sched_context_configure(context, SLOT_CONTROL, BUDGET, AREA->work));
    must(sched_context_bind(context, thread, SCHED_OWN));
}

// Each uses its budget once in a period; those that are woken at one time are replenished at one
// time.
void behave_swarm(unsigned index)
{
    struct thread_regs regs = { .rip = (uint64_t)swarm_spin, .rflags = FLAGS_IF };
    objects_make(KIND_THREAD, THREAD_BITS, SLOT_SWARM, SWARM);
    objects_make(KIND_SCHED_CONTEXT, CONTEXT_BITS, SLOT_SWARM + SWARM, SWARM);
    memcpy((void *)(AREA_VADDR + (index + 1ull) * PAGE_SIZE), &regs, sizeof(regs));
    for (unsigned i = 0; i < SWARM; i++) {
        swarm_make(i);
    }
    for (unsigned i = 0; i < SWARM; i++) {
        must(thread_resume(SLOT_SWARM + i));
    }
    ready();
    stop(index);
}
