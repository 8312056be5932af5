// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The weak memory of memory.h, and the accesses of the stand-in <stdatomic.h>.
#include "memory.h"

#include "explore.h"

#include <string.h>

#include <stdatomic.h>
#include <stdio.h>

#define LOCATIONS 24u
#define STORES    96u  // to one location in an execution
#define BYTES     1024u

// For each location the time up to which it is known: the number of a store to it.
struct view {
    uint8_t time[LOCATIONS];
};

struct store {
    uint64_t value;
    struct view view;  // what an acquire load of it learns
};

static struct {
    struct store stores[STORES];
    unsigned count;
    size_t offset;
} locations[LOCATIONS];
static unsigned location_count;
static uint8_t location_at[BYTES / 4];  // + 1; 0 is none

// Of a thread: what it knows; what it would know after an acquire fence; what it knew at its last
// release fence.
static struct knowledge {
    struct view now, acquired, released, signal;
} known[THREADS];
static struct view fences;  // what sequentially consistent fences have passed on
static const unsigned char *base;

static void join(struct view *view, const struct view *other)
{
    for (unsigned i = 0; i < location_count; i++) {
        if (view->time[i] < other->time[i]) {
            view->time[i] = other->time[i];
        }
    }
}

void memory_begin(const void *address)
{
    base = address;
    location_count = 0;
    memset(location_at, 0, sizeof(location_at));
    memset(known, 0, sizeof(known));
    memset(&fences, 0, sizeof(fences));
}

static unsigned location_of(const volatile void *address)
{
    size_t offset = (size_t)((const volatile unsigned char *)address - base);
    if (offset >= BYTES) {
        explore_fail("an access outside of the shared memory, at %zu", offset);
    }
    if (location_at[offset / 4] == 0) {
        if (location_count == LOCATIONS) {
            explore_fail("more than %u locations", LOCATIONS);
        }
        locations[location_count].count = 1;
        locations[location_count].stores[0] = (struct store){ 0 };
        locations[location_count].offset = offset;
        location_at[offset / 4] = (uint8_t)++location_count;
    }
    return location_at[offset / 4] - 1u;
}

static void show(const char *what, enum memory_order order, unsigned location, uint64_t value,
                 unsigned older)
{
    static const char *const orders[] = { "relaxed", "acquire", "release", "seq_cst" };
    if (explore_tracing()) {
        printf("    thread %u: %s %s [%zu] = %llu", explore_thread(), what, orders[order],
               locations[location].offset, (unsigned long long)value);
        if (older) {
            printf(", %u stores before the last", older);
        }
        printf("\n");
    }
}

uint64_t memory_load(const volatile void *address, enum memory_order order)
{
    unsigned thread = explore_thread(), location = location_of(address);
    if (thread == THREADS) {
        return locations[location].stores[locations[location].count - 1].value;
    }
    explore_step();
    struct knowledge *mine = &known[thread];
    unsigned latest = locations[location].count - 1;
    unsigned older = explore_choose(latest - mine->now.time[location] + 1);
    const struct store *store = &locations[location].stores[latest - older];
    mine->now.time[location] = (uint8_t)(latest - older);
    join(&mine->acquired, &mine->now);
    join(&mine->acquired, &store->view);
    if (order == memory_order_acquire) {
        join(&mine->now, &store->view);
    }
    explore_learn(store->value);
    show("load", order, location, store->value, older);
    return store->value;
}

void memory_store(volatile void *address, uint64_t value, enum memory_order order)
{
    unsigned thread = explore_thread(), location = location_of(address);
    if (thread == THREADS) {
        locations[location].stores[0].value = value;
        return;
    }
    explore_step();
    struct knowledge *mine = &known[thread];
    unsigned time = locations[location].count;
    if (mine->now.time[location] != time - 1) {
        explore_fail("a second writer of [%zu]", locations[location].offset);
    }
    if (time == STORES) {
        explore_fail("more than %u stores to [%zu]", STORES, locations[location].offset);
    }
    locations[location].count++;
    mine->now.time[location] = mine->acquired.time[location] = (uint8_t)time;
    struct store *store = &locations[location].stores[time];
    *store = (struct store){ value, order == memory_order_release ? mine->now : mine->released };
    store->view.time[location] = (uint8_t)time;
    show("store", order, location, value, 0);
}

void memory_fence(enum memory_order order)
{
    unsigned thread = explore_thread();
    if (thread == THREADS) {
        return;
    }
    explore_step();
    struct knowledge *mine = &known[thread];
    if (order != memory_order_release) {
        mine->now = mine->acquired;
    }
    if (order == memory_order_seq_cst) {
        join(&mine->now, &fences);
        fences = mine->now;
        mine->acquired = mine->now;
    }
    if (order != memory_order_acquire) {
        mine->released = mine->now;
    }
    if (explore_tracing()) {
        printf("    thread %u: fence\n", thread);
    }
}

void memory_inherit(unsigned thread)
{
    struct knowledge *mine = &known[thread];
    mine->now = mine->released = mine->acquired;
}

void memory_send(unsigned from, unsigned to)
{
    join(&known[to].signal, &known[from].now);
}

void memory_receive(unsigned thread)
{
    join(&known[thread].now, &known[thread].signal);
    join(&known[thread].acquired, &known[thread].signal);
    memory_forget_signal(thread);
}

void memory_forget_signal(unsigned thread)
{
    memset(&known[thread].signal, 0, sizeof(known[thread].signal));
}

// ---- hash ---------------------------------------------------------------------------------------

static uint64_t hash_view(uint64_t hash, const struct view *view, const struct view *oldest)
{
    for (unsigned i = 0; i < location_count; i++) {
        uint8_t time = view->time[i], first = oldest->time[i];
        hash = hash * 31 + (time > first ? (unsigned)(time - first) : 0u);
    }
    return explore_mix(hash, 0);
}

uint64_t memory_hash(uint64_t hash)
{
    struct view oldest = known[0].now;
    for (unsigned i = 1; i < THREADS; i++) {
        for (unsigned at = 0; at < location_count; at++) {
            uint8_t time = known[i].now.time[at];
            oldest.time[at] = oldest.time[at] < time ? oldest.time[at] : time;
        }
    }
    for (unsigned i = 0; i < location_count; i++) {
        for (unsigned time = oldest.time[i]; time < locations[i].count; time++) {
            hash = explore_mix(hash, locations[i].stores[time].value);
            hash = hash_view(hash, &locations[i].stores[time].view, &oldest);
        }
        hash = explore_mix(hash, i);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        hash = hash_view(hash, &known[i].now, &oldest);
        hash = hash_view(hash, &known[i].acquired, &oldest);
        hash = hash_view(hash, &known[i].released, &oldest);
        hash = hash_view(hash, &known[i].signal, &oldest);
    }
    return hash_view(hash, &fences, &oldest);
}
