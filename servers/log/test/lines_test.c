// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The log's lines and credit, on a <stdatomic.h> by which the test can end an incarnation at each
// store.
#include "../lines.h"

#include "../credit.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#define RECORDS 4u
#define ENDLESS UINT32_MAX

static struct lines_record *memory;  // of exactly the size, so that the sanitizer guards its end
static struct lines lines;

// ---- stores ------------------------------------------------------------------------------------
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

void memory_fence(enum memory_order order)
{
    (void)order;
}

static int setup(void **state)
{
    (void)state;
    memory = calloc(RECORDS, sizeof(*memory));
    assert_true(lines_adopt(&lines, memory, RECORDS * sizeof(*memory)));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static struct line make(const char *text)
{
    struct line line = { .writer = 7, .time = 1000, .level = 1, .length = (uint8_t)strlen(text) };
    memcpy(line.text, text, strlen(text));
    return line;
}

static void add(const char *text)
{
    struct line line = make(text);
    lines_add(&lines, &line);
}

static void adopt(void)
{
    memset(&lines, 0xa5, sizeof(lines));
    assert_true(lines_adopt(&lines, memory, RECORDS * sizeof(*memory)));
}

// All lines that can be read, their texts with a blank behind each.
static const char *all(unsigned least)
{
    static char text[2048];
    struct line line;
    size_t count = 0;
    for (uint64_t from = 0; lines_find(&lines, from, least, &line); from = line.number + 1) {
        assert_true(line.number >= from);
        memcpy(&text[count], line.text, line.length);
        count += line.length;
        text[count++] = ' ';
    }
    text[count] = '\0';
    return text;
}

// ---- lines -------------------------------------------------------------------------------------

static void test_keeps_the_last(void **state)
{
    (void)state;
    static const char *const texts[] = { "a", "b", "c", "d", "e", "f" };
    assert_string_equal(all(0), "");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        add(texts[i]);
    }
    assert_string_equal(all(0), "c d e f ");
    assert_int_equal(lines.oldest, 2);
    assert_int_equal(lines.next, 6);
    adopt();
    assert_string_equal(all(0), "c d e f ");
    assert_int_equal(lines.oldest, 2);
    assert_int_equal(lines.next, 6);
    assert_int_equal(lines.refused, 0);
    add("g");
    assert_string_equal(all(0), "d e f g ");
}

static void test_levels(void **state)
{
    (void)state;
    for (uint8_t level = 0; level < LINES_LEVELS; level++) {
        struct line line = make("x");
        line.level = level;
        line.text[0] = (uint8_t)('0' + level);
        lines_add(&lines, &line);
    }
    assert_string_equal(all(0), "0 1 2 3 ");
    assert_string_equal(all(2), "2 3 ");
    assert_string_equal(all(4), "");
}

static void test_longest(void **state)
{
    (void)state;
    struct line line = { .length = LINES_TEXT }, found;
    memset(line.text, 'x', LINES_TEXT);
    for (unsigned i = 0; i < 2 * RECORDS; i++) {
        lines_add(&lines, &line);
    }
    adopt();
    assert_true(lines_find(&lines, 0, 0, &found));
    assert_int_equal(found.length, LINES_TEXT);
    assert_memory_equal(found.text, line.text, LINES_TEXT);
}

static void test_texts(void **state)
{
    (void)state;
    assert_true(lines_text_good((const uint8_t *)"\xc3\xa4 b~", 5));
    assert_true(lines_text_good((const uint8_t *)"", 0));
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t text = (uint8_t)byte;
        assert_int_equal(lines_text_good(&text, 1), byte >= 0x20 && byte != 0x7f);
    }
}

static void test_no_room(void **state)
{
    (void)state;
    assert_false(lines_adopt(&lines, memory, sizeof(*memory) - 1));
}

// ---- memory that somebody else has written -----------------------------------------------------

// Each single bit that is wrong loses the line that it is in, or nothing; never another line.
static void test_every_bit(void **state)
{
    (void)state;
    add("a");
    add("b");
    add("c");
    uint8_t *bytes = (uint8_t *)&memory[1];
    for (size_t bit = 0; bit < sizeof(*memory) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        adopt();
        bool unused = strcmp(all(0), "a b c ") == 0 && lines.refused == 0;
        assert_true(unused || (strcmp(all(0), "a c ") == 0 &&
                               lines.refused == (memory[1].words[LINES_MARK] != 0)));
        assert_int_equal(lines.next, 3);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    adopt();
    assert_string_equal(all(0), "a b c ");
}

static void test_garbage(void **state)
{
    (void)state;
    uint8_t *bytes = (uint8_t *)memory;
    srandom(1);
    for (unsigned round = 0; round < 1000; round++) {
        for (size_t i = 0; i < RECORDS * sizeof(*memory); i++) {
            bytes[i] = (uint8_t)random();
        }
        for (unsigned i = 0; i < RECORDS; i++) {  // so that no more is wrong than must be
            memory[i].words[LINES_MARK] = i + 1;
            memory[i].words[LINES_SHAPE] &= ~0xff00ull;
        }
        adopt();
        assert_string_equal(all(0), "");
        assert_int_equal(lines.refused, RECORDS);
        add("new");
        assert_string_equal(all(0), "new ");
    }
}

// ---- an end at every store ---------------------------------------------------------------------

// Add a line and end at a store of it, the first being number 0; false: it has fewer.
static bool add_and_end(uint32_t stores)
{
    stores_left = stores;
    if (setjmp(dead) == 0) {
        add("new, longer than the other");
        stores_left = ENDLESS;
        return false;
    }
    stores_left = ENDLESS;
    return true;
}

static void begin_full(void)
{
    memset(memory, 0, RECORDS * sizeof(*memory));
    adopt();
    add("oldest of all");
    for (unsigned i = 1; i < RECORDS; i++) {
        add("old");
    }
}

// An incarnation that ends at any store of a line leaves all lines but the one that it replaces,
// and that one whole or not at all.
static void test_ends(void **state)
{
    (void)state;
    uint32_t stores = 0;
    begin_full();
    while (add_and_end(stores)) {
        adopt();
        assert_int_equal(lines.refused, 0);
        assert_string_equal(all(0), stores ? "old old old " : "oldest of all old old old ");
        stores++;
        begin_full();
    }
    adopt();
    assert_string_equal(all(0), "old old old new, longer than the other ");
    assert_true(stores > LINES_TEXT_WORDS);
}

// ---- credit ------------------------------------------------------------------------------------

static void test_credit(void **state)
{
    (void)state;
    struct credit credit = { 0, 0 };
    uint64_t now = 5000000000ull;
    for (unsigned i = 0; i < CREDIT_BURST; i++) {
        assert_true(credit_use(&credit, now));
    }
    assert_false(credit_use(&credit, now));
    assert_false(credit_use(&credit, now + CREDIT_TIME - 1));
    assert_true(credit_use(&credit, now + CREDIT_TIME));
    assert_false(credit_use(&credit, now + CREDIT_TIME));
    assert_false(credit_use(&credit, now + 2 * CREDIT_TIME - 1));
    assert_true(credit_use(&credit, now + 2 * CREDIT_TIME));
    now += 1000ull * CREDIT_BURST * CREDIT_TIME;
    for (unsigned i = 0; i < CREDIT_BURST; i++) {
        assert_true(credit_use(&credit, now));
    }
    assert_false(credit_use(&credit, now));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keeps_the_last, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test(test_credit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
