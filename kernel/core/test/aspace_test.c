// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Unit tests of address spaces, page tables and frames (aspace.c, pagetable.c, frame.c with
// tree.c). The stand-ins at the top are this test's own: look-up in one table of slots, preemption
// on demand, and a TLB that keeps every translation it has seen until it is flushed, so that a
// missing flush shows.

// cmocka.h relies on what stands before it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <hal/iommu.h>

#include <kernel/aspace.h>
#include <kernel/captable.h>
#include <kernel/io.h>
#include <kernel/preempt.h>
#include <kernel/thread.h>

#include <abi/message.h>

#include <string.h>

#include <stdio.h>
#include <stdlib.h>

#define SLOTS                  256u
#define TABLES                 96u
#define SPACES                 3u
#define FRAMES                 8u
#define SLOT_SPACE             1u    // capabilities of the spaces
#define SLOT_FRAME             10u   // derived frames
#define SLOT_TABLE             100u  // originals of page tables
#define SLOT_SELF              200u  // the table of slots itself
#define LARGE                  (512 * PAGE_SIZE)
#define GIB                    (1ull << 30)
#define RAM                    (KERNEL_DIRECT_BASE + GIB)
#define BLAME(error, argument) ((unsigned)ERR_##error | (argument##u) << 8)

// --- the world ----------------------------------------------------------------------------------

static struct cap slots[SLOTS];
static struct cap originals[SPACES];
static struct aspace *spaces[SPACES];
static struct thread thread;
static struct message_buffer buffer;
static uint8_t *arena;
static uint8_t *unit_memory;   // the arena as an IOMMU sees it that does not see the caches
static struct invocation inv;  // the last one

static unsigned preempt_every;  // preempt at every n-th point; 0: never
static unsigned preempt_count, preempt_total;

void preempt_work(unsigned work)
{
    (void)work;
}

bool preempt_point(unsigned work)
{
    (void)work;
    preempt_total++;
    return preempt_every && ++preempt_count % preempt_every == 0;
}

// NOLINTNEXTLINE(readability-function-size): as the core has it
enum err cap_lookup_kind(struct thread *caller, uint64_t slot, enum kind kind, unsigned rights,
                         unsigned argument, struct cap **cap)
{
    assert_ptr_equal(caller, &thread);
    if (slot >= SLOTS || cap_empty(&slots[slot])) {
        return err_blame(ERR_SLOT, argument);
    }
    *cap = &slots[slot];
    if ((*cap)->flags & CAP_MARKED) {
        return err_blame(ERR_DEAD, argument);
    }
    if ((*cap)->kind != kind) {
        return err_blame(ERR_TYPE, argument);
    }
    return ((*cap)->rights & rights) == rights ? ERR_OK : err_blame(ERR_RIGHTS, argument);
}

void kernel_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

void hal_aspace_init(struct hal_aspace *hal, uint64_t root[512])
{
    hal->cr3 = (uintptr_t)root;
    root[511] = PTE_PRESENT;  // the kernel's half: never to be touched
}

// NOLINTNEXTLINE(readability-function-size): as the contract has it
void hal_iommu_written(struct hal_aspace *hal, const uint64_t *entries, unsigned count,
                       uint64_t vaddr, uint64_t pages)
{
    assert_int_not_equal(CONTAINER_OF(hal, struct aspace, hal)->domain, 0);
    assert_true(vaddr % PAGE_SIZE == 0 && pages >= count);
    memcpy(unit_memory + ((const uint8_t *)entries - arena), entries, count * sizeof(*entries));
}

enum err io_space_destroy(struct aspace *as)
{
    as->domain = 0;
    return ERR_OK;
}

// The TLB: direct-mapped by nothing, simply a list.
static struct translation {
    const struct hal_aspace *hal;
    uint64_t vaddr, pte;
} tlb[8192];
static unsigned tlb_count;

void hal_aspace_flush(struct hal_aspace *hal, uint64_t vaddr, uint64_t pages)
{
    assert_int_not_equal(pages, 0);
    for (unsigned i = 0; i < tlb_count;) {
        if (tlb[i].hal == hal && tlb[i].vaddr >= vaddr &&
            (tlb[i].vaddr - vaddr) / PAGE_SIZE < pages) {
            tlb[i] = tlb[--tlb_count];
        } else {
            i++;
        }
    }
}

// What hardware finds: the leaf for a page (for a large one, as the entry of its 4 KiB part), or 0.
static uint64_t translate(const struct aspace *as, uint64_t vaddr)
{
    const uint64_t *table = as->root;
    for (unsigned level = as->top;; level--) {
        uint64_t pte = table[vaddr >> (12 + 9 * level) & 511];
        if (!hal_pte_present(pte)) {
            return 0;
        }
        if (level == 0) {
            return pte;
        }
        if (pte & PTE_LARGE) {
            return pte + (vaddr & (LARGE - 1) & ~(PAGE_SIZE - 1));
        }
        table = (const uint64_t *)hal_pte_address(pte);
    }
}

static uint64_t page_of(const struct aspace *as, uint64_t vaddr)
{
    uint64_t pte = translate(as, vaddr);
    return pte ? hal_pte_address(pte) : 0;
}

static unsigned prot_of(const struct aspace *as, uint64_t vaddr)
{
    uint64_t pte = translate(as, vaddr);
    return pte ? hal_pte_prot(pte) : 0;
}

static void tlb_load(struct aspace *as, uint64_t vaddr)
{
    uint64_t pte = translate(as, vaddr);
    if (pte && tlb_count < sizeof(tlb) / sizeof(tlb[0])) {
        tlb[tlb_count++] = (struct translation){ &as->hal, vaddr, pte };
    }
}

// --- invariants ---------------------------------------------------------------------------------

static bool list_has(const struct cap *list, uint64_t address)
{
    for (; list; list = list->stock_next) {
        if (list->address == address) {
            return true;
        }
    }
    return false;
}

static const struct cap *owner_of(const struct aspace *as, uint64_t page)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        const struct cap *frame = &slots[SLOT_FRAME + i];
        if (frame->flags & CAP_ATTACHED && frame->space == as &&
            page - frame->address < cap_bytes(frame)) {
            return frame;
        }
    }
    return NULL;
}

static void table_check(const struct aspace *as, const uint64_t *table, unsigned level)
{
    if (as->domain) {
        assert_memory_equal(table, unit_memory + ((const uint8_t *)table - arena), PAGE_SIZE);
    }
    for (unsigned i = 0; i < (level == 3 ? 256 : 512); i++) {
        if (!hal_pte_present(table[i])) {
            assert_int_equal(table[i], 0);
            continue;
        }
        uint64_t address = hal_pte_address(table[i]);
        if (hal_pte_is_table(table[i], level)) {
            assert_true(list_has(as->tables, address));
            table_check(as, (const uint64_t *)address, level - 1);
            continue;
        }
        const struct cap *owner = owner_of(as, address);
        assert_non_null(owner);
        unsigned prot = hal_pte_prot(table[i]);
        assert_int_equal(prot & ~(unsigned)owner->rights, 0);
        if ((prot & PROT_WRITE) && (prot & PROT_EXECUTE)) {
            assert_true(owner->rights & RIGHT_WX);
        }
    }
}

static void list_check(struct aspace *as, const struct cap *list, uint64_t length, unsigned flags)
{
    const struct cap *prev = NULL;
    for (; list; prev = list, list = list->stock_next, length--) {
        assert_ptr_equal(list->stock_prev, prev);
        assert_ptr_equal(list->space, as);
        assert_int_equal(list->flags & (CAP_ATTACHED | CAP_IN_USE), flags);
        assert_int_equal(list->bits, 12);
        for (unsigned i = 0; flags == CAP_ATTACHED && i < 512; i++) {
            assert_int_equal(((const uint64_t *)list->address)[i], 0);
        }
    }
    assert_int_equal(length, 0);
}

static void tlb_check(void)
{
    for (unsigned i = 0; i < tlb_count; i++) {
        const struct aspace *as = CONTAINER_OF(tlb[i].hal, struct aspace, hal);
        uint64_t pte = translate(as, tlb[i].vaddr);
        assert_true(pte != 0);
        assert_int_equal(hal_pte_address(pte), hal_pte_address(tlb[i].pte));
        assert_int_equal(hal_pte_prot(tlb[i].pte) & ~hal_pte_prot(pte), 0);
        // Hardware need not write an accessed or dirty bit again that it believes to be set.
        assert_int_equal(tlb[i].pte & ~pte & (PTE_ACCESSED | PTE_DIRTY), 0);
    }
}

static void world_check(void)
{
    for (unsigned i = 0; i < SPACES; i++) {
        struct aspace *as = spaces[i];
        if (as->dying) {
            continue;
        }
        table_check(as, as->root, as->top);
        list_check(as, as->stock, as->stocked, CAP_ATTACHED);
        list_check(as, as->tables, as->used, CAP_ATTACHED | CAP_IN_USE);
        if (!as->domain) {
            assert_int_equal(as->root[511], PTE_PRESENT);
        }
    }
    tlb_check();
}

// --- set-up and calls ----------------------------------------------------------------------------

