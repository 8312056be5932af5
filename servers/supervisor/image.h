// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A component's ELF file, and where its parts go.  Makes no system call.
//
// What a component cannot write is mapped straight from the file's frame in the boot image, shared
// by all incarnations.  All that it can write is one frame, its *memory*: page 0 the information
// page, page 1 message buffers and last words, then data, stacks and heap.  Both appear in an
// *arena* of consecutive addresses, at a random place, with unmapped pages between the parts.
#pragma once

#include "system.h"

#include <rt/elf.h>

#define IMAGE_PARTS 3  // segments: read-only, executable, writable

// In the page of buffers.
#define PAGE_BUFFER_WATCH 3072u
#define PAGE_WORDS        1024u
_Static_assert(PAGE_WORDS + sizeof(struct component_words) <= PAGE_BUFFER_WATCH, "they fit");

// Pages of one segment that are mapped from the file.
struct image_part {
    uint64_t vaddr, file_page, pages;
    unsigned prot;
};

struct image {
    const unsigned char *file;
    uint64_t bytes;
    cap_t frame;  // original of the frame that it lies in
    uint64_t entry;
    uint64_t pages;  // from address 0 to the end of the last segment
    unsigned part_count;
    struct image_part parts[IMAGE_PARTS];
    // The writable segment: its pages from data_vaddr on; `data_bytes` of the file from data_offset
    // go to data_start.
    uint64_t data_vaddr, data_pages, data_start, data_offset, data_bytes;
};

// In pages: places in the memory frame, then in the arena.
struct layout {
    uint64_t data_page, stack_page, watch_page, heap_page, memory_pages;
    uint64_t stack_at, watch_at, info_at, buffer_at, image_at, heap_at, regions_at;
};
#define LAYOUT_INFO_PAGE   0u
#define LAYOUT_BUFFER_PAGE 1u
#define LAYOUT_WATCH_PAGES 1u  // stack of a second thread

// Read a file; false: it is not a component's that can be loaded.
bool image_read(struct image *image, const void *file, uint64_t bytes);

// Where everything goes; regions begin at regions_at and are the caller's to place.
struct layout layout_of(const struct image *image, const struct system_component *is);

// Some address for an arena of so many pages, chosen by 64 random bits, but such that it spreads
// over no more page tables than it must (up to 1 GiB): an incarnation then takes as much memory as
// any other.
uint64_t layout_place(uint64_t pages, uint64_t random);
