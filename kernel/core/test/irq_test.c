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
};

static uint64_t line_get(uint64_t irq, uint64_t flags, uint64_t slot)
{
    return INVOKE(ROOT_SLOT_IRQ_CONTROL, KIND_IRQ_CONTROL, 0, irq, flags, ROOT_SLOT_CSPACE, slot);
}

static uint64_t polled(uint64_t notification)
{
    uint64_t status = SYS(SYS_poll, notification);
    if (status == ERR_AGAIN) {
        return 0;
    }
    OK(status);
    return current()->context.slot;
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
    kernel_interrupt(5);  // nobody to tell
    kernel_interrupt(HAL_IRQ_MAX);
    REFUSED(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, reader), err_blame(ERR_RIGHTS, 1));
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, notification));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 1);
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, badged));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 0x30);
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, 0));
    kernel_interrupt(5);
    assert_int_equal(polled(notification), 0);
}

static void test_ack_and_mask(void **state)
{
    (void)state;
    uint64_t handler = slots_new(1);
    OK(line_get(5, 0, handler));
    assert_true(machine.irq_masked[5]);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    assert_false(machine.irq_masked[5]);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_MASK));
    assert_true(machine.irq_masked[5]);
    OK(INVOKE0(handler, KIND_IRQ_HANDLER, IRQ_ACK));
    remove_slot(handler);
    assert_true(machine.irq_masked[5]);
}

// A notification that goes takes itself off the line.
static void test_end_of_the_notification(void **state)
{
    (void)state;
    uint64_t handler = slots_new(1);
    uint64_t notification = make(KIND_NOTIFICATION, 6);
    OK(line_get(5, 0, handler));
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, notification));
    remove_slot(notification);
    kernel_interrupt(5);
    OK(INVOKE(handler, KIND_IRQ_HANDLER, IRQ_BIND, make(KIND_NOTIFICATION, 6)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_line_has_one_handler),
        TEST(test_a_line_signals_with_the_badge),
        TEST(test_ack_and_mask),
        TEST(test_end_of_the_notification),
    };
    return cmocka_run_group_tests_name("irq", tests, NULL, NULL);
}
