// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The scenarios, in the order in which main runs them.  Each sets up what its paths (workers.S)
// need, runs them and gives everything back.
#pragma once

#include "setup.h"

// pairs.c: two threads, one of which wakes or answers the other
void scenario_null(void);
void scenario_ipc(void);
void scenario_send(void);
void scenario_signal(void);
void scenario_yield(void);
void scenario_irq(void);

// traps.c: a thread that faults or is a guest, and its handler
void scenario_fault(void);
void scenario_guest_syscall(void);
void scenario_guest_fault(void);

// pages.c: operations on many pages
void scenario_map(void);
void scenario_fork(void);

// worst.c: what takes longest, for the stretches with interrupts off
void scenario_worst(void);
