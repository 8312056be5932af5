// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Free pages, by the buddy system (Knowlton, A fast storage allocator, CACM 8:10, 1965).  Each bank
// begins at a multiple of the largest run, so that buddies lie in one bank.
#include "page.h"

#include "object.h"

#define RUN_MASK ((1u << (PAGE_ORDERS - 1)) - 1)

struct bank page_banks[PAGE_BANKS];
unsigned page_bank_count;
struct page *page_records;
uint64_t page_total, page_free;

static struct list blocks[PAGE_ORDERS];  // free ones
static unsigned bank_next;               // banks from it on that are RAM have not been made yet

uint32_t page_next_bank(void)
{
    const struct bank *last = &page_banks[page_bank_count - 1];
    return page_bank_count ? (last->first + last->count + RUN_MASK) & ~RUN_MASK : RUN_MASK + 1;
}

static void block_add(uint32_t page, unsigned order)
{
    page_records[page].order = (uint8_t)order;
    list_add_first(&blocks[order], &page_records[page].link);
}

// Whether `page` begins a free block of this order.
static bool block_is(uint32_t page, unsigned order, const struct bank *bank)
{
    return page >= bank->first && page < bank->first + bank->count && !page_records[page].refs &&
           page_records[page].order == order &&
           page_records[page].link.next != &page_records[page].link;
}

static void block_free(uint32_t page, unsigned order)
{
    const struct bank *bank = &page_banks[page_bank(page)];
    page_free += 1u << order;
    for (; order < PAGE_ORDERS - 1; order++) {
        uint32_t buddy = page ^ 1u << order;
        if (!block_is(buddy, order, bank)) {
            break;
        }
        list_remove(&page_records[buddy].link);
        page &= ~(1u << order);
    }
    block_add(page, order);
}

// Free the pages from `first` below `end`, none of which is free, in the largest blocks.
static void range_free(uint32_t first, uint32_t end)
{
    while (first < end) {
        unsigned order = first ? (unsigned)__builtin_ctz(first) : 0;
        order = order < PAGE_ORDERS ? order : PAGE_ORDERS - 1;
        while (order && first + (1u << order) > end) {
            order--;
        }
        block_free(first, order);
        first += 1u << order;
    }
}

// What the allocator gets to know of a bank, clear records, it counts again.
static void pages_add(uint32_t first, uint32_t end)
{
    for (uint32_t page = first; page < end; page++) {
        list_init(&page_records[page].link);
    }
    page_free -= end - first;
    range_free(first, end);
}

static void pages_hold(uint32_t first, uint32_t end)
{
    for (uint32_t page = first; page < end; page++) {
        page_records[page].refs = 1;
    }
}

void page_init(void)
{
    uint64_t records = (uint64_t)page_next_bank() * sizeof(struct page);
    uint32_t first = page_banks[0].first, taken = (uint32_t)(PAGE_UP(records) >> PAGE_BITS);
    page_records = page_here(first);
    for (unsigned order = 0; order < PAGE_ORDERS; order++) {
        list_init(&blocks[order]);
    }
    for (unsigned i = 0; i < page_bank_count; i++) {
        const struct bank *bank = &page_banks[i];
        if (bank->writable) {
            page_free += bank->count;
        } else {
            pages_hold(bank->first, bank->first + bank->count);
        }
    }
    page_free -= taken;
    page_total = page_free;
    pages_hold(first, first + taken);
    pages_add(first + taken, first + page_banks[0].count);
    bank_next = 1;
}

// Makes the next bank of RAM.  False: there is none.
static bool bank_make(void)
{
    while (bank_next < page_bank_count && !page_banks[bank_next].writable) {
        bank_next++;
    }
    if (bank_next == page_bank_count) {
        return false;
    }
    const struct bank *bank = &page_banks[bank_next];
    object_bank_make(bank_next++);
    pages_add(bank->first, bank->first + bank->count);
    return true;
}

unsigned page_bank(uint32_t page)
{
    unsigned bank = 0;
    while (page - page_banks[bank].first >= page_banks[bank].count) {
        bank++;
    }
    return bank;
}

// The smallest order from `order` that has a free block, or PAGE_ORDERS.
static unsigned order_find(unsigned order)
{
    while (order < PAGE_ORDERS && list_empty(&blocks[order])) {
        order++;
    }
    return order;
}

uint32_t page_alloc_run(unsigned order)
{
    unsigned from = order_find(order);
    while (from >= PAGE_ORDERS && bank_make()) {
        from = order_find(order);
    }
    if (from >= PAGE_ORDERS) {
        return PAGE_NONE;
    }
    struct page *block = CONTAINER(blocks[from].next, struct page, link);
    uint32_t page = (uint32_t)(block - page_records);
    list_remove(&block->link);
    while (from > order) {
        from--;
        block_add(page + (1u << from), from);
    }
    block->order = (uint8_t)order;
    block->refs = 1;
    page_free -= 1u << order;
    return page;
}

uint32_t page_alloc(void)
{
    return page_alloc_run(0);
}

uint32_t page_alloc_zero(void)
{
    uint32_t page = page_alloc();
    if (page) {
        page_clear(page);
    }
    return page;
}

void page_put(uint32_t page)
{
    if (--page_records[page].refs == 0) {
        block_free(page, page_records[page].order);
    }
}
