// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The lines of the log, in memory that outlives who keeps them.  Makes no system call and runs on
// the development host; log.c calls it.
//
// The memory is an array of lines; line number n lies at n modulo their count.  A line is valid by
// one store, that of its mark, which is taken away before anything else of the line changes: so a
// keeper that ends between any two instructions leaves whole lines only.  Who adopts the memory
// believes nothing of it: each line is checked by itself, and one that is wrong is not there.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_TEXT   240u
#define LINES_LEVELS 4u

// A line as it is given and got.
struct line {
    uint64_t number;
    uint64_t writer;
    uint64_t time;  // nanoseconds since boot
    uint8_t level;
    uint8_t length;
    uint8_t text[LINES_TEXT];
};

// A line as it lies in memory, in words.
enum lines_word {
    LINES_MARK,  // number + 1; 0: there is none
    LINES_WRITER,
    LINES_TIME,
    LINES_SHAPE,  // check of all else (bits 32-63), level (8-15), length (0-7)
    LINES_TEXT_WORDS,
    LINES_WORDS = LINES_TEXT_WORDS + LINES_TEXT / 8,
};
struct lines_record {
    _Atomic uint64_t words[LINES_WORDS];
};
_Static_assert(sizeof(struct lines_record) == 272, "the layout outlives programs");

struct lines {
    struct lines_record *records;
    uint64_t count;         // of records
    uint64_t oldest, next;  // numbers of lines that may be there: oldest up to and without next
    uint64_t refused;       // records that were found wrong
};

// Adopt memory that an earlier keeper left, or zeroes.  False: there is room for no line.
bool lines_adopt(struct lines *lines, void *memory, size_t bytes);

// Add a line; its number is given by this.
void lines_add(struct lines *lines, struct line *line);

// The oldest line with a number of at least `from` and a level of at least `least`; false: none.
bool lines_find(const struct lines *lines, uint64_t from, unsigned least, struct line *line);

// Whether a text is one: no control characters.
bool lines_text_good(const uint8_t *text, size_t length);
