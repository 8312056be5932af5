// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Guests on the whole core: how their traps are delivered and answered, and who may see their
// vector registers.
#include "machine.h"

#define GUEST_PRIORITY   100
#define HANDLER_PRIORITY 90

static uint64_t endpoint;
static struct actor guest, handler;

// The handler waits, the guest, which outranks it, runs.
static void stage(unsigned flags)
{
    endpoint = make(KIND_ENDPOINT, 6);
    guest = actor_new(GUEST_PRIORITY, 0, endpoint, THREAD_GUEST | flags);
    handler = actor_new(HANDLER_PRIORITY, 0, 0, 0);
    actor_resume(&handler);
    rest();
    assert_ptr_equal(current(), handler.thread);
    sys(SYS_recv, endpoint, 0, 0, WORDS(0));
    ring();
    actor_resume(&guest);
    rest();
    assert_ptr_equal(current(), guest.thread);
}

// A guest that stops with nobody to tell does not lend its registers to its last handler.
static void test_stop_without_handler_lends_nothing(void **state)
{
    (void)state;
    stage(THREAD_VECTOR);
    assert_ptr_equal(machine.vector_area, guest.thread->vector);
    guest_call(7, WORDS(0));
    assert_ptr_equal(current(), handler.thread);
    assert_true(machine_vector_live);  // the handler may have them
    remove_slot(endpoint);
    sys(SYS_reply, guest.cap, 0, 0, WORDS(0));
    assert_ptr_equal(current(), guest.thread);
    guest_call(8, WORDS(0));
    assert_int_equal(guest.thread->state, THREAD_STOPPED);
    assert_ptr_equal(current(), handler.thread);
    assert_false(machine_vector_live);
}

// Nor does one whose trap waits for a handler when the endpoint goes.
static void test_stop_at_end_of_endpoint_forgets_the_handler(void **state)
{
    (void)state;
    stage(THREAD_VECTOR);
    guest_call(7, WORDS(0));
    assert_ptr_equal(guest.thread->handler, handler.thread);
    sys(SYS_reply, guest.cap, 0, 0, WORDS(0));
    guest_call(8, WORDS(0));
    assert_int_equal(guest.thread->state, THREAD_BLOCKED_SEND);
    assert_ptr_equal(current(), handler.thread);
    remove_slot(endpoint);
    assert_int_equal(guest.thread->state, THREAD_STOPPED);
    assert_null(guest.thread->handler);
}

// A handler that runs on its fall-back context has the guest's registers, too.
static void test_a_handler_on_its_fallback_has_the_registers(void **state)
{
    (void)state;
    endpoint = make(KIND_ENDPOINT, 6);
    guest = actor_new(GUEST_PRIORITY, 0, endpoint, THREAD_GUEST | THREAD_VECTOR);
    handler = actor_new(HANDLER_PRIORITY, NO_BUDGET, 0, 0);
    actor_receive(&handler, endpoint, 0);
    fallback_bind(&handler);
    actor_begin(&guest);
    guest_call(7, WORDS(0));
    assert_ptr_equal(current(), handler.thread);
    assert_true(machine.vector_kept);
    assert_true(machine_vector_live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_handler_on_its_fallback_has_the_registers),
        cmocka_unit_test_setup_teardown(test_stop_without_handler_lends_nothing, machine_setup,
                                        machine_teardown),
        cmocka_unit_test_setup_teardown(test_stop_at_end_of_endpoint_forgets_the_handler,
                                        machine_setup, machine_teardown),
    };
    return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
