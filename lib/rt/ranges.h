// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sets of numbers as sorted lists of ranges: free memory of an Untyped, free addresses.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rt_range {
    uint64_t start, size;
    struct rt_range *next;
};

struct rt_ranges {
    struct rt_range *first;
};

// Add [start, start + size), which overlaps nothing in the set; neighbours are joined.  Nodes come
// from a pool that suffices for every slot of a table; panics beyond.
void rt_ranges_add(struct rt_ranges *ranges, uint64_t start, uint64_t size);

// The lowest multiple of `align` (a power of two) at which `size` fits into one range; false: none.
bool rt_ranges_find(const struct rt_ranges *ranges, uint64_t size, uint64_t align, uint64_t *start);

// Take [start, start + size), all of which lies in one range of the set; panics otherwise.
void rt_ranges_remove(struct rt_ranges *ranges, uint64_t start, uint64_t size);

// The sum of all sizes.
uint64_t rt_ranges_total(const struct rt_ranges *ranges);
