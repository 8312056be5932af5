// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Derivation: what is linked to what after deriving, moving, deleting and revoking; look-ups.
#include "../forest.h"
#include "fake.h"

#define BLAME(error, argument) ((int)err_blame(ERR_##error, argument))

// The slots of the children of `cap`, in their order, as one number with two digits each.
static unsigned children(const struct cap *cap)
{
    unsigned list = 0;
    for (const struct cap *child = cap->child; child; child = child->next) {
        list = list * 100 + (unsigned)(child - root_slot(0));
        if ((uintptr_t)child->next & 1) {
            break;
        }
    }
    return list;
}

static void derive(uint64_t to, uint64_t from)
{
    cap_derive(root_slot(to), root_slot(from), RIGHT_ALL);
}

static int setup(void **state)
{
    (void)state;
    fake_setup();
    // 10 is an endpoint; 11, 12 and 13 are copies, the last first; 14 and 15 are copies of 12.
    assert_int_equal(fake_retype(ROOT_RAM, KIND_ENDPOINT, 6, 0, 10), ERR_OK);
    for (uint64_t slot = 11; slot < 14; slot++) {
        derive(slot, 10);
    }
    derive(14, 12);
    derive(15, 12);
    cap_check();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_teardown();
    return 0;
}

static void test_derived_is_first_child(void **state)
{
    (void)state;
    assert_int_equal(children(root_slot(10)), 131211);
    assert_int_equal(children(root_slot(12)), 1514);
    assert_false(root_slot(12)->flags & CAP_ORIGINAL);
    assert_true(root_slot(10)->flags & CAP_ORIGINAL);
}

static void test_rights_only_shrink(void **state)
{
    (void)state;
    cap_derive(root_slot(20), root_slot(10), RIGHT_SEND | RIGHT_GRANT);
    cap_derive(root_slot(21), root_slot(20), RIGHT_ALL);
    cap_derive(root_slot(22), root_slot(20), RIGHT_RECEIVE | RIGHT_SEND);
    assert_int_equal(root_slot(21)->rights, RIGHT_SEND | RIGHT_GRANT);
    assert_int_equal(root_slot(22)->rights, RIGHT_SEND);
}

static void test_derived_frame_is_not_attached(void **state)
{
    (void)state;
    static struct aspace *const space = (struct aspace *)64;
    assert_int_equal(fake_retype(ROOT_RAM, KIND_FRAME, 12, 4096, 20), ERR_OK);
    derive(21, 20);
    root_slot(21)->flags |= CAP_ATTACHED;
    root_slot(21)->space = space;
    derive(22, 21);
    assert_int_equal(root_slot(22)->flags, 0);
    assert_null(root_slot(22)->space);
    cap_move(root_slot(23), root_slot(21));
    assert_int_equal(fake.moved, 1);
    assert_ptr_equal(root_slot(23)->space, space);
    assert_int_equal(cap_delete(root_slot(23)), ERR_OK);
    assert_int_equal(fake.detached, 1);
    assert_int_equal(children(root_slot(20)), 22);
}

static void test_deleted_hands_children_to_parent(void **state)
{
    (void)state;
    assert_int_equal(cap_delete(root_slot(12)), ERR_OK);
    assert_true(cap_empty(root_slot(12)));
    assert_int_equal(children(root_slot(10)), 13151411);
    cap_check();
    // First, last, only.
    derive(16, 13);
    derive(17, 11);
    assert_int_equal(cap_delete(root_slot(13)), ERR_OK);
    assert_int_equal(cap_delete(root_slot(11)), ERR_OK);
    assert_int_equal(children(root_slot(10)), 16151417);
    cap_check();
    for (uint64_t slot = 14; slot < 17; slot++) {
        assert_int_equal(cap_delete(root_slot(slot)), ERR_OK);
    }
    derive(18, 17);
    assert_int_equal(cap_delete(root_slot(17)), ERR_OK);
    assert_int_equal(children(root_slot(10)), 18);
    assert_int_equal(cap_delete(root_slot(18)), ERR_OK);
    assert_null(root_slot(10)->child);
    cap_check();
}

static void test_move_keeps_every_link(void **state)
{
    (void)state;
    static const uint8_t moves[][2] = {
        { 13, 33 }, { 11, 31 }, { 12, 32 }, { 10, 30 }, { 14, 34 }
    };
    for (unsigned i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
        cap_move(root_slot(moves[i][1]), root_slot(moves[i][0]));
        assert_true(cap_empty(root_slot(moves[i][0])));
        cap_check();
    }
    assert_int_equal(children(root_slot(30)), 333231);
    assert_int_equal(children(root_slot(32)), 1534);
}

static void test_move_untyped_with_children(void **state)
{
    (void)state;
    cap_move(root_slot(40), root_slot(ROOT_RAM));
    cap_check();
    assert_int_equal(fake_retype(40, KIND_ENDPOINT, 6, 0, 20), BLAME(OVERLAP, 2));
    assert_int_equal(fake_retype(40, KIND_UNTYPED, 12, 4096, 20), ERR_OK);
    assert_int_equal(fake_retype(20, KIND_ENDPOINT, 6, 0, 21), ERR_OK);
    cap_move(root_slot(41), root_slot(20));
    cap_move(root_slot(42), root_slot(40));
    cap_check();
    assert_int_equal(cap_delete(root_slot(21)), ERR_OK);
    assert_null(root_slot(41)->objects.root);
    cap_check();
}

