// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Untyped memory: retype.  Relies on the kernel lock; called by the dispatch of invocations.
//
// A new object begins as an *embryo*: an original that already occupies its range and its slot
// while its memory is being zeroed.  When that is preempted, the restart (or anybody else who asks
// for the same object in the same slot) finds the embryo and goes on.  If nobody does, it can only
// be deleted.
#include "captable.h"
#include "forest.h"
#include "preempt.h"

#include <abi/message.h>

#define ZERO_STEP 256u  // bytes between two preemption points

static const struct kind_bits {
    uint8_t min, max;
} kind_bits[KIND_COUNT] = {
#define KIND(number, NAME, name, min_bits, max_bits, text) [number] = { min_bits, max_bits },
#include <abi/kinds.def>
#undef KIND
};

// What is to be made next.
struct order {
    struct cap *untyped;
    enum kind kind;
    unsigned bits;
    unsigned withheld;  // rights
    uint64_t address;
};

static enum err order_check(const struct order *order, uint64_t offset, uint64_t count)
{
    const struct cap *untyped = order->untyped;
    const struct kind_bits bits = *(const struct kind_bits *)hal_element(kind_bits, order->kind,
                                                                         KIND_COUNT, 1);
    if (bits.min == 0) {
        return err_blame(ERR_TYPE, 1);
    }
    if (untyped->flags & CAP_DEVICE && order->kind != KIND_FRAME && order->kind != KIND_UNTYPED) {
        return err_blame(ERR_TYPE, 1);
    }
    if (order->bits < bits.min || order->bits > bits.max ||
        (order->kind == KIND_UNTYPED && order->bits >= untyped->bits)) {
        return err_blame(ERR_RANGE, 1);
    }
    uint64_t size = 1ull << order->bits;
    if (offset & (size - 1)) {
        return err_blame(ERR_ALIGN, 2);
    }
    uint64_t bytes = cap_bytes(untyped);
    if (offset >= bytes || bytes - offset < size) {
        return err_blame(ERR_RANGE, 2);
    }
    if (count == 0 || count > (bytes - offset) >> order->bits) {
        return err_blame(ERR_RANGE, 5);
    }
    return ERR_OK;
}

static enum err order_read(struct invocation *inv, struct order *order)
{
    const uint64_t can_be_withheld = RIGHT_PADDR | RIGHT_WX;
    uint64_t kind = inv->words[0] & 0xff, withheld = inv->words[0] >> 16;
    if (kind == 0 || kind >= KIND_COUNT || withheld & ~can_be_withheld) {
        return err_blame(ERR_RANGE, 1);
    }
    order->untyped = inv->self;
    order->kind = (enum kind)kind;
    order->bits = (unsigned)(inv->words[0] >> 8 & 0xff);
    order->withheld = (unsigned)withheld;
    order->address = inv->self->address + inv->words[1];
    return order_check(order, inv->words[1], inv->words[4]);
}

// The child of the Untyped that overlaps the range, or NULL: children are disjoint, so it can only
// be the last one that begins in or before the range.
static struct cap *order_overlap(const struct order *order)
{
    uint64_t last = order->address + (1ull << order->bits) - 1;
    struct tree_node *node = tree_find_le(&order->untyped->objects, last, CAP_BY_ADDRESS_KEY);
    if (!node) {
        return NULL;
    }
    struct cap *cap = CONTAINER_OF(node, struct cap, by_address);
    return cap->address + (1ull << cap->bits) > order->address ? cap : NULL;
}

static unsigned order_rights(const struct order *order)
{
    const unsigned inherited = RIGHT_PADDR | RIGHT_WX;
    if (order->kind == KIND_UNTYPED) {
        return order->untyped->rights;
    }
    if (order->kind == KIND_FRAME) {
        return RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE | (order->untyped->rights & inherited);
    }
    return RIGHT_ALL;
}

// Put the embryo of a new object into an empty slot.
static void embryo_make(const struct order *order, struct cap *to)
{
    to->kind = (uint8_t)order->kind;
    to->rights = (uint8_t)(order_rights(order) & ~order->withheld);
    to->flags = CAP_EMBRYO | (order->untyped->flags & CAP_DEVICE);
    to->bits = (uint8_t)order->bits;
    to->aux = order->kind == KIND_FRAME ? (uint32_t)(1ull << order->bits >> PAGE_BITS) : 0;
    to->address = order->address;
    cap_insert_original(to, order->untyped);
}

static bool embryo_is(const struct cap *cap, const struct order *order)
{
    return cap->kind == order->kind && cap->bits == order->bits && cap->address == order->address &&
           cap->flags & CAP_EMBRYO && !(cap->flags & CAP_MARKED) &&
           forest_tree(cap) == &order->untyped->objects;
}

// Zero the memory and make the object.
static enum err embryo_finish(struct cap *cap)
{
    bool zeroed = cap->kind == KIND_UNTYPED || cap->flags & CAP_DEVICE;
    uint64_t bytes = 1ull << cap->bits, step = bytes < ZERO_STEP ? bytes : ZERO_STEP;
    while (!zeroed && cap->progress < bytes) {
        hal_zero((void *)(cap->address + cap->progress), step);
        cap->progress += step;
        if (preempt_point(8)) {
            return ERR_PREEMPTED;
        }
    }
    cap->progress = 0;
    cap->flags &= (uint8_t)~CAP_EMBRYO;
    object_init(cap);
    return ERR_OK;
}

// The slot that the next object goes to: empty, or with the embryo of this very object.
static enum err order_place(struct invocation *inv, const struct order *order, struct cap **to)
{
    enum err err = cap_lookup_place(inv->thread, inv->words[2], inv->words[3], 3, to);
    if (err || embryo_is(*to, order)) {
        return err;
    }
    if (!cap_empty(*to)) {
        return err_blame(ERR_OCCUPIED, 4);
    }
    const struct cap *other = order_overlap(order);
    if (other && other->kind == KIND_CAPTABLE && other->flags & CAP_BURIED) {
        // Whoever destroyed it did not finish: help.  That may destroy anything else, so look
        // everything up anew.
        err = cap_drain();
        return err ? err : ERR_PREEMPTED;
    }
    if (other) {
        return err_blame(ERR_OVERLAP, 2);
    }
    embryo_make(order, *to);
    preempt_work(40);
    return ERR_OK;
}

enum err op_untyped_retype(struct invocation *inv)
{
    uint64_t *words = inv->words;  // kind | bits << 8, offset, table, slot, count
    if (inv->self->progress) {     // being revoked
        return ERR_DEAD;
    }
    for (;;) {
        struct order order;
        struct cap *to;
        enum err err = order_read(inv, &order);
        if (!err) {
            err = order_place(inv, &order, &to);
        }
        if (!err) {
            err = embryo_finish(to);
        }
        if (err) {
            return err;
        }
        words[1] += 1ull << order.bits;
        words[3]++;
        preempt_work(PREEMPT_WORK);
        if (--words[4] == 0) {
            return ERR_OK;
        }
        if (preempt_point(0)) {
            return ERR_PREEMPTED;
        }
    }
}
