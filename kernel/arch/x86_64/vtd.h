// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// DMA and interrupt remapping (Intel VT-d specification; sections are those of revision 3.3): what
// the other files of this directory use, and what vtd.c (run time) and vtd_boot.c (start) share.
// All of it is guarded by the kernel lock.
#pragma once

#include <hal/cpu.h>

#include <abi/bootinfo.h>
#include <abi/message.h>

#include <stdbool.h>
#include <stdint.h>

#define VTD_INTERRUPTS HAL_IRQ_MAX  // entries of the interrupt table: an interrupt's is its number

// Let the function with requester id `source` raise `vector` on the CPU with `apic_id` through
// entry `index`, and nobody else; HAL_IRQ_ANYBODY: anybody; VTD_NOBODY: nobody.  Replaces what the
// entry was; when it returns the units have forgotten that.  Does nothing where nothing is
// remapped.
#define VTD_NOBODY 0x20000u
void vtd_interrupt_set(unsigned index, uint32_t source, unsigned vector, uint32_t apic_id,
                       bool level);

// Where a message that uses entry `index` is written; its data is 0 (5.1.2.2).
#define VTD_MESSAGE(index) (0xfee00010u | (index) << 5)

struct hal_aspace;

// Forget translations of an I/O space, as hal_aspace_flush.
void vtd_flush(const struct hal_aspace *hal, uint64_t vaddr, uint64_t pages);

// Find the units and start them: every device blocked, every interrupt but those of the table
// refused.  After apic_boot, before anything raises interrupts.
void vtd_boot(const struct boot_info *info);

// --- private to vtd.c and vtd_boot.c -------------------------------------------------------------

#define VTD_CONTEXT_TABLES 8u  // buses that devices are handed out on
#define VTD_QUEUE          256u
#define VTD_WORDS          (PAGE_SIZE / 8)

// Registers (11.4), by their offsets; further ones in vtd_boot.c.
enum vtd_register {
    VTD_FAULT_STATUS = 0x34,
    VTD_FAULT_CONTROL = 0x38,
    VTD_QUEUE_TAIL = 0x88,
};

// Requests in the queue (6.5.2).
#define VTD_CONTEXTS    0x1ull
#define VTD_TLB         0x2ull
#define VTD_INTERRUPT   0x4ull
#define VTD_WAIT        0x5ull
#define VTD_GLOBAL      0x10ull  // of CONTEXTS and TLB
#define VTD_BY_DOMAIN   0x20ull
#define VTD_BY_DEVICE   0x30ull  // of CONTEXTS
#define VTD_BY_PAGE     0x30ull  // of TLB
#define VTD_BY_INDEX    0x10ull  // of INTERRUPT; without: all
#define VTD_WAIT_STATUS 0x20ull

// Low word of a context entry (9.3).
#define VTD_PRESENT 0x1ull
#define VTD_SILENT  0x2ull  // faults are not recorded; counts in an entry that is not present, too

struct vtd_unit {
    uint64_t base;                   // registers, in the direct map
    uint32_t records, record_count;  // fault records: offset, number
    uint32_t next;                   // of them to be written
};

struct vtd {
    unsigned unit_count;  // 0: there is none, or it is not in use
    struct vtd_unit units[BOOT_MAX_IOMMUS];
    uint64_t image;    // from an address in the kernel's image to the physical one
    unsigned tail;     // of the queue
    unsigned levels;   // of an I/O address space
    unsigned domains;  // ids
    unsigned tables;   // context tables in use, bit by bit
    unsigned mask;     // log2 of the pages that one request can cover; units that only do whole
                       // domains: 0, and by_page is false
    uint64_t drain;    // bits of a TLB request: wait for reads and writes in flight
    bool by_page;
    bool remaps;      // each interrupt must name an entry of the table; what does not is refused
    bool x2apic;      // entries hold APIC ids of 32 bits
    bool incoherent;  // units do not see the caches: what they read is written back
    bool caching;     // units remember what is absent, too
    uint32_t done;    // written by a unit that has carried out what was asked
};
extern struct vtd vtd;

// What the units read, and nobody else writes.
struct vtd_tables {
    uint64_t root[VTD_WORDS];     // by bus, two words each
    uint64_t blocked[VTD_WORDS];  // context table of buses without one: nobody may do anything,
                                  // and nothing is said about it
    uint64_t contexts[VTD_CONTEXT_TABLES][VTD_WORDS];
    uint64_t interrupts[2 * VTD_INTERRUPTS];
    uint64_t queue[VTD_WORDS];
} __attribute__((aligned(4096)));
extern struct vtd_tables vtd_tables;

static inline uint64_t vtd_physical(const void *image)
{
    return (uint64_t)image + vtd.image;
}

static inline uint32_t vtd_read(const struct vtd_unit *unit, uint32_t offset)
{
    return *(volatile uint32_t *)(unit->base + offset);
}

static inline uint64_t vtd_read_wide(const struct vtd_unit *unit, uint32_t offset)
{
    return *(volatile uint64_t *)(unit->base + offset);
}

static inline void vtd_write(const struct vtd_unit *unit, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(unit->base + offset) = value;
}

// Put a request into the queue; all units carry out what is in it, and vtd_run returns when they
// have.
void vtd_request(uint64_t low, uint64_t high);
void vtd_run(void);
// What units read has changed.
void vtd_written(const void *start, uint64_t bytes);
