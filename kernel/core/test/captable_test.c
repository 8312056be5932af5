// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Operations of capability tables with every refusal, and the destruction of tables and Untypeds
// that hold each other.
#include "../forest.h"
#include "fake.h"

#include <hal/cpu.h>

#define BLAME(error, argument) ((int)err_blame(ERR_##error, argument))
#define TABLE                  root_slot(ROOT_TABLE)
#define COPY(dst, ...)         ((int)INVOKE(op_captable_copy, TABLE, dst, __VA_ARGS__))
#define MINT(dst, src, badge) \
 ((int)INVOKE(op_captable_mint, TABLE, dst, ROOT_TABLE, src, RIGHT_ALL, badge))
#define MOVE(dst, ...) ((int)INVOKE(op_captable_move, TABLE, dst, __VA_ARGS__))
#define DELETE(slot)   ((int)INVOKE(op_captable_delete, TABLE, slot))

// 10: an endpoint, 11: a frame of four pages, 12: a table without WRITE, 13: one without READ,
// 14: a page table, 15: a marked endpoint.
static int setup(void **state)
{
    (void)state;
    fake_setup();
    assert_int_equal(fake_retype(ROOT_RAM, KIND_ENDPOINT, 6, 0, 10), ERR_OK);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_FRAME, 14, 0x4000, 11), ERR_OK);
    cap_derive(root_slot(12), TABLE, RIGHT_ALL & ~RIGHT_WRITE);
    cap_derive(root_slot(13), TABLE, RIGHT_ALL & ~RIGHT_READ);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_PAGETABLE, 12, 0x1000, 14), ERR_OK);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_ENDPOINT, 6, 64, 15), ERR_OK);
    root_slot(15)->flags |= CAP_MARKED;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_check();
    fake_teardown();
    return 0;
}

// Both ends, which copy, mint and move check alike.
static void check_ends(enum err (*op)(struct invocation *))
{
    assert_int_equal(INVOKE(op, root_slot(12), 50, ROOT_TABLE, 10, RIGHT_ALL, 1), ERR_RIGHTS);
    assert_int_equal(INVOKE(op, TABLE, 0, ROOT_TABLE, 10, RIGHT_ALL, 1), BLAME(RANGE, 1));
    assert_int_equal(INVOKE(op, TABLE, ROOT_SLOTS, ROOT_TABLE, 10, RIGHT_ALL, 1), BLAME(RANGE, 1));
    assert_int_equal(INVOKE(op, TABLE, 11, ROOT_TABLE, 10, RIGHT_ALL, 1), BLAME(OCCUPIED, 1));
    assert_int_equal(INVOKE(op, TABLE, 50, 99, 10, RIGHT_ALL, 1), BLAME(SLOT, 2));
    assert_int_equal(INVOKE(op, TABLE, 50, 10, 10, RIGHT_ALL, 1), BLAME(TYPE, 2));
    assert_int_equal(INVOKE(op, TABLE, 50, ROOT_TABLE, 99, RIGHT_ALL, 1), BLAME(SLOT, 3));
    assert_int_equal(INVOKE(op, TABLE, 50, ROOT_TABLE, 0, RIGHT_ALL, 1), BLAME(SLOT, 3));
    assert_int_equal(INVOKE(op, TABLE, 50, ROOT_TABLE, ROOT_SLOTS, RIGHT_ALL, 1), BLAME(SLOT, 3));
    assert_int_equal(INVOKE(op, TABLE, 50, ROOT_TABLE, 15, RIGHT_ALL, 1), BLAME(DEAD, 3));
    cap_derive(root_slot(51), TABLE, RIGHT_ALL);
    root_slot(51)->flags |= CAP_MARKED;
    assert_int_equal(INVOKE(op, TABLE, 50, 51, 10, RIGHT_ALL, 1), BLAME(DEAD, 2));
}

static void test_copy(void **state)
{
    (void)state;
    check_ends(op_captable_copy);
    assert_int_equal(COPY(50, 13, 10, RIGHT_ALL), BLAME(RIGHTS, 2));
    assert_int_equal(COPY(50, ROOT_TABLE, ROOT_RAM, RIGHT_ALL), BLAME(TYPE, 3));
    assert_int_equal(COPY(50, ROOT_TABLE, 14, RIGHT_ALL), BLAME(TYPE, 3));
    assert_int_equal(COPY(50, 12, 10, RIGHT_SEND), ERR_OK);
    assert_int_equal(root_slot(50)->rights, RIGHT_SEND);
    assert_ptr_equal(root_slot(10)->child, root_slot(50));
}

