// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// CapTable: copy, mint, move, delete, revoke, identify.
#include "agent.h"
#include "dying.h"
#include "groups.h"

#define DERIVED_RIGHTS (RIGHT_READ | RIGHT_WRITE)

// What copy, mint and move refuse alike.  `words` is a good invocation on `table`.
static void refuse_alike(unsigned op, cap_t table, struct ipc_words words)
{
    struct ipc_words bad = words;
    refuse_rights(op, table, words);
    bad.word[0] = 0;
    refuse(op, table, bad, ERR_RANGE, 1);
    bad.word[0] = TABLE_SLOTS;
    refuse(op, table, bad, ERR_RANGE, 1);
    EXPECT_OK(captable_copy(table, 5, CSPACE, ROOT_SLOT_THREAD, RIGHT_ALL));
    bad.word[0] = 5;
    refuse(op, table, bad, ERR_OCCUPIED, 1);
    EXPECT_OK(captable_delete(table, 5));
    refuse_cap(op, table, words, 2);
    bad = words;
    bad.word[2] = empty_slot();
    refuse(op, table, bad, ERR_SLOT, 3);
    bad.word[2] = SLOT_OUTSIDE;
    refuse(op, table, bad, ERR_SLOT, 3);
}

static void copy_refuses(void)
{
    cap_t table = make(KIND_CAPTABLE);
    cap_t untyped = make(KIND_UNTYPED);
    struct ipc_words words = WORDS(1, CSPACE, ROOT_SLOT_THREAD, RIGHT_ALL);
    refuse_alike(OP_CAPTABLE_COPY, table, words);
    words.word[2] = untyped;
    refuse(OP_CAPTABLE_COPY, table, words, ERR_TYPE, 3);
    rt_object_delete(untyped);
    rt_object_delete(table);
}

static void mint_refuses(void)
{
    cap_t table = make(KIND_CAPTABLE);
    cap_t pagetable = make(KIND_PAGETABLE);
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t badged = mint(endpoint, RIGHT_ALL, 7);
    struct ipc_words words = WORDS(1, CSPACE, endpoint, RIGHT_ALL, 9);
    refuse_alike(OP_CAPTABLE_MINT, table, words);
    words.word[2] = pagetable;
    refuse(OP_CAPTABLE_MINT, table, words, ERR_TYPE, 3);
    words.word[2] = badged;
    refuse(OP_CAPTABLE_MINT, table, words, ERR_STATE, 3);
    rt_object_delete(endpoint);
    rt_slots_free(badged, 1);
    rt_object_delete(pagetable);
    rt_object_delete(table);
}

// A sub-range that is not inside, of frames and ports.
static void mint_refuses_ranges(void)
{
    cap_t frame = make_sized(KIND_FRAME, 14);
    cap_t ports = rt_slot_alloc();
    EXPECT_OK(io_control_ports(ROOT_SLOT_IO_CONTROL, 0x80, 4, CSPACE, ports));
    struct ipc_words words = WORDS(empty_slot(), CSPACE, frame, RIGHT_ALL, 4ull | 1ull << 32);
    refuse(OP_CAPTABLE_MINT, CSPACE, words, ERR_RANGE, 5);
    words.word[4] = 2ull | 3ull << 32;
    refuse(OP_CAPTABLE_MINT, CSPACE, words, ERR_RANGE, 5);
    words.word[4] = 0;  // no page at all
    refuse(OP_CAPTABLE_MINT, CSPACE, words, ERR_RANGE, 5);
    words.word[2] = ports;
    words.word[4] = 0x7full | 2ull << 16;
    refuse(OP_CAPTABLE_MINT, CSPACE, words, ERR_RANGE, 5);
    words.word[4] = 0x83ull | 2ull << 16;
    refuse(OP_CAPTABLE_MINT, CSPACE, words, ERR_RANGE, 5);
    rt_cap_delete(ports);
    rt_object_delete(frame);
}

static void move_refuses(void)
{
    cap_t table = make(KIND_CAPTABLE);
    cap_t endpoint = make(KIND_ENDPOINT);
    refuse_alike(OP_CAPTABLE_MOVE, table, WORDS(1, CSPACE, endpoint));
    rt_object_delete(endpoint);
    rt_object_delete(table);
}

