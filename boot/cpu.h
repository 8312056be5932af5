// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The processor that runs the loader.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Refuses (on the serial line) a CPU that lacks something that Pith needs, naming each thing.
// Then enables no-execute pages.  Call before anything else uses what it checks.
void cpu_require(void);

// Enables no-execute pages on this CPU.
void cpu_prepare(void);

// Whether pages of one GiB exist.
bool cpu_has_huge_pages(void);

// Width of a physical address in bits (CPUID leaf 0x80000008).
uint32_t cpu_phys_bits(void);

// Id of this CPU's local interrupt controller, also above 255 (CPUID leaf 0xb).
uint32_t cpu_apic_id(void);

// Where this CPU's local interrupt controller has its registers; 0 where it is used through MSRs
// (x2APIC mode).
uint64_t cpu_apic_base(void);

// Installs handlers that report an exception in the loader and stop.
void trap_init(void);