static void test_mint_badge(void **state)
{
    (void)state;
    check_ends(op_captable_mint);
    assert_int_equal(MINT(50, ROOT_RAM, 0), BLAME(TYPE, 3));
    assert_int_equal(MINT(50, 14, 0), BLAME(TYPE, 3));
    assert_int_equal(MINT(50, ROOT_TABLE, 1), BLAME(TYPE, 3));
    assert_int_equal(MINT(50, ROOT_TABLE, 0), ERR_OK);
    assert_int_equal(MINT(52, 10, 0), BLAME(RANGE, 5));
    assert_int_equal(MINT(52, 10, 7), ERR_OK);
    assert_int_equal(root_slot(52)->badge, 7);
    assert_int_equal(root_slot(10)->badge, 0);
    assert_int_equal(MINT(53, 52, 8), BLAME(STATE, 3));
    assert_int_equal(COPY(53, ROOT_TABLE, 52, RIGHT_ALL), ERR_OK);
    assert_int_equal(root_slot(53)->badge, 7);
}

static void test_mint_frame(void **state)
{
    (void)state;
    assert_int_equal(MINT(50, 11, 0), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, 11, 1 | 4ull << 32), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, 11, 4 | 1ull << 32), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, 11, UINT64_MAX), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, 11, 1 | 3ull << 32), ERR_OK);
    assert_int_equal(root_slot(50)->address, root_slot(11)->address + 0x1000);
    assert_int_equal(root_slot(50)->aux, 3);
    assert_null(root_slot(50)->space);
    assert_int_equal(MINT(51, 50, 1 | 3ull << 32), BLAME(RANGE, 5));
    assert_int_equal(MINT(51, 50, 2 | 1ull << 32), ERR_OK);
    assert_int_equal(root_slot(51)->address, root_slot(11)->address + 0x3000);
}

static void test_mint_ports_and_limit(void **state)
{
    (void)state;
    assert_int_equal(MINT(50, ROOT_PORTS, 0x100), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, ROOT_PORTS, 0xff | 2 << 16), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, ROOT_PORTS, 0x1ff | 2 << 16), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, ROOT_PORTS, 0x1ff | 1ull << 40), BLAME(RANGE, 5));
    assert_int_equal(MINT(50, ROOT_PORTS, 0x180 | 0x80 << 16), ERR_OK);
    assert_int_equal(MINT(51, 50, 0x17f | 1 << 16), BLAME(RANGE, 5));
    assert_int_equal(MINT(51, ROOT_SCHED, 0), BLAME(RANGE, 5));
    assert_int_equal(MINT(51, ROOT_SCHED, 1000001), BLAME(RANGE, 5));
    assert_int_equal(MINT(51, ROOT_SCHED, 1000000), ERR_OK);
    assert_int_equal(MINT(52, 51, 500000), ERR_OK);
    assert_int_equal(MINT(53, 52, 500001), BLAME(RANGE, 5));
    assert_int_equal(COPY(53, ROOT_TABLE, 52, RIGHT_ALL), ERR_OK);
    assert_int_equal(root_slot(53)->badge, 500000);
}

static void test_move(void **state)
{
    (void)state;
    check_ends(op_captable_move);
    assert_int_equal(MOVE(50, 12, 10), BLAME(RIGHTS, 2));
    assert_int_equal(MOVE(50, 13, 10), ERR_OK);
    assert_int_equal(MOVE(52, ROOT_TABLE, ROOT_RAM), ERR_OK);
    assert_int_equal(MOVE(53, ROOT_TABLE, 14), ERR_OK);
    assert_true(cap_empty(root_slot(10)));
    assert_int_equal(root_slot(50)->kind, KIND_ENDPOINT);
}

