// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory comes as Untypeds, larger ones first.  The first one's last quarter is a pool that kernel
// objects are made of, and so are the smallest ones whole, as long as pools have no more than an
// eighth of all: a forked process has a page table for two to four pages of its own.  All else are
// frames, the banks.  The kernel clears a frame when it is made, so a bank is made when its first
// page is needed: the first one, which is small, at once; each that follows of the same Untyped is
// as large as those before it, so that the wait for more memory is in proportion to what is in use.
// An object's place in a pool, once used, is kept for others of its size, with its slot.  Slots are
// those behind the runtime's, which gives out too few.
#include "object.h"

#include "page.h"

#include <rt/panic.h>
#include <rt/slots.h>

#define SELF                  COMPONENT_SLOT_CSPACE
#define SLOTS_MOST            65536u
#define LARGE_PAGE            512u  // pages of a large entry
#define TABLE_REACH_BITS      18u   // pages that a table of large entries reaches
#define FIRST_BITS            23u   // of the first bank, where its records leave half of it
#define KIND_BITS(kind, bits) ((uint64_t)(kind) | (uint64_t)(bits) << 8)
#define UNTYPEDS_MOST         (2ul * COMPONENT_UNTYPED_PAIRS)
#define POOLS_SHARE           8u  // of all memory: one of so many parts

cap_t object_space;

static struct pool {
    cap_t untyped;
    uint64_t next, end;  // what was not used yet
} pools[UNTYPEDS_MOST];
static unsigned pool_count;
static struct object {
    uint32_t place;             // in the pool, in small objects
    uint16_t pool, other;       // the next of the free list
} objects[SLOTS_MOST];          // by slot
static uint16_t free_first[2];  // by size: slots whose place is free
static cap_t slot_next, slot_end;
static uint16_t slot_free;  // those without a place that are free
static cap_t attached_here[PAGE_BANKS];
static struct origin {
    cap_t untyped;          // 0: a module
    uint64_t offset;        // where in it
    cap_t frame, attached;  // slots for them
} origins[PAGE_BANKS];

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

// ---- slots -------------------------------------------------------------------------------------
static cap_t slot_new(void)
{
    cap_t slot = slot_free;
    if (slot) {
        slot_free = objects[slot].other;
        return slot;
    }
    return slot_next < slot_end ? slot_next++ : rt_slot_alloc();
}

static void slot_put(cap_t slot)
{
    if (slot < RT_SLOTS_MOST) {
        rt_slots_free(slot, 1);
        return;
    }
    objects[slot].other = slot_free;
    slot_free = (uint16_t)slot;
}

// ---- objects -----------------------------------------------------------------------------------
static cap_t place_new(unsigned bits)
{
    const uint64_t bytes = 1ull << bits;
    for (unsigned i = 0; i < pool_count; i++) {
        uint64_t at = (pools[i].next + bytes - 1) & ~(bytes - 1);
        cap_t slot = at + bytes <= pools[i].end ? slot_new() : 0;
        if (slot) {
            objects[slot] = (struct object){ (uint32_t)(at >> OBJECT_SMALL_BITS), (uint16_t)i, 0 };
            pools[i].next = at + bytes;
            return slot;
        }
    }
    return 0;
}

cap_t object_new(enum rt_kind kind, unsigned bits)
{
    unsigned size = bits > OBJECT_SMALL_BITS;
    cap_t slot = free_first[size];
    if (slot) {
        free_first[size] = objects[slot].other;
    } else if (!(slot = place_new(size ? OBJECT_LARGE_BITS : OBJECT_SMALL_BITS))) {
        return 0;
    }
    const struct object *object = &objects[slot];
    must(untyped_retype(pools[object->pool].untyped, KIND_BITS(kind, bits),
                        (uint64_t)object->place << OBJECT_SMALL_BITS, SELF, slot, 1),
         "an object");
    return slot;
}

void object_delete(cap_t slot, unsigned bits)
{
    unsigned size = bits > OBJECT_SMALL_BITS;
    must(captable_delete(SELF, slot), "the end of an object");
    objects[slot].other = free_first[size];
    free_first[size] = (uint16_t)slot;
}

cap_t object_copy(cap_t from, unsigned rights)
{
    cap_t slot = slot_new();
    if (slot) {
        must(captable_copy(SELF, slot, SELF, from, rights), "a copy");
    }
    return slot;
}

