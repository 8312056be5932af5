// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: address spaces, page tables, frames that are attached, mappings.  A table is an array
// of entries, a space one root table; everything is looked at page by page.
#include "model.h"

#include <abi/bootinfo.h>

#include <string.h>

#define LEVELS       4u
#define HARVEST_MOST 2048u

// An entry and the level of the table that it is in.
struct spot {
    struct model_entry *entry;
    unsigned level;
};

static uint64_t entry_span(unsigned level)
{
    return PAGE_SIZE << (9 * level);
}

static struct model_entry *table_entries(uint64_t address)
{
    return model.entries[address >> PAGE_BITS];
}

static struct spot walk(uint64_t space, uint64_t vaddr, unsigned level)
{
    struct spot spot = { NULL, LEVELS - 1 };
    uint64_t table = space;
    for (;; spot.level--, table = spot.entry->page) {
        spot.entry = &table_entries(table)[vaddr / entry_span(spot.level) % MODEL_ENTRIES];
        if (spot.level == level || !spot.entry->table) {
            return spot;
        }
    }
}

static bool present(struct spot spot)
{
    return spot.entry->page != 0;
}

static uint64_t range_check(uint64_t vaddr, uint64_t pages, unsigned argument)
{
    if (vaddr % PAGE_SIZE) {
        return M_BLAME(M_ALIGN, argument);
    }
    if (vaddr < PAGE_SIZE || vaddr >= USER_END) {
        return M_BLAME(M_RANGE, argument);
    }
    return pages == 0 || pages > (USER_END - vaddr) / PAGE_SIZE ? M_BLAME(M_RANGE, argument + 1)
                                                                : M_OK;
}

static bool prot_allowed(unsigned rights, uint64_t prot)
{
    if (prot & PROT_RIGHTS & ~(uint64_t)rights) {
        return false;
    }
    return !(prot & PROT_WRITE && prot & PROT_EXECUTE) || rights & R_WX;
}

// ---- frames and tables of a space ---------------------------------------------------------------

// The frame attached to a space that holds a leaf; NULL: none.
static const struct model_cap *leaf_frame(uint64_t space, uint64_t page, unsigned level)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        const struct model_cap *cap = &model.caps[i];
        if (cap->kind == K_FRAME && cap->space == space && page >= cap->address &&
            page + entry_span(level) <= cap->address + cap_size(cap)) {
            return cap;
        }
    }
    return NULL;
}

// The table put into the stock of a space last; *count: how many there are.
static struct model_cap *stock_top(uint64_t space, uint64_t *count)
{
    struct model_cap *top = NULL;
    *count = 0;
    for (uint64_t i = 0; i < PLACES; i++) {
        struct model_cap *cap = &model.caps[i];
        if (cap->kind != K_PAGETABLE || cap->space != space || cap->used) {
            continue;
        }
        ++*count;
        if (!top || cap->stocked > top->stocked) {
            top = cap;
        }
    }
    return top;
}

// Make the tables down to `level`; there are enough.
static struct spot supply(uint64_t space, uint64_t vaddr, unsigned level)
{
    struct spot spot = walk(space, vaddr, level);
    uint64_t count;
    while (spot.level != level && !present(spot)) {
        struct model_cap *table = stock_top(space, &count);
        table->used = true;
        memset(table_entries(table->address), 0, sizeof(*model.entries));
        *spot.entry = (struct model_entry){ .page = table->address, .table = true };
        spot = walk(space, vaddr, level);
    }
    return spot;
}

// Tables that a walk to `level` at `vaddr` lacks, without those that one at `before` lacks too.
static uint64_t lacking(uint64_t space, uint64_t vaddr, unsigned level, uint64_t before)
{
    struct spot spot = walk(space, vaddr, level);
    uint64_t count = 0;
    for (unsigned at = level + 1; !present(spot) && at <= spot.level; at++) {
        count += before == UINT64_MAX || before / entry_span(at) != vaddr / entry_span(at);
    }
    return count;
}

