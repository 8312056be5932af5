// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts that arrive while the kernel is in a long operation, in whose windows they are let in
// and sent again: each reaches its handler exactly once.
//
// A thread of high priority has the HPET interrupt it, one interrupt after the other at all sorts
// of distances, while a thread of low priority does nothing but long operations.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/slots.h>

#define HPET_LINE  23u
#define HIGH       200u
#define LOW        10u
#define EVENT      1u
#define ROUNDS     3000u
#define NANO_LEAST 6000u
#define NANO_RANGE 20000u
#define FRAME_BITS 20u

static struct {
    cap_t handler, notification;
    volatile unsigned count, early;
} victim;

static cap_t memory, frame;  // of the long operations
static volatile unsigned long_operations;

static void victim_loop(uint64_t argument)
{
    uint64_t random = argument;
    must(irq_handler_ack(victim.handler), "ack");
    while (victim.count < ROUNDS) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        hpet_arm(NANO_LEAST + (random >> 33) % NANO_RANGE);
        must(notification_wait(victim.notification).status, "wait");
        victim.early += !hpet_passed();
        victim.count++;
        hpet_quiet();
        must(irq_handler_ack(victim.handler), "ack");
    }
    event_signal(EVENT);
    must(notification_wait(victim.notification).status, "wait");
    victim.early++;
}

// Make a frame, which is zeroed, and delete it.
static void long_loop(uint64_t argument)
{
    for (;;) {
        must(untyped_retype(memory, KIND_FRAME | FRAME_BITS << 8, 0, ROOT_SLOT_CSPACE, frame, 1),
             "retype");
        must(captable_delete(ROOT_SLOT_CSPACE, frame), "delete");
        long_operations += (unsigned)argument;
    }
}

// The handler is that of the interrupt which the HPET is told to raise.
static void windows(cap_t handler, const struct hpet_config *config)
{
    struct rt_thread high, low;
    victim.handler = handler;
    victim.notification = object_make(KIND_NOTIFICATION, SMALL_BITS);
    victim.count = victim.early = long_operations = 0;
    memory = object_make(KIND_UNTYPED, FRAME_BITS);
    frame = rt_slot_alloc();
    must(irq_handler_bind(handler, victim.notification), "bind");
    hpet_start(config);
    must(rt_thread_new(&high, &(struct rt_thread_config){ .entry = victim_loop,
                                                          .argument = 1,
                                                          .priority = HIGH }),
         "thread");
    must(rt_thread_new(&low, &(struct rt_thread_config){ .entry = long_loop,
                                                         .argument = 1,
                                                         .priority = LOW }),
         "thread");
    must(rt_thread_start(&low), "start");
    must(rt_thread_start(&high), "start");
    EXPECT(event_wait(EVENT, second));
    time_pass(moment);
    EXPECT_EQUAL(victim.count, ROUNDS);
    EXPECT_EQUAL(victim.early, 0);
    EXPECT(long_operations > 0);
    hpet_stop();
    rt_thread_delete(&high);
    rt_thread_delete(&low);
    rt_object_delete(memory);
    rt_slots_free(frame, 1);
    rt_cap_delete(handler);
    rt_object_delete(victim.notification);
}

void windows_and_messages(void)
{
    cap_t handler = msi_make(0);
    struct message message = message_of(handler);
    windows(handler, &(struct hpet_config){
                         .mode = HPET_MESSAGE, .address = message.address, .data = message.data });
}

void windows_and_edges(void)
{
    windows(line_make(HPET_LINE, 0, 0),
            &(struct hpet_config){ .mode = HPET_EDGE, .line = HPET_LINE });
}

void windows_and_levels(void)
{
    windows(line_make(HPET_LINE, IRQ_LEVEL, 0),
            &(struct hpet_config){ .mode = HPET_LEVEL, .line = HPET_LINE });
}
