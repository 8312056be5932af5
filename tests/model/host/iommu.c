// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The development host has no IOMMU (kernel/hal/iommu.h).  Called by the core.
#include <hal/iommu.h>

unsigned hal_iommu_domains(void)
{
    return 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the contract says so
unsigned hal_iommu_space(struct hal_aspace *hal, uint64_t root[512], unsigned domain)
{
    (void)hal;
    (void)root;
    (void)domain;
    return HAL_PT_LEVELS;
}

bool hal_iommu_device(uint16_t source, enum hal_iommu_device state, const struct hal_aspace *space)
{
    (void)source;
    (void)state;
    (void)space;
    return false;
}

// NOLINTNEXTLINE(readability-function-size): as the contract has it
void hal_iommu_written(struct hal_aspace *hal, const uint64_t *entries, unsigned count,
                       uint64_t vaddr, uint64_t pages)
{
    (void)hal;
    (void)entries;
    (void)count;
    (void)vaddr;
    (void)pages;
}

bool hal_iommu_fault(struct hal_iommu_fault *fault)
{
    (void)fault;
    return false;
}

void hal_iommu_report(bool on)
{
    (void)on;
}
