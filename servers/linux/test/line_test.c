// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the line discipline: what is read and what is shown for what was typed, as Linux has it.
#include "../line.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>

#include <cmocka.h>

static struct line line;

static int setup(void **state)
{
    (void)state;
    line_init(&line);
    return 0;
}

static unsigned type_bytes(const char *text, size_t bytes)
{
    unsigned signal = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned now = line_type(&line, (uint8_t)text[i]);
        signal = now ? now : signal;
    }
    return signal;
}

static unsigned type(const char *text)
{
    return type_bytes(text, strlen(text));
}

static void write_text(const char *text)
{
    line_write(&line, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void shows(const char *wanted)
{
    char text[LINE_OUTPUT + 1];
    uint32_t bytes = line_take(&line, (uint8_t *)text, LINE_OUTPUT);
    text[bytes] = '\0';
    assert_string_equal(text, wanted);
}

static void reads(const char *wanted)
{
    char text[LINE_INPUT + 1];
    bool ended;
    uint32_t bytes = line_read(&line, (uint8_t *)text, LINE_INPUT, &ended);
    text[bytes] = '\0';
    assert_string_equal(text, wanted);
}

static void set_local(uint32_t on, uint32_t off)
{
    struct termios to = line.set;
    to.local = (to.local | on) & ~off;
    line_set(&line, &to);
}

// ---- lines -------------------------------------------------------------------------------------

static void test_line(void **state)
{
    (void)state;
    assert_int_equal(type("ab"), 0);
    assert_false(line_has(&line));
    assert_int_equal(line_readable(&line), 0);
    assert_int_equal(type("c\rsecond\nrest"), 0);
    assert_int_equal(line_readable(&line), 11);
    shows("abc\r\nsecond\r\nrest");
    reads("abc\n");
    reads("second\n");
    assert_false(line_has(&line));
}

static void test_short_reads(void **state)
{
    (void)state;
    uint8_t text[8];
    bool ended;
    type("abcd\n");
    assert_int_equal(line_read(&line, text, 3, &ended), 3);
    assert_false(ended);
    assert_int_equal(line_read(&line, text, 3, &ended), 2);
    assert_true(ended);
    assert_memory_equal(text, "d\n", 2);
}

static void test_end_of_file(void **state)
{
    (void)state;
    uint8_t text[8];
    bool ended;
    type("\x04");
    assert_true(line_has(&line));
    assert_int_equal(line_readable(&line), 0);
    reads("");
    assert_false(line_has(&line));
    type("ab\x04");
    shows("ab");
    reads("ab");
    assert_false(line_has(&line));
    // Behind the last byte that fits it belongs to this read.
    type("ab\x04");
    assert_int_equal(line_read(&line, text, 2, &ended), 2);
    assert_false(line_has(&line));
    // A zero byte that was typed is none.
    assert_int_equal(type_bytes("a\0b\n", 4), 0);
    assert_int_equal(line_readable(&line), 4);
}

static void test_other_ends(void **state)
{
    (void)state;
    line.set.is[VEOL] = ';';
    line.set.is[VEOL2] = '!';
    type("a;b!c\n");
    reads("a;");
    reads("b!");
    reads("c\n");
}

// ---- editing -----------------------------------------------------------------------------------

static void test_erase(void **state)
{
    (void)state;
    type("ab\x7f"
         "c\n");
    shows("ab\b \bc\r\n");
    reads("ac\n");
    type("\x7f\n");  // nothing there
    shows("\r\n");
    reads("\n");
    type("x\n\x7f\n");  // a line that is complete stays
    reads("x\n");
    reads("\n");
}

static void test_erase_shown(void **state)
{
    (void)state;
    type("\x01\x7f");
    shows("^A\b \b\b \b");
    set_local(0, ECHOE);
    type("a\x7f");
    shows("a^?");
    set_local(0, ECHO);
    type("a\x7f");
    shows("");
}

static void test_erase_utf8(void **state)
{
    (void)state;
    type("a\xc3\xa9\x7f"
         "b\n");
    shows("a\xc3\xa9\b \bb\r\n");
    reads("ab\n");
    line.set.input &= ~IUTF8;
    type("a\xc3\xa9\x7f\x7f"
         "b\n");
    reads("ab\n");
}

static void test_erase_tab(void **state)
{
    (void)state;
    write_text("$ ");  // the prompt counts
    shows("$ ");
    type("abc\t\x7f");
    shows("abc\t\b\b\b");
    type("\t\t\x7f\x7f");
    shows("\t\t\b\b\b\b\b\b\b\b\b\b\b");
}

static void test_words(void **state)
{
    (void)state;
    type("one two-three  \x17");
    reads("");
    shows("one two-three  \b \b\b \b\b \b\b \b\b \b\b \b\b \b");
    type("\x17\n");
    reads("one \n");
}

static void test_kill(void **state)
{
    (void)state;
    type("abc\x15"
         "d\n");
    shows("abc\b \b\b \b\b \bd\r\n");
    reads("d\n");
    set_local(0, ECHOKE);
    type("abc\x15"
         "d\n");
    shows("abc^U\r\nd\r\n");
    reads("d\n");
    set_local(0, ECHO);
    type("abc\x15"
         "d\n");
    shows("");
    reads("d\n");
}

static void test_literal_and_reprint(void **state)
{
    (void)state;
    assert_int_equal(type("\x16\x03\x16\x7f\n"), 0);
    shows("^\b^C^\b^?\r\n");
    reads("\x03\x7f\n");
    type("ab\x12");
    shows("ab^R\r\nab");
}

// ---- signals, flow -----------------------------------------------------------------------------

static void test_signals(void **state)
{
    (void)state;
    type("lost");
    write_text("lost too");
    assert_int_equal(type("\x03"), SIGINT);
    shows("^C");
    assert_false(line_has(&line));
    assert_int_equal(type("\x1c"), SIGQUIT);
    assert_int_equal(type("\x1a"), SIGTSTP);
    shows("^Z");  // each flushes what was shown before
    set_local(NOFLSH, 0);
    type("kept");
    assert_int_equal(type("\x03"), SIGINT);
    type("\n");
    reads("kept\n");
    set_local(0, ISIG);
    assert_int_equal(type("\x03\n"), 0);
    reads("\x03\n");
}

static void test_flow(void **state)
{
    (void)state;
    type("\x13");
    write_text("held");
    shows("");
    assert_int_equal(line_pending(&line), 4);
    type("a");  // only VSTART lets go
    shows("");
    type("\x11");
    shows("helda");
    line.set.input |= IXANY;
    type("\x13"
         "b");
    shows("b");
    type("\x13");
    line.set.input &= ~IXON;
    line_set(&line, &(struct termios){ .local = ISIG });
    write_text("free");
    shows("free");
}

// ---- modes -------------------------------------------------------------------------------------

static void test_raw(void **state)
{
    (void)state;
    type("typed");
    set_local(0, ICANON | ECHO | ISIG | IEXTEN);
    assert_int_equal(line_readable(&line), 5);  // what was no line yet
    assert_int_equal(type("\x03\x04\x7f\x16"), 0);
    reads("typed\x03\x04\x7f\x16");
    shows("typed");
    type("more");
    set_local(ICANON, 0);
    assert_true(line_has(&line));
    reads("more");
    type("x\n");
    reads("x\n");
}

static void test_newlines(void **state)
{
    (void)state;
    line.set.input = IGNCR;
    type("a\r\n");
    reads("a\n");
    line.set.input = INLCR;
    line.set.is[VEOL] = '\r';
    type("a\n");
    reads("a\r");
    line.set.input = ISTRIP;
    type("\xe1\n");
    reads("a\n");
    set_local(ECHONL, ECHO);
    shows("a\r\na^Ma\r\n");
    type("secret\n");
    shows("\r\n");
}

static void test_output(void **state)
{
    (void)state;
    write_text("a\n\tb\rc");
    shows("a\r\n\tb\rc");
    line.set.output = OPOST | XTABS;
    write_text("\rab\tc\n");
    shows("\rab      c\n");
    line.set.output = OPOST | OCRNL;
    write_text("a\r");
    shows("a\n");
    line.set.output = OPOST | ONOCR;
    line.column = 0;
    write_text("\ra\r");
    shows("a\r");
    line.set.output = 0;
    write_text("a\n\t");
    shows("a\n\t");
}

// ---- bounds ------------------------------------------------------------------------------------

static void test_long_line(void **state)
{
    (void)state;
    char text[2 * LINE_INPUT];
    memset(text, 'x', sizeof(text));
    type_bytes(text, sizeof(text));
    assert_int_equal(line_room(&line), 1);
    assert_false(line_has(&line));
    type("\n");
    assert_int_equal(line_room(&line), 0);
    assert_int_equal(line_readable(&line), LINE_INPUT);
    bool ended;
    uint8_t got[LINE_INPUT];
    assert_int_equal(line_read(&line, got, LINE_INPUT, &ended), LINE_INPUT);
    assert_true(ended && got[LINE_INPUT - 1] == '\n');
    assert_int_equal(line_room(&line), LINE_INPUT);
}

static void test_output_room(void **state)
{
    (void)state;
    uint32_t room = line_write_room(&line), written = 0;
    assert_int_equal(room, (LINE_OUTPUT - LINE_ECHO) / 2);
    while (line_write_room(&line)) {
        write_text("\n");
        written += 2;
    }
    assert_int_equal(line_pending(&line), written);
    type("echo");
    assert_int_equal(line_pending(&line), written + 4);
    for (int i = 0; i < 1000; i++) {
        type("lost\n");
    }
    assert_int_equal(line_pending(&line), LINE_OUTPUT);
}

// Any bytes in any mode: nothing is read or shown that there is no place for.
static void test_random(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint8_t byte = (uint8_t)(seed >> 56), text[300];
        bool ended;
        if (seed >> 40 & 7) {
            (void)line_type(&line, byte);
        } else if (seed >> 43 & 1) {
            (void)line_read(&line, text, (uint32_t)(seed >> 44) % 300, &ended);
            (void)line_take(&line, text, 300);
        } else if ((seed >> 44 & 31) == 0) {
            struct termios to = line.set;
            to.input = (uint32_t)(seed >> 20) & 0x7fff;
            to.output = (uint32_t)(seed >> 10) & 0x183f;
            to.local = (uint32_t)(seed >> 5) & 0x8fff;
            line_set(&line, &to);
        }
        assert_true(line.end - line.begin <= LINE_INPUT);
        assert_true(line.complete - line.begin <= line.end - line.begin ||
                    !(line.set.local & ICANON));
        assert_true(line_pending(&line) <= LINE_OUTPUT);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_line, setup),
        cmocka_unit_test_setup(test_short_reads, setup),
        cmocka_unit_test_setup(test_end_of_file, setup),
        cmocka_unit_test_setup(test_other_ends, setup),
        cmocka_unit_test_setup(test_erase, setup),
        cmocka_unit_test_setup(test_erase_shown, setup),
        cmocka_unit_test_setup(test_erase_utf8, setup),
        cmocka_unit_test_setup(test_erase_tab, setup),
        cmocka_unit_test_setup(test_words, setup),
        cmocka_unit_test_setup(test_kill, setup),
        cmocka_unit_test_setup(test_literal_and_reprint, setup),
        cmocka_unit_test_setup(test_signals, setup),
        cmocka_unit_test_setup(test_flow, setup),
        cmocka_unit_test_setup(test_raw, setup),
        cmocka_unit_test_setup(test_newlines, setup),
        cmocka_unit_test_setup(test_output, setup),
        cmocka_unit_test_setup(test_long_line, setup),
        cmocka_unit_test_setup(test_output_room, setup),
        cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
