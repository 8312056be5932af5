// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// retype: every refusal with the argument to blame, reuse of memory, embryos, rights of what is
// made.
#include "../forest.h"
#include "fake.h"

#define BLAME(error, argument) ((int)err_blame(ERR_##error, argument))
#define RETYPE(kind, bits, offset, table, slot, count)                                          \
 ((int)INVOKE(op_untyped_retype, root_slot(ROOT_RAM), (uint64_t)(kind) | (uint64_t)(bits) << 8, \
              offset, table, slot, count))

static int setup(void **state)
{
    (void)state;
    fake_setup();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_check();
    fake_teardown();
    return 0;
}

static void test_refuses_kinds_and_sizes(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(0, 12, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_COUNT, 12, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_IRQ_HANDLER, 12, 0, ROOT_TABLE, 10, 1), BLAME(TYPE, 1));
    assert_int_equal(RETYPE(KIND_POWER_CONTROL, 0, 0, ROOT_TABLE, 10, 1), BLAME(TYPE, 1));
    assert_int_equal(RETYPE(KIND_FRAME, 11, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_FRAME, 44, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_FRAME, 1ull << 40 | 12, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_THREAD, 13, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_CAPTABLE, 7, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_UNTYPED, ARENA_BITS, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_UNTYPED, ARENA_BITS - 1, 0, ROOT_TABLE, 10, 1), ERR_OK);
}

static void test_refuses_offsets_and_counts(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(KIND_FRAME, 12, 64, ROOT_TABLE, 10, 1), BLAME(ALIGN, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 13, 4096, ROOT_TABLE, 10, 1), BLAME(ALIGN, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, ARENA_BYTES, ROOT_TABLE, 10, 1), BLAME(RANGE, 2));
    assert_int_equal(RETYPE(KIND_FRAME, ARENA_BITS + 1, 0, ROOT_TABLE, 10, 1), BLAME(RANGE, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, -4096ull, ROOT_TABLE, 10, 1), BLAME(RANGE, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0, ROOT_TABLE, 10, 0), BLAME(RANGE, 5));
    assert_int_equal(RETYPE(KIND_FRAME, 12, ARENA_BYTES - 4096, ROOT_TABLE, 10, 2),
                     BLAME(RANGE, 5));
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0, ROOT_TABLE, 10, UINT64_MAX), BLAME(RANGE, 5));
    assert_int_equal(RETYPE(KIND_FRAME, ARENA_BITS, 0, ROOT_TABLE, 10, 1), ERR_OK);
}

static void test_refuses_destinations(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, 99, 10, 1), BLAME(SLOT, 3));
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, ROOT_RAM, 10, 1), BLAME(TYPE, 3));
    cap_derive(root_slot(20), root_slot(ROOT_TABLE), RIGHT_READ);
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, 20, 10, 1), BLAME(RIGHTS, 3));
    root_slot(20)->flags |= CAP_MARKED;
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, 20, 10, 1), BLAME(DEAD, 3));
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, ROOT_TABLE, 0, 1), BLAME(RANGE, 4));
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, ROOT_TABLE, ROOT_SLOTS, 1), BLAME(RANGE, 4));
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, ROOT_TABLE, 20, 1), BLAME(OCCUPIED, 4));
    // Those before the occupied slot are made.
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0, ROOT_TABLE, 18, 4), BLAME(OCCUPIED, 4));
    assert_int_equal(root_slot(19)->kind, KIND_ENDPOINT);
    assert_true(cap_empty(root_slot(21)));
}

static void test_refuses_overlap_and_reuses_at_once(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(KIND_FRAME, 13, 0x4000, ROOT_TABLE, 10, 1), ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 13, 0x4000, ROOT_TABLE, 11, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x4000, ROOT_TABLE, 11, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x5000, ROOT_TABLE, 11, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 15, 0, ROOT_TABLE, 11, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0x5fc0, ROOT_TABLE, 11, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x3000, ROOT_TABLE, 11, 1), ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x6000, ROOT_TABLE, 12, 1), ERR_OK);
    assert_int_equal(cap_delete(root_slot(10)), ERR_OK);
    assert_int_equal(RETYPE(KIND_ENDPOINT, 6, 0x5fc0, ROOT_TABLE, 10, 1), ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x4000, ROOT_TABLE, 13, 1), ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x3000, ROOT_TABLE, 14, 3), BLAME(OVERLAP, 2));
}

static void test_device_memory(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < KIND_COUNT; kind++) {
        enum err err = fake_retype(ROOT_DEVICE, (enum kind)kind, 12, 0, 10);
        if (kind == KIND_FRAME || kind == KIND_UNTYPED) {
            assert_int_equal(err, ERR_OK);
            assert_true(root_slot(10)->flags & CAP_DEVICE);
            assert_int_equal(cap_delete(root_slot(10)), ERR_OK);
        } else {
            assert_int_equal(err, BLAME(TYPE, 1));
        }
    }
}

