// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Frames: attaching to an address space, mapping, detaching.
// A frame capability is attached to at most one space, frames of one space do not overlap, so each
// leaf has one owner. Relies on pagetable.c.  Called by invocations, by the capability code
// (frame_detach) and by guest faults (frame_map).

#include "pagetable.h"
#include "preempt.h"

// The space in which a frame can be mapped.
static enum err frame_space(const struct cap *frame, struct aspace **as)
{
    if (!(frame->flags & CAP_ATTACHED) || frame->flags & FRAME_LEAVING) {
        return ERR_STATE;
    }
    *as = frame->space;
    return (*as)->dying ? ERR_DEAD : ERR_OK;
}

COLD enum err op_frame_attach(struct invocation *inv)
{
    struct cap *frame = inv->self;
    if (frame->flags & CAP_ORIGINAL) {
        return ERR_ORIGINAL;
    }
    if (frame->flags & CAP_ATTACHED) {
        return ERR_STATE;
    }
    struct cap *space;
    enum err err = cap_lookup_kind(inv->thread, inv->words[0], KIND_ADDRESS_SPACE, RIGHT_WRITE, 1,
                                   &space);
    if (err) {
        return err;
    }
    struct aspace *as = aspace_of(space);
    if (as->dying) {
        return err_blame(ERR_DEAD, 1);
    }
    uint64_t last = frame->address + cap_bytes(frame) - 1;
    struct tree_node *below = tree_find_le(&as->frames, last, CAP_ATTACHED_KEY);
    if (below) {
        const struct cap *other = CONTAINER_OF(below, struct cap, attached);
        if (other->address + cap_bytes(other) > frame->address) {
            return ERR_OVERLAP;
        }
    }
    preempt_work(60);
    frame->space = as;
    frame->flags |= CAP_ATTACHED;
    tree_insert(&as->frames, &frame->attached, CAP_ATTACHED_KEY);
    return ERR_OK;
}

void frame_release(struct cap *frame)
{
    struct aspace *as = frame->space;
    tree_remove(&as->frames, &frame->attached, CAP_ATTACHED_KEY);
    if (frame->flags & FRAME_LEAVING) {
        as->leaving--;
    }
    frame->flags &= (uint8_t) ~(CAP_ATTACHED | FRAME_LEAVING);
    frame->space = NULL;
}

struct sweep {
    struct visit visit;
    struct hit hit;
};

static enum err leaves_sweep(struct visit *visit, uint64_t *entry, unsigned count, unsigned level)
{
    struct sweep *sweep = CONTAINER_OF(visit, struct sweep, visit);
    if (level) {
        sweep->hit.bytes = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!hal_pte_present(entry[i])) {
            continue;
        }
        uint64_t page = hal_pte_address(entry[i]);
        if (!hit_has(&sweep->hit, page)) {
            if (visit_cut(visit, i)) {
                return ERR_OK;
            }
            if (!hit_find(&sweep->hit, visit->as, page, level)) {
                continue;
            }
        }
        if (!sweep->hit.leaving) {
            continue;
        }
        entry[i] = 0;
        visit->changed = true;
    }
    visit->done = count;
    return ERR_OK;
}

// Go on with the pass that removes every leaf of the leaving frames.
static enum err space_sweep(struct aspace *as)
{
    if (!as->sweep) {
        return ERR_OK;
    }
    struct sweep sweep = { .visit = { .as = as,
                                      .vaddr = as->sweep,
                                      .pages = (as->end - as->sweep) / PAGE_SIZE,
                                      .leaves = leaves_sweep } };
    enum err err = visit_range(&sweep.visit);
    as->sweep = err ? sweep.visit.vaddr : 0;
    return err;
}

// Take out the frames whose pass is complete, so that another may begin.
static enum err space_collect(struct aspace *as)
{
    while (as->leaving) {
        struct tree_node *node = tree_find_ge(&as->frames, as->collect, CAP_ATTACHED_KEY);
        ASSERT(node);
        struct cap *frame = CONTAINER_OF(node, struct cap, attached);
        as->collect = frame->address + 1;
        if (frame->flags & FRAME_LEAVING) {
            frame_release(frame);
        }
        if (preempt_point(20)) {
            return ERR_PREEMPTED;
        }
    }
    return ERR_OK;
}

