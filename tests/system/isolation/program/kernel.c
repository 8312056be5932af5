// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Behaviours that let the kernel work: one long operation after the other.
#include "program.h"

#define SLOT_TABLES           SLOT_FREE
#define SLOT_OBJECT           (SLOT_FREE + 8)
#define SLOT_TABLE            (SLOT_FREE + 9)
#define SLOT_ATTACHED         (SLOT_FREE + 10)
#define TABLES                4u
#define FRAME_BITS            (PAGE_BITS + 9)
#define HOLE_PAGES            512u
#define LARGE_BITS            (MEMORY_BITS - 1)
#define TABLE_BITS            16u
#define TABLE_SLOTS           1024u
#define OBJECT_BITS           6u
#define BATCH_OFFSET          0x80000u
#define BATCH_ENTRIES         1000u
#define KIND_BITS(kind, bits) ((uint64_t)(kind) | (uint64_t)(bits) << 8)

// Map, protect and unmap all pages of a table.
void behave_map(unsigned index)
{
    (void)index;
    objects_make(KIND_PAGETABLE, PAGE_BITS, SLOT_TABLES, TABLES);
    must(aspace_stock(SLOT_ASPACE, RT_PROGRAM_CSPACE, SLOT_TABLES, TABLES));
    objects_make(KIND_FRAME, FRAME_BITS, SLOT_OBJECT, 1);
    must(captable_copy(RT_PROGRAM_CSPACE, SLOT_ATTACHED, RT_PROGRAM_CSPACE, SLOT_OBJECT,
                       RIGHT_ALL));
    must(frame_attach(SLOT_ATTACHED, SLOT_ASPACE));
    ready();
    for (;;) {
        must(frame_map(SLOT_ATTACHED, HOLE_VADDR, 0, HOLE_PAGES, PROT_READ | PROT_WRITE).status);
        must(aspace_protect(SLOT_ASPACE, HOLE_VADDR, HOLE_PAGES, PROT_READ));
        must(frame_unmap(SLOT_ATTACHED, HOLE_VADDR, HOLE_PAGES));
        AREA->rounds++;
    }
}

// Make and destroy something large.
void behave_memory(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        must(untyped_retype(SLOT_MEMORY, KIND_BITS(KIND_FRAME, LARGE_BITS), 0, RT_PROGRAM_CSPACE,
                            SLOT_OBJECT, 1));
        must(captable_delete(RT_PROGRAM_CSPACE, SLOT_OBJECT));
        AREA->rounds++;
    }
}

// Derive many capabilities and revoke them.
void behave_revoke(unsigned index)
{
    (void)index;
    objects_make(KIND_CAPTABLE, TABLE_BITS, SLOT_TABLE, 1);
    objects_make(KIND_ENDPOINT, OBJECT_BITS, SLOT_OBJECT, 1);
    ready();
    for (;;) {
        for (unsigned slot = 1; slot < TABLE_SLOTS; slot++) {
            must(captable_copy(SLOT_TABLE, slot, RT_PROGRAM_CSPACE, SLOT_OBJECT, RIGHT_ALL));
        }
        must(captable_revoke(RT_PROGRAM_CSPACE, SLOT_OBJECT));
        AREA->rounds++;
    }
}

// Long batches of invocations.
void behave_batch(unsigned index)
{
    struct batch_entry *entries = (struct batch_entry *)(AREA_VADDR + BATCH_OFFSET);
    (void)index;
    for (unsigned i = 0; i < BATCH_ENTRIES; i++) {
        entries[i] = (struct batch_entry){ .slot = RT_PROGRAM_CSPACE,
                                           .tag = TAG(OP_CAPTABLE_IDENTIFY, 1, 0),
                                           .words = { SLOT_MEMORY } };
    }
    ready();
    for (;;) {
        must(rt_invoke_batch(SLOT_AREA, BATCH_OFFSET, BATCH_ENTRIES).status);
        AREA->rounds++;
    }
}
