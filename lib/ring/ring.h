// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The shared ring: one producer submits entries of a fixed size, one consumer takes them, works on
// them, and completes them in any order with a result; the producer reaps the results in the order
// of submission.  Both indices are recorded in the shared memory, so that a new incarnation of
// either side takes up what its predecessor left (docs/ring.md has the protocol and who is woken
// when).
//
// The two sides share the memory and distrust each other: whatever stands there is copied once,
// then checked, then used; what a side believes about itself stands in its own structure.  A peer
// that writes nonsense gets RING_BROKEN told about it, and harms its own requests at most.
//
// A struct ring_producer or ring_consumer belongs to one thread at a time.  No function blocks;
// each takes a bounded number of steps.  Waking is the caller's: where a function says "signal",
// the caller signals the notification on which the peer sleeps.  A signal has release and the end
// of a wait acquire semantics, which every kernel's do.
//
// Relies on nothing but the freestanding C headers; tests/ring compiles it unchanged with a
// <stdatomic.h> that tries all executions.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_LINE         64u  // bytes that CPUs pass to each other at once
#define RING_MOST_ENTRIES 1024u
#define RING_MOST_WORDS   32u  // of 8 bytes, in an entry
#define RING_MARK_WORDS   2u   // of a completion: the result, the stamp

// Not looking at it does not compile.
enum [[nodiscard]] ring_status{
    RING_OK,
    RING_EMPTY,   // nothing to take or to reap now
    RING_FULL,    // no slot is free before something is reaped and released
    RING_READY,   // what was to be waited for is there: do not sleep
    RING_RANGE,   // an argument of the caller's is out of range
    RING_FORMAT,  // the memory holds no ring of this version and shape
    RING_BROKEN,  // the shared memory says what no honest peer can have written
};

// What both sides know of a ring before they see it.
struct ring_shape {
    uint32_t entries;  // a power of two up to RING_MOST_ENTRIES
    uint32_t words;    // 8-byte words in an entry, 1 to RING_MOST_WORDS
};

// The shared memory.  Indices count entries since the ring was made, modulo 2^32.  Who writes a
// line is the only one who does.
struct ring_shared {
    _Alignas(RING_LINE) _Atomic uint64_t format;

    // The producer's.
    _Alignas(RING_LINE) _Atomic uint32_t submitted;  // entries below are there
    _Atomic uint32_t reaped;                         // results below are done with
    _Atomic uint32_t producer_event;                 // wake when `completed` reaches it
    _Atomic uint32_t producer_generation;

    // The consumer's.
    _Alignas(RING_LINE) _Atomic uint32_t completed;  // entries below have a result
    _Atomic uint32_t consumer_event;                 // wake when `submitted` reaches it
    _Atomic uint32_t consumer_generation;

    // The entries, the producer's; on lines of their own behind them marks, the consumer's.
    _Alignas(RING_LINE) _Atomic uint64_t words[];
};

// Where a ring lies.
struct ring_place {
    struct ring_shared *shared;
    uint32_t mask, words, marks;  // entries - 1; in an entry; index of the first mark
};

struct ring_producer {
    struct ring_place place;
    uint32_t pushed;      // entries below are written
    uint32_t submitted;   // entries below are published
    uint32_t completed;   // as last read and checked
    uint32_t reaped;      // results below were handed out
    uint32_t released;    // results below are recorded as done with: their slots are free
    uint32_t generation;  // of this incarnation
};

struct ring_consumer {
    struct ring_place place;
    uint32_t submitted;                         // as last read and checked
    uint32_t taken;                             // entries below were handed out
    uint32_t completed;                         // entries below are published as completed
    uint32_t generation;                        // of this incarnation
    uint64_t finished[RING_MOST_ENTRIES / 64];  // a bit for each slot: finished, not yet completed
};

// ---- both ---------------------------------------------------------------------------------------

// Bytes of memory that a ring of this shape takes; 0: there is no such shape.
size_t ring_size(const struct ring_shape *shape);

