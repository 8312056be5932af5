// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What clients of a console have in the driver: a share of its memory for output, a place to wait,
// and one reader.  Makes no system call and runs on the development host; uart16550.c calls it.
//
// Each client has a share of its own, so one that writes without end waits for itself alone; the
// line goes round from client to client, a piece (what one call wrote) at a time.  One call of a
// client may wait to write, or for the line to have all it wrote, and one call in all for input.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TERMINAL_CLIENTS 64u
#define TERMINAL_PIECE   240u   // bytes that are written at once, at most
#define TERMINAL_SHARE   512u   // bytes of a client's output; each piece has one more
#define TERMINAL_TYPED   1024u  // bytes that were typed and not yet read

// Answers to a request.
enum terminal_answer {
    TERMINAL_DONE,
    TERMINAL_LATER,  // the caller was kept
    TERMINAL_BUSY,   // no place to wait is left
};

// The callers that wait: `keep` gives a token for the one at hand, or 0 where no more can wait.
// `done` and `refuse` answer a token; `give` gives it input, and false where its caller has gone.
struct terminal_callers {
    uint64_t (*keep)(void *context);
    void (*done)(void *context, uint64_t token, bool drain);
    void (*refuse)(void *context, uint64_t token);
    bool (*give)(void *context, uint64_t token, const uint8_t *text, size_t count);
};

struct terminal_text {
    uint8_t *text;
    size_t count;
};

struct terminal_client {
    uint8_t share[TERMINAL_SHARE];  // pieces, each behind a byte with its length
    uint32_t first, used;
    uint64_t token;  // of the call that waits; 0: none
    bool drain;      // waits for the line
    uint8_t waiting_count;
    uint8_t waiting[TERMINAL_PIECE];  // what it waits to write
    uint64_t stamp;                   // of the last byte that went to the device
    bool raw;                         // it exchanges: its line feeds stay as they are
};

struct terminal {
    const struct terminal_callers *callers;
    void *context;
    struct terminal_client clients[TERMINAL_CLIENTS];
    unsigned now;   // the client whose piece is being sent
    unsigned left;  // bytes of it that are left
    bool feed;      // the return of an end of line has gone, the feed follows
    uint8_t typed[TERMINAL_TYPED];
    uint32_t typed_first, typed_count;
    uint64_t typed_lost;
    uint64_t reader;  // token of the call that waits for input; 0: none
    unsigned reader_client;
    bool told;         // who exchanges knows that there is input
    bool starved;      // there was too little room for what it wrote,
    unsigned starves;  // and which client that was
};

// ---- requests ----------------------------------------------------------------------------------

// `client` (below TERMINAL_CLIENTS) writes a piece of at most TERMINAL_PIECE bytes.  A second call
// of the same client that would wait takes the place of the first, which is refused: it may be
// what a dead incarnation left behind.
enum terminal_answer terminal_write(struct terminal *terminal, unsigned client, const uint8_t *text,
                                    size_t count);

// Wait until all that the client wrote has passed the line (terminal_settle).
enum terminal_answer terminal_drain(struct terminal *terminal, unsigned client);

// Take what was typed, at most `most` bytes.  TERMINAL_LATER: nothing was.
enum terminal_answer terminal_read(struct terminal *terminal, unsigned client, uint8_t *text,
                                   size_t *count);

// Take of `out` what has room: how much.  Put what was typed into `in`, at most in->count and
// TERMINAL_PIECE bytes.
size_t terminal_exchange(struct terminal *terminal, unsigned client, struct terminal_text out,
                         struct terminal_text *in);

// Whether one who exchanges is to be told that it can go on; asked once, it has been told.
bool terminal_news(struct terminal *terminal);

// ---- the line ----------------------------------------------------------------------------------

// The next byte for the line, and a stamp that its client's bytes get; false: there is none.
bool terminal_next(struct terminal *terminal, uint64_t stamp, uint8_t *byte);

bool terminal_pending(const struct terminal *terminal);

// A byte was typed: lost where there is no room.
void terminal_typed(struct terminal *terminal, uint8_t byte);
bool terminal_typed_room(const struct terminal *terminal);

// Answer those whose waiting is over: there is room, there is input, or `passed` says of the stamp
// of a client's last byte that it is on the line.
void terminal_settle(struct terminal *terminal, bool (*passed)(void *context, uint64_t stamp));

// The device has failed: drop all that is to be sent.
void terminal_discard(struct terminal *terminal);