static uint64_t arena_page(unsigned index)
{
    return (uintptr_t)arena + index * PAGE_SIZE;
}

static struct cap *space_cap(unsigned i)
{
    return &slots[SLOT_SPACE + i];
}

static struct cap *frame_cap(unsigned i)
{
    return &slots[SLOT_FRAME + i];
}

static struct cap *frame_make(unsigned i, uint64_t address, uint32_t pages, unsigned rights)
{
    struct cap *frame = frame_cap(i);
    memset(frame, 0, sizeof(*frame));
    frame->kind = KIND_FRAME;
    frame->rights = (uint8_t)rights;
    frame->address = address;
    frame->aux = pages;
    return frame;
}

// Make a new space one of I/O kind, with three levels.
static void io_make(unsigned i)
{
    spaces[i]->domain = 1;
    spaces[i]->root[511] = 0;
    aspace_set_levels(spaces[i], 3);
    memset(unit_memory + ((uint8_t *)spaces[i]->root - arena), 0, PAGE_SIZE);
}

static int setup(void **state)
{
    (void)state;
    size_t bytes = (2 * SPACES + TABLES + 1) * PAGE_SIZE;
    unit_memory = malloc(bytes);
    memset(unit_memory, 0xa5, bytes);
    arena = aligned_alloc(PAGE_SIZE * 2,
                          (bytes + 2 * PAGE_SIZE - 1) / (2 * PAGE_SIZE) * 2 * PAGE_SIZE);
    memset(arena, 0, bytes);
    memset(slots, 0, sizeof(slots));
    memset(&thread, 0, sizeof(thread));
    thread.buffer = &buffer;
    preempt_every = preempt_count = tlb_count = 0;
    for (unsigned i = 0; i < SPACES; i++) {
        originals[i] = (struct cap){ .kind = KIND_ADDRESS_SPACE,
                                     .rights = RIGHT_ALL,
                                     .flags = CAP_ORIGINAL,
                                     .bits = ASPACE_BITS,
                                     .address = arena_page(2 * i) };
        *space_cap(i) = originals[i];
        space_cap(i)->flags = 0;
        aspace_init(&originals[i]);
        spaces[i] = aspace_of(&originals[i]);
    }
    for (unsigned i = 0; i < TABLES; i++) {
        slots[SLOT_TABLE + i] = (struct cap){ .kind = KIND_PAGETABLE,
                                              .rights = RIGHT_ALL,
                                              .flags = CAP_ORIGINAL,
                                              .bits = 12,
                                              .address = arena_page(2 * SPACES + i) };
    }
    slots[SLOT_SELF] = (struct cap){
        .kind = KIND_CAPTABLE, .rights = RIGHT_ALL, .bits = 14, .address = (uintptr_t)slots
    };
    ((struct captable *)slots)->count = SLOTS;
    for (unsigned i = 0; i < FRAMES; i++) {
        frame_make(i, RAM + 64ull * i * LARGE, 4096, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(arena);
    free(unit_memory);
    return 0;
}

static unsigned call_op(enum err (*op)(struct invocation *), struct cap *self,
                        const uint64_t words[6])
{
    inv = (struct invocation){ .thread = &thread, .self = self, .length = 6 };
    memcpy(inv.words, words, sizeof(inv.words));
    enum err err;
    unsigned restarts = 0;
    do {
        err = op(&inv);
        assert_true(++restarts < 1000000);
        if (err == ERR_PREEMPTED) {
            world_check();
        }
    } while (err == ERR_PREEMPTED);
    return (unsigned)err;
}
#define CALL(op, self, ...) call_op(op, self, (uint64_t[6]){ __VA_ARGS__ })

// Put `count` of the tables from `first` on into the stock of space `i`.
static void stock(unsigned i, unsigned first, unsigned count)
{
    assert_int_equal(CALL(op_aspace_stock, space_cap(i), SLOT_SELF, SLOT_TABLE + first, count), 0);
}

static void attach(unsigned frame, unsigned space)
{
    assert_int_equal(CALL(op_frame_attach, frame_cap(frame), SLOT_SPACE + space), 0);
}

#define RW  (PROT_READ | PROT_WRITE)
#define RX  (PROT_READ | PROT_EXECUTE)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXECUTE)

// --- stock and attach ----------------------------------------------------------------------------

static void test_stock_refusals(void **state)
{
    (void)state;
    struct cap *as = space_cap(0);
    struct cap *self = &slots[SLOT_SELF];
    as->rights = RIGHT_READ;
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_TABLE, 1), BLAME(RIGHTS, 0));
    as->rights = RIGHT_ALL;
    assert_int_equal(CALL(op_aspace_stock, as, 90, SLOT_TABLE, 1), BLAME(SLOT, 1));
    assert_int_equal(CALL(op_aspace_stock, as, UINT64_MAX, SLOT_TABLE, 1), BLAME(SLOT, 1));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_FRAME, SLOT_TABLE, 1), BLAME(TYPE, 1));
    self->rights = RIGHT_READ;
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_TABLE, 1), BLAME(RIGHTS, 1));
    self->rights = RIGHT_ALL;
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, 0, 1), BLAME(SLOT, 2));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOTS, 1), BLAME(SLOT, 2));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, UINT64_MAX, 2), BLAME(SLOT, 2));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, 90, 1), BLAME(SLOT, 2));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_FRAME, 1), BLAME(TYPE, 2));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_TABLE, 0), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_TABLE, SLOTS), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_TABLE, UINT64_MAX), BLAME(RANGE, 3));
    slots[SLOT_TABLE + 1].flags |= CAP_MARKED;
    assert_int_equal(CALL(op_aspace_stock, as, SLOT_SELF, SLOT_TABLE + 1, 1), BLAME(STATE, 2));
    slots[SLOT_TABLE + 1].flags = CAP_ORIGINAL;
    stock(0, 0, 1);
    assert_int_equal(CALL(op_aspace_stock, space_cap(1), SLOT_SELF, SLOT_TABLE, 1),
                     BLAME(STATE, 2));
    assert_int_equal(spaces[0]->stocked, 1);
    preempt_every = 1;
    stock(0, 1, 10);
    assert_int_equal(spaces[0]->stocked, 11);
    world_check();
}

static void test_attach(void **state)
{
    (void)state;
    struct cap *frame = frame_cap(0);
    frame->flags = CAP_ORIGINAL;
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SPACE), BLAME(ORIGINAL, 0));
    frame->flags = 0;
    assert_int_equal(CALL(op_frame_attach, frame, 90), BLAME(SLOT, 1));
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SELF), BLAME(TYPE, 1));
    space_cap(0)->rights = RIGHT_READ;
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SPACE), BLAME(RIGHTS, 1));
    space_cap(0)->rights = RIGHT_ALL;
    space_cap(0)->flags = CAP_MARKED;
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SPACE), BLAME(DEAD, 1));
    space_cap(0)->flags = 0;
    spaces[0]->dying = true;
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SPACE), BLAME(DEAD, 1));
    spaces[0]->dying = false;
    attach(0, 0);
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SPACE + 1), BLAME(STATE, 0));
    // The same pages: from below, inside, from above, around; next to them is fine.
    const struct {
        int64_t first;
        uint32_t pages;
        bool overlaps;
    } cases[] = {
        { -1, 2, true },    { 1, 1, true },   { 4095, 2, true },
        { -1, 4098, true }, { -1, 1, false }, { 4096, 1, false },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t address = frame->address + (uint64_t)cases[i].first * PAGE_SIZE;
        frame_make(1, address, cases[i].pages, RIGHT_READ);
        unsigned expected = cases[i].overlaps ? BLAME(OVERLAP, 0) : 0;
        assert_int_equal(CALL(op_frame_attach, frame_cap(1), SLOT_SPACE), expected);
        assert_int_equal(CALL(op_frame_detach, frame_cap(1)),
                         cases[i].overlaps ? BLAME(STATE, 0) : 0);
    }
    // In another space the same pages are fine.
    frame_make(1, frame->address, 1, RIGHT_READ);
    attach(1, 1);
    assert_int_equal(CALL(op_frame_detach, frame), 0);
    assert_int_equal(CALL(op_frame_detach, frame), BLAME(STATE, 0));
}

static void test_paddr_and_ram(void **state)
{
    (void)state;
    struct cap *frame = frame_make(0, RAM, 2, RIGHT_READ);
    assert_int_equal(CALL(op_frame_paddr, frame), BLAME(RIGHTS, 0));
    frame->rights |= RIGHT_PADDR;
    assert_int_equal(CALL(op_frame_paddr, frame), 0);
    assert_int_equal(inv.words[0], GIB);
    assert_int_equal(inv.results, 1);
    assert_int_equal((uintptr_t)frame_ram(frame, 0, 8192, RIGHT_READ), RAM);
    assert_int_equal((uintptr_t)frame_ram(frame, 8191, 1, RIGHT_READ), RAM + 8191);
    assert_null(frame_ram(frame, 8191, 2, RIGHT_READ));
    assert_null(frame_ram(frame, 0, 8193, RIGHT_READ));
    assert_null(frame_ram(frame, UINT64_MAX, 2, RIGHT_READ));
    assert_null(frame_ram(frame, 2, UINT64_MAX, RIGHT_READ));
    assert_null(frame_ram(frame, 0, 1, RIGHT_READ | RIGHT_WRITE));
    frame->flags = CAP_DEVICE;
    assert_null(frame_ram(frame, 0, 1, RIGHT_READ));
}

