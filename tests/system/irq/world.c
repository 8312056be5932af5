// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See world.h.
#include "world.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>

#define SETTLE_ROUNDS 2000u

struct edu edu;
struct e1000e nic;
static cap_t notification;
static uint64_t dropped_before;

void irq_world_init(const struct root_info *info)
{
    world_init(info);
    pci_init(info);
    hpet_init(info);
    if (!edu_find(&edu) || !e1000e_find(&nic)) {
        rt_panic("the machine lacks a device");
    }
    notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
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
    cap_t handler = rt_slot_alloc();
    must(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, 0, ROOT_SLOT_CSPACE, handler), "message");
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

static void settle(void)
{
    for (unsigned i = 0; i < SETTLE_ROUNDS; i++) {
        __asm__ volatile("pause");
    }
}

uint64_t signalled(void)
{
    settle();
    struct notification_result result = notification_poll(notification);
    return rt_ok(result.status) ? result.word : 0;
}

uint64_t dropped(void)
{
    settle();
    struct irq_control_dropped_result result = irq_control_dropped(ROOT_SLOT_IRQ_CONTROL);
    must(result.status, "dropped");
    uint64_t since = result.count - dropped_before;
    dropped_before = result.count;
    return since;
}
