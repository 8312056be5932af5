// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// AVL trees inside objects (tree.h).  Owns nothing; relies on its callers' lock.  A node's balance
// is kept in the low bits of `left`: 0 even, 1 the left side is taller, 2 the right side.  Paths
// are kept on the stack, since most nodes have no room for a link upwards.
#include "tree.h"

#include "types.h"

// The way from the root to a place in the tree: nodes, each with the side taken there in bit 0.
struct path {
    uintptr_t steps[TREE_DEPTH];
    unsigned depth;
};

static uint64_t node_key(const struct tree_node *node, ptrdiff_t key_offset)
{
    return *(const uint64_t *)((uintptr_t)node + (uintptr_t)(key_offset & ~TREE_LINKED));
}

static struct tree_node *node_child(const struct tree_node *node, unsigned side)
{
    return (struct tree_node *)((&node->left)[side] & ~3ul);
}

static void node_set_up(struct tree_node *node, uintptr_t up, ptrdiff_t key_offset)
{
    if (key_offset & TREE_LINKED && node) {
        *(uintptr_t *)((uintptr_t)node + TREE_LINK) = up;
    }
}

static uintptr_t node_up(const struct tree_node *node)
{
    return *(const uintptr_t *)((uintptr_t)node + TREE_LINK);
}

static void node_set_child(struct tree_node *node, unsigned side, struct tree_node *child,
                           ptrdiff_t key_offset)
{
    if (side) {
        node->right = (uintptr_t)child;
    } else {
        node->left = (uintptr_t)child | (node->left & 3);
    }
    node_set_up(child, (uintptr_t)node, key_offset);
}

static void root_set(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset)
{
    tree->root = node;
    node_set_up(node, (uintptr_t)tree | 1, key_offset);
}

// 0: even; side + 1: that side is taller.
static unsigned node_balance(const struct tree_node *node)
{
    return node->left & 3;
}

static void node_set_balance(struct tree_node *node, unsigned balance)
{
    node->left = (node->left & ~3ul) | balance;
}

static void path_push(struct path *path, struct tree_node *node, unsigned side)
{
    ASSERT(path->depth < TREE_DEPTH);
    path->steps[path->depth++] = (uintptr_t)node | side;
}

static struct tree_node *path_node(const struct path *path, unsigned at)
{
    return (struct tree_node *)(path->steps[at] & ~1ul);
}

static unsigned path_side(const struct path *path, unsigned at)
{
    return path->steps[at] & 1;
}

// Let what points to node `at` of the path (or to the place below it) point to `node`.
static void path_set(struct tree *tree, const struct path *path, unsigned at,
                     struct tree_node *node, ptrdiff_t key_offset)
{
    if (at == 0) {
        root_set(tree, node, key_offset);
    } else {
        node_set_child(path_node(path, at - 1), path_side(path, at - 1), node, key_offset);
    }
}

// The side of `at` on which `node`, with this key, is or belongs.  Where keys are equal the address
// of the node decides.
static unsigned node_side(const struct tree_node *at, const struct tree_node *node, uint64_t key,
                          ptrdiff_t key_offset)
{
    uint64_t found = node_key(at, key_offset);
    return LIKELY(found != key) ? found < key : (uintptr_t)at < (uintptr_t)node;
}

// Push every node on the way to `node`, or to where it belongs; returns it if it is in the tree.
static const struct tree_node *path_walk(struct path *path, struct tree_node *at,
                                         const struct tree_node *node, ptrdiff_t key_offset)
{
    uint64_t key = node_key(node, key_offset);
    while (at && at != node) {
        unsigned side = node_side(at, node, key, key_offset);
        path_push(path, at, side);
        at = node_child(at, side);
    }
    return at;
}