// --- map -----------------------------------------------------------------------------------------

// What is refused whether there are tables or not.
static void refuse_maps(struct cap *f, uint64_t at)
{
    assert_int_equal(CALL(op_frame_map, f, at + 8, 0, 1, RW), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_frame_map, f, at + PAGE_SIZE, 0, 512, RW | PROT_LARGE),
                     BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_frame_map, f, 0, 0, 1, RW), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_map, f, 0, 0, 512, RW | PROT_LARGE), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_map, f, USER_END, 0, 1, RW), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_map, f, KERNEL_DIRECT_BASE, 0, 1, RW), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_map, f, at, 4096, 1, RW), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_frame_map, f, at, UINT64_MAX, 2, RW), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_frame_map, f, at, 1, 512, RW | PROT_LARGE), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 0, RW), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 4097, RW), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_frame_map, f, at, 2, UINT64_MAX, RW), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 513, RW | PROT_LARGE), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_frame_map, f, USER_END - PAGE_SIZE, 0, 2, RW), BLAME(RANGE, 3));
    f->rights = RIGHT_READ;
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW), BLAME(RIGHTS, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RX), BLAME(RIGHTS, 4));
    f->rights = RIGHT_WRITE;
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW), BLAME(RIGHTS, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, PROT_WRITE), BLAME(RANGE, 4));
    f->rights = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RWX), BLAME(RIGHTS, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, 0), BLAME(RANGE, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW | 128), BLAME(RANGE, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW | 1ull << 32), BLAME(RANGE, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW | PROT_UNCACHED), BLAME(RANGE, 4));
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW | PROT_COMBINE), BLAME(RANGE, 4));
    f->flags |= CAP_DEVICE;
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW | PROT_UNCACHED | PROT_COMBINE),
                     BLAME(RANGE, 4));
    f->flags &= (uint8_t)~CAP_DEVICE;
}

static void test_map_refusals(void **state)
{
    (void)state;
    struct cap *f = frame_cap(0);
    const uint64_t at = GIB;
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW), BLAME(STATE, 0));
    attach(0, 0);
    spaces[0]->dying = true;
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW), BLAME(DEAD, 0));
    spaces[0]->dying = false;
    refuse_maps(f, at);
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW), BLAME(TABLES, 1));
    stock(0, 0, 3);
    assert_int_equal(CALL(op_frame_map, f, at + PAGE_SIZE, 1, 1, RW), 0);
    refuse_maps(f, at);
    assert_int_equal(CALL(op_frame_map, f, at, 0, 1, RW), 0);
    assert_int_equal(CALL(op_frame_map, f, at, 1, 1, RW), BLAME(MAPPED, 1));
    world_check();
}

static void test_map_tables(void **state)
{
    (void)state;
    attach(0, 0);
    struct cap *f = frame_cap(0);
    const struct {
        uint64_t vaddr, pages, prot, missing;
    } cases[] = {
        { GIB, 1, RW, 3 },
        { GIB, 512, RW, 3 },
        { GIB - PAGE_SIZE, 2, RW, 5 },
        { GIB, 513, RW, 4 },
        { GIB, 4096, RW, 10 },
        { GIB + PAGE_SIZE, 4095, RW, 10 },
        { GIB, 4096, RW | PROT_LARGE, 2 },
        { 512 * GIB - LARGE, 1024, RW | PROT_LARGE, 4 },
        { 512 * GIB - PAGE_SIZE, 2, RW, 6 },
        { USER_END - PAGE_SIZE, 1, RW, 3 },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(CALL(op_frame_map, f, cases[i].vaddr, 0, cases[i].pages, cases[i].prot),
                         BLAME(TABLES, 1));
        assert_int_equal(inv.words[0], cases[i].missing);
        assert_int_equal(inv.words[2], cases[i].pages);
    }
    // One fewer than needed: one is missing and nothing is used.
    stock(0, 0, 4);
    assert_int_equal(CALL(op_frame_map, f, GIB - PAGE_SIZE, 0, 2, RW), BLAME(TABLES, 1));
    assert_int_equal(inv.words[0], 1);
    assert_int_equal(spaces[0]->used, 0);
    stock(0, 4, 1);
    assert_int_equal(CALL(op_frame_map, f, GIB - PAGE_SIZE, 0, 2, RW), 0);
    assert_int_equal(spaces[0]->used, 5);
    // What is there is not counted.
    assert_int_equal(CALL(op_frame_map, f, GIB + LARGE - PAGE_SIZE, 0, 3, RW), BLAME(TABLES, 1));
    assert_int_equal(inv.words[0], 1);
    assert_int_equal(CALL(op_frame_map, f, GIB + PAGE_SIZE, 0, 511, RW), 0);
    world_check();
}

// A range of more than one window: what is behind the words is not mapped, and the answer is enough
// to finish.
static void test_map_windows(void **state)
{
    (void)state;
    const uint64_t pages = 300ull * 512, at = GIB - 128 * LARGE;
    frame_make(0, RAM, 1u << 20, RIGHT_READ);
    attach(0, 0);
    stock(0, 0, 2);
    preempt_every = 1;
    struct cap *f = frame_cap(0);
    assert_int_equal(CALL(op_frame_map, f, at, 512, pages, PROT_READ | PROT_LARGE),
                     BLAME(TABLES, 1));
    uint64_t page = inv.words[1], left = inv.words[2];
    assert_in_range(inv.words[0], 1, 3);  // one; exact only within a window
    assert_int_equal(inv.results, 3);
    assert_in_range(page, 512 + 32 * 512, 512 + 128 * 512);
    assert_int_equal(page + left, 512 + pages);
    stock(0, 2, 1);
    assert_int_equal(CALL(op_frame_map, f, at + (page - 512) * PAGE_SIZE, page, left,
                          PROT_READ | PROT_LARGE),
                     0);
    for (uint64_t i = 0; i < pages; i += 512) {
        assert_int_equal(page_of(spaces[0], at + i * PAGE_SIZE), RAM + (512 + i) * PAGE_SIZE);
    }
    assert_int_equal(page_of(spaces[0], at + pages * PAGE_SIZE), 0);
    world_check();
}

static void test_map_preempted(void **state)
{
    (void)state;
    for (preempt_every = 1; preempt_every < 8; preempt_every++) {
        attach(0, 0);
        stock(0, 0, 12);
        const uint64_t at = GIB - 1000 * PAGE_SIZE;
        assert_int_equal(CALL(op_frame_map, frame_cap(0), at, 5, 3000, RW), 0);
        for (uint64_t i = 0; i < 3000; i++) {
            assert_int_equal(page_of(spaces[0], at + i * PAGE_SIZE),
                             frame_cap(0)->address + (5 + i) * PAGE_SIZE);
            tlb_load(spaces[0], at + i * PAGE_SIZE);
        }
        assert_int_equal(page_of(spaces[0], at - PAGE_SIZE), 0);
        assert_int_equal(page_of(spaces[0], at + 3000 * PAGE_SIZE), 0);
        assert_int_equal(CALL(op_frame_detach, frame_cap(0)), 0);
        assert_int_equal(tlb_count, 0);
        for (unsigned i = 0; i < 12; i++) {
            assert_int_equal(pagetable_detach(&slots[SLOT_TABLE + i]), 0);
        }
        memset((void *)arena_page(2 * SPACES), 0, 12 * PAGE_SIZE);  // as a new retype would
        world_check();
    }
}

static void test_map_replace(void **state)
{
    (void)state;
    stock(0, 0, 8);
    attach(0, 0);
    attach(1, 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 100, RW), 0);
    for (uint64_t i = 0; i < 100; i++) {
        tlb_load(spaces[0], GIB + i * PAGE_SIZE);
    }
    // Stops where something is in the way.
    assert_int_equal(CALL(op_frame_map, frame_cap(1), GIB - 4 * PAGE_SIZE, 0, 8, RW),
                     BLAME(MAPPED, 1));
    assert_int_equal(page_of(spaces[0], GIB - PAGE_SIZE), frame_cap(1)->address + 3 * PAGE_SIZE);
    assert_int_equal(page_of(spaces[0], GIB), frame_cap(0)->address);
    uint64_t generation = spaces[0]->generation;
    assert_int_equal(CALL(op_frame_map, frame_cap(1), GIB + 50 * PAGE_SIZE, 0, 100,
                          PROT_READ | PROT_REPLACE),
                     0);
    assert_true(spaces[0]->generation > generation);
    assert_int_equal(page_of(spaces[0], GIB + 49 * PAGE_SIZE),
                     frame_cap(0)->address + 49 * PAGE_SIZE);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(page_of(spaces[0], GIB + (50 + i) * PAGE_SIZE),
                         frame_cap(1)->address + i * PAGE_SIZE);
        assert_int_equal(prot_of(spaces[0], GIB + (50 + i) * PAGE_SIZE), PROT_READ);
    }
    world_check();
    assert_int_equal(tlb_count, 50);
}