static void delete_revoke_identify_refuse(void)
{
    cap_t table = make(KIND_CAPTABLE);
    refuse_rights(OP_CAPTABLE_DELETE, table, WORDS(1));
    refuse_rights(OP_CAPTABLE_REVOKE, table, WORDS(1));
    refuse_rights(OP_CAPTABLE_IDENTIFY, table, WORDS(1));
    refuse(OP_CAPTABLE_DELETE, table, WORDS(0), ERR_RANGE, 1);
    refuse(OP_CAPTABLE_DELETE, table, WORDS(TABLE_SLOTS), ERR_RANGE, 1);
    refuse(OP_CAPTABLE_IDENTIFY, table, WORDS(TABLE_SLOTS), ERR_RANGE, 1);
    refuse(OP_CAPTABLE_IDENTIFY, table, WORDS(UINT64_MAX), ERR_RANGE, 1);
    refuse(OP_CAPTABLE_REVOKE, table, WORDS(0), ERR_RANGE, 1);
    refuse(OP_CAPTABLE_REVOKE, table, WORDS(TABLE_SLOTS), ERR_RANGE, 1);
    EXPECT_OK(captable_delete(table, 1));  // empty: there is nothing to do
    EXPECT_OK(captable_revoke(table, 1));
    rt_object_delete(table);
}

// Of an empty slot: how many are empty from it on, and no more than a short look finds.
static void identify_counts_empty_slots(void)
{
    cap_t table = make(KIND_CAPTABLE);
    cap_t endpoint = make(KIND_ENDPOINT);
    EXPECT_EQUAL(captable_identify(table, TABLE_SLOTS - 1).size, 1);
    EXPECT_OK(captable_copy(table, 3, CSPACE, endpoint, RIGHT_ALL));
    EXPECT_EQUAL(captable_identify(table, 1).size, 2);
    EXPECT_EQUAL(captable_identify(table, 2).size, 1);
    EXPECT_EQUAL(captable_identify(table, 4).size, 32);
    EXPECT_OK(captable_copy(table, 35, CSPACE, endpoint, RIGHT_ALL));
    EXPECT_EQUAL(captable_identify(table, 4).size, 31);
    EXPECT_EQUAL(captable_identify(table, 36).size, TABLE_SLOTS - 36);
    rt_object_delete(endpoint);
    EXPECT_EQUAL(captable_identify(table, 3).size, 32);
    rt_object_delete(table);
}

// A derived capability never has more rights than what it was derived from.
static void copy_narrows(void)
{
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t narrow = derive(endpoint, RIGHT_SEND);
    cap_t wide = derive(narrow, RIGHT_ALL);
    EXPECT_EQUAL(captable_identify(CSPACE, wide).kind_rights, KIND_ENDPOINT | RIGHT_SEND << 8);
    rt_cap_delete(narrow);
    EXPECT_EQUAL(captable_identify(CSPACE, wide).kind_rights, KIND_ENDPOINT | RIGHT_SEND << 8);
    rt_cap_delete(wide);
    rt_object_delete(endpoint);
}

static void mint_gives_badges_and_ranges(void)
{
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t frame = make_sized(KIND_FRAME, 14);
    cap_t badged = mint(notification, DERIVED_RIGHTS, 0x55);
    cap_t part = mint(frame, RIGHT_READ, 1ull | 2ull << 32);
    struct captable_identify_result what = captable_identify(CSPACE, badged);
    EXPECT_EQUAL(what.badge, 0x55);
    what = captable_identify(CSPACE, part);
    EXPECT_EQUAL(what.badge, 1);
    EXPECT_EQUAL(what.size, 2 * PAGE_SIZE);
    EXPECT_EQUAL(what.kind_rights, KIND_FRAME | RIGHT_READ << 8);
    rt_cap_delete(part);
    rt_cap_delete(badged);
    rt_object_delete(frame);
    rt_object_delete(notification);
}

// Moving leaves derivation as it is: revoking the moved one takes the copies.
static void move_keeps_derivation(void)
{
    cap_t table = make(KIND_CAPTABLE);
    cap_t endpoint = make(KIND_ENDPOINT);
    cap_t child = derive(endpoint, RIGHT_ALL);
    cap_t grandchild = derive(child, RIGHT_ALL);
    EXPECT_OK(captable_move(table, 3, CSPACE, child));
    EXPECT_EQUAL(captable_identify(CSPACE, child).kind_rights, 0);
    EXPECT_OK(captable_revoke(table, 3));
    EXPECT_EQUAL(captable_identify(CSPACE, grandchild).kind_rights, 0);
    EXPECT_EQUAL(captable_identify(table, 3).kind_rights & 0xff, KIND_ENDPOINT);
    EXPECT_OK(captable_move(CSPACE, child, table, 3));
    rt_object_delete(endpoint);
    EXPECT_EQUAL(captable_identify(CSPACE, child).kind_rights, 0);
    rt_slots_free(child, 1);
    rt_slots_free(grandchild, 1);
    rt_object_delete(table);
}

// ---- a source that is being revoked ------------------------------------------------------------
static cap_t scratch;

