// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the root task finds when it starts: capabilities in fixed slots of its table, and this page.
//
// The root task runs at the highest priority (255, ceiling 255) on a context with a full budget.
// RDI holds the address of struct root_info, RSP the end of a stack of ROOT_STACK_BYTES.
#pragma once

#include <abi/bootinfo.h>

#include <stdint.h>

#define ROOT_INFO_MAGIC 0x746f6f7268746970ull
#define ROOT_INFO_MAJOR 1
#define ROOT_INFO_MINOR 0

enum root_slot {
    ROOT_SLOT_CSPACE = 1,     // its own CapTable (original)
    ROOT_SLOT_ASPACE,         // its AddressSpace (original)
    ROOT_SLOT_THREAD,         // its Thread (original)
    ROOT_SLOT_SCHED_CONTEXT,  // its SchedContext (original)
    ROOT_SLOT_SCHED_CONTROL,  // of CPU 0; for others see root_info
    ROOT_SLOT_IRQ_CONTROL,
    ROOT_SLOT_IO_CONTROL,
    ROOT_SLOT_POWER_CONTROL,
    ROOT_SLOT_INFO,     // frame of struct root_info, read-only
    ROOT_SLOT_STACK,    // frame of the stack
    ROOT_SLOT_BUFFER,   // frame of the message buffer
    ROOT_SLOT_UNTYPED,  // what the objects in the slots above were made from
    ROOT_SLOT_FIRST,    // frames of the segments, of the modules, then Untypeds (see root_info)
};
#define ROOT_CSPACE_SLOTS 4096

// Where the kernel maps what the root task starts with.
#define ROOT_INFO_VADDR   0x00007f0000000000ull  // struct root_info, read-only
#define ROOT_BUFFER_VADDR 0x00007f0000010000ull  // message buffer
#define ROOT_STACK_VADDR  0x00007f0000100000ull  // lowest address of the stack
#define ROOT_STACK_BYTES  0x10000ull

#define ROOT_MAX_UNTYPED 256

struct root_untyped {
    uint64_t base;
    uint32_t bits;    // log2 of the size
    uint32_t device;  // 1: not RAM, makes frames and Untypeds only
};

struct root_info {
    uint64_t magic;
    uint16_t major, minor;
    uint32_t size;
    uint64_t features;      // ROOT_FEATURE_*
    uint64_t clock_hz;      // ticks per second of the kernel clock (x86: TSC)
    uint64_t boot_clock;    // the clock at the loader's first instruction
    uint64_t kernel_clock;  // the clock when the kernel started the root task
    uint32_t vector_bytes;  // size of a thread's vector state
    uint32_t cpu_count;
    uint32_t segment_slot,
        segment_count;  // two slots each: the frame's original, the attached capability
    uint32_t module_slot, module_count;  // one slot each: the original of a frame of whole pages
    uint32_t untyped_slot, untyped_count;
    uint32_t free_slot;  // first empty slot
    uint32_t cpu_slot;   // SchedControls of CPUs 1 to cpu_count - 1; that of CPU 0 has a fixed slot
    uint64_t acpi_rsdp, pci_ecam, hpet_base;
    uint32_t pci_bus_first, pci_bus_last;
    struct boot_module modules[BOOT_MAX_MODULES];
    struct root_untyped untyped[ROOT_MAX_UNTYPED];
    char cmdline[BOOT_CMDLINE_BYTES];
};
#define ROOT_FEATURE_DEBUG 1u  // a debug kernel: the debug system calls exist
#define ROOT_FEATURE_IOMMU 2u  // the machine has an IOMMU