// How many more tables than there are in the stock `space` needs to map [vaddr, end) at `level`, or
// (from: not 0) what is mapped there in another space.
static uint64_t missing(uint64_t space, uint64_t from, uint64_t vaddr, uint64_t end, unsigned level)
{
    uint64_t count = 0, stocked, before = UINT64_MAX;
    for (uint64_t at = vaddr; at < end; at = (at / entry_span(1) + 1) * entry_span(1)) {
        unsigned wanted = level;
        if (from) {
            struct spot spot = walk(from, at, 1);
            if (spot.level != 1 || !present(spot)) {
                continue;
            }
            wanted = spot.entry->table ? 0 : 1;
        }
        count += lacking(space, at, 1, before);
        before = at;
        if (wanted == 0) {
            struct spot to = walk(space, at, 0);
            count += to.level > 1 || (to.level == 1 && !present(to));
        }
    }
    (void)stock_top(space, &stocked);
    return count > stocked ? count - stocked : 0;
}

// Remove the leaves of [start, start + bytes) from a space, wherever they are.
static void leaves_forget(uint64_t table, unsigned level, uint64_t start, uint64_t bytes)
{
    for (unsigned i = 0; i < MODEL_ENTRIES; i++) {
        struct model_entry *entry = &table_entries(table)[i];
        if (entry->table) {
            leaves_forget(entry->page, level - 1, start, bytes);
        } else if (entry->page >= start && entry->page < start + bytes) {
            *entry = (struct model_entry){ 0 };
        }
    }
}

void model_frame_detach(struct model_cap *frame)
{
    if (frame->space) {
        leaves_forget(frame->space, LEVELS - 1, frame->address, cap_size(frame));
        frame->space = 0;
    }
}

static void unhook(uint64_t above, uint64_t table)
{
    for (unsigned i = 0; i < MODEL_ENTRIES; i++) {
        struct model_entry *entry = &table_entries(above)[i];
        if (entry->table && entry->page == table) {
            *entry = (struct model_entry){ 0 };
        } else if (entry->table) {
            unhook(entry->page, table);
        }
    }
}

// A page table dies: what it mapped is mapped no more.  Tables below it stay in use, out of reach.
void model_table_destroy(struct model_cap *table)
{
    if (table->space && table->used) {
        unhook(table->space, table->address);
    }
}

void model_space_make(uint64_t space)
{
    memset(table_entries(space), 0, sizeof(*model.entries));
}

void model_space_destroy(uint64_t space)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        if (model.caps[i].kind && model.caps[i].space == space) {
            model.caps[i].space = 0;
            model.caps[i].used = false;
        }
    }
}

// ---- operations of frames -----------------------------------------------------------------------

static uint64_t attach(const struct model_invocation *inv)
{
    struct model_cap *frame = inv->self, *space;
    if (frame->original) {
        return M_ORIGINAL;
    }
    if (frame->space) {
        return M_STATE;
    }
    uint64_t status = model_lookup_kind(inv->thread, inv->words[0], K_ADDRESS_SPACE, R_WRITE, 1,
                                        &space);
    if (status) {
        return status;
    }
    for (uint64_t i = 0; i < PLACES; i++) {
        const struct model_cap *cap = &model.caps[i];
        if (cap->kind == K_FRAME && cap->space == space->address &&
            cap->address < frame->address + cap_size(frame) &&
            frame->address < cap->address + cap_size(cap)) {
            return M_OVERLAP;
        }
    }
    frame->space = space->address;
    return M_OK;
}

