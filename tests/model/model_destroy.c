// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The model: deletion, revocation, destruction.  The order in which objects die matters, since
// whoever waits for one is woken then: an Untyped's in order of address, except that its tables are
// emptied last, the last found first; a table's slots in their order, a table in one of them as
// soon as it is found.
#include "model.h"

// Tables that are being destroyed: their originals have moved to their own slot 0.
static struct {
    struct model_cap *graves[PLACES];
    unsigned count;
} tables;

static void cap_detach(struct model_cap *cap)
{
    if (cap->kind == K_FRAME) {
        model_frame_detach(cap);
    }
}

void model_delete_derived(struct model_cap *cap)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        if (model.caps[i].kind && model.caps[i].parent == place_of(cap)) {
            model.caps[i].parent = cap->parent;
        }
    }
    cap_detach(cap);
    *cap = (struct model_cap){ 0 };
}

// Everything derived from a capability that is no Untyped.
static void derived_delete(const struct model_cap *parent)
{
    for (uint64_t i = 0; i < PLACES; i++) {
        struct model_cap *cap = &model.caps[i];
        if (cap->kind && cap->parent == place_of(parent)) {
            derived_delete(cap);
            cap_detach(cap);
            *cap = (struct model_cap){ 0 };
        }
    }
}

static void object_destroy(struct model_cap *cap)
{
    uint64_t address = cap->address;
    switch (cap->kind) {
    case K_THREAD: model_thread_destroy(thread_at(address)); break;
    case K_TIMER:
        timer_at(address)->live = false;
        model_alarm_clear(address);
        if (timer_inside(address)->kind) {
            model_delete_derived(timer_inside(address));
        }
        break;
    case K_PAGETABLE: model_table_destroy(cap); break;
    case K_ADDRESS_SPACE: model_space_destroy(address); break;
    case K_SCHED_CONTEXT:
        model_recall(address, 0);
        model_release(address);
        model.admitted -= context_at(address)->share;
        if (model.in_use == address) {
            model.in_use = 0;
        }
        context_at(address)->live = false;
        break;
    case K_ENDPOINT: model_endpoint_destroy(address); break;
    case K_REPLY: model_reply_destroy(address); break;
    case K_NOTIFICATION: model_notification_destroy(address); break;
    default: break;
    }
}

// An original that is no Untyped.
static void original_delete(struct model_cap *cap)
{
    if (cap->kind == K_CAPTABLE) {
        struct model_cap *grave = &model.caps[cap->address >> SLOT_BITS];
        model_move(grave, cap);
        tables.graves[tables.count++] = grave;
        return;
    }
    derived_delete(cap);
    object_destroy(cap);
    *cap = (struct model_cap){ 0 };
}

// The child of an Untyped with the least address from `address` on.
static struct model_cap *child_from(const struct model_cap *untyped, uint64_t address)
{
    struct model_cap *found = NULL;
    for (uint64_t i = 0; i < PLACES; i++) {
        struct model_cap *cap = &model.caps[i];
        if (cap->kind && cap->original && cap->parent == place_of(untyped) &&
            cap->address >= address && (!found || cap->address < found->address)) {
            found = cap;
        }
    }
    return found;
}

static void untyped_clear(const struct model_cap *untyped)
{
    uint64_t next = untyped->address;
    for (struct model_cap *child; (child = child_from(untyped, next));) {
        uint64_t address = child->address;
        next = address + 1;
        if (child->kind == K_UNTYPED) {
            untyped_clear(child);
            *child = (struct model_cap){ 0 };
            continue;
        }
        bool table = child->kind == K_CAPTABLE;
        if (!table ||
            place_of(child) != address >> SLOT_BITS) {  // else it is being destroyed already
            original_delete(child);
        }
        if (table) {
            derived_delete(&model.caps[address >> SLOT_BITS]);
        }
    }
}

static void slot_empty(struct model_cap *cap)
{
    if (!cap->original) {
        model_delete_derived(cap);
    } else if (cap->kind == K_UNTYPED) {
        untyped_clear(cap);
        *cap = (struct model_cap){ 0 };
    } else {
        original_delete(cap);
    }
}

// Empty all tables that are being destroyed, always the one found last.
static void tables_drain(void)
{
    while (tables.count) {
        struct model_cap *grave = tables.graves[tables.count - 1];
        derived_delete(grave);
        uint64_t slot = 1, count = 1ull << (grave->bits - SLOT_BITS);
        while (slot < count && !grave[slot].kind) {
            slot++;
        }
        if (slot < count) {
            slot_empty(&grave[slot]);
            continue;
        }
        *grave = (struct model_cap){ 0 };
        tables.count--;
    }
}

void model_revoke(struct model_cap *cap)
{
    if (!cap->kind) {
        return;
    }
    if (cap->kind == K_UNTYPED) {
        untyped_clear(cap);
        tables_drain();
    } else {
        derived_delete(cap);
    }
}

void model_delete(struct model_cap *cap)
{
    if (!cap->kind) {
        return;
    }
    if (!cap->original) {
        model_delete_derived(cap);
        return;
    }
    if (cap->kind == K_UNTYPED) {
        untyped_clear(cap);
        tables_drain();
        *cap = (struct model_cap){ 0 };
    } else {
        original_delete(cap);
        tables_drain();
    }
}
