// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Translation tables: the stock of an address space, making tables, passes over a range.
// Relies on hal/aspace.h for what an entry means.  Called by aspace.c and frame.c, and by the
// capability code to delete a table. Memory of tables outside `tables` is all zero, but for a table
// that is being deleted.

#include "pagetable.h"

#include "preempt.h"

#include <hal/iommu.h>

// A refusal is exact for this much, which is soon counted.
#define WINDOW_BYTES (16ull << 20)

HOT struct place table_walk(struct aspace *as, uint64_t vaddr, unsigned level)
{
    uint64_t span = (vaddr >> entry_shift(1)) + 1;
    if (level == 0 && span == as->leaf_span) {
        return (struct place){ &as->leaf_table[entry_index(vaddr, 0)], 0 };
    }
    unsigned at = as->top;
    uint64_t *table = as->root, *entry = &table[entry_index(vaddr, at)];
    while (at > level && hal_pte_present(*entry) && hal_pte_is_table(*entry, at)) {
        at--;
        table = (uint64_t *)hal_pte_address(*entry);
        entry = &table[entry_index(vaddr, at)];
    }
    if (at == 0) {
        as->leaf_span = span;
        as->leaf_table = table;
    }
    return (struct place){ entry, at };
}

COLD void table_written(struct aspace *as, struct place place, unsigned count, uint64_t vaddr)
{
    if (as->domain) {
        hal_iommu_written(&as->hal, place.entry, count, vaddr, count * entry_pages(place.level));
    }
}

static struct cap **table_list(struct aspace *as, const struct cap *table)
{
    return table->flags & CAP_IN_USE ? &as->tables : &as->stock;
}

static void list_push(struct cap **list, struct cap *table)
{
    table->stock_next = *list;
    table->stock_prev = NULL;
    if (*list) {
        (*list)->stock_prev = table;
    }
    *list = table;
}

static void list_remove(struct cap **list, struct cap *table)
{
    if (table->stock_prev) {
        table->stock_prev->stock_next = table->stock_next;
    } else {
        *list = table->stock_next;
    }
    if (table->stock_next) {
        table->stock_next->stock_prev = table->stock_prev;
    }
}

void table_stock(struct aspace *as, struct cap *table)
{
    table->flags |= CAP_ATTACHED;
    table->space = as;
    list_push(&as->stock, table);
    as->stocked++;
}

void table_release(struct cap *table)
{
    struct aspace *as = table->space;
    list_remove(table_list(as, table), table);
    *(table->flags & CAP_IN_USE ? &as->used : &as->stocked) -= 1;
    table->flags &= (uint8_t) ~(CAP_ATTACHED | CAP_IN_USE);
    table->aux = 0;
    table->space = NULL;
    table->stock_next = NULL;
    table->stock_prev = NULL;
}

// Hook a table of the stock, which is not empty, into the absent entry at `place`.
static uint64_t *table_use(struct aspace *as, struct place place, uint64_t vaddr)
{
    struct cap *table = as->stock;
    ASSERT(table);
    list_remove(&as->stock, table);
    as->stocked--;
    unsigned level = place.level - 1;
    uint64_t first = vaddr & ~0ull << entry_shift(place.level);
    table->aux = table_place(first, level);
    table->flags |= CAP_IN_USE;
    list_push(&as->tables, table);
    as->used++;
    *place.entry = hal_pte_table(table->address);
    table_written(as, (struct place){ (uint64_t *)table->address, level }, TABLE_ENTRIES, first);
    table_written(as, place, 1, first);
    return (uint64_t *)table->address;
}

COLD enum err pagetable_detach(struct cap *table)
{
    if (!(table->flags & CAP_ATTACHED)) {
        return ERR_OK;
    }
    struct aspace *as = table->space;
    as->leaf_span = 0;
    if (table->flags & CAP_IN_USE && !as->dying) {
        unsigned level = (table->aux >> LEVEL_SHIFT) + 1;  // of the parent
        uint64_t vaddr = (uint64_t)(table->aux & ((1u << LEVEL_SHIFT) - 1)) << PLACE_SHIFT;
        struct place place = table_walk(as, vaddr, level);
        // A table above may have been deleted before, and another be there by now.
        if (place.level == level && hal_pte_present(*place.entry) &&
            hal_pte_is_table(*place.entry, level) &&
            hal_pte_address(*place.entry) == table->address) {
            *place.entry = 0;
            table_written(as, place, 1, vaddr);
            table_flush(as, vaddr, entry_pages(level));
        }
    }
    table_release(table);
    return ERR_OK;
}

