// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A balanced search tree (AVL: Adelson-Velsky and Landis 1962) whose nodes are two words inside the
// objects they order: the children of an Untyped by address, the frames of an address space by
// address, waiting senders by priority and arrival, contexts by the time they have budget again.
// Keys are 64-bit words at a fixed distance from the node; equal ones are in the order of
// addresses.  No recursion; every operation is O(log n) with a path of at most TREE_DEPTH nodes on
// the stack.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct tree_node {
    uintptr_t left;  // pointer; the low two bits are the balance
    uintptr_t right;
};

struct tree {
    struct tree_node *root;
};

#define TREE_DEPTH 46  // AVL height for 2^32 nodes

// `key_offset`: bytes from the node to its key (may be negative); with TREE_LINKED added, nodes
// have a link upwards TREE_LINK bytes behind their beginning: the node above, or for the root its
// tree with bit 0 set.
#define TREE_LINKED 1l
#define TREE_LINK   24
// Insert a node that is not in the tree.
void tree_insert(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset);
// Remove a node that is in the tree.
void tree_remove(struct tree *tree, struct tree_node *node, ptrdiff_t key_offset);
// Let `by`, with the same key, take the place of a node that is in the tree.
void tree_replace(struct tree *tree, const struct tree_node *node, struct tree_node *by,
                  ptrdiff_t key_offset);
// The tree that a linked node is in; O(log n).
struct tree *tree_of(const struct tree_node *node);
// A tree of linked nodes (or none) was copied to where it is now.
void tree_moved(struct tree *tree);
// The node with the greatest key <= `key` / least key >= `key`; NULL where there is none.
struct tree_node *tree_find_le(const struct tree *tree, uint64_t key, ptrdiff_t key_offset);
struct tree_node *tree_find_ge(const struct tree *tree, uint64_t key, ptrdiff_t key_offset);
// The node with the least key; NULL where there is none.
struct tree_node *tree_first(const struct tree *tree);
// Remove that one from a tree that is not empty and not of linked nodes; `*next` is then the node
// with the least key, NULL where there is none.
struct tree_node *tree_take_first(struct tree *tree, struct tree_node **next);
// Debug kernels: assert that the tree is ordered and balanced.
void tree_check(const struct tree *tree, ptrdiff_t key_offset);
