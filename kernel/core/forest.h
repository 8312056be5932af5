// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Links of the derivation forest (cap.h explains them), for the files that make, move and delete
// capabilities.
#pragma once

#include "cap.h"

// The tree of the root Untypeds.
extern struct tree forest_roots;

// The tree that a CAP_IN_TREE capability sits in: that of the root Untypeds, of an Untyped, or of a
// buried table.
struct tree *forest_tree(const struct cap *cap);

// The first of a tree whose address is at least `address`, or NULL.
static inline struct cap *forest_next(const struct tree *tree, uint64_t address)
{
    struct tree_node *node = tree_find_ge(tree, address, CAP_BY_ADDRESS_KEY);
    return node ? CONTAINER_OF(node, struct cap, by_address) : NULL;
}

// Whether it can have children in a tree.
static inline bool forest_has_objects(const struct cap *cap)
{
    return cap->kind == KIND_UNTYPED ||
           (cap->kind == KIND_CAPTABLE && cap->flags & CAP_BURIED && !(cap->flags & CAP_NAMED));
}

// Whether it can have a list of children.
static inline bool forest_has_list(const struct cap *cap)
{
    return !forest_has_objects(cap) && cap->kind != KIND_PAGETABLE && !(cap->flags & CAP_EMBRYO);
}

// Take a capability out of its list or tree; its children, if it has a list of them, take its place
// in the list.
void forest_unlink(struct cap *cap);

// Make the first child of `parent` the last, and put its own children in front of the list.
void forest_flatten_first(struct cap *parent);

static inline void cap_clear(struct cap *cap)
{
    *cap = (struct cap){ 0 };
}
