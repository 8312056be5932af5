// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Faults that bring more than their page: who reads a page of a file soon reads those beside it,
// and each would be a fault of its own.
#include "space.h"

#define AROUND_BYTES 0x10000ull  // aligned, as fault_around_bytes is in Linux

// Take in the page at an address, where nothing is yet and the file has this one; false: not so.
static bool page_join(struct space *space, const struct area *area, user_t address, uint32_t page)
{
    entry_t *entry = space_entry(space, address, false);
    uint64_t index = area->first + ((address - area->start) >> PAGE_BITS);
    if (*entry || area->file->ops->peek(area->file, index) != page) {
        return false;
    }
    page_get(page);
    *entry = page | ENTRY_MAPPED;
    space->resident++;
    return true;
}

void space_around(struct space *space, struct mapping *mapping)
{
    const struct area *area = mapping->count == 1 ? area_find(space, mapping->address) : NULL;
    if (!area || mapping->prot & (PROT_WRITE | PROT_REPLACE) || !area->file ||
        !area->file->ops->peek) {
        return;
    }
    // All of it has its entries in one leaf.
    uint64_t start = mapping->address & ~(AROUND_BYTES - 1), end = start + AROUND_BYTES;
    start = start > area->start ? start : area->start;
    end = end < area->end ? end : area->end;
    uint32_t page = *space_entry(space, mapping->address, false) & ENTRY_PAGE;
    const struct bank *bank = &page_banks[page_bank(page)];
    while (mapping->address > start && mapping->page > 0 &&
           page_join(space, area, mapping->address - PAGE_SIZE, page - 1)) {
        mapping->address -= PAGE_SIZE;
        mapping->page--;
        mapping->count++;
        page--;
    }
    while (mapping->address + (mapping->count << PAGE_BITS) < end &&
           mapping->page + mapping->count < bank->count &&
           page_join(space, area, mapping->address + (mapping->count << PAGE_BITS),
                     page + mapping->count)) {
        mapping->count++;
    }
}
