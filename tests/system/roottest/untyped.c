// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Untyped: making objects.
#include "fixture.h"
#include "groups.h"

#include <rt/map.h>

#define BITS 16u  // of the Untyped that the tests carve up

static struct ipc_words retype_words(enum rt_kind kind, unsigned bits, uint64_t offset, cap_t slot,
                                     uint64_t count)
{
    return WORDS(kind_bits(kind, bits), offset, CSPACE, slot, count);
}

static void retype_refuses_kinds(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, BITS);
    cap_t to = empty_slot();
    unsigned op = OP_UNTYPED_RETYPE;
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 7, 0, to, 1), ERR_RANGE, 1);
    refuse(op, untyped, retype_words(KIND_FRAME, 11, 0, to, 1), ERR_RANGE, 1);
    refuse(op, untyped, retype_words(KIND_CAPTABLE, 23, 0, to, 1), ERR_RANGE, 1);
    refuse(op, untyped, retype_words(KIND_EMPTY, 12, 0, to, 1), ERR_RANGE, 1);
    refuse(op, untyped, retype_words(KIND_IRQ_HANDLER, 12, 0, to, 1), ERR_TYPE, 1);
    refuse(op, untyped, retype_words(KIND_POWER_CONTROL, 6, 0, to, 1), ERR_TYPE, 1);
    refuse(op, untyped, retype_words(KIND_COUNT, 12, 0, to, 1), ERR_RANGE, 1);
    rt_object_delete(untyped);
}

static void retype_refuses_ranges(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, BITS);
    cap_t to = empty_slot();
    unsigned op = OP_UNTYPED_RETYPE;
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 8, to, 1), ERR_ALIGN, 2);
    refuse(op, untyped, retype_words(KIND_FRAME, 13, 4096, to, 1), ERR_ALIGN, 2);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 1u << BITS, to, 1), ERR_RANGE, 2);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, (1u << BITS) - 64, to, 2), ERR_RANGE, 5);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0 - 64ull, to, 1), ERR_RANGE, 2);
    refuse(op, untyped, retype_words(KIND_FRAME, BITS + 1, 0, to, 1), ERR_RANGE, 2);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, to, 0), ERR_RANGE, 5);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, to, UINT64_MAX), ERR_RANGE, 5);
    rt_object_delete(untyped);
}

static void retype_refuses_slots(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, BITS);
    unsigned op = OP_UNTYPED_RETYPE;
    refuse_cap(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, empty_slot(), 1), 3);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, SLOT_OUTSIDE, 1), ERR_RANGE, 4);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, 0, 1), ERR_RANGE, 4);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, SLOT_OUTSIDE - 1, 2), ERR_RANGE, 4);
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 0, ROOT_SLOT_THREAD, 1), ERR_OCCUPIED, 4);
    rt_object_delete(untyped);
}

// An occupied slot in the middle of a run ends it there: nothing overwritten, nothing made behind
// it.
static void retype_stops_at_an_occupied_slot(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, BITS);
    cap_t run = rt_slots_alloc(3);
    REQUIRE(run);
    EXPECT_OK(captable_copy(CSPACE, run + 1, CSPACE, ROOT_SLOT_THREAD, RIGHT_ALL));
    refuse(OP_UNTYPED_RETYPE, untyped, retype_words(KIND_ENDPOINT, 6, 0, run, 3), ERR_OCCUPIED, 4);
    EXPECT_EQUAL(captable_identify(CSPACE, run + 1).kind_rights & 0xff, KIND_THREAD);
    EXPECT_EQUAL(captable_identify(CSPACE, run + 2).kind_rights, 0);
    EXPECT_OK(captable_delete(CSPACE, run));
    EXPECT_OK(captable_delete(CSPACE, run + 1));
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_ENDPOINT, 6), 0, CSPACE, run, 3));
    rt_object_delete(untyped);
    EXPECT_EQUAL(captable_identify(CSPACE, run + 2).kind_rights, 0);
    rt_slots_free(run, 3);
}

// Overlaps are seen whatever the sizes; a freed range is free at once, whatever its neighbours do.
static void retype_refuses_overlaps(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, BITS);
    cap_t run = rt_slots_alloc(3);
    unsigned op = OP_UNTYPED_RETYPE;
    REQUIRE(run);
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_FRAME, 12), 0, CSPACE, run, 3));
    refuse(op, untyped, retype_words(KIND_ENDPOINT, 6, 4096 + 64, empty_slot(), 1), ERR_OVERLAP, 2);
    refuse(op, untyped, retype_words(KIND_FRAME, BITS, 0, empty_slot(), 1), ERR_OVERLAP, 2);
    refuse(op, untyped, retype_words(KIND_FRAME, 13, 8192, empty_slot(), 1), ERR_OVERLAP, 2);
    EXPECT_OK(captable_delete(CSPACE, run + 1));
    EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_ENDPOINT, 6), 4096 + 64, CSPACE, run + 1, 1));
    refuse(op, untyped, retype_words(KIND_FRAME, 12, 4096, empty_slot(), 1), ERR_OVERLAP, 2);
    rt_object_delete(untyped);
    rt_slots_free(run, 3);
}

// Each kind that retype makes, at its smallest, identifies as what it is.
static void retype_makes_every_kind(void)
{
    static const enum rt_kind kinds[] = { KIND_UNTYPED,       KIND_CAPTABLE, KIND_FRAME,
                                          KIND_PAGETABLE,     KIND_THREAD,   KIND_ADDRESS_SPACE,
                                          KIND_SCHED_CONTEXT, KIND_ENDPOINT, KIND_REPLY,
                                          KIND_NOTIFICATION };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        cap_t slot = make(kinds[i]);
        struct captable_identify_result what = captable_identify(CSPACE, slot);
        EXPECT_OK(what.status);
        EXPECT_EQUAL(what.kind_rights & 0xff, kinds[i]);
        EXPECT_EQUAL(what.kind_rights >> 16, 1);
        rt_object_delete(slot);
    }
}

// Memory of a frame is zero, also where it was used before.
static void retype_zeroes(void)
{
    cap_t untyped = make_sized(KIND_UNTYPED, BITS);
    cap_t slot = rt_slot_alloc();
    for (unsigned round = 0; round < 2; round++) {
        struct rt_mapping mapping;
        uint64_t sum = 0;
        EXPECT_OK(untyped_retype(untyped, kind_bits(KIND_FRAME, BITS), 0, CSPACE, slot, 1));
        EXPECT_OK(rt_map_frame(slot, 16, PROT_READ | PROT_WRITE, &mapping));
        uint64_t *words = mapping.base;
        for (unsigned i = 0; i < (1u << BITS) / 8; i++) {
            sum |= words[i];
            words[i] = ~0ull;
        }
        EXPECT_EQUAL(sum, 0);
        rt_map_delete(&mapping);
        EXPECT_OK(captable_delete(CSPACE, slot));
    }
    rt_slots_free(slot, 1);
    rt_object_delete(untyped);
}

GROUP(untyped, TEST(retype_refuses_kinds), TEST(retype_refuses_ranges), TEST(retype_refuses_slots),
      TEST(retype_stops_at_an_occupied_slot), TEST(retype_refuses_overlaps),
      TEST(retype_makes_every_kind), TEST(retype_zeroes));
