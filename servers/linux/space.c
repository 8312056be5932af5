// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tables of a space, and what the kernel has of them.  The kernel's tables are a part of ours: what
// it has not mapped yet it learns by a fault.
#include "space.h"

#include "exec.h"
#include "heap.h"
#include "object.h"

#include <rt/panic.h>
#include <rt/string.h>

#define LEVEL_BITS  9
#define LEVELS      3  // of pointers
#define ASPACE_BITS OBJECT_LARGE_BITS
#define SPARE_MOST  64u  // page tables beyond what is needed

static unsigned table_index(user_t address, unsigned level)
{
    return address >> (LEAF_SHIFT + LEVEL_BITS * level) & (ENTRIES - 1);
}

static unsigned leaf_index(user_t address)
{
    return address >> PAGE_BITS & (ENTRIES - 1);
}

// ---- tables ------------------------------------------------------------------------------------
// The pointer to the leaf of an address, or to the table that lacks on the way: *level says which.
static void **pointer_find(struct space *space, user_t address, unsigned *level)
{
    void **table = space->root;
    for (*level = LEVELS; --*level > 0;) {
        void **pointer = &table[table_index(address, *level)];
        if (!*pointer) {
            return pointer;
        }
        table = *pointer;
    }
    return &table[table_index(address, 0)];
}

// A page table for the kernel's space, with the table of ours (or NULL) that it goes with.
static bool stock(struct space *space, void *ours, user_t address, unsigned level)
{
    struct table *table = heap_alloc(sizeof(*table));
    cap_t slot = table ? object_new(KIND_PAGETABLE, OBJECT_SMALL_BITS) : 0;
    if (!slot) {
        heap_free(table);
        return false;
    }
    if (!rt_ok(aspace_stock(space->cap, COMPONENT_SLOT_CSPACE, slot, 1))) {
        rt_panic("a page table cannot be stocked");
    }
    *table = (struct table){ space->tables, ours, address, level, (uint32_t)slot };
    space->tables = table;
    space->table_count++;
    return true;
}

// A table that is new is a page table that the kernel will need.
static entry_t *leaf_make(struct space *space, user_t address)
{
    unsigned level = 0;
    void **pointer = pointer_find(space, address, &level);
    while (!*pointer) {
        void *made = heap_alloc(level ? ENTRIES * sizeof(void *) : ENTRIES * sizeof(entry_t));
        if (!made || !stock(space, made, address, level)) {
            heap_free(made);
            return NULL;
        }
        *pointer = made;
        pointer = pointer_find(space, address, &level);
    }
    return *pointer;
}

entry_t *space_entry_find(struct space *space, user_t address, bool make)
{
    uint64_t number = address >> LEAF_SHIFT;
    unsigned level = 0;
    entry_t *leaf = *pointer_find(space, address, &level);
    if (!leaf || level) {
        leaf = make ? leaf_make(space, address) : NULL;
    }
    if (leaf) {
        space->leaves[number % LEAVES_KNOWN] = (struct leaf_known){ number + 1, leaf };
    }
    return leaf ? &leaf[leaf_index(address)] : NULL;
}

entry_t *space_leaf(struct space *space, user_t *address, unsigned *count)
{
    unsigned level = 0;
    entry_t *leaf = *pointer_find(space, *address, &level);
    if (!leaf || level) {
        uint64_t reach = 1ull << (LEAF_SHIFT + LEVEL_BITS * level);
        *address = (*address & ~(reach - 1)) + reach;
        return NULL;
    }
    *count = ENTRIES - leaf_index(*address);
    return &leaf[leaf_index(*address)];
}

// ---- the kernel's space ------------------------------------------------------------------------
bool space_stock(struct space *space, uint64_t count)
{
    while (count && stock(space, NULL, 0, 0)) {
        count--;
    }
    return !count;
}