static void test_fields_and_rights(void **state)
{
    (void)state;
    const unsigned rwx = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    assert_int_equal(RETYPE(KIND_FRAME, 14, 0x4000, ROOT_TABLE, 10, 1), ERR_OK);
    assert_int_equal(root_slot(10)->rights, rwx | RIGHT_PADDR | RIGHT_WX);
    assert_int_equal(root_slot(10)->aux, 4);
    assert_int_equal(root_slot(10)->address - (uintptr_t)fake.arena, 0x4000);
    assert_int_equal(RETYPE(KIND_CAPTABLE, 10, 0x400, ROOT_TABLE, 11, 1), ERR_OK);
    assert_int_equal(root_slot(11)->rights, RIGHT_ALL);
    assert_int_equal(captable_of(root_slot(11))->count, 16);
    // What an Untyped may not do, nothing made from it may.
    assert_int_equal(cap_delete(root_slot(10)), ERR_OK);
    root_slot(ROOT_RAM)->rights = RIGHT_PADDR;
    assert_int_equal(RETYPE(KIND_UNTYPED, 13, 0x2000, ROOT_TABLE, 12, 1), ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x8000, ROOT_TABLE, 13, 1), ERR_OK);
    assert_int_equal(fake_retype(12, KIND_FRAME, 12, 0, 14), ERR_OK);
    assert_int_equal(root_slot(13)->rights, rwx | RIGHT_PADDR);
    assert_int_equal(root_slot(14)->rights, rwx | RIGHT_PADDR);
    assert_int_equal(fake_retype(ROOT_DEVICE, KIND_FRAME, 12, 0, 15), ERR_OK);
    assert_int_equal(root_slot(15)->rights, rwx);
}

// Rights withheld from an Untyped are gone from all that is ever made of it.
static void test_rights_withheld(void **state)
{
    (void)state;
    const uint64_t both = RIGHT_PADDR | RIGHT_WX;
    assert_int_equal(RETYPE(KIND_FRAME, 12 | RIGHT_READ << 8, 0, ROOT_TABLE, 10, 1),
                     BLAME(RANGE, 1));
    assert_int_equal(RETYPE(KIND_FRAME, 12 | both << 8, 0, ROOT_TABLE, 10, 1), ERR_OK);
    assert_int_equal(root_slot(10)->rights, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    assert_int_equal(RETYPE(KIND_UNTYPED, 14 | RIGHT_WX << 8, 1 << 14, ROOT_TABLE, 11, 1), ERR_OK);
    assert_int_equal(fake_retype(11, KIND_UNTYPED, 13, 0, 12), ERR_OK);
    assert_int_equal(fake_retype(12, KIND_FRAME, 12, 0, 13), ERR_OK);
    assert_int_equal(root_slot(13)->rights, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_PADDR);
}

static void test_preempted_everywhere(void **state)
{
    (void)state;
    fake.preempt_every = 1;
    assert_int_equal(RETYPE(KIND_FRAME, 13, 0x2000, ROOT_TABLE, 10, 5), ERR_OK);
    assert_int_equal(fake.inits, 5);
    assert_int_equal(fake.preempted, 5 * 8192 / 256 + 4);
    assert_int_equal(RETYPE(KIND_UNTYPED, 13, 0x10000, ROOT_TABLE, 20, 3), ERR_OK);
    for (uint64_t slot = 10; slot < 15; slot++) {
        assert_false(root_slot(slot)->flags & CAP_EMBRYO);
    }
}

// Begin a frame of two pages at 0x2000 in slot 10, preempted after the first step.
static struct invocation begin_embryo(void)
{
    struct invocation inv = { .thread = fake.thread,
                              .self = root_slot(ROOT_RAM),
                              .words = { KIND_FRAME | 13 << 8, 0x2000, ROOT_TABLE, 10, 1 } };
    fake.preempt_every = 1;
    assert_int_equal(op_untyped_retype(&inv), ERR_PREEMPTED);
    fake.preempt_every = 0;
    assert_true(root_slot(10)->flags & CAP_EMBRYO);
    fake_check();
    return inv;
}

static void test_embryo_refuses_everything_but_delete(void **state)
{
    (void)state;
    begin_embryo();
    struct cap *cap;
    struct cap *table = root_slot(ROOT_TABLE);
    assert_int_equal(cap_lookup(fake.thread, 10, &cap), ERR_DEAD);
    assert_int_equal(INVOKE(op_captable_copy, table, 20, ROOT_TABLE, 10, RIGHT_ALL),
                     BLAME(DEAD, 3));
    assert_int_equal(INVOKE(op_captable_move, table, 20, ROOT_TABLE, 10), BLAME(DEAD, 3));
    assert_int_equal(INVOKE(op_captable_revoke, table, 10), ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x3000, ROOT_TABLE, 20, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x2000, ROOT_TABLE, 10, 1), BLAME(OCCUPIED, 4));
    assert_int_equal(INVOKE(op_captable_delete, table, 10), ERR_OK);
    assert_int_equal(fake.inits + fake.destroyed, 0);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x3000, ROOT_TABLE, 20, 1), ERR_OK);
}

