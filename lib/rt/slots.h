// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Slots of the program's own capability table: which are in use.
#pragma once

#include "syscall.h"

// So many are given out here; those behind them, of a larger table, are the program's own.
#define RT_SLOTS_MOST ROOT_CSPACE_SLOTS

// The table has `count` slots; those below `first` are in use.
void rt_slots_init(uint64_t first, uint64_t count);

// Take `count` consecutive empty slots; 0 where there are none.  Give them back with rt_slots_free.
cap_t rt_slots_alloc(uint64_t count);
cap_t rt_slot_alloc(void);

// The slots are empty again (their capabilities deleted).  Panics where one was not taken.
void rt_slots_free(cap_t first, uint64_t count);

uint64_t rt_slots_in_use(void);
