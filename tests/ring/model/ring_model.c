// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// All executions of a producer and a consumer over a small ring, on the memory of memory.h: every
// item is consumed in its order and its result arrives, nobody sleeps for ever, and deaths of
// either side at any access lose nothing.
//
// usage: ring_model [--long | SCENARIO]
#include "explore.h"
#include "litmus.h"
#include "memory.h"

#include <ring/ring.h>

#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#define PRODUCER   0u
#define CONSUMER   1u
#define MOST_ITEMS 8u
#define MOST_HELD  4u

struct scenario {
    const char *name;
    uint32_t entries, items;
    uint32_t batch;    // pushed before a publish
    uint32_t held;     // taken before they are finished
    uint32_t results;  // that a producer with nothing to push waits for, if there are so many
    unsigned crashes[THREADS];
    bool backwards;  // the last that was taken is finished first
    bool is_long;
};

static const struct scenario *scenario;
static _Alignas(RING_LINE) unsigned char memory[1024];

// What happened in the world outside.
static struct {
    uint8_t done[MOST_ITEMS];      // how often an item was worked on
    uint8_t finished[MOST_ITEMS];  // its result was recorded
    uint8_t reaped[MOST_ITEMS];    // its result arrived
} events;

static struct ring_shape shape(void)
{
    return (struct ring_shape){ scenario->entries, 1 };
}

static uint64_t item(uint32_t index)
{
    return 100 + index;
}

static uint64_t result_of(uint32_t index)
{
    return 1000 + 7 * (uint64_t)index;
}

static void begin(void)
{
    struct ring_shape wanted = shape();
    memory_begin(memory);
    memset(memory, 0, sizeof(memory));
    if (ring_make(memory, &wanted) != RING_OK) {
        explore_fail("no ring");
    }
}

static void expect(enum ring_status status, enum ring_status one, enum ring_status other)
{
    if (status != one && status != other) {
        explore_fail("status %d, neither %d nor %d", (int)status, (int)one, (int)other);
    }
}

// ---- producer -----------------------------------------------------------------------------------

static void reap_all(struct ring_producer *producer)
{
    uint64_t result = 0, entry = 0;
    uint32_t first = producer->reaped, index = first;
    enum ring_status status = ring_reap(producer, &result, &entry);
    for (; status == RING_OK; status = ring_reap(producer, &result, &entry)) {
        if (index >= scenario->items || result != result_of(index) || entry != item(index)) {
            explore_fail("item %u: result %llu of %llu", index, (unsigned long long)result,
                         (unsigned long long)entry);
        }
        if (events.done[index] == 0) {
            explore_fail("item %u has a result and was never worked on", index);
        }
        index++;
    }
    expect(status, RING_EMPTY, RING_EMPTY);
    explore_step();
    for (uint32_t i = first; i < index; i++) {
        events.reaped[i] = 1;
    }
    ring_release(producer);
}

// False: all is submitted, or there is no room.
static bool push_some(struct ring_producer *producer)
{
    uint32_t pushed = 0;
    for (; pushed < scenario->batch && producer->pushed < scenario->items; pushed++) {
        uint64_t entry = item(producer->pushed);
        enum ring_status status = ring_push(producer, &entry);
        expect(status, RING_OK, RING_FULL);
        if (status == RING_FULL) {
            break;
        }
    }
    if (ring_publish(producer)) {
        explore_signal(CONSUMER);
    }
    return pushed != 0;
}

static void produce(void)
{
    struct ring_producer producer;
    struct ring_shape wanted = shape();
    expect(ring_producer_adopt(&producer, memory, &wanted), RING_OK, RING_OK);
    explore_signal(CONSUMER);
    for (;;) {
        explore_settle(&producer, sizeof(producer));
        reap_all(&producer);
        if (producer.released == scenario->items) {
            return;
        }
        if (push_some(&producer)) {
            continue;
        }
        uint32_t outstanding = producer.submitted - producer.reaped;
        uint32_t count = scenario->results < outstanding ? scenario->results : outstanding;
        enum ring_status status = ring_producer_arm(&producer, count);
        expect(status, RING_OK, RING_READY);
        if (status == RING_OK) {
            explore_wait();
        }
    }
}

// ---- consumer -----------------------------------------------------------------------------------

static void work(uint32_t index, uint64_t entry)
{
    if (index >= scenario->items || entry != item(index)) {
        explore_fail("entry %u is %llu", index, (unsigned long long)entry);
    }
    if (events.finished[index]) {
        explore_fail("item %u is worked on though it has a result", index);
    }
    events.done[index]++;
}

static uint32_t take_some(struct ring_consumer *consumer, uint32_t *held, uint32_t *next)
{
    uint32_t count = 0;
    while (count < scenario->held) {
        uint64_t entry = 0;
        enum ring_status status = ring_take(consumer, &entry, &held[count]);
        expect(status, RING_OK, RING_EMPTY);
        if (status == RING_EMPTY) {
            break;
        }
        if (held[count] < *next) {
            explore_fail("item %u after %u", held[count], *next - 1);
        }
        *next = held[count] + 1;
        work(held[count], entry);
        count++;
    }
    return count;
}