// Make an empty ring in `memory`, ring_size bytes aligned to RING_LINE.  For who owns the memory,
// while neither side uses it: before the first incarnations, or instead of a broken ring.
// RING_RANGE: no such shape, or not aligned.
enum ring_status ring_make(void *memory, const struct ring_shape *shape);

static inline uint32_t ring_entry_word(const struct ring_place *place, uint32_t index)
{
    return (index & place->mask) * place->words;
}

static inline uint32_t ring_mark_word(const struct ring_place *place, uint32_t index)
{
    return place->marks + (index & place->mask) * RING_MARK_WORDS;
}

// The one time that an entry is read.
static inline void ring_copy_out(const struct ring_place *place, uint32_t index, uint64_t *entry)
{
    uint32_t first = ring_entry_word(place, index);
    for (uint32_t i = 0; i < place->words; i++) {
        entry[i] = atomic_load_explicit(&place->shared->words[first + i], memory_order_relaxed);
    }
}

// Whether going from index `old` to `now` reached the event.
static inline bool ring_reached(uint32_t old, uint32_t now, uint32_t event)
{
    return (uint32_t)(now - event) < (uint32_t)(now - old);
}

// ---- producer -----------------------------------------------------------------------------------

// Become the producer of the ring in `memory`, which lives as long as the structure is used: as its
// first or as a further incarnation, when the one before runs no more.  Afterwards
//   * signal the consumer once: the predecessor may have died before it did;
//   * what was submitted stays so: `producer->submitted` is the index of the next entry;
//   * results that were not released are reaped again.
// RING_RANGE: no such shape, or not aligned.  RING_FORMAT, RING_BROKEN: see above.
enum ring_status ring_producer_adopt(struct ring_producer *producer, void *memory,
                                     const struct ring_shape *shape);

// Write an entry of `words` words, as number `producer->pushed`; the consumer sees it after
// ring_publish.  RING_FULL.
static inline enum ring_status ring_push(struct ring_producer *producer, const uint64_t *entry)
{
    const struct ring_place *place = &producer->place;
    if (producer->pushed - producer->released > place->mask) {
        return RING_FULL;
    }
    uint32_t first = ring_entry_word(place, producer->pushed);
    for (uint32_t i = 0; i < place->words; i++) {
        atomic_store_explicit(&place->shared->words[first + i], entry[i], memory_order_relaxed);
    }
    producer->pushed++;
    return RING_OK;
}

// Submit all that was pushed, at once.  True: signal the consumer, it asked for it.
[[nodiscard]] static inline bool ring_publish(struct ring_producer *producer)
{
    struct ring_shared *shared = producer->place.shared;
    uint32_t old = producer->submitted, now = producer->pushed;
    if (now == old) {
        return false;
    }
    producer->submitted = now;
    // Entries before the index; acquired in ring_consumer_look.
    atomic_store_explicit(&shared->submitted, now, memory_order_release);
    // With the one of ring_consumer_arm: either the consumer sees the index or we see its event.
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t event = atomic_load_explicit(&shared->consumer_event, memory_order_relaxed);
    return ring_reached(old, now, event);
}

// Look how far the consumer is.  RING_BROKEN: it claims what was not submitted, or takes back.
static inline enum ring_status ring_producer_look(struct ring_producer *producer)
{
    // Results before the index; released in ring_complete.
    uint32_t completed = atomic_load_explicit(&producer->place.shared->completed,
                                              memory_order_acquire);
    if (completed - producer->completed > producer->submitted - producer->completed) {
        return RING_BROKEN;
    }
    producer->completed = completed;
    return RING_OK;
}

