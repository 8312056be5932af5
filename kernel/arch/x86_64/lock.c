// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The kernel lock, where it is not free: first come, first served.  Entry code does the rest.
#include "arch.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

struct hal_lock hal_lock;

// Interrupts are off here, so that whoever has the lock and waits for this CPU is served.
void lock_wait(uint32_t ticket)
{
    while (__atomic_load_n(&hal_lock.serving, __ATOMIC_ACQUIRE) != ticket) {
        flush_serve();
        hal_pause();
    }
}
