// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Queues of endpoints, and the operations of whoever offers a service.
#include "endpoint.h"

#include "ipc.h"
#include "preempt.h"
#include "sched_context.h"

#define SENDER_KEY \
 ((ptrdiff_t)offsetof(struct thread, sender_key) - (ptrdiff_t)offsetof(struct thread, sender))
#define ARRIVALS_MASK ((1ull << 56) - 1)

void endpoint_init(struct cap *original)
{
    endpoint_of(original)->object_kind = KIND_ENDPOINT;
}

void endpoint_add_sender(struct endpoint *endpoint, struct thread *thread)
{
    thread->endpoint = endpoint;
    thread->sender_key = (uint64_t)(255 - thread->priority) << 56 |
                         (endpoint->arrivals++ & ARRIVALS_MASK);
    tree_insert(&endpoint->senders, &thread->sender, SENDER_KEY);
}

void endpoint_remove_sender(struct thread *thread)
{
    preempt_work(40);
    tree_remove(&thread->endpoint->senders, &thread->sender, SENDER_KEY);
    thread->endpoint = NULL;
}

static struct thread *sender_from(const struct endpoint *endpoint, uint64_t key)
{
    struct tree_node *node = tree_find_ge(&endpoint->senders, key, SENDER_KEY);
    return node ? CONTAINER_OF(node, struct thread, sender) : NULL;
}

struct thread *endpoint_first_sender(const struct endpoint *endpoint)
{
    return sender_from(endpoint, 0);
}

void endpoint_requeue(struct thread *thread, unsigned priority)
{
    struct endpoint *endpoint = thread->endpoint;
    endpoint_remove_sender(thread);
    thread->priority = (uint8_t)priority;
    endpoint_add_sender(endpoint, thread);
}

void endpoint_remove_receiver(struct thread *thread)
{
    struct endpoint *endpoint = thread->endpoint;
    thread->endpoint = NULL;
    if (thread->next == thread) {
        endpoint->receivers = NULL;
        return;
    }
    thread->next->prev = thread->prev;
    thread->prev->next = thread->next;
    if (endpoint->receivers == thread) {
        endpoint->receivers = thread->next;
    }
}

// End what a waiting sender does with `error`.
static void sender_cancel(struct thread *thread, enum err error)
{
    endpoint_remove_sender(thread);
    ipc_finish(thread, error);
}

enum err endpoint_destroy_step(struct cap *original)
{
    struct endpoint *endpoint = endpoint_of(original);
    endpoint->object_kind = 0;
    struct thread *thread = endpoint_first_sender(endpoint);
    if (thread) {
        sender_cancel(thread, ERR_DEAD);
        return ERR_AGAIN;
    }
    thread = endpoint->receivers;
    if (thread) {
        ipc_receive_end(thread);
        ipc_finish(thread, ERR_CANCELLED);
        return ERR_AGAIN;
    }
    return ERR_OK;
}

enum err op_endpoint_configure(struct invocation *inv)
{
    if (!(inv->self->rights & RIGHT_RECEIVE)) {
        return ERR_RIGHTS;
    }
    if (inv->words[0] > SCHED_MAX_TICKS) {
        return err_blame(ERR_RANGE, 1);
    }
    endpoint_of(inv->self)->min_budget = inv->words[0];
    return ERR_OK;
}

enum err op_endpoint_cancel_all(struct invocation *inv)
{
    struct endpoint *endpoint = endpoint_of(inv->self);
    if (!(inv->self->rights & RIGHT_RECEIVE)) {
        return ERR_RIGHTS;
    }
    if (inv->words[0] == ERR_OK || inv->words[0] >= ERR_LAST) {
        return err_blame(ERR_RANGE, 1);
    }
    struct thread *thread;
    while ((thread = endpoint_first_sender(endpoint))) {
        sender_cancel(thread, (enum err)inv->words[0]);
        inv->progress++;
        if (preempt_point(PREEMPT_WORK)) {
            return ERR_PREEMPTED;
        }
    }
    inv->words[0] = inv->progress;
    inv->results = 1;
    return ERR_OK;
}

// Progress: words[1] is the key to go on from, so that a restart passes over nobody twice.
enum err op_endpoint_cancel_badge(struct invocation *inv)
{
    struct endpoint *endpoint = endpoint_of(inv->self);
    if (!(inv->self->rights & RIGHT_RECEIVE)) {
        return ERR_RIGHTS;
    }
    uint64_t key = inv->progress ? inv->words[1] : 0;
    uint64_t count = inv->progress ? inv->words[2] : 0;
    struct thread *thread;
    while ((thread = sender_from(endpoint, key))) {
        key = thread->sender_key + 1;
        if (thread->badge == inv->words[0]) {
            sender_cancel(thread, ERR_CANCELLED);
            count++;
        }
        if (preempt_point(PREEMPT_WORK)) {
            inv->progress = 1;
            inv->words[1] = key;
            inv->words[2] = count;
            return ERR_PREEMPTED;
        }
    }
    inv->words[0] = count;
    inv->results = 1;
    return ERR_OK;
}
