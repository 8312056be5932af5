// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The memory of a container: pages, named by number.  Pages of all banks are numbered through; each
// bank is one Frame that is mapped here as a whole and attached to the address space of each
// process, so that any page can be mapped there and reached from here.  One bank is the root image,
// which can only be read; its pages are never freed.  RAM becomes a Frame when its first page is
// needed, bank by bank.
#pragma once

#include "list.h"

#include <rt/abi.h>
#include <rt/string.h>

#define PAGE_BANKS     16
#define PAGE_MASK      (PAGE_SIZE - 1)
#define PAGE_UP(bytes) (((bytes) + PAGE_MASK) & ~PAGE_MASK)
#define PAGE_NONE      0u
#define PAGE_ORDERS    11                     // runs of up to 2^10 pages
#define PAGE_WINDOW    0x0000400000000000ull  // where page 0 is mapped here

struct page {
    uint32_t refs;     // mappings and holders; 0: free
    uint8_t order;     // of the free block, or of the run that it begins
    uint8_t class;     // of the heap: 0: not the heap's (heap.c)
    uint16_t used;     // the heap's: objects in use
    struct list link;  // free blocks; the heap's pages with room
    void *free;        // the heap's: first free object
};

struct bank {
    cap_t frame;     // to derive from; 0: not made yet
    uint32_t first;  // page number
    uint32_t count;
    bool writable;  // RAM; else the root image
    bool wx;        // processes can have it writable and executable at once
};
extern struct bank page_banks[PAGE_BANKS];
extern unsigned page_bank_count;
extern struct page *page_records;       // by number
extern uint64_t page_total, page_free;  // of RAM

// Where the next bank will begin.
uint32_t page_next_bank(void);
// Take charge of all banks: the records of all pages take the first pages of the first bank, which
// is RAM, fresh and large enough.  It has been made, and those that are not RAM.
void page_init(void);

// One page, not zeroed, with one reference; PAGE_NONE: no memory.
uint32_t page_alloc(void);
// The same, zeroed.
uint32_t page_alloc_zero(void);
// 2^order pages in a row, with one reference that the first one has.
uint32_t page_alloc_run(unsigned order);
// Give up a reference; the last one frees the page, or the run that it begins.
void page_put(uint32_t page);
static inline void page_get(uint32_t page)
{
    page_records[page].refs++;
}

// Which bank a page belongs to.
unsigned page_bank(uint32_t page);
// Where it is mapped here.
static inline void *page_here(uint32_t page)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that is where they are
    return (void *)(PAGE_WINDOW + ((uint64_t)page << PAGE_BITS));
}
// Which page an address here belongs to.
static inline uint32_t page_of(const void *here)
{
    return (uint32_t)(((uint64_t)here - PAGE_WINDOW) >> PAGE_BITS);
}
static inline void page_clear(uint32_t page)
{
    memset(page_here(page), 0, PAGE_SIZE);
}
static inline void page_copy(uint32_t to, uint32_t from)
{
    memcpy(page_here(to), page_here(from), PAGE_SIZE);
}
