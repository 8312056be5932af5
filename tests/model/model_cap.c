// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: capabilities.  Look-up, derivation, retype, and the operations of tables.
#include "model.h"

#include <string.h>

#define LIMIT_MAX 1000000u

struct model_cap *model_slot(const struct model_cap *table, uint64_t slot)
{
    if (slot == 0 || slot >= 1ull << (table->bits - SLOT_BITS)) {
        return NULL;
    }
    return &model.caps[(table->address >> SLOT_BITS) + slot];
}

uint64_t model_lookup(const struct model_thread *thread, uint64_t slot, struct model_cap **cap)
{
    const struct model_cap *cspace = thread_inside(thread, IN_CSPACE);
    *cap = cspace->kind ? model_slot(cspace, slot) : NULL;
    return *cap && (*cap)->kind ? M_OK : M_SLOT;
}

// NOLINTNEXTLINE(readability-function-size): what is wanted and whom to blame
uint64_t model_lookup_kind(const struct model_thread *thread, uint64_t slot, unsigned kind,
                           unsigned rights, unsigned argument, struct model_cap **cap)
{
    if (model_lookup(thread, slot, cap)) {
        return M_BLAME(M_SLOT, argument);
    }
    if ((*cap)->kind != kind) {
        return M_BLAME(M_TYPE, argument);
    }
    return rights & ~(unsigned)(*cap)->rights ? M_BLAME(M_RIGHTS, argument) : M_OK;
}

uint64_t model_lookup_place(const struct model_thread *thread, uint64_t table, uint64_t slot,
                            unsigned argument, struct model_cap **place)
{
    struct model_cap *tables;
    uint64_t status = model_lookup_kind(thread, table, K_CAPTABLE, R_WRITE, argument, &tables);
    if (status) {
        return status;
    }
    *place = model_slot(tables, slot);
    return *place ? M_OK : M_BLAME(M_RANGE, argument + 1);
}

void *model_ram(const struct model_cap *frame, uint64_t offset, uint64_t bytes, unsigned rights)
{
    uint64_t size = cap_size(frame);
    if (frame->device || (frame->rights & rights) != rights || bytes > size ||
        offset > size - bytes) {
        return NULL;
    }
    return &model.ram[(frame->address - ARENA + offset) / 8];
}

void model_derive(struct model_cap *to, const struct model_cap *from, unsigned rights)
{
    *to = *from;
    to->original = false;
    to->rights = (uint8_t)(from->rights & rights);
    to->parent = place_of(from);
    to->space = 0;
}

void model_move(struct model_cap *to, struct model_cap *from)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        if (model.caps[i].kind && model.caps[i].parent == place_of(from)) {
            model.caps[i].parent = place_of(to);
        }
    }
    *to = *from;
    *from = (struct model_cap){ 0 };
}

static bool derivable(const struct model_cap *cap)
{
    return cap->kind != K_UNTYPED && cap->kind != K_PAGETABLE;
}

static uint64_t cap_destination(const struct model_invocation *inv, struct model_cap **to)
{
    if (!(inv->self->rights & R_WRITE)) {
        return M_RIGHTS;
    }
    *to = model_slot(inv->self, inv->words[0]);
    if (!*to) {
        return M_BLAME(M_RANGE, 1);
    }
    return (*to)->kind ? M_BLAME(M_OCCUPIED, 1) : M_OK;
}

// Both ends of a copy, mint or move.
static uint64_t cap_ends(const struct model_invocation *inv, unsigned right, struct model_cap **to,
                         struct model_cap **from)
{
    struct model_cap *table;
    uint64_t status = cap_destination(inv, to);
    if (status) {
        return status;
    }
    status = model_lookup_kind(inv->thread, inv->words[1], K_CAPTABLE, right, 2, &table);
    if (status) {
        return status;
    }
    *from = model_slot(table, inv->words[2]);
    return *from && (*from)->kind ? M_OK : M_BLAME(M_SLOT, 3);
}

// What mint narrows: false where the word is out of range.
static bool mint_range(struct model_cap *cap, uint64_t word)
{
    uint64_t first = cap->aux & UINT16_MAX, count = cap->aux >> 16;
    switch (cap->kind) {
    case K_FRAME:
        if (!(word >> 32) || (word & UINT32_MAX) + (word >> 32) > cap->aux) {
            return false;
        }
        cap->address += (word & UINT32_MAX) << PAGE_BITS;
        cap->aux = (uint32_t)(word >> 32);
        return true;
    case K_IO_PORTS:
        if (!(word >> 16) || (word & UINT16_MAX) < first ||
            (word & UINT16_MAX) + (word >> 16) > first + count) {
            return false;
        }
        cap->aux = (uint32_t)word;
        return true;
    case K_SCHED_CONTROL:
        if (!word || word > LIMIT_MAX || (cap->badge && word > cap->badge)) {
            return false;
        }
        cap->badge = word;
        return true;
    default: cap->badge = word; return word != 0;
    }
}

