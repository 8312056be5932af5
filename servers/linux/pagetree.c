// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The pages of a file by their index.  Owns the nodes; each has either nodes or pages below it.
#include "pagetree.h"

#include "heap.h"

struct pagenode {
    union {
        struct pagenode *nodes[PAGETREE_FAN];
        uint32_t pages[PAGETREE_FAN];
    };
};

// Where the nodes of a level lie: one of level 1 has pages, which take half the room.
static struct pagenode *node_new(uint32_t level)
{
    return heap_alloc(level == 1 ? PAGETREE_FAN * sizeof(uint32_t) : sizeof(struct pagenode));
}

static bool covers(const struct pagetree *tree, uint64_t index)
{
    uint32_t bits = tree->height * PAGETREE_BITS;
    return bits >= 64 || index >> bits == 0;
}

static unsigned slot_of(uint64_t index, uint32_t level)
{
    return (unsigned)(index >> (level - 1) * PAGETREE_BITS) & (PAGETREE_FAN - 1);
}

uint32_t pagetree_get(const struct pagetree *tree, uint64_t index)
{
    if (!covers(tree, index)) {
        return PAGE_NONE;
    }
    if (tree->height == 0) {
        return tree->page;
    }
    const struct pagenode *node = tree->nodes;
    for (uint32_t level = tree->height; node && level > 1; level--) {
        node = node->nodes[slot_of(index, level)];
    }
    return node ? node->pages[slot_of(index, 1)] : PAGE_NONE;
}

// Put a level on top of what there is.
static bool grow(struct pagetree *tree)
{
    bool empty = tree->height == 0 ? tree->page == PAGE_NONE : !tree->nodes;
    struct pagenode *node = NULL;
    if (!empty) {
        node = node_new(tree->height + 1);
        if (!node) {
            return false;
        }
        if (tree->height == 0) {
            node->pages[0] = tree->page;
        } else {
            node->nodes[0] = tree->nodes;
        }
    }
    tree->nodes = node;
    tree->height++;
    return true;
}

bool pagetree_put(struct pagetree *tree, uint64_t index, uint32_t page)
{
    while (!covers(tree, index)) {
        if (!grow(tree)) {
            return false;
        }
    }
    uint32_t *at = &tree->page;
    struct pagenode **node = &tree->nodes;
    for (uint32_t level = tree->height; level >= 1; level--) {
        if (!*node && !(*node = node_new(level))) {
            return false;
        }
        at = &(*node)->pages[slot_of(index, 1)];
        node = level > 1 ? &(*node)->nodes[slot_of(index, level)] : node;
    }
    tree->count += *at == PAGE_NONE;
    *at = page;
    return true;
}

// What of [first, end) lies below the slot of a node of this level that begins at `begin`.
struct cut {
    struct pagetree *tree;
    uint64_t first, end;
};

static void cut_page(const struct cut *cut, uint32_t *page, uint64_t index)
{
    if (*page != PAGE_NONE && index >= cut->first && index < cut->end) {
        page_put(*page);
        *page = PAGE_NONE;
        cut->tree->count--;
    }
}

// As deep as the tree is high: at most ten.
static void cut_node(const struct cut *cut, struct pagenode **at, uint32_t level, uint64_t begin)
{
    struct pagenode *node = *at;
    if (!node) {
        return;
    }
    uint32_t shift = (level - 1) * PAGETREE_BITS;
    uint64_t last = begin + ((uint64_t)PAGETREE_FAN << shift) - 1;
    if (last < cut->first || begin >= cut->end) {
        return;
    }
    for (unsigned i = 0; i < PAGETREE_FAN; i++) {
        uint64_t index = begin + ((uint64_t)i << shift);
        if (level == 1) {
            cut_page(cut, &node->pages[i], index);
        } else {
            cut_node(cut, &node->nodes[i], level - 1, index);
        }
    }
    if (begin >= cut->first && last < cut->end) {
        heap_free(node);
        *at = NULL;
    }
}

void pagetree_cut(struct pagetree *tree, uint64_t first, uint64_t end)
{
    const struct cut cut = { tree, first, end };
    if (first >= end) {
        return;
    }
    if (tree->height == 0) {
        cut_page(&cut, &tree->page, 0);
        return;
    }
    cut_node(&cut, &tree->nodes, tree->height, 0);
    if (!tree->nodes) {
        tree->height = 0;
        tree->page = PAGE_NONE;
    }
}

static uint64_t next_below(const struct pagenode *node, uint32_t level, uint64_t begin,
                           uint64_t from)
{
    uint32_t shift = (level - 1) * PAGETREE_BITS;
    uint64_t first = from > begin ? (from - begin) >> shift : 0;
    for (uint64_t i = first; node && i < PAGETREE_FAN; i++) {
        uint64_t index = begin + (i << shift);
        uint64_t found = level == 1 ? (node->pages[i] ? index : UINT64_MAX)
                                    : next_below(node->nodes[i], level - 1, index, from);
        if (found != UINT64_MAX) {
            return found;
        }
    }
    return UINT64_MAX;
}

uint64_t pagetree_next(const struct pagetree *tree, uint64_t from)
{
    if (tree->height == 0) {
        return from == 0 && tree->page != PAGE_NONE ? 0 : UINT64_MAX;
    }
    return covers(tree, from) ? next_below(tree->nodes, tree->height, 0, from) : UINT64_MAX;
}
