// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Notifications: a word of or-ed badges, and who waits for it.
#pragma once

#include "cap.h"
#include "object.h"
#include "thread.h"

struct notification {
    uint8_t object_kind;
    uint8_t reserved[7];
    uint64_t word;
    struct thread *waiters;  // ring, first to be served
    struct thread *bound;    // woken in its receives too
    uint64_t reserved2[4];
};
#define NOTIFICATION_BITS 6
_Static_assert(sizeof(struct notification) == 1u << NOTIFICATION_BITS, "size");

static inline struct notification *notification_of(const struct cap *cap)
{
    return (struct notification *)cap->address;
}

void notification_init(struct cap *original);
MUST_USE enum err notification_destroy_step(struct cap *original);  // waiters get DEAD

// Or `badge` into the word and wake who waits.  The word is not 0 then.
void notification_signal(struct notification *notification, uint64_t badge);
// A slot of the kernel's own that says what an event signals.
static inline void binding_init(struct cap *slot)
{
    slot->flags = CAP_INTERNAL | CAP_PLAIN;
}
static inline void binding_signal(const struct cap *slot)
{
    if (!cap_empty(slot)) {
        notification_signal(notification_of(slot), slot->badge ? slot->badge : 1);
    }
}
void binding_clear(struct cap *slot);
// Bind the notification that word 0 names; 0: none.
MUST_USE enum err binding_set(struct invocation *inv, struct cap *slot);

// Take and clear the word.
uint64_t notification_take(struct notification *notification);
void notification_remove_waiter(struct thread *thread);

// System calls
MUST_USE enum err notification_wait(struct thread *thread, uint64_t slot, bool block);
MUST_USE enum err notification_signal_slot(struct thread *thread, uint64_t slot);
