// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Frame: attach, detach, map, unmap, paddr.
#include "dying.h"
#include "groups.h"

#include <rt/space.h>

#define FRAME_BITS  14u
#define FRAME_PAGES 4u
#define PROT_RW     (PROT_READ | PROT_WRITE)

// A frame of four pages attached to a new space.
struct stage {
    struct rt_space space;
    cap_t frame, attached;
};

static void stage_make(struct stage *stage, unsigned rights)
{
    EXPECT_OK(rt_space_new(&stage->space));
    stage->frame = make_sized(KIND_FRAME, FRAME_BITS);
    stage->attached = derive(stage->frame, rights);
    EXPECT_OK(frame_attach(stage->attached, stage->space.cap));
}

static void stage_end(struct stage *stage)
{
    rt_cap_delete(stage->attached);
    rt_object_delete(stage->frame);
    rt_space_delete(&stage->space);
}

static void attach_refuses(void)
{
    struct stage stage;
    stage_make(&stage, RIGHT_READ | RIGHT_WRITE);
    cap_t other = derive(stage.frame, RIGHT_READ);
    struct ipc_words words = WORDS(stage.space.cap);
    refuse(OP_FRAME_ATTACH, stage.frame, words, ERR_ORIGINAL, 0);
    refuse(OP_FRAME_ATTACH, stage.attached, words, ERR_STATE, 0);
    refuse(OP_FRAME_ATTACH, other, words, ERR_OVERLAP, 0);
    cap_t free = make_sized(KIND_FRAME, 12);
    cap_t derived = derive(free, RIGHT_READ);
    refuse_cap(OP_FRAME_ATTACH, derived, words, 1);
    rt_object_delete(free);
    rt_slots_free(derived, 1);
    rt_cap_delete(other);
    stage_end(&stage);
}

// A part of a frame overlaps another part of it only where they share pages.
static void attach_sees_parts(void)
{
    struct stage stage;
    stage_make(&stage, RIGHT_READ);
    EXPECT_OK(frame_detach(stage.attached));
    cap_t low = mint(stage.frame, RIGHT_READ, 0ull | 2ull << 32);
    cap_t high = mint(stage.frame, RIGHT_READ, 2ull | 2ull << 32);
    cap_t middle = mint(stage.frame, RIGHT_READ, 1ull | 2ull << 32);
    EXPECT_OK(frame_attach(low, stage.space.cap));
    EXPECT_OK(frame_attach(high, stage.space.cap));
    refuse(OP_FRAME_ATTACH, middle, WORDS(stage.space.cap), ERR_OVERLAP, 0);
    rt_cap_delete(low);
    rt_cap_delete(high);
    EXPECT_OK(frame_attach(middle, stage.space.cap));
    rt_cap_delete(middle);
    stage_end(&stage);
}

static void unattached_refused(void)
{
    cap_t frame = make_sized(KIND_FRAME, FRAME_BITS);
    cap_t derived = derive(frame, RIGHT_READ);
    refuse(OP_FRAME_DETACH, derived, WORDS(0), ERR_STATE, 0);
    refuse(OP_FRAME_MAP, derived, WORDS(TEST_VADDR, 0, 1, PROT_READ), ERR_STATE, 0);
    refuse(OP_FRAME_UNMAP, derived, WORDS(TEST_VADDR, 1), ERR_STATE, 0);
    rt_cap_delete(derived);
    rt_object_delete(frame);
}