static uint64_t map_check(const struct model_cap *frame, const uint64_t words[4], uint64_t unit)
{
    uint64_t vaddr = words[0], page = words[1], pages = words[2], prot = words[3];
    uint64_t known = PROT_RIGHTS | PROT_LARGE | PROT_REPLACE;
    const uint64_t both = PROT_UNCACHED | PROT_COMBINE;
    if (vaddr % unit) {
        return M_BLAME(M_ALIGN, 1);
    }
    if (vaddr < PAGE_SIZE || vaddr >= USER_END) {
        return M_BLAME(M_RANGE, 1);
    }
    if (page >= frame->aux || (frame->address + page * PAGE_SIZE) % unit) {
        return M_BLAME(M_RANGE, 2);
    }
    if (pages == 0 || pages > frame->aux - page || pages > (USER_END - vaddr) / PAGE_SIZE ||
        pages * PAGE_SIZE % unit) {
        return M_BLAME(M_RANGE, 3);
    }
    if (!prot_allowed(frame->rights, prot)) {
        return M_BLAME(M_RIGHTS, 4);
    }
    if (frame->device && (prot & both) != both) {
        known |= both;
    }
    return prot & ~known || !(prot & PROT_READ) ? M_BLAME(M_RANGE, 4) : M_OK;
}

uint64_t model_map(const struct model_cap *frame, uint64_t words[4])
{
    unsigned level = words[3] & PROT_LARGE ? 1 : 0;
    uint64_t unit = entry_span(level);
    if (!frame->space) {
        return M_STATE;
    }
    uint64_t status = map_check(frame, words, unit);
    if (status) {
        return status;
    }
    uint64_t lack = missing(frame->space, 0, words[0], words[0] + words[2] * PAGE_SIZE, level);
    if (lack) {
        words[0] = lack;
        return M_BLAME(M_TABLES, 1);
    }
    uint64_t end = words[0] + words[2] * PAGE_SIZE, page = frame->address + words[1] * PAGE_SIZE;
    for (uint64_t at = words[0]; at < end; at += unit, page += unit) {
        struct spot spot = supply(frame->space, at, level);
        if (spot.level != level ||
            (present(spot) && (spot.entry->table || !(words[3] & PROT_REPLACE)))) {
            return M_BLAME(M_MAPPED, 1);
        }
        *spot.entry = (struct model_entry){ .page = page,
                                            .prot = (uint8_t)(words[3] & PROT_RIGHTS) };
    }
    return M_OK;
}

// ---- ranges of a space --------------------------------------------------------------------------

// What is done to one leaf, all of it in the range or not; a status ends the pass.
struct pass {
    uint64_t space, vaddr, end;
    uint64_t (*leaf)(struct pass *pass, struct spot spot, bool partial);
    uint64_t start, bytes;  // removal: of these pages
    uint64_t prot;          // protection
    uint64_t to, remove;    // copy
    uint64_t lack;          // tables that are missing
    bool begun;
    uint64_t base, *words;  // harvest
};

static uint64_t pass_run(struct pass *pass)
{
    while (pass->vaddr < pass->end) {
        struct spot spot = walk(pass->space, pass->vaddr, 0);
        uint64_t span = entry_span(spot.level), next = (pass->vaddr / span + 1) * span;
        bool partial = pass->vaddr % span || next > pass->end;
        if (present(spot) || !spot.level) {
            uint64_t status = pass->leaf(pass, spot, partial);
            if (status) {
                return status;
            }
        }
        pass->vaddr = next;
    }
    return M_OK;
}

static uint64_t leaf_remove(struct pass *pass, struct spot spot, bool partial)
{
    if (!present(spot) || spot.entry->page - pass->start >= pass->bytes) {
        return M_OK;
    }
    if (partial) {
        return M_BLAME(M_ALIGN, 1);
    }
    *spot.entry = (struct model_entry){ 0 };
    return M_OK;
}

static uint64_t leaf_protect(struct pass *pass, struct spot spot, bool partial)
{
    if (partial) {
        return M_BLAME(M_ALIGN, 1);
    }
    if (!present(spot)) {
        return M_OK;
    }
    const struct model_cap *frame = leaf_frame(pass->space, spot.entry->page, spot.level);
    if (!frame || !prot_allowed(frame->rights, pass->prot)) {
        return M_BLAME(M_RIGHTS, 3);
    }
    spot.entry->prot = (uint8_t)pass->prot;
    return M_OK;
}

