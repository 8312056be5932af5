// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// AddressSpace: stock, protect, unmap, copy, harvest.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#include <rt/space.h>

#define PROT_RW    (PROT_READ | PROT_WRITE)
#define FRAME_BITS 14u
#define PAGES      4u

// Four pages mapped at TEST_VADDR of a new space.
struct stage {
    struct rt_space space;
    cap_t frame, attached;
};

static void stage_make(struct stage *stage, unsigned rights, unsigned prot)
{
    EXPECT_OK(rt_space_new(&stage->space));
    stage->frame = make_sized(KIND_FRAME, FRAME_BITS);
    stage->attached = derive(stage->frame, rights);
    EXPECT_OK(frame_attach(stage->attached, stage->space.cap));
    EXPECT_OK(rt_space_map(&stage->space, stage->attached, TEST_VADDR, 0, PAGES, prot));
}

static void stage_end(struct stage *stage)
{
    rt_cap_delete(stage->attached);
    rt_object_delete(stage->frame);
    rt_space_delete(&stage->space);
}

static void stock_refuses(void)
{
    struct rt_space space;
    unsigned op = OP_ADDRESS_SPACE_STOCK;
    EXPECT_OK(rt_space_new(&space));
    cap_t table = make(KIND_PAGETABLE);
    struct ipc_words words = WORDS(CSPACE, table, 1);
    refuse_rights(op, space.cap, words);
    refuse_cap(op, space.cap, words, 1);
    refuse(op, space.cap, WORDS(CSPACE, empty_slot(), 1), ERR_SLOT, 2);
    refuse(op, space.cap, WORDS(CSPACE, SLOT_OUTSIDE, 1), ERR_SLOT, 2);
    refuse(op, space.cap, WORDS(CSPACE, wrong_kind(KIND_PAGETABLE), 1), ERR_TYPE, 2);
    refuse(op, space.cap, WORDS(CSPACE, table, 0), ERR_RANGE, 3);
    refuse(op, space.cap, WORDS(CSPACE, table, UINT64_MAX), ERR_RANGE, 3);
    EXPECT_OK(aspace_stock(space.cap, CSPACE, table, 1));
    refuse(op, space.cap, words, ERR_STATE, 2);
    rt_object_delete(table);
    rt_space_delete(&space);
}

// What protect, unmap and harvest refuse alike about a range.
static void refuse_ranges(unsigned op, cap_t space, struct ipc_words words)
{
    refuse_rights(op, space, words);
    words.word[0] = TEST_VADDR + 16;
    refuse(op, space, words, ERR_ALIGN, 1);
    words.word[0] = KERNEL_ADDRESS;
    refuse(op, space, words, ERR_RANGE, 1);
    words.word[0] = USER_END;
    refuse(op, space, words, ERR_RANGE, 1);
    words.word[0] = TEST_VADDR;
    words.word[1] = 0;
    refuse(op, space, words, ERR_RANGE, 2);
    words.word[1] = UINT64_MAX;
    refuse(op, space, words, ERR_RANGE, 2);
}

static void protect_refuses(void)
{
    struct stage stage;
    unsigned op = OP_ADDRESS_SPACE_PROTECT;
    stage_make(&stage, RIGHT_READ, PROT_READ);
    refuse_ranges(op, stage.space.cap, WORDS(TEST_VADDR, PAGES, PROT_READ));
    refuse(op, stage.space.cap, WORDS(TEST_VADDR, PAGES, PROT_RW), ERR_RIGHTS, 3);
    refuse(op, stage.space.cap, WORDS(TEST_VADDR, PAGES, PROT_REPLACE | PROT_READ), ERR_RANGE, 3);
    refuse(op, stage.space.cap, WORDS(TEST_VADDR, PAGES, 1ull << 20), ERR_RANGE, 3);
    stage_end(&stage);
}

static void unmap_refuses(void)
{
    struct stage stage;
    stage_make(&stage, RIGHT_READ, PROT_READ);
    refuse_ranges(OP_ADDRESS_SPACE_UNMAP, stage.space.cap, WORDS(TEST_VADDR, PAGES));
    EXPECT_OK(aspace_unmap(stage.space.cap, TEST_VADDR, PAGES));
    EXPECT_OK(frame_map(stage.attached, TEST_VADDR, 0, PAGES, PROT_READ).status);
    stage_end(&stage);
}

static void copy_refuses_arguments(void)
{
    struct stage from;
    struct stage to;
    unsigned op = OP_ADDRESS_SPACE_COPY;
    stage_make(&from, RIGHT_READ, PROT_READ);
    stage_make(&to, RIGHT_READ, PROT_READ);
    struct ipc_words words = WORDS(to.space.cap, TEST_VADDR, PAGES, 0);
    refuse_rights(op, from.space.cap, words);
    refuse_cap(op, from.space.cap, words, 1);
    refuse(op, from.space.cap, WORDS(to.space.cap, TEST_VADDR + 1, PAGES, 0), ERR_ALIGN, 2);
    refuse(op, from.space.cap, WORDS(to.space.cap, KERNEL_ADDRESS, PAGES, 0), ERR_RANGE, 2);
    refuse(op, from.space.cap, WORDS(to.space.cap, USER_END, 1, 0), ERR_RANGE, 2);
    refuse(op, from.space.cap, WORDS(to.space.cap, TEST_VADDR, 0, 0), ERR_RANGE, 3);
    refuse(op, from.space.cap, WORDS(to.space.cap, TEST_VADDR, UINT64_MAX, 0), ERR_RANGE, 3);
    refuse(op, from.space.cap, WORDS(to.space.cap, TEST_VADDR, PAGES, 2), ERR_RANGE, 4);
    refuse(op, from.space.cap, words, ERR_STATE, 1);  // the frame is not attached there
    stage_end(&from);
    stage_end(&to);
}