static void finish_some(struct ring_consumer *consumer, const uint32_t *held, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = held[scenario->backwards ? count - 1 - i : i];
        expect(ring_finish(consumer, index, result_of(index)), RING_OK, RING_OK);
        events.finished[index] = 1;
    }
    if (ring_complete(consumer)) {
        explore_signal(PRODUCER);
    }
}

static void consume(void)
{
    struct {
        struct ring_consumer ring;
        uint64_t next;
    } mine = { 0 };
    struct ring_shape wanted = shape();
    expect(ring_consumer_adopt(&mine.ring, memory, &wanted), RING_OK, RING_OK);
    explore_signal(PRODUCER);
    for (;;) {
        uint32_t held[MOST_HELD] = { 0 }, next = (uint32_t)mine.next;
        explore_settle(&mine, sizeof(mine));
        uint32_t count = take_some(&mine.ring, held, &next);
        mine.next = next;
        if (count) {
            finish_some(&mine.ring, held, count);
            continue;
        }
        enum ring_status status = ring_consumer_arm(&mine.ring, 1);
        expect(status, RING_OK, RING_READY);
        if (status == RING_OK) {
            explore_wait();
        }
    }
}

// Nobody can go on: the producer must be through.
static void end(void)
{
    for (uint32_t i = 0; i < scenario->items; i++) {
        if (!events.reaped[i]) {
            explore_fail("both sleep, item %u has %s: a wake-up was lost", i,
                         events.done[i] ? "a result that nobody reaped" : "not been worked on");
        }
        if (events.done[i] > 1 + scenario->crashes[CONSUMER]) {
            explore_fail("item %u was worked on %u times", i, events.done[i]);
        }
    }
}

// ---- scenarios ----------------------------------------------------------------------------------

// The last ones take a minute or two: only with --long.
static const struct scenario scenarios[] = {
    { "one by one", 2, 3, 1, 1, 1, { 0, 0 }, false, false },
    { "a single entry", 1, 3, 1, 1, 1, { 0, 0 }, false, false },
    { "batches", 2, 4, 2, 2, 2, { 0, 0 }, false, false },
    { "backwards", 2, 3, 1, 2, 1, { 0, 0 }, true, false },
    { "four entries", 4, 5, 3, 2, 2, { 0, 0 }, true, false },
    { "the consumer dies", 2, 3, 2, 2, 1, { 0, 1 }, true, false },
    { "the producer dies", 2, 3, 2, 2, 1, { 1, 0 }, false, false },
    { "both die over one item", 1, 1, 1, 1, 1, { 1, 1 }, false, false },
    { "both die", 2, 2, 2, 2, 1, { 1, 1 }, true, false },
    { "one by one, long", 2, 4, 1, 1, 1, { 0, 0 }, false, true },
    { "the consumer dies, long", 2, 3, 1, 1, 1, { 0, 1 }, false, true },
    { "the consumer dies twice", 2, 3, 2, 2, 1, { 0, 2 }, true, true },
    { "the producer dies, long", 2, 3, 1, 1, 1, { 1, 0 }, false, true },
    { "the producer dies twice", 2, 3, 2, 2, 2, { 2, 0 }, false, true },
    { "both die, long", 2, 3, 2, 2, 1, { 1, 1 }, true, true },
};

static bool run(const struct scenario *chosen)
{
    struct exploration what = {
        .name = chosen->name,
        .begin = begin,
        .body = { produce, consume },
        .end = end,
        .crashes = { chosen->crashes[0], chosen->crashes[1] },
        .log = &events,
        .log_size = sizeof(events),
    };
    struct exploration_counts counts;
    scenario = chosen;
    bool good = explore(&what, &counts);
    printf("%-24s %8llu executions, %llu to their end, %llu states, %llu steps: %s\n", chosen->name,
           (unsigned long long)counts.executions, (unsigned long long)counts.ends,
           (unsigned long long)counts.states, (unsigned long long)counts.steps,
           good ? "good" : "BAD");
    fflush(stdout);
    return good;
}

static bool is_asked_for(const struct scenario *one, const char *word)
{
    if (!word) {
        return !one->is_long;
    }
    return strcmp(word, "--long") == 0 || strcmp(word, one->name) == 0;
}

int main(int argc, char **argv)
{
    bool good = litmus_run();
    unsigned ran = 0;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]) && good; i++) {
        if (is_asked_for(&scenarios[i], argc > 1 ? argv[1] : NULL)) {
            good = run(&scenarios[i]);
            ran++;
        }
    }
    if (!ran && good) {
        fprintf(stderr, "usage: ring_model [--long | SCENARIO]\n");
        return 2;
    }
    return good ? 0 : 1;
}
