// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// How rings begin: made once by who owns the memory, adopted by each incarnation of a side.
#include "ring.h"

#define MAGIC        UINT64_C(0x52494e47)  // "RING"
#define VERSION      UINT64_C(1)
#define LINE         ((size_t)RING_LINE)
#define WORDS_A_LINE (RING_LINE / (uint32_t)sizeof(uint64_t))

_Static_assert(offsetof(struct ring_shared, submitted) == LINE, "the producer's line");
_Static_assert(offsetof(struct ring_shared, completed) == 2 * LINE, "the consumer's line");
_Static_assert(offsetof(struct ring_shared, words) == 3 * LINE, "entries on their own lines");

static bool shape_is_good(const struct ring_shape *shape)
{
    uint32_t entries = shape->entries, words = shape->words;
    return entries != 0 && (entries & (entries - 1)) == 0 && entries <= RING_MOST_ENTRIES &&
           words != 0 && words <= RING_MOST_WORDS;
}

static bool is_aligned(const void *memory)
{
    return ((uintptr_t)memory & (RING_LINE - 1)) == 0;
}

static uint32_t marks_of(const struct ring_shape *shape)
{
    return (shape->entries * shape->words + WORDS_A_LINE - 1) & ~(WORDS_A_LINE - 1);
}

static uint32_t words_of(const struct ring_shape *shape)
{
    return marks_of(shape) + shape->entries * RING_MARK_WORDS;
}

static uint64_t format_of(const struct ring_shape *shape)
{
    return MAGIC << 32 | VERSION << 24 | (uint64_t)shape->words << 16 | shape->entries;
}

size_t ring_size(const struct ring_shape *shape)
{
    if (!shape_is_good(shape)) {
        return 0;
    }
    return offsetof(struct ring_shared, words) + sizeof(uint64_t) * words_of(shape);
}

enum ring_status ring_make(void *memory, const struct ring_shape *shape)
{
    if (!shape_is_good(shape) || !is_aligned(memory)) {
        return RING_RANGE;
    }
    struct ring_shared *shared = memory;
    _Atomic uint32_t *indices[] = { &shared->submitted,          &shared->reaped,
                                    &shared->producer_event,     &shared->producer_generation,
                                    &shared->completed,          &shared->consumer_event,
                                    &shared->consumer_generation };
    for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
        atomic_store_explicit(indices[i], 0, memory_order_relaxed);
    }
    for (uint32_t i = 0; i < words_of(shape); i++) {
        atomic_store_explicit(&shared->words[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&shared->format, format_of(shape), memory_order_release);
    return RING_OK;
}

static enum ring_status place_find(struct ring_place *place, void *memory,
                                   const struct ring_shape *shape)
{
    if (!shape_is_good(shape) || !is_aligned(memory)) {
        return RING_RANGE;
    }
    struct ring_shared *shared = memory;
    if (atomic_load_explicit(&shared->format, memory_order_acquire) != format_of(shape)) {
        return RING_FORMAT;
    }
    *place = (struct ring_place){ shared, shape->entries - 1, shape->words, marks_of(shape) };
    return RING_OK;
}

// Where an incarnation counts itself; what stood there is the memory's claim, only told apart.
static uint32_t generation_begin(_Atomic uint32_t *generation)
{
    uint32_t mine = atomic_load_explicit(generation, memory_order_relaxed) + 1;
    atomic_store_explicit(generation, mine, memory_order_relaxed);
    return mine;
}

// The predecessor may have died between its last index and the fence behind it; a peer that begins
// anew, and so knows nothing of our signal, finds the index when it arms.
static void adoption_end(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

enum ring_status ring_producer_adopt(struct ring_producer *producer, void *memory,
                                     const struct ring_shape *shape)
{
    *producer = (struct ring_producer){ 0 };
    enum ring_status status = place_find(&producer->place, memory, shape);
    if (status != RING_OK) {
        return status;
    }
    struct ring_shared *shared = producer->place.shared;
    uint32_t submitted = atomic_load_explicit(&shared->submitted, memory_order_relaxed);
    uint32_t reaped = atomic_load_explicit(&shared->reaped, memory_order_relaxed);
    if (submitted - reaped > shape->entries) {
        return RING_BROKEN;
    }
    producer->pushed = producer->submitted = submitted;
    producer->completed = producer->reaped = producer->released = reaped;
    producer->generation = generation_begin(&shared->producer_generation);
    status = ring_producer_look(producer);
    adoption_end();
    return status;
}

// Which of the entries that wait have a result already.
static void find_finished(struct ring_consumer *consumer)
{
    const struct ring_place *place = &consumer->place;
    for (uint32_t i = consumer->completed; i != consumer->submitted; i++) {
        const _Atomic uint64_t *mark = &place->shared->words[ring_mark_word(place, i)];
        if (atomic_load_explicit(&mark[1], memory_order_relaxed) == (uint64_t)i + 1) {
            uint32_t slot = i & place->mask;
            consumer->finished[slot / 64] |= UINT64_C(1) << slot % 64;
        }
    }
}

enum ring_status ring_consumer_adopt(struct ring_consumer *consumer, void *memory,
                                     const struct ring_shape *shape)
{
    *consumer = (struct ring_consumer){ 0 };
    enum ring_status status = place_find(&consumer->place, memory, shape);
    if (status != RING_OK) {
        return status;
    }
    struct ring_shared *shared = consumer->place.shared;
    uint32_t completed = atomic_load_explicit(&shared->completed, memory_order_relaxed);
    consumer->completed = consumer->taken = consumer->submitted = completed;
    status = ring_consumer_look(consumer);
    if (status != RING_OK) {
        return status;
    }
    consumer->generation = generation_begin(&shared->consumer_generation);
    find_finished(consumer);
    ring_skip_finished(consumer);
    // The caller signals the producer in any case.
    (void)ring_complete(consumer);
    adoption_end();
    return RING_OK;
}
