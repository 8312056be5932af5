// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A line editor for a VT100: what was typed goes in byte by byte, what the terminal is to show
// comes out.  Makes no system call, allocates nothing and runs on the development host; monitor.c
// calls it.
//
// Any bytes may come in.  A line longer than the terminal is wide is shown in part, moved sideways;
// so the editor needs one row, and every change repaints no more than that.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES   256u  // of a line, with the zero at its end
#define LINE_HISTORY 32u   // lines that are remembered
#define LINE_COLUMNS 80u   // of the terminal
#define LINE_PROMPT  16u   // bytes of the prompt, at most

struct line_editor;

struct line_host {
    // Show bytes; at most LINE_COLUMNS * 2 at once unless they are candidates.
    void (*show)(void *context, const char *text, size_t count);
    // The candidates for the word at hand, by number from 0 on, NULL at their end.  `before` is the
    // line in front of the word.
    const char *(*candidate)(void *context, const char *before, unsigned number);
};

enum line_event {
    LINE_MORE,   // nothing to be done
    LINE_READY,  // line->text is a line
    LINE_ENDED,  // control-D in an empty line
};

enum line_key_state {
    LINE_PLAIN,
    LINE_ESCAPE,
    LINE_SEQUENCE,
    LINE_SHIFT3
};

struct line_editor {
    const struct line_host *host;
    void *context;
    const char *prompt;

    char text[LINE_BYTES];  // always terminated
    size_t length, cursor;
    size_t shown;  // first byte of the text that the terminal shows

    enum line_key_state state;
    unsigned parameter[2], parameter_count;  // of an escape sequence
    bool returned;                           // the last byte was a carriage return
    bool tabbed;                             // the last key was a tab that could not go on

    char history[LINE_HISTORY][LINE_BYTES];
    unsigned history_count, history_next;
    unsigned back;          // which line of the history is shown: 0: none, 1: the last
    char kept[LINE_BYTES];  // what was being typed when the history was called up
};

// An empty line; `prompt` (at most LINE_PROMPT bytes) stays the caller's.
void line_init(struct line_editor *line, const struct line_host *host, void *context,
               const char *prompt);

// Begin a new line: shows the prompt.
void line_begin(struct line_editor *line);

// A byte was typed.  After LINE_READY or LINE_ENDED call line_begin before the next.
enum line_event line_feed(struct line_editor *line, uint8_t byte);
