// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Endpoints: where senders and receivers meet.  At most one of the two queues is not empty.
#pragma once

#include "cap.h"
#include "object.h"
#include "thread.h"

struct endpoint {
    uint8_t object_kind;  // KIND_ENDPOINT; 0 while dying
    uint8_t reserved[7];
    struct thread *receivers;  // ring, first to be served
    struct tree senders;       // by thread->sender_key: priority, then order of arrival
    uint64_t min_budget;       // of callers, in ticks
    uint64_t arrivals;
    uint64_t reserved2[3];
};
#define ENDPOINT_BITS 6
_Static_assert(sizeof(struct endpoint) == 1u << ENDPOINT_BITS, "size");

static inline struct endpoint *endpoint_of(const struct cap *cap)
{
    return (struct endpoint *)cap->address;
}

void endpoint_init(struct cap *original);
MUST_USE enum err endpoint_destroy_step(
    struct cap *original);  // senders get DEAD, receivers CANCELLED

// Queues.  The thread's state is set by the caller.
void endpoint_add_sender(struct endpoint *endpoint, struct thread *thread);
void endpoint_remove_sender(struct thread *thread);
struct thread *endpoint_first_sender(const struct endpoint *endpoint);  // NULL: none
static inline void endpoint_add_receiver(struct endpoint *endpoint, struct thread *thread)
{
    struct thread *head = endpoint->receivers;
    thread->endpoint = endpoint;
    if (LIKELY(!head)) {
        thread->next = thread->prev = thread;
        endpoint->receivers = thread;
        return;
    }
    thread->next = head;
    thread->prev = head->prev;
    head->prev->next = thread;
    head->prev = thread;
}

void endpoint_remove_receiver(struct thread *thread);

// Take the first receiver.  One that is alone, as most are, leaves with two accesses.
static inline void endpoint_take_receiver(struct endpoint *endpoint, struct thread *receiver)
{
    struct thread *next = receiver->next;
    if (LIKELY(next == receiver)) {
        endpoint->receivers = NULL;
        return;
    }
    endpoint->receivers = next;
    next->prev = receiver->prev;
    receiver->prev->next = next;
}

// A waiting sender's priority changes: behind its new peers.
void endpoint_requeue(struct thread *thread, unsigned priority);

MUST_USE enum err op_endpoint_configure(struct invocation *inv);
MUST_USE enum err op_endpoint_cancel_all(struct invocation *inv);
MUST_USE enum err op_endpoint_cancel_badge(struct invocation *inv);
