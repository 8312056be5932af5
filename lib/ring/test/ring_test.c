// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The ring step by step on one thread: order, limits, wake-up, wrap-around, what new incarnations
// find after each step, and peers that write anything.
#include <ring/ring.h>

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ENTRIES 4u
#define WORDS   3u

static const struct ring_shape shape = { ENTRIES, WORDS };
static unsigned char *memory;  // of the ring's size, so that the sanitizer guards its end
static struct ring_shared *shared;
static struct ring_producer producer;
static struct ring_consumer consumer;

static int setup(void **state)
{
    (void)state;
    size_t size = ring_size(&shape);
    assert_int_equal(size % RING_LINE, 0);
    memory = aligned_alloc(RING_LINE, size);
    shared = (struct ring_shared *)(void *)memory;
    memset(memory, 0xa5, size);
    assert_int_equal(ring_make(memory, &shape), RING_OK);
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_OK);
    assert_int_equal(ring_consumer_adopt(&consumer, memory, &shape), RING_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

// Both begin at an index, as after so many entries.
static void begin_at(uint32_t index)
{
    shared->submitted = shared->reaped = shared->completed = index;
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_OK);
    assert_int_equal(ring_consumer_adopt(&consumer, memory, &shape), RING_OK);
}

static enum ring_status push(uint64_t value)
{
    uint64_t entry[WORDS] = { value, ~value, value * 3 };
    return ring_push(&producer, entry);
}

// The index of the next entry, which must be `value`.
static uint32_t take(uint64_t value)
{
    uint64_t entry[WORDS] = { 0 };
    uint32_t index = 0;
    assert_int_equal(ring_take(&consumer, entry, &index), RING_OK);
    assert_int_equal(entry[0], value);
    assert_int_equal(entry[1], ~value);
    assert_int_equal(entry[2], value * 3);
    return index;
}

static enum ring_status take_status(void)
{
    uint64_t entry[WORDS] = { 0 };
    uint32_t index = 0;
    return ring_take(&consumer, entry, &index);
}

static void finish(uint32_t index, uint64_t result)
{
    assert_int_equal(ring_finish(&consumer, index, result), RING_OK);
}

static void reap(uint64_t wanted)
{
    uint64_t result = 0;
    assert_int_equal(ring_reap(&producer, &result, NULL), RING_OK);
    assert_int_equal(result, wanted);
}

static enum ring_status reap_status(void)
{
    uint64_t result = 0;
    return ring_reap(&producer, &result, NULL);
}

// ---- order and limits ---------------------------------------------------------------------------

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(take_status(), RING_EMPTY);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(push(i), RING_OK);
    }
    assert_int_equal(push(9), RING_FULL);
    assert_int_equal(take_status(), RING_EMPTY);
    assert_false(ring_publish(&producer));
    assert_false(ring_publish(&producer));
    for (uint64_t i = 0; i < ENTRIES; i++) {
        finish(take(i), 10 + i);
    }
    assert_int_equal(take_status(), RING_EMPTY);
    assert_int_equal(reap_status(), RING_EMPTY);
    assert_false(ring_complete(&consumer));
    reap(10);
    assert_int_equal(push(9), RING_FULL);
    ring_release(&producer);
    assert_int_equal(push(4), RING_OK);
    assert_int_equal(push(9), RING_FULL);
    reap(11);
    reap(12);
    reap(13);
    assert_int_equal(reap_status(), RING_EMPTY);
}

static void test_completed_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(push(1), RING_OK);
    assert_int_equal(push(2), RING_OK);
    assert_int_equal(push(3), RING_OK);
    assert_false(ring_publish(&producer));
    uint32_t one = take(1), two = take(2);
    finish(two, 20);
    assert_false(ring_complete(&consumer));
    assert_int_equal(reap_status(), RING_EMPTY);
    assert_int_equal(ring_finish(&consumer, two, 21), RING_RANGE);
    assert_int_equal(ring_finish(&consumer, two + 1, 21), RING_RANGE);
    assert_int_equal(ring_finish(&consumer, one - 1, 21), RING_RANGE);
    finish(one, 10);
    assert_false(ring_complete(&consumer));
    assert_int_equal(ring_finish(&consumer, one, 11), RING_RANGE);
    reap(10);
    reap(20);
    assert_int_equal(reap_status(), RING_EMPTY);
}

