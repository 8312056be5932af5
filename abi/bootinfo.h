// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the loader hands to the kernel: one architecture-neutral description of the machine.
//
// The loader (boot/) owns the memory it stands in and writes it once; the kernel reads it during
// boot and never again.  All addresses are physical unless the name says otherwise.
//
// State of an x86_64 machine when the kernel's entry point runs (the kernel is an ELF64
// executable; e_entry is a virtual address):
//   - long mode, paging, NX and write protection on, interrupts off, CR3 = boot_info.kernel_root;
//   - the kernel's PT_LOAD segments are mapped at their p_vaddr with 4 KiB granularity and exactly
//     the rights of p_flags (never writable and executable); what no segment covers is unmapped,
//     so a gap between segments is a guard page;
//   - all RAM and the registers of the interrupt controllers (uncached) are mapped at
//     KERNEL_DIRECT_BASE + physical address, readable, writable, no execute, huge pages where
//     alignment allows; the alias of read-only kernel segments is read-only;
//   - all these mappings are global (which takes effect once the kernel sets CR4.PGE);
//   - the lower half maps nothing but the loader itself (identity), and the kernel drops it;
//   - each CPU has an area at KERNEL_CPU_BASE + its number * KERNEL_CPU_BYTES, of which the pages
//   in
//     KERNEL_CPU_PAGES (bit n: page n) are mapped: zeroed, readable, writable, no execute;
//   - RDI = the virtual address, in the direct map, of struct boot_info; RSI = the number of the
//   CPU,
//     its index in cpus[] (the one that ran the loader is 0); the stack is not to be used.
// All CPUs enter so, the others after the first, which waits until their last instruction of the
// loader before it leaves the loader itself.
#pragma once

#include <stdint.h>

#define BOOT_INFO_MAGIC 0x6f666e6968746970ull  // "pithinfo", little endian
#define BOOT_INFO_MAJOR 2
#define BOOT_INFO_MINOR 0

#define KERNEL_DIRECT_BASE 0xffff800000000000ull
#define KERNEL_IMAGE_BASE  0xffffffff80000000ull
#define KERNEL_CPU_BASE    0xffffffffc0000000ull
#define KERNEL_CPU_BYTES   0x20000ull
#define KERNEL_CPU_PAGES   0x75556u

#define BOOT_MAX_MEMORY        128
#define BOOT_MAX_CPUS          64
#define BOOT_MAX_IRQCHIPS      8
#define BOOT_MAX_IRQ_OVERRIDES 24
#define BOOT_MAX_IOMMUS        8
#define BOOT_MAX_SEGMENTS      8
#define BOOT_MAX_MODULES       64
#define BOOT_NAME_BYTES        32
#define BOOT_CMDLINE_BYTES     256

enum boot_memory_kind {
    BOOT_MEMORY_FREE,      // RAM, becomes Untyped
    BOOT_MEMORY_KERNEL,    // kernel image, kernel page tables, boot_info: never handed out
    BOOT_MEMORY_ROOT,      // pages of the root task's segments
    BOOT_MEMORY_MODULE,    // modules, whole pages each
    BOOT_MEMORY_FIRMWARE,  // ACPI tables and other memory that firmware keeps; RAM, not for use
    BOOT_MEMORY_IRQCHIP,   // registers of interrupt controllers and IOMMUs: the kernel's own
    BOOT_MEMORY_DEVICE,    // address space known to hold device registers
};

struct boot_memory {
    uint64_t base;  // page-aligned
    uint64_t size;  // multiple of the page size, not zero
    enum boot_memory_kind kind;
    uint32_t reserved;
};

struct boot_cpu {
    uint32_t hw_id;  // x86: APIC id
    uint32_t flags;  // BOOT_CPU_*
};
#define BOOT_CPU_ENABLED 1u
#define BOOT_CPU_BOOT    2u  // the one that runs the loader: the first

enum boot_irqchip_kind {
    BOOT_IRQCHIP_LOCAL,  // x86: local APIC
    BOOT_IRQCHIP_IO,     // x86: I/O APIC
};

struct boot_irqchip {
    enum boot_irqchip_kind kind;
    uint32_t hw_id;
    uint64_t base;       // registers
    uint32_t first_irq;  // global interrupt number of its first input (I/O kind)
    uint32_t irqs;       // number of inputs (I/O kind)
    uint32_t flags;      // BOOT_IRQCHIP_*
    uint32_t source;     // PCI requester id of its interrupts, as an IOMMU sees them
};
#define BOOT_IRQCHIP_SOURCE 1u  // firmware states `source`

// A legacy (ISA) line that arrives at another global interrupt, or with another polarity or
// trigger.
struct boot_irq_override {
    uint32_t source;  // ISA line
    uint32_t irq;     // global interrupt number
    uint32_t flags;   // BOOT_IRQ_*
};
#define BOOT_IRQ_ACTIVE_LOW 1u
#define BOOT_IRQ_LEVEL      2u