static void test_revoke_deletes_all_descendants(void **state)
{
    (void)state;
    assert_int_equal(cap_revoke(root_slot(12)), ERR_OK);
    assert_true(cap_empty(root_slot(14)) && cap_empty(root_slot(15)));
    assert_int_equal(children(root_slot(10)), 131211);
    assert_int_equal(cap_revoke(root_slot(10)), ERR_OK);
    for (uint64_t slot = 11; slot < 16; slot++) {
        assert_true(cap_empty(root_slot(slot)));
    }
    assert_int_equal(fake.destroyed, 0);
    assert_false(cap_empty(root_slot(10)));
}

static void test_revoke_marks_everything_before_it_deletes(void **state)
{
    (void)state;
    fake.preempt_every = 1;
    unsigned marked = 0;
    while (cap_revoke(root_slot(10)) == ERR_PREEMPTED) {
        cap_check();
        marked = 0;
        unsigned left = 0;
        for (uint64_t slot = 11; slot < 16; slot++) {
            left += !cap_empty(root_slot(slot));
            marked += !!(root_slot(slot)->flags & CAP_MARKED);
        }
        assert_true(left == 5 || marked == left);
        struct cap *found;
        for (uint64_t slot = 11; slot < 16; slot++) {
            if (root_slot(slot)->flags & CAP_MARKED) {
                assert_int_equal(cap_lookup(fake.thread, slot, &found), ERR_DEAD);
            }
        }
    }
    assert_null(root_slot(10)->child);
}

// Derive a capability from an unmarked slot into an empty one; false where there is none.
static bool copy_any(void)
{
    for (uint64_t from = 11, to = 11; from < 60; from++) {
        if (cap_empty(root_slot(from)) || root_slot(from)->flags & CAP_MARKED) {
            continue;
        }
        while (to < 60 && !cap_empty(root_slot(to))) {
            to++;
        }
        if (to < 60) {
            derive(to, from);
        }
        return to < 60;
    }
    return false;
}

static void test_revoke_ends_although_copies_are_made(void **state)
{
    (void)state;
    fake.preempt_every = 1;
    unsigned copies = 0;
    while (cap_revoke(root_slot(10)) == ERR_PREEMPTED) {
        cap_check();
        copies += copy_any();
    }
    assert_null(root_slot(10)->child);
    assert_in_range(copies, 1, 60);
}

static void test_deleted_original_takes_all_with_it(void **state)
{
    (void)state;
    for (fake.preempt_every = 0; fake.preempt_every < 2; fake.preempt_every++) {
        fake.destroy_steps = 3;
        enum err err;
        while ((err = cap_delete(root_slot(10))) == ERR_PREEMPTED) {
            fake_check();
        }
        assert_int_equal(err, ERR_OK);
        for (uint64_t slot = 10; slot < 16; slot++) {
            assert_true(cap_empty(root_slot(slot)));
        }
        assert_int_equal(fake.destroyed, 1 + fake.preempt_every);
        assert_null(root_slot(ROOT_RAM)->objects.root);
        if (fake.preempt_every) {
            break;
        }
        assert_int_equal(fake_retype(ROOT_RAM, KIND_NOTIFICATION, 6, 0, 10), ERR_OK);
        derive(11, 10);
        derive(12, 11);
    }
}