static void test_map_types(void **state)
{
    (void)state;
    const uint64_t type = PTE_PCD | PTE_PWT;
    stock(0, 0, 3);
    struct cap *f = frame_cap(0);
    f->flags |= CAP_DEVICE;
    f->rights |= RIGHT_WX;
    attach(0, 0);
    assert_int_equal(CALL(op_frame_map, f, GIB, 0, 1, RWX), 0);
    assert_int_equal(translate(spaces[0], GIB) & type, PTE_PCD);
    assert_int_equal(prot_of(spaces[0], GIB), RWX);
    assert_int_equal(CALL(op_frame_map, f, GIB + PAGE_SIZE, 0, 1, RW | PROT_UNCACHED), 0);
    assert_int_equal(translate(spaces[0], GIB + PAGE_SIZE) & type, PTE_PCD);
    assert_int_equal(CALL(op_frame_map, f, GIB + 2 * PAGE_SIZE, 0, 1, RW | PROT_COMBINE), 0);
    assert_int_equal(translate(spaces[0], GIB + 2 * PAGE_SIZE) & type, PTE_PWT);
    attach(1, 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(1), GIB + 3 * PAGE_SIZE, 0, 1, RX), 0);
    assert_int_equal(translate(spaces[0], GIB + 3 * PAGE_SIZE) & type, 0);
    assert_int_equal(prot_of(spaces[0], GIB + 3 * PAGE_SIZE), RX);
    world_check();
}

static void test_large(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    struct cap *f = frame_cap(0);
    stock(0, 0, 8);
    attach(0, 0);
    attach(1, 0);
    assert_int_equal(CALL(op_frame_map, f, GIB, 512, 1024, RW | PROT_LARGE), 0);
    assert_int_equal(as->used, 2);
    assert_int_equal(page_of(as, GIB + 700 * PAGE_SIZE), f->address + 1212 * PAGE_SIZE);
    tlb_load(as, GIB);
    tlb_load(as, GIB + LARGE);
    // Small pages do not fit where a large leaf is, nor a large leaf where a table is.
    assert_int_equal(CALL(op_frame_map, f, GIB, 0, 1, RW), BLAME(MAPPED, 1));
    assert_int_equal(CALL(op_frame_map, f, GIB, 0, 1, RW | PROT_REPLACE), BLAME(MAPPED, 1));
    assert_int_equal(CALL(op_frame_map, f, GIB, 0, 512, RW | PROT_LARGE), BLAME(MAPPED, 1));
    assert_int_equal(CALL(op_frame_map, f, GIB + 2 * LARGE, 0, 1, RW), 0);
    assert_int_equal(CALL(op_frame_map, f, GIB + 2 * LARGE, 0, 512, RW | PROT_LARGE),
                     BLAME(MAPPED, 1));
    assert_int_equal(CALL(op_frame_map, f, GIB + 2 * LARGE, 0, 512, RW | PROT_LARGE | PROT_REPLACE),
                     BLAME(MAPPED, 1));
    assert_int_equal(
        CALL(op_frame_map, frame_cap(1), GIB, 0, 512, PROT_READ | PROT_LARGE | PROT_REPLACE), 0);
    world_check();
    assert_int_equal(page_of(as, GIB), frame_cap(1)->address);
    // A part of a large leaf.
    struct cap *cap = space_cap(0);
    assert_int_equal(CALL(op_aspace_unmap, cap, GIB + PAGE_SIZE, 600), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_unmap, cap, GIB, 511), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_protect, cap, GIB, 511, PROT_READ), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_harvest, cap, GIB, 511), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB, 511), BLAME(ALIGN, 2));
    assert_int_equal(CALL(op_frame_unmap, frame_cap(1), GIB, 511), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_frame_unmap, f, GIB, 511), 0);  // not one of its pages
    assert_int_equal(page_of(as, GIB), frame_cap(1)->address);
    // The whole.
    assert_int_equal(CALL(op_aspace_protect, cap, GIB + LARGE, 512, PROT_READ), 0);
    assert_int_equal(prot_of(as, GIB + LARGE), PROT_READ);
    world_check();
    assert_int_equal(CALL(op_frame_unmap, frame_cap(1), GIB, 512), 0);
    assert_int_equal(page_of(as, GIB), 0);
    assert_int_equal(CALL(op_aspace_unmap, cap, PAGE_SIZE, (USER_END - PAGE_SIZE) / PAGE_SIZE), 0);
    assert_int_equal(page_of(as, GIB + LARGE), 0);
    assert_int_equal(page_of(as, GIB + 2 * LARGE), 0);
    // A physical address that is not a multiple of the size.
    frame_make(2, RAM + GIB + PAGE_SIZE, 1024, RIGHT_READ);
    attach(2, 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(2), GIB, 0, 512, PROT_READ | PROT_LARGE),
                     BLAME(RANGE, 2));
    // Detaching a frame mapped by large leaves.
    assert_int_equal(CALL(op_frame_map, f, GIB, 0, 1024, RW | PROT_LARGE), 0);
    assert_int_equal(CALL(op_frame_detach, f), 0);
    assert_int_equal(page_of(as, GIB), 0);
    world_check();
}

// --- unmap, protect ------------------------------------------------------------------------------

static void test_range_refusals(void **state)
{
    (void)state;
    struct cap *as = space_cap(0), *f = frame_cap(0);
    const uint64_t at = GIB;
    assert_int_equal(CALL(op_frame_unmap, f, at, 1), BLAME(STATE, 0));
    attach(0, 0);
    assert_int_equal(CALL(op_frame_unmap, f, at + 1, 1), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_frame_unmap, f, 0, 1), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_unmap, f, USER_END, 1), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_unmap, f, at, 0), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_frame_unmap, f, at, USER_END / PAGE_SIZE), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_frame_unmap, f, at, UINT64_MAX), BLAME(RANGE, 2));
    as->rights = RIGHT_READ;
    assert_int_equal(CALL(op_aspace_unmap, as, at, 1), BLAME(RIGHTS, 0));
    assert_int_equal(CALL(op_aspace_protect, as, at, 1, PROT_READ), BLAME(RIGHTS, 0));
    assert_int_equal(CALL(op_aspace_harvest, as, at, 1), BLAME(RIGHTS, 0));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, 1), BLAME(RIGHTS, 0));
    as->rights = RIGHT_ALL;
    assert_int_equal(CALL(op_aspace_unmap, as, at + 1, 1), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_unmap, as, 0, 1), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_aspace_unmap, as, at, 0), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_aspace_protect, as, at + 1, 1, PROT_READ), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_protect, as, UINT64_MAX & ~4095ull, 1, PROT_READ),
                     BLAME(RANGE, 1));
    assert_int_equal(CALL(op_aspace_protect, as, at, UINT64_MAX, PROT_READ), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_aspace_protect, as, at, 1, PROT_WRITE), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_protect, as, at, 1, PROT_READ | PROT_UNCACHED),
                     BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_harvest, as, at + 1, 1), BLAME(ALIGN, 1));
    assert_int_equal(CALL(op_aspace_harvest, as, 0, 1), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_aspace_harvest, as, at, 0), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_aspace_harvest, as, at, 2049), BLAME(RANGE, 2));
    thread.buffer = NULL;
    assert_int_equal(CALL(op_aspace_harvest, as, at, 1), BLAME(BUFFER, 0));
    thread.buffer = &buffer;
    assert_int_equal(CALL(op_aspace_copy, as, 90, at, 1), BLAME(SLOT, 1));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SELF, at, 1), BLAME(TYPE, 1));
    space_cap(1)->rights = RIGHT_READ;
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, 1), BLAME(RIGHTS, 1));
    space_cap(1)->rights = RIGHT_ALL;
    spaces[1]->dying = true;
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, 1), BLAME(DEAD, 1));
    spaces[1]->dying = false;
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE, at, 1), BLAME(STATE, 1));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at + 1, 1), BLAME(ALIGN, 2));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, 0, 1), BLAME(RANGE, 2));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, 0), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, UINT64_MAX), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, 1, 2), BLAME(RANGE, 4));
    assert_int_equal(CALL(op_aspace_copy, as, SLOT_SPACE + 1, at, 1, 1ull << 40), BLAME(RANGE, 4));
}

static void test_protect(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    struct cap *cap = space_cap(0);
    frame_cap(1)->rights = RIGHT_READ;
    stock(0, 0, 4);
    attach(0, 0);
    attach(1, 0);
    preempt_every = 1;
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 64, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(1), GIB + 64 * PAGE_SIZE, 0, 64, PROT_READ), 0);
    for (uint64_t i = 0; i < 128; i++) {
        tlb_load(as, GIB + i * PAGE_SIZE);
    }
    assert_int_equal(CALL(op_aspace_protect, cap, GIB - 600 * PAGE_SIZE, 1000, PROT_READ), 0);
    for (uint64_t i = 0; i < 64; i++) {
        assert_int_equal(prot_of(as, GIB + i * PAGE_SIZE), PROT_READ);
    }
    world_check();
    assert_int_equal(tlb_count, 64);
    assert_int_equal(CALL(op_aspace_protect, cap, GIB, 65, RW), BLAME(RIGHTS, 3));
    assert_int_equal(prot_of(as, GIB + 63 * PAGE_SIZE), RW);
    assert_int_equal(prot_of(as, GIB + 64 * PAGE_SIZE), PROT_READ);
    assert_int_equal(CALL(op_aspace_protect, cap, GIB, 1, RWX), BLAME(RIGHTS, 3));
    assert_int_equal(CALL(op_aspace_protect, cap, GIB, 64, RX), 0);
    assert_int_equal(prot_of(as, GIB), RX);
    world_check();
}

