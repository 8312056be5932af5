// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// That the memory allows what C11 allows and forbids what it forbids: the classical litmus tests,
// with the set of results that both threads can read.
#include "litmus.h"

#include "explore.h"
#include "memory.h"

#include <stdatomic.h>
#include <stdio.h>

static _Atomic uint32_t x, y;
static struct {
    uint32_t first, second;
} results;
static unsigned seen;  // a bit for each pair of results

// What a test varies.
static enum memory_order store_order, load_order;
static bool store_fence, load_fence;

static void begin(void)
{
    memory_begin(&x < &y ? &x : &y);
    atomic_store_explicit(&x, 0, memory_order_relaxed);
    atomic_store_explicit(&y, 0, memory_order_relaxed);
}

static void end(void)
{
    seen |= 1u << (2 * results.first + results.second);
}

static uint32_t read_one(_Atomic uint32_t *address)
{
    return atomic_load_explicit(address, load_order);
}

// Store buffering: each stores to one and loads the other.
static void store_x_load_y(void)
{
    atomic_store_explicit(&x, 1, store_order);
    if (store_fence) {
        atomic_thread_fence(memory_order_seq_cst);
    }
    results.first = read_one(&y);
}

static void store_y_load_x(void)
{
    atomic_store_explicit(&y, 1, store_order);
    if (load_fence) {
        atomic_thread_fence(memory_order_seq_cst);
    }
    results.second = read_one(&x);
}

// Message passing: x is the message, y says that it is there.
static void store_both(void)
{
    atomic_store_explicit(&x, 1, memory_order_relaxed);
    if (store_fence) {
        atomic_thread_fence(memory_order_release);
    }
    atomic_store_explicit(&y, 1, store_order);
}

static void load_both(void)
{
    results.first = read_one(&y);
    if (load_fence) {
        atomic_thread_fence(memory_order_acquire);
    }
    results.second = atomic_load_explicit(&x, memory_order_relaxed);
}

// Coherence: what one thread loads twice does not go back.
static void load_twice(void)
{
    results.first = atomic_load_explicit(&y, memory_order_relaxed);
    results.second = atomic_load_explicit(&y, memory_order_relaxed);
}

#define PAIR(first, second) (1u << (2 * (first) + (second)))
#define ALL                 (PAIR(0, 0) | PAIR(0, 1) | PAIR(1, 0) | PAIR(1, 1))
#define RELAXED             memory_order_relaxed
#define ACQUIRE             memory_order_acquire
#define RELEASE             memory_order_release

static const struct litmus {
    const char *name;
    void (*body[THREADS])(void);
    enum memory_order store, load;
    bool store_fence, load_fence;
    unsigned allowed;
} tests[] = {
    { "store buffering", { store_x_load_y, store_y_load_x }, RELAXED, RELAXED, false, false, ALL },
    { "store buffering, release and acquire",
      { store_x_load_y, store_y_load_x },
      RELEASE,
      ACQUIRE,
      false,
      false,
      ALL },
    { "store buffering, one fence",
      { store_x_load_y, store_y_load_x },
      RELEASE,
      ACQUIRE,
      true,
      false,
      ALL },
    { "store buffering, fences",
      { store_x_load_y, store_y_load_x },
      RELAXED,
      RELAXED,
      true,
      true,
      ALL & ~PAIR(0, 0) },
    { "message passing", { store_both, load_both }, RELAXED, RELAXED, false, false, ALL },
    { "message passing, release", { store_both, load_both }, RELEASE, RELAXED, false, false, ALL },
    { "message passing, acquire", { store_both, load_both }, RELAXED, ACQUIRE, false, false, ALL },
    { "message passing, release and acquire",
      { store_both, load_both },
      RELEASE,
      ACQUIRE,
      false,
      false,
      ALL & ~PAIR(1, 0) },
    { "message passing, fences",
      { store_both, load_both },
      RELAXED,
      RELAXED,
      true,
      true,
      ALL & ~PAIR(1, 0) },
    { "message passing, release and fence",
      { store_both, load_both },
      RELEASE,
      RELAXED,
      false,
      true,
      ALL & ~PAIR(1, 0) },
    { "coherence", { store_both, load_twice }, RELAXED, RELAXED, false, false, ALL & ~PAIR(1, 0) },
};

bool litmus_run(void)
{
    bool good = true;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        const struct litmus *test = &tests[i];
        struct exploration what = { .name = test->name,
                                    .begin = begin,
                                    .end = end,
                                    .body = { test->body[0], test->body[1] },
                                    .log = &results,
                                    .log_size = sizeof(results) };
        struct exploration_counts counts;
        store_order = test->store;
        load_order = test->load;
        store_fence = test->store_fence;
        load_fence = test->load_fence;
        seen = 0;
        if (!explore(&what, &counts) || seen != test->allowed) {
            printf("litmus: %s: results %#x, not %#x\n", test->name, seen, test->allowed);
            good = false;
        }
    }
    return good;
}
