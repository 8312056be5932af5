// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Vectors: every one of them raised by a device, handed out until there are none, handed out again
// and again.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/slots.h>

#define ALL_VECTORS     256u
#define VECTOR_USABLE   0x20u  // those below are for exceptions
#define VECTORS_KERNEL  4u     // timer and what CPUs tell each other, from VECTOR_KERNEL
#define VECTOR_KERNEL   (VECTOR_FIRST + VECTORS)
#define MESSAGE_ADDRESS 0xfee00000ull
#define NOTIFY_BITS     64u
#define RECYCLES        100000u
#define RECYCLES_APART  1000u
#define NMI_DATA        0x400u

// A device that sends anything that a fixed or non-maskable interrupt can be.
void every_vector_unowned(void)
{
    (void)dropped();
    edu_send((struct message){ MESSAGE_ADDRESS, NMI_DATA });
    for (uint32_t vector = 0; vector < ALL_VECTORS; vector++) {
        edu_send((struct message){ MESSAGE_ADDRESS, vector });
    }
    uint64_t count = dropped();
    EXPECT(count <= ALL_VECTORS - VECTOR_USABLE - 1);
    EXPECT(count >= ALL_VECTORS - VECTOR_USABLE - VECTORS_KERNEL);
    // Time goes on, and so do interrupts.
    uint64_t before = clock_now();
    time_pass(moment);
    EXPECT(clock_now() - before >= moment);
    message_arrives();
}

// Every vector of handlers meets its own and no other.
void every_vector_owned(void)
{
    cap_t first = rt_slots_alloc(VECTORS);
    for (unsigned i = 0; i < VECTORS; i++) {
        must(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, 0, ROOT_SLOT_CSPACE, first + i), "message");
        handler_bind(first + i, i % NOTIFY_BITS);
        EXPECT_OK(irq_handler_ack(first + i));
    }
    uint64_t seen[ALL_VECTORS / NOTIFY_BITS] = { 0 };
    for (unsigned i = 0; i < VECTORS; i++) {
        struct message message = message_of(first + i);
        EXPECT_EQUAL(seen[message.data / NOTIFY_BITS] & 1ull << message.data % NOTIFY_BITS, 0);
        seen[message.data / NOTIFY_BITS] |= 1ull << message.data % NOTIFY_BITS;
        edu_send(message);
        EXPECT_EQUAL(signalled(), 1ull << i % NOTIFY_BITS);
    }
    EXPECT_ERROR(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, 0, ROOT_SLOT_CSPACE, rt_slot_alloc()),
                 ERR_LIMIT, 0);
    for (unsigned i = 0; i < VECTORS; i++) {
        EXPECT_OK(captable_delete(ROOT_SLOT_CSPACE, first + i));
    }
    rt_slots_free(first, VECTORS);
}

// Handlers come and go without end, beside ones that stay.
void vectors_recycled(void)
{
    cap_t kept = msi_make(0);
    cap_t slot = rt_slot_alloc();
    struct message message = message_of(kept);
    EXPECT_OK(irq_handler_ack(kept));
    for (unsigned i = 0; i < RECYCLES; i++) {
        must(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, edu_device, ROOT_SLOT_CSPACE, slot), "message");
        EXPECT(edu_device || message_of(slot).data != message.data);
        must(captable_delete(ROOT_SLOT_CSPACE, slot), "delete");
        if (i % RECYCLES_APART == 0) {
            time_pass(moment);  // others are not starved, who would then catch up
        }
    }
    edu_send(message);
    EXPECT_EQUAL(signalled(), 1);
    rt_slots_free(slot, 1);
    rt_cap_delete(kept);
}

// A table that holds a handler's capability alone: one who has only it makes no other.
void control_needed(void)
{
    cap_t handler = msi_make(0);
    cap_t slot = rt_slot_alloc();
    struct ipc_words words = { .word = { 0, ROOT_SLOT_CSPACE, slot } };
    EXPECT_ERROR(rt_invoke(handler, TAG(OP_IRQ_CONTROL_MSI, 3, 0), &words), ERR_OP, 1);
    EXPECT_ERROR(irq_control_msi(slot, 0, ROOT_SLOT_CSPACE, slot), ERR_SLOT, 0);
    EXPECT_ERROR(irq_control_get(ROOT_SLOT_IO_CONTROL, 0, 0, ROOT_SLOT_CSPACE, slot), ERR_OP, 1);
    rt_slots_free(slot, 1);
    rt_cap_delete(handler);
}
