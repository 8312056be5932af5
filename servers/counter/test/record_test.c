// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The counters' record: what the protocol promises, an end at each store of each request, random
// requests and ends against a model, and each bit of the record damaged.
#include "../record.h"

#include <proto/counter.h>

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES       (sizeof(struct record) + (size_t)RECORD_CLIENTS * SHARE * sizeof(struct record_place))
#define SHARE       2u
#define RANDOM_RUNS 400000u
#define ENDLESS     UINT32_MAX

static unsigned char *memory;  // of the record's size, so that the sanitizer guards its end
static struct record *record;

// ---- stores -------------------------------------------------------------------------------------
static jmp_buf dead;
static uint32_t stores_left = ENDLESS;  // until the incarnation ends

uint64_t memory_load(const volatile void *address, enum memory_order order)
{
    (void)order;
    return *(const volatile uint64_t *)address;
}

void memory_store(volatile void *address, uint64_t value, enum memory_order order)
{
    (void)order;
    if (stores_left != ENDLESS && stores_left-- == 0) {
        longjmp(dead, 1);
    }
    *(volatile uint64_t *)address = value;
}

static void adopt(void)
{
    const char *reason = NULL;
    record = record_adopt(memory, BYTES, &reason);
    assert_null(reason);
    assert_non_null(record);
}