static void test_wrap_around(void **state)
{
    (void)state;
    begin_at(UINT32_MAX - 5);
    for (uint64_t i = 0; i < 40; i += 2) {
        assert_int_equal(push(i), RING_OK);
        assert_int_equal(push(i + 1), RING_OK);
        (void)ring_publish(&producer);
        assert_int_equal(ring_consumer_arm(&consumer, 2), RING_READY);
        uint32_t first = take(i);
        finish(take(i + 1), i + 1);
        finish(first, i);
        assert_int_equal(take_status(), RING_EMPTY);
        (void)ring_complete(&consumer);
        assert_int_equal(ring_producer_arm(&producer, 2), RING_READY);
        reap(i);
        reap(i + 1);
        ring_release(&producer);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct ring_shape bad[] = {
        { 0, 1 },          { 3, 1 },  { 2 * RING_MOST_ENTRIES, 1 },
        { UINT32_MAX, 1 }, { 16, 0 }, { 16, RING_MOST_WORDS + 1 },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ring_size(&bad[i]), 0);
        assert_int_equal(ring_make(memory, &bad[i]), RING_RANGE);
        assert_int_equal(ring_producer_adopt(&producer, memory, &bad[i]), RING_RANGE);
        assert_int_equal(ring_consumer_adopt(&consumer, memory, &bad[i]), RING_RANGE);
    }
    static const struct ring_shape other[] = { { 8, WORDS }, { ENTRIES, WORDS + 1 } };
    assert_int_equal(ring_producer_adopt(&producer, memory, &other[0]), RING_FORMAT);
    assert_int_equal(ring_consumer_adopt(&consumer, memory, &other[1]), RING_FORMAT);
    assert_int_equal(ring_make(memory + 8, &shape), RING_RANGE);
    assert_int_equal(ring_consumer_adopt(&consumer, memory + 8, &shape), RING_RANGE);
    shared->format ^= UINT64_C(1) << 24;
    assert_int_equal(ring_consumer_adopt(&consumer, memory, &shape), RING_FORMAT);
}

static void fill_and_empty(const struct ring_shape *any, void *place)
{
    uint64_t entry[RING_MOST_WORDS] = { 0 };
    uint32_t index = 0;
    assert_int_equal(ring_make(place, any), RING_OK);
    assert_int_equal(ring_producer_adopt(&producer, place, any), RING_OK);
    assert_int_equal(ring_consumer_adopt(&consumer, place, any), RING_OK);
    for (uint64_t i = 0; i < any->entries; i++) {
        entry[any->words - 1] = i;
        assert_int_equal(ring_push(&producer, entry), RING_OK);
    }
    assert_int_equal(ring_push(&producer, entry), RING_FULL);
    (void)ring_publish(&producer);
    for (uint64_t i = 0; i < any->entries; i++) {
        assert_int_equal(ring_take(&consumer, entry, &index), RING_OK);
        assert_int_equal(entry[any->words - 1], i);
        finish(index, ~i);
    }
    (void)ring_complete(&consumer);
    for (uint64_t i = 0; i < any->entries; i++) {
        reap(~i);
    }
}

// Each shape in memory of exactly its size.
static void test_sizes(void **state)
{
    (void)state;
    for (uint32_t entries = 1; entries <= RING_MOST_ENTRIES; entries *= 2) {
        for (uint32_t words = 1; words <= RING_MOST_WORDS; words += 5) {
            struct ring_shape any = { entries, words };
            size_t size = ring_size(&any), whole = (size + RING_LINE - 1) & ~(RING_LINE - 1);
            unsigned char *place = aligned_alloc(RING_LINE, whole);
            memset(place, 0xa5, whole);
            fill_and_empty(&any, place);
            for (size_t i = size; i < whole; i++) {
                assert_int_equal(place[i], 0xa5);
            }
            free(place);
        }
    }
}

// ---- who is woken -------------------------------------------------------------------------------

static void test_consumer_is_woken_once(void **state)
{
    (void)state;
    assert_int_equal(ring_consumer_arm(&consumer, 0), RING_RANGE);
    assert_int_equal(ring_consumer_arm(&consumer, ENTRIES + 1), RING_RANGE);
    assert_int_equal(ring_consumer_arm(&consumer, 2), RING_OK);
    assert_int_equal(push(1), RING_OK);
    assert_false(ring_publish(&producer));
    assert_int_equal(push(2), RING_OK);
    assert_true(ring_publish(&producer));
    assert_int_equal(push(3), RING_OK);
    assert_false(ring_publish(&producer));
    assert_int_equal(ring_consumer_arm(&consumer, 3), RING_READY);
    (void)take(1);
    assert_int_equal(ring_consumer_arm(&consumer, ENTRIES), RING_RANGE);
    assert_int_equal(ring_consumer_arm(&consumer, 3), RING_OK);
    assert_int_equal(push(4), RING_OK);
    assert_true(ring_publish(&producer));
}

