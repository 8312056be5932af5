// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Operations of capability tables (abi/ops.def).  Called by the dispatch of invocations, with the
// kernel lock; how capabilities are derived and deleted is in forest.c and destroy.c.
#include "captable.h"

#include "forest.h"

#include <abi/message.h>

#define SCHED_LIMIT_MAX 1000000u  // millionths of a CPU

void captable_init(struct cap *original)
{
    captable_of(original)->count = 1u << (original->bits - CAP_BITS);
}

// The empty slot of the invoked table that word 0 names.
static enum err op_destination(struct invocation *inv, struct cap **to)
{
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    *to = captable_slot(inv->self, inv->words[0]);
    if (!*to) {
        return err_blame(ERR_RANGE, 1);
    }
    return cap_empty(*to) ? ERR_OK : err_blame(ERR_OCCUPIED, 1);
}

// The capability in slot words[2] of the table that words[1] names.
static enum err op_source(struct invocation *inv, unsigned rights, struct cap **from)
{
    struct cap *table;
    enum err err = cap_lookup_kind(inv->thread, inv->words[1], KIND_CAPTABLE, rights, 2, &table);
    if (err) {
        return err;
    }
    *from = captable_slot(table, inv->words[2]);
    if (!*from || cap_empty(*from)) {
        return err_blame(ERR_SLOT, 3);
    }
    return (*from)->flags & (CAP_MARKED | CAP_EMBRYO) ? err_blame(ERR_DEAD, 3) : ERR_OK;
}

// Both ends of a derivation.
static enum err op_ends(struct invocation *inv, struct cap **to, struct cap **from)
{
    enum err err = op_destination(inv, to);
    if (!err) {
        err = op_source(inv, RIGHT_READ, from);
    }
    if (err) {
        return err;
    }
    if (!forest_has_list(*from)) {
        return err_blame(ERR_TYPE, 3);
    }
    return cap_derive_waits(1) ? ERR_RETRY : ERR_OK;
}

enum err op_captable_copy(struct invocation *inv)
{
    struct cap *to, *from;
    enum err err = op_ends(inv, &to, &from);
    if (!err) {
        cap_derive(to, from, (unsigned)inv->words[3] & RIGHT_ALL);
    }
    return err;
}

// Pages: first | number << 32, of the source.
static bool mint_pages(struct cap *minted, uint64_t range)
{
    uint64_t first = range & UINT32_MAX, pages = range >> 32;
    if (pages == 0 || first + pages > minted->aux) {
        return false;
    }
    minted->address += first << PAGE_BITS;
    minted->aux = (uint32_t)pages;
    return true;
}

// Ports: first | number << 16.
static bool mint_ports(struct cap *minted, uint64_t range)
{
    uint32_t first = range & UINT16_MAX, last = minted->aux & UINT16_MAX;
    uint64_t count = range >> 16;
    if (count == 0 || first < last || first + count > last + (minted->aux >> 16)) {
        return false;
    }
    minted->aux = (uint32_t)range;
    return true;
}

// The source has 0 where it has no limit.
static bool mint_limit(struct cap *minted, uint64_t limit)
{
    if (limit == 0 || limit > SCHED_LIMIT_MAX || (minted->badge && limit > minted->badge)) {
        return false;
    }
    minted->badge = limit;
    return true;
}

// Narrow a copy of the source as the word of `mint` says.
static enum err mint_narrow(struct cap *minted, uint64_t word)
{
    bool possible = true;
    switch (minted->kind) {
    case KIND_ENDPOINT:
    case KIND_NOTIFICATION:
        if (minted->badge) {
            return err_blame(ERR_STATE, 3);
        }
        possible = word != 0;
        minted->badge = word;
        break;
    case KIND_FRAME: possible = mint_pages(minted, word); break;
    case KIND_IO_PORTS: possible = mint_ports(minted, word); break;
    case KIND_SCHED_CONTROL: possible = mint_limit(minted, word); break;
    default: return word ? err_blame(ERR_TYPE, 3) : ERR_OK;
    }
    return possible ? ERR_OK : err_blame(ERR_RANGE, 5);
}

