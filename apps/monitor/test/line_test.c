// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The line editor, key by key, on a terminal of the test's own (screen.h).
#include "screen.h"

#include <setjmp.h>

#include <stdarg.h>

#include <cmocka.h>

#define UP     "\x1b[A"
#define DOWN   "\x1b[B"
#define RIGHT  "\x1b[C"
#define LEFT   "\x1b[D"
#define HOME   "\x1b[H"
#define END    "\x1b[F"
#define DELETE "\x1b[3~"

static const char *const words[] = { "kill", "list", "log", "logical", "restart", NULL };

static int setup(void **state)
{
    (void)state;
    screen_init(words);
    return 0;
}

// Type keys, none of which ends the line.
static void keys(const char *text)
{
    for (; *text; text++) {
        assert_int_equal(screen_type((uint8_t)*text), LINE_MORE);
    }
}

static void check(const char *wanted, size_t cursor)
{
    assert_string_equal(editor.text, wanted);
    assert_int_equal(editor.cursor, cursor);
}

// Type keys and the end of the line, which must be the wanted one.
static void enter(const char *text, const char *wanted)
{
    keys(text);
    assert_int_equal(screen_type('\r'), LINE_READY);
    assert_string_equal(editor.text, wanted);
    line_begin(&editor);
    screen_check();
}

static void test_plain(void **state)
{
    (void)state;
    enter("list", "list");
    assert_string_equal(screen.lines, "pith> list\n");
    enter("", "");
}

static void test_ends_of_lines(void **state)
{
    (void)state;
    assert_int_equal(screen_type('\n'), LINE_READY);
    line_begin(&editor);
    assert_int_equal(screen_type('\r'), LINE_READY);
    line_begin(&editor);
    assert_int_equal(screen_type('\n'), LINE_MORE);
    assert_int_equal(screen_type('\n'), LINE_READY);
    line_begin(&editor);
    assert_int_equal(screen_type('\x04'), LINE_ENDED);
}

static void test_cursor(void **state)
{
    (void)state;
    keys("abcd" LEFT LEFT "X");
    check("abXcd", 3);
    keys(RIGHT "Y");
    check("abXcYd", 5);
    keys(HOME "1" END "2");
    check("1abXcYd2", 8);
    keys("\x01"
         "a\x05"
         "e\x02\x02"
         "b\x06"
         "f");
    check("a1abXcYdb2fe", 11);
    keys(HOME LEFT LEFT "<" END RIGHT RIGHT ">");
    check("<a1abXcYdb2fe>", 14);
    keys("\x1b[1~(\x1b[4~)\x1b[7~[\x1b[8~]\x1bOH{\x1bOF}");
    check("{[(<a1abXcYdb2fe>)]}", 20);
}

static void test_removes(void **state)
{
    (void)state;
    keys("abcdef" LEFT LEFT "\x7f");
    check("abcef", 3);
    keys("\b" DELETE);
    check("abf", 2);
    keys("\x04");
    check("ab", 2);
    unsigned bells = screen.bells;
    keys(DELETE "\x04");
    assert_int_equal(screen.bells, bells + 2);
    keys("\x7f\x7f\x7f");
    check("", 0);
    assert_int_equal(screen.bells, bells + 3);
}

static void test_cuts(void **state)
{
    (void)state;
    keys("one two  three" LEFT LEFT "\x0b");
    check("one two  thr", 12);
    keys("\x17");
    check("one two  ", 9);
    keys("\x17");
    check("one ", 4);
    keys("two" LEFT "\x15");
    check("o", 0);
    keys(END "x y z\x1b[1;5D\x1b[1;5D>");
    check("ox >y z", 4);
    keys("\x1b[1;5C<\x1b"
         "b!\x1b"
         "f?");
    check("ox !>y<? z", 8);
}

static void test_cancel(void **state)
{
    (void)state;
    keys("some text\x03");
    check("", 0);
    assert_string_equal(screen.lines, "pith> some text^C\n");
    enter(UP, "");
}

