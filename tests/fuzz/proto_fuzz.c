// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Generated decoders with a fuzzer's messages (libFuzzer).  What a decoder takes, its encoder makes
// again, to the bit; what lies beyond a message is poisoned, so that reading it ends the run.
// Called by libFuzzer's main.
#include "types_check.h"

#include <proto/counter_check.h>
#include <proto/log_check.h>

#include <sanitizer/asan_interface.h>

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

// The first bytes of an input; the words follow.
struct choice {
    uint8_t length, caps, home;
    uint64_t label;
};

static void check(bool holds, const char *what, const char *where)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", where, what);
        abort();
    }
}

static void message_make(struct wire_message *message, const struct choice *choice,
                         const uint8_t *bytes, size_t count)
{
    *message = (struct wire_message){ .label = choice->label & (1ull << 48) - 1,
                                      .length = choice->length & TAG_LENGTH_MASK,
                                      .cap_count = choice->caps & 7,
                                      .home = choice->home & 15 };
    __builtin_memcpy(message->words, bytes,
                     count < sizeof message->words ? count : sizeof message->words);
    for (unsigned i = 0; i < MSG_MAX_CAPS; i++) {
        message->caps[i] = 100 + i;
    }
}

// Make what lies beyond the message's words and capabilities unreadable, or all readable again.
static void fence(struct wire_message *message, bool up)
{
    unsigned length = message->length < MSG_MAX_WORDS ? message->length : MSG_MAX_WORDS;
    unsigned caps = message->cap_count < MSG_MAX_CAPS ? message->cap_count : MSG_MAX_CAPS;
    if (up) {
        ASAN_POISON_MEMORY_REGION(&message->words[length], (MSG_MAX_WORDS - length) * 8);
        ASAN_POISON_MEMORY_REGION(&message->caps[caps], (MSG_MAX_CAPS - caps) * 8);
    } else {
        ASAN_UNPOISON_MEMORY_REGION(message, sizeof *message);
    }
}

static void check_same(const struct wire_message *in, const struct wire_message *out,
                       const char *name)
{
    check(in->label == out->label, "another label", name);
    check(in->length == out->length, "another length", name);
    check(in->cap_count == out->cap_count, "other capabilities", name);
    for (unsigned i = 0; i < in->length; i++) {
        check(in->words[i] == out->words[i], "another word", name);
    }
    for (unsigned i = 0; i < in->cap_count; i++) {
        check(in->caps[i] == (out->caps[i] & ~CAP_MOVE), "another capability", name);
    }
}

static void check_again(const char *name,
                        uint32_t (*again)(const struct wire_message *, struct wire_message *),
                        struct wire_message *in)
{
    struct wire_message out;
    fence(in, true);
    uint32_t code = again(in, &out);
    check(code < WIRE_CODES && code != WIRE_SERVER, "cannot be encoded again", name);
    if (code == WIRE_OK) {
        check_same(in, &out, name);
    }
    fence(in, false);
}

// A refusal says so and nothing else; without handlers there is nothing but refusals and versions.
static void check_refusal(const struct wire_message *in, const struct wire_message *answer,
                          const char *name)
{
    uint64_t code = wire_method(answer->label);
    check(!((in->label ^ answer->label) & ~WIRE_METHOD_MASK), "another protocol answers", name);
    check(code < WIRE_CODES && code != WIRE_SERVER, "no such refusal", name);
    check(code == WIRE_OK ? wire_method(in->label) == 0 : answer->length == 0, "not refused", name);
    check(answer->cap_count == 0, "capabilities with a refusal", name);
}

static void check_serving(struct wire_message *in)
{
    static const struct types_server types;
    static const struct log_server log;
    static const struct counter_server counter;
    const struct wire_peer peer = { NULL, 0 };
    struct wire_message answer;
    fence(in, true);
    check(types_serve(&types, &peer, in, &answer), "not answered", "types");
    check_refusal(in, &answer, "types");
    check(log_serve(&log, &peer, in, &answer), "not answered", "log");
    check_refusal(in, &answer, "log");
    check(counter_serve(&counter, &peer, in, &answer), "not answered", "counter");
    check_refusal(in, &answer, "counter");
    fence(in, false);
}

// What a client takes for an answer carries a code that the method may give.
static void check_answer(struct wire_message *in)
{
    struct types_arrays_results results;
    fence(in, true);
    uint32_t code = types_arrays_answer(in, &results);
    check(code < WIRE_CODES || code == WIRE_ANSWER || code == TYPES_ERROR_ODD, "no such code",
          "types answer");
    fence(in, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct choice choice;
    struct wire_message in;
    if (count < sizeof choice) {
        return 0;
    }
    __builtin_memcpy(&choice, bytes, sizeof choice);
    message_make(&in, &choice, bytes + sizeof choice, count - sizeof choice);
    check_serving(&in);
    check_answer(&in);
#define CHECK_AGAINS(table)                                  \
 for (unsigned i = 0; i < COUNT(table); i++) {               \
  in.label = (table)[i].label ? (table)[i].label : in.label; \
  check_again((table)[i].name, (table)[i].again, &in);       \
 }
    CHECK_AGAINS(types_agains)
    CHECK_AGAINS(log_agains)
    CHECK_AGAINS(counter_agains)
    return 0;
}
