// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Capability tables.  Slot 0 of a table holds its header; it is never a capability that can be
// named.  Its kind is KIND_EMPTY, until the table is destroyed: then its original is there
// (destroy.c).
#pragma once

#include "object.h"
#include "thread.h"

struct captable {
    uint8_t kind;  // KIND_EMPTY, so that slot 0 reads as an empty slot
    uint8_t reserved[3];
    uint32_t count;  // slots, with slot 0
    uint64_t reserved2[7];
};
_Static_assert(sizeof(struct captable) == sizeof(struct cap), "the header is a slot");
_Static_assert(offsetof(struct captable, count) == offsetof(struct cap, aux),
               "the original can take the header's place while the table is in use");

static inline struct captable *captable_of(const struct cap *cap)
{
    return (struct captable *)cap->address;
}

static inline struct cap *captable_slots(struct captable *table)
{
    return (struct cap *)table;
}

// Slot `slot` of the table that `cap` names, whatever it holds; NULL outside and for slot 0.
static inline struct cap *captable_slot(const struct cap *cap, uint64_t slot)
{
    struct captable *table = captable_of(cap);
    return slot && slot < table->count ? cap_at(captable_slots(table), slot, table->count) : NULL;
}

// cap_lookup_kind for paths that must be short: one comparison of the slot's first word, everything
// else out of line.
#define CAP_WORD(kind, rights) ((uint32_t)(kind) | (uint32_t)(rights) << 8)
#define CAP_WORD_MASK(rights) \
 (0xffu | (uint32_t)(rights) << 8 | (uint32_t)(CAP_MARKED | CAP_EMBRYO) << 16)

static inline bool cap_is(const struct cap *cap, enum kind kind, unsigned rights)
{
    uint32_t word;
    __builtin_memcpy(&word, cap, sizeof(word));
    return (word & CAP_WORD_MASK(rights)) == CAP_WORD(kind, rights);
}

static inline MUST_USE enum err cap_find_any(struct thread *thread, uint64_t slot, struct cap **cap)
{
    if (LIKELY(slot < thread->cspace_count)) {
        struct cap *at = cap_at(thread->cspace, slot, thread->cspace_count);
        if (LIKELY(at->kind != KIND_EMPTY) && LIKELY(!(at->flags & (CAP_MARKED | CAP_EMBRYO)))) {
            *cap = at;
            return ERR_OK;
        }
    }
    return cap_lookup(thread, slot, cap);
}

// NOLINTNEXTLINE(readability-function-size): one register each
static inline MUST_USE enum err cap_find(struct thread *thread, uint64_t slot, enum kind kind,
                                         unsigned rights, unsigned argument, struct cap **cap)
{
    if (LIKELY(slot < thread->cspace_count)) {
        struct cap *at = cap_at(thread->cspace, slot, thread->cspace_count);
        if (LIKELY(cap_is(at, kind, rights))) {
            *cap = at;
            return ERR_OK;
        }
    }
    return cap_lookup_kind(thread, slot, kind, rights, argument, cap);
}

// Write the header of a new table.  (A table is destroyed by the capability code itself, not
// through its row in object.c.)
void captable_init(struct cap *original);

MUST_USE enum err op_untyped_retype(struct invocation *inv);
MUST_USE enum err op_captable_copy(struct invocation *inv);
MUST_USE enum err op_captable_mint(struct invocation *inv);
MUST_USE enum err op_captable_move(struct invocation *inv);
MUST_USE enum err op_captable_delete(struct invocation *inv);
MUST_USE enum err op_captable_revoke(struct invocation *inv);
MUST_USE enum err op_captable_identify(struct invocation *inv);
