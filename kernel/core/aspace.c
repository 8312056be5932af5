// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Address spaces: making and destroying them, and what is done to whole ranges of one.
// Relies on pagetable.c.  Called by invocations and by the table of kinds.

#include "captable.h"
#include "io.h"
#include "pagetable.h"
#include "preempt.h"
#include "thread.h"

#include <abi/message.h>

#define HARVEST_PAGES 2048u

void aspace_init(struct cap *original)
{
    struct aspace *as = aspace_of(original);
    hal_aspace_init(&as->hal, as->root);
    aspace_set_levels(as, HAL_PT_LEVELS);
}

void aspace_set_levels(struct aspace *as, unsigned levels)
{
    as->top = (uint8_t)(levels - 1);
    as->end = least(USER_END, 1ull << entry_shift(levels));
}

// Tables of the stock are all zero.
static void table_clear(struct cap *table)
{
    uint64_t *entry = (uint64_t *)table->address;
    for (const uint64_t *end = entry + TABLE_ENTRIES; entry < end; entry += 8) {
        entry[0] = entry[1] = entry[2] = entry[3] = 0;
        entry[4] = entry[5] = entry[6] = entry[7] = 0;
    }
}

enum err aspace_destroy_step(struct cap *original)
{
    struct aspace *as = aspace_of(original);
    if (!as->dying) {
        as->dying = true;
        table_flush(as, 0, USER_END / PAGE_SIZE);
    }
    if (as->domain) {
        enum err err = io_space_destroy(as);
        if (err) {
            return err;
        }
    }
    while (as->tables) {
        table_clear(as->tables);
        table_release(as->tables);
        if (preempt_point(75)) {
            return ERR_PREEMPTED;
        }
    }
    while (as->stock) {
        table_release(as->stock);
        if (preempt_point(5)) {
            return ERR_PREEMPTED;
        }
    }
    while (as->frames.root) {
        frame_release(CONTAINER_OF(as->frames.root, struct cap, attached));
        if (preempt_point(25)) {
            return ERR_PREEMPTED;
        }
    }
    return ERR_OK;
}

static enum err stock_check(const struct cap *table)
{
    if (cap_empty(table)) {
        return err_blame(ERR_SLOT, 2);
    }
    if (table->kind != KIND_PAGETABLE) {
        return err_blame(ERR_TYPE, 2);
    }
    if (table->flags & (CAP_ATTACHED | CAP_MARKED | CAP_EMBRYO)) {
        return err_blame(ERR_STATE, 2);
    }
    return ERR_OK;
}

COLD enum err op_aspace_stock(struct invocation *inv)
{
    uint64_t *words = inv->words;  // table, slot, count
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    struct cap *tables;
    enum err err = cap_lookup_kind(inv->thread, words[0], KIND_CAPTABLE, RIGHT_WRITE, 1, &tables);
    if (err) {
        return err;
    }
    struct captable *table = captable_of(tables);
    if (words[1] == 0 || words[1] >= table->count) {
        return err_blame(ERR_SLOT, 2);
    }
    if (words[2] == 0 || words[2] > table->count - words[1]) {
        return err_blame(ERR_RANGE, 3);
    }
    for (;;) {
        struct cap *slot = cap_at(captable_slots(table), words[1], table->count);
        err = stock_check(slot);
        if (err) {
            return err;
        }
        table_stock(aspace_of(inv->self), slot);
        words[1]++;
        words[2]--;
        if (!words[2]) {
            return ERR_OK;
        }
        if (preempt_point(4)) {
            return ERR_PREEMPTED;
        }
    }
}

struct protection {
    struct visit visit;
    struct hit hit;
    unsigned prot;
};

static enum err leaves_protect(struct visit *visit, uint64_t *entry, unsigned count, unsigned level)
{
    struct protection *protection = CONTAINER_OF(visit, struct protection, visit);
    const unsigned prot = protection->prot;
    if (visit->partial) {
        return err_blame(ERR_ALIGN, 1);
    }
    if (level) {
        protection->hit.bytes = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        uint64_t old = entry[i];
        if (!hal_pte_present(old)) {
            continue;
        }
        uint64_t page = hal_pte_address(old);
        if (!hit_has(&protection->hit, page)) {
            if (visit_cut(visit, i)) {
                return ERR_OK;
            }
            if (!hit_find(&protection->hit, visit->as, page, level) ||
                !prot_allowed(protection->hit.rights, prot)) {
                protection->hit.bytes = 0;
                return err_blame(ERR_RIGHTS, 3);
            }
        }
        uint64_t change = hal_pte_protect(old, prot) ^ old;
        if (change) {
            entry_flip(&entry[i], change);
            visit->changed = true;
        }
    }
    visit->done = count;
    return ERR_OK;
}

