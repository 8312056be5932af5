// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Links of the derivation forest: making, moving and unlinking capabilities.  Owns the tree of the
// root Untypeds, guarded by the kernel lock.  Called by everything that makes a capability, and by
// destroy.c.
#include "forest.h"

#include "object.h"
#include "preempt.h"

struct tree forest_roots;

static bool list_is_last(const struct cap *cap)
{
    return (uintptr_t)cap->next & 1;
}

// The parent, from the last of its list.
static struct cap *list_parent(const struct cap *last)
{
    return (struct cap *)((uintptr_t)last->next & ~1ul);
}

static struct cap *list_end(struct cap *parent)
{
    return (struct cap *)((uintptr_t)parent | 1);
}

// The parent, if `cap` is the first of its list and not a root.
static struct cap *list_parent_of_first(const struct cap *cap)
{
    return list_is_last(cap->prev) ? list_parent(cap->prev) : NULL;
}

// Put the chain from `first` to `last` where `cap` is in its list.
static void list_replace(struct cap *cap, struct cap *first, struct cap *last)
{
    struct cap *parent = list_parent_of_first(cap);
    bool is_first = list_is_last(cap->prev);
    bool is_last = list_is_last(cap);
    first->prev = cap->prev == cap ? last : cap->prev;
    last->next = cap->next;
    if (!is_first) {
        cap->prev->next = first;
    } else if (parent) {
        parent->child = first;
    }
    if (!is_last) {
        cap->next->prev = last;
    } else if (!is_first) {
        list_parent(last)->child->prev = last;
    }
}

static void list_remove(struct cap *cap)
{
    struct cap *parent = list_parent_of_first(cap);
    if (cap->prev == cap) {  // alone
        if (parent) {
            parent->child = NULL;
        }
        return;
    }
    if (parent) {
        parent->child = cap->next;
    } else {
        cap->prev->next = cap->next;
    }
    if (list_is_last(cap)) {
        list_parent(cap)->child->prev = cap->prev;
    } else {
        cap->next->prev = cap->prev;
    }
}

static void list_push(struct cap *parent, struct cap *cap)
{
    struct cap *first = parent ? parent->child : NULL;
    cap->next = first ? first : list_end(parent);
    cap->prev = first ? first->prev : cap;
    if (first) {
        first->prev = cap;
    }
    if (parent) {
        parent->child = cap;
    }
}

static void list_append(struct cap *parent, struct cap *cap)
{
    list_push(parent, cap);
    if (list_is_last(cap)) {
        return;
    }
    // The list is a ring but for its end: turn it by one.
    parent->child = cap->next;
    cap->prev->next = cap;
    cap->next = list_end(parent);
}

void forest_flatten_first(struct cap *parent)
{
    struct cap *cap = parent->child;
    struct cap *child = cap->child;
    cap->child = NULL;
    if (child) {
        list_replace(cap, child, child->prev);
    } else {
        list_remove(cap);
    }
    list_append(parent, cap);
}

struct tree *forest_tree(const struct cap *cap)
{
    return tree_of(&cap->by_address);
}

void forest_unlink(struct cap *cap)
{
    struct cap *child = forest_has_list(cap) ? cap->child : NULL;
    ASSERT(!child || !(cap->flags & CAP_ORIGINAL));
    if (cap->flags & CAP_IN_TREE) {
        tree_remove(forest_tree(cap), &cap->by_address, CAP_BY_ADDRESS_KEY);
    } else if (child) {
        list_replace(cap, child, child->prev);
    } else {
        list_remove(cap);
    }
}

static bool has_badge(unsigned kind)
{
    return kind == KIND_ENDPOINT || kind == KIND_NOTIFICATION || kind == KIND_SCHED_CONTROL;
}

void cap_derive(struct cap *to, struct cap *from, unsigned rights)
{
    ASSERT(cap_empty(to) && forest_has_list(from) && !(from->flags & CAP_MARKED));
    to->kind = from->kind;
    to->rights = from->rights & (uint8_t)rights;
    to->flags = (to->flags & (CAP_INTERNAL | CAP_PLAIN)) | (from->flags & CAP_DEVICE);
    to->bits = from->bits;
    to->aux = from->aux;
    to->address = from->address;
    to->badge = has_badge(from->kind) ? from->badge : 0;
    to->child = NULL;
    list_push(from, to);
}

void cap_insert_original(struct cap *to, struct cap *untyped)
{
    ASSERT(untyped->kind == KIND_UNTYPED);
    to->flags |= CAP_ORIGINAL | CAP_IN_TREE;
    tree_insert(&untyped->objects, &to->by_address, CAP_BY_ADDRESS_KEY);
}

void cap_insert_child(struct cap *to, struct cap *parent)
{
    to->flags |= CAP_ORIGINAL;
    if (to->kind != KIND_UNTYPED) {
        list_push(parent, to);
        return;
    }
    ASSERT(!parent);
    to->flags |= CAP_IN_TREE;
    tree_insert(&forest_roots, &to->by_address, CAP_BY_ADDRESS_KEY);
}

void cap_move(struct cap *to, struct cap *from)
{
    *to = *from;
    if (from->flags & CAP_IN_TREE) {
        // Only the root's link leads to its tree, and only the root's replacement needs it.
        tree_replace((struct tree *)(from->above & ~1ul), &from->by_address, &to->by_address,
                     CAP_BY_ADDRESS_KEY);
        preempt_work(15);
    } else {
        list_replace(from, to, to);
    }
    if (forest_has_list(to)) {
        if (to->child) {
            to->child->prev->next = list_end(to);
        }
    } else if (forest_has_objects(to)) {
        tree_moved(&to->objects);
    }
    if ((to->kind == KIND_FRAME || to->kind == KIND_PAGETABLE) && to->flags & CAP_ATTACHED) {
        object_moved(to, from);
    }
    cap_clear(from);
}
