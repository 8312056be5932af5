// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Lines of the I/O APIC: the one that edu raises without MSI, those of the HPET.
#include "groups.h"
#include "world.h"

#include <rt/memory.h>

#define HPET_LINE   23u
#define LINE        5u  // bit
#define MILLISECOND 1000000ull

// It comes once, and again after the ack as long as the device holds it.
void line_level(void)
{
    cap_t handler = edu_line(LINE);
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 0);  // before the first ack
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    edu_quiet(&edu);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_mask(handler));
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    edu_quiet(&edu);
    rt_cap_delete(handler);
}

// The HPET raises it every millisecond; what comes before an ack is signalled by that.
void line_edge(void)
{
    cap_t handler = line_make(HPET_LINE, 0, LINE);
    hpet_start(&(struct hpet_config){
        .mode = HPET_EDGE, .line = HPET_LINE, .nanoseconds = MILLISECOND });
    time_pass(3 * moment);
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_ack(handler));
    time_pass(3 * moment);
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    hpet_stop();
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 0);
    rt_cap_delete(handler);
}

// A line goes on after it was routed, also where it was raised all the time.
void line_routed(void)
{
    cap_t handler = edu_line(LINE);
    EXPECT_OK(irq_handler_ack(handler));
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    EXPECT_OK(irq_handler_route(handler, ROOT_SLOT_SCHED_CONTROL));
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    edu_quiet(&edu);
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_EQUAL(signalled(), 0);
    EXPECT_OK(irq_handler_route(handler, ROOT_SLOT_SCHED_CONTROL));
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    EXPECT_OK(irq_handler_ack(handler));
    edu_raise(&edu);
    EXPECT_EQUAL(signalled(), 1ull << LINE);
    edu_quiet(&edu);
    rt_cap_delete(handler);
}
