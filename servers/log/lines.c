// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The lines of the log (lines.h).
#include "lines.h"

#include <stdatomic.h>

#define SHAPE_LEVEL 8
#define SHAPE_CHECK 32
#define NUMBER_MOST (UINT64_MAX / 2)  // so that numbers never wrap
#define CHECK_BASIS 2166136261u       // FNV-1a
#define CHECK_PRIME 16777619u

static uint32_t check_byte(uint32_t check, uint64_t byte)
{
    return (check ^ (uint8_t)byte) * CHECK_PRIME;
}

static uint32_t check_word(uint32_t check, uint64_t word)
{
    for (unsigned i = 0; i < sizeof(word); i++) {
        check = check_byte(check, word >> i * 8);
    }
    return check;
}

// Length, level and check of a line, as its shape has them.
static uint64_t line_shape(const struct line *line)
{
    uint64_t shape = line->length | (uint64_t)line->level << SHAPE_LEVEL;
    uint32_t check = check_word(check_word(CHECK_BASIS, line->number), line->writer);
    check = check_word(check_word(check, line->time), shape);
    for (unsigned i = 0; i < line->length; i++) {
        check = check_byte(check, line->text[i]);
    }
    return shape | (uint64_t)check << SHAPE_CHECK;
}

bool lines_text_good(const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static uint64_t word_load(const struct lines_record *record, unsigned word)
{
    return atomic_load_explicit(&record->words[word], memory_order_relaxed);
}

static void word_store(struct lines_record *record, unsigned word, uint64_t value)
{
    atomic_store_explicit(&record->words[word], value, memory_order_relaxed);
}

// ---- records -----------------------------------------------------------------------------------

static void record_text_get(const struct lines_record *record, struct line *line)
{
    for (unsigned i = 0; i < line->length; i++) {
        uint64_t word = word_load(record, LINES_TEXT_WORDS + i / sizeof(uint64_t));
        line->text[i] = (uint8_t)(word >> i % sizeof(uint64_t) * 8);
    }
}

// Take a record's line out of memory, once, and check the copy.
static bool record_get(const struct lines *lines, uint64_t index, struct line *line)
{
    const struct lines_record *record = &lines->records[index];
    uint64_t mark = atomic_load_explicit(&record->words[LINES_MARK], memory_order_acquire);
    uint64_t shape = word_load(record, LINES_SHAPE);
    *line = (struct line){ .number = mark - 1,
                           .writer = word_load(record, LINES_WRITER),
                           .time = word_load(record, LINES_TIME),
                           .level = (uint8_t)(shape >> SHAPE_LEVEL),
                           .length = (uint8_t)shape };
    if (mark == 0 || mark > NUMBER_MOST || line->number % lines->count != index ||
        line->level >= LINES_LEVELS || line->length > LINES_TEXT) {
        return false;
    }
    record_text_get(record, line);
    return line_shape(line) == shape && lines_text_good(line->text, line->length);
}

static void record_text_put(struct lines_record *record, const struct line *line)
{
    for (unsigned i = 0; i < line->length; i += (unsigned)sizeof(uint64_t)) {
        uint64_t word = 0;
        for (unsigned j = 0; j < sizeof(uint64_t) && i + j < line->length; j++) {
            word |= (uint64_t)line->text[i + j] << j * 8;
        }
        word_store(record, LINES_TEXT_WORDS + i / (unsigned)sizeof(uint64_t), word);
    }
}

// The mark goes before anything else changes and comes back when all has changed.
static void record_put(struct lines_record *record, const struct line *line)
{
    word_store(record, LINES_MARK, 0);
    atomic_thread_fence(memory_order_release);
    word_store(record, LINES_WRITER, line->writer);
    word_store(record, LINES_TIME, line->time);
    word_store(record, LINES_SHAPE, line_shape(line));
    record_text_put(record, line);
    atomic_store_explicit(&record->words[LINES_MARK], line->number + 1, memory_order_release);
}

bool lines_adopt(struct lines *lines, void *memory, size_t bytes)
{
    struct line line;
    *lines = (struct lines){ .records = memory, .count = bytes / sizeof(struct lines_record) };
    for (uint64_t i = 0; i < lines->count; i++) {
        if (record_get(lines, i, &line)) {
            lines->next = line.number >= lines->next ? line.number + 1 : lines->next;
        } else {
            lines->refused += word_load(&lines->records[i], LINES_MARK) != 0;
        }
    }
    lines->oldest = lines->next > lines->count ? lines->next - lines->count : 0;
    return lines->count > 0;
}

void lines_add(struct lines *lines, struct line *line)
{
    line->number = lines->next;
    record_put(&lines->records[line->number % lines->count], line);
    lines->next++;
    if (lines->next - lines->oldest > lines->count) {
        lines->oldest++;
    }
}

// Whether a record says to have a level of at least `least`: what most are passed over by, before
// they are checked.
static bool record_level(const struct lines *lines, uint64_t number, unsigned least)
{
    uint64_t shape = word_load(&lines->records[number % lines->count], LINES_SHAPE);
    return (uint8_t)(shape >> SHAPE_LEVEL) >= least;
}

bool lines_find(const struct lines *lines, uint64_t from, unsigned least, struct line *line)
{
    for (uint64_t n = from > lines->oldest ? from : lines->oldest; n < lines->next; n++) {
        if (record_level(lines, n, least) && record_get(lines, n % lines->count, line) &&
            line->number == n && line->level >= least) {
            return true;
        }
    }
    return false;
}
