// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Debug kernels only: a walk over the tables of an address space.  Every table that can be reached
// is in use by this space at this very place, so at one place only; every leaf lies in a frame that
// is attached to the space and lets it be mapped so, and what is mapped is a frame's memory and no
// kernel object's.  Called with the kernel lock; takes as long as it takes.
#include "check.h"
#include "forest.h"
#include "pagetable.h"

#if PITH_DEBUG

static void check_list(const struct aspace *as, const struct cap *first, uint64_t length,
                       unsigned flags)
{
    const struct cap *before = NULL;
    uint64_t count = 0;
    for (const struct cap *table = first; table; before = table, table = table->stock_next) {
        ASSERT(table->kind == KIND_PAGETABLE && table->flags & CAP_ORIGINAL && table->space == as);
        ASSERT((table->flags & (CAP_ATTACHED | CAP_IN_USE)) == flags);
        ASSERT(table->stock_prev == before);
        count++;
    }
    ASSERT(count == length);
}

static void check_frames(const struct aspace *as)
{
    uint64_t end = 0, leaving = 0;
    tree_check(&as->frames, CAP_ATTACHED_KEY);
    struct tree_node *node = tree_first(&as->frames);
    while (node) {
        const struct cap *frame = CONTAINER_OF(node, const struct cap, attached);
        ASSERT(frame->kind == KIND_FRAME && !(frame->flags & CAP_ORIGINAL));
        ASSERT(frame->flags & CAP_ATTACHED && frame->space == as && frame->address >= end);
        end = frame->address + cap_bytes(frame);
        leaving += (frame->flags & FRAME_LEAVING) != 0;
        node = tree_find_ge(&as->frames, frame->address + 1, CAP_ATTACHED_KEY);
    }
    ASSERT(leaving == as->leaving);
}

// What the first program began with was made by the boot code, out of no Untyped.
static const struct cap *table_owner(const struct aspace *as, uint64_t address)
{
    const struct cap *table = cap_owner(address);
    for (const struct cap *at = as->tables; !table && at; at = at->stock_next) {
        table = at->address == address ? at : NULL;
    }
    return table;
}

// The entry at `level` for `vaddr`, the first of its span, points to a table.
static void check_table(const struct aspace *as, uint64_t entry, uint64_t vaddr, unsigned level)
{
    const struct cap *table = table_owner(as, hal_pte_address(entry));
    ASSERT(table && table->kind == KIND_PAGETABLE && table->address == hal_pte_address(entry));
    ASSERT(table->flags & CAP_IN_USE && table->space == as);
    ASSERT(table->aux == table_place(vaddr, level - 1));
}

static void check_leaf(const struct aspace *as, uint64_t entry, unsigned level)
{
    struct hit hit = {};
    uint64_t page = hal_pte_address(entry), last = page + (1ull << entry_shift(level)) - 1;
    const struct cap *owner = cap_owner(page);
    ASSERT(!owner || (owner->kind == KIND_FRAME && !(owner->flags & CAP_EMBRYO)));
    ASSERT(cap_owner(last) == owner);
    ASSERT(hit_find(&hit, as, page, level));
    ASSERT(prot_allowed(hit.rights, hal_pte_prot(entry)));
}

// The tables that begin at `vaddr`, those above first.
static void check_tables_at(struct aspace *as, uint64_t vaddr)
{
    for (unsigned level = as->top; level; level--) {
        struct place place = table_walk(as, vaddr, level);
        if (vaddr & ((1ull << entry_shift(level)) - 1) || place.level != level) {
            continue;
        }
        if (hal_pte_present(*place.entry) && hal_pte_is_table(*place.entry, level)) {
            check_table(as, *place.entry, vaddr, level);
        }
    }
}

void space_check(const struct cap *original)
{
    struct aspace *as = aspace_of(original);
    check_frames(as);
    check_list(as, as->stock, as->stocked, CAP_ATTACHED);
    check_list(as, as->tables, as->used, CAP_ATTACHED | CAP_IN_USE);
    for (uint64_t vaddr = 0; !as->dying && vaddr < as->end;) {
        if (!(vaddr & ((1ull << entry_shift(1)) - 1))) {
            check_tables_at(as, vaddr);
        }
        struct place place = table_walk(as, vaddr, 0);
        if (hal_pte_present(*place.entry)) {
            check_leaf(as, *place.entry, place.level);
        }
        vaddr = ((vaddr >> entry_shift(place.level)) + 1) << entry_shift(place.level);
    }
}

#endif