// The capability of a bank in this space.
static cap_t bank_attach(struct space *space, unsigned bank)
{
    const struct bank *is = &page_banks[bank];
    if (space->attached[bank]) {
        return space->attached[bank];
    }
    unsigned rights = RIGHT_READ | RIGHT_EXECUTE | (is->writable ? RIGHT_WRITE : 0) |
                      (is->wx ? RIGHT_WX : 0);
    cap_t slot = object_copy(is->frame, rights);
    if (slot && !rt_ok(frame_attach(slot, space->cap))) {
        rt_panic("a bank cannot be attached");
    }
    space->attached[bank] = slot;
    return slot;
}

struct space *space_new(void)
{
    struct space *space = heap_alloc(sizeof(*space));
    if (!space) {
        return NULL;
    }
    space->refs = 1;
    space->table_most = SPARE_MOST;
    space->root = heap_alloc(ENTRIES * sizeof(void *));
    space->cap = space->root ? object_new(KIND_ADDRESS_SPACE, ASPACE_BITS) : 0;
    if (!space->cap) {
        heap_free(space->root);
        heap_free(space);
        return NULL;
    }
    return space;
}

// ---- faults ------------------------------------------------------------------------------------
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR  2

// The page that an absent entry is to have, before anybody writes.
static uint32_t page_bring(const struct area *area, user_t address, bool write)
{
    if (!area->file) {
        return page_alloc_zero();
    }
    uint64_t index = area->first + ((address - area->start) >> PAGE_BITS);
    return area->file->ops->page(area->file, index, write && area->flags & AREA_SHARED);
}

// A page of its own in place of one that it shares; false: no memory.
static bool page_own(entry_t *entry)
{
    uint32_t old = *entry & ENTRY_PAGE;
    if (*entry & ENTRY_OWN && page_records[old].refs == 1) {
        return true;
    }
    uint32_t page = page_alloc();
    if (!page) {
        return false;
    }
    page_copy(page, old);
    page_put(old);
    *entry = page | ENTRY_OWN | (*entry & ENTRY_MAPPED);
    return true;
}

// Bring the page in: 0 or a signal.
static unsigned entry_fill(struct space *space, const struct area *area, user_t address,
                           entry_t *entry, bool write)
{
    bool private = !(area->flags & AREA_SHARED);
    if (!*entry) {
        uint32_t page = page_bring(area, address, write);
        if (!page) {
            return area->file ? SIGBUS : SIGKILL;  // beyond the file's end; no memory
        }
        *entry = page | (area->file ? 0 : ENTRY_OWN);
        space->resident++;
    }
    return write && private && !page_own(entry) ? SIGKILL : 0;
}

// Which rights the kernel is to give.
static unsigned entry_prot(const struct area *area, entry_t entry, unsigned access)
{
    const unsigned both = PROT_WRITE | PROT_EXECUTE;
    bool write = access & FAULT_WRITE;
    unsigned prot = area->prot & PROT_RIGHTS;
    bool private = !(area->flags & AREA_SHARED);
    bool own = entry & ENTRY_OWN && page_records[entry & ENTRY_PAGE].refs == 1;
    if (private ? !own : !write) {
        prot &= ~PROT_WRITE;
    }
    if ((prot & both) == both && !page_banks[page_bank(entry & ENTRY_PAGE)].wx) {
        prot &= access & FAULT_EXECUTE ? ~PROT_WRITE : ~PROT_EXECUTE;  // the other by a fault
    }
    return prot & PROT_WRITE || prot & PROT_EXECUTE ? prot | PROT_READ : prot;
}

// A stack does not grow close to what lies below it.
static bool area_is_gap(struct space *space, const struct area *area, uint64_t start)
{
    const struct area *below = area_find(space,
                                         start > SPACE_STACK_GAP ? start - SPACE_STACK_GAP : 0);
    return start > SPACE_BOTTOM + SPACE_STACK_GAP && below == area;
}

