// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Walking and changing translation tables: private to pagetable.c, aspace.c and frame.c.
#pragma once

#include "aspace.h"

#include <abi/message.h>

#define TABLE_BITS    9u
#define TABLE_ENTRIES (1u << TABLE_BITS)
// Between two preemption points.
#define CHUNK_PAGES 64u  // most entries that are mapped
#define VISIT_PAGES 32u  // most entries that are looked at in a pass, with one search of the frames

// Rights of a mapping are those of the capability, bit by bit.
_Static_assert(PROT_READ == RIGHT_READ && PROT_WRITE == RIGHT_WRITE &&
                   PROT_EXECUTE == RIGHT_EXECUTE,
               "prot and rights have the same bits");

// A frame being detached: mapped no more.  (The flag means something else for page tables only.)
#define FRAME_LEAVING CAP_IN_USE

// A table in use: its place is aux, level in the top bits (`bits` stays the size of the object).
#define PLACE_SHIFT 21u
#define LEVEL_SHIFT 30u
_Static_assert(USER_END >> PLACE_SHIFT <= 1ull << LEVEL_SHIFT, "a place fits");
_Static_assert(HAL_PT_LEVELS - 1 <= 4, "a level of a table below the root fits");

static inline uint32_t table_place(uint64_t first, unsigned level)
{
    return (uint32_t)(first >> PLACE_SHIFT) | level << LEVEL_SHIFT;
}

// An entry and the level of the table it is in.
struct place {
    uint64_t *entry;
    unsigned level;
};

static inline unsigned entry_shift(unsigned level)
{
    return PAGE_BITS + TABLE_BITS * level;
}

static inline unsigned entry_index(uint64_t vaddr, unsigned level)
{
    return (unsigned)(vaddr >> entry_shift(level)) % TABLE_ENTRIES;
}

static inline uint64_t entry_pages(unsigned level)
{
    return 1ull << (TABLE_BITS * level);
}

static inline uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// Change some bits of an entry that is in use, in which another CPU may be setting the accessed and
// dirty bits: those are not lost.
// NOLINTNEXTLINE(readability-non-const-parameter): the builtin writes through it
static inline void entry_flip(uint64_t *entry, uint64_t bits)
{
    __atomic_fetch_xor(entry, bits, __ATOMIC_RELAXED);
}

// The entry for `vaddr` at `level`; above it where a table is absent or a large leaf is in the way.
struct place table_walk(struct aspace *as, uint64_t vaddr, unsigned level);

// Forget translations that were removed or changed.
static inline void table_flush(struct aspace *as, uint64_t vaddr, uint64_t pages)
{
    as->generation++;
    hal_aspace_flush(&as->hal, vaddr, pages);
}

// Entries were written, the first of them for `vaddr`: an IOMMU may have to be told.
void table_written(struct aspace *as, struct place place, unsigned count, uint64_t vaddr);

// Check a range of pages of a space; `argument` is the address's, the next one the number's.
MUST_USE enum err range_check(const struct aspace *as, uint64_t vaddr, uint64_t pages,
                              unsigned argument);

// May a capability with `rights` be mapped with the rights in `prot`?
static inline bool prot_allowed(unsigned rights, uint64_t prot)
{
    const unsigned both = PROT_WRITE | PROT_EXECUTE;
    return !(prot & PROT_RIGHTS & ~(uint64_t)rights) &&
           ((prot & both) != both || rights & RIGHT_WX);
}

// The same for level 0, quick where the table is the one that was walked last.
static inline struct place table_leaf(struct aspace *as, uint64_t vaddr)
{
    if (LIKELY((vaddr >> entry_shift(1)) + 1 == as->leaf_span)) {
        return (struct place){ &as->leaf_table[entry_index(vaddr, 0)], 0 };
    }
    return table_walk(as, vaddr, 0);
}

// A need for tables, for map and copy.  Tables are only taken when all that a window of the range
// lacks are in the stock, so that a refusal finds the window untouched.
struct demand {
    struct aspace *as;    // where tables are needed
    struct aspace *from;  // only for what is mapped here; NULL: for the whole range
    uint64_t assured;     // below this address no table will be missing, as long as none is taken
    bool counted, made;   // set where tables were
};

// Make the tables that a walk to `level` found missing; the same result as table_demand.
MUST_USE uint64_t table_supply(struct demand *demand, uint64_t vaddr, uint64_t pages,
                               unsigned level, struct place *place);

// The entry of demand->as for `vaddr` at `level`, tables made as needed; above `level` where a
// large leaf is in the way. Otherwise than 0: that many tables are missing for the `pages` from
// there, nothing was changed.
MUST_USE static inline uint64_t table_demand(struct demand *demand, uint64_t vaddr, uint64_t pages,
                                             unsigned level, struct place *place)
{
    *place = table_walk(demand->as, vaddr, level);
    // With its table there and all in that table, nothing can be missing.
    uint64_t entries = pages >> (TABLE_BITS * level);
    if (place->level == level && entry_index(vaddr, level) + entries <= TABLE_ENTRIES) {
        return 0;
    }
    return table_supply(demand, vaddr, pages, level, place);
}

// The attached frame of the page seen last, so that consecutive pages need no search.  Zeroed:
// none.
struct hit {
    uint64_t start, bytes;  // a leaf at an address in [start, start + bytes) lies inside the frame
    unsigned rights;
    bool leaving;
};

// The attached frame of `as` that holds the whole leaf of `level` at `page`; false where there is
// none.
MUST_USE bool hit_find(struct hit *hit, const struct aspace *as, uint64_t page, unsigned level);

static inline bool hit_has(const struct hit *hit, uint64_t page)
{
    return LIKELY(page - hit->start < hit->bytes);
}

// One pass over the tables of a range.
struct visit {
    struct aspace *as;
    uint64_t vaddr, pages;  // what is left
    // Called with `count` consecutive entries, present or not, from `vaddr` on; or with one large
    // leaf.  An error ends the pass.
    enum err (*leaves)(struct visit *visit, uint64_t *entry, unsigned count, unsigned level);
    unsigned done;      // set by `leaves` to what it did before `visit_cut`; otherwise all
    unsigned searches;  // left in this step
    bool partial;       // the large leaf is not wholly inside the range
    bool changed;       // set by `leaves`: translations are to be flushed
};

// Before a search of the frames (or as much work) at entry `done`: true where a step has done
// enough of them and is to end here.
static inline bool visit_cut(struct visit *visit, unsigned done)
{
    visit->done = done;
    return visit->searches-- == 0;
}

// Go on with a pass.  Preemptible: vaddr and pages tell what is left.  Absent tables cost a step
// each, not one per page.
MUST_USE enum err visit_range(struct visit *visit);

// Remove the leaves of a range whose pages lie in [start, start + bytes) of the direct map; as
// visit_range. Blames argument 1 for a large leaf not wholly inside the range.  words: vaddr,
// pages.
MUST_USE enum err range_remove(struct aspace *as, uint64_t words[2], uint64_t start,
                               uint64_t bytes);

// Take a page table out of its list and its space: it is free again.
void table_release(struct cap *table);
// Put a free page table into the stock.
void table_stock(struct aspace *as, struct cap *table);
// Take a frame out of its space: none of its pages may be mapped any more.
void frame_release(struct cap *frame);
