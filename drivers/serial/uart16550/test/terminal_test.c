// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Clients of a console: shares, turns, waiting, the reader.
#include "../terminal.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOKENS 8u

enum fate {
    UNUSED,
    WAITS,
    DONE,
    DRAINED,
    REFUSED,
    GIVEN
};

static struct callers {
    enum fate fate[TOKENS + 1];
    uint64_t kept;
    bool reader_gone;
    char given[TERMINAL_PIECE + 1];
} callers;

static struct terminal *terminal;
static bool all_passed;

static uint64_t keep(void *context)
{
    (void)context;
    if (callers.kept == TOKENS) {
        return 0;
    }
    callers.fate[++callers.kept] = WAITS;
    return callers.kept;
}

static void done(void *context, uint64_t token, bool drain)
{
    (void)context;
    assert_int_equal(callers.fate[token], WAITS);
    callers.fate[token] = drain ? DRAINED : DONE;
}

static void refuse(void *context, uint64_t token)
{
    (void)context;
    assert_int_equal(callers.fate[token], WAITS);
    callers.fate[token] = REFUSED;
}

static bool give(void *context, uint64_t token, const uint8_t *text, size_t count)
{
    (void)context;
    assert_int_equal(callers.fate[token], WAITS);
    callers.fate[token] = GIVEN;
    memcpy(callers.given, text, count);
    callers.given[count] = '\0';
    return !callers.reader_gone;
}

static const struct terminal_callers terminal_callers = { keep, done, refuse, give };

static bool passed(void *context, uint64_t stamp)
{
    (void)context;
    (void)stamp;
    return all_passed;
}

static int setup(void **state)
{
    (void)state;
    memset(&callers, 0, sizeof(callers));
    all_passed = true;
    terminal = calloc(1, sizeof(*terminal));
    terminal->callers = &terminal_callers;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(terminal);
    return 0;
}

static enum terminal_answer put(unsigned client, const char *text)
{
    return terminal_write(terminal, client, (const uint8_t *)text, strlen(text));
}

// Up to `most` bytes for the line.
static size_t line(char *text, size_t most)
{
    size_t count = 0;
    uint8_t byte;
    while (count < most && terminal_next(terminal, 1, &byte)) {
        text[count++] = (char)byte;
    }
    text[count] = '\0';
    return count;
}

static void check_line(const char *wanted)
{
    char text[4096];
    (void)line(text, sizeof(text) - 1);
    assert_string_equal(text, wanted);
}

static void type(const char *text)
{
    for (; *text; text++) {
        terminal_typed(terminal, (uint8_t)*text);
    }
}

// ---- output ------------------------------------------------------------------------------------

static void test_ends_of_lines(void **state)
{
    (void)state;
    assert_int_equal(put(3, "a\n\nb\r\n"), TERMINAL_DONE);
    assert_true(terminal_pending(terminal));
    check_line("a\r\n\r\nb\r\r\n");
    assert_false(terminal_pending(terminal));
    assert_int_equal(put(3, ""), TERMINAL_DONE);
    assert_false(terminal_pending(terminal));
}

static void test_turns(void **state)
{
    (void)state;
    assert_int_equal(put(1, "one one one\n"), TERMINAL_DONE);
    assert_int_equal(put(1, "ONE\n"), TERMINAL_DONE);
    assert_int_equal(put(2, "two\n"), TERMINAL_DONE);
    assert_int_equal(put(9, "nine\n"), TERMINAL_DONE);
    char text[8];
    (void)line(text, 4);
    assert_int_equal(put(5, "five\n"), TERMINAL_DONE);
    assert_string_equal(text, "one ");
    check_line("one one\r\ntwo\r\nfive\r\nnine\r\nONE\r\n");
}

// One that writes without end takes no more turns than others.
static void test_flood(void **state)
{
    (void)state;
    static const char flood[] = "flood\n";
    enum terminal_answer answer = TERMINAL_DONE;
    unsigned pieces = 0;
    while (answer == TERMINAL_DONE) {
        answer = put(1, flood);
        pieces++;
    }
    assert_int_equal(answer, TERMINAL_LATER);
    assert_in_range(pieces, TERMINAL_SHARE / sizeof(flood), TERMINAL_SHARE);
    assert_int_equal(put(2, "small\n"), TERMINAL_DONE);
    char text[16];
    (void)line(text, 14);
    assert_string_equal(text, "flood\r\nsmall\r\n");
}

