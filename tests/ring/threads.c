// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The ring between two real threads, under thread sanitizer.  Each entry lends a buffer that is
// plain memory: the producer writes it, the consumer reads it and writes the answer, the producer
// reads that; only what the ring orders keeps these apart.  Both sleep when they have nothing to
// do.
//
// usage: ring_threads [ITEMS]
#include <ring/ring.h>

#include <pthread.h>
#include <semaphore.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRIES 16u
#define WORDS   2u
#define SECONDS 120  // nobody sleeps for so long

static const struct ring_shape shape = { ENTRIES, WORDS };
static _Alignas(RING_LINE) unsigned char memory[4096];
static uint64_t buffers[ENTRIES];  // lent with the entries
static uint64_t items = 300000;
static sem_t wake_producer, wake_consumer;
static uint64_t slept[2];  // times, of each side

static void fail(const char *what)
{
    fprintf(stderr, "ring_threads: %s\n", what);
    exit(1);
}

static void sleep_on(sem_t *wake)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SECONDS;
    if (sem_timedwait(wake, &until) != 0) {
        fail("a wake-up was lost");
    }
    while (sem_trywait(wake) == 0) {}
}

static uint64_t answer(uint64_t value)
{
    return value * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void reap_all(struct ring_producer *producer, uint64_t *reaped)
{
    uint64_t result;
    enum ring_status status = ring_reap(producer, &result, NULL);
    for (; status == RING_OK; status = ring_reap(producer, &result, NULL)) {
        if (result != ~*reaped || buffers[*reaped % ENTRIES] != answer(*reaped)) {
            fail("a wrong result");
        }
        ++*reaped;
    }
    if (status != RING_EMPTY) {
        fail("the producer finds the ring broken");
    }
    ring_release(producer);
}

// Batches of changing size.
static bool push_some(struct ring_producer *producer, uint64_t *pushed)
{
    uint64_t first = *pushed, most = 1 + first % 7;
    for (; *pushed < items && *pushed < first + most; ++*pushed) {
        if (producer->pushed - producer->released == ENTRIES) {
            break;
        }
        buffers[*pushed % ENTRIES] = *pushed;
        uint64_t entry[WORDS] = { *pushed, *pushed % ENTRIES };
        if (ring_push(producer, entry) != RING_OK) {
            fail("no room where there was some");
        }
    }
    if (ring_publish(producer)) {
        sem_post(&wake_consumer);
    }
    return *pushed != first;
}

static void *produce(void *nothing)
{
    struct ring_producer producer;
    uint64_t pushed = 0, reaped = 0;
    if (ring_producer_adopt(&producer, memory, &shape) != RING_OK) {
        fail("the producer cannot adopt");
    }
    sem_post(&wake_consumer);
    while (reaped < items) {
        reap_all(&producer, &reaped);
        if (reaped == items || push_some(&producer, &pushed)) {
            continue;
        }
        uint32_t outstanding = producer.submitted - producer.reaped;
        enum ring_status status = ring_producer_arm(&producer, (outstanding + 1) / 2);
        if (status == RING_OK) {
            slept[0]++;
            sleep_on(&wake_producer);
        } else if (status != RING_READY) {
            fail("the producer cannot sleep");
        }
    }
    return nothing;
}

static void consume_one(struct ring_consumer *consumer, const uint64_t *entry, uint32_t index,
                        uint64_t expected)
{
    if (entry[0] != expected || entry[1] != expected % ENTRIES) {
        fail("a wrong entry");
    }
    if (buffers[entry[1]] != expected) {
        fail("a wrong buffer");
    }
    buffers[entry[1]] = answer(expected);
    if (ring_finish(consumer, index, ~expected) != RING_OK) {
        fail("cannot finish");
    }
}

static void *consume(void *nothing)
{
    struct ring_consumer consumer;
    uint64_t done = 0, entry[WORDS] = { 0 };
    uint32_t index = 0;
    if (ring_consumer_adopt(&consumer, memory, &shape) != RING_OK) {
        fail("the consumer cannot adopt");
    }
    sem_post(&wake_producer);
    while (done < items) {
        enum ring_status status = ring_take(&consumer, entry, &index);
        if (status == RING_OK) {
            consume_one(&consumer, entry, index, done++);
        }
        if ((status != RING_OK || done % 3 == 0 || done == items) && ring_complete(&consumer)) {
            sem_post(&wake_producer);
        }
        if (status == RING_EMPTY && ring_consumer_arm(&consumer, 1) == RING_OK) {
            slept[1]++;
            sleep_on(&wake_consumer);
        }
    }
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t producer, consumer;
    if (argc > 1) {
        items = strtoull(argv[1], NULL, 10);
    }
    if (ring_size(&shape) > sizeof(memory) || ring_make(memory, &shape) != RING_OK) {
        fail("no ring");
    }
    sem_init(&wake_producer, 0, 0);
    sem_init(&wake_consumer, 0, 0);
    if (pthread_create(&producer, NULL, produce, NULL) != 0 ||
        pthread_create(&consumer, NULL, consume, NULL) != 0) {
        fail("no threads");
    }
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    printf("%llu items; the producer slept %llu times, the consumer %llu times\n",
           (unsigned long long)items, (unsigned long long)slept[0], (unsigned long long)slept[1]);
    return 0;
}