static struct area *area_of(struct space *space, user_t address)
{
    struct area *area = area_find(space, address);
    uint64_t start = address & ~PAGE_MASK;
    if (area && address < area->start && area->flags & AREA_GROWS &&
        area->end - start <= space->stack_most && area_is_gap(space, area, start)) {
        space->mapped += (area->start - start) >> PAGE_BITS;
        area->start = start;
    }
    return area && address >= area->start ? area : NULL;
}

unsigned space_fault(struct space *space, user_t address, unsigned access, struct mapping *mapping,
                     int *code)
{
    unsigned wants = access & FAULT_WRITE     ? PROT_WRITE
                     : access & FAULT_EXECUTE ? PROT_EXECUTE
                                              : PROT_READ | PROT_WRITE | PROT_EXECUTE;
    struct area *area = address < SPACE_END ? area_of(space, address) : NULL;
    mapping->count = 0;
    *code = area ? SEGV_ACCERR : SEGV_MAPERR;
    if (!area || !(area->prot & wants)) {
        return SIGSEGV;
    }
    entry_t *entry = space_entry(space, address, true);
    if (!entry) {
        return SIGKILL;
    }
    unsigned signal = entry_fill(space, area, address, entry, access & FAULT_WRITE);
    if (signal) {
        *code = BUS_ADRERR;
        return signal;
    }
    uint32_t page = *entry & ENTRY_PAGE;
    unsigned bank = page_bank(page);
    unsigned prot = entry_prot(area, *entry, access);
    *mapping = (struct mapping){ bank_attach(space, bank), address & ~PAGE_MASK,
                                 page - page_banks[bank].first, 1,
                                 prot | (*entry & ENTRY_MAPPED ? PROT_REPLACE : 0) };
    *entry |= ENTRY_MAPPED | (prot & PROT_WRITE ? ENTRY_WRITES : 0);
    return mapping->frame ? 0 : SIGKILL;
}

unsigned space_populate(struct space *space, uint64_t start, uint64_t end, unsigned access)
{
    struct mapping mapping;
    int code = 0;
    for (uint64_t at = start; at < end; at += PAGE_SIZE) {
        unsigned signal = space_fault(space, at, access, &mapping, &code);
        if (signal || (mapping.count && !space_map(space, &mapping))) {
            return signal ? signal : SIGKILL;
        }
    }
    return 0;
}

bool space_map(struct space *space, const struct mapping *mapping)
{
    struct frame_map_result result;
    do {
        result = frame_map(mapping->frame, mapping->address, mapping->page, mapping->count,
                           mapping->prot);
    } while (rt_error(result.status) == ERR_TABLES && space_stock(space, result.missing));
    return rt_ok(result.status);
}

// ---- ranges ------------------------------------------------------------------------------------
void space_forget(struct space *space, uint64_t start, uint64_t end)
{
    bool mapped = false;
    for (user_t at = start; at < end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(space, &at, &count);
        for (; entry && count && at < end; entry++, count--, at += PAGE_SIZE) {
            mapped |= *entry & ENTRY_MAPPED;
        }
    }
    if (mapped && !rt_ok(aspace_unmap(space->cap, start, (end - start) >> PAGE_BITS))) {
        rt_panic("a range cannot be unmapped");
    }
    // Only now that the process cannot reach them may others have these pages.
    for (user_t at = start; at < end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(space, &at, &count);
        for (; entry && count && at < end; entry++, count--, at += PAGE_SIZE) {
            if (*entry) {
                page_put(*entry & ENTRY_PAGE);
                *entry = 0;
                space->resident--;
            }
        }
    }
}

