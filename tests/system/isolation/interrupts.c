// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The PIT (Intel 8254) as a rate generator.
#include "interrupts.h"

#include <rt/memory.h>
#include <rt/slots.h>

#define PIT_IRQ      2u  // ISA line 0 arrives at this input of the I/O APIC
#define PIT_PORT     0x40u
#define PIT_MODE     (PIT_PORT + 3)
#define PIT_PERIODIC 0x34u  // channel 0, low byte then high byte, rate generator
#define PIT_DIVISOR  4u
#define PIT_SLOWEST  0u

void interrupts_make(struct interrupts *interrupts, const struct component *component)
{
    *interrupts = (struct interrupts){ .handler = rt_slot_alloc(), .ports = rt_slot_alloc() };
    must(irq_control_get(ROOT_SLOT_IRQ_CONTROL, PIT_IRQ, 0, ROOT_SLOT_CSPACE, interrupts->handler),
         "line");
    must(io_control_ports(ROOT_SLOT_IO_CONTROL, PIT_PORT, 4, ROOT_SLOT_CSPACE, interrupts->ports),
         "ports");
    must(irq_handler_bind(interrupts->handler, component->wake), "bind");
    must(captable_copy(component->table, SLOT_IRQ, ROOT_SLOT_CSPACE, interrupts->handler,
                       RIGHT_ALL),
         "handler");
}

static void pit_program(cap_t ports, unsigned divisor)
{
    must(io_ports_out(ports, PIT_MODE, 1, PIT_PERIODIC), "timer");
    must(io_ports_out(ports, PIT_PORT, 1, divisor & 0xff), "timer");
    must(io_ports_out(ports, PIT_PORT, 1, divisor >> 8), "timer");
}

void interrupts_start(const struct interrupts *interrupts)
{
    pit_program(interrupts->ports, PIT_DIVISOR);
}

void interrupts_delete(const struct interrupts *interrupts)
{
    pit_program(interrupts->ports, PIT_SLOWEST);
    must(irq_handler_mask(interrupts->handler), "mask");
    rt_cap_delete(interrupts->handler);
    rt_cap_delete(interrupts->ports);
}
