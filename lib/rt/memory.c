// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Objects from Untypeds.  Policy: the free range that is lowest in the smallest Untyped that has
// room, so that large ones stay whole; a deleted object's range is free at once.
#include "memory.h"

#include "panic.h"
#include "ranges.h"
#include "slots.h"

#include <gen/rt_stubs.h>

struct untyped {
    cap_t slot;
    unsigned bits;
    struct rt_ranges free;  // offsets
};

struct object {
    uint64_t offset;
    uint16_t untyped;  // index + 1; 0: no object of ours in this slot
    uint8_t bits;
};

static struct untyped untypeds[ROOT_MAX_UNTYPED];  // RAM only, the smallest first
static unsigned untyped_count;
static struct object objects[ROOT_CSPACE_SLOTS];
static uint64_t object_count;

static void untyped_insert(struct untyped new)
{
    unsigned at = untyped_count++;
    for (; at > 0 && untypeds[at - 1].bits > new.bits; at--) {
        untypeds[at] = untypeds[at - 1];
    }
    untypeds[at] = new;
}

void rt_memory_init(const struct root_info *info)
{
    for (unsigned i = 0; i < info->untyped_count && i < ROOT_MAX_UNTYPED; i++) {
        struct untyped new = { info->untyped_slot + i, info->untyped[i].bits, { 0 } };
        if (info->untyped[i].device) {
            continue;
        }
        rt_ranges_add(&new.free, 0, 1ull << new.bits);
        untyped_insert(new);
    }
}

// An Untyped's child Untyped is smaller than itself: `least_bits` says more than which it must
// have.
static struct untyped *untyped_with_room(uint64_t size, unsigned bits, unsigned least_bits,
                                         uint64_t *offset)
{
    uint64_t align = 1ull << bits;
    for (unsigned i = 0; i < untyped_count; i++) {
        if (untypeds[i].bits >= least_bits &&
            rt_ranges_find(&untypeds[i].free, size, align, offset)) {
            return &untypeds[i];
        }
    }
    return NULL;
}

static void object_record(struct untyped *untyped, uint64_t offset, unsigned bits, cap_t slot)
{
    objects[slot] = (struct object){ offset, (uint16_t)(untyped - untypeds + 1), (uint8_t)bits };
    object_count++;
}

static void slot_empty(cap_t slot)
{
    struct rt_status status = captable_delete(ROOT_SLOT_CSPACE, slot);
    if (!rt_ok(status)) {
        rt_panic("slot %lu cannot be deleted: error %u, argument %u", slot, rt_error(status),
                 rt_blamed(status));
    }
}

struct rt_status rt_objects_new(enum rt_kind kind, unsigned bits, uint64_t count, cap_t *first)
{
    uint64_t offset = 0;
    uint64_t size = count << bits;
    struct untyped *untyped = untyped_with_room(size, bits, kind == KIND_UNTYPED ? bits + 1 : bits,
                                                &offset);
    cap_t slot = untyped ? rt_slots_alloc(count) : 0;
    if (!slot) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = untyped_retype(untyped->slot, (uint64_t)kind | (uint64_t)bits << 8,
                                             offset, ROOT_SLOT_CSPACE, slot, count);
    if (!rt_ok(status)) {
        for (uint64_t i = 0; i < count; i++) {
            slot_empty(slot + i);  // those that were made before it failed
        }
        rt_slots_free(slot, count);
        return status;
    }
    rt_ranges_remove(&untyped->free, offset, size);
    for (uint64_t i = 0; i < count; i++) {
        object_record(untyped, offset + (i << bits), bits, slot + i);
    }
    *first = slot;
    return RT_OK;
}

struct rt_status rt_object_new(enum rt_kind kind, unsigned bits, cap_t *slot)
{
    return rt_objects_new(kind, bits, 1, slot);
}

struct rt_status rt_untyped_alloc(unsigned bits, cap_t *slot)
{
    return rt_object_new(KIND_UNTYPED, bits, slot);
}