static void table_moved(struct cap *to, struct cap *from)
{
    if (to->stock_prev) {
        to->stock_prev->stock_next = to;
    } else {
        *table_list(to->space, from) = to;
    }
    if (to->stock_next) {
        to->stock_next->stock_prev = to;
    }
}

void aspace_cap_moved(struct cap *to, struct cap *from)
{
    if (!(to->flags & CAP_ATTACHED)) {
        return;
    }
    if (to->kind == KIND_PAGETABLE) {
        table_moved(to, from);
        return;
    }
    tree_replace(&from->space->frames, &from->attached, &to->attached, CAP_ATTACHED_KEY);
}

// The most tables that [vaddr, end) can need for leaves of `level`.
static COLD uint64_t tables_most(const struct demand *demand, uint64_t vaddr, uint64_t end,
                                 unsigned level)
{
    uint64_t most = 0;
    for (unsigned at = level + 1; at <= demand->as->top; at++) {
        most += ((end - 1) >> entry_shift(at)) - (vaddr >> entry_shift(at)) + 1;
    }
    return demand->from ? least(most, demand->from->used) : most;
}

// Exactly how many tables [vaddr, end), of one table of level 1, lacks for leaves of `level` or of
// what is to be copied. Tables on the way to `*counted` are counted already; the last address
// counted takes its place.
static uint64_t part_missing(const struct demand *demand, uint64_t vaddr, uint64_t end,
                             unsigned level, uint64_t *counted)
{
    struct place to = table_walk(demand->as, vaddr, 1);
    struct place from = { NULL, 1 };
    if (demand->from) {
        from = table_walk(demand->from, vaddr, 1);
    }
    if (from.level != 1) {
        return 0;
    }
    uint64_t spans = ((end - 1) >> entry_shift(1)) - (vaddr >> entry_shift(1)) + 1;
    uint64_t missing = 0;
    bool wanted = false;
    for (uint64_t i = 0; i < spans; i++) {
        bool small = from.entry ? hal_pte_is_table(from.entry[i], 1) : level == 0;
        if (from.entry && !hal_pte_present(from.entry[i])) {
            continue;
        }
        wanted = true;
        missing += small && !(to.level == 1 && hal_pte_present(to.entry[i]));
    }
    if (!wanted) {
        return 0;
    }
    for (unsigned at = 1; at < to.level; at++) {
        missing += (*counted ^ vaddr) >> entry_shift(at + 1) != 0;
    }
    *counted = end - 1;
    return missing;
}

static uint64_t window_missing(const struct demand *demand, uint64_t vaddr, uint64_t end,
                               unsigned level)
{
    uint64_t missing = 0, counted = UINT64_MAX;
    while (vaddr < end) {
        uint64_t part = least(end, (vaddr | ((1ull << entry_shift(2)) - 1)) + 1);
        missing += part_missing(demand, vaddr, part, level, &counted);
        vaddr = part;
    }
    return missing;
}

static COLD uint64_t tables_missing(struct demand *demand, uint64_t vaddr, uint64_t pages,
                                    unsigned level)
{
    uint64_t end = vaddr + pages * PAGE_SIZE;
    uint64_t most = tables_most(demand, vaddr, end, demand->from ? 0 : level);
    uint64_t stocked = demand->as->stocked;
    demand->assured = end;
    if (most <= stocked) {
        return 0;
    }
    demand->assured = least(end, vaddr + WINDOW_BYTES);
    uint64_t missing = window_missing(demand, vaddr, demand->assured, level);
    if (missing <= stocked) {
        return 0;
    }
    if (demand->assured < end) {
        missing += tables_most(demand, demand->assured, end, demand->from ? 0 : level);
    }
    return least(missing, most) - stocked;
}

uint64_t table_supply(struct demand *demand, uint64_t vaddr, uint64_t pages, unsigned level,
                      struct place *place)
{
    if (vaddr >= demand->assured || demand->as->stocked < place->level - level) {
        preempt_work(40);
        demand->counted = true;
        uint64_t missing = tables_missing(demand, vaddr, pages, level);
        if (missing) {
            return missing;
        }
    }
    while (place->level != level && !hal_pte_present(*place->entry)) {
        demand->made = true;
        uint64_t *table = table_use(demand->as, *place, vaddr);
        place->level--;
        place->entry = &table[entry_index(vaddr, place->level)];
    }
    return 0;
}

COLD enum err range_check(const struct aspace *as, uint64_t vaddr, uint64_t pages,
                          unsigned argument)
{
    if (vaddr % PAGE_SIZE) {
        return err_blame(ERR_ALIGN, argument);
    }
    if (vaddr < PAGE_SIZE || vaddr >= as->end) {
        return err_blame(ERR_RANGE, argument);
    }
    if (pages == 0 || pages > (as->end - vaddr) / PAGE_SIZE) {
        return err_blame(ERR_RANGE, argument + 1);
    }
    return ERR_OK;
}

