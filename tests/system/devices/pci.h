// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Device registers and PCI configuration space, for test programs that drive QEMU's devices.
#pragma once

#include <rt/map.h>

// The registers of a device on bus 0; devfn is slot << 3 | function.
struct pci_device {
    unsigned devfn;
    volatile uint8_t *config;  // 4 KiB
    volatile uint8_t *msix;    // table, where it has one
};

#define PCI_INTERRUPT_OFF 0x400u  // command register: no INTx
#define PCI_COMMAND       0x04u
#define PCI_CAP_MSI       0x05u
#define PCI_CAP_MSIX      0x11u

// Find the untyped objects of device memory and map the configuration space of bus 0.
void pci_init(const struct root_info *root);

// Map a range of device registers, which may not overlap one that was mapped before; both
// page-aligned. Panics where it is not to be had.
volatile uint8_t *device_map(uint64_t paddr, uint64_t bytes);

static inline uint32_t mmio_read(const volatile uint8_t *registers, uint64_t offset)
{
    return *(const volatile uint32_t *)((uint64_t)registers + offset);
}

static inline void mmio_write(volatile uint8_t *registers, uint64_t offset, uint32_t value)
{
    *(volatile uint32_t *)((uint64_t)registers + offset) = value;
}

// The device of this kind on bus 0 that `before` others go before, with memory and bus mastering
// enabled.
bool pci_find(uint16_t vendor, uint16_t device, unsigned before, struct pci_device *found);

// Physical address of a memory BAR.
uint64_t pci_bar(const struct pci_device *device, unsigned bar);

// Let it signal by one message (MSI) to this address; the line is silent then.  MSI-X: pci_msix_*.
void pci_msi_set(const struct pci_device *device, uint64_t address, uint32_t data);
void pci_msi_off(const struct pci_device *device);

// Map the MSI-X table and enable it; then set entries, which unmasks them.
void pci_msix_enable(struct pci_device *device);
void pci_msix_set(const struct pci_device *device, unsigned entry, uint64_t address, uint32_t data);
