// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Shares, places to wait and the reader of a console (terminal.h).
#include "terminal.h"

_Static_assert(TERMINAL_PIECE <= UINT8_MAX && TERMINAL_PIECE < TERMINAL_SHARE, "a piece fits");

#define TYPED_READ TERMINAL_PIECE

// ---- shares ------------------------------------------------------------------------------------

static bool share_fits(const struct terminal_client *client, size_t count)
{
    return TERMINAL_SHARE - client->used > count;
}

static void share_put(struct terminal_client *client, uint8_t byte)
{
    client->share[(client->first + client->used) % TERMINAL_SHARE] = byte;
    client->used++;
}

static uint8_t share_take(struct terminal_client *client)
{
    uint8_t byte = client->share[client->first];
    client->first = (client->first + 1) % TERMINAL_SHARE;
    client->used--;
    return byte;
}

static void share_put_piece(struct terminal_client *client, const uint8_t *text, size_t count)
{
    if (count == 0) {
        return;
    }
    share_put(client, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        share_put(client, text[i]);
    }
}

// ---- requests ----------------------------------------------------------------------------------

// Keep the caller at hand as the one call of the client that waits.
static bool client_wait(struct terminal *terminal, struct terminal_client *client, bool drain)
{
    uint64_t token = terminal->callers->keep(terminal->context);
    if (!token) {
        return false;
    }
    if (client->token) {
        terminal->callers->refuse(terminal->context, client->token);
    }
    client->token = token;
    client->drain = drain;
    client->waiting_count = 0;
    return true;
}

enum terminal_answer terminal_write(struct terminal *terminal, unsigned client, const uint8_t *text,
                                    size_t count)
{
    struct terminal_client *own = &terminal->clients[client];
    bool waits = own->token && !own->drain;
    if (!waits && share_fits(own, count)) {
        share_put_piece(own, text, count);
        return TERMINAL_DONE;
    }
    if (!client_wait(terminal, own, false)) {
        return TERMINAL_BUSY;
    }
    own->waiting_count = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        own->waiting[i] = text[i];
    }
    return TERMINAL_LATER;
}

enum terminal_answer terminal_drain(struct terminal *terminal, unsigned client)
{
    return client_wait(terminal, &terminal->clients[client], true) ? TERMINAL_LATER : TERMINAL_BUSY;
}

static size_t typed_copy(const struct terminal *terminal, uint8_t *text, size_t most)
{
    size_t count = terminal->typed_count < most ? terminal->typed_count : most;
    for (size_t i = 0; i < count; i++) {
        text[i] = terminal->typed[(terminal->typed_first + i) % TERMINAL_TYPED];
    }
    return count;
}

static void typed_drop(struct terminal *terminal, size_t count)
{
    terminal->typed_first = (uint32_t)((terminal->typed_first + count) % TERMINAL_TYPED);
    terminal->typed_count -= (uint32_t)count;
}

bool terminal_typed_room(const struct terminal *terminal)
{
    return terminal->typed_count < TERMINAL_TYPED;
}

// The reader of another client keeps its place, one of the same client does not: it may be what a
// dead incarnation left behind.
static bool reader_wait(struct terminal *terminal, unsigned client)
{
    if (terminal->reader && terminal->reader_client != client) {
        return false;
    }
    uint64_t token = terminal->callers->keep(terminal->context);
    if (!token) {
        return false;
    }
    if (terminal->reader) {
        terminal->callers->refuse(terminal->context, terminal->reader);
    }
    terminal->reader = token;
    terminal->reader_client = client;
    return true;
}

enum terminal_answer terminal_read(struct terminal *terminal, unsigned client, uint8_t *text,
                                   size_t *count)
{
    if (terminal->typed_count && !terminal->reader) {
        *count = typed_copy(terminal, text, TYPED_READ);
        typed_drop(terminal, *count);
        return TERMINAL_DONE;
    }
    return reader_wait(terminal, client) ? TERMINAL_LATER : TERMINAL_BUSY;
}