// `side` of `node` is two levels taller than the other: rotate; returns the new top.
static struct tree_node *rotate(struct tree_node *node, unsigned side, ptrdiff_t key_offset)
{
    struct tree_node *child = node_child(node, side);
    if (node_balance(child) == 2 - side) {  // its inner side is taller: twice
        struct tree_node *inner = node_child(child, !side);
        unsigned balance = node_balance(inner);
        node_set_child(child, !side, node_child(inner, side), key_offset);
        node_set_child(node, side, node_child(inner, !side), key_offset);
        node_set_child(inner, side, child, key_offset);
        node_set_child(inner, !side, node, key_offset);
        node_set_balance(node, balance == side + 1 ? 2 - side : 0);
        node_set_balance(child, balance == 2 - side ? side + 1 : 0);
        node_set_balance(inner, 0);
        return inner;
    }
    bool even = node_balance(child) == 0;  // only after a removal
    node_set_child(node, side, node_child(child, !side), key_offset);
    node_set_child(child, !side, node, key_offset);
    node_set_balance(node, even ? side + 1 : 0);
    node_set_balance(child, even ? 2 - side : 0);
    return child;
}

void tree_insert(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset)
{
    struct path path;
    path.depth = 0;
    const struct tree_node *same = path_walk(&path, tree->root, node, key_offset);
    ASSERT(!same);
    (void)same;
    node->left = node->right = 0;
    path_set(tree, &path, path.depth, node, key_offset);
    for (unsigned at = path.depth; at-- > 0;) {
        struct tree_node *above = path_node(&path, at);
        unsigned side = path_side(&path, at);
        unsigned balance = node_balance(above);
        if (balance == side + 1) {
            path_set(tree, &path, at, rotate(above, side, key_offset), key_offset);
        } else {
            node_set_balance(above, balance ? 0 : side + 1);
        }
        if (balance) {
            return;
        }
    }
}

// The children of a node that took another one's place.
static void node_adopt(struct tree_node *node, ptrdiff_t key_offset)
{
    node_set_up(node_child(node, 0), (uintptr_t)node, key_offset);
    node_set_up(node_child(node, 1), (uintptr_t)node, key_offset);
}

// The subtree below the path became one level lower.
static void rebalance_lower(struct tree *tree, struct path *path, ptrdiff_t key_offset)
{
    for (unsigned at = path->depth; at-- > 0;) {
        struct tree_node *above = path_node(path, at);
        unsigned side = path_side(path, at);
        unsigned balance = node_balance(above);
        if (balance == 0) {
            node_set_balance(above, 2 - side);
            return;
        }
        if (balance == side + 1) {
            node_set_balance(above, 0);
            continue;
        }
        bool same_height = node_balance(node_child(above, !side)) == 0;
        path_set(tree, path, at, rotate(above, !side, key_offset), key_offset);
        if (same_height) {
            return;
        }
    }
}

void tree_remove(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset)
{
    struct path path;
    path.depth = 0;
    const struct tree_node *found = path_walk(&path, tree->root, node, key_offset);
    ASSERT(found == node);
    (void)found;
    unsigned at = path.depth;
    if (!node_child(node, 0) || !node_child(node, 1)) {
        path_set(tree, &path, at, node_child(node, !node_child(node, 0)), key_offset);
    } else {
        // The next in order, which has no left side, takes the node's place.
        struct tree_node *next = node_child(node, 1);
        path_push(&path, node, 1);
        for (; node_child(next, 0); next = node_child(next, 0)) {
            path_push(&path, next, 0);
        }
        path_set(tree, &path, path.depth, node_child(next, 1), key_offset);
        *next = *node;
        path.steps[at] = (uintptr_t)next | 1;
        path_set(tree, &path, at, next, key_offset);
        node_adopt(next, key_offset);
    }
    rebalance_lower(tree, &path, key_offset);
}

