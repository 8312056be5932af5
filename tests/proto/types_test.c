// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Generated code for every type of the language: what is put in comes out, and every kind of wrong
// message is refused, by server and client.
#include "types_check.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct types_scalars_args scalars = {
    .a = 255,
    .b = 65535,
    .c = UINT32_MAX,
    .d = UINT64_MAX,
    .e = INT8_MIN,
    .f = INT16_MIN,
    .g = INT32_MIN,
    .h = INT64_MIN,
    .i = true,
    .j = TYPES_COLOUR_BLUE,
};

static const struct types_arrays_args arrays = {
    .key = { 1, 2, 3, [15] = 16 },
    .text_count = 3,
    .text = "abc",
    .halves = { 1, 2, 0xffff },
    .longs_count = 1,
    .longs = { -1 },
    .ints_count = 3,
    .ints = { 7, 8, 9 },
    .last = 77,
};

// Words of a message of `arrays`: key 2, text 1 + 1, halves 1, longs 1 + 1, ints 1 + 2, last 1.
enum {
    TEXT_COUNT = 2,
    TEXT = 3,
    HALVES = 4,
    LONGS_COUNT = 5,
    INTS_COUNT = 7,
    ARRAYS_WORDS = 11
};

static struct wire_message scalars_message(void)
{
    struct wire_message message;
    assert_int_equal(types_scalars_put_args(&scalars, &message), WIRE_OK);
    return message;
}

static struct wire_message arrays_message(void)
{
    struct wire_message message;
    assert_int_equal(types_arrays_put_args(&arrays, &message), WIRE_OK);
    return message;
}

// As the kernel delivers it: what moved says so no longer, the badge came home.
static struct wire_message caps_message(void)
{
    const struct types_caps_args args = {
        .copied = 10, .given = 11, .n = 5, .mine = 12, .other = 13
    };
    struct wire_message message;
    assert_int_equal(types_caps_put_args(&args, &message), WIRE_OK);
    assert_int_equal(message.cap_count, 4);
    assert_int_equal(message.caps[1], 11 | CAP_MOVE);
    message.caps[1] = 21;
    message.caps[2] = 0xbad9e;
    message.home = 1u << 2;
    return message;
}

// ---- handlers ----------------------------------------------------------------------------------
struct served {
    unsigned calls;
    uint32_t code;  // that the handlers give
    struct types_scalars_args scalars;
    struct types_arrays_args arrays;
    struct types_caps_args caps;
    enum types_colour colour;  // of the answer
    uint32_t count;            // of the answer's text
};

static struct served *served_of(const struct wire_peer *peer)
{
    struct served *served = peer->context;
    served->calls++;
    return served;
}

static uint32_t serve_scalars(const struct wire_peer *peer, const struct types_scalars_args *args,
                              struct types_scalars_results *results)
{
    struct served *served = served_of(peer);
    served->scalars = *args;
    *results = (struct types_scalars_results){ args->a, args->b, args->c, args->d, args->e,
                                               args->f, args->g, args->h, args->i, served->colour };
    return served->code;
}

static uint32_t serve_arrays(const struct wire_peer *peer, const struct types_arrays_args *args,
                             struct types_arrays_results *results)
{
    struct served *served = served_of(peer);
    served->arrays = *args;
    results->text_count = served->count;
    results->last = args->last;
    return served->code;
}

static uint32_t serve_caps(const struct wire_peer *peer, const struct types_caps_args *args,
                           struct types_caps_results *results)
{
    struct served *served = served_of(peer);
    served->caps = *args;
    *results = (struct types_caps_results){ args->given, args->n, args->copied };
    return served->code;
}

static uint32_t serve_nothing(const struct wire_peer *peer)
{
    return served_of(peer)->code;
}

static uint32_t serve_later(const struct wire_peer *peer, const struct types_later_args *args,
                            struct types_later_results *results)
{
    results->number = args->number + 1;
    return served_of(peer)->code;
}

static const struct types_server server = {
    .scalars = serve_scalars,
    .arrays = serve_arrays,
    .caps = serve_caps,
    .nothing = serve_nothing,
    .later = serve_later,
};

