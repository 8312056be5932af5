// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A VT100 of one row for the line editor, and what must hold after every key: the row shows the
// prompt and the part of the line around the cursor, the cursor is where it belongs, and nothing
// went beyond the last column.
#pragma once

#include "../line.h"

#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#define PROMPT "pith> "

static struct screen {
    char row[LINE_COLUMNS + 1];
    size_t column;
    unsigned rows;  // ends of lines
    unsigned bells;
    char lines[4096];  // what rows that were left showed, an end of line behind each
    size_t lines_count;
} screen;

static const char *const *screen_candidates;  // NULL at their end
static struct line_editor editor;

__attribute__((noreturn)) static void screen_fail(const char *what)
{
    fprintf(stderr, "%s: row \"%s\", column %zu; line \"%s\", cursor %zu\n", what, screen.row,
            screen.column, editor.text, editor.cursor);
    abort();
}

static void screen_clear(void)
{
    memset(screen.row, ' ', LINE_COLUMNS);
    screen.row[LINE_COLUMNS] = '\0';
    screen.column = 0;
}

static void screen_end_row(void)
{
    size_t end = LINE_COLUMNS;
    while (end && screen.row[end - 1] == ' ') {
        end--;
    }
    if (screen.lines_count + end + 2 < sizeof(screen.lines)) {
        memcpy(&screen.lines[screen.lines_count], screen.row, end);
        screen.lines_count += end;
        screen.lines[screen.lines_count++] = '\n';
        screen.lines[screen.lines_count] = '\0';
    }
    screen.rows++;
    screen_clear();
}

// ESC [ number letter; gives its bytes.
static size_t screen_sequence(const char *text, size_t count)
{
    size_t at = 2, number = 0;
    for (; at < count && text[at] >= '0' && text[at] <= '9'; at++) {
        number = number * 10 + (size_t)(text[at] - '0');
    }
    char letter = '?';
    if (at < count && text[1] == '[') {
        letter = text[at];
    }
    if (letter == 'C') {
        screen.column += number;
    } else if (letter == 'K') {
        memset(&screen.row[screen.column], ' ', LINE_COLUMNS - screen.column);
    } else if (letter == 'J') {
        screen_clear();
    } else if (letter != 'H') {
        screen_fail("a sequence that the terminal does not know");
    }
    return at + 1;
}

static void screen_show(void *context, const char *text, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        if (text[i] == '\r') {
            screen.column = 0;
        } else if (text[i] == '\n') {
            screen_end_row();
        } else if (text[i] == '\a') {
            screen.bells++;
        } else if (text[i] == '\x1b' && i + 1 < count) {
            i += screen_sequence(&text[i], count - i) - 1;
        } else if (text[i] < ' ' || text[i] > '~' || screen.column >= LINE_COLUMNS) {
            screen_fail("a character that the terminal cannot show there");
        } else {
            screen.row[screen.column++] = text[i];
        }
    }
}

static const char *screen_candidate(void *context, const char *before, unsigned number)
{
    (void)context;
    (void)before;
    for (unsigned i = 0; screen_candidates && screen_candidates[i]; i++) {
        if (i == number) {
            return screen_candidates[i];
        }
    }
    return NULL;
}

static const struct line_host screen_host = { screen_show, screen_candidate };

static void screen_init(const char *const *candidates)
{
    memset(&screen, 0, sizeof(screen));
    memset(&editor, 0xa5, sizeof(editor));
    screen_candidates = candidates;
    screen_clear();
    line_init(&editor, &screen_host, NULL, PROMPT);
    line_begin(&editor);
}

// The row is what it must be.
static void screen_check(void)
{
    const size_t prompt = strlen(PROMPT), most = LINE_COLUMNS - 1 - prompt;
    size_t left = editor.length - editor.shown;
    size_t count = left < most ? left : most;
    if (editor.length >= LINE_BYTES || editor.text[editor.length] != '\0' ||
        strlen(editor.text) != editor.length || editor.cursor > editor.length ||
        editor.shown > editor.cursor || editor.cursor > editor.shown + most) {
        screen_fail("the line is not one");
    }
    if (memcmp(screen.row, PROMPT, prompt) != 0 ||
        memcmp(&screen.row[prompt], &editor.text[editor.shown], count) != 0 ||
        strspn(&screen.row[prompt + count], " ") != LINE_COLUMNS - prompt - count) {
        screen_fail("the row does not show the line");
    }
    if (screen.column != prompt + editor.cursor - editor.shown) {
        screen_fail("the cursor is elsewhere");
    }
}

// Type a byte; what must hold is checked where the line goes on.
static enum line_event screen_type(uint8_t byte)
{
    enum line_event event = line_feed(&editor, byte);
    if (event == LINE_MORE) {
        screen_check();
    }
    return event;
}
