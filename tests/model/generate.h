// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random system calls, most of them with arguments that make sense to the caller.  Used on the
// development host against the model, and by a hostile thread on the real kernel; relies on nothing
// but abi/.
#pragma once

#include <abi/message.h>

#include <stdbool.h>
#include <stdint.h>

#define GENERATE_BATCH 4

// One system call, with what the caller writes to its memory before.
struct operation {
    uint64_t number, slot, tag, third;
    uint64_t words[MSG_REG_WORDS];
    uint64_t caps[MSG_MAX_CAPS], window_table, window_slot, window_count;  // for its message buffer
    unsigned entries;  // for the frame of a batch
    struct batch_entry batch[GENERATE_BATCH];
    uint64_t random;  // for whoever carries it out
};

// What the caller knows of its table.
struct generate_view {
    const uint8_t *kinds;  // by slot, 0: empty
    const uint8_t *bits;   // by slot: log2 of the size of an Untyped
    unsigned count;        // slots
    unsigned keep;         // slots below are rarely deleted
    bool spaces;           // address spaces and frames are operated on too
};

struct generator {
    uint64_t state;            // not 0
    unsigned script;           // next step of making a thread; 0: none
    uint64_t thread, context;  // its slots
};

void generate_seed(struct generator *generator, uint64_t seed);
uint64_t generate_random(struct generator *generator, uint64_t below);
void generate(struct generator *generator, const struct generate_view *view,
              struct operation *operation);
