// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Message-signalled interrupts: MSI of edu, MSI-X of e1000e.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>

#define BIT   3u
#define OTHER 4u
#define MANY  10u

void message_arrives(void)
{
    cap_t handler = msi_make(BIT);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 0);
    for (unsigned i = 0; i < MANY; i++) {
        edu_send(message_of(handler));
        EXPECT_EQUAL(signalled(), 1ull << BIT);
        EXPECT_OK(irq_handler_ack(handler));
        EXPECT_EQUAL(signalled(), 0);
    }
    rt_cap_delete(handler);
}

// What comes between signal and ack is signalled by the ack, once.
void message_once_until_ack(void)
{
    cap_t handler = msi_make(BIT);
    edu_use(message_of(handler));
    EXPECT_OK(irq_handler_ack(handler));
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    for (unsigned i = 0; i < MANY; i++) {
        edu_raise(&edu);
        EXPECT_EQUAL(signalled(), 0);
    }
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 0);
    edu_quiet(&edu);
    rt_cap_delete(handler);
}

// Before the first ack and after mask nothing is signalled, and nothing lost.
void message_masked(void)
{
    cap_t handler = msi_make(BIT);
    edu_use(message_of(handler));
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_OK(irq_handler_mask(handler));
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    edu_quiet(&edu);
    rt_cap_delete(handler);
}

// The message is another one then; the old one belongs to nobody.  Routing signals, since one that
// was on its way may be lost.
void message_routed(void)
{
    cap_t handler = msi_make(BIT);
    struct message old = message_of(handler);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_OK(irq_handler_route(handler, ROOT_SLOT_SCHED_CONTROL));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    EXPECT_OK(irq_handler_ack(handler));
    (void)dropped();
    EXPECT(old.data != message_of(handler).data);
    edu_send(old);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_EQUAL(dropped(), 1);
    edu_send(message_of(handler));
    EXPECT_EQUAL(signalled(), 1ull << BIT);
    EXPECT_EQUAL(dropped(), 0);
    rt_cap_delete(handler);
}

// The message of a handler that is gone reaches nobody, neither a handler that is made next.
void message_late(void)
{
    cap_t handler = msi_make(BIT);
    struct message old = message_of(handler);
    EXPECT_OK(irq_handler_ack(handler));
    rt_cap_delete(handler);
    (void)dropped();
    edu_send(old);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_EQUAL(dropped(), 1);
    cap_t next = msi_make(OTHER);
    EXPECT_OK(irq_handler_ack(next));
    edu_send(old);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_EQUAL(dropped(), 1);
    rt_cap_delete(next);
}

void msix_entries_arrive(void)
{
    cap_t handlers[E1000E_VECTORS];
    for (unsigned i = 0; i < E1000E_VECTORS; i++) {
        handlers[i] = msi_of(nic_device, i);
        struct message message = message_of(handlers[i]);
        pci_msix_set(&nic.pci, i, message.address, message.data);
        EXPECT_OK(irq_handler_ack(handlers[i]));
    }
    for (unsigned i = 0; i < MANY; i++) {
        unsigned entry = i % E1000E_VECTORS;
        e1000e_raise(&nic, entry);
        time_pass(moment);  // it holds them back for a while
        EXPECT_EQUAL(signalled(), 1ull << entry);
        EXPECT_OK(irq_handler_ack(handlers[entry]));
    }
    for (unsigned i = 0; i < E1000E_VECTORS; i++) {
        rt_cap_delete(handlers[i]);
    }
}