static uint64_t leaf_copy(struct pass *pass, struct spot spot, bool partial)
{
    if (partial) {
        return M_BLAME(M_ALIGN, 2);
    }
    if (!pass->begun) {
        pass->begun = true;
        pass->lack = missing(pass->to, pass->space, pass->vaddr, pass->end, 0);
    }
    if (pass->lack) {
        return M_BLAME(M_TABLES, 2);
    }
    struct spot to = supply(pass->to, pass->vaddr, spot.level);
    if (to.level != spot.level) {
        return M_BLAME(M_MAPPED, 2);
    }
    if (!present(spot)) {
        return M_OK;
    }
    const struct model_cap *frame = leaf_frame(pass->to, spot.entry->page, spot.level);
    if (!frame || !(frame->rights & R_READ)) {
        return M_BLAME(M_STATE, 1);
    }
    if (present(to)) {
        return M_BLAME(M_MAPPED, 2);
    }
    uint8_t prot = (uint8_t)(spot.entry->prot & ~pass->remove), narrow = prot & frame->rights;
    if (!prot_allowed(frame->rights, narrow)) {
        narrow &= (uint8_t)~PROT_WRITE;
    }
    *to.entry = (struct model_entry){ .page = spot.entry->page, .prot = narrow | PROT_READ };
    spot.entry->prot = prot | PROT_READ;
    return M_OK;
}

static uint64_t leaf_harvest(struct pass *pass, struct spot spot, bool partial)
{
    if (partial) {
        return M_BLAME(M_ALIGN, 1);
    }
    uint64_t first = (pass->vaddr - pass->base) / PAGE_SIZE;
    for (uint64_t i = 0; present(spot) && i < entry_span(spot.level) / PAGE_SIZE; i++) {
        uint64_t bit = 1ull << (first + i) % 64, *words = pass->words + (first + i) / 64 * 2;
        words[0] |= spot.entry->accessed ? bit : 0;
        words[1] |= spot.entry->dirty ? bit : 0;
    }
    spot.entry->accessed = spot.entry->dirty = false;
    return M_OK;
}

// ---- invocations --------------------------------------------------------------------------------

static uint64_t stock_one(const struct model_cap *tables, uint64_t slot, uint64_t space)
{
    struct model_cap *table = model_slot(tables, slot);
    if (!table->kind) {
        return M_BLAME(M_SLOT, 2);
    }
    if (table->kind != K_PAGETABLE) {
        return M_BLAME(M_TYPE, 2);
    }
    if (table->space) {
        return M_BLAME(M_STATE, 2);
    }
    table->space = space;
    table->used = false;
    table->stocked = ++model.last_order;
    return M_OK;
}

static uint64_t stock(const struct model_invocation *inv)
{
    const uint64_t *words = inv->words;
    struct model_cap *tables;
    uint64_t status = model_lookup_kind(inv->thread, words[0], K_CAPTABLE, R_WRITE, 1, &tables);
    if (status) {
        return status;
    }
    uint64_t count = 1ull << (tables->bits - SLOT_BITS);
    if (words[1] == 0 || words[1] >= count) {
        return M_BLAME(M_SLOT, 2);
    }
    if (words[2] == 0 || words[2] > count - words[1]) {
        return M_BLAME(M_RANGE, 3);
    }
    for (uint64_t i = 0; i < words[2] && !status; i++) {
        status = stock_one(tables, words[1] + i, inv->self->address);
    }
    return status;
}