static int setup(void **state)
{
    (void)state;
    memory = aligned_alloc(8, BYTES);
    memset(memory, 0, BYTES);
    adopt();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

// ---- requests -----------------------------------------------------------------------------------
enum kind {
    OPEN,
    ADD,
    READ,
    CLOSE,
    KINDS
};

struct request {
    enum kind kind;
    unsigned owner;
    uint64_t client;              // OPEN
    struct record_session which;  // ADD: with the sequence
    uint64_t amount;              // ADD
};

struct answer {
    uint32_t code;
    struct record_session opened;  // OPEN
    struct record_count count;     // ADD: the value; READ: both
};

static struct answer ask(const struct request *request)
{
    struct answer answer = {};
    uint64_t session = request->which.session;
    switch (request->kind) {
    case OPEN:
        answer.code = record_open(record, request->owner, request->client, &answer.opened);
        break;
    case ADD:
        answer.code = record_add(record, request->owner, request->which, request->amount,
                                 &answer.count.value);
        break;
    case READ: answer.code = record_read(record, request->owner, session, &answer.count); break;
    case CLOSE: answer.code = record_close(record, request->owner, session); break;
    case KINDS:
    default: fail();
    }
    if (answer.code) {
        answer = (struct answer){ .code = answer.code };
    }
    return answer;
}

// The same, by an incarnation that ends at its `stores`-th store; false: it did.
static bool ask_mortal(const struct request *request, uint32_t stores, struct answer *answer)
{
    if (setjmp(dead)) {
        stores_left = ENDLESS;
        return false;
    }
    stores_left = stores;
    *answer = ask(request);
    stores_left = ENDLESS;
    return true;
}

static struct record_session must_open(unsigned owner, uint64_t client)
{
    struct answer answer = ask(&(struct request){ .kind = OPEN, .owner = owner, .client = client });
    assert_int_equal(answer.code, WIRE_OK);
    assert_true(answer.opened.session != 0 && answer.opened.session >> RECORD_NUMBER_BITS == 0);
    return answer.opened;
}

static struct answer add(unsigned owner, uint64_t session, uint64_t sequence, uint64_t amount)
{
    return ask(&(struct request){ ADD, owner, 0, { session, sequence }, amount });
}

static void must_add(unsigned owner, uint64_t session, uint64_t sequence, uint64_t amount,
                     uint64_t value)
{
    struct answer answer = add(owner, session, sequence, amount);
    assert_int_equal(answer.code, WIRE_OK);
    assert_int_equal(answer.count.value, value);
}

static struct answer read_of(unsigned owner, uint64_t session)
{
    return ask(&(struct request){ READ, owner, 0, { session, 0 }, 0 });
}

static uint32_t close_of(unsigned owner, uint64_t session)
{
    return ask(&(struct request){ CLOSE, owner, 0, { session, 0 }, 0 }).code;
}

static void must_read(unsigned owner, uint64_t session, uint64_t value, uint64_t sequence)
{
    struct answer answer = read_of(owner, session);
    assert_int_equal(answer.code, WIRE_OK);
    assert_int_equal(answer.count.value, value);
    assert_int_equal(answer.count.sequence, sequence);
}

// ---- what the protocol promises -----------------------------------------------------------------
static void requests_count_once(void **state)
{
    (void)state;
    uint64_t session = must_open(1, 7).session;
    must_read(1, session, 0, 0);
    must_add(1, session, 1, 5, 5);
    must_add(1, session, 1, 5, 5);
    assert_int_equal(add(1, session, 1, 6).code, COUNTER_ERROR_DIFFERS);
    assert_int_equal(add(1, session, 3, 5).code, COUNTER_ERROR_SEQUENCE);
    assert_int_equal(add(1, session, 0, 5).code, COUNTER_ERROR_SEQUENCE);
    assert_int_equal(add(1, session, 2, UINT64_MAX - 4).code, COUNTER_ERROR_OVERFLOW);
    must_add(1, session, 2, UINT64_MAX - 5, UINT64_MAX);
    must_add(1, session, 3, 0, UINT64_MAX);
    must_read(1, session, UINT64_MAX, 3);
}

static void open_again_is_the_same(void **state)
{
    (void)state;
    struct record_session first = must_open(5, 7), other = must_open(5, 8);
    assert_true(first.session != other.session);
    must_add(5, first.session, 1, 3, 3);
    struct record_session again = must_open(5, 7);
    assert_int_equal(again.session, first.session);
    assert_int_equal(again.sequence, 1);
    must_read(5, other.session, 0, 0);
}

static void nobody_has_anothers(void **state)
{
    (void)state;
    uint64_t mine = must_open(1, 7).session, yours = must_open(2, 7).session;
    assert_true(mine != yours);
    must_add(1, mine, 1, 3, 3);
    for (unsigned owner = 0; owner <= RECORD_CLIENTS + 1; owner++) {
        if (owner != 1) {
            assert_int_equal(add(owner, mine, 2, 1).code, COUNTER_ERROR_NO_SESSION);
            assert_int_equal(read_of(owner, mine).code, COUNTER_ERROR_NO_SESSION);
            assert_int_equal(close_of(owner, mine), COUNTER_ERROR_NO_SESSION);
        }
    }
    must_read(1, mine, 3, 1);
    must_read(2, yours, 0, 0);
}

static void numbers_name_nothing_else(void **state)
{
    (void)state;
    uint64_t session = must_open(1, 7).session;
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_int_equal(read_of(1, session ^ 1ull << bit).code, COUNTER_ERROR_NO_SESSION);
    }
    assert_int_equal(read_of(1, 0).code, COUNTER_ERROR_NO_SESSION);
}

static void closed_is_gone(void **state)
{
    (void)state;
    uint64_t session = must_open(1, 7).session;
    must_add(1, session, 1, 3, 3);
    assert_int_equal(close_of(1, session), WIRE_OK);
    assert_int_equal(close_of(1, session), COUNTER_ERROR_NO_SESSION);
    for (unsigned i = 0; i < 3 * SHARE; i++) {
        struct record_session next = must_open(1, 7 + i % 2);
        assert_int_equal(next.sequence, 0);
        assert_true(next.session != session);
        assert_int_equal(read_of(1, session).code, COUNTER_ERROR_NO_SESSION);
        must_read(1, next.session, 0, 0);
        assert_int_equal(close_of(1, next.session), WIRE_OK);
    }
}

