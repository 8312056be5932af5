// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "preempt.h"

#include "cpu.h"
#include "sched_context.h"

void preempt_work(unsigned work)
{
    hal_cpu()->work += work;
}

bool preempt_point(unsigned work)
{
    struct cpu *cpu = hal_cpu();
    cpu->work += work;
    if (LIKELY(cpu->work < PREEMPT_WORK)) {
        return false;
    }
    cpu->work = 0;
    // Who has just lost what it runs on does not go on at nobody's cost.
    return hal_interrupt_window() || hal_lock_wanted() ||
           (cpu->current && (!cpu->sched || cpu->current->sched != cpu->sched));
}
