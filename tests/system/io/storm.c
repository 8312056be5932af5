// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Devices that do nothing but what is refused, and interrupts that are not theirs.
#include "groups.h"
#include "world.h"

#include <abi/thread.h>

#define ATTEMPTS       12u
#define UNREAD_MOST    8u
#define SEED_KEPT      1u
#define PIT_IRQ        2u  // a line with an entry in the interrupt table
#define MESSAGE(index) (0xfee00010u | ((index)&0x7fff) << 5 | (index) >> 15 << 2)
#define INDICES        0x400u  // more than the table has
#define MESSAGE_OLD    0xfee00000u

// Faults that nobody reads are recorded up to a number, then the device is silent until it is read.
void storm_is_bounded(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        edu_read(scene.edu, 2 * IOVA, 8);
    }
    struct io_device_fault_result fault = io_device_fault(scene.edu->device);
    EXPECT_EQUAL(fault.count, UNREAD_MOST);
    EXPECT_EQUAL(fault.address, 2 * IOVA);
    EXPECT_OK(notification_poll(scene.edu->notification).status);
    EXPECT_QUIET(scene.edu);
    edu_read(scene.edu, 3 * IOVA, 8);
    EXPECT_REFUSED(scene.edu, 3 * IOVA, FAULT_READ);
    edu_read(scene.edu, IOVA, 8);
    EXPECT_QUIET(scene.edu);
    scene_end(&scene);
}

// While one is silent the others are heard, and it can do what it may.
void storm_leaves_others(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    edu_begin(&edus[1]);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        edu_read(&edus[1], 2 * IOVA, 8);
    }
    edu_read(scene.edu, 2 * IOVA, 8);
    EXPECT_REFUSED(scene.edu, 2 * IOVA, FAULT_READ);
    edu_attach(&edus[1], scene.space.cap);
    pattern_fill(scene.memory.words, SEED_KEPT);
    edu_read(&edus[1], IOVA, EDU_BYTES);
    EXPECT_EQUAL(io_device_fault(edus[1].device).count, UNREAD_MOST);
    EXPECT_EQUAL(edu_count(&edus[1], SEED_KEPT), EDU_WORDS);
    edu_end(&edus[1]);
    scene_end(&scene);
}

// A message that names the interrupt of another device is dropped, and so is one that names
// nobody's.
void foreign_interrupt(void)
{
    cap_t handler = rt_slot_alloc(), notification = 0;
    EXPECT_OK(rt_object_new(KIND_NOTIFICATION, 6, &notification));
    EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, PIT_IRQ, 0, CSPACE, handler));
    EXPECT_OK(irq_handler_bind(handler, notification));
    edu_begin(&edus[0]);
    for (unsigned index = 0; index < INDICES; index++) {
        edu_message(&edus[0], MESSAGE(index), 0);
    }
    rt_yield();
    EXPECT_ERROR(notification_poll(notification).status, ERR_AGAIN, 0);
    edu_end(&edus[0]);
    rt_cap_delete(handler);
    rt_object_delete(notification);
}

// A message of its own arrives, from the device that the handler was made for and from no other.
void own_interrupt(void)
{
    cap_t handler = rt_slot_alloc(), notification = 0;
    edu_begin(&edus[0]);
    EXPECT_OK(rt_object_new(KIND_NOTIFICATION, 6, &notification));
    EXPECT_OK(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, edus[0].device, CSPACE, handler));
    EXPECT_OK(irq_handler_bind(handler, notification));
    EXPECT_OK(irq_handler_ack(handler));
    struct irq_handler_message_result message = irq_handler_message(handler);
    EXPECT_OK(message.status);
    edu_message(&edus[1], message.address, (uint32_t)message.data);
    EXPECT_ERROR(notification_poll(notification).status, ERR_AGAIN, 0);
    edu_message(&edus[0], message.address, (uint32_t)message.data);
    EXPECT_OK(notification_wait(notification).status);
    EXPECT_OK(irq_handler_ack(handler));
    rt_cap_delete(handler);
    edu_message(&edus[0], message.address, (uint32_t)message.data);
    EXPECT_ERROR(notification_poll(notification).status, ERR_AGAIN, 0);
    rt_object_delete(notification);
    edu_end(&edus[0]);
}

// Where interrupts are written nothing can be mapped: a write there reaches no memory.
void interrupt_range_is_no_memory(void)
{
    struct scene scene;
    scene_begin(&scene, PROT_READ | PROT_WRITE);
    EXPECT_OK(rt_space_map(&scene.space, scene.memory.attached, MESSAGE_OLD, 0, 1,
                           PROT_READ | PROT_WRITE));
    for (unsigned i = 0; i < EDU_WORDS; i++) {
        scene.memory.words[i] = 0;
    }
    edu_read(scene.edu, IOVA, EDU_BYTES);
    pattern_fill(scene.memory.words, SEED_KEPT);
    edu_write(scene.edu, MESSAGE(PIT_IRQ), 4);
    EXPECT_EQUAL(pattern_count(scene.memory.words, SEED_KEPT), EDU_WORDS);
    scene_end(&scene);
}