enum err op_aspace_protect(struct invocation *inv)
{
    uint64_t *words = inv->words;  // vaddr, pages, prot
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    enum err err = range_check(aspace_of(inv->self), words[0], words[1], 1);
    if (err) {
        return err;
    }
    if (words[2] & ~(uint64_t)PROT_RIGHTS || !(words[2] & PROT_READ)) {
        return err_blame(ERR_RANGE, 3);
    }
    struct protection protection = {
        .visit = { .as = aspace_of(inv->self),
                   .vaddr = words[0],
                   .pages = words[1],
                   .leaves = leaves_protect },
        .prot = (unsigned)words[2],
    };
    err = visit_range(&protection.visit);
    words[0] = protection.visit.vaddr;
    words[1] = protection.visit.pages;
    return err;
}

enum err op_aspace_unmap(struct invocation *inv)
{
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    enum err err = range_check(aspace_of(inv->self), inv->words[0], inv->words[1], 1);
    if (err) {
        return err;
    }
    return range_remove(aspace_of(inv->self), inv->words, 0, UINT64_MAX);
}

struct copying {
    struct visit visit;
    struct demand demand;  // of the destination
    uint64_t missing;
    unsigned remove;  // rights that both lose
    // How the leaf seen last became a copy.  One in the same frame with the same attributes changes
    // by as much (`from`: in these bits).
    struct hit hit;  // its frame, attached to the destination
    uint64_t first;  // a clean leaf of the frame's first page with these attributes
    uint64_t pages;  // of the frame; 0: look
    uint64_t to_change, from_change;
};

// Find out how the leaf `old` is copied.  Its frame must be attached to the destination and stay.
static enum err copying_leaf(struct copying *copying, uint64_t old, unsigned level)
{
    struct hit *hit = &copying->hit;
    uint64_t page = hal_pte_address(old), clean = hal_pte_clean(old);
    if (!hit_has(hit, page) && !hit_find(hit, copying->demand.as, page, level)) {
        return err_blame(ERR_STATE, 1);
    }
    copying->pages = 0;
    if (hit->leaving || !(hit->rights & RIGHT_READ)) {
        return err_blame(ERR_STATE, 1);
    }
    unsigned prot = hal_pte_prot(old) & ~copying->remove;
    unsigned narrow = prot & hit->rights;
    if (!prot_allowed(hit->rights, narrow)) {
        narrow &= ~PROT_WRITE;
    }
    copying->first = clean - (page - hit->start);
    copying->pages = (hit->bytes - 1) / PAGE_SIZE + 1;
    copying->to_change = hal_pte_protect(clean, narrow) - clean;
    copying->from_change = hal_pte_protect(old, prot) ^ old;
    copying->visit.changed |= copying->from_change != 0;
    return ERR_OK;
}

// Whether the leaf, without accessed and dirty bits, is to be copied as the last one: a whole
// number of pages behind the frame's first and inside.  Another attribute makes the difference no
// such number, or a large one; one that is not present has another attribute.
static inline bool copying_alike(const struct copying *copying, uint64_t clean)
{
    uint64_t bytes = clean - copying->first;
    return LIKELY((bytes >> PAGE_BITS | bytes << (64 - PAGE_BITS)) < copying->pages);
}

static HOT enum err leaves_move(struct copying *copying, uint64_t *from, struct place to,
                                unsigned count)
{
    copying->visit.changed = copying->pages && copying->from_change;
    for (unsigned i = 0; i < count; i++) {
        uint64_t old = from[i], clean = hal_pte_clean(old);
        if (UNLIKELY(!copying_alike(copying, clean))) {
            if (!hal_pte_present(old)) {
                continue;
            }
            if (visit_cut(&copying->visit, i)) {
                break;
            }
            enum err err = copying_leaf(copying, old, to.level);
            if (err) {
                return err;
            }
            copying->visit.done = count;
        }
        if (UNLIKELY(hal_pte_present(to.entry[i]))) {
            return err_blame(ERR_MAPPED, 2);
        }
        to.entry[i] = clean + copying->to_change;
        if (copying->from_change) {
            entry_flip(&from[i], copying->from_change);
        }
    }
    return ERR_OK;
}

static enum err leaves_copy(struct visit *visit, uint64_t *entry, unsigned count, unsigned level)
{
    struct copying *copying = CONTAINER_OF(visit, struct copying, visit);
    if (visit->partial) {
        return err_blame(ERR_ALIGN, 2);
    }
    struct place to;
    copying->missing = table_demand(&copying->demand, visit->vaddr, visit->pages, level, &to);
    if (copying->missing) {
        return err_blame(ERR_TABLES, 2);
    }
    if (to.level != level) {
        return err_blame(ERR_MAPPED, 2);
    }
    if (copying->demand.counted || copying->demand.made) {  // a step of its own
        copying->demand.counted = copying->demand.made = false;
        visit->done = 0;
        return ERR_OK;
    }
    if (level) {
        copying->hit.bytes = copying->pages = 0;
    }
    enum err err = leaves_move(copying, entry, to, count);
    table_written(copying->demand.as, to, count, visit->vaddr);
    return err;
}

