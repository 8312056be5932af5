// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mutexes.  A waiter is a node on its own stack; the mutex' word names the last one, each node the
// one before.  Anybody adds a node, only the owner takes one out: the first.  So a node that is not
// the last is the owner's alone, and the word tells whether one came after the last.
#include "mutex.h"

#include "waiting.h"

#include <stdatomic.h>
#include <stddef.h>

#define LOCKED 1u

struct waiter {
    struct waiter *before;  // who waits longer
    uint64_t wake;
    atomic_bool owns;  // the mutex was handed over
};

static struct waiter *last_waiter(uintptr_t word)
{
    return (struct waiter *)(word & ~(uintptr_t)LOCKED);
}

bool rt_mutex_try(struct rt_mutex *mutex)
{
    uintptr_t word = 0;
    return atomic_compare_exchange_strong_explicit(&mutex->word, &word, LOCKED,
                                                   memory_order_acquire, memory_order_relaxed);
}

// Lock it if it is free meanwhile, else become the last of those who wait.  True: locked.
static bool lock_or_join(struct rt_mutex *mutex, struct waiter *own)
{
    uintptr_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    uintptr_t wanted = 0;
    do {
        own->before = last_waiter(word);
        wanted = word ? (uintptr_t)own | LOCKED : LOCKED;
    } while (!atomic_compare_exchange_weak_explicit(&mutex->word, &word, wanted,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return word == 0;
}

void rt_mutex_lock(struct rt_mutex *mutex)
{
    if (rt_mutex_try(mutex)) {
        return;
    }
    struct waiter own = { .wake = rt_waiting_own() };
    if (lock_or_join(mutex, &own)) {
        return;
    }
    do {
        rt_waiting_sleep(own.wake);
    } while (!atomic_load_explicit(&own.owns, memory_order_acquire));
}

// Take out who waits longest; NULL: somebody joined meanwhile, try again.
static struct waiter *first_waiter(struct rt_mutex *mutex, uintptr_t word)
{
    struct waiter *after = NULL, *first = last_waiter(word);
    while (first->before) {
        after = first;
        first = first->before;
    }
    if (after) {
        after->before = NULL;
        return first;
    }
    bool taken = atomic_compare_exchange_strong_explicit(&mutex->word, &word, LOCKED,
                                                         memory_order_acquire,
                                                         memory_order_relaxed);
    return taken ? first : NULL;
}

// The node is gone as soon as its owner knows.
static void hand_over(struct waiter *waiter)
{
    uint64_t wake = waiter->wake;
    atomic_store_explicit(&waiter->owns, true, memory_order_release);
    rt_waiting_wake(wake);
}

void rt_mutex_unlock(struct rt_mutex *mutex)
{
    for (;;) {
        uintptr_t word = LOCKED;
        if (atomic_compare_exchange_strong_explicit(&mutex->word, &word, 0, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            return;
        }
        struct waiter *first = first_waiter(mutex, word);
        if (first) {
            hand_over(first);
            return;
        }
    }
}

// ---- recursive ---------------------------------------------------------------------------------
// Only the owner can find itself there.
static bool own_already(struct rt_recursive_mutex *mutex)
{
    return atomic_load_explicit(&mutex->owner, memory_order_relaxed) == rt_waiting_self();
}

static void own_now(struct rt_recursive_mutex *mutex)
{
    atomic_store_explicit(&mutex->owner, rt_waiting_self(), memory_order_relaxed);
    mutex->depth = 1;
}

void rt_recursive_mutex_lock(struct rt_recursive_mutex *mutex)
{
    if (own_already(mutex)) {
        mutex->depth++;
        return;
    }
    rt_mutex_lock(&mutex->mutex);
    own_now(mutex);
}

bool rt_recursive_mutex_try(struct rt_recursive_mutex *mutex)
{
    if (own_already(mutex)) {
        mutex->depth++;
        return true;
    }
    if (!rt_mutex_try(&mutex->mutex)) {
        return false;
    }
    own_now(mutex);
    return true;
}

void rt_recursive_mutex_unlock(struct rt_recursive_mutex *mutex)
{
    if (--mutex->depth) {
        return;
    }
    atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
    rt_mutex_unlock(&mutex->mutex);
}
