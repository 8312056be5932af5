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

// Whether devices can be had: the machine has an IOMMU.
static inline bool have_devices(void)
{
    return ((const struct root_info *)ROOT_INFO_VADDR)->features & ROOT_FEATURE_IOMMU;
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

// An invocation that is to be refused.
struct attempt {
    unsigned op;
    cap_t self;
    struct ipc_words words;
    const char *where;
};

// Expect one refusal.
void refuse_at(const struct attempt *attempt, enum rt_error error, unsigned argument);
// Expect SLOT and TYPE for bad capabilities in place of `argument` (1-6), which is good as it
// stands.
void refuse_cap_kind_at(const struct attempt *attempt, unsigned argument);
// The same, and RIGHTS for one derived from the good one without any rights.
void refuse_cap_at(const struct attempt *attempt, unsigned argument);
// Expect RIGHTS 0 through a capability derived from `self` without rights.
void refuse_rights_at(const struct attempt *attempt);

#define ATTEMPT(op, self, words) (&(struct attempt){ op, self, words, TEST_HERE })
#define refuse(op, self, words, error, argument) \
 refuse_at(ATTEMPT(op, self, words), error, argument)
#define refuse_cap_kind(op, self, words, argument) \
 refuse_cap_kind_at(ATTEMPT(op, self, words), argument)
#define refuse_cap(op, self, words, argument) refuse_cap_at(ATTEMPT(op, self, words), argument)
#define refuse_rights(op, self, words)        refuse_rights_at(ATTEMPT(op, self, words))

#define WORDS(...) ((struct ipc_words){ { __VA_ARGS__ } })