static enum err copy_check(const struct invocation *inv, struct cap **to)
{
    const uint64_t *words = inv->words;  // to, vaddr, pages, flags
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    enum err err = cap_lookup_kind(inv->thread, words[0], KIND_ADDRESS_SPACE, RIGHT_WRITE, 1, to);
    if (err) {
        return err;
    }
    if ((*to)->address == inv->self->address) {
        return err_blame(ERR_STATE, 1);
    }
    if (aspace_of(*to)->dying) {
        return err_blame(ERR_DEAD, 1);
    }
    err = range_check(aspace_of(inv->self), words[1], words[2], 2);
    if (!err) {
        err = range_check(aspace_of(*to), words[1], words[2], 2);
    }
    if (err) {
        return err;
    }
    return words[3] & ~(uint64_t)COPY_READ_ONLY ? err_blame(ERR_RANGE, 4) : ERR_OK;
}

enum err op_aspace_copy(struct invocation *inv)
{
    uint64_t *words = inv->words;
    struct cap *to;
    enum err err = copy_check(inv, &to);
    if (err) {
        return err;
    }
    struct aspace *from = aspace_of(inv->self);
    struct copying copying = {
        .visit = { .as = from, .vaddr = words[1], .pages = words[2], .leaves = leaves_copy },
        .demand = { .as = aspace_of(to), .from = from, .assured = inv->progress },
        .remove = words[3] & COPY_READ_ONLY ? PROT_WRITE : 0,
    };
    err = visit_range(&copying.visit);
    words[1] = copying.visit.vaddr;
    words[2] = copying.visit.pages;
    inv->progress = copying.demand.assured;
    if (err == err_blame(ERR_TABLES, 2)) {
        words[0] = copying.missing;
        inv->results = 3;  // where to go on, too: vaddr and pages left
    }
    return err;
}

struct harvest {
    struct visit visit;
    uint64_t *words;  // two for 64 pages: accessed, dirty
    uint64_t base;
};

// What a leaf of `pages` pages from page `first` on says, into the bits of each of them.
static inline void bits_or(uint64_t *words, uint64_t first, uint64_t pages, uint64_t pte)
{
    for (uint64_t count; pages; first += count, pages -= count) {
        count = least(pages, 64 - first % 64);
        uint64_t mask = ~0ull >> (64 - count) << first % 64;
        words[first / 64 * 2] |= hal_pte_accessed(pte) ? mask : 0;
        words[first / 64 * 2 + 1] |= hal_pte_dirty(pte) ? mask : 0;
    }
}

static enum err leaves_harvest(struct visit *visit, uint64_t *entry, unsigned count, unsigned level)
{
    const struct harvest *harvest = CONTAINER_OF(visit, struct harvest, visit);
    if (visit->partial) {
        return err_blame(ERR_ALIGN, 1);
    }
    uint64_t first = (visit->vaddr - harvest->base) / PAGE_SIZE;
    visit->done = count = (unsigned)least(count, VISIT_PAGES / 4);  // much work each
    for (unsigned i = 0; i < count; i++) {
        uint64_t pte = entry[i];
        if (hal_pte_present(pte) && hal_pte_clean(pte) != pte) {
            bits_or(harvest->words, first + i, entry_pages(level), pte);
            entry_flip(&entry[i], hal_pte_clean(pte) ^ pte);
            visit->changed = true;
        }
    }
    return ERR_OK;
}

static enum err harvest_check(const struct invocation *inv)
{
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    if (!inv->thread->buffer) {
        return ERR_BUFFER;
    }
    enum err err = range_check(aspace_of(inv->self), inv->words[0], inv->words[1], 1);
    if (err) {
        return err;
    }
    return inv->words[1] > HARVEST_PAGES ? err_blame(ERR_RANGE, 2) : ERR_OK;
}

enum err op_aspace_harvest(struct invocation *inv)
{
    enum err err = harvest_check(inv);
    if (err) {
        return err;
    }
    uint64_t vaddr = inv->words[0], pages = inv->words[1];
    uint64_t *words = inv->thread->buffer->words;
    if (!inv->progress) {
        for (uint64_t i = 0; i < (pages + 63) / 64 * 2; i++) {
            words[i] = 0;
        }
    }
    // Progress is the number of pages done, so that the bits keep their place.
    uint64_t done = least(inv->progress, pages);
    struct harvest harvest = {
        .visit = { .as = aspace_of(inv->self),
                   .vaddr = vaddr + done * PAGE_SIZE,
                   .pages = pages - done,
                   .leaves = leaves_harvest },
        .words = words,
        .base = vaddr,
    };
    err = visit_range(&harvest.visit);
    inv->progress = pages - harvest.visit.pages;
    return err;
}