// The next result, in the order of submission: that of entry number `producer->reaped` before the
// call.  `entry`, unless null, is given the entry as it stands in the shared memory, for a new
// incarnation that has to know what its predecessor asked for.  RING_EMPTY; RING_BROKEN.
static inline enum ring_status ring_reap(struct ring_producer *producer, uint64_t *result,
                                         uint64_t *entry)
{
    const struct ring_place *place = &producer->place;
    if (producer->reaped == producer->completed) {
        enum ring_status status = ring_producer_look(producer);
        if (status != RING_OK) {
            return status;
        }
        if (producer->reaped == producer->completed) {
            return RING_EMPTY;
        }
    }
    uint32_t mark = ring_mark_word(place, producer->reaped);
    *result = atomic_load_explicit(&place->shared->words[mark], memory_order_relaxed);
    if (entry) {
        ring_copy_out(place, producer->reaped, entry);
    }
    producer->reaped++;
    return RING_OK;
}

// Record that all results reaped so far are done with, once their effects are safe: a later
// incarnation does not see them again, and their slots are free.
static inline void ring_release(struct ring_producer *producer)
{
    if (producer->released == producer->reaped) {
        return;
    }
    producer->released = producer->reaped;
    atomic_store_explicit(&producer->place.shared->reaped, producer->reaped, memory_order_relaxed);
    // No entry is overwritten before that, whenever we die.
    atomic_thread_fence(memory_order_release);
}

// Ask for a signal when `count` results can be reaped, and look once more.  RING_OK: sleep, the
// signal will come.  RING_READY: do not sleep.  RING_RANGE: 0, or more than was submitted and not
// reaped.  RING_BROKEN.
static inline enum ring_status ring_producer_arm(struct ring_producer *producer, uint32_t count)
{
    if (count == 0 || count > producer->submitted - producer->reaped) {
        return RING_RANGE;
    }
    atomic_store_explicit(&producer->place.shared->producer_event, producer->reaped + count,
                          memory_order_relaxed);
    // With the one of ring_complete.
    atomic_thread_fence(memory_order_seq_cst);
    enum ring_status status = ring_producer_look(producer);
    if (status != RING_OK) {
        return status;
    }
    return producer->completed - producer->reaped >= count ? RING_READY : RING_OK;
}

// The consumer's incarnation: differs after it was restarted.  A number to compare, no more.
static inline uint32_t ring_consumer_generation(const struct ring_producer *producer)
{
    return atomic_load_explicit(&producer->place.shared->consumer_generation, memory_order_relaxed);
}

// ---- consumer -----------------------------------------------------------------------------------

// Become the consumer of the ring in `memory`, which lives as long as the structure is used: as its
// first or as a further incarnation, when the one before (and the device that it commanded) is
// quiet.  Afterwards
//   * signal the producer once: the predecessor may have died before it did;
//   * ring_take hands out again what was submitted and not finished, taken before or not: so
//     what an entry asks for must be such that doing it twice does no harm.
// RING_RANGE: no such shape, or not aligned.  RING_FORMAT, RING_BROKEN: see above.
enum ring_status ring_consumer_adopt(struct ring_consumer *consumer, void *memory,
                                     const struct ring_shape *shape);

static inline bool ring_is_finished(const struct ring_consumer *consumer, uint32_t index)
{
    uint32_t slot = index & consumer->place.mask;
    return consumer->finished[slot / 64] >> slot % 64 & 1;
}

// What a predecessor finished is not handed out.
static inline void ring_skip_finished(struct ring_consumer *consumer)
{
    while (consumer->taken != consumer->submitted && ring_is_finished(consumer, consumer->taken)) {
        consumer->taken++;
    }
}

// Look how far the producer is.  RING_BROKEN: it claims more than fits, or takes back.
static inline enum ring_status ring_consumer_look(struct ring_consumer *consumer)
{
    // Released in ring_publish.
    uint32_t submitted = atomic_load_explicit(&consumer->place.shared->submitted,
                                              memory_order_acquire);
    uint32_t most = consumer->completed + consumer->place.mask + 1;
    if (submitted - consumer->submitted > most - consumer->submitted) {
        return RING_BROKEN;
    }
    consumer->submitted = submitted;
    return RING_OK;
}

