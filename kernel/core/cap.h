// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Capabilities and their derivation.
//
// A capability lives in a slot: of a CapTable, of a Thread (its cspace, address space, handlers,
// buffers), of the interrupt table.  A slot is one cache line.  Derivation is a forest:
//   - an *original* capability owns its object.  The object lives exactly as long as the original:
//   deleting
//     it deletes everything derived from it and destroys the object.  Originals made by retype sit
//     in the tree of their Untyped, ordered by address, which is also how retype finds overlaps.
//   - every other capability was derived (copy, mint, a message) and sits in the list of the one
//   that it was
//     derived from.  Deleting it hands its own children to its parent.
// An Untyped is never derived, only moved and retyped.  The root Untypeds sit in a tree of their
// own.
//
// The list of children: `child` is the first; prev of the first is the last; next of the last is
// the parent (NULL: a root) with bit 0 set.  So a capability leaves its list, and its children take
// its place, in O(1).
//
// What sits in a tree finds its Untyped by links upwards.  Only the root of the tree has one to the
// Untyped itself, so an Untyped with any number of children moves in O(1).
//
// All of it is guarded by the kernel lock.
#pragma once

#include "tree.h"
#include "types.h"

#include <hal/speculation.h>

enum cap_flag {
    CAP_ORIGINAL = 1,   // owns its object
    CAP_IN_TREE = 2,    // sits in the tree of its parent, an Untyped, or of the root Untypeds
    CAP_MARKED = 4,     // being revoked or deleted: cannot be copied, minted, moved or sent
    CAP_EMBRYO = 8,     // retype has not finished the object
    CAP_INTERNAL = 16,  // in a slot of a Thread or of the interrupt table: clearing it calls
                        // object_internal_cleared.  Belongs to the slot: stays when it is empty.
                        // Never an original.
    CAP_DEVICE = 32,    // Untyped, frame: not RAM
    CAP_ATTACHED = 64,  // frame: attached; page table: in the stock or in use of `space`
    CAP_IN_USE = 128,   // page table: in use
    CAP_BURIED =
        CAP_ATTACHED,        // table: being destroyed, its original in its own slot 0 (destroy.c)
    CAP_PLAIN = CAP_IN_USE,  // internal slot: nothing is cached from it.  Belongs to the slot, too.
    CAP_NAMED = CAP_IN_USE,  // buried table: has a list of derived capabilities, through which its
                             // slots can be named
};

struct cap {
    uint8_t kind;    // enum kind
    uint8_t rights;  // enum right; buried table, no longer named: log2 of its size
    uint8_t flags;   // enum cap_flag
    uint8_t bits;    // log2 of the size of the object (derived frame: of the whole frame); buried
                     // table: of the range it keeps
    uint32_t aux;  // frame: pages; ports: first | count << 16; interrupt: number; device: record |
                   // number << 16; page table in use: its place (pagetable.c); buried table: slots
                   // below are empty (while named: the count, as in the header)
    uint64_t address;  // of the object (or first page) in the direct map, also where it is no RAM
    union {
        uint64_t badge;        // endpoint, notification: 0 = none; scheduling control: limit
        struct aspace *space;  // frame, page table: attached to
        uint64_t progress;     // embryo: bytes that are zero; Untyped being revoked: children below
                               // are done (else 0)
        struct cap *below;  // buried table: in the list of them; itself: not in the list, all slots
                            // are empty
    };
    union {
        struct cap *child;       // first of the list of derived capabilities
        struct tree objects;     // Untyped: what was made from it; buried table, no longer named:
                                 // others whose range it keeps
        struct cap *stock_next;  // page table: in the list of its space
    };
    union {
        struct tree_node by_address;  // CAP_IN_TREE
        struct {
            struct cap *next, *prev;
        };  // otherwise
    };
    union {
        struct {
            union {
                struct cap *stock_prev;  // page table: in the list of its space
                struct cap *inner;       // Untyped being revoked: the one made from it whose turn
                                         // it is, marked, or NULL
            };
            uintptr_t above;  // CAP_IN_TREE: link of by_address upwards
        };
        struct tree_node attached;  // derived frame: in the tree of its space
    };
};
_Static_assert(sizeof(struct cap) == 64, "a slot is one cache line");
#define CAP_BITS 6
_Static_assert(offsetof(struct cap, above) - offsetof(struct cap, by_address) == TREE_LINK, "link");
#define CAP_BY_ADDRESS_KEY                                                                 \
 ((ptrdiff_t)offsetof(struct cap, address) - (ptrdiff_t)offsetof(struct cap, by_address) + \
  TREE_LINKED)
#define CAP_ATTACHED_KEY \
 ((ptrdiff_t)offsetof(struct cap, address) - (ptrdiff_t)offsetof(struct cap, attached))

static inline bool cap_empty(const struct cap *cap)
{
    return cap->kind == KIND_EMPTY;
}

// Slot `slot`, which user space chose, of a table of `count`; only for one that is below, which the
// caller checks before or afterwards.
static inline struct cap *cap_at(struct cap *table, uint64_t slot, uint64_t count)
{
    return hal_element(table, slot, count, CAP_BITS);
}

// Bytes of physical memory that a child of an Untyped or a frame covers.
static inline uint64_t cap_bytes(const struct cap *cap)
{
    return cap->kind == KIND_FRAME ? (uint64_t)cap->aux << 12 : 1ull << cap->bits;
}

// Make `to` (an empty slot) a capability derived from `from`, with the same fields but for rights
// and the links; the caller has checked that `from` is not marked, an embryo, an Untyped or a page
// table, and then narrows what it must.
void cap_derive(struct cap *to, struct cap *from, unsigned rights);

// Make `to` (an empty slot, fields of the header and address already set) the original of an object
// in the tree of `untyped`, which has nothing there.
void cap_insert_original(struct cap *to, struct cap *untyped);

// Make `to` (likewise) an original that was not retyped, a child in the list of `parent` (interrupt
// handlers, ports) or a root (NULL; boot).  A root Untyped overlaps no other.
void cap_insert_child(struct cap *to, struct cap *parent);

// Move a capability to an empty slot; every link to it follows.  The old slot is empty afterwards.
// Not for marked ones and embryos.
void cap_move(struct cap *to, struct cap *from);

// Empty a slot.  A derived capability goes at once, except that an attached frame is first
// detached.  An original is revoked and its object destroyed.  Preemptible: ERR_PREEMPTED asks to
// be called again with the same slot, then, the slot being empty, to call cap_drain; what is left
// to do is all in the structures.  An empty slot is fine.
MUST_USE enum err cap_delete(struct cap *cap);

// The same for slots that hold no originals (those of threads and of the interrupt table), from
// within the destruction of an object.
MUST_USE enum err cap_delete_derived(struct cap *cap);

// Delete everything derived from `cap`, which stays.  First every descendant is marked, then
// deleted, so that it ends although others go on copying.  Preemptible as cap_delete.
MUST_USE enum err cap_revoke(struct cap *cap);

// Whether whoever wants to derive `count` capabilities is to try again (ERR_RETRY), because a
// revocation waits for its turn.
bool cap_derive_waits(unsigned count);

// Finish the destruction of every table that was begun and not completed, whoever began it.
// Preemptible.
MUST_USE enum err cap_drain(void);

// Debug kernels: walk everything that can be reached from the root Untypeds, and assert what is
// written above.
void cap_check(void);