static void test_waiting_write(void **state)
{
    (void)state;
    static char big[TERMINAL_PIECE + 1];
    char text[4096];
    memset(big, 'x', TERMINAL_PIECE);
    assert_int_equal(put(1, big), TERMINAL_DONE);
    assert_int_equal(put(1, big), TERMINAL_DONE);
    big[0] = 'y';
    assert_int_equal(put(1, big), TERMINAL_LATER);
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], WAITS);
    (void)line(text, TERMINAL_PIECE + 1);
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], DONE);
    assert_int_equal(line(text, sizeof(text) - 1), 2 * TERMINAL_PIECE - 1);
    assert_int_equal(text[TERMINAL_PIECE - 1], 'y');
}

// A dead incarnation's write waits; its successor's takes the place, in order behind what went
// before.
static void test_waits_once(void **state)
{
    (void)state;
    static char big[TERMINAL_PIECE + 1];
    memset(big, 'x', TERMINAL_PIECE);
    assert_int_equal(put(1, big), TERMINAL_DONE);
    assert_int_equal(put(1, big), TERMINAL_DONE);
    assert_int_equal(put(1, big), TERMINAL_LATER);
    assert_int_equal(put(1, "next"), TERMINAL_LATER);
    assert_int_equal(callers.fate[1], REFUSED);
    assert_int_equal(callers.fate[2], WAITS);
    char text[4096];
    (void)line(text, sizeof(text) - 1);
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[2], DONE);
    check_line("next");
}

static void test_no_place_to_wait(void **state)
{
    (void)state;
    static char big[TERMINAL_PIECE + 1];
    memset(big, 'x', TERMINAL_PIECE);
    for (unsigned client = 1; client <= TOKENS + 1; client++) {
        assert_int_equal(put(client, big), TERMINAL_DONE);
        assert_int_equal(put(client, big), TERMINAL_DONE);
        assert_int_equal(put(client, big), client <= TOKENS ? TERMINAL_LATER : TERMINAL_BUSY);
    }
    assert_int_equal(terminal_read(terminal, 1, (uint8_t *)big, &(size_t){ 0 }), TERMINAL_BUSY);
}

static void test_drain(void **state)
{
    (void)state;
    char text[64];
    all_passed = false;
    assert_int_equal(put(1, "abc"), TERMINAL_DONE);
    assert_int_equal(terminal_drain(terminal, 1), TERMINAL_LATER);
    terminal_settle(terminal, passed);
    (void)line(text, 2);
    all_passed = true;
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], WAITS);
    all_passed = false;
    (void)line(text, 9);
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], WAITS);
    all_passed = true;
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], DRAINED);
}

static void test_discard(void **state)
{
    (void)state;
    static char big[TERMINAL_PIECE + 1];
    char text[8];
    memset(big, 'x', TERMINAL_PIECE);
    assert_int_equal(put(1, big), TERMINAL_DONE);
    assert_int_equal(put(1, big), TERMINAL_DONE);
    assert_int_equal(put(1, "kept, as it still waits for a place"), TERMINAL_LATER);
    assert_int_equal(put(2, big), TERMINAL_DONE);
    assert_int_equal(terminal_drain(terminal, 2), TERMINAL_LATER);
    (void)line(text, 3);
    terminal_discard(terminal);
    assert_false(terminal_pending(terminal));
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], DONE);
    assert_int_equal(callers.fate[2], DRAINED);
    check_line("kept, as it still waits for a place");
}

// ---- input -------------------------------------------------------------------------------------

static void test_read(void **state)
{
    (void)state;
    uint8_t text[TERMINAL_PIECE];
    size_t count = 0;
    type("hello");
    assert_int_equal(terminal_read(terminal, 1, text, &count), TERMINAL_DONE);
    assert_int_equal(count, 5);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(terminal_read(terminal, 1, text, &count), TERMINAL_LATER);
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], WAITS);
    type("x");
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], GIVEN);
    assert_string_equal(callers.given, "x");
    terminal_settle(terminal, passed);
}

static void test_one_reader(void **state)
{
    (void)state;
    uint8_t text[TERMINAL_PIECE];
    size_t count = 0;
    assert_int_equal(terminal_read(terminal, 1, text, &count), TERMINAL_LATER);
    assert_int_equal(terminal_read(terminal, 2, text, &count), TERMINAL_BUSY);
    assert_int_equal(terminal_read(terminal, 1, text, &count), TERMINAL_LATER);
    assert_int_equal(callers.fate[1], REFUSED);
    type("x");
    assert_int_equal(terminal_read(terminal, 2, text, &count), TERMINAL_BUSY);
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[2], GIVEN);
}