void space_protect(struct space *space, uint64_t start, uint64_t end, unsigned prot)
{
    bool mapped = false;
    for (user_t at = start; at < end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(space, &at, &count);
        for (; entry && count && at < end; entry++, count--, at += PAGE_SIZE) {
            mapped |= *entry & ENTRY_MAPPED;
            *entry &= ~ENTRY_WRITES;
        }
    }
    unsigned rights = prot & PROT_RIGHTS & ~PROT_WRITE;
    if (!mapped) {
        return;
    }
    // Without any right nothing can be mapped; what is to come back comes by a fault.
    struct rt_status status = rights ? aspace_protect(space->cap, start, (end - start) >> PAGE_BITS,
                                                      rights | PROT_READ)
                                     : aspace_unmap(space->cap, start, (end - start) >> PAGE_BITS);
    if (!rt_ok(status)) {
        rt_panic("a range cannot be protected: error %u", rt_error(status));
    }
    for (user_t at = start; !rights && at < end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(space, &at, &count);
        for (; entry && count && at < end; entry++, count--, at += PAGE_SIZE) {
            *entry &= ~ENTRY_MAPPED;
        }
    }
}

// ---- tables that are for nothing ---------------------------------------------------------------
static bool table_empty(const struct table *table)
{
    const uint64_t *words = table->ours;
    uint64_t bytes = ENTRIES * (table->level ? sizeof(void *) : sizeof(entry_t));
    for (unsigned i = 0; i < bytes / sizeof(*words); i++) {
        if (words[i]) {
            return false;
        }
    }
    return true;
}

static unsigned leaves_used(const struct space *space)
{
    unsigned count = 0;
    for (const struct table *table = space->tables; table; table = table->next) {
        count += table->ours && !table->level && !table_empty(table);
    }
    return count;
}

static void table_take(struct table *table)
{
    if (table->slot) {
        object_delete(table->slot, OBJECT_SMALL_BITS);
        table->slot = 0;
    }
}

// Nothing of a leaf is mapped any more.
static void leaf_forget(entry_t *leaf)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        leaf[i] &= ~(ENTRY_MAPPED | ENTRY_WRITES);
    }
}

// Ours, if it is empty; those below it are gone if they were.
static void table_prune(struct space *space, struct table *table)
{
    if (table_empty(table)) {
        void **above = space->root;
        for (unsigned level = LEVELS - 1; level > table->level; level--) {
            above = above[table_index(table->start, level)];
        }
        above[table_index(table->start, table->level)] = NULL;
        heap_free(table->ours);
        table->ours = NULL;
        memset(space->leaves, 0, sizeof(space->leaves));
    }
}

// The kernel does not say which table it uses where: it gives all of them back.
static void tables_drop(struct space *space)
{
    for (struct table *table = space->tables; table; table = table->next) {
        table_take(table);
        if (table->ours && !table->level) {
            leaf_forget(table->ours);
        }
    }
    space->table_count = 0;
    for (unsigned level = 0; level < LEVELS; level++) {
        for (struct table *table = space->tables; table; table = table->next) {
            if (table->ours && table->level == level) {
                table_prune(space, table);
            }
        }
    }
    for (struct table **at = &space->tables; *at;) {
        struct table *table = *at;
        if (table->ours) {
            at = &table->next;
        } else {
            *at = table->next;
            heap_free(table);
        }
    }
}

void space_trim(struct space *space)
{
    if (space->table_count > space->table_most) {
        space->table_most = LEVELS * leaves_used(space) + SPARE_MOST;  // each could need its own
    }
    if (space->table_count > space->table_most) {
        tables_drop(space);
    }
}

// ---- fork and end ------------------------------------------------------------------------------
// The entries of an area in both spaces; those of private ones can be written by neither.
static bool entries_copy(struct space *from, struct space *to, const struct area *area)
{
    bool shared = area->flags & AREA_SHARED;
    for (user_t at = area->start; at < area->end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(from, &at, &count);
        entry_t *copy = entry ? space_entry(to, at, true) : NULL;
        if (entry && !copy) {
            return false;
        }
        for (; entry && count && at < area->end; entry++, copy++, count--, at += PAGE_SIZE) {
            if (*entry) {
                *entry &= shared ? ~0u : ~ENTRY_WRITES;
                *copy = *entry & ~(ENTRY_MAPPED | ENTRY_WRITES);
                page_get(*entry & ENTRY_PAGE);
                to->resident++;
            }
        }
    }
    return true;
}