static uint64_t cap_mint(struct model_cap *to, const struct model_cap *from, unsigned rights,
                         uint64_t word)
{
    struct model_cap minted = *from;
    bool badged = from->kind == K_ENDPOINT || from->kind == K_NOTIFICATION;
    bool ranged = from->kind == K_FRAME || from->kind == K_IO_PORTS ||
                  from->kind == K_SCHED_CONTROL;
    if (badged && from->badge) {
        return M_BLAME(M_STATE, 3);
    }
    if (!badged && !ranged && word) {
        return M_BLAME(M_TYPE, 3);
    }
    if ((badged || ranged) && !mint_range(&minted, word)) {
        return M_BLAME(M_RANGE, 5);
    }
    model_derive(to, from, rights);
    to->address = minted.address;
    to->aux = minted.aux;
    to->badge = minted.badge;
    return M_OK;
}

// Empty slots from an empty one on.
static uint64_t empty_slots(struct model_cap *table, uint64_t slot)
{
    const struct model_cap *cap = model_slot(table, slot);
    uint64_t count = 0;
    while (count < 32 && cap && !cap->kind) {
        cap = model_slot(table, slot + ++count);
    }
    return count;
}

static uint64_t cap_identify(struct model_invocation *inv)
{
    uint64_t slot = inv->words[0];
    if (!(inv->self->rights & R_READ)) {
        return M_RIGHTS;
    }
    const struct model_cap *cap = model_slot(inv->self, inv->words[0]);
    if (!cap) {
        return M_BLAME(M_RANGE, 1);
    }
    inv->results = 3;
    inv->words[0] = cap->kind | (uint64_t)cap->rights << 8 | (uint64_t)cap->original << 16;
    inv->words[1] = cap->badge;
    inv->words[2] = cap->bits ? cap_size(cap) : 0;
    if (!cap->kind) {
        inv->words[2] = empty_slots(inv->self, slot);
    }
    if (cap->kind == K_FRAME) {
        inv->words[1] = (cap->address & ((1ull << cap->bits) - 1)) >> PAGE_BITS;
    }
    if (cap->kind == K_IO_PORTS) {
        inv->words[1] = cap->aux & UINT16_MAX;
        inv->words[2] = cap->aux >> 16;
    }
    return M_OK;
}

static uint64_t cap_remove(const struct model_invocation *inv, bool revoke)
{
    if (!(inv->self->rights & R_WRITE)) {
        return M_RIGHTS;
    }
    struct model_cap *cap = model_slot(inv->self, inv->words[0]);
    if (!cap) {
        return M_BLAME(M_RANGE, 1);
    }
    if (revoke) {
        model_revoke(cap);
    } else {
        model_delete(cap);
    }
    return M_OK;
}

uint64_t model_cap_op(struct model_invocation *inv, unsigned number)
{
    struct model_cap *to, *from;
    uint64_t status;
    switch (number) {
    case 0:  // copy
    case 1:  // mint
        status = cap_ends(inv, R_READ, &to, &from);
        if (!status && !derivable(from)) {
            status = M_BLAME(M_TYPE, 3);
        }
        if (status) {
            return status;
        }
        if (number) {
            return cap_mint(to, from, (unsigned)inv->words[3] & R_ALL, inv->words[4]);
        }
        model_derive(to, from, (unsigned)inv->words[3] & R_ALL);
        return M_OK;
    case 2:  // move
        status = cap_ends(inv, R_WRITE, &to, &from);
        if (!status) {
            model_move(to, from);
        }
        return status;
    case 3: return cap_remove(inv, false);
    case 4: return cap_remove(inv, true);
    default: return cap_identify(inv);
    }
}

// ---- retype -------------------------------------------------------------------------------------

static const struct {
    uint64_t min, max;
} sizes[K_COUNT] = {
#define KIND(number, NAME, name, min_bits, max_bits, text) [number] = { min_bits, max_bits },
#include <abi/kinds.def>
#undef KIND
};

