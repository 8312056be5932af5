// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages through the interrupt table of an IOMMU: only the device that a handler was made for can
// raise it, and one that storms is stopped there.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/print.h>
#include <rt/slots.h>

#define BIT    3u
#define OTHER  4u
#define STORM  1000u
#define SPREAD 3ull  // instructions a message

// IrqControl alone makes none: whose would it be?
void remapped_device_needed(void)
{
    cap_t slot = rt_slot_alloc();
    EXPECT_ERROR(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, 0, ROOT_SLOT_CSPACE, slot), ERR_SLOT, 1);
    rt_slots_free(slot, 1);
}

// The message of another device's handler is dropped, and nobody's time with it.
void remapped_foreign(void)
{
    cap_t own = msi_make(BIT);
    cap_t foreign = msi_of(nic_device, OTHER);
    EXPECT_OK(irq_handler_ack(own));
    EXPECT_OK(irq_handler_ack(foreign));
    (void)dropped();
    edu_send(message_of(foreign));
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_EQUAL(dropped(), 0);
    edu_send(message_of(own));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    struct message gone = message_of(own);
    rt_cap_delete(own);
    edu_send(gone);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_EQUAL(dropped(), 0);
    rt_cap_delete(foreign);
}

// A route changes the table, and the device's message stays.
void remapped_routed(void)
{
    cap_t handler = msi_make(BIT);
    struct message message = message_of(handler);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_OK(irq_handler_route(handler, ROOT_SLOT_SCHED_CONTROL));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(message_of(handler).address, message.address);
    EXPECT_EQUAL(message_of(handler).data, message.data);
    edu_send(message);
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    rt_cap_delete(handler);
}

static uint64_t storm_ticks(void)
{
    uint64_t begin = clock_now();
    for (unsigned i = 0; i < STORM; i++) {
        edu_raise(&edu);
    }
    return clock_now() - begin;
}

// Once it is stopped a message costs nothing but the device's own access.
void remapped_storm(void)
{
    cap_t handler = msi_make(BIT);
    struct message message = message_of(handler);
    EXPECT_OK(irq_handler_ack(handler));
    edu_use(message);
    (void)storm_ticks();
    uint64_t stopped = storm_ticks();
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    pci_msi_off(&edu.pci);
    edu_quiet(&edu);
    uint64_t none = storm_ticks();
    rt_print("%u raised: %lu ticks stopped, %lu without a message\n", STORM, stopped, none);
    EXPECT_COUNTED(stopped <= none + SPREAD * STORM);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    EXPECT_OK(irq_handler_ack(handler));
    edu_send(message);
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    rt_cap_delete(handler);
}