static struct served fresh(void)
{
    return (struct served){ .colour = TYPES_COLOUR_GREEN, .count = 1 };
}

// Serve a request; gives the code of the answer.
static uint32_t serve(struct served *served, const struct wire_message *request,
                      struct wire_message *answer)
{
    struct wire_peer peer = { served, 9 };
    *answer = (struct wire_message){};
    assert_true(types_serve(&server, &peer, request, answer));
    assert_int_equal(answer->label & ~WIRE_METHOD_MASK, request->label & ~WIRE_METHOD_MASK);
    return (uint32_t)(answer->label & WIRE_METHOD_MASK);
}

// The server refuses the message with the code, says nothing else, and calls no handler.
static void refused(const struct wire_message *request, uint32_t code)
{
    struct served served = fresh();
    struct wire_message answer;
    assert_int_equal(serve(&served, request, &answer), code);
    assert_int_equal(answer.length, 0);
    assert_int_equal(answer.cap_count, 0);
    assert_int_equal(served.calls, 0);
}

// ---- what is right -----------------------------------------------------------------------------
static void test_scalars(void **state)
{
    (void)state;
    struct served served = fresh();
    struct wire_message answer, request = scalars_message();
    struct types_scalars_results results = {};
    assert_int_equal(serve(&served, &request, &answer), WIRE_OK);
    const struct types_scalars_args *got = &served.scalars;
    assert_int_equal(got->a, scalars.a);
    assert_int_equal(got->b, scalars.b);
    assert_int_equal(got->c, scalars.c);
    assert_true(got->d == scalars.d && got->h == scalars.h);
    assert_int_equal(got->e, scalars.e);
    assert_int_equal(got->f, scalars.f);
    assert_int_equal(got->g, scalars.g);
    assert_int_equal(got->i, scalars.i);
    assert_int_equal(got->j, scalars.j);
    assert_int_equal(types_scalars_answer(&answer, &results), WIRE_OK);
    assert_int_equal(results.e, scalars.e);
    assert_int_equal(results.j, TYPES_COLOUR_GREEN);
}

static void test_arrays(void **state)
{
    (void)state;
    struct served served = fresh();
    struct wire_message answer, request = arrays_message();
    assert_int_equal(request.length, ARRAYS_WORDS);
    assert_int_equal(serve(&served, &request, &answer), WIRE_OK);
    const struct types_arrays_args *got = &served.arrays;
    assert_memory_equal(got->key, arrays.key, sizeof arrays.key);
    assert_int_equal(got->text_count, 3);
    assert_memory_equal(got->text, arrays.text, 3);
    assert_memory_equal(got->halves, arrays.halves, sizeof arrays.halves);
    assert_int_equal(got->longs_count, 1);
    assert_true(got->longs[0] == -1);
    assert_int_equal(got->ints_count, 3);
    assert_memory_equal(got->ints, arrays.ints, sizeof arrays.ints);
    assert_int_equal(got->last, 77);
}

static void test_caps(void **state)
{
    (void)state;
    struct served served = fresh();
    struct wire_message answer, request = caps_message();
    assert_int_equal(serve(&served, &request, &answer), WIRE_OK);
    assert_int_equal(served.caps.copied, 10);
    assert_int_equal(served.caps.given, 21);
    assert_int_equal(served.caps.mine, 0xbad9e);
    assert_int_equal(served.caps.other, 13);
    assert_int_equal(answer.cap_count, 2);
    assert_int_equal(answer.caps[0], 21 | CAP_MOVE);
    assert_int_equal(answer.caps[1], 10);
}

static void test_longest(void **state)
{
    (void)state;
    struct types_longest_args args = { .data_count = 504 }, got;
    struct types_longest_results results = { .data = { [63] = 1 } }, back;
    struct wire_message message;
    memset(args.data, 0x5a, sizeof args.data);
    assert_int_equal(types_longest_put_args(&args, &message), WIRE_OK);
    assert_int_equal(message.length, MSG_MAX_WORDS);
    assert_int_equal(types_longest_get_args(&message, &got), WIRE_OK);
    assert_memory_equal(got.data, args.data, sizeof args.data);
    assert_int_equal(types_longest_put_results(TYPES_LABEL(0), &results, &message), WIRE_OK);
    assert_int_equal(types_longest_answer(&message, &back), WIRE_OK);
    assert_memory_equal(&back, &results, sizeof back);
}

