// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads as their owners see them, on the whole core: configuration, registers, vector state,
// priorities.
#include "machine.h"

enum operation {
    CONFIGURE,
    SET_BUFFER,
    RESUME,
    SUSPEND,
    CANCEL,
    KICK,
    READ_REGS,
    WRITE_REGS,
    READ_VECTOR,
    WRITE_VECTOR,
    BIND,
    SET_PRIORITY,
};

#define VECTOR_BYTES HAL_VECTOR_MAX

static uint8_t *frame_of(uint64_t slot)
{
    return (uint8_t *)slot_cap(slot)->address;
}

static bool all(const uint8_t *bytes, uint8_t value)
{
    for (unsigned i = 0; i < VECTOR_BYTES; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

static void test_refusals_of_configure(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, 0);
    uint64_t endpoint = make(KIND_ENDPOINT, 6);
    uint64_t deaf = copy_slot(endpoint, RIGHT_RECEIVE);
    uint64_t thread = actor.cap;
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, endpoint, 0, 0, 0, 0), err_blame(ERR_TYPE, 1));
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, endpoint, 0, 0, 0), err_blame(ERR_TYPE, 2));
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, 0, deaf, 0, 0), err_blame(ERR_RIGHTS, 3));
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, 0, 0, 4000, 0), err_blame(ERR_SLOT, 4));
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, 0, 0, thread, 0), err_blame(ERR_TYPE, 4));
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, 0, 0, deaf, 0), err_blame(ERR_RIGHTS, 4));
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, 0, 0, 0, 8), err_blame(ERR_RANGE, 5));
    assert_non_null(actor.thread->cspace);  // as it was
    actor_resume(&actor);
    REFUSED(INVOKE(thread, KIND_THREAD, CONFIGURE, 0, 0, 0, 0, 0), ERR_STATE);
}

static void test_refusals_of_set_buffer(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, 0);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    uint64_t thread = actor.cap;
    REFUSED(INVOKE(thread, KIND_THREAD, SET_BUFFER, 2, frame, 0), err_blame(ERR_RANGE, 1));
    REFUSED(INVOKE(thread, KIND_THREAD, SET_BUFFER, 0, thread, 0), err_blame(ERR_TYPE, 2));
    REFUSED(INVOKE(thread, KIND_THREAD, SET_BUFFER, 0, frame, 512), err_blame(ERR_ALIGN, 3));
    REFUSED(INVOKE(thread, KIND_THREAD, SET_BUFFER, 1, frame, PAGE_SIZE), err_blame(ERR_RANGE, 3));
    assert_ptr_equal(actor.thread->buffer, actor.buffer);
    OK(INVOKE(thread, KIND_THREAD, SET_BUFFER, 1, frame, 768));
    assert_ptr_equal(actor.thread->guest_frame, frame_of(frame) + 768);
    OK(INVOKE(thread, KIND_THREAD, SET_BUFFER, 1, 0, 0));
    assert_null(actor.thread->guest_frame);
}

static void test_registers(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, 0);
    struct message_buffer *buffer = current()->buffer;
    struct thread_regs *regs = (struct thread_regs *)buffer->words;
    *regs = (struct thread_regs){ .rip = 0x1234, .rdi = 7 };
    OK(INVOKE0(actor.cap, KIND_THREAD, WRITE_REGS));
    assert_int_equal(actor.thread->context.ip, 0x1234);
    memset(buffer, 0, sizeof(*buffer));
    OK(INVOKE0(actor.cap, KIND_THREAD, READ_REGS));
    assert_int_equal(regs->rip, 0x1234);
    assert_int_equal(regs->rdi, 7);
    REFUSED(INVOKE0(ROOT_SLOT_THREAD, KIND_THREAD, READ_REGS), ERR_STATE);
    actor_resume(&actor);
    REFUSED(INVOKE0(actor.cap, KIND_THREAD, WRITE_REGS), ERR_STATE);
    OK(INVOKE0(actor.cap, KIND_THREAD, SUSPEND));
    OK(INVOKE(ROOT_SLOT_THREAD, KIND_THREAD, SET_BUFFER, 0, 0, 0));
    REFUSED(INVOKE0(actor.cap, KIND_THREAD, READ_REGS), ERR_BUFFER);
    REFUSED(INVOKE0(actor.cap, KIND_THREAD, WRITE_REGS), ERR_BUFFER);
}

