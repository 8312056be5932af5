// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Worst cases of memory: address spaces with a million mappings, or with few far from each other,
// or of many frames; large objects.
#include "cases.h"

#include <rt/panic.h>

#define SLOT_SPACE    SLOT_FIRST  // two
#define SLOT_FRAME    (SLOT_FIRST + 2)
#define SLOT_ATTACHED (SLOT_FIRST + 3)  // one for each space
#define SLOT_PAGES    SLOT_THREADS      // capabilities to single pages
#define PLACE         0x200000000000ull
#define FRAME_BITS    26u
#define FRAME_PAGES   (1u << (FRAME_BITS - PAGE_BITS))
#define MILLION       (1u << 20)
#define TABLE_PAGES   512u
#define SPARSE        2000u
#define SCATTERED     16384u
#define HARVEST       2048u
#define RUN_PAGES     16u

static void spaces_make(unsigned count)
{
    arena_make(KIND_ADDRESS_SPACE, SPACE_BITS, SLOT_SPACE, count);
    arena_make(KIND_FRAME, FRAME_BITS, SLOT_FRAME, 1);
    for (unsigned i = 0; i < count; i++) {
        must(captable_copy(ROOT_SLOT_CSPACE, SLOT_ATTACHED + i, ROOT_SLOT_CSPACE, SLOT_FRAME,
                           RIGHT_ALL),
             "deriving a frame");
        must(frame_attach(SLOT_ATTACHED + i, SLOT_SPACE + i), "attaching a frame");
    }
}

static cap_t stocked = SLOT_PAGETABLES;

static void stock_begin(void)
{
    stocked = SLOT_PAGETABLES;
}

static void stock(cap_t space, uint64_t count)
{
    arena_make(KIND_PAGETABLE, PAGE_BITS, stocked, count);
    must(aspace_stock(space, ROOT_SLOT_CSPACE, stocked, count), "page tables");
    stocked += count;
}

static void map_million(void)
{
    stock_begin();
    stock(SLOT_SPACE, MILLION / TABLE_PAGES + 8);
    for (unsigned i = 0; i < MILLION / FRAME_PAGES; i++) {
        must(frame_map(SLOT_ATTACHED, PLACE + ((uint64_t)i << FRAME_BITS), 0, FRAME_PAGES,
                       READ_WRITE)
                 .status,
             "mapping");
    }
}

void case_space_destroyed(void)
{
    spaces_make(1);
    map_million();
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_SPACE), "destroying a space");
}

void case_space_swept(void)
{
    spaces_make(1);
    map_million();
    must(frame_detach(SLOT_ATTACHED), "detaching");
}

static void space_change(cap_t space, uint64_t pages)
{
    must(aspace_protect(space, PLACE, pages, PROT_READ), "protecting");
    for (unsigned i = 0; i < 8; i++) {
        must(aspace_harvest(space, PLACE + i * HARVEST * PAGE_SIZE, HARVEST), "harvesting");
    }
    must(aspace_protect(space, PLACE, pages, READ_WRITE), "protecting");
    must(aspace_copy(space, SLOT_SPACE + 1, PLACE, pages, COPY_READ_ONLY).status, "copying");
    must(aspace_unmap(space, PLACE, pages), "unmapping");
    must(aspace_unmap(SLOT_SPACE + 1, PAGE_SIZE, (USER_END >> PAGE_BITS) - 1), "unmapping all");
}

void case_space_changed(void)
{
    spaces_make(2);
    map_million();
    stock(SLOT_SPACE + 1, MILLION / TABLE_PAGES + 8);
    space_change(SLOT_SPACE, MILLION);
}

// Where whoever asks for it runs, so that its own CPU has each page to forget; every few pages are
// of another frame than those before.
void case_space_own(void)
{
    arena_make(KIND_ADDRESS_SPACE, SPACE_BITS, SLOT_SPACE, 2);
    arena_make(KIND_FRAME, FRAME_BITS, SLOT_FRAME, 1);
    for (unsigned i = 0; i < 4; i++) {
        must(captable_mint(ROOT_SLOT_CSPACE, SLOT_PAGES + i, ROOT_SLOT_CSPACE, SLOT_FRAME,
                           RIGHT_ALL, i % 2 * FRAME_PAGES / 2 | (uint64_t)FRAME_PAGES / 2 << 32),
             "deriving half a frame");
        must(frame_attach(SLOT_PAGES + i, i < 2 ? ROOT_SLOT_ASPACE : SLOT_SPACE + 1),
             "attaching it");
    }
    stock_begin();
    stock(ROOT_SLOT_ASPACE, FRAME_PAGES / TABLE_PAGES + 8);
    stock(SLOT_SPACE + 1, FRAME_PAGES / TABLE_PAGES + 8);
    for (uint64_t i = 0; i < FRAME_PAGES; i += RUN_PAGES) {
        must(frame_map(SLOT_PAGES + i / RUN_PAGES % 2, PLACE + i * PAGE_SIZE,
                       i / RUN_PAGES / 2 * RUN_PAGES, RUN_PAGES, READ_WRITE)
                 .status,
             "mapping");
        for (unsigned page = 0; page < RUN_PAGES; page++) {
            *(volatile uint8_t *)(PLACE + (i + page) * PAGE_SIZE) = 1;
        }
    }
    space_change(ROOT_SLOT_ASPACE, FRAME_PAGES);
}

