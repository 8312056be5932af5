// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages on their way: words beyond the registers, capabilities into the receiver's window, and
// every refusal of a tag.  Sender and receiver share the root table.
#include "../transfer.h"

#include "../forest.h"
#include "fake.h"

#include <abi/message.h>

#define BLAME(error, argument) ((int)err_blame(ERR_##error, argument))
#define SEND_ALL               (RIGHT_SEND | RIGHT_GRANT)
#define WINDOW                 100u

static struct thread sender, receiver;
static struct message_buffer out, in;

// 10: an endpoint, 11: derived from it with badge 7, 12: a notification, 13: an Untyped, 14: a
// page table.
static int setup(void **state)
{
    (void)state;
    fake_setup();
    assert_int_equal(fake_retype(ROOT_RAM, KIND_ENDPOINT, 6, 0, 10), ERR_OK);
    cap_derive(root_slot(11), root_slot(10), RIGHT_SEND);
    root_slot(11)->badge = 7;
    assert_int_equal(fake_retype(ROOT_RAM, KIND_NOTIFICATION, 6, 64, 12), ERR_OK);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_UNTYPED, 13, 0x4000, 13), ERR_OK);
    assert_int_equal(fake_retype(ROOT_RAM, KIND_PAGETABLE, 12, 0x1000, 14), ERR_OK);
    out = (struct message_buffer){ 0 };
    in = (struct message_buffer){ .window_table = ROOT_TABLE,
                                  .window_slot = WINDOW,
                                  .window_count = MSG_MAX_CAPS };
    sender = receiver = *fake.thread;
    sender.buffer = &out;
    receiver.buffer = &in;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_check();
    fake_teardown();
    return 0;
}

static uint64_t transfer(unsigned length, unsigned caps, unsigned rights)
{
    return transfer_message(&sender, &receiver, TAG(5, length, caps), rights,
                            root_slot(10)->address);
}

static int check(uint64_t tag, unsigned rights)
{
    return (int)transfer_check(&sender, tag, rights);
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        hal_context_set_word(&sender.context, i, i + 1);
    }
    for (unsigned i = MSG_REG_WORDS; i < MSG_MAX_WORDS; i++) {
        out.words[i] = i + 1;
    }
    assert_int_equal(transfer(MSG_REG_WORDS + 1, 0, RIGHT_SEND), TAG(5, MSG_REG_WORDS + 1, 0));
    assert_int_equal(in.words[MSG_REG_WORDS], MSG_REG_WORDS + 1);
    assert_int_equal(in.words[MSG_REG_WORDS + 1], 0);
    assert_int_equal(transfer(MSG_MAX_WORDS - 1, 0, RIGHT_SEND), TAG(5, MSG_MAX_WORDS - 1, 0));
    for (unsigned i = 0; i < MSG_REG_WORDS; i++) {
        assert_int_equal(hal_context_word(&receiver.context, i), i + 1);
    }
    for (unsigned i = MSG_REG_WORDS; i < MSG_MAX_WORDS - 1; i++) {
        assert_int_equal(in.words[i], i + 1);
    }
    assert_int_equal(in.words[MSG_MAX_WORDS - 1], 0);
    receiver.buffer = NULL;
    assert_int_equal(transfer(MSG_MAX_WORDS, 0, RIGHT_SEND), TAG(5, MSG_REG_WORDS, 0));
}

static void test_tags_refused(void **state)
{
    (void)state;
    assert_int_equal(check(TAG(5, MSG_MAX_WORDS, MSG_MAX_CAPS), RIGHT_SEND), BLAME(RIGHTS, 1));
    assert_int_equal(check(TAG(5, MSG_MAX_WORDS, 0), RIGHT_SEND), ERR_OK);
    assert_int_equal(check(TAG(5, MSG_MAX_WORDS + 1, 0), RIGHT_SEND), BLAME(LENGTH, 1));
    assert_int_equal(check(TAG(5, 0, MSG_MAX_CAPS + 1), SEND_ALL), BLAME(LENGTH, 1));
    for (unsigned bit = TAG_HOME_SHIFT; bit < TAG_LABEL_SHIFT; bit++) {
        assert_int_equal(check(1ull << bit, SEND_ALL), BLAME(LENGTH, 1));
    }
    sender.buffer = NULL;
    assert_int_equal(check(TAG(5, MSG_REG_WORDS, 0), RIGHT_SEND), ERR_OK);
    assert_int_equal(check(TAG(5, MSG_REG_WORDS + 1, 0), RIGHT_SEND), BLAME(BUFFER, 1));
}

