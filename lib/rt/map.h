// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory mapped into the program's own address space.
#pragma once

#include "space.h"

// Addresses that rt_map hands out.
#define RT_MAP_START 0x0000100000000000ull
#define RT_MAP_SIZE  0x0000000400000000ull

// Pages of a frame in the own address space.
struct rt_mapping {
    void *base;
    uint64_t pages;
    cap_t frame;     // the frame's original, 0 where somebody else owns it
    cap_t attached;  // the derived capability through which it is mapped
};

// log2 of the size of the smallest frame that has so many pages.
static inline unsigned rt_frame_bits(uint64_t pages)
{
    unsigned bits = PAGE_BITS;
    while (1ull << (bits - PAGE_BITS) < pages) {
        bits++;
    }
    return bits;
}

// New zeroed memory, contiguous; `pages` is rounded up to a power of two.
struct rt_status rt_map_new(uint64_t pages, unsigned prot, struct rt_mapping *mapping);

// Map the whole of a frame that somebody else owns, through a capability derived from `frame` with
// the rights READ, WRITE and EXECUTE as far as `prot` has them.
struct rt_status rt_map_frame(cap_t frame, uint64_t pages, unsigned prot,
                              struct rt_mapping *mapping);

// Unmap; new memory is given back, a derived capability deleted.
void rt_map_delete(struct rt_mapping *mapping);