// --- copy ----------------------------------------------------------------------------------------

static void test_copy(void **state)
{
    (void)state;
    struct aspace *from = spaces[0], *to = spaces[1];
    struct cap *cap = space_cap(0);
    const uint64_t all = (USER_END - PAGE_SIZE) / PAGE_SIZE, top = USER_END - 8 * PAGE_SIZE;
    stock(0, 0, 20);
    attach(0, 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB - 300 * PAGE_SIZE, 0, 700, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB + LARGE, 1024, 512, RW | PROT_LARGE), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), top, 3000, 8, RX), 0);
    for (uint64_t i = 0; i < 700; i++) {
        tlb_load(from, GIB + (i - 300) * PAGE_SIZE);
    }
    tlb_load(from, GIB + LARGE);
    tlb_load(from, top);
    // The tables that the source has are what the destination needs.
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, PAGE_SIZE, all, COPY_READ_ONLY),
                     BLAME(TABLES, 2));
    assert_int_equal(inv.words[0], from->used);
    assert_int_equal(inv.results, 3);
    stock(1, 20, (unsigned)from->used);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, PAGE_SIZE, all, COPY_READ_ONLY),
                     BLAME(STATE, 1));
    frame_make(1, frame_cap(0)->address, 4096, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    attach(1, 1);
    preempt_every = 1;
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, PAGE_SIZE, all, COPY_READ_ONLY), 0);
    preempt_every = 0;
    for (uint64_t i = 0; i < 700; i++) {
        uint64_t at = GIB + (i - 300) * PAGE_SIZE;
        assert_int_equal(page_of(to, at), frame_cap(0)->address + i * PAGE_SIZE);
        assert_int_equal(prot_of(to, at), PROT_READ);
        assert_int_equal(prot_of(from, at), PROT_READ);
    }
    assert_int_equal(page_of(to, GIB + LARGE), frame_cap(0)->address + 1024 * PAGE_SIZE);
    assert_int_equal(prot_of(to, top), RX);
    assert_int_equal(to->stocked, 0);
    world_check();
    assert_int_equal(tlb_count, 1);  // only what was narrowed was flushed
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, top, 1), BLAME(MAPPED, 2));
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB + LARGE, 512), BLAME(MAPPED, 2));
}

// Tables are counted and made again on the way, with leaves that change before and behind.
static void test_copy_windows(void **state)
{
    (void)state;
    const uint64_t far = 16ull << 20;
    stock(0, 0, 5);
    stock(1, 5, 4);
    attach(0, 0);
    frame_make(1, frame_cap(0)->address, 4096, RIGHT_READ);
    attach(1, 1);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 1, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB + far, 1, 1, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB + 2 * far, 2, 1, RW), 0);
    tlb_load(spaces[0], GIB);
    tlb_load(spaces[0], GIB + far);
    assert_int_equal(CALL(op_aspace_copy, space_cap(0), SLOT_SPACE + 1, GIB, far / PAGE_SIZE + 1,
                          COPY_READ_ONLY),
                     0);
    assert_int_equal(prot_of(spaces[1], GIB + far), PROT_READ);
    assert_int_equal(tlb_count, 0);
    world_check();
}

static void test_copy_rights(void **state)
{
    (void)state;
    struct cap *cap = space_cap(0);
    stock(0, 0, 4);
    stock(1, 4, 4);
    frame_cap(0)->rights = RIGHT_ALL;
    attach(0, 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 1, RWX), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB + PAGE_SIZE, 1, 1, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB + 2 * PAGE_SIZE, 10, 1, RW), 0);
    const unsigned cases[][4] = {
        // rights of the destination's frame, result at the three pages
        { RIGHT_ALL, RWX, RW, RW },
        { RWX, RX, RW, RW },
        { RW, RW, RW, RW },
        { RX, RX, PROT_READ, PROT_READ },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        frame_make(1, frame_cap(0)->address, 11, cases[i][0]);
        attach(1, 1);
        assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB, 512), 0);
        for (unsigned page = 0; page < 3; page++) {
            assert_int_equal(prot_of(spaces[1], GIB + page * PAGE_SIZE), cases[i][1 + page]);
        }
        assert_int_equal(prot_of(spaces[0], GIB), RWX);
        world_check();
        assert_int_equal(CALL(op_frame_detach, frame_cap(1)), 0);
    }
    // Not readable, or too small for the third page.
    frame_make(1, frame_cap(0)->address, 11, RIGHT_WRITE);
    attach(1, 1);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB, 512), BLAME(STATE, 1));
    assert_int_equal(CALL(op_frame_detach, frame_cap(1)), 0);
    frame_make(1, frame_cap(0)->address, 10, RIGHT_READ);
    attach(1, 1);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB, 512), BLAME(STATE, 1));
    assert_int_equal(prot_of(spaces[1], GIB + PAGE_SIZE), PROT_READ);
    assert_int_equal(prot_of(spaces[1], GIB + 2 * PAGE_SIZE), 0);
    world_check();
}

// A copy needs tables only for what is there, counted once each.
static void test_copy_tables(void **state)
{
    (void)state;
    struct cap *cap = space_cap(0);
    stock(0, 0, 8);
    stock(1, 8, 4);
    attach(0, 0);
    frame_make(1, frame_cap(0)->address, 4096, RW);
    attach(1, 1);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB - PAGE_SIZE, 0, 2, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), 600 * GIB, 0, 1, RW), 0);
    const uint64_t at = GIB - 4 * LARGE, pages = 8ull * 512;
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, at, pages), BLAME(TABLES, 2));
    assert_int_equal(inv.words[0], 1);
    assert_int_equal(spaces[1]->used, 0);
    stock(1, 12, 1);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, at, pages), 0);
    assert_int_equal(spaces[1]->used, 5);
    world_check();
}

// A large leaf needs a frame that holds all of it, and a small one a table.
static void test_copy_large(void **state)
{
    (void)state;
    struct cap *cap = space_cap(0);
    stock(0, 0, 4);
    stock(1, 4, 5);
    attach(0, 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 1024, RW | PROT_LARGE), 0);
    frame_make(1, frame_cap(0)->address, 1023, RIGHT_ALL);
    attach(1, 1);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB, 1024), BLAME(STATE, 1));
    assert_int_equal(page_of(spaces[1], GIB), frame_cap(0)->address);
    assert_int_equal(page_of(spaces[1], GIB + LARGE), 0);
    assert_int_equal(CALL(op_aspace_unmap, space_cap(1), GIB, 1024), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(1), GIB + LARGE, 0, 1, RW), 0);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB + LARGE, 512), BLAME(STATE, 1));
    assert_int_equal(CALL(op_frame_detach, frame_cap(1)), 0);
    frame_cap(1)->aux = 1024;
    attach(1, 1);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB + LARGE, 512), BLAME(MAPPED, 2));
    assert_int_equal(CALL(op_aspace_unmap, cap, GIB, 512), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 512, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(1), GIB, 0, 512, RW | PROT_LARGE), 0);
    assert_int_equal(CALL(op_aspace_copy, cap, SLOT_SPACE + 1, GIB, 512), BLAME(MAPPED, 2));
    world_check();
}

// --- harvest -------------------------------------------------------------------------------------

static uint64_t *entry_of(struct aspace *as, uint64_t vaddr)
{
    uint64_t *table = as->root;
    for (unsigned level = 3;; level--) {
        uint64_t *entry = &table[vaddr >> (12 + 9 * level) & 511];
        assert_true(hal_pte_present(*entry));
        if (level == 0 || *entry & PTE_LARGE) {
            return entry;
        }
        table = (uint64_t *)hal_pte_address(*entry);
    }
}

static void test_harvest(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    stock(0, 0, 8);
    attach(0, 0);
    const uint64_t at = GIB - 600 * PAGE_SIZE;
    assert_int_equal(CALL(op_frame_map, frame_cap(0), at, 0, 600, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 1024, 512, RW | PROT_LARGE), 0);
    for (preempt_every = 0; preempt_every < 3; preempt_every++) {
        for (unsigned i = 0; i < 600; i++) {
            *entry_of(as, at + i * PAGE_SIZE) |= (i % 3 ? 0 : PTE_ACCESSED) |
                                                 (i % 7 ? 0 : PTE_DIRTY);
            tlb_load(as, at + i * PAGE_SIZE);
        }
        *entry_of(as, GIB) |= PTE_DIRTY;
        memset(&buffer, 0xa5, sizeof(buffer));
        assert_int_equal(CALL(op_aspace_harvest, space_cap(0), at, 1200), 0);
        for (unsigned i = 0; i < 1200; i++) {
            bool accessed = buffer.words[i / 64 * 2ul] >> i % 64 & 1;
            bool dirty = buffer.words[i / 64 * 2 + 1] >> i % 64 & 1;
            assert_int_equal(accessed, i < 600 && i % 3 == 0);
            assert_int_equal(dirty, i < 600 ? i % 7 == 0 : i < 1112);
        }
        assert_int_equal(buffer.words[38], 0xa5a5a5a5a5a5a5a5ull);
        world_check();
        assert_int_equal(CALL(op_aspace_harvest, space_cap(0), at, 1200), 0);
        for (unsigned i = 0; i < 38; i++) {
            assert_int_equal(buffer.words[i], 0);
        }
    }
    // All of the buffer and not more.
    memset(&buffer, 0xa5, sizeof(buffer));
    assert_int_equal(CALL(op_aspace_harvest, space_cap(0), at, 2048), 0);
    assert_int_equal(buffer.words[63], 0);
    assert_int_equal(buffer.caps[0], 0xa5a5a5a5a5a5a5a5ull);
}