static void sparse(uint64_t distance, uint64_t tables)
{
    stock_begin();
    stock(SLOT_SPACE, tables);
    stock(SLOT_SPACE + 1, tables);
    for (unsigned i = 0; i < SPARSE; i++) {
        must(frame_map(SLOT_ATTACHED, PLACE + i * distance, i, 1, READ_WRITE).status, "mapping");
    }
    space_change(SLOT_SPACE, SPARSE * distance / PAGE_SIZE);
}

void case_space_sparse(void)
{
    spaces_make(2);
    sparse(2ull << 20, SPARSE + 8);
    arena_clear();
    spaces_make(2);
    sparse(1ull << 30, 2 * SPARSE + 8);
    must(frame_detach(SLOT_ATTACHED), "detaching");
}

// Page i of a frame of its own is mapped at page order(i).
static uint64_t order(uint64_t i)
{
    return i * 6151 % SCATTERED;  // prime
}

static void mint_add(cap_t slot, uint64_t page)
{
    bulk_add((struct batch_entry){
        .slot = ROOT_SLOT_CSPACE,
        .tag = TAG(OP_CAPTABLE_MINT, 5, 0),
        .words = { slot, ROOT_SLOT_CSPACE, SLOT_FRAME, RIGHT_ALL, page | 1ull << 32 } });
}

static void identify_add(cap_t slot)
{
    bulk_add((struct batch_entry){
        .slot = ROOT_SLOT_CSPACE, .tag = TAG(OP_CAPTABLE_IDENTIFY, 1, 0), .words = { slot } });
}

// Heavy entries of a batch, each after as much of what is light as nobody looks for interrupts
// after: a capability that is made and one that is looked at, or three of the latter.
static void scatter(unsigned space)
{
    cap_t first = SLOT_PAGES + space * SCATTERED;
    for (uint64_t i = 0; space && i < SCATTERED; i++) {
        mint_add(first + i, i);
    }
    for (uint64_t i = 0; i < SCATTERED; i++) {
        if (space) {
            identify_add(first + i);
            identify_add(first + i);
        } else {
            mint_add(first + i, i);
        }
        identify_add(first + i);
        bulk_add((struct batch_entry){ .slot = first + i,
                                       .tag = TAG(OP_FRAME_ATTACH, 1, 0),
                                       .words = { SLOT_SPACE + space } });
    }
    bulk_run();
}

static void scattered_make(void)
{
    arena_make(KIND_ADDRESS_SPACE, SPACE_BITS, SLOT_SPACE, 2);
    arena_make(KIND_FRAME, FRAME_BITS, SLOT_FRAME, 1);
    scatter(0);
    scatter(1);
    stock_begin();
    stock(SLOT_SPACE, SCATTERED / TABLE_PAGES + 3);
    stock(SLOT_SPACE + 1, SCATTERED / TABLE_PAGES + 3);
    for (uint64_t i = 0; i < SCATTERED; i++) {
        bulk_add((struct batch_entry){
            .slot = SLOT_PAGES + i,
            .tag = TAG(OP_FRAME_MAP, 4, 0),
            .words = { PLACE + order(i) * PAGE_SIZE, 0, 1, READ_WRITE } });
    }
    bulk_run();
}

// Frames leave one by one, each of them with a pass over the whole space; deleting the original
// they come from makes all of them leave.
void case_space_scattered(void)
{
    scattered_make();
    must(aspace_protect(SLOT_SPACE, PLACE, SCATTERED, PROT_READ), "protecting");
    must(aspace_copy(SLOT_SPACE, SLOT_SPACE + 1, PLACE, SCATTERED, 0).status, "copying");
    for (unsigned i = 0; i < 8; i++) {
        must(frame_detach(SLOT_PAGES + i), "detaching");
    }
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_SPACE), "destroying a space");
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_SPACE + 1), "destroying a space");
}

// Refused, with the number of tables that are missing; first for a range, then for a copy.
void case_space_short(void)
{
    struct rt_status status;
    spaces_make(2);
    stock_begin();
    stock(SLOT_SPACE, 3 * TABLE_PAGES);
    stock(SLOT_SPACE + 1, 1);
    for (unsigned i = 0; i < TABLE_PAGES; i++) {
        must(frame_map(SLOT_ATTACHED, PLACE + i * (2ull << 20), i, 1, READ_WRITE).status,
             "mapping");
    }
    status = aspace_copy(SLOT_SPACE, SLOT_SPACE + 1, PLACE, MILLION, 0).status;
    if (rt_error(status) != ERR_TABLES) {
        rt_panic("a copy without tables: error %u", rt_error(status));
    }
    status = frame_map(SLOT_ATTACHED + 1, PLACE, 0, FRAME_PAGES, READ_WRITE).status;
    if (rt_error(status) != ERR_TABLES) {
        rt_panic("a mapping without tables: error %u", rt_error(status));
    }
}

void case_retype_large(void)
{
    const uint64_t bits = 30;
    must(untyped_retype(SLOT_LARGE, KIND_FRAME | bits << 8, 0, ROOT_SLOT_CSPACE, SLOT_FRAME, 1),
         "making 1 GiB");
    must(captable_delete(ROOT_SLOT_CSPACE, SLOT_FRAME), "deleting 1 GiB");
}