static void map_refuses_addresses(void)
{
    struct stage stage;
    unsigned op = OP_FRAME_MAP;
    stage_make(&stage, RIGHT_READ | RIGHT_WRITE);
    refuse(op, stage.attached, WORDS(TEST_VADDR + 8, 0, 1, PROT_READ), ERR_ALIGN, 1);
    refuse(op, stage.attached, WORDS(USER_END, 0, 1, PROT_READ), ERR_RANGE, 1);
    refuse(op, stage.attached, WORDS(USER_END - PAGE_SIZE, 0, 2, PROT_READ), ERR_RANGE, 3);
    refuse(op, stage.attached, WORDS(KERNEL_ADDRESS, 0, 1, PROT_READ), ERR_RANGE, 1);
    refuse(op, stage.attached, WORDS(0 - PAGE_SIZE, 0, 1, PROT_READ), ERR_RANGE, 1);
    refuse(op, stage.attached, WORDS(TEST_VADDR, FRAME_PAGES, 1, PROT_READ), ERR_RANGE, 2);
    refuse(op, stage.attached, WORDS(TEST_VADDR, UINT64_MAX, 1, PROT_READ), ERR_RANGE, 2);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0, 0, PROT_READ), ERR_RANGE, 3);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0, FRAME_PAGES + 1, PROT_READ), ERR_RANGE, 3);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 1, UINT64_MAX, PROT_READ), ERR_RANGE, 3);
    stage_end(&stage);
}

static void map_refuses_rights(void)
{
    struct stage stage;
    unsigned op = OP_FRAME_MAP;
    stage_make(&stage, RIGHT_READ | RIGHT_EXECUTE);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0, 1, PROT_RW), ERR_RIGHTS, 4);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0, 1, 1u << 7 | PROT_READ), ERR_RANGE, 4);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0, 1, 1ull << 40 | PROT_READ), ERR_RANGE, 4);
    stage_end(&stage);
    stage_make(&stage, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0, 1, PROT_RIGHTS), ERR_RIGHTS, 4);
    stage_end(&stage);
}

static void map_refuses_large(void)
{
    struct rt_space space;
    EXPECT_OK(rt_space_new(&space));
    cap_t frame = make_sized(KIND_FRAME, 21);
    cap_t attached = derive(frame, RIGHT_READ);
    EXPECT_OK(frame_attach(attached, space.cap));
    refuse(OP_FRAME_MAP, attached, WORDS(TEST_VADDR + PAGE_SIZE, 0, 512, PROT_READ | PROT_LARGE),
           ERR_ALIGN, 1);
    EXPECT_OK(rt_space_map(&space, attached, TEST_VADDR, 0, 512, PROT_READ | PROT_LARGE));
    rt_cap_delete(attached);
    rt_object_delete(frame);
    rt_space_delete(&space);
}

// The kernel says how many tables it lacks: with as many it works.
static void map_counts_tables(void)
{
    struct stage stage;
    stage_make(&stage, RIGHT_READ);
    struct frame_map_result result = frame_map(stage.attached, TEST_VADDR, 0, FRAME_PAGES,
                                               PROT_READ);
    EXPECT_ERR(OP_FRAME_MAP, result.status, ERR_TABLES, 1);
    EXPECT_EQUAL(result.missing, 3);
    EXPECT_OK(rt_space_map(&stage.space, stage.attached, TEST_VADDR, 0, FRAME_PAGES, PROT_READ));
    refuse(OP_FRAME_MAP, stage.attached, WORDS(TEST_VADDR, 0, 1, PROT_READ), ERR_MAPPED, 1);
    EXPECT_OK(frame_map(stage.attached, TEST_VADDR, 1, 1, PROT_READ | PROT_REPLACE).status);
    stage_end(&stage);
}

static void unmap_refuses(void)
{
    struct stage stage;
    unsigned op = OP_FRAME_UNMAP;
    stage_make(&stage, RIGHT_READ);
    refuse(op, stage.attached, WORDS(TEST_VADDR + 1, 1), ERR_ALIGN, 1);
    refuse(op, stage.attached, WORDS(KERNEL_ADDRESS, 1), ERR_RANGE, 1);
    refuse(op, stage.attached, WORDS(USER_END, 1), ERR_RANGE, 1);
    refuse(op, stage.attached, WORDS(TEST_VADDR, 0), ERR_RANGE, 2);
    refuse(op, stage.attached, WORDS(TEST_VADDR, UINT64_MAX), ERR_RANGE, 2);
    stage_end(&stage);
}