// Of a server of any version, and nothing but it.
static void test_version(void **state)
{
    (void)state;
    struct served served = fresh();
    struct wire_message answer, request;
    struct types_version_results results = {};
    assert_int_equal(types_version_put_args(&request), WIRE_OK);
    assert_int_equal(serve(&served, &request, &answer), WIRE_OK);
    assert_int_equal(types_version_answer(&answer, &results), WIRE_OK);
    assert_int_equal(results.major, 2);
    assert_int_equal(results.minor, 3);
    request.label = WIRE_LABEL_OF(TYPES_PROTOCOL, 1, TYPES_METHOD_VERSION);
    assert_int_equal(serve(&served, &request, &answer), WIRE_OK);
    request.length = 1;
    refused(&request, WIRE_LENGTH);
}

// An answer that comes later is none yet.
static void test_later(void **state)
{
    (void)state;
    struct served served = fresh();
    struct wire_peer peer = { &served, 0 };
    struct wire_message answer, request;
    assert_int_equal(types_nothing_put_args(&request), WIRE_OK);
    served.code = WIRE_LATER;
    assert_false(types_serve(&server, &peer, &request, &answer));
    assert_int_equal(types_nothing_put_results(request.label & ~WIRE_METHOD_MASK, &answer),
                     WIRE_OK);
    assert_int_equal(types_nothing_answer(&answer), WIRE_OK);
}

// ---- what a server refuses ---------------------------------------------------------------------
static void test_labels(void **state)
{
    (void)state;
    const uint64_t good = TYPES_LABEL(TYPES_METHOD_NOTHING);
    const struct {
        uint64_t label;
        uint32_t code;
    } wrong[] = {
        { good ^ 1ull << WIRE_PROTOCOL_SHIFT, WIRE_LABEL },
        { good ^ 1ull << 47, WIRE_LABEL },
        { WIRE_LABEL_OF(TYPES_PROTOCOL, 1, TYPES_METHOD_NOTHING), WIRE_LABEL },
        { WIRE_LABEL_OF(TYPES_PROTOCOL, 3, TYPES_METHOD_NOTHING), WIRE_LABEL },
        { WIRE_LABEL_OF(TYPES_PROTOCOL ^ 1, 2, TYPES_METHOD_VERSION), WIRE_LABEL },
        { TYPES_LABEL(3), WIRE_METHOD },
        { TYPES_LABEL(0xffff), WIRE_METHOD },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        refused(&(struct wire_message){ .label = wrong[i].label }, wrong[i].code);
    }
}

static void test_no_handler(void **state)
{
    (void)state;
    struct types_longest_args args = { .data_count = 0 };
    struct wire_message request;
    assert_int_equal(types_longest_put_args(&args, &request), WIRE_OK);
    refused(&request, WIRE_METHOD);
}

// Of every length but the right one.
static void test_lengths(void **state)
{
    (void)state;
    struct wire_message good[] = { scalars_message(), arrays_message(), caps_message() };
    for (size_t i = 0; i < COUNT(good); i++) {
        unsigned right = good[i].length;
        for (unsigned length = 0; length <= TAG_LENGTH_MASK; length++) {
            good[i].length = length;
            if (length < right) {
                refused(&good[i], WIRE_LENGTH);
            } else if (length > right) {
                struct served served = fresh();
                struct wire_message answer;
                assert_int_equal(serve(&served, &good[i], &answer), WIRE_LENGTH);
            }
        }
    }
}

