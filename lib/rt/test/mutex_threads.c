// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Mutexes between real threads, under thread sanitizer: what they guard is plain memory.  Sleeping
// is counted: a mutex that nobody contends causes none.  It is done by the host's futexes and by
// relaxed counters, since the sanitizer takes whatever orders memory for the mutex' doing.
//
// usage: mutex_threads [ROUNDS]
#include "../mutex.h"
#include "../waiting.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4u
#define DEPTH   3u
#define SECONDS 120  // nobody sleeps for so long

struct thread {
    pthread_t thread;
    _Atomic(uint32_t) woken;  // how often, and has not slept since
    unsigned number;
};

static struct thread threads[THREADS + 1];  // the last one is the program's first
static _Thread_local struct thread *own;
static _Atomic(uint32_t) sleeps, wakes;
static unsigned rounds = 20000;

static struct rt_mutex mutex;
static struct rt_recursive_mutex recursive;
static uint64_t guarded, guarded_twice;  // plain
static unsigned order[THREADS], order_count;

static void fail(const char *what)
{
    fprintf(stderr, "mutex_threads: %s\n", what);
    exit(1);
}

static void want(bool fact, const char *what)
{
    if (!fact) {
        fail(what);
    }
}

// ---- what the mutex wants of the kernel --------------------------------------------------------
uintptr_t rt_waiting_self(void)
{
    return (uintptr_t)own;
}

uint64_t rt_waiting_own(void)
{
    return own->number;
}

static uint32_t increment(_Atomic(uint32_t) *counter)
{
    return atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void rt_waiting_sleep(uint64_t wake)
{
    _Atomic(uint32_t) *woken = &threads[wake].woken;
    struct timespec most = { .tv_sec = SECONDS };
    increment(&sleeps);
    while (atomic_load_explicit(woken, memory_order_relaxed) == 0) {
        long status = syscall(SYS_futex, woken, FUTEX_WAIT_PRIVATE, 0, &most, NULL, 0);
        want(status == 0 || errno != ETIMEDOUT, "nobody woke a waiter");
    }
    atomic_fetch_sub_explicit(woken, 1, memory_order_relaxed);
}

void rt_waiting_wake(uint64_t wake)
{
    _Atomic(uint32_t) *woken = &threads[wake].woken;
    increment(&wakes);
    increment(woken);
    syscall(SYS_futex, woken, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool entered(void)
{
    return atomic_load(&sleeps) || atomic_load(&wakes);
}

// ---- threads -----------------------------------------------------------------------------------
static void *contend(void *thread)
{
    own = thread;
    for (unsigned i = 0; i < rounds; i++) {
        rt_mutex_lock(&mutex);
        guarded++;
        if (i % 64 == 0) {
            sched_yield();
        }
        rt_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *contend_recursively(void *thread)
{
    own = thread;
    for (unsigned i = 0; i < rounds / DEPTH; i++) {
        for (unsigned depth = 0; depth < DEPTH; depth++) {
            rt_recursive_mutex_lock(&recursive);
            guarded_twice++;
        }
        if (i % 64 == 0) {
            sched_yield();
        }
        for (unsigned depth = 0; depth < DEPTH; depth++) {
            rt_recursive_mutex_unlock(&recursive);
        }
    }
    return NULL;
}

static void *queue_up(void *thread)
{
    own = thread;
    rt_mutex_lock(&mutex);
    order[order_count++] = own->number;
    rt_mutex_unlock(&mutex);
    return NULL;
}

static void start(unsigned number, void *(*run)(void *))
{
    threads[number].number = number;
    want(pthread_create(&threads[number].thread, NULL, run, &threads[number]) == 0, "no thread");
}

static void end(unsigned number)
{
    want(pthread_join(threads[number].thread, NULL) == 0, "a thread does not end");
}

static void run_all(void *(*run)(void *))
{
    for (unsigned i = 0; i < THREADS; i++) {
        start(i, run);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        end(i);
    }
}

// ---- checks ------------------------------------------------------------------------------------
static void alone(void)
{
    for (unsigned i = 0; i < 100; i++) {
        rt_mutex_lock(&mutex);
        want(!rt_mutex_try(&mutex), "locked twice");
        rt_mutex_unlock(&mutex);
        want(rt_mutex_try(&mutex), "not unlocked");
        rt_mutex_unlock(&mutex);
        rt_recursive_mutex_lock(&recursive);
        want(rt_recursive_mutex_try(&recursive), "its owner is kept out");
        rt_recursive_mutex_unlock(&recursive);
        want(recursive.mutex.word != 0, "unlocked before the last");
        rt_recursive_mutex_unlock(&recursive);
        want(recursive.mutex.word == 0, "not unlocked by the last");
    }
    want(!entered(), "the kernel is entered though nobody contends");
}

// Each waits before the next comes, and all before the mutex is free.
static void in_order(void)
{
    rt_mutex_lock(&mutex);
    uintptr_t before = atomic_load(&mutex.word);
    for (unsigned i = 0; i < THREADS; i++) {
        start(i, queue_up);
        while (atomic_load(&mutex.word) == before) {
            sched_yield();
        }
        before = atomic_load(&mutex.word);
    }
    rt_mutex_unlock(&mutex);
    for (unsigned i = 0; i < THREADS; i++) {
        end(i);
        want(order[i] == i, "not in the order of their coming");
    }
    want(atomic_load(&wakes) == THREADS, "not one wake-up each");
}

int main(int count, char **arguments)
{
    rounds = count > 1 ? (unsigned)strtoul(arguments[1], NULL, 0) : rounds;
    threads[THREADS].number = THREADS;
    own = &threads[THREADS];
    alone();
    in_order();
    run_all(contend);
    want(guarded == (uint64_t)THREADS * rounds, "increments are lost");
    run_all(contend_recursively);
    want(guarded_twice == (uint64_t)THREADS * DEPTH * (rounds / DEPTH), "increments are lost");
    want(mutex.word == 0 && recursive.mutex.word == 0, "not unlocked in the end");
    printf("mutex_threads: %u sleeps, %u wake-ups\n", sleeps, wakes);
    return 0;
}
