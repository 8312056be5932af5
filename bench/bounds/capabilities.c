// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Worst cases of derivation: many capabilities of one object, tables full, tables in tables.
#include "cases.h"

#include <rt/panic.h>

#define DESCENDANTS  100000u
#define HALF         (DESCENDANTS / 2)
#define NESTED       100u
#define NESTED_BITS  14u
#define NESTED_SLOTS (1u << (NESTED_BITS - 6))
#define UNTYPEDS     16u
#define UNTYPED_BITS 29u    // of the outermost
#define CHILDREN     2000u  // endpoints of each but the innermost
#define INNERMOST    256u

static uint8_t stack[PAGE_SIZE] __attribute__((aligned(16)));

// Two tables hold the descendants: number i, from 1 on, and 0 is the original.
static cap_t holder(unsigned i)
{
    return i == 0 ? ROOT_SLOT_CSPACE : SLOT_TABLES + (i > HALF);
}

static cap_t place(unsigned i)
{
    return i == 0 ? SLOT_ENDPOINT : i > HALF ? i - HALF : i;
}

static void descend(unsigned i, unsigned parent)
{
    bulk_add((struct batch_entry){
        .slot = holder(i),
        .tag = TAG(OP_CAPTABLE_COPY, 4, 0),
        .words = { place(i), holder(parent), place(parent), RIGHT_ALL } });
}

static unsigned parent_flat(unsigned i)
{
    (void)i;
    return 0;
}

static unsigned parent_chain(unsigned i)
{
    return i - 1;
}

static unsigned parent_tree(unsigned i)
{
    return i / 2;
}

static void descendants_make(unsigned (*parent)(unsigned i))
{
    arena_make(KIND_CAPTABLE, CAPTABLE_BITS, SLOT_TABLES, 2);
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINT, 1);
    for (unsigned i = 1; i <= DESCENDANTS; i++) {
        descend(i, parent(i));
    }
    bulk_run();
}

static void descendants_revoke(unsigned (*parent)(unsigned i))
{
    descendants_make(parent);
    must(captable_revoke(ROOT_SLOT_CSPACE, SLOT_ENDPOINT), "revoking");
}

void case_revoke_flat(void)
{
    descendants_revoke(parent_flat);
}

void case_revoke_chain(void)
{
    descendants_revoke(parent_chain);
}

void case_revoke_tree(void)
{
    descendants_revoke(parent_tree);
}

// Copies from any capability that is left into a third table, as fast as it can, and never ends.
static void copier(uint64_t unused)
{
    (void)unused;
    for (cap_t to = 1;; to = to % (TABLE_SLOTS - 1) + 1) {
        unsigned from = (unsigned)to;
        rt_ignore(captable_copy(SLOT_TABLES + 2, to, holder(from), place(from), RIGHT_ALL));
    }
}

void case_revoke_copied(void)
{
    const struct crowd crowd = { .entry = (const char *)(uintptr_t)copier,
                                 .first = SLOT_THREADS,
                                 .count = 1,
                                 .priority = PRIORITY_DRIVER + 1,
                                 .budget = 5000,
                                 .period = 10000,
                                 .rsp = (uint64_t)stack + sizeof(stack) - sizeof(uint64_t) };
    descendants_make(parent_flat);
    arena_make(KIND_CAPTABLE, CAPTABLE_BITS, SLOT_TABLES + 2, 1);
    crowd_make(&crowd);
    crowd_start(&crowd);
    must(captable_revoke(ROOT_SLOT_CSPACE, SLOT_ENDPOINT), "revoking");
}

void case_table_copies(void)
{
    arena_make(KIND_CAPTABLE, CAPTABLE_BITS, SLOT_TABLES, 1);
    arena_make(KIND_ENDPOINT, ENDPOINT_BITS, SLOT_ENDPOINT, 1);
    for (cap_t slot = 1; slot < TABLE_SLOTS; slot++) {
        bulk_add((struct batch_entry){
            .slot = SLOT_TABLES,
            .tag = TAG(OP_CAPTABLE_COPY, 4, 0),
            .words = { slot, ROOT_SLOT_CSPACE, SLOT_ENDPOINT, RIGHT_ALL } });
    }
    bulk_run();
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_TABLES), "deleting a full table");
}

void case_table_originals(void)
{
    arena_make(KIND_CAPTABLE, CAPTABLE_BITS, SLOT_TABLES, 1);
    arena_make_in(SLOT_TABLES, KIND_ENDPOINT, ENDPOINT_BITS, 1, TABLE_SLOTS - 1);
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_TABLES), "deleting a full table");
}

// Table k's original moves into table k - 1, from the innermost on; each is full of originals.
void case_tables_nested(void)
{
    arena_make(KIND_CAPTABLE, NESTED_BITS, SLOT_THREADS, NESTED);
    for (unsigned i = NESTED - 1; i > 0; i--) {
        arena_make_in(SLOT_THREADS + i, KIND_ENDPOINT, ENDPOINT_BITS, 2, NESTED_SLOTS - 2);
        must(captable_move(SLOT_THREADS + i - 1, 1, ROOT_SLOT_CSPACE, SLOT_THREADS + i), "nesting");
    }
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_THREADS), "deleting nested tables");
}

void untypeds_make(bool lower)
{
    arena_make(KIND_UNTYPED, UNTYPED_BITS, SLOT_ENDPOINTS, 1);
    for (unsigned i = 1; i < UNTYPEDS; i++) {
        unsigned bits = UNTYPED_BITS - i;
        uint64_t half = 1ull << bits, fit = half >> ENDPOINT_BITS;
        must(untyped_retype(SLOT_ENDPOINTS + i - 1, KIND_ENDPOINT | ENDPOINT_BITS << 8,
                            lower ? half : 0, ROOT_SLOT_CSPACE,
                            SLOT_THREADS + (uint64_t)i * CHILDREN, fit < CHILDREN ? fit : CHILDREN),
             "making endpoints");
        must(untyped_retype(SLOT_ENDPOINTS + i - 1, KIND_UNTYPED | bits << 8, lower ? 0 : half,
                            ROOT_SLOT_CSPACE, SLOT_ENDPOINTS + i, 1),
             "making an Untyped");
    }
    must(untyped_retype(SLOT_ENDPOINTS + UNTYPEDS - 1, KIND_ENDPOINT | ENDPOINT_BITS << 8, 0,
                        ROOT_SLOT_CSPACE, SLOT_REPLIES, INNERMOST),
         "making endpoints");
}

void case_untypeds_nested(void)
{
    untypeds_make(false);
    for (unsigned i = 0; i < INNERMOST; i++) {
        bulk_add((struct batch_entry){
            .slot = ROOT_SLOT_CSPACE,
            .tag = TAG(OP_CAPTABLE_MOVE, 3, 0),
            .words = { SLOT_REPLIES + INNERMOST + i, ROOT_SLOT_CSPACE, SLOT_REPLIES + i } });
        bulk_add((struct batch_entry){ .slot = ROOT_SLOT_CSPACE,
                                       .tag = TAG(OP_CAPTABLE_DELETE, 1, 0),
                                       .words = { SLOT_REPLIES + INNERMOST + i } });
    }
    bulk_run();
    must(captable_move(ROOT_SLOT_CSPACE, SLOT_REPLIES, ROOT_SLOT_CSPACE,
                       SLOT_ENDPOINTS + UNTYPEDS - 1),
         "moving");
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_ENDPOINTS), "deleting nested Untypeds");
}

void case_untypeds_first(void)
{
    untypeds_make(true);
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_ENDPOINTS), "deleting nested Untypeds");
}