static void test_cap_counts(void **state)
{
    (void)state;
    struct wire_message caps = caps_message(), none = scalars_message();
    for (caps.cap_count = 0; caps.cap_count < 4; caps.cap_count++) {
        refused(&caps, WIRE_CAPS);
    }
    for (caps.cap_count = 5; caps.cap_count < 8; caps.cap_count++) {
        refused(&caps, WIRE_CAPS);
    }
    none.cap_count = 1;
    refused(&none, WIRE_CAPS);
}

// Capabilities that came home where none may, or did not where one must.
static void test_homes(void **state)
{
    (void)state;
    struct wire_message caps = caps_message();
    for (unsigned home = 0; home < 16; home++) {
        caps.home = home;
        if (home != 1u << 2) {
            refused(&caps, WIRE_CAPS);
        }
    }
}

struct wrong_word {
    unsigned word;
    uint64_t value;
};

static void test_scalar_values(void **state)
{
    (void)state;
    const struct wrong_word wrong[] = {
        { 0, 256 },
        { 1, 65536 },
        { 2, 1ull << 32 },
        { 4, 128 },
        { 4, (uint64_t)-129 },
        { 4, 0xff },
        { 5, 1 << 15 },
        { 5, (uint64_t) - (1 << 15) - 1 },
        { 6, 1ull << 31 },
        { 6, 0xffffffff },
        { 8, 2 },
        { 8, 1ull << 63 },
        { 9, 0 },
        { 9, 3 },
        { 9, 1ull << 32 | TYPES_COLOUR_RED },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct wire_message message = scalars_message();
        message.words[wrong[i].word] = wrong[i].value;
        refused(&message, WIRE_VALUE);
    }
}

// Counts beyond the bound, and padding that is not zero.
static void test_array_values(void **state)
{
    (void)state;
    const struct wrong_word wrong[] = {
        { TEXT_COUNT, TYPES_MOST + 1 },
        { TEXT_COUNT, UINT64_MAX },
        { TEXT_COUNT, 1ull << 32 | 3 },
        { TEXT, 1ull << 24 | 0x636261 },
        { HALVES, 1ull << 63 },
        { LONGS_COUNT, 3 },
        { LONGS_COUNT, 1ull << 61 },
        { INTS_COUNT, 4 },
        { INTS_COUNT + 2, 1ull << 32 | 9 },
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct wire_message message = arrays_message();
        message.words[wrong[i].word] = wrong[i].value;
        refused(&message, WIRE_VALUE);
    }
}

// ---- what a handler may not answer -------------------------------------------------------------
static void test_handler_codes(void **state)
{
    (void)state;
    const struct {
        uint32_t code, answer, later;  // of a method of 2.0, of one of 2.2
    } codes[] = {
        { TYPES_ERROR_ODD, TYPES_ERROR_ODD, TYPES_ERROR_ODD },
        { TYPES_ERROR_NEWER, WIRE_SERVER, TYPES_ERROR_NEWER },
        { WIRE_OWN + 3, WIRE_SERVER, WIRE_SERVER },
        { WIRE_VALUE, WIRE_SERVER, WIRE_SERVER },
        { WIRE_KERNEL, WIRE_SERVER, WIRE_SERVER },
        { 1u << 16, WIRE_SERVER, WIRE_SERVER },
    };
    struct served served = fresh();
    struct wire_message answer, request, later;
    assert_int_equal(types_nothing_put_args(&request), WIRE_OK);
    assert_int_equal(types_later_put_args(&(struct types_later_args){ 1 }, &later), WIRE_OK);
    for (size_t i = 0; i < COUNT(codes); i++) {
        served.code = codes[i].code;
        assert_int_equal(serve(&served, &request, &answer), codes[i].answer);
        assert_int_equal(serve(&served, &later, &answer), codes[i].later);
    }
}

// Results that cannot be sent are the server's mistake, and none of them goes out.
static void test_handler_results(void **state)
{
    (void)state;
    struct served served = fresh();
    struct wire_message answer, request = scalars_message();
    served.colour = (enum types_colour)3;
    assert_int_equal(serve(&served, &request, &answer), WIRE_SERVER);
    assert_int_equal(answer.length, 0);
    request = arrays_message();
    served.count = TYPES_MOST + 1;
    assert_int_equal(serve(&served, &request, &answer), WIRE_SERVER);
    assert_int_equal(answer.length, 0);
    request = caps_message();
    request.caps[0] = 0;
    assert_int_equal(serve(&served, &request, &answer), WIRE_SERVER);
    assert_int_equal(answer.cap_count, 0);
}

