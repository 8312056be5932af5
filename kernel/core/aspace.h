// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Address spaces, of a CPU or for I/O, the page tables in their stock, and the frames attached to
// them.
//
// An address space is two pages: its root table (first, as hardware wants it) and this structure's
// page. No reverse map: a frame knows the one space it is attached to, the space knows its attached
// frames by address, and detaching sweeps the tables.  Every leaf belongs to exactly one attached
// frame.  Guarded by the kernel lock.
//
// Sweeping.  One pass over the tables serves every frame that is leaving.  A frame that starts to
// leave starts the pass again; as a frame can only come back after a whole pass, there are at most
// as many starts as attached frames, so each detach ends whatever others do.  A frame whose pass is
// complete is taken out by whoever comes first: its own detach or the next frame that leaves.
//
// Page tables.  Deleting one in use unhooks it from its parent entry and flushes.  Tables below it
// become unreachable: they stay in `tables`, never to be walked again, until they are deleted or
// the space is destroyed.  So a table that can be reached from the root only ever points to tables
// that live.
#pragma once

#include "cap.h"
#include "object.h"

#include <hal/aspace.h>

struct aspace {
    uint64_t root[512];      // the root table; hardware reads it
    struct hal_aspace hal;   // what a switch to this space loads
    struct tree frames;      // attached frames by address
    struct cap *stock;       // page tables not in use: list through stock_next, stock_prev
    struct cap *tables;      // page tables in use: likewise
    uint64_t stocked, used;  // lengths of the two lists
    uint64_t leaf_span;  // the leaf table walked last covers the 2 MiB before this multiple of it;
                         // 0: none
    uint64_t *leaf_table;       // that table
    uint64_t generation;        // counts removed and narrowed translations
    uint64_t leaving;           // attached frames that are being detached (CAP_IN_USE)
    uint64_t sweep;             // next address of the pass in progress; 0: none
    uint64_t collect;           // pass complete: leaving frames below this address are taken out
    struct io_device *devices;  // I/O kind: attached (io.c)
    uint64_t end;               // first address that cannot be mapped
    uint16_t domain;            // I/O kind: its id; 0: CPU kind
    uint8_t top;                // level of the root table
    bool loaded;                // a thread has had it: not to become of I/O kind
    bool dying;                 // being destroyed: nothing in the tables counts any more
};
#define ASPACE_BITS 13
_Static_assert(sizeof(struct aspace) <= 1u << ASPACE_BITS, "size");

static inline struct aspace *aspace_of(const struct cap *cap)
{
    return (struct aspace *)cap->address;
}

void aspace_init(struct cap *original);
// How many levels of tables there are; nothing may be mapped yet.
void aspace_set_levels(struct aspace *as, unsigned levels);
// Give back page tables (zeroed) and frames.  No CPU may have the space loaded.  Preemptible.
MUST_USE enum err aspace_destroy_step(struct cap *original);
// Detach a frame (sweep) or take a page table out of its space; preemptible.  Fine for one that is
// not attached.
MUST_USE enum err frame_detach(struct cap *frame);
MUST_USE enum err pagetable_detach(struct cap *table);
// An attached frame or page table has been copied from slot `from` to slot `to`; `from` is still
// intact.
void aspace_cap_moved(struct cap *to, struct cap *from);

// Map pages of an attached frame; `words` as Frame.map has them (vaddr, page, pages, prot),
// advanced to what is left (not where all is done).  Preemptible. On ERR_TABLES words[0] is the
// number of tables that are missing for the rest (exact within 16 MiB, at most beyond), and
// nothing behind words[1] (page) and words[2] (pages left) is mapped.  The argument blamed is that
// of Frame.map.  Shared by Frame.map and the answer to a guest's fault.
MUST_USE enum err frame_map(struct cap *frame, uint64_t words[4]);

// The RAM of [offset, offset + size) of a frame capability with `rights`, as the kernel sees it;
// NULL where that is not inside the frame, the frame is device memory or the rights are missing.
static inline void *frame_ram(const struct cap *frame, uint64_t offset, uint64_t size,
                              unsigned rights)
{
    uint64_t bytes = cap_bytes(frame), end = bytes - size + 1;
    if (frame->flags & CAP_DEVICE || (frame->rights & rights) != rights || size > bytes ||
        offset >= end) {
        return NULL;
    }
    void *ram = hal_element((void *)frame->address, offset, end, 0);
    if (!ram) {
        __builtin_unreachable();  // it is in the direct map: callers need not look
    }
    return ram;
}

// Operations (abi/ops.def)
MUST_USE enum err op_frame_attach(struct invocation *inv);
MUST_USE enum err op_frame_detach(struct invocation *inv);
MUST_USE enum err op_frame_map(struct invocation *inv);
MUST_USE enum err op_frame_unmap(struct invocation *inv);
MUST_USE enum err op_frame_paddr(struct invocation *inv);
MUST_USE enum err op_aspace_stock(struct invocation *inv);
MUST_USE enum err op_aspace_protect(struct invocation *inv);
MUST_USE enum err op_aspace_unmap(struct invocation *inv);
MUST_USE enum err op_aspace_copy(struct invocation *inv);
MUST_USE enum err op_aspace_harvest(struct invocation *inv);
