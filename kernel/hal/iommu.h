// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Contract: IOMMUs, which translate what devices access.  Tables of an I/O address space are those
// of a CPU's (hal/aspace.h), so that the core treats both alike; what differs is here, and
// hal_aspace_flush does what each needs.  A device is named by the number that it sends with every
// access (x86: PCI requester id).
#pragma once

#include <hal/aspace.h>

#include <stdbool.h>
#include <stdint.h>

// Domain ids are below this; 0 is none.  0: there is no IOMMU, or none that can be used.
unsigned hal_iommu_domains(void);

// Make the root table of a new CPU space that of an I/O space with a domain id of its own.  How
// many levels it has (the root's is the last): addresses beyond them must not be mapped.
unsigned hal_iommu_space(struct hal_aspace *hal, uint64_t root[512], unsigned domain);

enum hal_iommu_device {
    HAL_IOMMU_NOBODYS,  // blocked, nothing is recorded; the state of every device at first
    HAL_IOMMU_SILENT,   // faults are not recorded
    HAL_IOMMU_REPORTED,
};

// Let a device use `space` (NULL: nothing) and say what becomes of its faults.  When it returns the
// device no longer uses what it used before, and what it had begun to read or write is done.  False
// where there is no room for the device: only for one that is nobody's so far.
bool hal_iommu_device(uint16_t source, enum hal_iommu_device state, const struct hal_aspace *space);

// `count` entries of a table of an I/O space were written; where that made mappings, they are those
// of `pages` pages from `vaddr` on (otherwise 0).
void hal_iommu_written(struct hal_aspace *hal, const uint64_t *entries, unsigned count,
                       uint64_t vaddr, uint64_t pages);

// An access or interrupt that was refused.
struct hal_iommu_fault {
    uint64_t address;  // of its page
    uint32_t info;     // as IoDevice.fault has it (abi/message.h)
    uint16_t source;
};

// Take one that was recorded; false where there is none.
bool hal_iommu_fault(struct hal_iommu_fault *fault);

// Whether kernel_iommu() is called when the first fault is recorded; at first it is.  `on`: it is
// called once more, for what may be left.
void hal_iommu_report(bool on);
