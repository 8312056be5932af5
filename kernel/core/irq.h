// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts as capabilities: one handler a line or message, bound to a notification.
//
// An interrupt that arrives is signalled once; what arrives from then until `ack` is counted, and
// the ack signals once more for all of it.  A level line is masked at its first arrival, anything
// else where it has arrived IRQ_STORM times: what storms cannot take more of the CPU than so many
// entries an ack.
#pragma once

#include "cap.h"
#include "object.h"

#define IRQ_STORM 8

// Set up the table of interrupts.
void irq_init(void);
// It came (hal/cpu.h).
void irq_arrived(unsigned irq);

MUST_USE enum err irq_destroy_step(struct cap *original);
MUST_USE enum err op_irq_handler_bind(struct invocation *inv);
MUST_USE enum err op_irq_handler_ack(struct invocation *inv);
MUST_USE enum err op_irq_handler_mask(struct invocation *inv);
MUST_USE enum err op_irq_handler_message(struct invocation *inv);
MUST_USE enum err op_irq_handler_route(struct invocation *inv);
MUST_USE enum err op_irq_control_get(struct invocation *inv);
MUST_USE enum err op_irq_control_msi(struct invocation *inv);
MUST_USE enum err op_irq_control_dropped(struct invocation *inv);