// Have the kernel copy what it has mapped of an area.
static bool mappings_copy(struct space *from, struct space *to, const struct area *area)
{
    uint64_t at = area->start, pages_left = (area->end - area->start) >> PAGE_BITS;
    unsigned flags = area->flags & AREA_SHARED ? 0 : COPY_READ_ONLY;
    while (pages_left) {
        struct aspace_copy_result result = aspace_copy(from->cap, to->cap, at, pages_left, flags);
        if (rt_ok(result.status)) {
            break;
        }
        if (rt_error(result.status) != ERR_TABLES || !space_stock(to, result.missing)) {
            return false;
        }
        at = result.vaddr;
        pages_left = result.pages;
    }
    for (user_t vaddr = area->start; vaddr < area->end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(from, &vaddr, &count);
        entry_t *copy = entry ? space_entry(to, vaddr, false) : NULL;
        for (; entry && count && vaddr < area->end; entry++, copy++, count--, vaddr += PAGE_SIZE) {
            *copy |= *entry & (ENTRY_MAPPED | ENTRY_WRITES);
        }
    }
    return true;
}

static bool area_copy(struct space *from, struct space *to, const struct area *area)
{
    if (area->flags & AREA_NO_FORK) {
        return true;
    }
    if (area->file) {
        file_get(area->file);
    }
    struct area copy = *area;
    copy.flags &= ~AREA_LOCKED;
    if (area_map(to, &copy)) {
        if (area->file) {
            file_put(area->file);
        }
        return false;
    }
    return area->flags & AREA_WIPE ||
           (entries_copy(from, to, area) && mappings_copy(from, to, area));
}

struct space *space_copy(struct space *from)
{
    struct space *to = space_new();
    if (!to) {
        return NULL;
    }
    struct space fresh = *to;
    *to = *from;
    to->refs = 1;
    to->cap = fresh.cap;
    to->root = fresh.root;
    to->tables = NULL;
    to->table_count = 0;
    to->areas = NULL;
    to->area_count = to->area_room = 0;
    to->found = NULL;
    memset(to->leaves, 0, sizeof(to->leaves));
    to->resident = to->mapped = 0;
    to->locks_new = false;
    memset(to->attached, 0, sizeof(to->attached));
    if (to->program) {
        program_get(to->program);
    }
    bool good = true;
    for (unsigned bank = 0; bank < page_bank_count; bank++) {
        good = good && (!from->attached[bank] || bank_attach(to, bank));
    }
    for (unsigned i = 0; good && i < from->area_count; i++) {
        good = area_copy(from, to, from->areas[i]);
    }
    if (!good) {
        space_put(to);
        return NULL;
    }
    return to;
}

static void pages_free(struct space *space, const struct area *area)
{
    for (user_t at = area->start; at < area->end;) {
        unsigned count = 0;
        entry_t *entry = space_leaf(space, &at, &count);
        for (; entry && count && at < area->end; entry++, count--, at += PAGE_SIZE) {
            if (*entry) {
                page_put(*entry & ENTRY_PAGE);
            }
        }
    }
}

void space_put(struct space *space)
{
    if (--space->refs) {
        return;
    }
    object_delete(space->cap, ASPACE_BITS);
    for (unsigned bank = 0; bank < page_bank_count; bank++) {
        object_drop(space->attached[bank]);
    }
    for (unsigned i = 0; i < space->area_count; i++) {
        pages_free(space, space->areas[i]);
    }
    while (space->tables) {
        struct table *table = space->tables;
        space->tables = table->next;
        table_take(table);
        heap_free(table->ours);
        heap_free(table);
    }
    heap_free(space->root);
    area_free_all(space);
    if (space->program) {
        program_put(space->program);
    }
    heap_free(space);
}
