// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the checks of interrupts share: the devices, handlers bound to the bits of one notification.
#pragma once

#include "../devices/e1000e.h"
#include "../devices/edu.h"
#include "../devices/hpet.h"
#include "../time/world.h"

extern struct edu_device edu;
extern struct e1000e nic;
extern const struct root_info *irq_root;
extern cap_t edu_device, nic_device;  // IoDevices; 0: there is no IOMMU

#define VECTOR_FIRST 0x30u  // of handlers
#define VECTORS      176u
#define STORM_MAX    64u  // arrivals that the kernel takes from one ack to the next

void irq_world_init(const struct root_info *info);

struct message {
    uint64_t address;
    uint32_t data;
};

// A handler in a slot of its own, bound to bit 0-63 of the notification, not yet acknowledged.
cap_t line_make(unsigned irq, uint64_t flags, unsigned bit);
cap_t msi_make(unsigned bit);  // of edu
cap_t msi_of(cap_t device, unsigned bit);
cap_t edu_line(unsigned bit);  // the level-triggered line of edu, which sends no messages then
void handler_bind(cap_t handler, unsigned bit);
struct message message_of(cap_t handler);

// Have edu send this message from now on, and send it.
void edu_use(struct message message);
void edu_send(struct message message);

// The bits that were signalled since the last time, once everything that was raised had the time to
// arrive.
uint64_t signalled(void);
// The number of interrupts that nobody owned since the last time.
uint64_t dropped(void);
