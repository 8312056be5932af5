// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// QEMU's e1000e (Intel 82574 datasheet, 7.1 and 10.2): only its interrupts, which a driver can
// raise itself, each by an MSI-X vector of its own.
#pragma once

#include "pci.h"

struct e1000e {
    struct pci_device pci;
    volatile uint8_t *registers;
};

#define E1000E_VECTORS 3u  // table entries that have a cause here

// False: the machine has none.
bool e1000e_find(struct e1000e *nic);
// Raise the interrupt of a table entry.
void e1000e_raise(const struct e1000e *nic, unsigned entry);