// ---- what a client refuses ---------------------------------------------------------------------
static void test_wrong_arguments(void **state)
{
    (void)state;
    struct wire_message message;
    struct types_scalars_args bad_scalars = scalars;
    struct types_arrays_args bad_arrays = arrays;
    bad_scalars.j = (enum types_colour)0;
    assert_int_equal(types_scalars_put_args(&bad_scalars, &message), WIRE_VALUE);
    bad_arrays.ints_count = 4;
    assert_int_equal(types_arrays_put_args(&bad_arrays, &message), WIRE_VALUE);
    struct types_caps_args bad_caps = { .copied = 1, .given = 2, .mine = 3, .other = 0 };
    assert_int_equal(types_caps_put_args(&bad_caps, &message), WIRE_CAPS);
    bad_caps.other = CAP_MOVE | 1;
    assert_int_equal(types_caps_put_args(&bad_caps, &message), WIRE_CAPS);
}

static uint32_t later_answer(const struct wire_message *message)
{
    struct types_later_results results = {};
    return types_later_answer(message, &results);
}

static void test_wrong_answers(void **state)
{
    (void)state;
    struct wire_message good;
    struct types_later_results results = { 1 };
    assert_int_equal(types_later_put_results(TYPES_LABEL(0), &results, &good), WIRE_OK);
    assert_int_equal(later_answer(&good), WIRE_OK);
    struct wire_message wrong = good;
    for (unsigned bit = WIRE_MAJOR_SHIFT; bit < 48; bit++) {
        wrong.label = good.label ^ 1ull << bit;
        assert_int_equal(later_answer(&wrong), WIRE_ANSWER);
    }
    wrong = good;
    wrong.length = 0;
    assert_int_equal(later_answer(&wrong), WIRE_ANSWER);
    wrong.length = 2;
    assert_int_equal(later_answer(&wrong), WIRE_ANSWER);
    wrong = good;
    wrong.cap_count = 1;
    assert_int_equal(later_answer(&wrong), WIRE_ANSWER);
}

// Codes: those of every protocol and the method's own, without words and capabilities.
static void test_answer_codes(void **state)
{
    (void)state;
    for (uint32_t code = 1; code <= WIRE_METHOD_MASK; code++) {
        struct wire_message answer = { .label = TYPES_LABEL(code) };
        bool all = code < WIRE_CODES || code == TYPES_ERROR_ODD;
        assert_int_equal(types_nothing_answer(&answer), all ? code : WIRE_ANSWER);
        bool late = all || code == TYPES_ERROR_NEWER;
        assert_int_equal(later_answer(&answer), late ? code : WIRE_ANSWER);
        answer.length = 1;
        assert_int_equal(later_answer(&answer), WIRE_ANSWER);
        answer.length = 0;
        answer.cap_count = 1;
        assert_int_equal(later_answer(&answer), WIRE_ANSWER);
    }
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(types_error_text(TYPES_ERROR_ODD), "the number is odd");
    assert_string_equal(types_error_text(WIRE_LENGTH), wire_code_text(WIRE_LENGTH));
    assert_string_equal(wire_code_text(WIRE_LENGTH), "the message is of the wrong length");
    for (uint32_t code = 0; code <= WIRE_METHOD_MASK; code++) {
        assert_non_null(types_error_text(code));
    }
    assert_string_equal(types_colour_text(TYPES_COLOUR_BLUE), "blue");
    assert_null(types_colour_text(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_no_handler),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_cap_counts),
        cmocka_unit_test(test_homes),
        cmocka_unit_test(test_scalar_values),
        cmocka_unit_test(test_array_values),
        cmocka_unit_test(test_handler_codes),
        cmocka_unit_test(test_handler_results),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_answer_codes),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