enum err op_captable_mint(struct invocation *inv)
{
    struct cap *to, *from;
    enum err err = op_ends(inv, &to, &from);
    if (err) {
        return err;
    }
    struct cap minted = *from;
    err = mint_narrow(&minted, inv->words[4]);
    if (err) {
        return err;
    }
    cap_derive(to, from, (unsigned)inv->words[3] & RIGHT_ALL);
    to->address = minted.address;
    to->aux = minted.aux;
    if (minted.kind != KIND_FRAME) {
        to->badge = minted.badge;
    }
    return ERR_OK;
}

enum err op_captable_move(struct invocation *inv)
{
    struct cap *to, *from;
    enum err err = op_destination(inv, &to);
    if (!err) {
        err = op_source(inv, RIGHT_WRITE, &from);
    }
    if (!err) {
        cap_move(to, from);
    }
    return err;
}

// After a restart the slot may be empty, and the rest of what was to go not.
static enum err op_removal(const struct invocation *inv, bool revoke)
{
    if (!(inv->self->rights & RIGHT_WRITE)) {
        return ERR_RIGHTS;
    }
    struct cap *cap = captable_slot(inv->self, inv->words[0]);
    if (!cap) {
        return err_blame(ERR_RANGE, 1);
    }
    if (cap_empty(cap)) {
        return cap_drain();
    }
    return revoke ? cap_revoke(cap) : cap_delete(cap);
}

enum err op_captable_delete(struct invocation *inv)
{
    return op_removal(inv, false);
}

enum err op_captable_revoke(struct invocation *inv)
{
    return op_removal(inv, true);
}

// Badge, limit, or first page or port of the range.
static uint64_t identify_badge(const struct cap *cap)
{
    switch (cap->kind) {
    case KIND_ENDPOINT:
    case KIND_NOTIFICATION:
    case KIND_SCHED_CONTROL: return cap->badge;
    case KIND_FRAME: return (cap->address & ((1ull << cap->bits) - 1)) >> PAGE_BITS;
    case KIND_IO_PORTS: return cap->aux & UINT16_MAX;
    default: return 0;
    }
}

static uint64_t identify_size(const struct cap *cap)
{
    switch (cap->kind) {
    case KIND_IRQ_HANDLER: return cap->aux;
    case KIND_IO_PORTS:
    case KIND_IO_DEVICE: return cap->aux >> 16;
    default: return cap->bits || cap->kind == KIND_FRAME ? cap_bytes(cap) : 0;
    }
}

#define IDENTIFY_EMPTY_MOST 32

// How many slots are empty from an empty one on, as far as a short look goes.
static uint64_t identify_empty(struct cap *table, uint64_t slot)
{
    uint64_t end = slot + IDENTIFY_EMPTY_MOST, at = slot;
    const struct cap *cap;
    do {
        cap = captable_slot(table, ++at);
    } while (at < end && cap && cap_empty(cap));
    return at - slot;
}

enum err op_captable_identify(struct invocation *inv)
{
    if (!(inv->self->rights & RIGHT_READ)) {
        return ERR_RIGHTS;
    }
    const struct cap *cap = captable_slot(inv->self, inv->words[0]);
    if (!cap) {
        return err_blame(ERR_RANGE, 1);
    }
    bool original = cap->flags & CAP_ORIGINAL;
    uint64_t slot = inv->words[0];
    inv->results = 3;
    inv->words[0] = cap->kind | (uint64_t)cap->rights << 8 | (uint64_t)original << 16;
    inv->words[1] = identify_badge(cap);
    inv->words[2] = cap_empty(cap) ? identify_empty(inv->self, slot) : identify_size(cap);
    return ERR_OK;
}
