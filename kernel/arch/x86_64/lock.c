// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The kernel lock, where it is not free: first come, first served.  Entry code does the rest.
#include "arch.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

struct hal_lock hal_lock;

// The number that was drawn is in ECX; no register changes.  Interrupts are off here, so that
// whoever has the lock and waits for this CPU is served.
__attribute__((no_caller_saved_registers)) void lock_wait(void)
{
    register uint32_t ticket __asm__("ecx");
    __asm__ volatile("" : "=r"(ticket));
    const uint32_t number = ticket;
    while (__atomic_load_n(&hal_lock.serving, __ATOMIC_ACQUIRE) != number) {
        flush_serve();
        hal_pause();
    }
}