enum err frame_detach(struct cap *frame)
{
    if (!(frame->flags & CAP_ATTACHED)) {
        return ERR_OK;
    }
    struct aspace *as = frame->space;
    if (!as->dying && !(frame->flags & FRAME_LEAVING)) {
        enum err err = as->sweep ? ERR_OK : space_collect(as);
        if (err) {
            return err;
        }
        frame->flags |= FRAME_LEAVING;
        as->leaving++;
        as->sweep = PAGE_SIZE;
        as->collect = 0;
    }
    enum err err = as->dying ? ERR_OK : space_sweep(as);
    if (err) {
        return err;
    }
    frame_release(frame);
    return ERR_OK;
}

enum err op_frame_detach(struct invocation *inv)
{
    // After a restart the frame may have been taken out already, by another one that left.
    if (!(inv->self->flags & CAP_ATTACHED)) {
        return inv->progress ? ERR_OK : ERR_STATE;
    }
    inv->progress = 1;
    return frame_detach(inv->self);
}

// RAM has one memory type, that of the kernel's own mapping; a device has one of two.
static enum err map_check_prot(const struct cap *frame, uint64_t prot)
{
    if (!prot_allowed(frame->rights, prot)) {
        return err_blame(ERR_RIGHTS, 4);
    }
    const uint64_t type = PROT_UNCACHED | PROT_COMBINE;
    uint64_t known = PROT_RIGHTS | PROT_LARGE | PROT_REPLACE;
    if (frame->flags & CAP_DEVICE && (prot & type) != type) {
        known |= type;
    }
    return prot & ~known || !(prot & PROT_READ) ? err_blame(ERR_RANGE, 4) : ERR_OK;
}

static enum err map_check(const struct cap *frame, const uint64_t words[4], uint64_t end,
                          unsigned level)
{
    uint64_t vaddr = words[0], page = words[1], pages = words[2];
    uint64_t mask = (1ull << entry_shift(level)) - 1;
    if (vaddr & mask) {
        return err_blame(ERR_ALIGN, 1);
    }
    if (vaddr - PAGE_SIZE >= end - PAGE_SIZE) {
        return err_blame(ERR_RANGE, 1);
    }
    if (page >= frame->aux || (frame->address + page * PAGE_SIZE) & mask) {
        return err_blame(ERR_RANGE, 2);
    }
    if (pages - 1 >= frame->aux - page || pages > (end - vaddr) / PAGE_SIZE ||
        pages & mask / PAGE_SIZE) {
        return err_blame(ERR_RANGE, 3);
    }
    return map_check_prot(frame, words[3]);
}

// Rights and type of the leaves.
static unsigned map_prot(const struct cap *frame, uint64_t prot)
{
    unsigned type = frame->flags & CAP_DEVICE ? PROT_UNCACHED : 0;
    if (prot & PROT_COMBINE) {
        type = PROT_COMBINE;
    }
    return (unsigned)(prot & PROT_RIGHTS) | type;
}

// Map the next entries of a chunk, fewer where tables were counted, until something is in the way;
// how many pages.
static uint64_t map_step(struct demand *demand, const struct cap *frame, const uint64_t words[4],
                         struct place place)
{
    struct aspace *as = demand->as;
    unsigned room = CHUNK_PAGES - entry_index(words[0], place.level) % CHUNK_PAGES;
    unsigned count = (unsigned)least(words[2] >> (TABLE_BITS * place.level), room);
    if (UNLIKELY(demand->counted)) {
        count = (unsigned)least(count, CHUNK_PAGES / 4);
        demand->counted = false;
    }
    unsigned prot = map_prot(frame, words[3]);
    uint64_t leaf = hal_pte_leaf(frame->address + words[1] * PAGE_SIZE, prot, place.level);
    uint64_t *entry = place.entry;
    bool replaced = false;
    // The next page's leaf differs by as much as its address.
    for (; entry < place.entry + count; entry++, leaf += 1ull << entry_shift(place.level)) {
        if (UNLIKELY(hal_pte_present(*entry))) {
            if (!(words[3] & PROT_REPLACE) || hal_pte_is_table(*entry, place.level)) {
                break;
            }
            replaced = true;
        }
        *entry = leaf;
    }
    uint64_t pages = (uint64_t)(entry - place.entry) << (TABLE_BITS * place.level);
    table_written(as, place, (unsigned)(entry - place.entry), words[0]);
    if (replaced) {
        table_flush(as, words[0], pages);
    }
    return pages;
}