bool hit_find(struct hit *hit, const struct aspace *as, uint64_t page, unsigned level)
{
    struct tree_node *node = tree_find_le(&as->frames, page, CAP_ATTACHED_KEY);
    if (!node) {
        return false;
    }
    const struct cap *frame = CONTAINER_OF(node, struct cap, attached);
    uint64_t leaf = 1ull << entry_shift(level);
    if (cap_bytes(frame) < leaf || page - frame->address > cap_bytes(frame) - leaf) {
        return false;
    }
    hit->start = frame->address;
    hit->bytes = cap_bytes(frame) - leaf + 1;
    hit->rights = frame->rights;
    hit->leaving = frame->flags & FRAME_LEAVING;
    return true;
}

// Pages from `vaddr` to the end of a run of absent entries.
static uint64_t absent_pages(struct place place, uint64_t vaddr)
{
    unsigned limit = TABLE_ENTRIES - entry_index(vaddr, place.level);
    limit = (unsigned)least(limit, 64);
    unsigned count = 1;
    while (count < limit && !hal_pte_present(place.entry[count])) {
        count++;
    }
    uint64_t end = (vaddr >> entry_shift(place.level)) + count;
    return ((end << entry_shift(place.level)) - vaddr) / PAGE_SIZE;
}

static inline enum err leaves_visit(struct visit *visit, uint64_t *entry, unsigned count,
                                    unsigned level)
{
    return (enum err)hal_call_4((uintptr_t)visit->leaves, visit, entry, count, level);
}

// One step of a pass, of at most `most` entries; how many pages it covered.
static enum err visit_step(struct visit *visit, struct place place, unsigned most, uint64_t *pages)
{
    uint64_t room = entry_pages(1) - visit->vaddr / PAGE_SIZE % entry_pages(1);
    if (!hal_pte_present(*place.entry) && place.level) {
        *pages = least(visit->pages, absent_pages(place, visit->vaddr));
        return ERR_OK;
    }
    *pages = least(visit->pages, room);
    visit->searches = most < VISIT_PAGES ? 2 : 1;
    visit->partial = place.level && *pages < entry_pages(1);
    unsigned count = place.level ? 1 : (unsigned)least(*pages, most);
    visit->done = count;
    enum err err = leaves_visit(visit, place.entry, count, place.level);
    *pages = place.level && visit->done ? *pages : err ? count : visit->done;
    return err;
}

enum err visit_range(struct visit *visit)
{
    // The first step is shorter, since the way here belongs to it, and so is one after many
    // searches.
    for (unsigned most = VISIT_PAGES / 2; visit->pages;
         most = visit->searches > 2 ? VISIT_PAGES / 2 : VISIT_PAGES) {
        struct place place = table_leaf(visit->as, visit->vaddr);
        uint64_t pages;
        enum err err = visit_step(visit, place, most, &pages);
        if (visit->changed) {
            table_written(visit->as, place, (unsigned)least(pages, CHUNK_PAGES), visit->vaddr);
            table_flush(visit->as, visit->vaddr, pages);
        }
        visit->changed = false;
        if (err) {
            return err;
        }
        visit->vaddr += pages * PAGE_SIZE;
        visit->pages -= pages;
        if (visit->pages && preempt_point(PREEMPT_WORK)) {
            return ERR_PREEMPTED;
        }
    }
    return ERR_OK;
}

struct removal {
    struct visit visit;
    uint64_t start, bytes;
};

static enum err leaves_remove(struct visit *visit, uint64_t *entry, unsigned count, unsigned level)
{
    (void)level;
    const struct removal *removal = CONTAINER_OF(visit, struct removal, visit);
    for (unsigned i = 0; i < count; i++) {
        if (!hal_pte_present(entry[i]) ||
            hal_pte_address(entry[i]) - removal->start >= removal->bytes) {
            continue;
        }
        if (visit->partial) {
            return err_blame(ERR_ALIGN, 1);
        }
        entry[i] = 0;
        visit->changed = true;
    }
    return ERR_OK;
}

enum err range_remove(struct aspace *as, uint64_t words[2], uint64_t start, uint64_t bytes)
{
    struct removal removal = {
        .visit = { .as = as, .vaddr = words[0], .pages = words[1], .leaves = leaves_remove },
        .start = start,
        .bytes = bytes,
    };
    enum err err = visit_range(&removal.visit);
    words[0] = removal.visit.vaddr;
    words[1] = removal.visit.pages;
    return err;
}