// --- deleting tables -----------------------------------------------------------------------------

static struct cap *table_at(uint64_t address)
{
    for (unsigned i = 0; i < TABLES; i++) {
        if (slots[SLOT_TABLE + i].address == address) {
            return &slots[SLOT_TABLE + i];
        }
    }
    fail();
    return NULL;
}

// The table of `level` that translates `vaddr`.
static struct cap *table_for(struct aspace *as, uint64_t vaddr, unsigned level)
{
    uint64_t *table = as->root;
    for (unsigned at = 3; at > level; at--) {
        uint64_t pte = table[vaddr >> (12 + 9 * at) & 511];
        assert_true(hal_pte_present(pte));
        table = (uint64_t *)hal_pte_address(pte);
    }
    return table_at((uintptr_t)table);
}

// What deleting the original does: the memory is zeroed when it is retyped again.
static void table_delete(struct cap *table)
{
    assert_int_equal(pagetable_detach(table), 0);
    assert_int_equal(table->flags, CAP_ORIGINAL);
    assert_int_equal(table->bits, 12);
    assert_ptr_equal(table->space, NULL);
    assert_ptr_equal(table->stock_next, NULL);
    memset((void *)table->address, 0, PAGE_SIZE);
}

static void test_table_delete(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    attach(0, 0);
    for (unsigned level = 0; level < 3; level++) {
        stock(0, 0, 10);
        assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB - 2 * PAGE_SIZE, 0, 600, RW), 0);
        for (uint64_t i = 0; i < 600; i++) {
            tlb_load(as, GIB + (i - 2) * PAGE_SIZE);
        }
        struct cap *leaf = table_for(as, GIB, 0), *table = table_for(as, GIB, level);
        table_delete(table);
        world_check();
        assert_int_equal(page_of(as, GIB), 0);
        assert_int_equal(page_of(as, GIB - PAGE_SIZE) != 0, level < 2);
        assert_int_equal(page_of(as, GIB + LARGE) != 0, level < 1);
        // Others take the place; the tables that were below are deleted after that.
        assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 3, 20, RW), 0);
        world_check();
        if (leaf != table) {
            table_delete(leaf);
        }
        assert_int_equal(page_of(as, GIB), frame_cap(0)->address + 3 * PAGE_SIZE);
        world_check();
        for (unsigned i = 0; i < 10; i++) {
            table_delete(&slots[SLOT_TABLE + i]);
        }
        world_check();
        assert_int_equal(as->used + as->stocked, 0);
        assert_int_equal(as->root[0], 0);
        assert_int_equal(tlb_count, 0);
    }
}

static void test_moved(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    stock(0, 0, 6);
    for (unsigned i = 0; i < 4; i++) {
        attach(i, 0);
    }
    assert_int_equal(CALL(op_frame_map, frame_cap(2), GIB, 0, 4, RW), 0);
    for (unsigned i = 0; i < 6; i++) {
        struct cap *from = &slots[SLOT_TABLE + i], *to = &slots[SLOT_TABLE + 20 + i];
        struct cap other = *to;
        *to = *from;
        aspace_cap_moved(to, from);
        *from = other;
        world_check();
    }
    struct cap *to = frame_cap(FRAMES - 1);
    *to = *frame_cap(2);
    aspace_cap_moved(to, frame_cap(2));
    memset(frame_cap(2), 0, sizeof(struct cap));
    world_check();
    assert_int_equal(CALL(op_frame_map, to, GIB + 4 * PAGE_SIZE, 4, 4, RW), 0);
    assert_int_equal(CALL(op_aspace_protect, space_cap(0), GIB, 8, PROT_READ), 0);
    assert_int_equal(CALL(op_frame_detach, to), 0);
    assert_int_equal(page_of(as, GIB), 0);
    aspace_cap_moved(frame_cap(2), to);  // one that is not attached
    world_check();
}

// --- detach --------------------------------------------------------------------------------------

// Several frames leave at once, each going on for one step at a time; what leaves cannot be mapped.
static void test_detach_together(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    stock(0, 0, 12);
    stock(1, 12, 12);
    for (unsigned i = 0; i < 4; i++) {
        attach(i, 0);
    }
    for (uint64_t i = 0; i < 2048; i++) {
        assert_int_equal(CALL(op_frame_map, frame_cap(i % 4), GIB - 99 * PAGE_SIZE + i * PAGE_SIZE,
                              i, 1, RW),
                         0);
    }
    preempt_every = 1;
    bool gone[4] = { false };
    unsigned steps = 0;
    for (unsigned left = 3; left; steps++) {
        unsigned i = steps % 3;
        if (gone[i] || (i == 2 && steps < 30)) {
            continue;
        }
        enum err err = frame_detach(frame_cap(i));
        world_check();
        gone[i] = err == ERR_OK;
        left -= gone[i];
        if (gone[i]) {
            assert_int_equal(frame_cap(i)->flags, 0);
            continue;
        }
        assert_int_equal((unsigned)err, ERR_PREEMPTED);
        if (!(frame_cap(i)->flags & CAP_ATTACHED)) {
            continue;
        }
        assert_int_equal(CALL(op_frame_map, frame_cap(i), 4 * GIB, 0, 1, RW), BLAME(STATE, 0));
        assert_int_equal(CALL(op_frame_unmap, frame_cap(i), 4 * GIB, 1), BLAME(STATE, 0));
        assert_int_equal(CALL(op_frame_attach, frame_cap(i), SLOT_SPACE), BLAME(STATE, 0));
    }
    assert_true(steps < 2000);
    for (uint64_t i = 0; i < 2048; i++) {
        assert_int_equal(page_of(as, GIB - 99 * PAGE_SIZE + i * PAGE_SIZE) != 0, i % 4 == 3);
    }
    assert_int_equal(as->leaving, 0);
}

// A pass that is complete is not undone by the next frame that leaves, even when nobody came back
// for it.
static void test_detach_collected(void **state)
{
    (void)state;
    struct aspace *as = spaces[0];
    stock(0, 0, 12);
    for (unsigned i = 0; i < 4; i++) {
        attach(i, 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(CALL(op_frame_map, frame_cap(i), GIB + i * LARGE, 0, 400, RW), 0);
    }
    preempt_every = 1;
    assert_int_equal((unsigned)frame_detach(frame_cap(0)), ERR_PREEMPTED);
    assert_int_equal((unsigned)frame_detach(frame_cap(1)), ERR_PREEMPTED);
    preempt_every = 0;
    assert_int_equal((unsigned)frame_detach(frame_cap(1)), ERR_OK);
    // Its pages are gone by the same pass; copies to where it leaves are refused all the same.
    assert_int_equal(page_of(as, GIB), 0);
    assert_true(frame_cap(0)->flags & CAP_ATTACHED);
    assert_int_equal(as->leaving, 1);
    preempt_every = 1;
    while (frame_detach(frame_cap(2)) == ERR_PREEMPTED) {
        world_check();
    }
    assert_int_equal(frame_cap(0)->flags, 0);
    assert_int_equal((unsigned)frame_detach(frame_cap(0)), ERR_OK);
    assert_int_equal(as->leaving, 0);
    assert_int_equal(page_of(as, GIB + 3 * LARGE), frame_cap(3)->address);
    attach(0, 0);
    world_check();
    // The operation, taken out by another one between its steps: still a success.
    inv = (struct invocation){ .thread = &thread, .self = frame_cap(0) };
    assert_int_equal((unsigned)op_frame_detach(&inv), ERR_PREEMPTED);
    struct invocation first = inv;
    assert_int_equal(CALL(op_frame_detach, frame_cap(3)), 0);
    preempt_every = 0;
    attach(3, 0);
    assert_int_equal(CALL(op_frame_detach, frame_cap(3)), 0);
    assert_int_equal(frame_cap(0)->flags, 0);
    assert_int_equal((unsigned)op_frame_detach(&first), ERR_OK);
    world_check();
}

static void test_copy_to_leaving(void **state)
{
    (void)state;
    stock(0, 0, 4);
    stock(1, 4, 8);
    attach(0, 0);
    frame_make(1, frame_cap(0)->address, 4096, RW);
    attach(1, 1);
    assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 100, RW), 0);
    assert_int_equal(CALL(op_frame_map, frame_cap(1), 2 * GIB, 0, 100, RW), 0);
    preempt_every = 1;
    assert_int_equal((unsigned)frame_detach(frame_cap(1)), ERR_PREEMPTED);
    assert_int_equal(CALL(op_aspace_copy, space_cap(0), SLOT_SPACE + 1, GIB, 1), BLAME(STATE, 1));
    world_check();
}