void object_drop(cap_t slot)
{
    if (slot) {
        must(captable_delete(SELF, slot), "the end of a copy");
        slot_put(slot);
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

static void bank_map(unsigned number)
{
    const struct bank *bank = &page_banks[number];
    cap_t attached = origins[number].attached;
    bool large = bank->writable && bank->count >= LARGE_PAGE;
    unsigned prot = PROT_READ | (bank->writable ? PROT_WRITE : 0) | (large ? PROT_LARGE : 0);
    must(captable_copy(SELF, attached, SELF, bank->frame,
                       bank->writable ? RIGHT_READ | RIGHT_WRITE : RIGHT_READ),
         "a copy of a bank");
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

void object_bank_make(unsigned number)
{
    struct bank *bank = &page_banks[number];
    const struct origin *origin = &origins[number];
    if (origin->untyped) {
        unsigned bits = PAGE_BITS + (unsigned)__builtin_ctz(bank->count);
        must(untyped_retype(origin->untyped, KIND_BITS(KIND_FRAME, bits), origin->offset, SELF,
                            origin->frame, 1),
             "a bank");
    }
    bank->frame = origin->frame;
    bank->wx = captable_identify(SELF, bank->frame).kind_rights >> 8 & RIGHT_WX;
    bank_map(number);
}

// The slots are taken now: when the bank is made, there may be none.
static void bank_add(struct origin origin, uint64_t count)
{
    if (page_bank_count == PAGE_BANKS) {
        rt_panic("more than %u banks of memory", PAGE_BANKS);
    }
    origin.attached = rt_slot_alloc();
    origin.frame = origin.frame ? origin.frame : rt_slot_alloc();
    origins[page_bank_count] = origin;
    page_banks[page_bank_count] = (struct bank){
        .first = page_next_bank(),
        .count = (uint32_t)count,
        .writable = origin.untyped,
    };
    page_bank_count++;
}

// A bank of 2^bits bytes from `offset` of an Untyped.
static void bank_of_untyped(cap_t untyped, unsigned bits, uint64_t offset)
{
    bank_add((struct origin){ .untyped = untyped, .offset = offset }, 1ull << (bits - PAGE_BITS));
}

static void pool_add(cap_t untyped, uint64_t next, uint64_t end)
{
    pools[pool_count++] = (struct pool){ untyped, next, end };
}

// The first Untyped, of 2^bits bytes.  2^least are enough for the first bank.
static void first_take(cap_t untyped, unsigned bits, unsigned least)
{
    unsigned next = least < bits - 1 ? least : bits - 1;
    bank_of_untyped(untyped, next, 0);
    for (; next < bits - 1; next++) {
        bank_of_untyped(untyped, next, 1ull << next);
    }
    bank_of_untyped(untyped, bits - 2, 1ull << (bits - 1));
    pool_add(untyped, 3ull << (bits - 2), 1ull << bits);
}

static unsigned untyped_bits(cap_t untyped)
{
    struct captable_identify_result is = captable_identify(SELF, untyped);
    return rt_ok(is.status) && is.size ? 63u - (unsigned)__builtin_clzll(is.size) : 0;
}

static uint64_t module_pages(const struct component_grant *grant)
{
    bool is = grant->kind == GRANT_MODULE && grant->slot;
    return is ? PAGE_UP(grant->bytes) >> PAGE_BITS : 0;
}

// How large a bank has to be so that the records of all pages take no more than half of it.
static unsigned first_bank_bits(const struct component_info *info,
                                const struct component_grant *memory)
{
    uint64_t pages = (uint64_t)PAGE_BANKS << (PAGE_ORDERS - 1);  // between banks
    for (unsigned i = 0; i < memory->badge; i++) {
        pages += (1ull << untyped_bits(memory->slot + i)) >> PAGE_BITS;
    }
    for (unsigned i = 0; i < info->grant_count; i++) {
        pages += module_pages(&info->grants[i]);
    }
    unsigned bits = FIRST_BITS;
    while (1ull << (bits - 1) < pages * sizeof(struct page)) {
        bits++;
    }
    return bits;
}

// The Untypeds become banks and pools; 2^least bytes are enough for the first bank.
static void untypeds_take(const struct component_grant *memory, unsigned least)
{
    uint64_t sizes[UNTYPEDS_MOST], all = 0;
    unsigned end = (unsigned)memory->badge;
    for (unsigned i = 0; i < end; i++) {
        unsigned bits = untyped_bits(memory->slot + i);
        sizes[i] = bits ? 1ull << bits : 0;
        all += sizes[i];
    }
    first_take(memory->slot, untyped_bits(memory->slot), least);
    uint64_t pooled = sizes[0] / 4;
    while (end > 1 && pooled + sizes[end - 1] <= all / POOLS_SHARE) {
        pooled += sizes[--end];
        if (sizes[end]) {
            pool_add(memory->slot + end, 0, sizes[end]);
        }
    }
    for (unsigned i = 1; i < end && sizes[i]; i++) {
        bank_of_untyped(memory->slot + i, untyped_bits(memory->slot + i), 0);
    }
}

void object_init(const struct component_info *info)
{
    const struct component_grant *memory = component_need(GRANT_UNTYPED, NULL);
    object_space = component_need(GRANT_SPACE, NULL)->slot;
    slot_next = RT_SLOTS_MOST;
    slot_end = info->slot_count < SLOTS_MOST ? info->slot_count : SLOTS_MOST;
    if (!memory->badge || memory->badge > UNTYPEDS_MOST) {
        rt_panic("memory comes as %lu pieces", (uint64_t)memory->badge);
    }
    untypeds_take(memory, first_bank_bits(info, memory));
    for (unsigned i = 0; i < info->grant_count; i++) {
        if (module_pages(&info->grants[i])) {
            bank_add((struct origin){ .frame = info->grants[i].slot },
                     module_pages(&info->grants[i]));
        }
    }
    for (unsigned i = 0; i < page_bank_count; i++) {
        if (i == 0 || !page_banks[i].writable) {
            object_bank_make(i);
        }
    }
    // For the banks to come: when they do, processes may have used up the pool.  One for each is
    // for those that are too small for large entries.
    stock((page_next_bank() >> TABLE_REACH_BITS) + page_bank_count);
    page_init();
}