static void test_delete_and_revoke_refuse(void **state)
{
    (void)state;
    assert_int_equal(INVOKE(op_captable_delete, root_slot(12), 10), ERR_RIGHTS);
    assert_int_equal(DELETE(0), BLAME(RANGE, 1));
    assert_int_equal(DELETE(ROOT_SLOTS), BLAME(RANGE, 1));
    assert_int_equal(DELETE(99), ERR_OK);
    assert_int_equal(INVOKE(op_captable_revoke, root_slot(12), 10), ERR_RIGHTS);
    assert_int_equal(INVOKE(op_captable_revoke, TABLE, 0), BLAME(RANGE, 1));
    assert_int_equal(INVOKE(op_captable_revoke, TABLE, ROOT_SLOTS), BLAME(RANGE, 1));
    assert_int_equal(INVOKE(op_captable_revoke, TABLE, 99), ERR_OK);
    assert_int_equal(INVOKE(op_captable_revoke, TABLE, 14), ERR_OK);
    assert_int_equal(INVOKE(op_captable_revoke, TABLE, 10), ERR_OK);
}

static void check_identify(uint64_t slot, uint64_t kind_rights, uint64_t badge, uint64_t size)
{
    struct invocation inv = { .words = { slot } };
    assert_int_equal(fake_invoke(op_captable_identify, TABLE, &inv), ERR_OK);
    assert_int_equal(inv.results, 3);
    assert_int_equal(inv.words[0], kind_rights);
    assert_int_equal(inv.words[1], badge);
    assert_int_equal(inv.words[2], size);
}

static void test_identify(void **state)
{
    (void)state;
    assert_int_equal(INVOKE(op_captable_identify, root_slot(13), 10), ERR_RIGHTS);
    assert_int_equal(INVOKE(op_captable_identify, TABLE, 0), BLAME(RANGE, 1));
    assert_int_equal(INVOKE(op_captable_identify, TABLE, ROOT_SLOTS), BLAME(RANGE, 1));
    check_identify(99, 0, 0, 32);
    check_identify(ROOT_SLOTS - 1, 0, 0, 1);
    check_identify(ROOT_RAM, KIND_UNTYPED | 0xff << 8 | 1 << 16, 0, ARENA_BYTES);
    assert_int_equal(MINT(50, 10, 7), ERR_OK);
    check_identify(50, KIND_ENDPOINT | 0xff << 8, 7, 64);
    check_identify(47, 0, 0, 3);
    assert_int_equal(MINT(51, 11, 1 | 3ull << 32), ERR_OK);
    assert_int_equal(MINT(52, 51, 1 | 2ull << 32), ERR_OK);
    check_identify(52, KIND_FRAME | 0xc7 << 8, 2, 0x2000);
    check_identify(ROOT_PORTS, KIND_IO_PORTS | 0xff << 8 | 1 << 16, 0x100, 0x100);
    check_identify(ROOT_SCHED, KIND_SCHED_CONTROL | 0xff << 8 | 1 << 16, 0, 0);
}

// ---- destruction of tables
// ----------------------------------------------------------------------- A world is built in root
// slots from 60 on, wound into itself, and one slot is deleted: at the end all is gone and its
// memory can be used at once, wherever it is preempted, and nobody has touched memory that was free
// meanwhile (fake_check overwrites it).

// A table of eight slots in root slot `slot`, made from `untyped`.
static void make_table(uint64_t untyped, uint64_t offset, uint64_t slot)
{
    assert_int_equal(fake_retype(untyped, KIND_CAPTABLE, 9, offset, slot), ERR_OK);
}

static void move_into(uint64_t table, uint64_t slot, uint64_t from)
{
    struct cap *to = captable_slot(root_slot(table), slot);
    assert_non_null(to);
    cap_move(to, root_slot(from));
}

static void check_all_gone(uint64_t slot)
{
    fake.destroy_steps = 1;
    assert_int_equal(DELETE(slot), ERR_OK);
    for (slot = 60; slot < 80; slot++) {
        assert_true(cap_empty(root_slot(slot)));
    }
    fake.preempt_every = 0;
    fake_check();
    assert_int_equal(fake_retype(ROOT_RAM, KIND_FRAME, 16, 0x10000, 60), ERR_OK);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_FRAME, 16, 0x20000, 61), ERR_OK);
    for (slot = 60; slot < 62; slot++) {
        assert_int_equal(DELETE(slot), ERR_OK);
    }
}

