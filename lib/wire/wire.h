// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What generated protocol code (tools/idlgen.py) is made of: a message outside of any buffer, and
// how fields are put into it and taken out of it.  Makes no system call and keeps no state, so it
// runs on the development host too; docs/idl.md states the wire format.
//
// A reader believes nothing: each take checks that the word is there and that its value is
// possible.  The first mistake stays in `error`, and from then on every take gives zero; so a
// decoder takes all fields and looks once, at the end.
#pragma once

#include <abi/message.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are packed little-endian");

// The label of a message: protocol (bits 24-47), its major version (16-23), method (0-15).  An
// answer repeats the label, with its code in place of the method.
#define WIRE_PROTOCOL_SHIFT 24
#define WIRE_MAJOR_SHIFT    16
#define WIRE_METHOD_MASK    0xffffull
#define WIRE_MAJOR_MASK     0xff0000ull
#define WIRE_LABEL_OF(protocol, major, method)                                          \
 ((uint64_t)(protocol) << WIRE_PROTOCOL_SHIFT | (uint64_t)(major) << WIRE_MAJOR_SHIFT | \
  (uint64_t)(method))

// The codes that every protocol has.  A protocol's own errors follow from WIRE_OWN on.
enum wire_code {
    WIRE_OK = 0,
    WIRE_LABEL = 1,    // a message of another protocol, or of another major version
    WIRE_METHOD = 2,   // the server has no such method; it may be of an earlier minor version
    WIRE_LENGTH = 3,   // more or fewer words than the fields need
    WIRE_CAPS = 4,     // more or fewer capabilities, or one that came home where none may, or not
    WIRE_VALUE = 5,    // a value, a count or a padding that is not possible
    WIRE_SERVER = 6,   // the server's handler gave what the protocol does not allow
    WIRE_CODES = 7,    // what follows never travels
    WIRE_ANSWER = 7,   // client: the server's answer is not one
    WIRE_LATER = 8,    // handler: the answer will be sent later
    WIRE_OWN = 0x100,  // first of the protocol's own errors
    WIRE_KERNEL = 0x8000,  // client: WIRE_KERNEL + the kernel's error, the call itself failed
};

// A message as it was received, or as it is to be sent.  Only the first `length` words and the
// first `cap_count` capabilities mean anything.
struct wire_message {
    uint64_t label;
    unsigned length, cap_count;
    unsigned home;  // received: bit i: capability i came home, caps[i] is its badge
    uint64_t words[MSG_MAX_WORDS];
    uint64_t caps[MSG_MAX_CAPS];  // slots; to be sent: with CAP_MOVE to give it away
};

// What a handler learns of its caller besides the arguments.
struct wire_peer {
    void *context;   // the server's own
    uint64_t badge;  // of the capability that was called
};

static inline uint64_t wire_method(uint64_t label)
{
    return label & WIRE_METHOD_MASK;
}

// What stands for `code`, of the protocol-independent ones.
static inline const char *wire_code_text(uint32_t code)
{
    static const char *const texts[] = {
        [WIRE_OK] = "done",
        [WIRE_LABEL] = "another protocol or major version",
        [WIRE_METHOD] = "the server has no such method",
        [WIRE_LENGTH] = "the message is of the wrong length",
        [WIRE_CAPS] = "the message carries the wrong capabilities",
        [WIRE_VALUE] = "a value is outside what is possible",
        [WIRE_SERVER] = "the server made a mistake",
        [WIRE_ANSWER] = "the server's answer is not one",
        [WIRE_LATER] = "the answer comes later",
    };
    if (code >= WIRE_KERNEL) {
        return "the kernel refused the call or ended it";
    }
    return code < sizeof texts / sizeof *texts ? texts[code] : "an unknown error";
}