static void test_clear(void **state)
{
    (void)state;
    keys("abc" LEFT "\x0c");
    check("abc", 2);
}

static void test_history(void **state)
{
    (void)state;
    enter("one", "one");
    enter("two", "two");
    enter("two", "two");
    enter("", "");
    keys("dra" UP);
    check("two", 3);
    keys(UP);
    check("one", 3);
    keys(UP);
    check("one", 3);
    keys(DOWN DOWN);
    check("dra", 3);
    keys(DOWN "ft\x10\x10\x0e\x0e");
    check("draft", 5);
    keys(UP UP);
    enter("!", "one!");
    enter(UP UP UP, "one");
}

static void test_history_is_bounded(void **state)
{
    (void)state;
    char text[16];
    for (unsigned i = 0; i < 3 * LINE_HISTORY; i++) {
        snprintf(text, sizeof(text), "line %u", i);
        enter(text, text);
    }
    for (unsigned i = 0; i < 2 * LINE_HISTORY; i++) {
        keys(UP);
    }
    snprintf(text, sizeof(text), "line %u", 2 * LINE_HISTORY);
    assert_string_equal(editor.text, text);
}

static void test_completion(void **state)
{
    (void)state;
    keys("k\t");
    check("kill ", 5);
    keys("\x15"
         "re\tx");
    check("restart x", 9);
    keys("\x15"
         "zz\t");
    check("zz", 2);
    keys("\x15"
         "l\t");
    check("l", 1);
    assert_int_equal(screen.rows, 0);
    keys("\t");
    assert_string_equal(screen.lines, "pith> l\nlist  log  logical\n");
    check("l", 1);
    keys("o\t");
    check("log", 3);
    keys("i\t");
    check("logical ", 8);
    keys("rest\t\x01"
         "k\t");
    check("kill logical restart ", 5);
}

static void test_long_lines(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LINE_BYTES + 50; i++) {
        assert_int_equal(screen_type((uint8_t)('a' + i % 26)), LINE_MORE);
    }
    assert_int_equal(editor.length, LINE_BYTES - 1);
    assert_int_equal(screen.bells, 51);
    for (unsigned i = 0; i < LINE_BYTES; i++) {
        keys(LEFT);
    }
    check(editor.text, 0);
    keys("\t" DELETE "A" END "\x7f"
         "Z");
    assert_int_equal(editor.text[0], 'A');
    assert_int_equal(editor.text[LINE_BYTES - 2], 'Z');
    keys("\x15");
    check("", 0);
}

// Keys that mean nothing, and sequences that do not end as they should.
static void test_odd_keys(void **state)
{
    (void)state;
    keys("a\x1b[5~\x1b[15;99;3;4;5~\x1b[?1;2c\x1bOP\x1b[M\x1bz\x1b[999999999999999999999A");
    check("a", 1);
    for (unsigned byte = 0x80; byte < 0x100; byte++) {
        assert_int_equal(screen_type((uint8_t)byte), LINE_MORE);
    }
    check("a", 1);
    keys("\x1b\x1b\x1b"
         "b\x1b["
         "\x05"
         "c\x1b[1;\x01"
         "b");
    check("bac", 1);
    assert_int_equal(screen_type('\x1b'), LINE_MORE);
    assert_int_equal(screen_type('['), LINE_MORE);
    assert_int_equal(screen_type('\r'), LINE_READY);
    assert_string_equal(editor.text, "bac");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_plain, setup),
        cmocka_unit_test_setup(test_ends_of_lines, setup),
        cmocka_unit_test_setup(test_cursor, setup),
        cmocka_unit_test_setup(test_removes, setup),
        cmocka_unit_test_setup(test_cuts, setup),
        cmocka_unit_test_setup(test_cancel, setup),
        cmocka_unit_test_setup(test_clear, setup),
        cmocka_unit_test_setup(test_history, setup),
        cmocka_unit_test_setup(test_history_is_bounded, setup),
        cmocka_unit_test_setup(test_completion, setup),
        cmocka_unit_test_setup(test_long_lines, setup),
        cmocka_unit_test_setup(test_odd_keys, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