static void table_with_everything(void)
{
    make_table(ROOT_RAM, 0x10000, 60);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_ENDPOINT, 6, 0x11000, 61), ERR_OK);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_UNTYPED, 13, 0x12000, 62), ERR_OK);
    assert_int_equal(fake_retype(62, KIND_THREAD, 12, 0x1000, 63), ERR_OK);
    assert_int_equal(fake_retype(62, KIND_CAPTABLE, 12, 0, 66), ERR_OK);
    struct fake_thread *thread = (struct fake_thread *)root_slot(63)->address;
    cap_derive(&thread->slots[0], root_slot(60), RIGHT_ALL);
    cap_derive(root_slot(64), root_slot(61), RIGHT_ALL);
    cap_derive(root_slot(65), root_slot(10), RIGHT_ALL);
    cap_derive(root_slot(67), root_slot(65), RIGHT_ALL);
    move_into(60, 1, 61);
    move_into(60, 2, 62);
    move_into(60, 7, 65);
    cap_derive(captable_slot(root_slot(66), 5), root_slot(67), RIGHT_ALL);
    assert_int_equal(cap_delete(root_slot(67)), ERR_OK);
    check_all_gone(60);
    assert_null(root_slot(10)->child);
}

static void table_in_itself(void)
{
    make_table(ROOT_RAM, 0x10000, 60);
    cap_derive(root_slot(61), root_slot(60), RIGHT_ALL);
    struct cap *own = captable_slot(root_slot(60), 3);
    cap_move(own, root_slot(60));
    // It is deleted through its copy.
    assert_int_equal(INVOKE(op_captable_delete, root_slot(61), 3), ERR_OK);
    check_all_gone(60);
}

static void tables_in_each_other(void)
{
    make_table(ROOT_RAM, 0x10000, 60);
    make_table(ROOT_RAM, 0x11000, 61);
    make_table(ROOT_RAM, 0x12000, 62);
    struct cap *first = captable_slot(root_slot(60), 1), *second = captable_slot(root_slot(61), 1);
    cap_derive(root_slot(63), root_slot(60), RIGHT_ALL);
    move_into(62, 2, 60);
    cap_move(first, root_slot(61));
    cap_move(second, root_slot(62));
    assert_int_equal(INVOKE(op_captable_delete, root_slot(63), 1), ERR_OK);
    check_all_gone(63);
}

static void chain_of_tables(void)
{
    for (uint64_t i = 0; i < 16; i++) {
        make_table(ROOT_RAM, 0x10000 + i * 0x200, 61);
        if (i) {
            move_into(61, 1 + i % 7, 60);
        }
        cap_move(root_slot(60), root_slot(61));
    }
    check_all_gone(60);
}

static void untyped_in_its_own_table(void)
{
    assert_int_equal(fake_retype(ROOT_RAM, KIND_UNTYPED, 16, 0x10000, 60), ERR_OK);
    for (uint64_t i = 0; i < 4; i++) {
        make_table(60, 0x200 * i, 61 + i);
    }
    assert_int_equal(fake_retype(60, KIND_FRAME, 12, 0x8000, 65), ERR_OK);
    cap_derive(root_slot(66), root_slot(63), RIGHT_ALL);
    move_into(63, 4, 60);
    assert_int_equal(INVOKE(op_captable_delete, root_slot(66), 4), ERR_OK);
    check_all_gone(60);
}

// Two Untypeds, each in a table that was made from the other, with nested Untypeds between, and
// more tables in all of them.
static void ring_of_untypeds(void)
{
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t at = 60 + i * 10;
        assert_int_equal(fake_retype(ROOT_RAM, KIND_UNTYPED, 16, 0x10000 * (i + 1), at), ERR_OK);
        make_table(at, 0, at + 1);
        assert_int_equal(fake_retype(at, KIND_UNTYPED, 15, 0x8000, at + 2), ERR_OK);
        make_table(at + 2, 0x400, at + 3);
        assert_int_equal(fake_retype(at + 2, KIND_UNTYPED, 14, 0x4000, at + 4), ERR_OK);
        make_table(at + 4, 0x600, at + 5);
        make_table(at + 4, 0x1000, at + 6);
    }
    move_into(61, 1, 76);
    move_into(63, 2, 74);
    move_into(65, 3, 72);
    move_into(71, 1, 66);
    move_into(73, 2, 64);
    move_into(75, 3, 62);
    move_into(61, 5, 70);
    move_into(71, 5, 60);
    check_all_gone(61);
}

