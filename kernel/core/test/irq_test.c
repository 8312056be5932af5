// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts as capabilities on the whole core: who gets a line, what it signals, when it is
// masked.
#include "machine.h"

enum operation {
    IRQ_BIND,
    IRQ_ACK,
    IRQ_MASK,
    IRQ_MESSAGE,
    IRQ_ROUTE,
};

static uint64_t line_get(uint64_t irq, uint64_t flags, uint64_t slot)
{
    return INVOKE(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 0, irq, flags, ROOT_SLOT_CSPACE, slot);
}

static uint64_t message_get(uint64_t device, uint64_t slot)
{
    return INVOKE(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 1, device, ROOT_SLOT_CSPACE, slot);
}

static uint64_t polled(uint64_t slot)
{
    uint64_t status = SYS(SYS_poll, slot);
    if (status == ERR_AGAIN) {
        return 0;
    }
    OK(status);
    return current()->context.slot;
}

// The first of all, since it empties the store of messages.
static void test_messages_run_out(void **state)
{
    (void)state;
    unsigned count = HAL_IRQ_MAX - HAL_IRQ_LINES;
    uint64_t slot = slots_new(count + 1);
    for (unsigned i = 0; i < count; i++) {
        OK(message_get(0, slot + i));
    }
    REFUSED(message_get(0, slot + count), ERR_LIMIT);
    remove_slot(slot + 7);
    OK(message_get(0, slot + count));
}

static void test_a_line_has_one_handler(void **state)
{
    (void)state;
    uint64_t slot = slots_new(2);
    REFUSED(line_get(HAL_IRQ_LINES, 0, slot), err_blame(ERR_RANGE, 1));
    REFUSED(line_get(MACHINE_IRQS, 0, slot), err_blame(ERR_RANGE, 1));
    REFUSED(line_get(0, 0, slot), err_blame(ERR_RANGE, 1));
    REFUSED(line_get(5, 4, slot), err_blame(ERR_RANGE, 2));
    REFUSED(line_get(5, 0, ROOT_SLOT_CSPACE), err_blame(ERR_OCCUPIED, 4));
    OK(line_get(5, IRQ_LEVEL | IRQ_ACTIVE_LOW, slot));
    assert_int_equal(machine.irq_flags[5], IRQ_LEVEL | IRQ_ACTIVE_LOW);
    REFUSED(line_get(5, 0, slot + 1), err_blame(ERR_OCCUPIED, 1));
    remove_slot(slot);
    OK(line_get(5, 0, slot + 1));
}

static void test_a_line_signals_with_the_badge(void **state)
{
    (void)state;
    uint64_t handler = slots_new(1);
    uint64_t notification = make(KIND_NOTIFICATION, 6);
    uint64_t badged = mint_slot(notification, RIGHT_ALL, 0x30);
    uint64_t reader = copy_slot(notification, RIGHT_READ);
    OK(line_get(5, 0, handler));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    kernel_interrupt(5);  // nobody to tell
    REFUSED(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, reader), err_blame(ERR_RIGHTS, 1));
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, notification));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 1);
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, badged));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 0x30);
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, 0));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 0);
}

static uint64_t handler, notification;

static void stage(uint64_t flags)
{
    handler = slots_new(1);
    notification = make(KIND_NOTIFICATION, 6);
    OK(line_get(5, flags, handler));
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, notification));
}

// An edge is signalled once; what comes before the ack is signalled with it, once for all.
static void test_edges_until_the_ack(void **state)
{
    (void)state;
    stage(0);
    assert_true(machine.irq_masked[5]);
    kernel_interrupt(5);  // before the first ack
    assert_int_equal(polled(notification), 0);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    assert_false(machine.irq_masked[5]);
    assert_int_equal(polled(notification), 1);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 1);
    kernel_interrupt(5);
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 0);
    assert_false(machine.irq_masked[5]);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    assert_int_equal(polled(notification), 1);
}

static void test_a_storm_is_masked(void **state)
{
    (void)state;
    stage(0);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    for (unsigned i = 1; i < IRQ_STORM; i++) {
        kernel_interrupt(5);
        assert_false(machine.irq_masked[5]);
    }
    kernel_interrupt(5);
    assert_true(machine.irq_masked[5]);
    kernel_interrupt(5);  // a message that cannot be masked
    assert_int_equal(polled(notification), 1);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    assert_false(machine.irq_masked[5]);
    assert_int_equal(polled(notification), 1);
}

static void test_a_level_line_is_masked_until_the_ack(void **state)
{
    (void)state;
    stage(IRQ_LEVEL);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    kernel_interrupt(5);
    assert_true(machine.irq_masked[5]);
    assert_int_equal(polled(notification), 1);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    assert_false(machine.irq_masked[5]);
    assert_int_equal(polled(notification), 0);
}

static void test_mask(void **state)
{
    (void)state;
    stage(0);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_MASK));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_MASK));
    assert_false(machine.irq_masked[5]);  // an edge would be lost
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 0);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    assert_int_equal(polled(notification), 1);
    remove_slot(handler);
    assert_true(machine.irq_masked[5]);
    assert_int_equal(machine.irq_cpu[5], HAL_IRQ_NOWHERE);
    stage(IRQ_LEVEL);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_MASK));
    assert_true(machine.irq_masked[5]);
}

// A notification that goes takes itself off the line.
static void test_end_of_the_notification(void **state)
{
    (void)state;
    stage(0);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    remove_slot(notification);
    kernel_interrupt(5);
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, make(KIND_NOTIFICATION, 6)));
}

static void test_messages_and_routes(void **state)
{
    (void)state;
    uint64_t slot = slots_new(1);
    REFUSED(message_get(4000, slot), err_blame(ERR_SLOT, 1));
    REFUSED(message_get(ROOT_SLOT_CSPACE, slot), err_blame(ERR_TYPE, 1));
    REFUSED(message_get(0, ROOT_SLOT_CSPACE), err_blame(ERR_OCCUPIED, 3));
    OK(message_get(0, slot));
    OK(INVOKE0(slot, KIND_IRQ_HANDLER, IRQ_MESSAGE));
    assert_int_equal(current()->context.words[1], slot_cap(slot)->aux);
    stage(0);
    REFUSED(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_MESSAGE), ERR_STATE);
    REFUSED(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_ROUTE, handler), err_blame(ERR_TYPE, 1));
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_ROUTE, ROOT_SLOT_SCHED_CONTROL));
    assert_int_equal(machine.irq_cpu[5], 0);
    assert_int_equal(polled(notification), 1);  // one may have been lost on its way
    machine.no_vectors = true;
    REFUSED(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_ROUTE, ROOT_SLOT_SCHED_CONTROL),
            err_blame(ERR_LIMIT, 1));
    REFUSED(line_get(6, 0, slots_new(1)), ERR_LIMIT);
    REFUSED(message_get(0, slots_new(1)), ERR_LIMIT);
    machine.dropped = 12;
    OK(INVOKE0(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 2));
    assert_int_equal(current()->context.words[0], 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_messages_run_out),
        TEST(test_a_line_has_one_handler),
        TEST(test_a_line_signals_with_the_badge),
        TEST(test_edges_until_the_ack),
        TEST(test_a_storm_is_masked),
        TEST(test_a_level_line_is_masked_until_the_ack),
        TEST(test_mask),
        TEST(test_end_of_the_notification),
        TEST(test_messages_and_routes),
    };
    return cmocka_run_group_tests_name("irq", tests, NULL, NULL);
}
