// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Debug kernels only: a walk over the whole forest that asserts what cap.h and destroy.c promise.
// Called by the debug system call and by unit tests, with the kernel lock.  Takes as long as it
// takes.
#include "captable.h"
#include "check.h"
#include "forest.h"

#if PITH_DEBUG

const struct cap *cap_owner(uint64_t address)
{
    const struct cap *found = NULL;
    const struct tree *tree = &forest_roots;
    for (;;) {
        struct tree_node *node = tree_find_le(tree, address, CAP_BY_ADDRESS_KEY);
        const struct cap *cap = node ? CONTAINER_OF(node, const struct cap, by_address) : NULL;
        if (!cap || address - cap->address >= 1ull << cap->bits) {
            return found;
        }
        found = cap;
        if (!forest_has_objects(cap)) {
            return found;
        }
        tree = &cap->objects;
    }
}

static const struct cap *list_parent(const struct cap *last)
{
    return (const struct cap *)((uintptr_t)last->next & ~1ul);
}

static bool list_is_last(const struct cap *cap)
{
    return (uintptr_t)cap->next & 1;
}

// Both neighbours agree.
static void check_neighbours(const struct cap *cap)
{
    if (list_is_last(cap->prev)) {  // `cap` is the first, its prev the last
        const struct cap *parent = list_parent(cap->prev);
        ASSERT(!parent || parent->child == cap);
    } else {
        ASSERT(cap->prev->next == cap);
    }
    if (!list_is_last(cap)) {
        ASSERT(cap->next->prev == cap);
    } else if (list_parent(cap)) {
        ASSERT(list_parent(cap)->child->prev == cap);
    }
}

// A derived capability names no more than the one it was derived from.
static void check_derived(const struct cap *cap, const struct cap *parent)
{
    ASSERT(!(cap->flags & (CAP_IN_TREE | CAP_EMBRYO)));
    check_neighbours(cap);
    if (cap->flags & CAP_ORIGINAL) {
        return;
    }
    ASSERT(cap->kind == parent->kind && !(cap->rights & ~parent->rights));
    ASSERT((cap->flags & CAP_DEVICE) == (parent->flags & CAP_DEVICE));
    if (cap->kind != KIND_FRAME) {
        ASSERT(cap->address == parent->address);
    } else {
        ASSERT(cap->address >= parent->address &&
               cap->address + cap_bytes(cap) <= parent->address + cap_bytes(parent));
    }
}

static void check_children(const struct cap *parent)
{
    if (!forest_has_list(parent) || !parent->child) {
        return;
    }
    ASSERT(list_parent(parent->child->prev) == parent);
    const struct cap *cap = parent->child;
    for (; !list_is_last(cap); cap = cap->next) {
        check_derived(cap, parent);
    }
    check_derived(cap, parent);
}

// The next in depth-first order through the lists below `root`.
static const struct cap *list_following(const struct cap *cap, const struct cap *root)
{
    if (forest_has_list(cap) && cap->child) {
        return cap->child;
    }
    for (; cap != root; cap = list_parent(cap)) {
        if (!list_is_last(cap)) {
            return cap->next;
        }
    }
    return NULL;
}

// Every capability in a table is linked.
static void check_table(const struct cap *original)
{
    bool buried = original->flags & CAP_BURIED;
    const struct cap *slots = buried ? original : (const struct cap *)original->address;
    bool named = !buried || original->flags & CAP_NAMED;
    uint64_t count = 1ull << ((named ? original->bits : original->rights) - CAP_BITS);
    ASSERT(!named || captable_of(original)->count == count);
    for (uint64_t slot = 1; slot < count; slot++) {
        const struct cap *cap = slots + slot;
        ASSERT(!(cap->flags & CAP_INTERNAL));
        if (cap_empty(cap)) {
            continue;
        }
        ASSERT(named || slot >= original->aux);
        if (cap->flags & CAP_IN_TREE) {
            ASSERT(forest_tree(cap));
        } else {
            check_neighbours(cap);
        }
    }
}

// `above`: the Untyped, the buried table that keeps the range of one that dissolved, or NULL.
static void check_original(const struct cap *cap, const struct cap *above)
{
    ASSERT((cap->flags & CAP_ORIGINAL) && (cap->flags & CAP_IN_TREE));
    ASSERT((cap->address & (cap_bytes(cap) - 1)) == 0);
    ASSERT(!(cap->flags & CAP_EMBRYO) || cap->progress <= cap_bytes(cap));
    object_check(cap);
    if (cap->kind == KIND_CAPTABLE && !(cap->flags & CAP_EMBRYO)) {
        check_table(cap);
    }
    for (const struct cap *at = cap; at; at = list_following(at, cap)) {
        check_children(at);
    }
    if (!above || above->kind != KIND_UNTYPED) {
        return;
    }
    ASSERT(cap->address >= above->address &&
           cap->address + cap_bytes(cap) <= above->address + cap_bytes(above));
    ASSERT((cap->flags & CAP_DEVICE) == (above->flags & CAP_DEVICE));
    if (cap->kind == KIND_FRAME || cap->kind == KIND_UNTYPED) {
        ASSERT(!(cap->rights & ~above->rights & (RIGHT_PADDR | RIGHT_WX)));
    }
}

// Nothing is in two of them, and together with the gaps they are what they were made from.
static void check_tree(const struct tree *tree, const struct cap *above)
{
    tree_check(tree, CAP_BY_ADDRESS_KEY);
    uint64_t end = above && above->kind == KIND_UNTYPED ? above->address : 0, used = 0, gaps = 0;
    for (const struct cap *cap = forest_next(tree, 0); cap;
         cap = forest_next(tree, cap->address + 1)) {
        ASSERT(cap->address >= end);
        gaps += cap->address - end;
        used += cap_bytes(cap);
        end = cap->address + cap_bytes(cap);
        ASSERT(forest_tree(cap) == tree);
        check_original(cap, above);
    }
    if (above && above->kind == KIND_UNTYPED) {   // an heir gets its range only at the end
        uint64_t covered = end - above->address;  // the range may end with the address space
        ASSERT(covered <= cap_bytes(above) && used + gaps == covered);
    }
}

// The next in depth-first order through the trees.
static const struct cap *tree_following(const struct cap *cap)
{
    if (forest_has_objects(cap) && cap->objects.root) {
        return forest_next(&cap->objects, 0);
    }
    for (;;) {
        const struct tree *tree = forest_tree(cap);
        const struct cap *next = forest_next(tree, cap->address + 1);
        if (next || tree == &forest_roots) {
            return next;
        }
        cap = CONTAINER_OF(tree, const struct cap, objects);
    }
}

void cap_check(void)
{
    check_tree(&forest_roots, NULL);
    for (const struct cap *cap = forest_next(&forest_roots, 0); cap; cap = tree_following(cap)) {
        if (forest_has_objects(cap)) {
            check_tree(&cap->objects, cap);
        }
        if (cap->kind == KIND_UNTYPED && cap->inner) {
            ASSERT(cap->inner->kind == KIND_UNTYPED && cap->inner->flags & CAP_MARKED);
            ASSERT(cap->progress && forest_tree(cap->inner) == &cap->objects);
        }
    }
}
#endif