static void run_everywhere(void (*world)(void))
{
    for (unsigned every = 0; every < 4; every++) {
        fake.preempt_every = 0;
        void *none = NULL;
        if (every) {
            teardown(&none);
            setup(&none);
            fake.random += every;
        }
        fake.preempt_every = every;
        world();
    }
}

static void test_table_with_everything(void **state)
{
    (void)state;
    run_everywhere(table_with_everything);
}

static void test_table_in_itself(void **state)
{
    (void)state;
    run_everywhere(table_in_itself);
}

static void test_tables_in_each_other(void **state)
{
    (void)state;
    run_everywhere(tables_in_each_other);
}

static void test_chain_of_tables(void **state)
{
    (void)state;
    run_everywhere(chain_of_tables);
}

static void test_untyped_in_its_own_table(void **state)
{
    (void)state;
    run_everywhere(untyped_in_its_own_table);
}

static void test_ring_of_untypeds(void **state)
{
    (void)state;
    run_everywhere(ring_of_untypeds);
}

static void test_abandoned_table_keeps_its_memory(void **state)
{
    (void)state;
    make_table(ROOT_RAM, 0x10000, 60);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_ENDPOINT, 6, 0x11000, 61), ERR_OK);
    move_into(60, 7, 61);
    // The deleter never comes back.
    fake.preempt_every = 1;
    while (!cap_empty(root_slot(60))) {
        assert_int_equal(cap_delete(root_slot(60)), ERR_PREEMPTED);
    }
    fake.preempt_every = 0;
    fake_check();
    // Deleting something derived does not pay for it; a retype over it does.
    cap_derive(root_slot(62), root_slot(10), RIGHT_ALL);
    assert_int_equal(DELETE(62), ERR_OK);
    assert_int_equal(fake.destroyed, 0);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_FRAME, 12, 0x10000, 60), ERR_OK);
    assert_int_equal(fake.destroyed, 1);
}

// Where others are let in while it marks, copies wait for a revocation until it has had its turn,
// or has not taken it for long.
static void test_copies_wait_for_revocation(void **state)
{
    (void)state;
    unsigned waited = 0;
    hal_cpu_count = 4;
    for (uint64_t slot = 100; slot < 110; slot++) {
        assert_int_equal(COPY(slot, ROOT_TABLE, 10, RIGHT_ALL), ERR_OK);
    }
    fake.preempt_every = 1;
    assert_int_equal(cap_revoke(root_slot(10)), ERR_PREEMPTED);
    assert_true(root_slot(109)->flags & CAP_MARKED);
    while (COPY(120, ROOT_TABLE, 100, RIGHT_ALL) == ERR_RETRY) {
        waited++;
    }
    assert_true(waited >= hal_cpu_count && waited <= 8 * hal_cpu_count);
    assert_int_equal(COPY(121, ROOT_TABLE, 100, RIGHT_ALL), ERR_OK);
    assert_int_equal(cap_revoke(root_slot(10)), ERR_PREEMPTED);
    assert_int_equal(COPY(122, ROOT_TABLE, 100, RIGHT_ALL), ERR_RETRY);
    fake.preempt_every = 0;
    assert_int_equal(cap_revoke(root_slot(10)), ERR_OK);
    assert_true(cap_empty(root_slot(100)) && cap_empty(root_slot(121)));
    assert_int_equal(COPY(122, ROOT_TABLE, 10, RIGHT_ALL), ERR_OK);
    hal_cpu_count = 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_copy),
        TEST(test_mint_badge),
        TEST(test_mint_frame),
        TEST(test_mint_ports_and_limit),
        TEST(test_move),
        TEST(test_delete_and_revoke_refuse),
        TEST(test_identify),
        TEST(test_table_with_everything),
        TEST(test_table_in_itself),
        TEST(test_tables_in_each_other),
        TEST(test_chain_of_tables),
        TEST(test_untyped_in_its_own_table),
        TEST(test_ring_of_untypeds),
        TEST(test_abandoned_table_keeps_its_memory),
        TEST(test_copies_wait_for_revocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