static inline size_t wire_array_words(size_t bytes)
{
    return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

// ---- putting -----------------------------------------------------------------------------------
struct wire_writer {
    struct wire_message *message;
    uint32_t error;
};

static inline struct wire_writer wire_begin(struct wire_message *message, uint64_t label)
{
    message->label = label;
    message->length = 0;
    message->cap_count = 0;
    message->home = 0;
    return (struct wire_writer){ message, WIRE_OK };
}

static inline void wire_writer_refuse(struct wire_writer *writer, uint32_t error)
{
    if (!writer->error) {
        writer->error = error;
    }
}

// The generator has made sure that the fields of one message fit.
static inline void wire_put(struct wire_writer *writer, uint64_t word)
{
    writer->message->words[writer->message->length++] = word;
}

static inline void wire_put_known(struct wire_writer *writer, uint64_t word,
                                  bool (*known)(uint64_t))
{
    if (!known(word)) {
        wire_writer_refuse(writer, WIRE_VALUE);
    }
    wire_put(writer, word);
}

// The count of a bounded array; gives what may be put of it.
static inline size_t wire_put_count(struct wire_writer *writer, size_t count, size_t most)
{
    if (count > most) {
        wire_writer_refuse(writer, WIRE_VALUE);
        count = 0;
    }
    wire_put(writer, count);
    return count;
}

static inline void wire_put_array(struct wire_writer *writer, const void *from, size_t bytes)
{
    if (bytes == 0) {
        return;
    }
    struct wire_message *message = writer->message;
    size_t words = wire_array_words(bytes);
    message->words[message->length + words - 1] = 0;
    __builtin_memcpy(&message->words[message->length], from, bytes);
    message->length += (unsigned)words;
}

static inline void wire_put_cap(struct wire_writer *writer, uint64_t slot, uint64_t move)
{
    if (slot == 0 || slot & CAP_MOVE) {
        wire_writer_refuse(writer, WIRE_CAPS);
    }
    writer->message->caps[writer->message->cap_count++] = slot | move;
}

// ---- taking ------------------------------------------------------------------------------------
struct wire_reader {
    const struct wire_message *message;
    unsigned word, cap;  // next to take
    uint32_t error;
};

static inline void wire_reader_refuse(struct wire_reader *reader, uint32_t error)
{
    if (!reader->error) {
        reader->error = error;
    }
}

// Also of a message that says to be longer than one can be: the generator has made sure that the
// fields of one fit, so no take goes beyond MSG_MAX_WORDS, and what is left over is refused.
static inline struct wire_reader wire_open(const struct wire_message *message)
{
    return (struct wire_reader){ message, 0, 0, WIRE_OK };
}

static inline uint64_t wire_take(struct wire_reader *reader)
{
    if (!reader->error && reader->word >= reader->message->length) {
        wire_reader_refuse(reader, WIRE_LENGTH);
    }
    return reader->error ? 0 : reader->message->words[reader->word++];
}

static inline uint64_t wire_take_unsigned(struct wire_reader *reader, uint64_t most)
{
    uint64_t word = wire_take(reader);
    if (word > most) {
        wire_reader_refuse(reader, WIRE_VALUE);
        word = 0;
    }
    return word;
}

// Negative numbers travel sign-extended.
static inline int64_t wire_take_signed(struct wire_reader *reader, int64_t least, int64_t most)
{
    int64_t word = (int64_t)wire_take(reader);
    if (word < least || word > most) {
        wire_reader_refuse(reader, WIRE_VALUE);
        word = 0;
    }
    return word;
}

static inline uint64_t wire_take_known(struct wire_reader *reader, bool (*known)(uint64_t))
{
    uint64_t word = wire_take(reader);
    if (!known(word)) {
        wire_reader_refuse(reader, WIRE_VALUE);
        word = 0;
    }
    return word;
}

// An array of a known size; what its last word has beyond it must be zero.
static inline void wire_take_array(struct wire_reader *reader, void *to, size_t bytes)
{
    size_t words = wire_array_words(bytes);
    if (!reader->error && words > reader->message->length - reader->word) {
        wire_reader_refuse(reader, WIRE_LENGTH);
    }
    if (reader->error || bytes == 0) {
        return;
    }
    const uint64_t *from = &reader->message->words[reader->word];
    unsigned used = (unsigned)(bytes % sizeof(uint64_t));
    if (used && from[words - 1] >> (used * 8)) {
        wire_reader_refuse(reader, WIRE_VALUE);
        return;
    }
    __builtin_memcpy(to, from, bytes);
    reader->word += (unsigned)words;
}

static inline bool wire_cap_left(struct wire_reader *reader)
{
    if (!reader->error && reader->cap >= reader->message->cap_count) {
        wire_reader_refuse(reader, WIRE_CAPS);
    }
    return !reader->error;
}

// The next capability, which did (1) or did not (0) come home as its badge.
static inline uint64_t wire_take_cap(struct wire_reader *reader, unsigned home)
{
    if (wire_cap_left(reader) && (reader->message->home >> reader->cap & 1) != home) {
        wire_reader_refuse(reader, WIRE_CAPS);
    }
    return reader->error ? 0 : reader->message->caps[reader->cap++];
}

// All fields are taken: whether that was the whole message, and right.
static inline uint32_t wire_end(struct wire_reader *reader)
{
    if (reader->word != reader->message->length) {
        wire_reader_refuse(reader, WIRE_LENGTH);
    }
    if (reader->cap != reader->message->cap_count) {
        wire_reader_refuse(reader, WIRE_CAPS);
    }
    return reader->error;
}

// ---- answers -----------------------------------------------------------------------------------
// Make `answer` an error's: the request's label with the code, and nothing else.
static inline void wire_refuse(const struct wire_message *request, uint32_t code,
                               struct wire_message *answer)
{
    (void)wire_begin(answer, (request->label & ~WIRE_METHOD_MASK) | code);
}

// The code of an answer to `label`; one that is not an answer to it gives WIRE_ANSWER.  `possible`
// says of the protocol's own errors whether a method that came with version major.`minor` may give
// them.
static inline uint32_t wire_answer_code(const struct wire_message *answer, uint64_t label,
                                        bool (*possible)(uint32_t, unsigned), unsigned minor)
{
    uint32_t code = (uint32_t)(answer->label & WIRE_METHOD_MASK);
    if ((answer->label ^ label) & ~WIRE_METHOD_MASK) {
        return WIRE_ANSWER;
    }
    if (code == WIRE_OK) {
        return WIRE_OK;
    }
    bool empty = answer->length == 0 && answer->cap_count == 0;
    return empty && (code < WIRE_CODES || possible(code, minor)) ? code : WIRE_ANSWER;
}
