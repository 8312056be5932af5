// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The client of tests/system/proto, a program in an address space of its own: uses the counter
// through generated code, or sends what no generated code would.
#include "../shared.h"

#include <proto/counter_client.h>
#include <rt/program.h>
#include <rt/start.h>
#include <rt/thread.h>

#include <gen/rt_stubs.h>

#define RANDOM_MESSAGES 3000u

const char rt_task_name[] = "client";

static const struct wire_window window = { RT_PROGRAM_CSPACE, CLIENT_WINDOW, 1 };

// Tell the server's program how it went: 0, or the line that failed.  Never returns.
static void report(uint64_t line)
{
    for (;;) {
        rt_ignore(ipc_call1(CLIENT_REPORT, TAG(0, 1, 0), &line).status);
    }
}

#define WANT(fact)  \
 if (!(fact)) {     \
  report(__LINE__); \
 }

static uint32_t add(cap_t session, uint64_t sequence, uint64_t amount, uint64_t *value)
{
    struct counter_add_results results = {};
    uint32_t code = counter_add(session, &(struct counter_add_args){ sequence, amount }, &results);
    *value = results.value;
    return code;
}

static void use_session(cap_t session, uint64_t done)
{
    struct counter_read_results results = {};
    uint64_t value = 0, before = 0;
    WANT(counter_read(session, &results) == WIRE_OK && results.sequence == done);
    before = results.value;
    WANT(add(session, done + 1, 5, &value) == WIRE_OK && value == before + 5);
    WANT(add(session, done + 1, 5, &value) == WIRE_OK && value == before + 5);
    WANT(add(session, done + 1, 6, &value) == COUNTER_ERROR_DIFFERS);
    WANT(add(session, done + 3, 5, &value) == COUNTER_ERROR_SEQUENCE);
    WANT(add(session, done + 2, UINT64_MAX, &value) == COUNTER_ERROR_OVERFLOW);
    WANT(add(session, done + 2, 2, &value) == WIRE_OK && value == before + 7);
    WANT(counter_read(session, &results) == WIRE_OK);
    WANT(results.value == before + 7 && results.sequence == done + 2);
}

static uint32_t open_session(struct counter_open_results *results)
{
    return counter_open(CLIENT_SERVICE, &window, &(struct counter_open_args){ 77 }, results);
}

static bool window_empty(void)
{
    struct captable_identify_result found = captable_identify(RT_PROGRAM_CSPACE, CLIENT_WINDOW);
    return rt_ok(found.status) && found.kind_rights == KIND_EMPTY;
}

static void use_all(void)
{
    struct counter_version_results version = {};
    struct counter_open_results opened = {};
    struct counter_read_results results = {};
    WANT(counter_version(CLIENT_SERVICE, &version) == WIRE_OK);
    WANT(version.major == COUNTER_MAJOR && version.minor == COUNTER_MINOR);
    WANT(counter_read(CLIENT_SERVICE, &results) == COUNTER_ERROR_NO_SESSION);
    WANT(window_empty());
    WANT(open_session(&opened) == WIRE_OK && opened.session == CLIENT_WINDOW);
    use_session(opened.session, opened.sequence);
    WANT(counter_close(opened.session) == WIRE_OK);
    WANT(counter_read(opened.session, &results) == COUNTER_ERROR_NO_SESSION);
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Near what is right, or anything.
static uint64_t draw_label(uint64_t *state)
{
    uint64_t method = draw(state) % 8, label = COUNTER_LABEL(method);
    uint64_t bit = draw(state) % 48;
    switch (draw(state) % 8) {
    case 0: return draw(state) >> TAG_LABEL_SHIFT;
    case 1: return label ^ 1ull << bit;
    case 2: return method;
    default: return label;
    }
}

// One message that the kernel delivers; what comes back must be an answer of the protocol.
static void send_random(uint64_t *state)
{
    struct wire_message message;
    unsigned few = draw(state) % 4 ? 4 : MSG_MAX_WORDS + 1;
    message.label = draw_label(state);
    message.length = (unsigned)(draw(state) % few);
    message.cap_count = (unsigned)(draw(state) % 3 ? 0 : draw(state) % (MSG_MAX_CAPS + 1));
    for (unsigned i = 0; i < message.length; i++) {
        uint64_t word = draw(state);
        message.words[i] = word & 1 ? word : word % 4;
    }
    for (unsigned i = 0; i < message.cap_count; i++) {
        message.caps[i] = draw(state) % 2 ? CLIENT_SERVICE : RT_PROGRAM_CSPACE;
    }
    uint64_t label = message.label;
    WANT(wire_call(CLIENT_SERVICE, &window, &message) == WIRE_OK);
    if (wire_method(message.label) != WIRE_OK) {
        uint32_t code = wire_answer_code(&message, label, counter_error_possible, 0);
        WANT(code != WIRE_OK && code != WIRE_ANSWER && code != WIRE_SERVER);
    }
    wire_drop(&window, &message);
}

static void be_hostile(void)
{
    uint64_t state = 0x9e3779b97f4a7c15ull;
    for (unsigned i = 0; i < RANDOM_MESSAGES; i++) {
        send_random(&state);
    }
}

// The answer is refused, with the capability that it brought; the next one is taken.
static void open_twice(uint32_t first)
{
    struct counter_open_results opened = {};
    WANT(open_session(&opened) == first);
    WANT(window_empty());
    WANT(open_session(&opened) == WIRE_OK);
    use_session(opened.session, opened.sequence);
    WANT(counter_close(opened.session) == WIRE_OK);
}

// No capability comes in with an answer that has none, though the window of `open` is empty again.
static void be_given(void)
{
    const cap_t session = CLIENT_WINDOW + 1;
    struct counter_open_results opened = {};
    struct counter_read_results results = {};
    WANT(open_session(&opened) == WIRE_OK);
    WANT(rt_ok(captable_move(RT_PROGRAM_CSPACE, session, RT_PROGRAM_CSPACE, opened.session)));
    WANT(counter_read(session, &results) == WIRE_OK);
    WANT(window_empty());
    WANT(counter_close(session) == WIRE_OK);
}

void program_main(uint64_t argument)
{
    switch (argument) {
    case CLIENT_USES: use_all(); break;
    case CLIENT_HOSTILE: be_hostile(); break;
    case CLIENT_LIED_TO: open_twice(WIRE_ANSWER); break;
    case CLIENT_MISTAKE: open_twice(WIRE_SERVER); break;
    case CLIENT_GIVEN: be_given(); break;
    default: report(__LINE__);
    }
    report(0);
}
