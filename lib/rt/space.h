// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Address spaces seen from their owner: mapping with page tables put in when the kernel asks for
// them.
#pragma once

#include "syscall.h"

#define RT_SPACE_TABLES 128  // runs of page tables that one space may be given

// An address space and the page tables that it was given here, so that they can be taken back.
struct rt_space {
    cap_t cap;
    unsigned run_count;
    struct {
        uint16_t first, count;
    } runs[RT_SPACE_TABLES];
};

// The space that this program runs in.
extern struct rt_space rt_own_space;

// A new, empty address space.  rt_space_delete gives back all of its memory.
struct rt_status rt_space_new(struct rt_space *space);
void rt_space_delete(struct rt_space *space);

// Frame.map of an attached frame, stocking page tables in as they are missed.
struct rt_status rt_space_map(struct rt_space *space, cap_t frame, uint64_t vaddr, uint64_t page,
                              uint64_t pages, unsigned prot);

// Take the page tables back that were given to the space.  What is mapped through them is gone: for
// a space of which nothing is needed any more, or the own one when nothing of rt_map lives.
void rt_space_trim(struct rt_space *space);
