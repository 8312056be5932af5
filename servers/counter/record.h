// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The counters' record: sessions and their counters in memory that outlives the server.  The record
// is all the state there is, so a new incarnation goes on wherever the last one died.
//
// Each request takes effect by one store of one word, the state of its session: it says whether the
// session is open and which of its two values counts.  What the word is about to name is written
// before it, where nobody looks yet.  Nothing in the record is believed: every word that counts is
// covered by a check word, the state by its own complement, so a record that was damaged is
// refused.
//
// Each client has places of its own, as many as any other: none can take another's.  Makes no
// system call; tests run it on the development host, with an end at each store.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAGIC       0x726574756e6f6370ull
#define RECORD_MAJOR       1u
#define RECORD_MINOR       0u
#define RECORD_NUMBER_BITS 40                // of a session's number
#define RECORD_CLIENTS     63u               // numbers 1 to this
#define RECORD_SHARE       64u               // at most as many sessions for each
#define RECORD_AGES        ((1u << 28) - 1)  // so often a place can be used

// One value of a counter, with the request that made it.
struct record_value {
    _Atomic uint64_t value;
    _Atomic uint64_t sequence;  // of the last request; 0: none yet
    _Atomic uint64_t amount;    // of the last request
    _Atomic uint64_t check;     // of these, the place, its age and its client's name
};

// The place of a session.  `state`: bit 0: open; bit 1: which value counts; bits 2-31: its age, one
// more with each session; bits 32-63: the complement of all that.
struct record_place {
    _Atomic uint64_t state;
    _Atomic uint64_t client;
    struct record_value values[2];
};

struct record {
    _Atomic uint64_t magic;  // stored last when a record is made
    _Atomic uint64_t version, bytes, share;
    _Atomic uint64_t check;  // of these three
    struct record_place places[];
};

// What `open` gives: the number that names the session from then on, never 0.
struct record_session {
    uint64_t session, sequence;
};

struct record_count {
    uint64_t value, sequence;
};

// Take over the record in `bytes` of memory, all zero when nobody has ever used it.  Gives the
// record; NULL where there is none that can be believed, with the reason.
struct record *record_adopt(void *memory, size_t bytes, const char **reason);

// The methods of proto/counter.idl, for the client component with the number `owner`; each gives
// WIRE_OK or an error of the protocol.
uint32_t record_open(struct record *record, unsigned owner, uint64_t client,
                     struct record_session *opened);
uint32_t record_add(struct record *record, unsigned owner, struct record_session request,
                    uint64_t amount, uint64_t *value);
uint32_t record_read(const struct record *record, unsigned owner, uint64_t session,
                     struct record_count *count);
uint32_t record_close(struct record *record, unsigned owner, uint64_t session);