static uint64_t retype_check(const struct model_cap *untyped, const uint64_t words[])
{
    uint64_t kind = words[0] & 0xff, bits = words[0] >> 8 & 0xff, bytes = cap_size(untyped);
    if (kind == 0 || kind >= K_COUNT || words[0] >> 16 & ~(uint64_t)(R_PADDR | R_WX)) {
        return M_BLAME(M_RANGE, 1);
    }
    if (!sizes[kind].min || (untyped->device && kind != K_FRAME && kind != K_UNTYPED)) {
        return M_BLAME(M_TYPE, 1);
    }
    if (bits < sizes[kind].min || bits > sizes[kind].max ||
        (kind == K_UNTYPED && bits >= untyped->bits)) {
        return M_BLAME(M_RANGE, 1);
    }
    if (words[1] % (1ull << bits)) {
        return M_BLAME(M_ALIGN, 2);
    }
    if (words[1] >= bytes || bytes - words[1] < 1ull << bits) {
        return M_BLAME(M_RANGE, 2);
    }
    return words[4] == 0 || words[4] > (bytes - words[1]) >> bits ? M_BLAME(M_RANGE, 5) : M_OK;
}

// Does something live in [address, address + bytes) of an Untyped?
static bool retype_overlaps(const struct model_cap *untyped, uint64_t address, uint64_t bytes)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        const struct model_cap *cap = &model.caps[i];
        if (cap->kind && cap->original && cap->parent == place_of(untyped) &&
            cap->address < address + bytes && address < cap->address + (1ull << cap->bits)) {
            return true;
        }
    }
    return false;
}

static uint8_t retype_rights(const struct model_cap *untyped, unsigned kind)
{
    if (kind == K_UNTYPED) {
        return untyped->rights;
    }
    if (kind == K_FRAME) {
        return (uint8_t)(R_READ | R_WRITE | R_EXECUTE | (untyped->rights & (R_PADDR | R_WX)));
    }
    return R_ALL;
}

// A new object, as it begins.
static void object_make(const struct model_cap *cap)
{
    uint64_t address = cap->address;
    switch (cap->kind) {
    case K_FRAME:
        if (!cap->device) {
            memset(&model.ram[(address - ARENA) / 8], 0, 1ull << cap->bits);
        }
        break;
    case K_THREAD: model_thread_make(thread_at(address)); break;
    case K_ADDRESS_SPACE: model_space_make(address); break;
    case K_SCHED_CONTEXT:
        *context_at(address) = (struct model_context){ .live = true };
        model_configure(context_at(address), 0, 0, UINT64_MAX);
        context_at(address)->slice = false;
        break;
    case K_TIMER: *timer_at(address) = (struct model_timer){ .live = true }; break;
    case K_ENDPOINT: *endpoint_at(address) = (struct model_endpoint){ .live = true }; break;
    case K_REPLY: *reply_at(address) = (struct model_reply){ .live = true }; break;
    case K_NOTIFICATION:
        *notification_at(address) = (struct model_notification){ .live = true };
        break;
    default: break;
    }
}

uint64_t model_retype(struct model_invocation *inv)
{
    uint64_t *words = inv->words;  // kind | bits << 8, offset, table, slot, count
    struct model_cap *untyped = inv->self;
    for (;; words[1] += 1ull << (words[0] >> 8 & 0xff), words[3]++, words[4]--) {
        struct model_cap *to;
        uint64_t status = retype_check(untyped, words);
        if (!status) {
            status = model_lookup_place(inv->thread, words[2], words[3], 3, &to);
        }
        if (status) {
            return status;
        }
        unsigned kind = (unsigned)(words[0] & 0xff), bits = (unsigned)(words[0] >> 8 & 0xff);
        uint64_t address = untyped->address + words[1];
        if (to->kind) {
            return M_BLAME(M_OCCUPIED, 4);
        }
        if (retype_overlaps(untyped, address, 1ull << bits)) {
            return M_BLAME(M_OVERLAP, 2);
        }
        *to = (struct model_cap){ .kind = (uint8_t)kind,
                                  .rights = (uint8_t)(retype_rights(untyped, kind) &
                                                      ~(words[0] >> 16)),
                                  .bits = (uint8_t)bits,
                                  .original = true,
                                  .device = untyped->device,
                                  .aux = kind == K_FRAME ? 1u << (bits - PAGE_BITS) : 0,
                                  .address = address,
                                  .parent = place_of(untyped) };
        object_make(to);
        if (words[4] == 1) {
            return M_OK;
        }
    }
}
