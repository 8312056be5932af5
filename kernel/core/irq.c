// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "irq.h"

#include "notification.h"

#include <hal/cpu.h>

#include <abi/message.h>

#define IRQ_FLAGS (IRQ_ACTIVE_LOW | IRQ_LEVEL)

// By line; all guarded by the kernel lock.
static struct {
    struct cap notification;  // what it signals
    bool taken;               // a handler exists
} lines[IRQ_MAX];

void irq_init(void)
{
    for (unsigned i = 0; i < IRQ_MAX; i++) {
        lines[i].notification.flags = CAP_INTERNAL | CAP_PLAIN;
    }
}

void irq_signal(unsigned irq)
{
    if (irq >= IRQ_MAX) {
        return;
    }
    const struct cap *cap = &lines[irq].notification;
    if (!cap_empty(cap)) {
        notification_signal(notification_of(cap), cap->badge ? cap->badge : 1);
    }
}

static void line_clear(unsigned irq)
{
    enum err error = cap_delete_derived(&lines[irq].notification);
    ASSERT(!error);  // attached to nothing, it goes at once
    (void)error;
}

enum err irq_destroy_step(struct cap *original)
{
    hal_irq_mask(original->aux);
    line_clear(original->aux);
    lines[original->aux].taken = false;
    return ERR_OK;
}

enum err op_irq_handler_bind(struct invocation *inv)
{
    struct cap *cap = NULL;
    if (inv->words[0]) {
        enum err error = cap_lookup_kind(inv->thread, inv->words[0], KIND_NOTIFICATION, RIGHT_WRITE,
                                         1, &cap);
        if (error) {
            return error;
        }
    }
    unsigned irq = inv->self->aux;
    line_clear(irq);
    if (cap) {
        cap_derive(&lines[irq].notification, cap, cap->rights);
    }
    return ERR_OK;
}

enum err op_irq_handler_ack(struct invocation *inv)
{
    hal_irq_unmask(inv->self->aux);
    return ERR_OK;
}

enum err op_irq_handler_mask(struct invocation *inv)
{
    hal_irq_mask(inv->self->aux);
    return ERR_OK;
}

enum err op_irq_control_get(struct invocation *inv)
{
    struct cap *to;
    uint64_t irq = inv->words[0];
    if (irq >= IRQ_MAX || irq >= hal_irq_count() || hal_irq_reserved((unsigned)irq)) {
        return err_blame(ERR_RANGE, 1);
    }
    irq = (uint64_t)hal_element(NULL, irq, IRQ_MAX, 0);
    if (lines[irq].taken) {
        return err_blame(ERR_OCCUPIED, 1);
    }
    if (inv->words[1] & ~(uint64_t)IRQ_FLAGS) {
        return err_blame(ERR_RANGE, 2);
    }
    enum err error = cap_lookup_empty(inv->thread, inv->words[2], inv->words[3], 3, &to);
    if (error) {
        return error;
    }
    hal_irq_configure((unsigned)irq, (unsigned)inv->words[1]);
    lines[irq].taken = true;
    to->kind = KIND_IRQ_HANDLER;
    to->rights = RIGHT_ALL;
    to->flags = CAP_ORIGINAL;
    to->aux = (uint32_t)irq;
    cap_insert_child(to, inv->self);
    return ERR_OK;
}
