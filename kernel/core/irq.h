// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Interrupts as capabilities: one handler a line, bound to a notification.
#pragma once

#include "cap.h"
#include "object.h"

#define IRQ_MAX 256  // lines that handlers can be made for

// Set up the table of lines.
void irq_init(void);
// A line fired (masked or acknowledged at the controller already).
void irq_signal(unsigned irq);

MUST_USE enum err irq_destroy_step(struct cap *original);
MUST_USE enum err op_irq_handler_bind(struct invocation *inv);
MUST_USE enum err op_irq_handler_ack(struct invocation *inv);
MUST_USE enum err op_irq_handler_mask(struct invocation *inv);
MUST_USE enum err op_irq_control_get(struct invocation *inv);