// A copy with tables missing, over something mapped, and one that works and takes the right to
// write.
static void copy_copies(void)
{
    struct stage from;
    struct rt_space to;
    unsigned op = OP_ADDRESS_SPACE_COPY;
    stage_make(&from, RIGHT_READ | RIGHT_WRITE, PROT_RW);
    EXPECT_OK(rt_space_new(&to));
    cap_t there = derive(from.frame, RIGHT_READ | RIGHT_WRITE);
    EXPECT_OK(frame_attach(there, to.cap));
    struct aspace_copy_result result = aspace_copy(from.space.cap, to.cap, TEST_VADDR, PAGES, 0);
    EXPECT_ERR(op, result.status, ERR_TABLES, 2);
    EXPECT_EQUAL(result.missing, 3);
    EXPECT_OK(rt_space_map(&to, there, TEST_VADDR, 0, 1, PROT_READ));
    refuse(op, from.space.cap, WORDS(to.cap, TEST_VADDR, PAGES, 0), ERR_MAPPED, 2);
    EXPECT_OK(aspace_unmap(to.cap, TEST_VADDR, PAGES));
    EXPECT_OK(aspace_copy(from.space.cap, to.cap, TEST_VADDR, PAGES, COPY_READ_ONLY).status);
    refuse(OP_FRAME_MAP, there, WORDS(TEST_VADDR + PAGE_SIZE, 0, 1, PROT_READ), ERR_MAPPED, 1);
    EXPECT_OK(aspace_protect(from.space.cap, TEST_VADDR, PAGES, PROT_RW));
    rt_cap_delete(there);
    stage_end(&from);
    rt_space_delete(&to);
}

static void harvest_refuses(void)
{
    struct stage stage;
    struct agent agent;
    stage_make(&stage, RIGHT_READ, PROT_READ);
    refuse_ranges(OP_ADDRESS_SPACE_HARVEST, stage.space.cap, WORDS(TEST_VADDR, PAGES));
    refuse(OP_ADDRESS_SPACE_HARVEST, stage.space.cap, WORDS(TEST_VADDR, 2049), ERR_RANGE, 2);
    agent_make(&agent, &(struct agent_config){ .no_buffer = true });
    EXPECT_ERR(OP_ADDRESS_SPACE_HARVEST,
               agent_invoke(&agent, OP_ADDRESS_SPACE_HARVEST, stage.space.cap,
                            WORDS(TEST_VADDR, PAGES)),
               ERR_BUFFER, 0);
    agent_delete(&agent);
    stage_end(&stage);
}

// Bits of what was touched, once.
static void harvest_tells(void)
{
    cap_t frame = make_sized(KIND_FRAME, FRAME_BITS);
    cap_t attached = derive(frame, RIGHT_READ | RIGHT_WRITE);
    volatile uint64_t *memory = (volatile uint64_t *)TEST_VADDR;
    EXPECT_OK(frame_attach(attached, rt_own_space.cap));
    EXPECT_OK(rt_space_map(&rt_own_space, attached, TEST_VADDR, 0, PAGES, PROT_RW));
    memory[512] = 1;
    (void)memory[1024];
    EXPECT_OK(aspace_harvest(rt_own_space.cap, TEST_VADDR, PAGES));
    EXPECT_EQUAL(rt_buffer()->words[0], 6);
    EXPECT_EQUAL(rt_buffer()->words[1], 2);
    EXPECT_OK(aspace_harvest(rt_own_space.cap, TEST_VADDR, PAGES));
    EXPECT_EQUAL(rt_buffer()->words[0], 0);
    memory[512] = 2;
    EXPECT_OK(aspace_harvest(rt_own_space.cap, TEST_VADDR, PAGES));
    EXPECT_EQUAL(rt_buffer()->words[1], 2);
    rt_cap_delete(attached);
    rt_object_delete(frame);
}

// ---- a destination that is being destroyed -----------------------------------------------------
static cap_t probe_from;

static void probe_copy(cap_t victim)
{
    test_hit(OP_ADDRESS_SPACE_COPY, aspace_copy(probe_from, victim, TEST_VADDR, 0, 0).status);
}

static bool copy_seen(void)
{
    return test_was_hit(OP_ADDRESS_SPACE_COPY, ERR_DEAD, 1);
}

static void dying_destination_refused(void)
{
    struct dying dying = { .probe = probe_copy, .done = copy_seen };
    cap_t space = make(KIND_ADDRESS_SPACE);
    probe_from = rt_own_space.cap;
    EXPECT(dying_observe(&dying, space));
    rt_object_delete(space);
}

GROUP(aspace, TEST(stock_refuses), TEST(protect_refuses), TEST(unmap_refuses),
      TEST(copy_refuses_arguments), TEST(copy_copies), TEST(harvest_refuses), TEST(harvest_tells),
      TEST(dying_destination_refused));
