// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "notification.h"

#include "captable.h"
#include "ipc.h"
#include "sched.h"

void notification_init(struct cap *original)
{
    notification_of(original)->object_kind = KIND_NOTIFICATION;
}

static void waiter_add(struct notification *notification, struct thread *thread)
{
    struct thread *head = notification->waiters;
    thread->waiting = notification;
    if (!head) {
        thread->next = thread->prev = thread;
        notification->waiters = thread;
        return;
    }
    thread->next = head;
    thread->prev = head->prev;
    head->prev->next = thread;
    head->prev = thread;
}

static inline void waiter_remove(struct thread *thread)
{
    struct notification *notification = thread->waiting;
    thread->waiting = NULL;
    if (LIKELY(thread->next == thread)) {
        notification->waiters = NULL;
        return;
    }
    thread->next->prev = thread->prev;
    thread->prev->next = thread->next;
    if (notification->waiters == thread) {
        notification->waiters = thread->next;
    }
}

void notification_remove_waiter(struct thread *thread)
{
    waiter_remove(thread);
}

COLD enum err notification_destroy_step(struct cap *original)
{
    struct notification *notification = notification_of(original);
    notification->object_kind = 0;
    if (notification->bound) {
        notification->bound->notification = NULL;
        notification->bound->flags &= (uint8_t)~THREAD_BOUND;
        notification->bound = NULL;
    }
    struct thread *thread = notification->waiters;
    if (!thread) {
        return ERR_OK;
    }
    notification_remove_waiter(thread);
    ipc_finish(thread, ERR_DEAD);
    return ERR_AGAIN;
}

uint64_t notification_take(struct notification *notification)
{
    uint64_t word = notification->word;
    notification->word = 0;
    return word;
}

static inline void signal_word(struct notification *notification, uint64_t badge)
{
    struct thread *thread = notification->waiters;
    badge |= notification->word;
    if (LIKELY(thread != NULL)) {
        waiter_remove(thread);
    } else {
        thread = notification->bound;
        if (!thread || thread->state != THREAD_BLOCKED_RECV) {
            notification->word = badge;
            return;
        }
        ipc_receive_end(thread);
    }
    notification->word = 0;
    ipc_deliver_notification(thread, badge);
    if (!sched_pass(thread)) {
        if (thread->sched && sched_context_short(thread->sched)) {
            thread->sched->refills[0].amount = thread->sched->budget;
        }
        sched_wake(thread);
    }
}

void notification_signal(struct notification *notification, uint64_t badge)
{
    signal_word(notification, badge);
}

COLD void binding_clear(struct cap *slot)
{
    enum err error = cap_delete_derived(slot);
    ASSERT(!error);  // attached to nothing, it goes at once
    (void)error;
}

COLD enum err binding_set(struct invocation *inv, struct cap *slot)
{
    struct cap *cap = NULL;
    if (inv->words[0]) {
        enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_NOTIFICATION, RIGHT_WRITE,
                                         1, &cap);
        if (error) {
            return error;
        }
    }
    binding_clear(slot);
    if (cap) {
        cap_derive(slot, cap, cap->rights);
    }
    return ERR_OK;
}

enum err notification_wait(struct thread *thread, uint64_t slot, bool block)
{
    struct cap *cap;
    enum err error = cap_find(thread, slot, KIND_NOTIFICATION, RIGHT_READ, 0, &cap);
    if (error) {
        return error;
    }
    struct notification *notification = notification_of(cap);
    uint64_t word = notification_take(notification);
    if (word) {
        ipc_deliver_notification(thread, word);
        return ERR_BLOCKED;
    }
    if (!block) {
        return ERR_AGAIN;
    }
    sched_block(thread, THREAD_BLOCKED_WAIT);
    thread->sending = SENDING_SEND;
    sched_park(thread);
    waiter_add(notification, thread);
    return ERR_BLOCKED;
}

enum err notification_signal_slot(struct thread *thread, uint64_t slot)
{
    struct cap *cap;
    enum err error = cap_find(thread, slot, KIND_NOTIFICATION, RIGHT_WRITE, 0, &cap);
    if (error) {
        return error;
    }
    // An unbadged capability signals bit 0: a signal is never nothing.
    signal_word(notification_of(cap), cap->badge ? cap->badge : 1);
    return ERR_OK;
}