static void test_vector_state_is_written_and_read(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, THREAD_VECTOR);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    memset(frame_of(frame) + 64, 0x33, VECTOR_BYTES);
    OK(INVOKE(actor.cap, KIND_THREAD, WRITE_VECTOR, frame, 64));
    assert_true(all(actor.thread->vector, 0x33));
    OK(INVOKE(actor.cap, KIND_THREAD, READ_VECTOR, frame, 128));
    assert_int_equal(current()->context.words[0], VECTOR_BYTES);
    assert_true(all(frame_of(frame) + 128, 0x33));
    actor_begin(&actor);
    ring();
    OK(INVOKE(actor.cap, KIND_THREAD, READ_VECTOR, frame, 0));  // the registers hold 0x77
    assert_true(all(frame_of(frame), 0x77));
}

static void test_vector_state_that_cannot_be_loaded(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, THREAD_VECTOR);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    memset(frame_of(frame), 0x33, VECTOR_BYTES);
    machine.invalid = true;
    REFUSED(INVOKE(actor.cap, KIND_THREAD, WRITE_VECTOR, frame, 0), err_blame(ERR_RANGE, 1));
    assert_true(all(actor.thread->vector, 0));
}

static void test_refusals_of_vector_state(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, THREAD_VECTOR);
    struct actor plain = actor_new(10, 0, 0, 0);
    uint64_t frame = make(KIND_FRAME, PAGE_BITS);
    uint64_t reader = copy_slot(actor.cap, RIGHT_READ);
    uint64_t writer = copy_slot(actor.cap, RIGHT_WRITE);
    uint64_t fixed = copy_slot(frame, RIGHT_READ);
    REFUSED(INVOKE(writer, KIND_THREAD, READ_VECTOR, frame, 0), ERR_RIGHTS);
    REFUSED(INVOKE(reader, KIND_THREAD, WRITE_VECTOR, frame, 0), ERR_RIGHTS);
    REFUSED(INVOKE(ROOT_SLOT_THREAD, KIND_THREAD, READ_VECTOR, frame, 0), ERR_STATE);
    REFUSED(INVOKE(plain.cap, KIND_THREAD, READ_VECTOR, frame, 0), ERR_STATE);
    REFUSED(INVOKE(plain.cap, KIND_THREAD, WRITE_VECTOR, frame, 0), ERR_STATE);
    REFUSED(INVOKE(actor.cap, KIND_THREAD, READ_VECTOR, fixed, 0), err_blame(ERR_RIGHTS, 1));
    REFUSED(INVOKE(actor.cap, KIND_THREAD, WRITE_VECTOR, actor.cap, 0), err_blame(ERR_TYPE, 1));
    REFUSED(INVOKE(actor.cap, KIND_THREAD, READ_VECTOR, frame, 32), err_blame(ERR_ALIGN, 2));
    REFUSED(INVOKE(actor.cap, KIND_THREAD, READ_VECTOR, frame, PAGE_SIZE), err_blame(ERR_RANGE, 2));
    actor_resume(&actor);
    REFUSED(INVOKE(actor.cap, KIND_THREAD, WRITE_VECTOR, frame, 0), ERR_STATE);
}

static void test_refusals_of_set_priority(void **state)
{
    (void)state;
    struct actor actor = actor_new(10, 0, 0, 0);
    uint64_t reader = copy_slot(actor.cap, RIGHT_READ);
    REFUSED(INVOKE(reader, KIND_THREAD, SET_PRIORITY, 1, 1), ERR_RIGHTS);
    REFUSED(INVOKE(actor.cap, KIND_THREAD, SET_PRIORITY, 2, 1), err_blame(ERR_RANGE, 1));
    REFUSED(INVOKE(actor.cap, KIND_THREAD, SET_PRIORITY, 2, 256), err_blame(ERR_RANGE, 2));
    assert_int_equal(actor.thread->priority, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusals_of_configure),
        TEST(test_refusals_of_set_buffer),
        TEST(test_registers),
        TEST(test_vector_state_is_written_and_read),
        TEST(test_vector_state_that_cannot_be_loaded),
        TEST(test_refusals_of_vector_state),
        TEST(test_refusals_of_set_priority),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
