// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The address space of a process: its areas, which page is where, and the kernel's address space,
// in which a part of these is mapped.
#pragma once

#include "area.h"
#include "mapping.h"
#include "page.h"
#include "user.h"

#define SPACE_END       0x00007ffffffff000ull  // as in Linux, and here
#define SPACE_BOTTOM    0x10000ull             // mmap_min_addr
#define SPACE_STACK_GAP (256ull << PAGE_BITS)  // below a stack nothing else comes closer

// One page of a space, as the tables hold it: its number, and what the kernel has of it.
typedef uint32_t entry_t;
#define ENTRY_PAGE   0x0fffffffu
#define ENTRY_MAPPED 0x10000000u
#define ENTRY_WRITES 0x20000000u  // mapped so that the process can write
#define ENTRY_OWN    0x40000000u  // private to this space, as long as it has the only reference
#define ENTRIES      512u         // of a leaf, and pointers of each table above it
#define LEAF_SHIFT   21           // what a leaf is for, a power of two
#define LEAVES_KNOWN 16u

struct space {
    uint32_t refs;               // tasks
    cap_t cap;                   // AddressSpace
    cap_t attached[PAGE_BANKS];  // or 0: not yet
    void **root;                 // three levels of pointers, then leaves of entries
    struct table {
        struct table *next;
        void *ours;      // or NULL
        user_t start;    // of what ours is for
        uint32_t level;  // of ours: 0 is a leaf
        uint32_t slot;   // page table that the kernel's space was given, or 0
    } * tables;
    unsigned table_count, table_most;  // given page tables; when space_trim has a look
    struct area **areas;               // in order of address
    unsigned area_count, area_room;
    struct area *found;  // by the last search for one, or NULL
    struct leaf_known {
        uint64_t number;  // of the leaf, plus one
        entry_t *leaf;
    } leaves[LEAVES_KNOWN];     // that were searched for, by the low bits of their numbers
    uint64_t resident, mapped;  // pages
    uint64_t code_start, code_end, data_start, data_end, brk_start, brk, stack_start;
    uint64_t args_start, args_end, env_start, env_end;
    uint64_t stack_most;   // bytes that a stack may have (RLIMIT_STACK)
    uint64_t place_top;    // mmap's highest address
    uint64_t vdso;         // where the object was mapped (vdso.h)
    struct file *program;  // /proc/self/exe
    uint64_t vector[48];   // auxiliary vector, for /proc
    unsigned vector_count;
    bool dumpable;
    bool barriers;   // it has registered for those of membarrier
    bool locks_new;  // what will be mapped is locked (MCL_FUTURE)
};

struct space *space_new(void);                 // NULL: no memory
struct space *space_copy(struct space *from);  // for fork
void space_put(struct space *space);

// The entry of an address: NULL where there is none; with `make`, NULL for want of memory.
entry_t *space_entry_find(struct space *space, user_t address, bool make);
static inline entry_t *space_entry(struct space *space, user_t address, bool make)
{
    uint64_t number = address >> LEAF_SHIFT;
    const struct leaf_known *known = &space->leaves[number % LEAVES_KNOWN];
    return known->number == number + 1 ? &known->leaf[address >> PAGE_BITS & (ENTRIES - 1)]
                                       : space_entry_find(space, address, make);
}
// Entries from the one of `address` on in one leaf; NULL: *address is moved to the next leaf.
entry_t *space_leaf(struct space *space, user_t *address, unsigned *count);

// An access: bits FAULT_READ, FAULT_WRITE, FAULT_EXECUTE.  0: the page can be touched now, and
// *mapping says what the kernel is to map (count 0: nothing).  Else the signal that the task gets,
// with *code for siginfo.
unsigned space_fault(struct space *space, user_t address, unsigned access, struct mapping *mapping,
                     int *code);
// around.c: after a fault that reads, have the kernel map with that page what is in the same file
// beside it and in memory beside it.
void space_around(struct space *space, struct mapping *mapping);
// Have the kernel map that; false: no memory.
bool space_map(struct space *space, const struct mapping *mapping);
// Touch all pages of a range: 0, or the signal that an access would bring (SIGKILL: no memory).
unsigned space_populate(struct space *space, uint64_t start, uint64_t end, unsigned access);
// Give the kernel page tables for its space; false: no memory.
bool space_stock(struct space *space, uint64_t count);

// After something was removed: take back page tables if most are for nothing.  What the kernel has
// mapped is forgotten then, and comes back by faults.
void space_trim(struct space *space);

// Remove from the kernel's space and from the tables what lies in a range.
void space_forget(struct space *space, uint64_t start, uint64_t end);
// Remove the right to write, or others, from what is mapped in a range.
void space_protect(struct space *space, uint64_t start, uint64_t end, unsigned prot);