static void shares_are_each_ones_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHARE; i++) {
        must_open(1, i);
    }
    struct request more = { .kind = OPEN, .owner = 1, .client = SHARE };
    assert_int_equal(ask(&more).code, COUNTER_ERROR_SESSIONS);
    for (unsigned owner = 2; owner <= RECORD_CLIENTS; owner++) {
        for (unsigned i = 0; i < SHARE; i++) {
            must_open(owner, i);
        }
    }
    more.owner = 0;
    assert_int_equal(ask(&more).code, COUNTER_ERROR_SESSIONS);
    more.owner = RECORD_CLIENTS + 1;
    assert_int_equal(ask(&more).code, COUNTER_ERROR_SESSIONS);
    must_open(1, 0);
}

// A place that was used as often as it can be is not used again.
static void places_wear_out(void **state)
{
    (void)state;
    uint32_t last = (RECORD_AGES - 1) << 2;
    for (unsigned i = 0; i < SHARE; i++) {
        record->places[i].state = (uint64_t)~last << 32 | last;
        uint64_t session = must_open(1, i).session;
        assert_int_equal(session >> 12, RECORD_AGES);
    }
    for (unsigned i = 0; i < SHARE; i++) {
        assert_int_equal(close_of(1, must_open(1, i).session), WIRE_OK);
    }
    struct request more = { .kind = OPEN, .owner = 1, .client = 0 };
    assert_int_equal(ask(&more).code, COUNTER_ERROR_SESSIONS);
}

// ---- an end at each store -----------------------------------------------------------------------
// Requests of client 1 on a record with open sessions 7 and 8: whatever store the incarnation ends
// at, the next one gives the answer that the first would have given, and that is all that changed.
static void ends_of(const struct request *request)
{
    unsigned char *before = malloc(BYTES), *after = malloc(BYTES);
    memcpy(before, memory, BYTES);
    struct answer whole = ask(request), again;
    memcpy(after, memory, BYTES);
    bool ended = false;
    uint32_t stores = 0;
    for (; !ended; stores++) {
        memcpy(memory, before, BYTES);
        ended = ask_mortal(request, stores, &again);
        adopt();
        again = ask(request);
        if (request->kind == CLOSE && again.code == COUNTER_ERROR_NO_SESSION) {
            again.code = WIRE_OK;  // as a client of it does
        }
        assert_memory_equal(&again, &whole, sizeof(whole));
        assert_memory_equal(memory, after, BYTES);
    }
    assert_true(request->kind == READ || whole.code || stores > 1);
    free(before);
    free(after);
}

static void ends_at_each_store(void **state)
{
    (void)state;
    struct record_session first = must_open(1, 7);
    must_open(2, 7);
    ends_of(&(struct request){ .kind = OPEN, .owner = 1, .client = 8 });
    ends_of(&(struct request){ ADD, 1, 0, { first.session, 1 }, 9 });
    ends_of(&(struct request){ ADD, 1, 0, { first.session, 2 }, 9 });
    ends_of(&(struct request){ ADD, 1, 0, { first.session, 3 }, 0 });
    ends_of(&(struct request){ ADD, 1, 0, { first.session, 3 }, 1 });
    ends_of(&(struct request){ READ, 1, 0, { first.session, 0 }, 0 });
    must_read(1, first.session, 18, 3);
    ends_of(&(struct request){ CLOSE, 1, 0, { first.session, 0 }, 0 });
    ends_of(&(struct request){ .kind = OPEN, .owner = 1, .client = 9 });
    ends_of(&(struct request){ .kind = OPEN, .owner = 1, .client = 10 });
}

// The first incarnation ends while it makes the record, at its `stores`-th store; false: it did.
static bool made_by_mortal(uint32_t stores)
{
    const char *reason = NULL;
    memset(memory, 0, BYTES);
    if (setjmp(dead)) {
        stores_left = ENDLESS;
        return false;
    }
    stores_left = stores;
    record = record_adopt(memory, BYTES, &reason);
    stores_left = ENDLESS;
    return true;
}

