// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The lines of the log (lines.h).
#include "lines.h"

#include <stdatomic.h>

#define NUMBER_MOST (UINT64_MAX / 2)  // so that numbers never wrap
#define CHECK_BASIS 2166136261u       // FNV-1a
#define CHECK_PRIME 16777619u

static uint32_t check_add(uint32_t check, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check = (check ^ bytes[i]) * CHECK_PRIME;
    }
    return check;
}

static uint32_t line_check(const struct line *line)
{
    const uint64_t words[] = { line->number, line->writer, line->time, line->level, line->length };
    uint32_t check = check_add(CHECK_BASIS, (const uint8_t *)words, sizeof(words));
    return check_add(check, line->text, line->length);
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

// Take a record's line out of memory, once, and check the copy.
static bool record_get(const struct lines *lines, uint64_t index, struct line *line)
{
    struct lines_record *record = &lines->records[index];
    uint64_t mark = atomic_load_explicit(&record->mark, memory_order_acquire);
    *line = (struct line){
        mark - 1, record->writer, record->time, record->level, record->length, {}
    };
    if (mark == 0 || mark > NUMBER_MOST || line->number % lines->count != index ||
        line->level >= LINES_LEVELS || line->length > LINES_TEXT) {
        return false;
    }
    for (size_t i = 0; i < line->length; i++) {
        line->text[i] = record->text[i];
    }
    return record->check == line_check(line) && lines_text_good(line->text, line->length);
}

bool lines_adopt(struct lines *lines, void *memory, size_t bytes)
{
    struct line line;
    *lines = (struct lines){ .records = memory, .count = bytes / sizeof(struct lines_record) };
    for (uint64_t i = 0; i < lines->count; i++) {
        if (record_get(lines, i, &line)) {
            lines->next = line.number >= lines->next ? line.number + 1 : lines->next;
        } else {
            lines->refused += atomic_load_explicit(&lines->records[i].mark, memory_order_relaxed) !=
                              0;
        }
    }
    lines->oldest = lines->next > lines->count ? lines->next - lines->count : 0;
    return lines->count > 0;
}

static void record_put(struct lines_record *record, const struct line *line)
{
    atomic_store_explicit(&record->mark, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    record->writer = line->writer;
    record->time = line->time;
    record->check = line_check(line);
    record->level = line->level;
    record->length = line->length;
    for (size_t i = 0; i < line->length; i++) {
        record->text[i] = line->text[i];
    }
    atomic_store_explicit(&record->mark, line->number + 1, memory_order_release);
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

bool lines_find(const struct lines *lines, uint64_t from, unsigned least, struct line *line)
{
    for (uint64_t n = from > lines->oldest ? from : lines->oldest; n < lines->next; n++) {
        if (record_get(lines, n % lines->count, line) && line->number == n &&
            line->level >= least) {
            return true;
        }
    }
    return false;
}
