// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What tests make: objects, derived capabilities, invocations with a wrong argument.
#pragma once

#include "test.h"

#define CSPACE         ROOT_SLOT_CSPACE
#define SLOT_OUTSIDE   ROOT_CSPACE_SLOTS  // of a table of this size
#define TABLE_BITS     12                 // a small CapTable: 64 slots
#define TABLE_SLOTS    64u
#define KERNEL_ADDRESS 0xffff800000000000ull
// Addresses that only tests use; the tables for it come and go with them.
#define TEST_VADDR 0x0000200000000000ull

static inline uint64_t kind_bits(enum rt_kind kind, unsigned bits)
{
    return (uint64_t)kind | (uint64_t)bits << 8;
}

// New objects of the usual size, of which there must be memory enough: ends the run where there is
// not.
cap_t make(enum rt_kind kind);
cap_t make_sized(enum rt_kind kind, unsigned bits);
// Derive; 0 and a recorded failure where it is refused.
cap_t derive(cap_t from, unsigned rights);
cap_t mint(cap_t from, unsigned rights, uint64_t badge);
// A slot that stays empty all the time.
cap_t empty_slot(void);
// A capability that is of the wrong kind for whatever takes neither an endpoint nor a notification.
cap_t wrong_kind(enum rt_kind right);

void fixtures_make(void);
void fixtures_delete(void);

// Invoke with a label and as many words as it takes.
struct rt_status invoke(unsigned op, cap_t self, struct ipc_words words);
unsigned op_length(unsigned op);

// Expect SLOT, TYPE for `argument` (1-6) of an otherwise good invocation, and RIGHTS where it is a
// capability derived from `good` with no rights at all.
void refuse_cap(unsigned op, cap_t self, struct ipc_words words, unsigned argument);
void refuse_cap_kind(unsigned op, cap_t self, struct ipc_words words, unsigned argument);
// Expect RIGHTS 0 through a capability derived from `self` without rights.
void refuse_rights(unsigned op, cap_t self, struct ipc_words words);
// Expect one refusal.
void refuse(unsigned op, cap_t self, struct ipc_words words, enum rt_error error,
            unsigned argument);

#define WORDS(...) ((struct ipc_words){ { __VA_ARGS__ } })
