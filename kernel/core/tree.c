// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// AVL trees inside objects (tree.h).  Owns nothing; relies on its callers' lock.  A node's balance
// is kept in the low bits of `left`: 0 even, 1 the left side is taller, 2 the right side.  Paths
// are kept on the stack, since nodes have no room for a link upwards.
#include "tree.h"

#include "types.h"

// The way from the root to a place in the tree: bit i of `sides` is the side taken at nodes[i].
struct path {
    struct tree_node *nodes[TREE_DEPTH];
    uint64_t sides;
    unsigned depth;
};

static uint64_t node_key(const struct tree_node *node, ptrdiff_t key_offset)
{
    return *(const uint64_t *)((uintptr_t)node + (uintptr_t)key_offset);
}

static struct tree_node *node_child(const struct tree_node *node, unsigned side)
{
    return (struct tree_node *)(side ? node->right : node->left & ~3ul);
}

static void node_set_child(struct tree_node *node, unsigned side, struct tree_node *child)
{
    if (side) {
        node->right = (uintptr_t)child;
    } else {
        node->left = (uintptr_t)child | (node->left & 3);
    }
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
    path->nodes[path->depth] = node;
    path->sides = (path->sides & ~(1ull << path->depth)) | (uint64_t)side << path->depth;
    path->depth++;
}

static unsigned path_side(const struct path *path, unsigned at)
{
    return path->sides >> at & 1;
}

// Let what points to nodes[at] (or to the place below the path) point to `node`.
static void path_set(struct tree *tree, const struct path *path, unsigned at,
                     struct tree_node *node)
{
    if (at == 0) {
        tree->root = node;
    } else {
        node_set_child(path->nodes[at - 1], path_side(path, at - 1), node);
    }
}

// Push every node on the way to `node`, or to where it belongs; returns it if it is in the tree.
// Where keys are equal the address of the node decides.
static const struct tree_node *path_walk(struct path *path, struct tree_node *at,
                                         const struct tree_node *node, ptrdiff_t key_offset)
{
    uint64_t key = node_key(node, key_offset);
    while (at && at != node) {
        uint64_t found = node_key(at, key_offset);
        unsigned side = found != key ? found < key : (uintptr_t)at < (uintptr_t)node;
        path_push(path, at, side);
        at = node_child(at, side);
    }
    return at;
}

// `side` of `node` is two levels taller than the other: rotate; returns the new top.
static struct tree_node *rotate(struct tree_node *node, unsigned side)
{
    struct tree_node *child = node_child(node, side);
    if (node_balance(child) == 2 - side) {  // its inner side is taller: twice
        struct tree_node *inner = node_child(child, !side);
        unsigned balance = node_balance(inner);
        node_set_child(child, !side, node_child(inner, side));
        node_set_child(node, side, node_child(inner, !side));
        node_set_child(inner, side, child);
        node_set_child(inner, !side, node);
        node_set_balance(node, balance == side + 1 ? 2 - side : 0);
        node_set_balance(child, balance == 2 - side ? side + 1 : 0);
        node_set_balance(inner, 0);
        return inner;
    }
    bool even = node_balance(child) == 0;  // only after a removal
    node_set_child(node, side, node_child(child, !side));
    node_set_child(child, !side, node);
    node_set_balance(node, even ? side + 1 : 0);
    node_set_balance(child, even ? 2 - side : 0);
    return child;
}

void tree_insert(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset)
{
    struct path path;
    path.depth = 0;
    path.sides = 0;
    const struct tree_node *same = path_walk(&path, tree->root, node, key_offset);
    ASSERT(!same);
    (void)same;
    node->left = node->right = 0;
    path_set(tree, &path, path.depth, node);
    for (unsigned at = path.depth; at-- > 0;) {
        struct tree_node *above = path.nodes[at];
        unsigned side = path_side(&path, at);
        unsigned balance = node_balance(above);
        if (balance == side + 1) {
            path_set(tree, &path, at, rotate(above, side));
        } else {
            node_set_balance(above, balance ? 0 : side + 1);
        }
        if (balance) {
            return;
        }
    }
}

// The subtree below the path became one level lower.
static void rebalance_lower(struct tree *tree, struct path *path)
{
    for (unsigned at = path->depth; at-- > 0;) {
        struct tree_node *above = path->nodes[at];
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
        path_set(tree, path, at, rotate(above, !side));
        if (same_height) {
            return;
        }
    }
}

void tree_remove(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset)
{
    struct path path;
    path.depth = 0;
    path.sides = 0;
    const struct tree_node *found = path_walk(&path, tree->root, node, key_offset);
    ASSERT(found == node);
    (void)found;
    unsigned at = path.depth;
    if (!node_child(node, 0) || !node_child(node, 1)) {
        path_set(tree, &path, at, node_child(node, !node_child(node, 0)));
    } else {
        // The next in order, which has no left side, takes the node's place.
        struct tree_node *next = node_child(node, 1);
        path_push(&path, node, 1);
        for (; node_child(next, 0); next = node_child(next, 0)) {
            path_push(&path, next, 0);
        }
        path_set(tree, &path, path.depth, node_child(next, 1));
        *next = *node;
        path_set(tree, &path, at, next);
        path.nodes[at] = next;
    }
    rebalance_lower(tree, &path);
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

// Every node is found by its key (so the order is right), and its balance is the difference of the
// levels of its sides (by induction from the leaves these are the true ones).
void tree_check(const struct tree *tree, ptrdiff_t key_offset)
{
    const struct tree_node *node = tree_find_ge(tree, 0, key_offset);
    while (node) {
        for (unsigned side = 0; side < 2; side++) {
            const struct tree_node *child = node_child(node, side);
            ASSERT(!child || tree_find_le(tree, node_key(child, key_offset), key_offset) == child);
        }
        unsigned left = node_height(node_child(node, 0)), right = node_height(node_child(node, 1));
        unsigned balance = node_balance(node);
        ASSERT(left + (balance == 2) == right + (balance == 1));
        uint64_t key = node_key(node, key_offset);
        node = key == UINT64_MAX ? NULL : tree_find_ge(tree, key + 1, key_offset);
    }
}
#endif