enum boot_iommu_kind {
    BOOT_IOMMU_VTD
};

struct boot_iommu {
    enum boot_iommu_kind kind;
    uint32_t segment;
    uint64_t base;
    uint32_t flags;  // as in the firmware's table: VT-d DRHD flags
    uint32_t reserved;
};

// One piece of the root task, already in memory (zero-filled to whole pages).
struct boot_segment {
    uint64_t vaddr;   // page-aligned, in the root task's address space
    uint64_t base;    // page-aligned
    uint64_t size;    // whole pages
    uint32_t rights;  // BOOT_SEGMENT_*
    uint32_t reserved;
};
#define BOOT_SEGMENT_READ    1u
#define BOOT_SEGMENT_WRITE   2u
#define BOOT_SEGMENT_EXECUTE 4u

struct boot_module {
    char name[BOOT_NAME_BYTES];  // zero-terminated
    uint64_t base;               // page-aligned
    uint64_t size;               // bytes; the rest of the last page is zero
};

struct boot_info {
    uint64_t magic;
    uint16_t major, minor;
    uint32_t size;               // sizeof(struct boot_info)
    uint64_t features;           // BOOT_FEATURE_*
    uint64_t boot_tsc;           // the clock at the loader's first instruction
    uint64_t calibration_ticks;  // of the clock, which the loader spent measuring rates

    uint64_t kernel_root;  // the page table in force
    uint64_t clock_hz;     // rate of the kernel clock (x86: TSC)
    uint64_t timer_hz;     // rate of the one-shot timer (x86: local APIC timer, divided by 1)
    uint64_t ram_end;      // end of the highest RAM
    uint64_t phys_bits;    // width of a physical address

    uint64_t acpi_rsdp;                     // for user space; 0 where there is none
    uint64_t pm1a_cnt_port, pm1b_cnt_port;  // ACPI power-off (FADT); 0 where there is none
    uint64_t reset_port, reset_value;  // ACPI reset register in I/O space; 0 where there is none
    uint32_t slp_typ_s5;               // SLP_TYPa of \_S5 in bits 0-7, SLP_TYPb in bits 8-15
    uint32_t reserved;
    uint64_t hpet_base;  // 0 where there is none
    uint64_t pci_ecam;   // MCFG: base of segment 0; 0 where there is none
    uint32_t pci_bus_first, pci_bus_last;

    uint64_t root_entry;  // first instruction of the root task
    uint32_t root_segment_count;
    uint32_t memory_count;  // entries are sorted by base and do not overlap
    uint32_t cpu_count;
    uint32_t irqchip_count;
    uint32_t irq_override_count;
    uint32_t iommu_count;
    uint32_t module_count;
    uint32_t reserved2;

    struct boot_segment root_segments[BOOT_MAX_SEGMENTS];
    struct boot_memory memory[BOOT_MAX_MEMORY];
    struct boot_cpu cpus[BOOT_MAX_CPUS];
    struct boot_irqchip irqchips[BOOT_MAX_IRQCHIPS];
    struct boot_irq_override irq_overrides[BOOT_MAX_IRQ_OVERRIDES];
    struct boot_iommu iommus[BOOT_MAX_IOMMUS];
    struct boot_module modules[BOOT_MAX_MODULES];
    char cmdline[BOOT_CMDLINE_BYTES];
};
#define BOOT_FEATURE_CLOCK_MEASURED 1u  // clock_hz was calibrated, not stated by the CPU
#define BOOT_FEATURE_IOMMU          2u  // iommus[] is not empty

// The boot image: what `tools/mkimage` writes and the loader reads.  Little endian.
//   struct image_header, then count struct image_entry, then the files, each at a multiple of 4096
//   from the start of the image.  The loader loads "kernel" and "root" (ELF64) and passes every
//   other entry on as a module.
#define IMAGE_MAGIC      0x676d696874697061ull
#define IMAGE_MAJOR      1
#define IMAGE_FILE_ALIGN 4096

struct image_header {
    uint64_t magic;
    uint16_t major, minor;
    uint32_t count;
    uint64_t size;         // of the whole image
    uint32_t table_crc32;  // CRC-32C (Castagnoli) of the entries
    uint32_t reserved;
};

struct image_entry {
    char name[BOOT_NAME_BYTES];  // zero-terminated
    uint64_t offset;             // from the start of the image
    uint64_t size;
    uint32_t crc32;  // CRC-32C of the file
    uint32_t reserved;
};

_Static_assert(sizeof(struct boot_memory) == 24 && sizeof(struct boot_segment) == 32, "size");
_Static_assert(sizeof(struct image_header) == 32 && sizeof(struct image_entry) == 56, "size");