// Two mappings of one page show the same memory; unmapping one leaves the other; detaching takes
// both.
static void mappings_share(void)
{
    cap_t frame = make_sized(KIND_FRAME, FRAME_BITS);
    cap_t attached = derive(frame, RIGHT_READ | RIGHT_WRITE);
    volatile uint64_t *one = (volatile uint64_t *)TEST_VADDR;
    volatile uint64_t *other = (volatile uint64_t *)(TEST_VADDR + 8 * PAGE_SIZE);
    EXPECT_OK(frame_attach(attached, rt_own_space.cap));
    EXPECT_OK(rt_space_map(&rt_own_space, attached, TEST_VADDR, 2, 1, PROT_RW));
    EXPECT_OK(rt_space_map(&rt_own_space, attached, TEST_VADDR + 8 * PAGE_SIZE, 2, 1, PROT_READ));
    *one = 0x1234;
    EXPECT_EQUAL(*other, 0x1234);
    EXPECT_OK(frame_unmap(attached, TEST_VADDR, 1));
    EXPECT_EQUAL(*other, 0x1234);
    EXPECT_OK(frame_map(attached, TEST_VADDR, 1, 1, PROT_RW).status);
    EXPECT_EQUAL(*one, 0);
    EXPECT_OK(frame_detach(attached));
    refuse(OP_FRAME_UNMAP, attached, WORDS(TEST_VADDR, 1), ERR_STATE, 0);
    rt_cap_delete(attached);
    rt_object_delete(frame);
}

static void paddr_needs_its_right(void)
{
    cap_t frame = make_sized(KIND_FRAME, FRAME_BITS);
    cap_t known = derive(frame, RIGHT_PADDR);
    cap_t unknown = derive(frame, RIGHT_ALL & ~RIGHT_PADDR);
    struct captable_identify_result what = captable_identify(CSPACE, known);
    refuse(OP_FRAME_PADDR, unknown, WORDS(0), ERR_RIGHTS, 0);
    EXPECT_OK(what.status);
    if (what.kind_rights & RIGHT_PADDR << 8) {
        struct frame_paddr_result first = frame_paddr(known);
        EXPECT_OK(first.status);
        EXPECT_EQUAL(first.paddr & ((1u << FRAME_BITS) - 1), 0);
    }
    rt_cap_delete(known);
    rt_cap_delete(unknown);
    rt_object_delete(frame);
}

// ---- an address space that is being destroyed --------------------------------------------------
static cap_t probe_frame;

static void probe_attach(cap_t victim)
{
    test_hit(OP_FRAME_ATTACH, frame_attach(probe_frame, victim));
    rt_ignore(frame_detach(probe_frame));  // attached, if the space lives
}

static bool attach_seen(void)
{
    return test_was_hit(OP_FRAME_ATTACH, ERR_DEAD, 1);
}

static void dying_space_refused(void)
{
    struct dying dying = { .probe = probe_attach, .done = attach_seen };
    cap_t frame = make_sized(KIND_FRAME, FRAME_BITS);
    cap_t space = make(KIND_ADDRESS_SPACE);
    probe_frame = derive(frame, RIGHT_READ);
    EXPECT(dying_observe(&dying, space));
    rt_cap_delete(probe_frame);
    rt_object_delete(space);
    rt_object_delete(frame);
}

GROUP(frame, TEST(attach_refuses), TEST(attach_sees_parts), TEST(unattached_refused),
      TEST(map_refuses_addresses), TEST(map_refuses_rights), TEST(map_refuses_large),
      TEST(map_counts_tables), TEST(unmap_refuses), TEST(mappings_share),
      TEST(paddr_needs_its_right), TEST(dying_space_refused));
