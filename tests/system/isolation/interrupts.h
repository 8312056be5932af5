// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A device that interrupts some 300,000 times a second (the PIT), for a component: its handler is
// in SLOT_IRQ and signals SLOT_WAKE.
#pragma once

#include "component.h"

struct interrupts {
    cap_t handler, ports;
};

// For a component that is made and not started; quiet at first.
void interrupts_make(struct interrupts *interrupts, const struct component *component);
void interrupts_start(const struct interrupts *interrupts);
void interrupts_delete(const struct interrupts *interrupts);