static void test_capabilities_refused(void **state)
{
    (void)state;
    const uint64_t tag = TAG(5, 0, 1);
    out.caps[0] = 99;
    assert_int_equal(check(tag, SEND_ALL), BLAME(SLOT, 1));
    for (uint64_t slot = 13; slot <= 14; slot++) {  // never derived, only moved
        out.caps[0] = slot;
        assert_int_equal(check(tag, SEND_ALL), BLAME(TYPE, 1));
        out.caps[0] = slot | CAP_MOVE;
        assert_int_equal(check(tag, SEND_ALL), ERR_OK);
    }
    out.caps[0] = 12;
    assert_int_equal(check(tag, SEND_ALL), ERR_OK);
    root_slot(12)->flags |= CAP_MARKED;
    assert_int_equal(check(tag, SEND_ALL), BLAME(DEAD, 1));
    root_slot(12)->flags &= (uint8_t)~CAP_MARKED;
}

// What changed since the check is not received.
static void test_capability_gone_since(void **state)
{
    (void)state;
    out.caps[0] = 99;
    out.caps[1] = 13;
    out.caps[2] = 12;
    assert_int_equal(transfer(0, 3, SEND_ALL), TAG(5, 0, 1));
    assert_int_equal(root_slot(WINDOW)->kind, KIND_NOTIFICATION);
    assert_true(cap_empty(root_slot(WINDOW + 1)));
    assert_int_equal(transfer(0, 3, RIGHT_SEND), TAG(5, 0, 0));
}

static void test_sent_is_child(void **state)
{
    (void)state;
    cap_derive(root_slot(20), root_slot(12), RIGHT_WRITE);
    out.caps[0] = 20;
    assert_int_equal(transfer(0, 1, SEND_ALL), TAG(5, 0, 1));
    assert_ptr_equal(root_slot(20)->child, root_slot(WINDOW));
    assert_int_equal(root_slot(WINDOW)->rights, RIGHT_WRITE);
}

static void test_moved_leaves_its_sender(void **state)
{
    (void)state;
    out.caps[0] = 13 | CAP_MOVE;
    assert_int_equal(transfer(0, 1, SEND_ALL), TAG(5, 0, 1));
    assert_true(cap_empty(root_slot(13)));
    assert_int_equal(root_slot(WINDOW)->kind, KIND_UNTYPED);
}

static void test_home_is_badge(void **state)
{
    (void)state;
    out.caps[0] = 12;
    out.caps[1] = 11;  // comes home
    out.caps[2] = 10;  // has no badge
    assert_int_equal(transfer(0, 3, SEND_ALL), TAG(5, 0, 3) | 2ull << TAG_HOME_SHIFT);
    assert_int_equal(in.caps[1], 7);
    assert_int_equal(root_slot(WINDOW)->kind, KIND_NOTIFICATION);
    assert_int_equal(root_slot(WINDOW + 1)->kind, KIND_ENDPOINT);
    assert_true(cap_empty(root_slot(WINDOW + 2)));
}

static void test_window(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MSG_MAX_CAPS; i++) {
        out.caps[i] = 12;
    }
    in.window_count = 2;
    assert_int_equal(transfer(0, MSG_MAX_CAPS, SEND_ALL), TAG(5, 0, 2));
    assert_true(cap_empty(root_slot(WINDOW + 2)));
    in.window_slot = WINDOW + 1;  // the first of it is occupied
    assert_int_equal(transfer(0, 1, SEND_ALL), TAG(5, 0, 0));
    assert_true(cap_empty(root_slot(WINDOW + 2)));
    in.window_slot = ROOT_SLOTS - 1;
    assert_int_equal(transfer(0, 2, SEND_ALL), TAG(5, 0, 1));
    in.window_slot = WINDOW + 2;
    in.window_table = 12;  // no table
    assert_int_equal(transfer(0, 1, SEND_ALL), TAG(5, 0, 0));
    assert_true(cap_empty(root_slot(WINDOW + 2)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_words),
        TEST(test_tags_refused),
        TEST(test_capabilities_refused),
        TEST(test_capability_gone_since),
        TEST(test_sent_is_child),
        TEST(test_moved_leaves_its_sender),
        TEST(test_home_is_badge),
        TEST(test_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
