// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts on a chosen CPU, on a machine with two.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>
#include <rt/slots.h>
#include <rt/start.h>

#define BIT              3u
#define ROUNDS           20u
#define APIC_ID(address) ((address) >> 12 & 0xff)
#define MESSAGE_ADDRESS  0xfee00000ull
#define ALL_VECTORS      256u
#define HAMMER_ROUNDS    200u
#define HAMMER_DONE      2u  // event
#define HIGH             200u
#define FRAME_BITS       18u
#define CONTEXT_BITS     9u

static cap_t control_of(unsigned cpu)
{
    return cpu ? irq_root->cpu_slot + cpu - 1 : ROOT_SLOT_SCHED_CONTROL;
}

// A message follows its handler from CPU to CPU; the one of before is nobody's.
void cpu_messages(void)
{
    cap_t handler = msi_make(BIT);
    EXPECT_OK(irq_handler_ack(handler));
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct message old = message_of(handler);
        EXPECT_OK(irq_handler_route(handler, control_of((i + 1) % 2)));
        EXPECT_EQUAL(signalled(), 1ull << BIT);
        EXPECT_OK(irq_handler_ack(handler));
        struct message message = message_of(handler);
        EXPECT_EQUAL(APIC_ID(message.address), (i + 1) % 2);
        (void)dropped();
        edu_send(old);
        EXPECT_EQUAL(signalled(), 0);
        EXPECT_EQUAL(dropped(), 1);
        edu_send(message);
        EXPECT_EQUAL(signalled(), 1ull << BIT);
        EXPECT_OK(irq_handler_ack(handler));
    }
    rt_cap_delete(handler);
}

// So does a line, raised or not.
void cpu_lines(void)
{
    cap_t handler = edu_line(BIT);
    EXPECT_OK(irq_handler_ack(handler));
    for (unsigned i = 0; i < ROUNDS; i++) {
        EXPECT_OK(irq_handler_route(handler, control_of((i + 1) % 2)));
        EXPECT_EQUAL(signalled(), 1ull << BIT);
        EXPECT_OK(irq_handler_ack(handler));
        edu_raise(&edu);
        EXPECT_EQUAL(signalled(), 1ull << BIT);
        EXPECT_OK(irq_handler_route(handler, control_of(i % 2)));
        EXPECT_EQUAL(signalled(), 0);
        EXPECT_OK(irq_handler_ack(handler));
        EXPECT_EQUAL(signalled(), 1ull << BIT);
        edu_quiet(&edu);
        EXPECT_OK(irq_handler_ack(handler));
        EXPECT_EQUAL(signalled(), 0);
    }
    rt_cap_delete(handler);
}

// Each CPU has vectors of its own.
void cpu_vectors(void)
{
    cap_t first = rt_slots_alloc(2ull * VECTORS);
    for (unsigned i = 0; i < 2 * VECTORS; i++) {
        must(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, 0, ROOT_SLOT_CSPACE, first + i), "message");
        if (i < VECTORS) {
            EXPECT_OK(irq_handler_route(first + i, control_of(1)));
        }
    }
    EXPECT_ERROR(irq_handler_route(first, control_of(0)), ERR_LIMIT, 1);
    EXPECT_ERROR(irq_handler_route(first + VECTORS, control_of(1)), ERR_LIMIT, 1);
    EXPECT_OK(captable_delete(ROOT_SLOT_CSPACE, first));
    EXPECT_OK(irq_handler_route(first + VECTORS, control_of(1)));
    for (unsigned i = 1; i < 2 * VECTORS; i++) {
        EXPECT_OK(captable_delete(ROOT_SLOT_CSPACE, first + i));
    }
    rt_slots_free(first, 2ull * VECTORS);
}

// ---- every vector at once ----------------------------------------------------------------------
static void hammer_loop(uint64_t argument)
{
    (void)argument;
    for (unsigned i = 0; i < HAMMER_ROUNDS * ALL_VECTORS; i++) {
        uint64_t cpu = i / ALL_VECTORS % 2;
        edu_send((struct message){ MESSAGE_ADDRESS | cpu << 12, i % ALL_VECTORS });
    }
    event_signal(HAMMER_DONE);
    for (;;) {
        __asm__ volatile("pause");
    }
}

static void thread_on(struct rt_thread *thread, unsigned cpu)
{
    cap_t context = object_make(KIND_SCHED_CONTEXT, CONTEXT_BITS);
    must(sched_context_configure(context, control_of(cpu), RT_SLICE, RT_SLICE), "context");
    must(sched_context_bind(context, thread->cap, SCHED_OWN), "bind");
    thread->context = context;
    must(rt_thread_start(thread), "start");
}

// A device sends every vector there is to both CPUs, as fast as the other CPU can make it, while
// this one is in the kernel most of the time.
void cpu_storm(void)
{
    static struct rt_thread hammer;
    cap_t memory = object_make(KIND_UNTYPED, FRAME_BITS);
    cap_t frame = rt_slot_alloc();
    must(rt_thread_new(&hammer, &(struct rt_thread_config){ .entry = hammer_loop,
                                                            .priority = HIGH,
                                                            .budget = RT_NO_CONTEXT }),
         "thread");
    (void)dropped();
    thread_on(&hammer, 1);
    uint64_t end = clock_now() + second / 2;
    while (clock_now() < end) {
        must(untyped_retype(memory, KIND_FRAME | FRAME_BITS << 8, 0, ROOT_SLOT_CSPACE, frame, 1),
             "retype");
        must(captable_delete(ROOT_SLOT_CSPACE, frame), "delete");
    }
    EXPECT(event_wait(HAMMER_DONE, 60 * second));
    EXPECT(dropped() > HAMMER_ROUNDS * ALL_VECTORS / 2);
    rt_thread_delete(&hammer);
    rt_slots_free(frame, 1);
    rt_object_delete(memory);
    time_pass(moment);
    cpu_messages();
}