struct rt_status rt_untyped_take(unsigned bits, cap_t *slot)
{
    uint64_t bytes = 1ull << bits;
    for (unsigned i = 0; i < untyped_count; i++) {
        if (untypeds[i].bits == bits && rt_ranges_total(&untypeds[i].free) == bytes) {
            rt_ranges_remove(&untypeds[i].free, 0, bytes);
            *slot = untypeds[i].slot;
            return RT_OK;
        }
    }
    return rt_untyped_alloc(bits, slot);
}

void rt_object_forget(cap_t slot)
{
    struct object *object = slot < ROOT_CSPACE_SLOTS ? &objects[slot] : NULL;
    if (!object || !object->untyped) {
        rt_panic("slot %lu holds no object of ours", slot);
    }
    rt_ranges_add(&untypeds[object->untyped - 1].free, object->offset, 1ull << object->bits);
    *object = (struct object){ 0 };
    object_count--;
    rt_slots_free(slot, 1);
}

void rt_object_delete(cap_t slot)
{
    slot_empty(slot);
    rt_object_forget(slot);
}

void rt_objects_delete(cap_t first, uint64_t count)
{
    for (cap_t slot = first; slot < first + count; slot++) {
        rt_object_delete(slot);
    }
}

// ---- derived capabilities ----------------------------------------------------------------------
struct rt_status rt_cap_copy(cap_t from, unsigned rights, cap_t *slot)
{
    cap_t to = rt_slot_alloc();
    if (!to) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = captable_copy(ROOT_SLOT_CSPACE, to, ROOT_SLOT_CSPACE, from, rights);
    if (!rt_ok(status)) {
        rt_slots_free(to, 1);
    } else {
        *slot = to;
    }
    return status;
}

struct rt_status rt_cap_mint(cap_t from, unsigned rights, uint64_t badge, cap_t *slot)
{
    cap_t to = rt_slot_alloc();
    if (!to) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    struct rt_status status = captable_mint(ROOT_SLOT_CSPACE, to, ROOT_SLOT_CSPACE, from, rights,
                                            badge);
    if (!rt_ok(status)) {
        rt_slots_free(to, 1);
    } else {
        *slot = to;
    }
    return status;
}

void rt_cap_delete(cap_t slot)
{
    slot_empty(slot);
    rt_slots_free(slot, 1);
}

// ---- accounts ----------------------------------------------------------------------------------
uint64_t rt_memory_available(void)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < untyped_count; i++) {
        total += rt_ranges_total(&untypeds[i].free);
    }
    return total;
}

uint64_t rt_memory_objects(void)
{
    return object_count;
}

static bool untyped_can_make(const struct untyped *untyped, enum rt_kind kind, unsigned bits,
                             uint64_t offset)
{
    cap_t slot = rt_slot_alloc();
    if (!slot) {
        return false;
    }
    struct rt_status status = untyped_retype(untyped->slot, (uint64_t)kind | (uint64_t)bits << 8,
                                             offset, ROOT_SLOT_CSPACE, slot, 1);
    if (rt_ok(status)) {
        slot_empty(slot);
    }
    rt_slots_free(slot, 1);
    return rt_ok(status);
}

// Both halves can be made into Untypeds (a single page into a frame) only where nothing lives in
// it.
static bool untyped_whole(const struct untyped *untyped)
{
    if (rt_ranges_total(&untyped->free) != 1ull << untyped->bits) {
        return false;
    }
    if (untyped->bits == PAGE_BITS) {
        return untyped_can_make(untyped, KIND_FRAME, PAGE_BITS, 0);
    }
    unsigned half = untyped->bits - 1u;
    return untyped_can_make(untyped, KIND_UNTYPED, half, 0) &&
           untyped_can_make(untyped, KIND_UNTYPED, half, 1ull << half);
}

cap_t rt_memory_check(void)
{
    for (unsigned i = 0; i < untyped_count; i++) {
        if (!untyped_whole(&untypeds[i])) {
            return untypeds[i].slot;
        }
    }
    return 0;
}