static void probe_copies(cap_t victim)
{
    test_hit(OP_CAPTABLE_COPY, captable_copy(CSPACE, scratch, CSPACE, victim, 0));
    rt_ignore(captable_delete(CSPACE, scratch));  // may be empty
    test_hit(OP_CAPTABLE_MINT, captable_mint(CSPACE, scratch, CSPACE, victim, 0, 1));
    rt_ignore(captable_delete(CSPACE, scratch));
}

static void probe_source(cap_t victim)
{
    probe_copies(victim);
    struct rt_status status = captable_move(CSPACE, scratch, CSPACE, victim);
    test_hit(OP_CAPTABLE_MOVE, status);
    if (rt_ok(status)) {
        rt_ignore(captable_move(CSPACE, victim, CSPACE, scratch));  // it may just have died
    }
}

static bool source_seen(void)
{
    return test_was_hit(OP_CAPTABLE_COPY, ERR_DEAD, 3) &&
           test_was_hit(OP_CAPTABLE_MINT, ERR_DEAD, 3) &&
           test_was_hit(OP_CAPTABLE_MOVE, ERR_DEAD, 3);
}

static void dying_source_refused(void)
{
    struct dying dying = { .probe = probe_source, .done = source_seen };
    cap_t endpoint = make(KIND_ENDPOINT);
    scratch = rt_slot_alloc();
    EXPECT(dying_observe(&dying, endpoint));
    rt_object_delete(endpoint);
    rt_slots_free(scratch, 1);
}

// ---- a table that is being revoked, wherever an operation names one ----------------------------
static cap_t probe_untyped, probe_space;

// No slot 0 is ever empty or full: a living table is refused by its slot.
static void probe_table(cap_t victim)
{
    test_hit(OP_UNTYPED_RETYPE,
             untyped_retype(probe_untyped, kind_bits(KIND_ENDPOINT, 6), 0, victim, 0, 1));
    test_hit(OP_CAPTABLE_COPY, captable_copy(CSPACE, scratch, victim, 0, 0));
    test_hit(OP_CAPTABLE_MINT, captable_mint(CSPACE, scratch, victim, 0, 0, 1));
    test_hit(OP_CAPTABLE_MOVE, captable_move(CSPACE, scratch, victim, 0));
    test_hit(OP_ADDRESS_SPACE_STOCK, aspace_stock(probe_space, victim, 0, 1));
    test_hit(OP_IRQ_CONTROL_GET, irq_control_get(ROOT_SLOT_IRQ_CONTROL, 11, 0, victim, 0));
    test_hit(OP_IRQ_CONTROL_MSI, irq_control_msi(ROOT_SLOT_IRQ_CONTROL, 0, victim, 0));
    test_hit(OP_IO_CONTROL_PORTS, io_control_ports(ROOT_SLOT_IO_CONTROL, 0x80, 1, victim, 0));
    test_hit(OP_IO_CONTROL_DEVICE, io_control_device(ROOT_SLOT_IO_CONTROL, 0x0100, victim, 0));
}

static bool table_seen(void)
{
    return test_was_hit(OP_UNTYPED_RETYPE, ERR_DEAD, 3) &&
           test_was_hit(OP_CAPTABLE_COPY, ERR_DEAD, 2) &&
           test_was_hit(OP_CAPTABLE_MINT, ERR_DEAD, 2) &&
           test_was_hit(OP_CAPTABLE_MOVE, ERR_DEAD, 2) &&
           test_was_hit(OP_ADDRESS_SPACE_STOCK, ERR_DEAD, 1) &&
           test_was_hit(OP_IRQ_CONTROL_GET, ERR_DEAD, 3) &&
           test_was_hit(OP_IRQ_CONTROL_MSI, ERR_DEAD, 2) &&
           test_was_hit(OP_IO_CONTROL_PORTS, ERR_DEAD, 3) &&
           (!have_devices() || test_was_hit(OP_IO_CONTROL_DEVICE, ERR_DEAD, 2));
}

static void dying_table_refused(void)
{
    struct dying dying = { .probe = probe_table, .done = table_seen };
    cap_t table = make(KIND_CAPTABLE);
    scratch = rt_slot_alloc();
    probe_untyped = make(KIND_UNTYPED);
    probe_space = make(KIND_ADDRESS_SPACE);
    EXPECT(dying_observe(&dying, table));
    rt_object_delete(table);
    rt_object_delete(probe_space);
    rt_object_delete(probe_untyped);
    rt_slots_free(scratch, 1);
}

GROUP(captable, TEST(copy_refuses), TEST(mint_refuses), TEST(mint_refuses_ranges),
      TEST(move_refuses), TEST(delete_revoke_identify_refuse), TEST(identify_counts_empty_slots),
      TEST(copy_narrows), TEST(mint_gives_badges_and_ranges), TEST(move_keeps_derivation),
      TEST(dying_source_refused), TEST(dying_table_refused));