// What a reader that has died was given goes to the next.
static void test_reader_gone(void **state)
{
    (void)state;
    uint8_t text[TERMINAL_PIECE];
    size_t count = 0;
    assert_int_equal(terminal_read(terminal, 1, text, &count), TERMINAL_LATER);
    callers.reader_gone = true;
    type("key");
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], GIVEN);
    assert_int_equal(terminal_read(terminal, 2, text, &count), TERMINAL_DONE);
    assert_int_equal(count, 3);
    assert_memory_equal(text, "key", 3);
}

static void test_typed_too_much(void **state)
{
    (void)state;
    uint8_t text[TERMINAL_PIECE];
    size_t count = 0, all = 0;
    for (unsigned i = 0; i < TERMINAL_TYPED + 10; i++) {
        terminal_typed(terminal, (uint8_t)i);
    }
    assert_int_equal(terminal->typed_lost, 10);
    while (terminal_read(terminal, 1, text, &count) == TERMINAL_DONE) {
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(text[i], (uint8_t)(all + i));
        }
        all += count;
    }
    assert_int_equal(all, TERMINAL_TYPED);
}

// ---- exchange ----------------------------------------------------------------------------------

static size_t exchange(unsigned client, const char *out, char *in, size_t most)
{
    uint8_t text[TERMINAL_PIECE];
    size_t count = strlen(out);
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length says where it ends
    memcpy(text, out, count);
    struct terminal_text give = { text, count }, get = { (uint8_t *)in, most };
    size_t taken = terminal_exchange(terminal, client, give, &get);
    in[get.count] = '\0';
    return taken;
}

static void test_exchange(void **state)
{
    (void)state;
    char in[TERMINAL_PIECE + 1];
    assert_int_equal(exchange(3, "a\nb\r\n", in, 0), 5);
    assert_string_equal(in, "");
    check_line("a\nb\r\n");
    assert_false(terminal_news(terminal));
    type("keys");
    assert_true(terminal_news(terminal));
    assert_false(terminal_news(terminal));
    type("!");
    assert_false(terminal_news(terminal));
    assert_int_equal(exchange(3, "", in, 3), 0);
    assert_string_equal(in, "key");
    assert_false(terminal_news(terminal));
    assert_int_equal(exchange(3, "", in, TERMINAL_PIECE), 0);
    assert_string_equal(in, "s!");
    type("x");
    assert_true(terminal_news(terminal));
}

// What has no room is not taken; who wrote it is told when half is free.
static void test_exchange_starves(void **state)
{
    (void)state;
    char text[TERMINAL_PIECE + 1], in[1], sent[TERMINAL_SHARE];
    size_t taken = 0, now;
    memset(text, 'x', TERMINAL_PIECE);
    text[TERMINAL_PIECE] = '\0';
    while ((now = exchange(3, text, in, 0)) == TERMINAL_PIECE) {
        taken += now;
    }
    taken += now;
    assert_int_equal(exchange(3, "y", in, 0), 0);
    assert_false(terminal_news(terminal));
    assert_int_equal(line(sent, TERMINAL_SHARE / 2 - 8), TERMINAL_SHARE / 2 - 8);
    assert_false(terminal_news(terminal));
    (void)line(sent, 8);
    assert_true(terminal_news(terminal));
    assert_false(terminal_news(terminal));
    assert_int_equal(exchange(3, "y", in, 0), 1);
    assert_int_equal(line(sent, sizeof(sent) - 1) + TERMINAL_SHARE / 2, taken + 1);
}

// Who waits for input in the old way has it first.
static void test_exchange_and_reader(void **state)
{
    (void)state;
    uint8_t text[TERMINAL_PIECE];
    char in[TERMINAL_PIECE + 1];
    size_t count = 0;
    assert_int_equal(terminal_read(terminal, 1, text, &count), TERMINAL_LATER);
    type("k");
    assert_false(terminal_news(terminal));
    (void)exchange(2, "", in, 10);
    assert_string_equal(in, "");
    terminal_settle(terminal, passed);
    assert_int_equal(callers.fate[1], GIVEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ends_of_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_place_to_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_discard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_typed_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_starves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_and_reader, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
