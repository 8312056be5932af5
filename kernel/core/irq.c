// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "irq.h"

#include "notification.h"
#include "sched.h"

#include <hal/cpu.h>

#include <abi/message.h>

#define IRQ_FLAGS (IRQ_ACTIVE_LOW | IRQ_LEVEL)
#define CPU_FIRST 0  // where an interrupt is delivered until it is routed

// By number; all guarded by the kernel lock.
static struct irq {
    struct cap notification;  // what it signals
    uint16_t next_free;       // message without a handler: another one, 0: none
    uint8_t arrivals;         // not 0: it is masked or was signalled since the last ack
    uint8_t limit;            // arrivals that mask it; 0: no handler exists
} irqs[HAL_IRQ_MAX];
static uint16_t message_free;

static void message_give(unsigned irq)
{
    irqs[irq].next_free = message_free;
    message_free = (uint16_t)irq;
}

void irq_init(void)
{
    for (unsigned i = HAL_IRQ_MAX; i-- > 0;) {
        binding_init(&irqs[i].notification);
        if (i >= HAL_IRQ_LINES) {
            message_give(i);
        }
    }
}

// A level line's first; or one that is not the first since it was signalled, in a storm the last of
// those counted, which comes again and again where it cannot be masked.
static COLD void arrived_again(unsigned irq)
{
    unsigned before = irqs[irq].arrivals;
    if (before + 1 < irqs[irq].limit) {
        irqs[irq].arrivals++;
        return;
    }
    irqs[irq].arrivals = irqs[irq].limit;
    hal_irq_mask(irq);
    if (!before) {
        binding_signal(&irqs[irq].notification);
    }
}

void irq_arrived(unsigned irq)
{
    struct irq *at = &irqs[irq];
    if (UNLIKELY(at->arrivals || at->limit <= 1)) {
        arrived_again(irq);
        return;
    }
    at->arrivals = 1;
    binding_signal(&at->notification);
}

COLD enum err irq_destroy_step(struct cap *original)
{
    unsigned irq = original->aux;
    hal_irq_mask(irq);
    (void)hal_irq_route(irq, HAL_IRQ_NOWHERE);
    binding_clear(&irqs[irq].notification);
    irqs[irq].limit = 0;
    if (irq >= HAL_IRQ_LINES) {
        message_give(irq);
    }
    return ERR_OK;
}

COLD enum err op_irq_handler_bind(struct invocation *inv)
{
    return binding_set(inv, &irqs[inv->self->aux].notification);
}

enum err op_irq_handler_ack(struct invocation *inv)
{
    unsigned irq = inv->self->aux;
    bool again = irqs[irq].arrivals > 1;
    sched_pay((uint64_t)irqs[irq].arrivals * SCHED_INTERRUPT_TICKS);
    irqs[irq].arrivals = 0;
    hal_irq_unmask(irq);
    if (again) {
        irq_arrived(irq);
    }
    return ERR_OK;
}

// Only a level line can be masked without losing what comes meanwhile; another one need not be.
COLD enum err op_irq_handler_mask(struct invocation *inv)
{
    unsigned irq = inv->self->aux;
    if (!irqs[irq].arrivals) {
        irqs[irq].arrivals = 1;
    }
    if (irqs[irq].limit == 1) {
        hal_irq_mask(irq);
    }
    return ERR_OK;
}

COLD enum err op_irq_handler_message(struct invocation *inv)
{
    uint32_t data = 0;
    if (inv->self->aux < HAL_IRQ_LINES) {
        return ERR_STATE;
    }
    inv->words[0] = hal_irq_message(inv->self->aux, &data);
    inv->words[1] = data;
    inv->results = 2;
    return ERR_OK;
}

// One that was on its way is lost, so it counts as arrived.
COLD enum err op_irq_handler_route(struct invocation *inv)
{
    struct cap *control;
    enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_SCHED_CONTROL, 0, 1,
                                     &control);
    if (error) {
        return error;
    }
    if (!hal_irq_route(inv->self->aux, control->aux)) {
        return err_blame(ERR_LIMIT, 1);
    }
    irq_arrived(inv->self->aux);
    return ERR_OK;
}

// Make the handler, masked until the first ack.
static COLD enum err handler_make(const struct invocation *inv, struct cap *to, unsigned irq,
                                  unsigned flags, uint32_t source)
{
    if (!hal_irq_configure(irq, flags, source)) {
        return err_blame(ERR_SLOT, 1);
    }
    if (!hal_irq_route(irq, CPU_FIRST)) {
        return ERR_LIMIT;
    }
    irqs[irq].arrivals = 1;
    irqs[irq].limit = flags & IRQ_LEVEL ? 1 : IRQ_STORM;
    to->kind = KIND_IRQ_HANDLER;
    to->rights = RIGHT_ALL;
    to->flags = CAP_ORIGINAL;
    to->aux = irq;
    cap_insert_child(to, inv->self);
    return ERR_OK;
}

COLD enum err op_irq_control_get(struct invocation *inv)
{
    struct cap *to;
    uint64_t irq = inv->words[0];
    if (irq >= HAL_IRQ_LINES || !hal_irq_exists((unsigned)irq)) {
        return err_blame(ERR_RANGE, 1);
    }
    irq = (uint64_t)hal_element(NULL, irq, HAL_IRQ_LINES, 0);
    if (irqs[irq].limit) {
        return err_blame(ERR_OCCUPIED, 1);
    }
    if (inv->words[1] & ~(uint64_t)IRQ_FLAGS) {
        return err_blame(ERR_RANGE, 2);
    }
    enum err error = cap_lookup_empty(inv->thread, inv->words[2], inv->words[3], 3, &to);
    return error ? error
                 : handler_make(inv, to, (unsigned)irq, (unsigned)inv->words[1], HAL_IRQ_ANYBODY);
}

COLD enum err op_irq_control_msi(struct invocation *inv)
{
    struct cap *to, *device;
    unsigned irq = message_free;
    uint32_t source = HAL_IRQ_ANYBODY;
    enum err error = ERR_OK;
    if (inv->words[0]) {
        error = cap_lookup_kind(inv->thread, inv->words[0], KIND_IO_DEVICE, 0, 1, &device);
        source = error ? source : device->aux >> 16;
    }
    if (!error) {
        error = cap_lookup_empty(inv->thread, inv->words[1], inv->words[2], 2, &to);
    }
    if (!error) {
        error = irq ? handler_make(inv, to, irq, 0, source) : ERR_LIMIT;
    }
    if (!error) {
        message_free = irqs[irq].next_free;
    }
    return error;
}

COLD enum err op_irq_control_dropped(struct invocation *inv)
{
    inv->words[0] = hal_irq_dropped();
    inv->results = 1;
    return ERR_OK;
}
