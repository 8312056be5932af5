// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The pages of a file by their index.  A tree that is as high as its highest index needs: a file of
// one page has none but its root.
#pragma once

#include "page.h"

#define PAGETREE_BITS 6u
#define PAGETREE_FAN  (1u << PAGETREE_BITS)

struct pagetree {
    union {
        uint32_t page;  // height 0: page 0
        struct pagenode *nodes;
    };
    uint32_t height;
    uint64_t count;  // of pages in it
};

// PAGE_NONE: none there.
uint32_t pagetree_get(const struct pagetree *tree, uint64_t index);
// Put a page where none is, or another for the one that is; false: no memory.  References are the
// caller's business.
bool pagetree_put(struct pagetree *tree, uint64_t index, uint32_t page);
// Take out and give up (page_put) the pages from `first` to before `end`.
void pagetree_cut(struct pagetree *tree, uint64_t first, uint64_t end);
// The first index from `from` on that has a page; UINT64_MAX: none.
uint64_t pagetree_next(const struct pagetree *tree, uint64_t from);
