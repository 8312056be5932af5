// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// QEMU's educational device (docs/specs/edu.txt of QEMU): raises an interrupt when told to, and
// copies between memory and a buffer of its own.
#pragma once

#include "pci.h"

struct edu_device {
    struct pci_device pci;
    volatile uint8_t *registers;
};

#define EDU_RAISE 0x60u
#define EDU_ACK   0x64u

// The one that `before` others go before; false: there is none.
bool edu_find(unsigned before, struct edu_device *edu);

// Raise its interrupt (once by MSI; the line until edu_quiet).
static inline void edu_raise(const struct edu_device *edu)
{
    mmio_write(edu->registers, EDU_RAISE, 1);
}

static inline void edu_quiet(const struct edu_device *edu)
{
    mmio_write(edu->registers, EDU_ACK, 1);
}