static void test_revoke_of_control_destroys_handlers(void **state)
{
    (void)state;
    // 20 is a copy of the control, 21 a handler made through it, 22 and 23 copies of the handler.
    derive(20, ROOT_IRQ);
    *root_slot(21) = (struct cap){ .kind = KIND_IRQ_HANDLER, .rights = RIGHT_ALL, .aux = 7 };
    cap_insert_child(root_slot(21), root_slot(20));
    derive(22, 21);
    derive(23, 22);
    cap_check();
    // A handler whose own deletion was begun.
    root_slot(21)->flags |= CAP_MARKED;
    fake.preempt_every = 1;
    fake.destroy_steps = 2;
    enum err err;
    while ((err = cap_revoke(root_slot(ROOT_IRQ))) == ERR_PREEMPTED) {
        fake_check();
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(fake.destroyed, 1);
    for (uint64_t slot = 20; slot < 24; slot++) {
        assert_true(cap_empty(root_slot(slot)));
    }
}

static void test_handler_survives_the_copy_it_was_made_through(void **state)
{
    (void)state;
    derive(20, ROOT_IRQ);
    *root_slot(21) = (struct cap){ .kind = KIND_IRQ_HANDLER, .rights = RIGHT_ALL, .aux = 7 };
    cap_insert_child(root_slot(21), root_slot(20));
    assert_int_equal(cap_delete(root_slot(20)), ERR_OK);
    assert_int_equal(children(root_slot(ROOT_IRQ)), 21);
    derive(22, 21);
    assert_int_equal(cap_delete(root_slot(21)), ERR_OK);
    assert_int_equal(fake.destroyed, 1);
    assert_true(cap_empty(root_slot(22)));
}

static void test_internal_slots_are_told(void **state)
{
    (void)state;
    assert_int_equal(fake_retype(ROOT_RAM, KIND_THREAD, 12, 4096, 20), ERR_OK);
    struct fake_thread *thread = (struct fake_thread *)root_slot(20)->address;
    cap_derive(&thread->slots[0], root_slot(11), RIGHT_ALL);
    cap_derive(&thread->slots[1], root_slot(13), RIGHT_ALL);
    assert_true(thread->slots[0].flags & CAP_INTERNAL);
    derive(21, 11);
    assert_false(root_slot(21)->flags & CAP_INTERNAL);
    assert_int_equal(cap_revoke(root_slot(11)), ERR_OK);
    assert_int_equal(fake.cleared, 1);
    assert_int_equal(thread->slots[0].flags, CAP_INTERNAL);
    assert_int_equal(cap_delete(root_slot(20)), ERR_OK);
    assert_int_equal(fake.cleared, 2);
    assert_null(root_slot(13)->child);
}

static void test_lookup(void **state)
{
    (void)state;
    struct cap *cap;
    struct thread *thread = fake.thread;
    assert_int_equal(cap_lookup(thread, 0, &cap), ERR_SLOT);
    assert_int_equal(cap_lookup(thread, ROOT_SLOTS, &cap), ERR_SLOT);
    assert_int_equal(cap_lookup(thread, UINT64_MAX, &cap), ERR_SLOT);
    assert_int_equal(cap_lookup(thread, 99, &cap), ERR_SLOT);
    assert_int_equal(cap_lookup(thread, 10, &cap), ERR_OK);
    assert_ptr_equal(cap, root_slot(10));
    assert_int_equal(cap_lookup_kind(thread, 10, KIND_NOTIFICATION, 0, 4, &cap), BLAME(TYPE, 4));
    assert_int_equal(cap_lookup_kind(thread, 10, KIND_EMPTY, RIGHT_SEND, 4, &cap), ERR_OK);
    root_slot(11)->rights = RIGHT_SEND;
    assert_int_equal(cap_lookup_kind(thread, 11, KIND_ENDPOINT, RIGHT_RECEIVE, 3, &cap),
                     BLAME(RIGHTS, 3));
    assert_int_equal(cap_lookup_kind(thread, 99, KIND_ENDPOINT, 0, 3, &cap), BLAME(SLOT, 3));
    root_slot(11)->flags |= CAP_MARKED;
    assert_int_equal(cap_lookup_kind(thread, 11, KIND_ENDPOINT, 0, 3, &cap), BLAME(DEAD, 3));
    fake.thread->cspace_count = 0;
    assert_int_equal(cap_lookup(thread, 10, &cap), ERR_SLOT);
    fake.thread->cspace_count = ROOT_SLOTS;
}

static void test_lookup_empty(void **state)
{
    (void)state;
    struct cap *cap;
    struct thread *thread = fake.thread;
    assert_int_equal(cap_lookup_empty(thread, ROOT_TABLE, 20, 3, &cap), ERR_OK);
    assert_ptr_equal(cap, root_slot(20));
    assert_int_equal(cap_lookup_empty(thread, ROOT_TABLE, 10, 3, &cap), BLAME(OCCUPIED, 4));
    assert_int_equal(cap_lookup_empty(thread, ROOT_TABLE, 0, 3, &cap), BLAME(RANGE, 4));
    assert_int_equal(cap_lookup_empty(thread, ROOT_TABLE, ROOT_SLOTS, 3, &cap), BLAME(RANGE, 4));
    assert_int_equal(cap_lookup_empty(thread, 10, 20, 3, &cap), BLAME(TYPE, 3));
    assert_int_equal(cap_lookup_empty(thread, 20, 20, 3, &cap), BLAME(SLOT, 3));
    cap_derive(root_slot(21), root_slot(ROOT_TABLE), RIGHT_READ);
    assert_int_equal(cap_lookup_empty(thread, 21, 20, 3, &cap), BLAME(RIGHTS, 3));
    assert_int_equal(cap_lookup_place(thread, ROOT_TABLE, 10, 3, &cap), ERR_OK);
    assert_ptr_equal(cap, root_slot(10));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_derived_is_first_child),
        TEST(test_rights_only_shrink),
        TEST(test_derived_frame_is_not_attached),
        TEST(test_deleted_hands_children_to_parent),
        TEST(test_move_keeps_every_link),
        TEST(test_move_untyped_with_children),
        TEST(test_revoke_deletes_all_descendants),
        TEST(test_revoke_marks_everything_before_it_deletes),
        TEST(test_revoke_ends_although_copies_are_made),
        TEST(test_deleted_original_takes_all_with_it),
        TEST(test_revoke_of_control_destroys_handlers),
        TEST(test_handler_survives_the_copy_it_was_made_through),
        TEST(test_internal_slots_are_told),
        TEST(test_lookup),
        TEST(test_lookup_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