size_t terminal_exchange(struct terminal *terminal, unsigned client, struct terminal_text out,
                         struct terminal_text *in)
{
    struct terminal_client *own = &terminal->clients[client];
    size_t room = TERMINAL_SHARE - own->used, count = out.count;
    size_t taken = room < 2 ? 0 : count < room ? count : room - 1;
    own->raw = true;
    share_put_piece(own, out.text, taken);
    terminal->starved = taken < count;
    terminal->starves = client;
    in->count = in->count < TYPED_READ ? in->count : TYPED_READ;
    in->count = terminal->reader ? 0 : typed_copy(terminal, in->text, in->count);
    typed_drop(terminal, in->count);
    terminal->told = terminal->typed_count > 0;
    return taken;
}

// Room is told of when half is free, so that bytes go in pieces.
bool terminal_news(struct terminal *terminal)
{
    bool typed = terminal->typed_count && !terminal->told && !terminal->reader;
    bool room = terminal->starved &&
                terminal->clients[terminal->starves].used <= TERMINAL_SHARE / 2;
    terminal->told = terminal->told || typed;
    terminal->starved = terminal->starved && !room;
    return typed || room;
}

// ---- the line ----------------------------------------------------------------------------------

// Begin the piece of the next client in turn.
static bool piece_begin(struct terminal *terminal)
{
    for (unsigned i = 1; i <= TERMINAL_CLIENTS; i++) {
        unsigned client = (terminal->now + i) % TERMINAL_CLIENTS;
        if (terminal->clients[client].used) {
            terminal->now = client;
            terminal->left = share_take(&terminal->clients[client]);
            return true;
        }
    }
    return false;
}

// The return that an end of line has in front of its feed is made here.
bool terminal_next(struct terminal *terminal, uint64_t stamp, uint8_t *byte)
{
    if (terminal->left == 0 && !piece_begin(terminal)) {
        return false;
    }
    struct terminal_client *client = &terminal->clients[terminal->now];
    client->stamp = stamp;
    *byte = client->share[client->first];
    if (*byte == '\n' && !terminal->feed && !client->raw) {
        terminal->feed = true;
        *byte = '\r';
        return true;
    }
    terminal->feed = false;
    (void)share_take(client);
    terminal->left--;
    return true;
}

bool terminal_pending(const struct terminal *terminal)
{
    for (unsigned i = 0; i < TERMINAL_CLIENTS; i++) {
        if (terminal->clients[i].used) {
            return true;
        }
    }
    return false;
}

void terminal_typed(struct terminal *terminal, uint8_t byte)
{
    if (terminal->typed_count == TERMINAL_TYPED) {
        terminal->typed_lost++;
        return;
    }
    terminal->typed[(terminal->typed_first + terminal->typed_count) % TERMINAL_TYPED] = byte;
    terminal->typed_count++;
}

// ---- answers -----------------------------------------------------------------------------------

static void client_answer(struct terminal *terminal, struct terminal_client *client)
{
    uint64_t token = client->token;
    client->token = 0;
    terminal->callers->done(terminal->context, token, client->drain);
}

static void client_settle(struct terminal *terminal, struct terminal_client *client,
                          bool (*passed)(void *context, uint64_t stamp))
{
    if (client->drain) {
        if (!client->used && passed(terminal->context, client->stamp)) {
            client_answer(terminal, client);
        }
    } else if (share_fits(client, client->waiting_count)) {
        share_put_piece(client, client->waiting, client->waiting_count);
        client_answer(terminal, client);
    }
}

// Input that the reader is no longer there for stays.
static void reader_settle(struct terminal *terminal)
{
    uint8_t text[TYPED_READ];
    size_t count = typed_copy(terminal, text, TYPED_READ);
    if (!terminal->reader || count == 0) {
        return;
    }
    uint64_t token = terminal->reader;
    terminal->reader = 0;
    if (terminal->callers->give(terminal->context, token, text, count)) {
        typed_drop(terminal, count);
    }
}

void terminal_settle(struct terminal *terminal, bool (*passed)(void *context, uint64_t stamp))
{
    for (unsigned i = 0; i < TERMINAL_CLIENTS; i++) {
        if (terminal->clients[i].token) {
            client_settle(terminal, &terminal->clients[i], passed);
        }
    }
    reader_settle(terminal);
}

void terminal_discard(struct terminal *terminal)
{
    for (unsigned i = 0; i < TERMINAL_CLIENTS; i++) {
        terminal->clients[i].used = 0;
    }
    terminal->left = 0;
    terminal->feed = false;
}