// The usual answer to a fault: one small page of RAM, a table and nothing in the way.  False where
// anything is unusual: then nothing was done, and the long way finds out what.
static inline bool map_page(const struct cap *frame, const uint64_t words[4])
{
    uint64_t vaddr = words[0], page = words[1], prot = words[3];
    if ((frame->flags & (CAP_ATTACHED | FRAME_LEAVING | CAP_DEVICE)) != CAP_ATTACHED) {
        return false;
    }
    struct aspace *as = frame->space;
    if (as->dying | as->domain || words[2] != 1 || page >= frame->aux) {
        return false;
    }
    if (vaddr % PAGE_SIZE || vaddr - PAGE_SIZE >= USER_END - PAGE_SIZE) {
        return false;
    }
    if (prot & ~(uint64_t)(frame->rights & PROT_RIGHTS) || !(prot & PROT_READ) ||
        prot == PROT_RIGHTS) {
        return false;
    }
    struct place place = table_leaf(as, vaddr);
    if (place.level || hal_pte_present(*place.entry)) {
        return false;
    }
    *place.entry = hal_pte_leaf(frame->address + page * PAGE_SIZE, (unsigned)prot, 0);
    return true;
}

static __attribute__((noinline)) enum err map_pages(struct cap *frame, uint64_t words[4])
{
    struct aspace *as;
    unsigned level = words[3] & PROT_LARGE ? HAL_PT_LARGE_LEVEL : 0;
    enum err err = frame_space(frame, &as);
    if (!err) {
        err = map_check(frame, words, as->end, level);
    }
    if (err) {
        return err;
    }
    preempt_work(30);  // more than an entry of a batch counts
    struct demand demand = { .as = as };
    for (;;) {
        struct place place;
        uint64_t missing = table_demand(&demand, words[0], words[2], level, &place);
        if (missing) {
            words[0] = missing;
            return err_blame(ERR_TABLES, 1);
        }
        uint64_t pages = place.level == level ? map_step(&demand, frame, words, place) : 0;
        if (!pages) {
            return err_blame(ERR_MAPPED, 1);
        }
        words[0] += pages * PAGE_SIZE;
        words[1] += pages;
        words[2] -= pages;
        if (!words[2]) {
            return ERR_OK;
        }
        if (preempt_point(100)) {
            return ERR_PREEMPTED;
        }
    }
}

HOT enum err frame_map(struct cap *frame, uint64_t words[4])
{
    return map_page(frame, words) ? ERR_OK : map_pages(frame, words);
}

enum err op_frame_map(struct invocation *inv)
{
    enum err err = frame_map(inv->self, inv->words);
    if (UNLIKELY(err == err_blame(ERR_TABLES, 1))) {
        inv->results = 3;  // where to go on, too: page and pages left
    }
    return err;
}

enum err op_frame_unmap(struct invocation *inv)
{
    struct aspace *as;
    enum err err = frame_space(inv->self, &as);
    if (err) {
        return err;
    }
    err = range_check(as, inv->words[0], inv->words[1], 1);
    if (err) {
        return err;
    }
    return range_remove(as, inv->words, inv->self->address, cap_bytes(inv->self));
}

COLD enum err op_frame_paddr(struct invocation *inv)
{
    if (!(inv->self->rights & RIGHT_PADDR)) {
        return ERR_RIGHTS;
    }
    inv->words[0] = inv->self->address - KERNEL_DIRECT_BASE;
    inv->results = 1;
    return ERR_OK;
}
