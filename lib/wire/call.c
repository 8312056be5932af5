// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages between <wire/wire.h> and the kernel (call.h).
#include "call.h"

#include <rt/thread.h>

#include <gen/rt_stubs.h>

#define HOME_MASK ((1u << MSG_MAX_CAPS) - 1)

// Put a message where the kernel takes it from; gives its tag.
static uint64_t message_out(const struct wire_message *message, struct ipc_words *words)
{
    struct message_buffer *buffer = rt_buffer();
    for (unsigned i = 0; i < message->length; i++) {
        uint64_t *to = i < MSG_REG_WORDS ? words->word : buffer->words;
        to[i] = message->words[i];
    }
    for (unsigned i = message->length; i < MSG_REG_WORDS; i++) {
        words->word[i] = 0;
    }
    for (unsigned i = 0; i < message->cap_count; i++) {
        buffer->caps[i] = message->caps[i];
    }
    return TAG(message->label, message->length, message->cap_count);
}

static void window_set(const struct wire_window *window)
{
    struct message_buffer *buffer = rt_buffer();
    buffer->window_count = window ? window->count : 0;
    if (window) {
        buffer->window_table = window->table;
        buffer->window_slot = window->slot;
    }
}

// Copy a received message out of registers and buffer, once.
static void message_in(uint64_t tag, const struct ipc_words *words,
                       const struct wire_window *window, struct wire_message *message)
{
    const struct message_buffer *buffer = rt_buffer();
    message->label = tag_label(tag);
    message->length = tag_length(tag);
    message->cap_count = tag_caps(tag);
    message->home = (unsigned)(tag >> TAG_HOME_SHIFT) & HOME_MASK;
    for (unsigned i = 0; i < message->length; i++) {
        const uint64_t *from = i < MSG_REG_WORDS ? words->word : buffer->words;
        message->words[i] = from[i];
    }
    uint64_t slot = window ? window->slot : 0;
    for (unsigned i = 0; i < message->cap_count; i++) {
        message->caps[i] = message->home >> i & 1 ? buffer->caps[i] : slot++;
    }
}

static uint32_t code_of(struct rt_status status)
{
    return rt_ok(status) ? WIRE_OK : WIRE_KERNEL + rt_error(status);
}

uint32_t wire_call(cap_t endpoint, const struct wire_window *window, struct wire_message *message)
{
    struct ipc_words words;
    uint64_t tag = message_out(message, &words);
    window_set(window);
    struct ipc_result result = ipc_call(endpoint, tag, &words);
    if (rt_ok(result.status)) {
        message_in(result.tag, &words, window, message);
    }
    return code_of(result.status);
}

static struct wire_received received(struct ipc_result result, const struct ipc_words *words,
                                     const struct wire_window *window, struct wire_message *message)
{
    bool notification = rt_ok(result.status) && result.tag & TAG_NOTIFICATION;
    if (rt_ok(result.status) && !notification) {
        message_in(result.tag, words, window, message);
    }
    return (struct wire_received){ code_of(result.status), notification, result.badge };
}

struct wire_received wire_receive(cap_t endpoint, cap_t reply, const struct wire_window *window,
                                  struct wire_message *message)
{
    struct ipc_words words;
    window_set(window);
    struct ipc_result result = ipc_recv(endpoint, reply, &words);
    return received(result, &words, window, message);
}

struct wire_received wire_answer(cap_t endpoint, cap_t reply, const struct wire_window *window,
                                 struct wire_message *answer, struct wire_message *request)
{
    struct ipc_words words;
    uint64_t tag = message_out(answer, &words);
    window_set(window);
    struct ipc_result result = ipc_reply_recv(endpoint, tag, reply, &words);
    if (!rt_ok(result.status) && rt_blamed(result.status) == 1) {
        wire_refuse(answer, WIRE_SERVER, answer);
        tag = message_out(answer, &words);
        result = ipc_reply_recv(endpoint, tag, reply, &words);
    }
    if (rt_error(result.status) == ERR_STATE && rt_blamed(result.status) == 2) {
        result = ipc_recv(endpoint, reply, &words);  // a caller that waits no more
    }
    return received(result, &words, window, request);
}

bool wire_reply(cap_t reply, struct wire_message *answer)
{
    struct ipc_words words;
    uint64_t tag = message_out(answer, &words);
    struct rt_status status = ipc_reply(reply, tag, &words);
    if (!rt_ok(status) && rt_blamed(status) == 1) {
        wire_refuse(answer, WIRE_SERVER, answer);
        tag = message_out(answer, &words);
        status = ipc_reply(reply, tag, &words);
    }
    return rt_ok(status);
}

void wire_drop(const struct wire_window *window, const struct wire_message *message)
{
    for (unsigned i = 0; i < message->cap_count; i++) {
        if (!(message->home >> i & 1)) {
            // Empty where somebody took it: then there is nothing to delete.
            rt_ignore(captable_delete(window->table, message->caps[i]));
        }
    }
}
