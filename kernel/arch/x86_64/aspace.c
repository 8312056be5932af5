// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Root tables and the translation buffer.  Contract: hal/aspace.h.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/aspace.h>

#define KERNEL_HALF   256
#define ROOT_ENTRIES  512
#define FLUSH_SINGLES 32  // more pages than this: everything

struct hal_aspace hal_aspace_kernel;

void hal_aspace_init(struct hal_aspace *hal, uint64_t root[512])
{
    const uint64_t *kernel = (const uint64_t *)(hal_aspace_kernel.cr3 + KERNEL_DIRECT_BASE);
    for (unsigned i = KERNEL_HALF; i < ROOT_ENTRIES; i++) {
        root[i] = kernel[i];
    }
    hal->cr3 = (uint64_t)root - KERNEL_DIRECT_BASE;
}

void hal_aspace_flush(struct hal_aspace *hal, uint64_t vaddr, uint64_t pages)
{
    if (hal->cr3 != THIS_CPU->cr3) {
        return;
    }
    if (pages > FLUSH_SINGLES) {
        cr3_write(hal->cr3);
        return;
    }
    for (uint64_t i = 0; i < pages; i++) {
        __asm__ volatile("invlpg (%0)" : : "r"(vaddr + i * PAGE_SIZE) : "memory");
    }
}