// --- destroy -------------------------------------------------------------------------------------

static void test_destroy(void **state)
{
    (void)state;
    for (unsigned every = 0; every < 4; every++) {
        struct aspace *as = spaces[0];
        preempt_every = 0;
        stock(0, 0, 20);
        for (unsigned i = 0; i < 4; i++) {
            attach(i, 0);
        }
        assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB - 1000 * PAGE_SIZE, 0, 3000, RW), 0);
        assert_int_equal(CALL(op_frame_map, frame_cap(1), 600 * GIB, 0, 3, RW), 0);
        table_delete(table_for(as, GIB, 1));  // leaves tables that cannot be reached
        tlb_load(as, 600 * GIB);
        preempt_every = every;
        bool first = true;
        while (aspace_destroy_step(&originals[0]) == ERR_PREEMPTED) {
            assert_int_equal(tlb_count, 0);
            if (!first) {
                continue;
            }
            // In the middle of it: no new mappings, but frames and tables can be deleted.
            first = false;
            assert_int_equal(CALL(op_frame_map, frame_cap(0), GIB, 0, 1, RW), BLAME(DEAD, 0));
            assert_int_equal(CALL(op_frame_map, frame_cap(1), 601 * GIB - PAGE_SIZE, 0, 1, RW),
                             BLAME(DEAD, 0));
            assert_int_equal(CALL(op_frame_map, frame_cap(1), 600 * GIB + 8 * PAGE_SIZE, 0, 1, RW),
                             BLAME(DEAD, 0));
            assert_int_equal(CALL(op_frame_unmap, frame_cap(0), GIB, 1), BLAME(DEAD, 0));
            assert_int_equal(CALL(op_frame_detach, frame_cap(2)), 0);
            assert_int_equal(pagetable_detach(as->tables), 0);
            assert_int_equal(pagetable_detach(as->stock), 0);
        }
        for (unsigned i = 0; i < 20; i++) {
            assert_int_equal(slots[SLOT_TABLE + i].flags, CAP_ORIGINAL);
            assert_int_equal(slots[SLOT_TABLE + i].aux, 0);
        }
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(frame_cap(i)->flags, 0);
        }
        // Every table but the one deleted on the way is zero again.
        unsigned dirty = 0;
        for (unsigned i = 0; i < 20; i++) {
            const uint64_t *table = (const uint64_t *)slots[SLOT_TABLE + i].address;
            bool zero = true;
            for (unsigned k = 0; k < 512; k++) {
                zero = zero && !table[k];
            }
            dirty += !zero;
        }
        assert_true(dirty <= (every ? 1 : 0));
        memset((void *)arena_page(2 * SPACES), 0, 20 * PAGE_SIZE);
        memset(as, 0, sizeof(*as));
        aspace_init(&originals[0]);
    }
}

// --- random sequences against a shadow -----------------------------------------------------------

#define WINDOW      1024u
#define WINDOW_BASE (GIB - 512 * PAGE_SIZE)

