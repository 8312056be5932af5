// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sorted lists of ranges over one pool of nodes.
#include "ranges.h"

#include "panic.h"

#include <abi/rootinfo.h>

// A range more at most for each live object, and one to begin with for each Untyped and for
// addresses.
#define POOL_NODES (ROOT_CSPACE_SLOTS + ROOT_MAX_UNTYPED + 64)

static struct rt_range pool[POOL_NODES];
static struct rt_range *pool_free;
static unsigned pool_used;

static struct rt_range *node_new(uint64_t start, uint64_t size, struct rt_range *next)
{
    struct rt_range *node = pool_free;
    if (node) {
        pool_free = node->next;
    } else if (pool_used < POOL_NODES) {
        node = &pool[pool_used++];
    } else {
        rt_panic("no node left for a range");
    }
    *node = (struct rt_range){ start, size, next };
    return node;
}

// Drop the node that `link` points to.
static void node_drop(struct rt_range **link)
{
    struct rt_range *node = *link;
    *link = node->next;
    node->next = pool_free;
    pool_free = node;
}

void rt_ranges_add(struct rt_ranges *ranges, uint64_t start, uint64_t size)
{
    struct rt_range **link = &ranges->first;
    struct rt_range *before = 0;
    while (*link && (*link)->start < start) {
        before = *link;
        link = &before->next;
    }
    if (before && before->start + before->size == start) {
        before->size += size;
    } else {
        *link = node_new(start, size, *link);
        before = *link;
    }
    struct rt_range *after = before->next;
    if (after && before->start + before->size == after->start) {
        before->size += after->size;
        node_drop(&before->next);
    }
}

bool rt_ranges_find(const struct rt_ranges *ranges, uint64_t size, uint64_t align, uint64_t *start)
{
    for (const struct rt_range *range = ranges->first; range; range = range->next) {
        uint64_t at = (range->start + align - 1) & ~(align - 1);
        uint64_t lost = at - range->start;
        if (range->size >= lost && range->size - lost >= size) {
            *start = at;
            return true;
        }
    }
    return false;
}

void rt_ranges_remove(struct rt_ranges *ranges, uint64_t start, uint64_t size)
{
    struct rt_range **link = &ranges->first;
    while (*link && (*link)->start + (*link)->size <= start) {
        link = &(*link)->next;
    }
    struct rt_range *range = *link;
    if (!range || start < range->start || start + size > range->start + range->size) {
        rt_panic("the range at 0x%lx is not free", start);
    }
    uint64_t behind = range->start + range->size - (start + size);
    range->size = start - range->start;
    if (behind) {
        range->next = node_new(start + size, behind, range->next);
    }
    if (!range->size) {
        node_drop(link);
    }
}

uint64_t rt_ranges_total(const struct rt_ranges *ranges)
{
    uint64_t total = 0;
    for (const struct rt_range *range = ranges->first; range; range = range->next) {
        total += range->size;
    }
    return total;
}