void tree_replace(struct tree *tree, const struct tree_node *node, struct tree_node *by,
                  ptrdiff_t key_offset)
{
    struct tree_node *above = NULL;
    unsigned side = 0;
    if (key_offset & TREE_LINKED) {
        above = node_up(node) & 1 ? NULL : (struct tree_node *)node_up(node);
        side = above && node_child(above, 1) == node;
    } else {
        uint64_t key = node_key(node, key_offset);
        for (struct tree_node *at = tree->root; at != node; at = node_child(at, side)) {
            above = at;
            side = node_side(at, node, key, key_offset);
        }
    }
    *by = *node;
    if (above) {
        node_set_child(above, side, by, key_offset);
    } else {
        root_set(tree, by, key_offset);
    }
    node_adopt(by, key_offset);
}

struct tree *tree_of(const struct tree_node *node)
{
    uintptr_t up = node_up(node);
    while (!(up & 1)) {
        up = node_up((const struct tree_node *)up);
    }
    return (struct tree *)(up - 1);
}

void tree_moved(struct tree *tree)
{
    root_set(tree, tree->root, TREE_LINKED);
}

struct tree_node *tree_find_le(const struct tree *tree, uint64_t key, ptrdiff_t key_offset)
{
    struct tree_node *best = NULL;
    for (struct tree_node *node = tree->root; node;) {
        bool fits = node_key(node, key_offset) <= key;
        if (fits) {
            best = node;
        }
        node = node_child(node, fits);
    }
    return best;
}

struct tree_node *tree_find_ge(const struct tree *tree, uint64_t key, ptrdiff_t key_offset)
{
    struct tree_node *best = NULL;
    for (struct tree_node *node = tree->root; node;) {
        bool fits = node_key(node, key_offset) >= key;
        if (fits) {
            best = node;
        }
        node = node_child(node, !fits);
    }
    return best;
}

struct tree_node *tree_first(const struct tree *tree)
{
    struct tree_node *first = tree->root;
    for (struct tree_node *node = first; node; node = node_child(node, 0)) {
        first = node;
    }
    return first;
}

struct tree_node *tree_take_first(struct tree *tree, struct tree_node **next)
{
    struct path path;
    struct tree_node *first = tree->root;
    path.depth = 0;
    for (struct tree_node *left; (left = node_child(first, 0)); first = left) {
        path_push(&path, first, 0);
    }
    // What is right of it has nothing below: its left side is empty.
    struct tree_node *right = node_child(first, 1);
    path_set(tree, &path, path.depth, right, 0);
    *next = right || !path.depth ? right : path_node(&path, path.depth - 1);
    rebalance_lower(tree, &path, 0);
    return first;
}

#if PITH_DEBUG
// Levels of a subtree, if its balances are right.
static unsigned node_height(const struct tree_node *node)
{
    unsigned height = 0;
    for (; node; node = node_child(node, node_balance(node) == 2)) {
        height++;
    }
    return height;
}

// Every key is found (so the order is right; equal ones may stand side by side), and its balance is
// the difference of the levels of its sides (by induction from the leaves these are the true ones).
void tree_check(const struct tree *tree, ptrdiff_t key_offset)
{
    const struct tree_node *node = tree_first(tree);
    while (node) {
        for (unsigned side = 0; side < 2; side++) {
            const struct tree_node *child = node_child(node, side);
            uint64_t own = child ? node_key(child, key_offset) : 0;
            ASSERT(!child || node_key(tree_find_le(tree, own, key_offset), key_offset) == own);
        }
        unsigned left = node_height(node_child(node, 0)), right = node_height(node_child(node, 1));
        for (unsigned side = 0; side < 2 && key_offset & TREE_LINKED; side++) {
            const struct tree_node *child = node_child(node, side);
            ASSERT(!child || node_up(child) == (uintptr_t)node);
        }
        unsigned balance = node_balance(node);
        ASSERT(left + (balance == 2) == right + (balance == 1));
        uint64_t key = node_key(node, key_offset);
        node = key == UINT64_MAX ? NULL : tree_find_ge(tree, key + 1, key_offset);
    }
}
#endif