static void ends_while_made(void **state)
{
    (void)state;
    bool ended = false;
    uint32_t stores = 0;
    for (; !ended; stores++) {
        ended = made_by_mortal(stores);
        adopt();
        must_add(1, must_open(1, 7).session, 1, 5, 5);
    }
    assert_true(stores > RECORD_CLIENTS * SHARE);
}

// ---- at random against a model ------------------------------------------------------------------
#define CLIENTS 3u
#define NAMES   3u  // more than a client's share

struct model {
    bool open;
    struct record_session session;
    uint64_t value, amount;
};

static struct model model[CLIENTS][NAMES];
static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

// As a client does: again until there is an answer.
static struct answer ask_until(const struct request *request)
{
    struct answer answer = {};
    bool died = false;
    while (!ask_mortal(request, (uint32_t)draw(9), &answer)) {
        died = true;
        adopt();
    }
    if (died && request->kind == CLOSE && answer.code == COUNTER_ERROR_NO_SESSION) {
        answer.code = WIRE_OK;
    }
    return answer;
}

static void random_open(unsigned owner, unsigned name)
{
    struct model *of = &model[owner - 1][name];
    unsigned open = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        open += model[owner - 1][i].open;
    }
    struct answer answer = ask_until(&(struct request){
        .kind = OPEN, .owner = owner, .client = name });
    if (!of->open && open == SHARE) {
        assert_int_equal(answer.code, COUNTER_ERROR_SESSIONS);
        return;
    }
    assert_int_equal(answer.code, WIRE_OK);
    if (of->open) {
        assert_memory_equal(&answer.opened, &of->session, sizeof(of->session));
    } else {
        assert_int_equal(answer.opened.sequence, 0);
        *of = (struct model){ true, answer.opened, 0, 0 };
    }
}

static void random_add(unsigned owner, struct model *of)
{
    struct request request = { ADD, owner, 0, of->session, draw(1000) };
    bool again = of->session.sequence && draw(4) == 0;
    request.which.sequence += !again;
    request.amount = again ? of->amount : request.amount;
    struct answer answer = ask_until(&request);
    if (!of->open) {
        assert_int_equal(answer.code, COUNTER_ERROR_NO_SESSION);
        return;
    }
    assert_int_equal(answer.code, WIRE_OK);
    of->value += again ? 0 : request.amount;
    of->amount = request.amount;
    of->session.sequence = request.which.sequence;
    assert_int_equal(answer.count.value, of->value);
}

static void random_read(unsigned owner, const struct model *of)
{
    struct answer answer = ask_until(&(struct request){ READ, owner, 0, of->session, 0 });
    assert_int_equal(answer.code, of->open ? (uint32_t)WIRE_OK : COUNTER_ERROR_NO_SESSION);
    if (of->open) {
        assert_int_equal(answer.count.value, of->value);
        assert_int_equal(answer.count.sequence, of->session.sequence);
    }
}

static void random_close(unsigned owner, struct model *of)
{
    bool open = of->open;
    struct answer answer = ask_until(&(struct request){ CLOSE, owner, 0, of->session, 0 });
    assert_int_equal(answer.code, open ? (uint32_t)WIRE_OK : COUNTER_ERROR_NO_SESSION);
    of->open = false;
}

static void random_requests(void **state)
{
    (void)state;
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < RANDOM_RUNS; i++) {
        unsigned owner = 1 + (unsigned)draw(CLIENTS), name = (unsigned)draw(NAMES);
        struct model *of = &model[owner - 1][name];
        switch (draw(16)) {
        case 0: random_open(owner, name); break;
        case 1: random_close(owner, of); break;
        case 2:
        case 3: random_read(owner, of); break;
        default: random_add(owner, of);
        }
    }
    for (unsigned i = 0; i < CLIENTS * NAMES; i++) {
        random_read(1 + i / NAMES, &model[i / NAMES][i % NAMES]);
    }
}

