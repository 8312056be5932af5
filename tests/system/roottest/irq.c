// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts: IrqControl.get, and a handler driven by the timer of the PC (8254, Intel data sheet).
#include "agent.h"
#include "dying.h"
#include "groups.h"

#define SPARE_IRQ    11u
#define SPARE_DEVICE 0x0100u  // on a bus that the machine need not have
#define VECTORS      176u     // of a CPU (Intel SDM vol. 3A, 10.8: 240, less the kernel's)
#define PIT_IRQ      2u       // ISA line 0 arrives at this input of the I/O APIC
#define PIT_PORT     0x40u
#define PIT_MODE     (PIT_PORT + 3)
#define PIT_PERIODIC 0x34u  // channel 0, low byte then high byte, rate generator
#define PIT_ONE_SHOT 0x30u  // channel 0, low byte then high byte, interrupt on terminal count
#define PIT_DIVISOR  1193u  // a millisecond

static void get_refuses(void)
{
    unsigned op = OP_IRQ_CONTROL_GET;
    cap_t self = ROOT_SLOT_IRQ_CONTROL;
    cap_t slot = rt_slot_alloc();
    struct ipc_words words = WORDS(SPARE_IRQ, 0, CSPACE, empty_slot());
    refuse(op, self, WORDS(100000, 0, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse(op, self, WORDS(UINT64_MAX, 0, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse(op, self, WORDS(SPARE_IRQ, 4, CSPACE, empty_slot()), ERR_RANGE, 2);
    refuse_cap(op, self, words, 3);
    refuse(op, self, WORDS(SPARE_IRQ, 0, CSPACE, 0), ERR_RANGE, 4);
    refuse(op, self, WORDS(SPARE_IRQ, 0, CSPACE, SLOT_OUTSIDE), ERR_RANGE, 4);
    refuse(op, self, WORDS(SPARE_IRQ, 0, CSPACE, ROOT_SLOT_THREAD), ERR_OCCUPIED, 4);
    EXPECT_OK(irq_control_get(self, SPARE_IRQ, 0, CSPACE, slot));
    refuse(op, self, words, ERR_OCCUPIED, 1);
    rt_cap_delete(slot);
    slot = rt_slot_alloc();
    EXPECT_OK(irq_control_get(self, SPARE_IRQ, 0, CSPACE, slot));
    rt_cap_delete(slot);
}

// Whose messages: where an IOMMU remaps interrupts they have to be somebody's.
static cap_t device_begin(void)
{
    cap_t device = have_devices() ? rt_slot_alloc() : 0;
    if (device) {
        EXPECT_OK(io_control_device(ROOT_SLOT_IO_CONTROL, SPARE_DEVICE, CSPACE, device));
    }
    return device;
}

static void device_end(cap_t device)
{
    if (device) {
        rt_cap_delete(device);
    }
}

static void msi_refuses(void)
{
    cap_t device = device_begin();
    unsigned op = OP_IRQ_CONTROL_MSI;
    cap_t self = ROOT_SLOT_IRQ_CONTROL;
    refuse(op, self, WORDS(SLOT_OUTSIDE, CSPACE, empty_slot()), ERR_SLOT, 1);
    if (device) {
        refuse(op, self, WORDS(0, CSPACE, empty_slot()), ERR_SLOT, 1);
    }
    refuse_cap(op, self, WORDS(device, CSPACE, empty_slot()), 2);
    refuse(op, self, WORDS(device, CSPACE, 0), ERR_RANGE, 3);
    refuse(op, self, WORDS(device, CSPACE, SLOT_OUTSIDE), ERR_RANGE, 3);
    refuse(op, self, WORDS(device, CSPACE, ROOT_SLOT_THREAD), ERR_OCCUPIED, 3);
    device_end(device);
}

// A line has no message; only a SchedControl names a CPU.
static void message_route_refuse(void)
{
    cap_t handler = rt_slot_alloc();
    EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, SPARE_IRQ, 0, CSPACE, handler));
    refuse(OP_IRQ_HANDLER_MESSAGE, handler, WORDS(0), ERR_STATE, 0);
    refuse_cap_kind(OP_IRQ_HANDLER_ROUTE, handler, WORDS(ROOT_SLOT_SCHED_CONTROL), 1);
    EXPECT_OK(irq_handler_route(handler, ROOT_SLOT_SCHED_CONTROL));
    rt_cap_delete(handler);
}

// A CPU has no more vectors than it has; those of dead handlers are to be had again.
static void vectors_run_out(void)
{
    cap_t device = device_begin();
    cap_t first = rt_slots_alloc(VECTORS + 1);
    unsigned made = 0;
    while (made <= VECTORS &&
           rt_ok(irq_control_msi(ROOT_SLOT_IRQ_CONTROL, device, CSPACE, first + made))) {
        made++;
    }
    EXPECT_EQUAL(made, VECTORS);
    refuse(OP_IRQ_CONTROL_MSI, ROOT_SLOT_IRQ_CONTROL, WORDS(device, CSPACE, empty_slot()),
           ERR_LIMIT, 0);
    refuse(OP_IRQ_CONTROL_GET, ROOT_SLOT_IRQ_CONTROL, WORDS(SPARE_IRQ, 0, CSPACE, empty_slot()),
           ERR_LIMIT, 0);
    refuse(OP_IRQ_HANDLER_ROUTE, first, WORDS(ROOT_SLOT_SCHED_CONTROL), ERR_LIMIT, 1);
    EXPECT_OK(captable_delete(CSPACE, first + made - 1));
    EXPECT_OK(irq_handler_route(first, ROOT_SLOT_SCHED_CONTROL));
    for (unsigned i = 0; i + 1 < made; i++) {
        EXPECT_OK(captable_delete(CSPACE, first + i));
    }
    rt_slots_free(first, VECTORS + 1);
    device_end(device);
}

static void bind_refuses(void)
{
    cap_t handler = rt_slot_alloc();
    cap_t notification = make(KIND_NOTIFICATION);
    EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, SPARE_IRQ, 0, CSPACE, handler));
    refuse_cap(OP_IRQ_HANDLER_BIND, handler, WORDS(notification), 1);
    EXPECT_OK(irq_handler_bind(handler, notification));
    EXPECT_OK(irq_handler_bind(handler, notification));
    EXPECT_OK(irq_handler_bind(handler, 0));
    EXPECT_OK(irq_handler_mask(handler));
    EXPECT_OK(irq_handler_ack(handler));
    rt_cap_delete(handler);
    rt_object_delete(notification);
}

