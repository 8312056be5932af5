// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See e1000e.h.
#include "e1000e.h"

#define NIC_VENDOR 0x8086u
#define NIC_DEVICE 0x10d3u
#define NIC_BYTES  0x20000u

#define ICR        0x00c0u  // interrupt causes, cleared by writing
#define ICS        0x00c8u
#define IMS        0x00d0u
#define IVAR       0x00e4u  // which entry a cause has
#define FIRST_BIT  20u      // of the causes: receive queue 0, 1, transmit queue 0
#define IVAR_BITS  4u
#define IVAR_VALID 8u

bool e1000e_find(struct e1000e *nic)
{
    if (!pci_find(NIC_VENDOR, NIC_DEVICE, 0, &nic->pci)) {
        return false;
    }
    uint32_t entries = 0;
    nic->registers = device_map(pci_bar(&nic->pci, 0), NIC_BYTES);
    pci_msix_enable(&nic->pci);
    for (unsigned i = 0; i < E1000E_VECTORS; i++) {
        entries |= (IVAR_VALID | i) << (IVAR_BITS * i);
        mmio_write(nic->registers, IMS, 1u << (FIRST_BIT + i));
    }
    mmio_write(nic->registers, IVAR, entries);
    return true;
}

void e1000e_raise(const struct e1000e *nic, unsigned entry)
{
    mmio_write(nic->registers, ICR, 1u << (FIRST_BIT + entry));
    mmio_write(nic->registers, ICS, 1u << (FIRST_BIT + entry));
}
