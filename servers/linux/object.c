// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory comes as Untypeds, larger ones first.  The first one's last quarter is the pool that
// kernel objects are made of; all else are frames, the banks.  An object's place in the pool, once
// used, is kept for others of its size, with its slot.
#include "object.h"

#include "page.h"

#include <rt/panic.h>
#include <rt/slots.h>

#define SELF                  COMPONENT_SLOT_CSPACE
#define SLOTS_MOST            65536u
#define LARGE_PAGE            512u  // pages of a large entry
#define KIND_BITS(kind, bits) ((uint64_t)(kind) | (uint64_t)(bits) << 8)

cap_t object_space;

static cap_t pool;  // Untyped
static uint64_t pool_next, pool_end;
static uint32_t places[SLOTS_MOST];  // by slot: where in the pool the object is, in small objects
static uint16_t others[SLOTS_MOST];  // by slot: the next of the free list
static uint16_t free_first[2];       // by size: slots whose place is free
static cap_t attached_here[PAGE_BANKS];

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

// ---- objects -----------------------------------------------------------------------------------
static cap_t place_new(unsigned bits)
{
    uint64_t at = (pool_next + (1ull << bits) - 1) & ~((1ull << bits) - 1);
    cap_t slot = at + (1ull << bits) <= pool_end ? rt_slot_alloc() : 0;
    if (slot) {
        places[slot] = (uint32_t)(at >> OBJECT_SMALL_BITS);
        pool_next = at + (1ull << bits);
    }
    return slot;
}

cap_t object_new(enum rt_kind kind, unsigned bits)
{
    unsigned size = bits > OBJECT_SMALL_BITS;
    cap_t slot = free_first[size];
    if (slot) {
        free_first[size] = others[slot];
    } else if (!(slot = place_new(size ? OBJECT_LARGE_BITS : OBJECT_SMALL_BITS))) {
        return 0;
    }
    must(untyped_retype(pool, KIND_BITS(kind, bits), (uint64_t)places[slot] << OBJECT_SMALL_BITS,
                        SELF, slot, 1),
         "an object");
    return slot;
}

void object_delete(cap_t slot, unsigned bits)
{
    unsigned size = bits > OBJECT_SMALL_BITS;
    must(captable_delete(SELF, slot), "the end of an object");
    others[slot] = free_first[size];
    free_first[size] = (uint16_t)slot;
}

cap_t object_copy(cap_t from, unsigned rights)
{
    cap_t slot = rt_slot_alloc();
    if (slot) {
        must(captable_copy(SELF, slot, SELF, from, rights), "a copy");
    }
    return slot;
}

void object_drop(cap_t slot)
{
    if (slot) {
        must(captable_delete(SELF, slot), "the end of a copy");
        rt_slots_free(slot, 1);
    }
}

// ---- banks -------------------------------------------------------------------------------------
cap_t object_bank_here(unsigned bank)
{
    return attached_here[bank];
}

uint64_t object_place(const void *here, cap_t *frame)
{
    uint32_t page = page_of(here);
    unsigned bank = page_bank(page);
    *frame = attached_here[bank];
    return ((uint64_t)(page - page_banks[bank].first) << PAGE_BITS) + ((uintptr_t)here & PAGE_MASK);
}

// Page tables for the own space, which never go back.
static void stock(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        cap_t table = object_new(KIND_PAGETABLE, OBJECT_SMALL_BITS);
        if (!table) {
            rt_panic("no memory for page tables");
        }
        must(aspace_stock(object_space, SELF, table, 1), "a page table");
    }
}

static void bank_map(struct bank *bank, unsigned number, bool large)
{
    cap_t attached = object_copy(bank->frame,
                                 bank->writable ? RIGHT_READ | RIGHT_WRITE : RIGHT_READ);
    unsigned prot = PROT_READ | (bank->writable ? PROT_WRITE : 0) | (large ? PROT_LARGE : 0);
    must(frame_attach(attached, object_space), "a bank");
    attached_here[number] = attached;
    struct frame_map_result result = { 0 };
    do {
        result = frame_map(attached, (uint64_t)page_here(bank->first), 0, bank->count,
                           prot | PROT_REPLACE);
        if (rt_error(result.status) == ERR_TABLES) {
            stock(result.missing);
        }
    } while (rt_error(result.status) == ERR_TABLES);
    must(result.status, "the window on a bank");
}

static void bank_add(cap_t frame, uint64_t count, bool writable)
{
    if (page_bank_count == PAGE_BANKS) {
        rt_panic("more than %u banks of memory", PAGE_BANKS);
    }
    bool wx = captable_identify(SELF, frame).kind_rights >> 8 & RIGHT_WX;
    struct bank bank = { frame, page_next_bank(), (uint32_t)count, writable, wx };
    page_banks[page_bank_count++] = bank;
}

// A bank of 2^bits bytes from `offset` of an Untyped.
static void bank_new(cap_t untyped, unsigned bits, uint64_t offset)
{
    cap_t slot = rt_slot_alloc();
    must(untyped_retype(untyped, KIND_BITS(KIND_FRAME, bits), offset, SELF, slot, 1), "a bank");
    bank_add(slot, 1ull << (bits - PAGE_BITS), true);
}

static void untyped_take(cap_t untyped)
{
    struct captable_identify_result is = captable_identify(SELF, untyped);
    if (!rt_ok(is.status) || !is.size) {
        return;
    }
    unsigned bits = 63u - (unsigned)__builtin_clzll(is.size);
    if (pool) {
        bank_new(untyped, bits, 0);
        return;
    }
    pool = untyped;
    bank_new(untyped, bits - 1, 0);
    bank_new(untyped, bits - 2, 1ull << (bits - 1));
    pool_next = 3ull << (bits - 2);
    pool_end = 1ull << bits;
}

void object_init(const struct component_info *info)
{
    const struct component_grant *memory = component_need(GRANT_UNTYPED, NULL);
    object_space = component_need(GRANT_SPACE, NULL)->slot;
    for (unsigned i = 0; i < memory->badge; i++) {
        untyped_take(memory->slot + i);
    }
    for (unsigned i = 0; i < info->grant_count; i++) {
        const struct component_grant *file = &info->grants[i];
        if (file->kind == GRANT_MODULE && file->slot && file->bytes) {
            bank_add(file->slot, PAGE_UP(file->bytes) >> PAGE_BITS, false);
        }
    }
    for (unsigned i = 0; i < page_bank_count; i++) {
        bank_map(&page_banks[i], i, page_banks[i].writable && page_banks[i].count >= LARGE_PAGE);
    }
    page_init();
}
