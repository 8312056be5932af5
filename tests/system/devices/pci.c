// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See pci.h.
#include "pci.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>

#include <gen/rt_stubs.h>

#define DEVFNS         256ull
#define CONFIG_BYTES   4096u
#define PCI_ID         0x00u
#define PCI_BAR        0x10u
#define PCI_CAPS       0x34u
#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u
#define BAR_64         0x4u
#define MSI_ENABLE     0x10000u  // with the capability's first two bytes
#define MSI_64         0x800000u
#define MSIX_ENABLE    0x80000000u
#define MSIX_MASKED    0x40000000u
#define MSIX_BAR       0x7u
#define MSIX_COUNT     0x7ffu
#define MSIX_ENTRY     16ull

static const struct root_info *info;
static volatile uint8_t *bus;

// The device Untyped that has the range.
static unsigned untyped_of(uint64_t paddr, uint64_t bytes)
{
    for (unsigned i = 0; i < info->untyped_count; i++) {
        uint64_t base = info->untyped[i].base;
        if (info->untyped[i].device && paddr >= base &&
            paddr + bytes <= base + (1ull << info->untyped[i].bits)) {
            return i;
        }
    }
    rt_panic("no device memory at 0x%lx", paddr);
}

volatile uint8_t *device_map(uint64_t paddr, uint64_t bytes)
{
    unsigned untyped = untyped_of(paddr, bytes);
    unsigned bits = PAGE_BITS;
    while (1ull << bits < bytes) {
        bits++;
    }
    cap_t frame = rt_slot_alloc();
    struct rt_mapping mapping = { 0 };
    struct rt_status status = untyped_retype(info->untyped_slot + untyped,
                                             (uint64_t)KIND_FRAME | (uint64_t)bits << 8,
                                             paddr - info->untyped[untyped].base, ROOT_SLOT_CSPACE,
                                             frame, 1);
    if (rt_ok(status)) {
        status = rt_map_frame(frame, 1ull << (bits - PAGE_BITS),
                              PROT_READ | PROT_WRITE | PROT_UNCACHED, &mapping);
    }
    if (!rt_ok(status)) {
        rt_panic("device memory at 0x%lx: error %u, argument %u", paddr, rt_error(status),
                 rt_blamed(status));
    }
    return mapping.base;
}

void pci_init(const struct root_info *root)
{
    info = root;
    bus = device_map(info->pci_ecam, DEVFNS * CONFIG_BYTES);
}

bool pci_find(uint16_t vendor, uint16_t device, unsigned before, struct pci_device *found)
{
    for (unsigned devfn = 0; devfn < DEVFNS; devfn++) {
        volatile uint8_t *config = bus + (uint64_t)devfn * CONFIG_BYTES;
        if (mmio_read(config, PCI_ID) == ((uint32_t)device << 16 | vendor) && !before--) {
            *found = (struct pci_device){ .devfn = devfn, .config = config };
            uint32_t command = mmio_read(config, PCI_COMMAND) & 0xffff;
            mmio_write(config, PCI_COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER);
            return true;
        }
    }
    return false;
}

uint64_t pci_bar(const struct pci_device *device, unsigned bar)
{
    uint32_t low = mmio_read(device->config, PCI_BAR + 4 * bar);
    uint64_t high = low & BAR_64 ? mmio_read(device->config, PCI_BAR + 4 * bar + 4) : 0;
    return high << 32 | (low & ~0xfu);
}

// Offset of a capability in the configuration space.
static unsigned capability(const struct pci_device *device, unsigned id)
{
    unsigned at = mmio_read(device->config, PCI_CAPS) & 0xfc;
    while (at) {
        uint32_t header = mmio_read(device->config, at);
        if ((header & 0xff) == id) {
            return at;
        }
        at = header >> 8 & 0xfc;
    }
    rt_panic("device %x lacks capability %x", device->devfn, id);
}

void pci_msi_set(const struct pci_device *device, uint64_t address, uint32_t data)
{
    unsigned at = capability(device, PCI_CAP_MSI);
    uint32_t header = mmio_read(device->config, at);
    mmio_write(device->config, at + 4, (uint32_t)address);
    if (header & MSI_64) {
        mmio_write(device->config, at + 8, (uint32_t)(address >> 32));
    }
    mmio_write(device->config, at + (header & MSI_64 ? 12 : 8), data);
    mmio_write(device->config, at, header | MSI_ENABLE);
}

void pci_msi_off(const struct pci_device *device)
{
    unsigned at = capability(device, PCI_CAP_MSI);
    mmio_write(device->config, at, mmio_read(device->config, at) & ~MSI_ENABLE);
}

void pci_msix_enable(struct pci_device *device)
{
    unsigned at = capability(device, PCI_CAP_MSIX);
    uint32_t header = mmio_read(device->config, at);
    uint32_t table = mmio_read(device->config, at + 4);
    uint64_t base = pci_bar(device, table & MSIX_BAR) + (table & ~MSIX_BAR);
    uint64_t bytes = ((header >> 16 & MSIX_COUNT) + 1) * MSIX_ENTRY;
    uint64_t offset = base % PAGE_SIZE;
    device->msix = device_map(base - offset, (offset + bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)) +
                   offset;
    mmio_write(device->config, at, (header | MSIX_ENABLE) & ~MSIX_MASKED);
}

void pci_msix_set(const struct pci_device *device, unsigned entry, uint64_t address, uint32_t data)
{
    volatile uint8_t *at = device->msix + (uint64_t)entry * MSIX_ENTRY;
    mmio_write(at, 0, (uint32_t)address);
    mmio_write(at, 4, (uint32_t)(address >> 32));
    mmio_write(at, 8, data);
    mmio_write(at, 12, 0);
}