static void test_producer_is_woken_once(void **state)
{
    (void)state;
    assert_int_equal(ring_producer_arm(&producer, 1), RING_RANGE);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(push(i), RING_OK);
    }
    assert_int_equal(ring_producer_arm(&producer, 1), RING_RANGE);
    (void)ring_publish(&producer);
    assert_int_equal(ring_producer_arm(&producer, 0), RING_RANGE);
    assert_int_equal(ring_producer_arm(&producer, 4), RING_RANGE);
    assert_int_equal(ring_producer_arm(&producer, 2), RING_OK);
    finish(take(0), 0);
    assert_false(ring_complete(&consumer));
    finish(take(1), 0);
    finish(take(2), 0);
    assert_true(ring_complete(&consumer));
    assert_false(ring_complete(&consumer));
    assert_int_equal(ring_producer_arm(&producer, 3), RING_READY);
}

// ---- new incarnations ---------------------------------------------------------------------------

static void adopt_both(void)
{
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_OK);
    assert_int_equal(ring_consumer_adopt(&consumer, memory, &shape), RING_OK);
}

static void test_generations(void **state)
{
    (void)state;
    assert_int_equal(producer.generation, 1);
    assert_int_equal(ring_producer_generation(&consumer), 1);
    adopt_both();
    assert_int_equal(ring_consumer_adopt(&consumer, memory, &shape), RING_OK);
    assert_int_equal(ring_producer_generation(&consumer), 2);
    assert_int_equal(ring_consumer_generation(&producer), 3);
    assert_int_equal(consumer.generation, 3);
}

// What was pushed but not published was never submitted.
static void test_pushed_is_not_submitted(void **state)
{
    (void)state;
    assert_int_equal(push(1), RING_OK);
    (void)ring_publish(&producer);
    assert_int_equal(push(2), RING_OK);
    adopt_both();
    assert_int_equal(producer.submitted, 1);
    assert_int_equal(push(3), RING_OK);
    (void)ring_publish(&producer);
    (void)take(1);
    (void)take(3);
    assert_int_equal(take_status(), RING_EMPTY);
}

static void test_taken_is_taken_again(void **state)
{
    (void)state;
    begin_at(UINT32_MAX);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(push(i), RING_OK);
    }
    (void)ring_publish(&producer);
    finish(take(0), 10);
    (void)take(1);
    (void)take(2);
    adopt_both();
    // The first was finished, not completed; its result is there all the same.
    reap(10);
    uint32_t index = take(1);
    finish(take(2), 12);
    adopt_both();
    assert_int_equal(take(1), index);
    assert_int_equal(take_status(), RING_EMPTY);
    finish(index, 11);
    (void)ring_complete(&consumer);
    reap(10);
    reap(11);
    reap(12);
}

static void test_reaped_is_reaped_again(void **state)
{
    (void)state;
    assert_int_equal(push(7), RING_OK);
    assert_int_equal(push(8), RING_OK);
    (void)ring_publish(&producer);
    finish(take(7), 70);
    finish(take(8), 80);
    (void)ring_complete(&consumer);
    reap(70);
    adopt_both();
    uint64_t result = 0, entry[WORDS] = { 0 };
    assert_int_equal(ring_reap(&producer, &result, entry), RING_OK);
    assert_int_equal(result, 70);
    assert_int_equal(entry[0], 7);
    assert_int_equal(entry[2], 21);
    ring_release(&producer);
    adopt_both();
    reap(80);
    assert_int_equal(reap_status(), RING_EMPTY);
}

// A finished entry of an earlier lap is not taken for one of this.
static void test_stamps_of_earlier_laps(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < UINT64_C(3) * ENTRIES; i++) {
        assert_int_equal(push(i), RING_OK);
        (void)ring_publish(&producer);
        adopt_both();
        finish(take(i), i);
        adopt_both();
        reap(i);
        ring_release(&producer);
        adopt_both();
        assert_int_equal(take_status(), RING_EMPTY);
    }
}

// ---- peers that lie -----------------------------------------------------------------------------

static void test_indices_that_lie(void **state)
{
    (void)state;
    assert_int_equal(push(1), RING_OK);
    (void)ring_publish(&producer);
    (void)take(1);
    static const uint32_t submitted[] = { 0, ENTRIES + 1, UINT32_MAX, 0x80000000u };
    for (size_t i = 0; i < sizeof(submitted) / sizeof(submitted[0]); i++) {
        shared->submitted = submitted[i];
        assert_int_equal(take_status(), RING_BROKEN);
        assert_int_equal(ring_consumer_arm(&consumer, 1), RING_BROKEN);
    }
    static const uint32_t completed[] = { 2, UINT32_MAX, 0x80000001u };
    for (size_t i = 0; i < sizeof(completed) / sizeof(completed[0]); i++) {
        shared->completed = completed[i];
        assert_int_equal(reap_status(), RING_BROKEN);
        assert_int_equal(ring_producer_arm(&producer, 1), RING_BROKEN);
    }
    shared->completed = 1;
    reap(0);
    ring_release(&producer);
    shared->completed = 0;
    assert_int_equal(reap_status(), RING_BROKEN);
}

