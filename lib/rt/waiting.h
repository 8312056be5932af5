// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a mutex wants of the kernel.  waiting.c has it from Notifications, the unit test on the host
// from the host's threads.
#pragma once

#include <stdint.h>

// Who the calling thread is: not 0, and no other thread's.
uintptr_t rt_waiting_self(void);

// By what the calling thread is woken.
uint64_t rt_waiting_own(void);

// Sleep until somebody wakes the calling thread, or did so since it last slept, or for a while.
void rt_waiting_sleep(uint64_t wake);
void rt_waiting_wake(uint64_t wake);