// ---- damage -------------------------------------------------------------------------------------
// What a client finds: the counter as it was, or a refusal; never anything else.
static bool sound_or_refused(unsigned owner, uint64_t client, uint64_t session, uint64_t value)
{
    struct answer answer = ask(&(struct request){ .kind = OPEN, .owner = owner, .client = client });
    struct answer count = read_of(owner, session);
    if (answer.code == COUNTER_ERROR_DAMAGED && count.code == COUNTER_ERROR_DAMAGED) {
        return false;
    }
    assert_int_equal(answer.code, WIRE_OK);
    assert_int_equal(answer.opened.session, session);
    assert_int_equal(count.code, WIRE_OK);
    assert_int_equal(count.count.value, value);
    return true;
}

static void damage_is_refused(void **state)
{
    (void)state;
    uint64_t first = must_open(1, 7).session, second = must_open(RECORD_CLIENTS, 7).session;
    must_add(1, first, 1, 5, 5);
    must_add(RECORD_CLIENTS, second, 1, 6, 6);
    must_add(RECORD_CLIENTS, second, 2, 6, 12);
    unsigned char *good = malloc(BYTES);
    memcpy(good, memory, BYTES);
    unsigned refused = 0, partly = 0;
    for (size_t bit = 0; bit < BYTES * 8; bit++) {
        const char *reason = NULL;
        memcpy(memory, good, BYTES);
        memory[bit / 8] ^= (unsigned char)(1u << bit % 8);
        record = record_adopt(memory, BYTES, &reason);
        assert_true((record == NULL) == (reason != NULL));
        assert_true((record == NULL) == (bit / 8 < sizeof(struct record)));
        refused += !record;
        if (record) {
            bool one = sound_or_refused(1, 7, first, 5);
            bool other = sound_or_refused(RECORD_CLIENTS, 7, second, 12);
            assert_true(one || other);
            partly += !one || !other;
        }
    }
    assert_int_equal(refused, 8 * sizeof(struct record));
    // State, client and the value that counts, of each of the two.
    assert_int_equal(partly, 2u * 64 * 6);
    free(good);
}

// Where one of a client's sessions is damaged, it may be the one that is asked for: there is no new
// one.  Others go on.
static void damage_makes_no_new_session(void **state)
{
    (void)state;
    must_open(1, 7);
    uint64_t other = must_open(2, 7).session;
    record->places[0].client ^= 1;
    struct request request = { .kind = OPEN, .owner = 1, .client = 7 };
    assert_int_equal(ask(&request).code, COUNTER_ERROR_DAMAGED);
    must_add(2, other, 1, 1, 1);
    must_open(2, 8);
}

static void wrong_memory_is_refused(void **state)
{
    (void)state;
    const char *reason = NULL;
    uint64_t session = must_open(1, 7).session;
    assert_null(record_adopt(memory, sizeof(struct record), &reason));
    assert_non_null(reason);
    assert_null(record_adopt(memory, BYTES - 8, &reason));
    uint64_t version = record->version;
    record->version += 1ull << 32;
    assert_null(record_adopt(memory, BYTES, &reason));
    record->version = version;
    record->magic = 0;  // with a session in it this is not a new one
    assert_null(record_adopt(memory, BYTES, &reason));
    record->magic = RECORD_MAGIC;
    adopt();
    must_read(1, session, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_count_once),     TEST(open_again_is_the_same),
        TEST(nobody_has_anothers),     TEST(numbers_name_nothing_else),
        TEST(closed_is_gone),          TEST(shares_are_each_ones_own),
        TEST(places_wear_out),         TEST(ends_at_each_store),
        TEST(ends_while_made),         TEST(random_requests),
        TEST(damage_is_refused),       TEST(damage_makes_no_new_session),
        TEST(wrong_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