static void test_embryo_is_finished_by_whoever_comes(void **state)
{
    (void)state;
    struct invocation inv = begin_embryo();
    uint64_t progress = root_slot(10)->progress;
    assert_int_equal(progress, 256);
    // Not by an order for the same range from another Untyped, into another slot, or after it was
    // marked.
    assert_int_equal(RETYPE(KIND_FRAME, 13, 0x2000, ROOT_TABLE, 11, 1), BLAME(OVERLAP, 2));
    assert_int_equal(RETYPE(KIND_FRAME, 13, 0x2000, ROOT_TABLE, 10, 1), ERR_OK);
    assert_int_equal(fake.inits, 1);
    // The first one finds its object made, and its slot taken.
    assert_int_equal(op_untyped_retype(&inv), BLAME(OCCUPIED, 4));
}

static void test_embryo_of_a_child_is_not_the_parents(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(KIND_UNTYPED, 14, 0, ROOT_TABLE, 30, 1), ERR_OK);
    struct invocation inv = { .thread = fake.thread,
                              .self = root_slot(30),
                              .words = { KIND_FRAME | 12 << 8, 0, ROOT_TABLE, 10, 1 } };
    fake.preempt_every = 1;
    assert_int_equal(op_untyped_retype(&inv), ERR_PREEMPTED);
    fake.preempt_every = 0;
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0, ROOT_TABLE, 10, 1), BLAME(OCCUPIED, 4));
    assert_int_equal(op_untyped_retype(&inv), ERR_OK);
}

static void test_marked_embryo_is_not_finished(void **state)
{
    (void)state;
    struct invocation inv = begin_embryo();
    root_slot(10)->flags |= CAP_MARKED;
    assert_int_equal(op_untyped_retype(&inv), BLAME(OCCUPIED, 4));
}

static void test_being_revoked_refuses_retype(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(RETYPE(KIND_FRAME, 12, i << 12, ROOT_TABLE, 10 + i, 1), ERR_OK);
    }
    fake.preempt_every = 1;
    assert_int_equal(cap_revoke(root_slot(ROOT_RAM)), ERR_PREEMPTED);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x8000, ROOT_TABLE, 20, 1), ERR_DEAD);
    enum err err;
    while ((err = cap_revoke(root_slot(ROOT_RAM))) == ERR_PREEMPTED) {
        fake_check();
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(RETYPE(KIND_FRAME, 12, 0x8000, ROOT_TABLE, 20, 1), ERR_OK);
}

static void test_nested_untyped_is_marked_before_it_is_cleared(void **state)
{
    (void)state;
    assert_int_equal(RETYPE(KIND_UNTYPED, 14, 0, ROOT_TABLE, 10, 1), ERR_OK);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(fake_retype(10, KIND_FRAME, 12, i << 12, 11 + i), ERR_OK);
    }
    fake.preempt_every = 1;
    assert_int_equal(cap_revoke(root_slot(ROOT_RAM)), ERR_PREEMPTED);
    // Another one who revokes it does not bring it back to life.
    fake.preempt_every = 0;
    assert_int_equal(cap_revoke(root_slot(10)), ERR_OK);
    struct cap *cap;
    assert_int_equal(cap_lookup(fake.thread, 10, &cap), ERR_DEAD);
    assert_int_equal(cap_revoke(root_slot(ROOT_RAM)), ERR_OK);
    assert_true(cap_empty(root_slot(10)));
}

static void test_revoke_of_nested_untypeds(void **state)
{
    (void)state;
    // Each half of an Untyped: one Untyped and one frame.
    uint64_t parent = ROOT_RAM, slot = 10;
    for (unsigned bits = ARENA_BITS - 1; bits >= 13; bits--) {
        assert_int_equal(fake_retype(parent, KIND_FRAME, bits, 1ull << bits, slot + 1), ERR_OK);
        assert_int_equal(fake_retype(parent, KIND_UNTYPED, bits, 0, slot), ERR_OK);
        parent = slot;
        slot += 2;
    }
    unsigned frames = (unsigned)(slot - 10) / 2;
    fake.preempt_every = 1;
    enum err err;
    while ((err = cap_revoke(root_slot(ROOT_RAM))) == ERR_PREEMPTED) {
        fake_check();
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(fake.destroyed, frames);
    assert_null(root_slot(ROOT_RAM)->objects.root);
    while (slot-- > 10) {
        assert_true(cap_empty(root_slot(slot)));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refuses_kinds_and_sizes),
        TEST(test_refuses_offsets_and_counts),
        TEST(test_refuses_destinations),
        TEST(test_refuses_overlap_and_reuses_at_once),
        TEST(test_device_memory),
        TEST(test_fields_and_rights),
        TEST(test_rights_withheld),
        TEST(test_preempted_everywhere),
        TEST(test_embryo_refuses_everything_but_delete),
        TEST(test_embryo_is_finished_by_whoever_comes),
        TEST(test_embryo_of_a_child_is_not_the_parents),
        TEST(test_marked_embryo_is_not_finished),
        TEST(test_being_revoked_refuses_retype),
        TEST(test_nested_untyped_is_marked_before_it_is_cleared),
        TEST(test_revoke_of_nested_untypeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
