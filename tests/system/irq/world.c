// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See world.h.
#include "world.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>

#define SETTLE_ROUNDS 2000u
#define SETTLE_TRIES  100u  // where CPUs run side by side, however slowly
#define PCI_LINES     8u    // where the interrupts of PCI arrive, from
#define PCI_FIRST     16u

struct edu_device edu;
struct e1000e nic;
const struct root_info *irq_root;
cap_t edu_device, nic_device;
static cap_t notification;
static uint64_t dropped_before;

static cap_t device_of(const struct pci_device *pci)
{
    cap_t slot = rt_slot_alloc();
    must(io_control_device(ROOT_SLOT_IO_CONTROL, pci->devfn, ROOT_SLOT_CSPACE, slot), "device");
    return slot;
}

void irq_world_init(const struct root_info *info)
{
    irq_root = info;
    world_init(info);
    pci_init(info);
    hpet_init(info);
    if (!edu_find(0, &edu) || !e1000e_find(&nic)) {
        rt_panic("the machine lacks a device");
    }
    notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
    if (info->features & ROOT_FEATURE_IOMMU) {
        edu_device = device_of(&edu.pci);
        nic_device = device_of(&nic.pci);
    }
}

void handler_bind(cap_t handler, unsigned bit)
{
    cap_t badged;
    must(rt_cap_mint(notification, RIGHT_WRITE, 1ull << bit, &badged), "badge");
    must(irq_handler_bind(handler, badged), "bind");
    rt_cap_delete(badged);
}

cap_t line_make(unsigned irq, uint64_t flags, unsigned bit)
{
    cap_t handler = rt_slot_alloc();
    must(irq_control_get(ROOT_SLOT_IRQ_CONTROL, irq, flags, ROOT_SLOT_CSPACE, handler), "line");
    handler_bind(handler, bit);
    return handler;
}

cap_t msi_make(unsigned bit)
{
    return msi_of(edu_device, bit);
}

cap_t msi_of(cap_t device, unsigned bit)
{
    cap_t handler = rt_slot_alloc();
    must(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, device, ROOT_SLOT_CSPACE, handler), "message");
    handler_bind(handler, bit);
    return handler;
}

struct message message_of(cap_t handler)
{
    struct irq_handler_message_result result = irq_handler_message(handler);
    must(result.status, "message");
    return (struct message){ result.address, (uint32_t)result.data };
}

void edu_use(struct message message)
{
    pci_msi_set(&edu.pci, message.address, message.data);
}

void edu_send(struct message message)
{
    edu_use(message);
    edu_raise(&edu);
    edu_quiet(&edu);
}

static void settle(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        __asm__ volatile("pause");
    }
}

uint64_t signalled(void)
{
    struct notification_result result = notification_poll(notification);
    for (unsigned i = 0; !rt_ok(result.status) && i < (counted ? 1 : SETTLE_TRIES); i++) {
        settle(SETTLE_ROUNDS);
        result = notification_poll(notification);
    }
    return rt_ok(result.status) ? result.word : 0;
}

uint64_t dropped(void)
{
    settle(counted ? SETTLE_ROUNDS : SETTLE_ROUNDS * SETTLE_TRIES);
    struct irq_control_dropped_result result = irq_control_dropped(ROOT_SLOT_IRQ_CONTROL);
    must(result.status, "dropped");
    uint64_t since = result.count - dropped_before;
    dropped_before = result.count;
    return since;
}

// The line of edu, found by raising it.
cap_t edu_line(unsigned bit)
{
    cap_t handlers[PCI_LINES];
    pci_msi_off(&edu.pci);
    for (unsigned i = 0; i < PCI_LINES; i++) {
        handlers[i] = line_make(PCI_FIRST + i, IRQ_LEVEL, i);
        must(irq_handler_ack(handlers[i]), "ack");
    }
    edu_raise(&edu);
    uint64_t word = signalled();
    edu_quiet(&edu);
    if (!word) {
        rt_panic("the line of edu is not to be found");
    }
    unsigned found = (unsigned)__builtin_ctzll(word);
    for (unsigned i = 0; i < PCI_LINES; i++) {
        rt_cap_delete(handlers[i]);
    }
    return line_make(PCI_FIRST + found, IRQ_LEVEL, bit);
}
