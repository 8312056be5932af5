// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the behaviours of the component are made of.
#pragma once

#include "../shared.h"

#include <rt/program.h>
#include <rt/start.h>

#include <gen/rt_stubs.h>

#define AREA ((struct area *)AREA_VADDR)

// Each is run by every thread of the component, with its number, and never returns.
#define BEHAVIOUR(name) void behave_##name(unsigned index);
#include "../behaviours.def"
#undef BEHAVIOUR

// The component is set up: its behaviour is looked at from now on.
void ready(void);
// What must succeed; the first failure is kept for the root task.
void must(struct rt_status status);
// The thread of this number stops for ever.
__attribute__((noreturn)) void stop(unsigned index);

// Make objects from the component's memory, in slots from `slot`.
void objects_make(enum rt_kind kind, unsigned bits, cap_t slot, uint64_t count);

void spin(uint64_t ticks);
// Block until the clock is `until`.  One thread at a time.
void sleep_until(uint64_t until);