static void test_adopting_nonsense(void **state)
{
    (void)state;
    struct ring_consumer other;
    shared->submitted = ENTRIES + 1;
    assert_int_equal(ring_consumer_adopt(&other, memory, &shape), RING_BROKEN);
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_BROKEN);
    shared->submitted = 2;
    shared->completed = 3;
    assert_int_equal(ring_consumer_adopt(&other, memory, &shape), RING_BROKEN);
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_BROKEN);
    shared->completed = 1;
    shared->reaped = 2;
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_BROKEN);
    shared->reaped = 1;
    assert_int_equal(ring_producer_adopt(&producer, memory, &shape), RING_OK);
    assert_int_equal(ring_consumer_adopt(&other, memory, &shape), RING_OK);
}

// A peer that stamps results itself does not confuse a consumer that runs.
static void test_stamps_that_lie(void **state)
{
    (void)state;
    assert_int_equal(push(1), RING_OK);
    assert_int_equal(push(2), RING_OK);
    (void)ring_publish(&producer);
    uint32_t one = take(1), two = take(2);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        shared->words[ring_mark_word(&consumer.place, i) + 1] = i + 1;
    }
    (void)ring_complete(&consumer);
    assert_int_equal(shared->completed, 0);
    finish(one, 0);
    finish(two, 0);
    (void)ring_complete(&consumer);
    assert_int_equal(shared->completed, 2);
}

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random_word(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

// Rubbish somewhere: mostly small steps from what stands there, which pass more checks.
static void scribble(uint32_t *words, size_t count)
{
    uint64_t word = random_word();
    uint32_t *place = &words[word >> 8 & 1 ? (word >> 16) % 48 : (word >> 16) % count];
    *place = word & 1 ? *place + (uint32_t)(word >> 40 & 7) - 3 : (uint32_t)random_word();
}

static void check_private(void)
{
    assert_true(producer.pushed - producer.released <= ENTRIES);
    assert_true(producer.submitted - producer.released <= producer.pushed - producer.released);
    assert_true(producer.completed - producer.reaped <= producer.submitted - producer.reaped);
    assert_true(producer.reaped - producer.released <= producer.completed - producer.released);
    assert_true(consumer.submitted - consumer.completed <= ENTRIES);
    assert_true(consumer.taken - consumer.completed <= consumer.submitted - consumer.completed);
}

static void consumer_step(uint64_t choice, uint32_t *index)
{
    uint64_t entry[WORDS];
    switch (choice % 5) {
    case 0:
        if (ring_consumer_adopt(&consumer, memory, &shape) != RING_OK) {
            (void)ring_make(memory, &shape);
            adopt_both();
        }
        break;
    case 1: (void)!ring_take(&consumer, entry, index); break;
    case 2: (void)!ring_finish(&consumer, *index - (uint32_t)(choice >> 8 & 3), choice); break;
    case 3: (void)ring_complete(&consumer); break;
    default: (void)!ring_consumer_arm(&consumer, choice >> 8 & 7); break;
    }
}

static void producer_step(uint64_t choice)
{
    uint64_t entry[WORDS] = { choice, 0, 0 }, result;
    switch (choice % 6) {
    case 0:
        if (ring_producer_adopt(&producer, memory, &shape) != RING_OK) {
            (void)ring_make(memory, &shape);
            adopt_both();
        }
        break;
    case 1: (void)!ring_push(&producer, entry); break;
    case 2: (void)ring_publish(&producer); break;
    case 3: (void)!ring_reap(&producer, &result, entry); break;
    case 4: ring_release(&producer); break;
    default: (void)!ring_producer_arm(&producer, choice >> 8 & 7); break;
    }
}

// Any calls on memory that anybody scribbles into: the sanitizers see each access, and what the
// sides believe of themselves stays consistent.
static void test_garbage(void **state)
{
    (void)state;
    size_t size = ring_size(&shape);
    uint32_t index = 0;
    for (unsigned round = 0; round < 300000; round++) {
        if (round % 3 == 0) {
            scribble((uint32_t *)(void *)memory, size / sizeof(uint32_t));
            // The format is only compared.
            if (round % 300) {
                shared->format = UINT64_C(0x52494e4701000000) | WORDS << 16 | ENTRIES;
            }
        }
        uint64_t choice = random_word() >> 8;
        if (random_word() & 1) {
            consumer_step(choice, &index);
        } else {
            producer_step(choice);
        }
        check_private();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completed_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrap_around, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_consumer_is_woken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_producer_is_woken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_generations, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pushed_is_not_submitted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_is_taken_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reaped_is_reaped_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stamps_of_earlier_laps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_indices_that_lie, setup, teardown),
        cmocka_unit_test_setup_teardown(test_adopting_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stamps_that_lie, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