// Take the next entry out, `words` words, and its number, which ring_finish wants.  What the entry
// says is the peer's claim, and the caller's to check.  RING_EMPTY; RING_BROKEN.
static inline enum ring_status ring_take(struct ring_consumer *consumer, uint64_t *entry,
                                         uint32_t *index)
{
    if (consumer->taken == consumer->submitted) {
        enum ring_status status = ring_consumer_look(consumer);
        if (status != RING_OK) {
            return status;
        }
        if (consumer->taken == consumer->submitted) {
            return RING_EMPTY;
        }
    }
    ring_copy_out(&consumer->place, consumer->taken, entry);
    *index = consumer->taken++;
    ring_skip_finished(consumer);
    return RING_OK;
}

// Record the result of an entry, in any order; the producer sees it after ring_complete, once all
// entries before it are finished too.  A later incarnation does not do it again.  RING_RANGE: the
// entry is not one that was taken and is not finished.
static inline enum ring_status ring_finish(struct ring_consumer *consumer, uint32_t index,
                                           uint64_t result)
{
    uint32_t nth = index - consumer->completed;
    if (nth >= consumer->taken - consumer->completed || ring_is_finished(consumer, index)) {
        return RING_RANGE;
    }
    _Atomic uint64_t *mark =
        &consumer->place.shared->words[ring_mark_word(&consumer->place, index)];
    atomic_store_explicit(&mark[0], result, memory_order_relaxed);
    // The stamp after the result, whenever we die.  It is never 0 and differs in each lap.
    atomic_store_explicit(&mark[1], (uint64_t)index + 1, memory_order_release);
    uint32_t slot = index & consumer->place.mask;
    consumer->finished[slot / 64] |= UINT64_C(1) << slot % 64;
    return RING_OK;
}

// Publish the results of all entries before the first unfinished one, at once.  True: signal the
// producer, it asked for it.
[[nodiscard]] static inline bool ring_complete(struct ring_consumer *consumer)
{
    struct ring_shared *shared = consumer->place.shared;
    uint32_t old = consumer->completed, now = old;
    for (; now != consumer->taken && ring_is_finished(consumer, now); now++) {
        uint32_t slot = now & consumer->place.mask;
        consumer->finished[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
    if (now == old) {
        return false;
    }
    consumer->completed = now;
    // Results before the index; acquired in ring_producer_look.
    atomic_store_explicit(&shared->completed, now, memory_order_release);
    // With the one of ring_producer_arm: either the producer sees the index or we see its event.
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t event = atomic_load_explicit(&shared->producer_event, memory_order_relaxed);
    return ring_reached(old, now, event);
}

// Ask for a signal when `count` entries can be taken, and look once more.  RING_OK: sleep, the
// signal will come if the producer submits so many.  RING_READY: do not sleep.  RING_RANGE: 0, or
// more than can be there before some that were taken are completed.  RING_BROKEN.
static inline enum ring_status ring_consumer_arm(struct ring_consumer *consumer, uint32_t count)
{
    uint32_t held = consumer->taken - consumer->completed;
    if (count == 0 || count > consumer->place.mask + 1 - held) {
        return RING_RANGE;
    }
    atomic_store_explicit(&consumer->place.shared->consumer_event, consumer->taken + count,
                          memory_order_relaxed);
    // With the one of ring_publish.
    atomic_thread_fence(memory_order_seq_cst);
    enum ring_status status = ring_consumer_look(consumer);
    if (status != RING_OK) {
        return status;
    }
    return consumer->submitted - consumer->taken >= count ? RING_READY : RING_OK;
}

// The producer's incarnation: differs after it was restarted.  A number to compare, no more.
static inline uint32_t ring_producer_generation(const struct ring_consumer *consumer)
{
    return atomic_load_explicit(&consumer->place.shared->producer_generation, memory_order_relaxed);
}