static struct shadow {
    uint64_t page;  // 0: nothing
    unsigned prot;
} shadows[SPACES][WINDOW];

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static unsigned rnd(unsigned limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % limit;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool allowed(unsigned rights, unsigned prot)
{
    return !(prot & ~rights) &&
           ((prot & (PROT_WRITE | PROT_EXECUTE)) != (PROT_WRITE | PROT_EXECUTE) ||
            rights & RIGHT_WX);
}

static struct shadow *shadow_at(const struct aspace *as, uint64_t vaddr)
{
    unsigned i = 0;
    while (spaces[i] != as) {
        i++;
    }
    return &shadows[i][(vaddr - WINDOW_BASE) / PAGE_SIZE];
}

static void shadow_check(void)
{
    world_check();
    for (unsigned i = 0; i < SPACES; i++) {
        for (unsigned k = 0; k < WINDOW; k++) {
            assert_int_equal(page_of(spaces[i], WINDOW_BASE + k * PAGE_SIZE), shadows[i][k].page);
            if (shadows[i][k].page) {
                assert_int_equal(prot_of(spaces[i], WINDOW_BASE + k * PAGE_SIZE),
                                 shadows[i][k].prot);
            }
        }
    }
}

static void restock(unsigned space, uint64_t count)
{
    for (unsigned i = 0; i < TABLES && count; i++) {
        if (!(slots[SLOT_TABLE + i].flags & CAP_ATTACHED)) {
            stock(space, i, 1);
            count--;
        }
    }
}

static void random_map(unsigned i, uint64_t at, unsigned pages)
{
    struct cap *f = frame_cap(i);
    unsigned prot = PROT_READ | (rnd(2)   ? PROT_WRITE
                                 : rnd(2) ? PROT_EXECUTE
                                          : 0),
             first = rnd(f->aux);
    struct aspace *as = f->space;
    prot = rnd(8) ? prot : rnd(8);
    prot |= rnd(3) ? 0 : PROT_REPLACE;
    pages = rnd(8) ? least(pages, f->aux - first) : pages;
    uint64_t page = first;
    unsigned result = CALL(op_frame_map, f, at, page, pages, prot);
    unsigned expected = 0;
    if (!(f->flags & CAP_ATTACHED)) {
        expected = BLAME(STATE, 0);
    } else if (pages > f->aux - first) {
        expected = BLAME(RANGE, 3);
    } else if (!allowed(f->rights, prot & PROT_RIGHTS)) {
        expected = BLAME(RIGHTS, 4);
    } else if (!(prot & PROT_READ)) {
        expected = BLAME(RANGE, 4);
    }
    unsigned done = pages;
    if (!expected && result == BLAME(TABLES, 1)) {
        expected = result, done = pages - (unsigned)inv.words[2];
    }
    for (unsigned k = 0; (!expected || result == BLAME(TABLES, 1)) && k < done; k++) {
        struct shadow *shadow = shadow_at(as, at + k * PAGE_SIZE);
        if (shadow->page && !(prot & PROT_REPLACE)) {
            expected = BLAME(MAPPED, 1);
            break;
        }
        *shadow = (struct shadow){ f->address + (first + k) * PAGE_SIZE, prot & PROT_RIGHTS };
    }
    assert_int_equal(result, expected);
    if (result == BLAME(TABLES, 1) && f->flags & CAP_ATTACHED && rnd(4)) {
        restock(as == spaces[0] ? 0 : as == spaces[1] ? 1 : 2, inv.words[0]);
    }
}

static void random_copy(unsigned i, unsigned to, uint64_t at, unsigned pages)
{
    bool read_only = rnd(2);
    unsigned result = CALL(op_aspace_copy, space_cap(i), SLOT_SPACE + to, at, pages, read_only);
    unsigned expected = i == to ? BLAME(STATE, 1) : 0, done = pages;
    if (result == BLAME(TABLES, 2)) {
        done = pages - (unsigned)inv.words[2];
    }
    for (unsigned k = 0; !expected && k < done; k++) {
        struct shadow *source = shadow_at(spaces[i], at + k * PAGE_SIZE);
        struct shadow *target = shadow_at(spaces[to], at + k * PAGE_SIZE);
        if (!source->page) {
            continue;
        }
        const struct cap *owner = owner_of(spaces[to], source->page);
        if (!owner || !(owner->rights & RIGHT_READ)) {
            expected = BLAME(STATE, 1);
        } else if (target->page) {
            expected = BLAME(MAPPED, 2);
        } else {
            source->prot &= read_only ? ~PROT_WRITE : PROT_RIGHTS;
            *target = (struct shadow){ source->page, source->prot & owner->rights };
            if (!allowed(owner->rights, target->prot)) {
                target->prot &= ~PROT_WRITE;
            }
        }
    }
    if (result == BLAME(TABLES, 2)) {
        assert_int_equal(expected, 0);
        if (rnd(4)) {
            restock(to, inv.words[0]);
        }
        return;
    }
    assert_int_equal(result, expected);
}

static void random_remove(unsigned i, unsigned frame, uint64_t at, unsigned pages)
{
    struct cap *f = frame_cap(frame);
    bool one = rnd(2);
    if (one && !(f->flags & CAP_ATTACHED)) {
        return;
    }
    struct aspace *as = one ? f->space : spaces[i];
    assert_int_equal(one ? CALL(op_frame_unmap, f, at, pages)
                         : CALL(op_aspace_unmap, space_cap(i), at, pages),
                     0);
    for (unsigned k = 0; k < pages; k++) {
        struct shadow *shadow = shadow_at(as, at + k * PAGE_SIZE);
        if (!one || shadow->page - f->address < cap_bytes(f)) {
            shadow->page = 0;
        }
    }
}

static void random_protect(unsigned i, uint64_t at, unsigned pages)
{
    unsigned prot = rnd(8) | PROT_READ, expected = 0;
    unsigned result = CALL(op_aspace_protect, space_cap(i), at, pages, prot);
    for (unsigned k = 0; !expected && k < pages; k++) {
        struct shadow *shadow = shadow_at(spaces[i], at + k * PAGE_SIZE);
        if (!shadow->page) {
            continue;
        }
        if (allowed(owner_of(spaces[i], shadow->page)->rights, prot)) {
            shadow->prot = prot;
        } else {
            expected = BLAME(RIGHTS, 3);
        }
    }
    assert_int_equal(result, expected);
}

static void random_detach(unsigned frame)
{
    struct cap *f = frame_cap(frame);
    struct aspace *as = f->space;
    bool attached = f->flags & CAP_ATTACHED;
    assert_int_equal(CALL(op_frame_detach, f), attached ? 0 : BLAME(STATE, 0));
    for (unsigned k = 0; attached && k < WINDOW; k++) {
        struct shadow *shadow = shadow_at(as, WINDOW_BASE + k * PAGE_SIZE);
        if (shadow->page - f->address < cap_bytes(f)) {
            shadow->page = 0;
        }
    }
}

static void random_attach(unsigned frame, unsigned space)
{
    struct cap *f = frame_cap(frame);
    unsigned expected = f->flags & CAP_ATTACHED ? BLAME(STATE, 0) : 0;
    for (unsigned i = 0; !expected && i < FRAMES; i++) {
        struct cap *other = frame_cap(i);
        if (other->flags & CAP_ATTACHED && other->space == spaces[space] &&
            other->address < f->address + cap_bytes(f) &&
            f->address < other->address + cap_bytes(other)) {
            expected = BLAME(OVERLAP, 0);
        }
    }
    assert_int_equal(CALL(op_frame_attach, f, SLOT_SPACE + space), expected);
}

static void random_table_delete(void)
{
    struct cap *table = &slots[SLOT_TABLE + rnd(TABLES)];
    table_delete(table);
    for (unsigned i = 0; i < SPACES; i++) {
        for (unsigned k = 0; k < WINDOW; k++) {
            if (shadows[i][k].page && !page_of(spaces[i], WINDOW_BASE + k * PAGE_SIZE)) {
                shadows[i][k].page = 0;
            }
        }
    }
}

static void random_step(void)
{
    unsigned space = rnd(SPACES), frame = rnd(FRAMES), first = rnd(WINDOW);
    unsigned pages = 1 + rnd(rnd(4) ? least(100, WINDOW - first) : WINDOW - first);
    uint64_t at = WINDOW_BASE + first * PAGE_SIZE;
    preempt_every = rnd(4);
    switch (rnd(16)) {
    case 0:
    case 1:
    case 2: random_attach(frame, space); break;
    case 3: random_remove(space, frame, at, pages); break;
    case 4:
    case 5: random_protect(space, at, pages); break;
    case 6:
    case 7:
    case 8: random_copy(space, rnd(SPACES), at, pages); break;
    case 9: assert_int_equal(CALL(op_aspace_harvest, space_cap(space), at, pages), 0); break;
    case 10:
        if (!rnd(8)) {
            random_detach(frame);
        } else if (!rnd(8)) {
            random_table_delete();
        }
        break;
    default: random_map(frame, at, pages);
    }
    for (unsigned i = 0; i < 8; i++) {
        at = WINDOW_BASE + rnd(WINDOW) * PAGE_SIZE;
        if (page_of(spaces[space], at) && !spaces[space]->domain) {
            *entry_of(spaces[space], at) |= PTE_ACCESSED | (rnd(2) ? PTE_DIRTY : 0);
        }
        tlb_load(spaces[space], at);
    }
}

static void test_random(void **state)
{
    for (unsigned round = 0; round < 20; round++) {
        teardown(state);
        setup(state);
        memset(shadows, 0, sizeof(shadows));
        if (round % 2) {
            io_make(SPACES - 1);
        }
        const unsigned rights[] = { 7, 7, 1, 3, 5, 7 | RIGHT_WX, 2, 3 };
        for (unsigned i = 0; i < FRAMES; i++) {
            frame_make(i, RAM + (i % 2 * 1600 + rnd(100)) * PAGE_SIZE, 1 + rnd(1500), rights[i]);
        }
        for (unsigned step = 0; step < 1000; step++) {
            random_step();
            shadow_check();
        }
        for (unsigned i = 0; i < SPACES; i++) {
            while (aspace_destroy_step(&originals[i]) == ERR_PREEMPTED) {}
        }
        for (unsigned i = 0; i < SLOT_SELF; i++) {
            assert_int_equal(slots[i].flags & (CAP_ATTACHED | CAP_IN_USE), 0);
        }
    }
}

// A space that an IOMMU walks in three levels ends where these end, and its tables come back.
static void test_io(void **state)
{
    (void)state;
    const uint64_t end = 1ull << 39;
    struct cap *space = space_cap(0), *frame = frame_cap(0);
    io_make(0);
    assert_int_equal(CALL(op_frame_attach, frame, SLOT_SPACE), 0);
    assert_int_equal(CALL(op_frame_map, frame, end - PAGE_SIZE, 0, 1, PROT_READ), BLAME(TABLES, 1));
    assert_int_equal(inv.words[0], 2);
    restock(0, 4);
    assert_int_equal(CALL(op_frame_map, frame, end - PAGE_SIZE, 0, 1, PROT_READ), 0);
    assert_int_equal(CALL(op_frame_map, frame, LARGE, 0, 512, PROT_READ | PROT_LARGE), 0);
    assert_int_equal(CALL(op_frame_map, frame, end, 0, 1, PROT_READ), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_frame_map, frame, end - PAGE_SIZE, 0, 2, PROT_READ), BLAME(RANGE, 3));
    assert_int_equal(CALL(op_frame_unmap, frame, end, 1), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_aspace_protect, space, end, 1, PROT_READ), BLAME(RANGE, 1));
    assert_int_equal(CALL(op_aspace_copy, space_cap(1), SLOT_SPACE, end - PAGE_SIZE, 2, 0),
                     BLAME(RANGE, 3));
    assert_int_equal(CALL(op_aspace_harvest, space, end - PAGE_SIZE, 2), BLAME(RANGE, 2));
    world_check();
    assert_int_equal(CALL(op_aspace_unmap, space, PAGE_SIZE, end / PAGE_SIZE - 1), 0);
    assert_int_equal(page_of(spaces[0], end - PAGE_SIZE), 0);
    world_check();
    assert_int_equal(CALL(op_frame_detach, frame), 0);
    while (aspace_destroy_step(&originals[0]) == ERR_PREEMPTED) {}
    assert_int_equal(spaces[0]->domain, 0);
}

// Any values in any order: nothing but errors, and the invariants hold.
static void test_hostile(void **state)
{
    (void)state;
    enum err (*const ops[])(struct invocation *) = {
        op_frame_attach, op_frame_detach,   op_frame_map,    op_frame_unmap, op_frame_paddr,
        op_aspace_stock, op_aspace_protect, op_aspace_unmap, op_aspace_copy, op_aspace_harvest,
    };
    const uint64_t words[] = { 0,
                               1,
                               2,
                               3,
                               7,
                               32,
                               39,
                               64,
                               511,
                               512,
                               4096,
                               LARGE,
                               GIB,
                               GIB + LARGE,
                               USER_END,
                               USER_END - PAGE_SIZE,
                               KERNEL_DIRECT_BASE,
                               UINT64_MAX,
                               UINT64_MAX - 4095,
                               1ull << 35,
                               1ull << 47,
                               1ull << 63,
                               SLOT_SELF,
                               SLOT_SPACE,
                               SLOT_SPACE + 1,
                               SLOT_TABLE,
                               SLOT_FRAME };
    unsigned served = 0;
    for (unsigned step = 0; step < 60000; step++) {
        unsigned op = rnd(sizeof(ops) / sizeof(ops[0]));
        struct cap *self = op < 5 ? frame_cap(rnd(FRAMES)) : space_cap(rnd(SPACES));
        uint64_t args[6];
        for (unsigned i = 0; i < 6; i++) {
            args[i] = words[rnd(sizeof(words) / sizeof(words[0]))];
        }
        preempt_every = 0;
        served += call_op(ops[op], self, args) == 0;
        if (step % 64 == 0) {
            world_check();
        }
    }
    assert_true(served > 3000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_stock_refusals),
        TEST(test_attach),
        TEST(test_paddr_and_ram),
        TEST(test_map_refusals),
        TEST(test_map_tables),
        TEST(test_map_windows),
        TEST(test_map_preempted),
        TEST(test_map_replace),
        TEST(test_map_types),
        TEST(test_large),
        TEST(test_range_refusals),
        TEST(test_protect),
        TEST(test_copy),
        TEST(test_copy_windows),
        TEST(test_copy_rights),
        TEST(test_copy_tables),
        TEST(test_copy_large),
        TEST(test_harvest),
        TEST(test_table_delete),
        TEST(test_moved),
        TEST(test_detach_together),
        TEST(test_detach_collected),
        TEST(test_copy_to_leaving),
        TEST(test_destroy),
        TEST(test_io),
        TEST(test_random),
        TEST(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