static void pit_program(cap_t ports, unsigned mode)
{
    EXPECT_OK(io_ports_out(ports, PIT_MODE, 1, mode));
    EXPECT_OK(io_ports_out(ports, PIT_PORT, 1, PIT_DIVISOR & 0xff));
    EXPECT_OK(io_ports_out(ports, PIT_PORT, 1, PIT_DIVISOR >> 8));
}

// Interrupts arrive with the badge, again after each ack; a masked one does not.
static void interrupts_arrive(void)
{
    cap_t handler = rt_slot_alloc();
    cap_t ports = rt_slot_alloc();
    cap_t notification = make(KIND_NOTIFICATION);
    cap_t badged = mint(notification, RIGHT_WRITE, 0x100);
    EXPECT_OK(io_control_ports(ROOT_SLOT_IO_CONTROL, PIT_PORT, 4, CSPACE, ports));
    EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, PIT_IRQ, 0, CSPACE, handler));
    EXPECT_OK(irq_handler_bind(handler, badged));
    pit_program(ports, PIT_PERIODIC);
    for (unsigned i = 0; i < 5; i++) {
        EXPECT_OK(irq_handler_ack(handler));
        struct notification_result fired = notification_wait(notification);
        EXPECT_OK(fired.status);
        EXPECT_EQUAL(fired.word, 0x100);
    }
    EXPECT_OK(irq_handler_mask(handler));
    rt_ignore(notification_poll(notification).status);  // one may have come before
    pit_program(ports, PIT_ONE_SHOT);
    settle();
    EXPECT_ERR(SYS_poll, notification_poll(notification).status, ERR_AGAIN, 0);
    rt_cap_delete(handler);
    rt_cap_delete(ports);
    rt_cap_delete(badged);
    rt_object_delete(notification);
}

static cap_t probe_handler;

static void probe_bind(cap_t victim)
{
    test_hit(OP_IRQ_HANDLER_BIND, irq_handler_bind(probe_handler, victim));
}

static bool bind_seen(void)
{
    return test_was_hit(OP_IRQ_HANDLER_BIND, ERR_DEAD, 1);
}

static void dying_notification_refused(void)
{
    struct dying dying = { .probe = probe_bind, .done = bind_seen };
    cap_t notification = make(KIND_NOTIFICATION);
    probe_handler = rt_slot_alloc();
    EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, SPARE_IRQ, 0, CSPACE, probe_handler));
    EXPECT(dying_observe(&dying, notification));
    rt_cap_delete(probe_handler);
    rt_object_delete(notification);
}

static void probe_route(cap_t victim)
{
    test_hit(OP_IRQ_HANDLER_ROUTE, irq_handler_route(probe_handler, victim));
}

static bool route_seen(void)
{
    return test_was_hit(OP_IRQ_HANDLER_ROUTE, ERR_DEAD, 1);
}

static void dying_control_refused(void)
{
    struct dying dying = { .probe = probe_route, .done = route_seen };
    probe_handler = rt_slot_alloc();
    EXPECT_OK(irq_control_get(ROOT_SLOT_IRQ_CONTROL, SPARE_IRQ, 0, CSPACE, probe_handler));
    EXPECT(dying_observe(&dying, ROOT_SLOT_SCHED_CONTROL));
    rt_cap_delete(probe_handler);
}

GROUP(irq, TEST(get_refuses), TEST(msi_refuses), TEST(message_route_refuse), TEST(vectors_run_out),
      TEST(bind_refuses), TEST(interrupts_arrive), TEST(dying_notification_refused),
      TEST(dying_control_refused));