static uint64_t copy(struct model_invocation *inv)
{
    uint64_t *words = inv->words;
    struct model_cap *to;
    uint64_t status = model_lookup_kind(inv->thread, words[0], K_ADDRESS_SPACE, R_WRITE, 1, &to);
    if (status) {
        return status;
    }
    if (to->address == inv->self->address) {
        return M_BLAME(M_STATE, 1);
    }
    status = range_check(words[1], words[2], 2);
    if (!status && words[3] & ~(uint64_t)COPY_READ_ONLY) {
        status = M_BLAME(M_RANGE, 4);
    }
    if (status) {
        return status;
    }
    struct pass pass = { .space = inv->self->address,
                         .vaddr = words[1],
                         .end = words[1] + words[2] * PAGE_SIZE,
                         .leaf = leaf_copy,
                         .to = to->address,
                         .remove = words[3] & COPY_READ_ONLY ? PROT_WRITE : 0 };
    status = pass_run(&pass);
    if (status == M_BLAME(M_TABLES, 2)) {
        words[0] = pass.lack;
        words[1] = pass.vaddr;
        words[2] = (pass.end - pass.vaddr) / PAGE_SIZE;
        inv->results = 3;
    }
    return status;
}

static uint64_t harvest(const struct model_invocation *inv)
{
    uint64_t vaddr = inv->words[0], pages = inv->words[1];
    struct message_buffer *buffer = model_buffer(inv->thread);
    if (!buffer) {
        return M_BUFFER;
    }
    uint64_t status = range_check(vaddr, pages, 1);
    if (!status && pages > HARVEST_MOST) {
        status = M_BLAME(M_RANGE, 2);
    }
    if (status) {
        return status;
    }
    memset(buffer->words, 0, (pages + 63) / 64 * 2 * sizeof(*buffer->words));
    struct pass pass = { .space = inv->self->address,
                         .vaddr = vaddr,
                         .end = vaddr + pages * PAGE_SIZE,
                         .leaf = leaf_harvest,
                         .base = vaddr,
                         .words = buffer->words };
    return pass_run(&pass);
}

static uint64_t remove_range(uint64_t space, const uint64_t words[2], uint64_t start,
                             uint64_t bytes)
{
    uint64_t status = range_check(words[0], words[1], 1);
    struct pass pass = { .space = space,
                         .vaddr = words[0],
                         .end = words[0] + words[1] * PAGE_SIZE,
                         .leaf = leaf_remove,
                         .start = start,
                         .bytes = bytes };
    return status ? status : pass_run(&pass);
}

static uint64_t protect(const struct model_invocation *inv)
{
    const uint64_t *words = inv->words;
    uint64_t status = range_check(words[0], words[1], 1);
    if (!status && (words[2] & ~(uint64_t)PROT_RIGHTS || !(words[2] & PROT_READ))) {
        status = M_BLAME(M_RANGE, 3);
    }
    struct pass pass = { .space = inv->self->address,
                         .vaddr = words[0],
                         .end = words[0] + words[1] * PAGE_SIZE,
                         .leaf = leaf_protect,
                         .prot = words[2] };
    return status ? status : pass_run(&pass);
}

uint64_t model_space_op(struct model_invocation *inv, unsigned number)
{
    if (!(inv->self->rights & R_WRITE)) {
        return M_RIGHTS;
    }
    switch (number) {
    case 0: return stock(inv);
    case 1: return protect(inv);
    case 2: return remove_range(inv->self->address, inv->words, 0, UINT64_MAX);
    case 3: return copy(inv);
    case 5: return M_STATE;  // of CPU kind, all of them
    default: return harvest(inv);
    }
}

uint64_t model_frame_op(struct model_invocation *inv, unsigned number)
{
    struct model_cap *frame = inv->self;
    uint64_t status;
    switch (number) {
    case 0: return attach(inv);
    case 1:  // detach
        status = frame->space ? M_OK : M_STATE;
        model_frame_detach(frame);
        return status;
    case 2:  // map
        status = model_map(frame, inv->words);
        inv->results = status == M_BLAME(M_TABLES, 1) ? 3 : 0;
        return status;
    case 3:  // unmap
        return frame->space
                   ? remove_range(frame->space, inv->words, frame->address, cap_size(frame))
                   : M_STATE;
    default:  // paddr
        if (!(frame->rights & R_PADDR)) {
            return M_RIGHTS;
        }
        inv->words[0] = frame->address + (frame->device ? 0 : model.ram_offset) -
                        KERNEL_DIRECT_BASE;
        inv->results = 1;
        return M_OK;
    }
}
