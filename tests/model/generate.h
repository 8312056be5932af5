// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random system calls, most of them with arguments that make sense to the caller.  Used on the
// development host against the model, and by a hostile thread on the real kernel; relies on nothing
// but abi/.
#pragma once

#include <abi/message.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GENERATE_BATCH 4

// One system call, with what the caller writes to its memory before.
struct operation {
    uint64_t number, slot, tag, third;
    uint64_t words[MSG_REG_WORDS];
    uint64_t caps[MSG_MAX_CAPS], window_table, window_slot, window_count;  // for its message buffer
    unsigned entries;  // for the frame of a batch
    struct batch_entry batch[GENERATE_BATCH];
    uint64_t ticks;   // that pass afterwards
    uint64_t random;  // for whoever carries it out
};

// What the caller knows of its table.
struct generate_view {
    const uint8_t *kinds;  // by slot, 0: empty
    const uint8_t *bits;   // by slot: log2 of the size of an Untyped
    const uint8_t *hot;  // by slot, NULL: not known: whether somebody waits there (an endpoint: for
                         // a message; a Reply, a guest's Thread: for the answer)
    unsigned count;      // slots
    unsigned keep;       // slots below are rarely deleted
    uint64_t now;        // the clock, about
    uint64_t slice;      // about the longest budget that makes sense; 0: a second or so
    uint64_t left;       // of the caller's budget; 0: not known
    bool first;          // the caller is the one who sets things up
    bool lent;           // it runs on time that is lent to it
};

struct generator {
    uint64_t state;        // not 0
    const uint8_t *bytes;  // not NULL: the choices are read from here, `left` bytes, not drawn
    size_t left;
    unsigned script;  // what is being made, step by step; 0: nothing
    unsigned step;
    uint64_t made[3];  // the slots of what was made for it
    unsigned wanted;   // 1 + which of them was to be made last, `kind`; 0: none
    unsigned kind, tries;
};

void generate_seed(struct generator *generator, uint64_t seed);
void generate_bytes(struct generator *generator, const uint8_t *bytes, size_t count);
uint64_t generate_random(struct generator *generator, uint64_t below);
void generate(struct generator *generator, const struct generate_view *view,
              struct operation *operation);
