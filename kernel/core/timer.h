// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers: a notification is signalled once an absolute time has come, on the CPU that armed it.
#pragma once

#include "alarm.h"
#include "object.h"

struct timer {
    struct alarm alarm;  // first
    bool moving;  // was set and paid for when an operation began that arms it for another time
    uint64_t reserved[3];
    struct cap notification;  // internal slot
};
#define TIMER_BITS 7
#define TIMER_MAX  (1ull << 63)  // latest deadline
_Static_assert(sizeof(struct timer) == 1u << TIMER_BITS, "size");

void timer_init(struct cap *original);
MUST_USE enum err timer_destroy_step(struct cap *original);

MUST_USE enum err op_timer_bind(struct invocation *inv);
MUST_USE enum err op_timer_arm(struct invocation *inv);
MUST_USE enum err op_timer_cancel(struct invocation *inv);
