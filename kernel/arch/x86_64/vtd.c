// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Remapping units at run time (Intel VT-d specification).  Owns their tables and the queue of
// requests.  All units share both, so a request is carried out by each of them in turn.
#include "vtd.h"

#include "arch.h"

#include <hal/cpu.h>
#include <hal/iommu.h>

#include <abi/thread.h>

#define QUEUE_SPINS 10000000u  // more than any unit takes
#define LINE_BYTES  64u

// Words of an interrupt entry (9.10).
#define ENTRY_PRESENT     0x1ull
#define ENTRY_LEVEL       0x10ull
#define ENTRY_VECTOR(v)   ((uint64_t)(v) << 16)
#define ENTRY_CPU(id)     ((uint64_t)(id) << 32)
#define ENTRY_CPU_8(id)   ((uint64_t)(id) << 40)
#define ENTRY_ONLY_SOURCE 0x40000ull  // all 16 bits of the requester id must be those below

struct vtd vtd;
struct vtd_tables vtd_tables;

void vtd_request(uint64_t low, uint64_t high)
{
    vtd_tables.queue[2ul * vtd.tail] = low;
    vtd_tables.queue[2 * vtd.tail + 1] = high;
    vtd.tail = (vtd.tail + 1) % VTD_QUEUE;
}

// A unit that does not answer may still use what it was to forget: nothing can go on.
static void unit_run(const struct vtd_unit *unit)
{
    __atomic_store_n(&vtd.done, 0, __ATOMIC_RELEASE);
    vtd_write(unit, VTD_QUEUE_TAIL, vtd.tail * 16);
    for (unsigned spins = 0; !__atomic_load_n(&vtd.done, __ATOMIC_ACQUIRE); spins++) {
        if (spins == QUEUE_SPINS) {
            hal_panic(__FILE__, __LINE__, "an IOMMU does not answer");
        }
        hal_pause();
    }
}

void vtd_run(void)
{
    vtd_request(VTD_WAIT | VTD_WAIT_STATUS | 1ull << 32, vtd_physical(&vtd.done));
    for (unsigned i = 0; i < vtd.unit_count; i++) {
        unit_run(&vtd.units[i]);
    }
}

void vtd_written(const void *start, uint64_t bytes)
{
    const char *line = (const char *)((uint64_t)start & ~(uint64_t)(LINE_BYTES - 1));
    for (; vtd.incoherent && line < (const char *)start + bytes; line += LINE_BYTES) {
        __asm__ volatile("clflush %0" : : "m"(*line) : "memory");
    }
}

// --- interrupts ----------------------------------------------------------------------------------

// Both words are never a mixture of old and new while bit 0 of the low one says that they count.
static void pair_write(uint64_t *entry, uint64_t low, uint64_t high)
{
    if (entry[1] != high) {
        __atomic_store_n(&entry[0], VTD_SILENT, __ATOMIC_RELEASE);
        __atomic_store_n(&entry[1], high, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&entry[0], low, __ATOMIC_RELEASE);
    vtd_written(entry, 2 * sizeof(*entry));
}

// NOLINTNEXTLINE(readability-function-size): one register each
void vtd_interrupt_set(unsigned index, uint32_t source, unsigned vector, uint32_t apic_id,
                       bool level)
{
    if (!vtd.remaps) {
        return;
    }
    uint64_t low = ENTRY_PRESENT | (level ? ENTRY_LEVEL : 0) | ENTRY_VECTOR(vector) |
                   (vtd.x2apic ? ENTRY_CPU(apic_id) : ENTRY_CPU_8(apic_id));
    uint64_t high = source == HAL_IRQ_ANYBODY ? 0 : source | ENTRY_ONLY_SOURCE;
    pair_write(&vtd_tables.interrupts[2ul * index], source == VTD_NOBODY ? VTD_SILENT : low, high);
    vtd_request(VTD_INTERRUPT | VTD_BY_INDEX | (uint64_t)index << 32, 0);
    vtd_run();
}

// --- devices -------------------------------------------------------------------------------------

#define CONTEXT_OWNED     0x8ull  // high word: somebody's, ignored by units
#define CONTEXT_DOMAIN    8u
#define CONTEXT_WIDTH(n)  ((n)-2u)  // by levels
#define REQUEST_DOMAIN    16u
#define REQUEST_SOURCE    32u
#define ENTRIES_PER_TABLE (VTD_WORDS / 2)

unsigned hal_iommu_domains(void)
{
    return vtd.domains;
}

unsigned hal_iommu_space(struct hal_aspace *hal, uint64_t root[512], unsigned domain)
{
    for (unsigned i = 0; i < VTD_WORDS; i++) {
        root[i] = 0;
    }
    vtd_written(root, PAGE_SIZE);
    hal->domain = domain;
    return vtd.levels;
}

void hal_iommu_written(struct hal_aspace *hal, const uint64_t *entries, unsigned count,
                       uint64_t vaddr, uint64_t pages)
{
    vtd_written(entries, count * sizeof(*entries));
    if (vtd.caching && pages) {
        vtd_flush(hal, vaddr, pages);
    }
}

// Paging structures in between are forgotten with the pages.
void vtd_flush(const struct hal_aspace *hal, uint64_t vaddr, uint64_t pages)
{
    uint64_t low = VTD_TLB | VTD_BY_DOMAIN | vtd.drain | (uint64_t)hal->domain << REQUEST_DOMAIN;
    uint64_t high = 0, differ = (vaddr ^ (vaddr + pages * PAGE_SIZE - 1)) >> PAGE_BITS;
    unsigned order = differ ? 64u - (unsigned)__builtin_clzll(differ) : 0;
    if (vtd.by_page && order <= vtd.mask) {
        low |= VTD_BY_PAGE;
        high = (vaddr & ~0ull << (PAGE_BITS + order)) | order;
    }
    vtd_request(low, high);
    vtd_run();
}

// The context table of a bus; that of all buses without one.
static uint64_t *bus_table(unsigned bus)
{
    return (uint64_t *)((vtd_tables.root[2ul * bus] & ~(PAGE_SIZE - 1)) - vtd.image);
}

static void bus_give(unsigned bus, const uint64_t *table)
{
    vtd_tables.root[2ul * bus] = vtd_physical(table) | VTD_PRESENT;
    vtd_written(&vtd_tables.root[2ul * bus], 8);
    vtd_request(VTD_CONTEXTS | VTD_GLOBAL, 0);
}

// Make sure that a bus has a context table of its own.
static bool bus_take(unsigned bus)
{
    if (bus_table(bus) != vtd_tables.blocked) {
        return true;
    }
    for (unsigned i = 0; i < VTD_CONTEXT_TABLES; i++) {
        if (!(vtd.tables >> i & 1)) {
            vtd.tables |= 1u << i;
            bus_give(bus, vtd_tables.contexts[i]);
            return true;
        }
    }
    return false;
}

// Give the table of a bus back if no device on it is anybody's.
static void bus_release(unsigned bus)
{
    const uint64_t *table = bus_table(bus);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        if (table[2 * i + 1]) {
            return;
        }
    }
    vtd.tables &= ~(1u << (unsigned)(table - vtd_tables.contexts[0]) / VTD_WORDS);
    bus_give(bus, vtd_tables.blocked);
}

static void context_write(uint16_t source, uint64_t low, uint64_t high)
{
    uint64_t *entry = &bus_table(source >> 8)[source % ENTRIES_PER_TABLE * 2];
    uint64_t domain = entry[1] >> CONTEXT_DOMAIN;
    if (entry[0] == low && entry[1] == high) {
        return;
    }
    pair_write(entry, low, high);
    vtd_request(VTD_CONTEXTS | VTD_BY_DEVICE | domain << REQUEST_DOMAIN |
                    (uint64_t)source << REQUEST_SOURCE,
                0);
    vtd_request(VTD_TLB | VTD_BY_DOMAIN | vtd.drain | domain << REQUEST_DOMAIN, 0);
}

bool hal_iommu_device(uint16_t source, enum hal_iommu_device state, const struct hal_aspace *space)
{
    if (state != HAL_IOMMU_NOBODYS && !bus_take(source >> 8)) {
        return false;
    }
    uint64_t low = state == HAL_IOMMU_REPORTED ? 0 : VTD_SILENT;
    uint64_t high = state == HAL_IOMMU_NOBODYS ? 0 : CONTEXT_OWNED;
    if (space) {
        low |= space->cr3 | VTD_PRESENT;
        high |= (uint64_t)space->domain << CONTEXT_DOMAIN | CONTEXT_WIDTH(vtd.levels);
    }
    context_write(source, low, high);
    if (state == HAL_IOMMU_NOBODYS) {
        bus_release(source >> 8);
    }
    vtd_run();
    return true;
}

// --- faults --------------------------------------------------------------------------------------

#define FAULT_OVERFLOW    0x1u
#define FAULT_PENDING     0x2u
#define FAULT_FIRST(s)    ((s) >> 8 & 0xff)
#define FAULT_MASKED      (1u << 31)
#define RECORD_BYTES      16u
#define RECORD_VALID      (1ull << 63)  // high word
#define RECORD_READ       (1ull << 62)
#define RECORD_REASON(hi) ((uint32_t)((hi) >> 32 & 0xff))

// Records are written in order; only where firmware has left them somewhere else the unit has to
// say where it began.
static bool unit_fault(struct vtd_unit *unit, struct hal_iommu_fault *fault)
{
    uint32_t status = vtd_read(unit, VTD_FAULT_STATUS);
    if (!(status & FAULT_PENDING)) {
        return false;
    }
    uint32_t record = unit->records + unit->next * RECORD_BYTES;
    uint64_t high = vtd_read_wide(unit, record + 8);
    if (!(high & RECORD_VALID)) {
        unit->next = FAULT_FIRST(status) % unit->record_count;
        record = unit->records + unit->next * RECORD_BYTES;
        high = vtd_read_wide(unit, record + 8);
    }
    *fault = (struct hal_iommu_fault){
        .address = vtd_read_wide(unit, record) & ~(PAGE_SIZE - 1),
        .info = (high & RECORD_READ ? FAULT_READ : FAULT_WRITE) | RECORD_REASON(high)
                                                                      << IO_FAULT_REASON_SHIFT,
        .source = (uint16_t)high,
    };
    vtd_write(unit, record + 12, RECORD_VALID >> 32);
    vtd_write(unit, VTD_FAULT_STATUS, FAULT_OVERFLOW);
    unit->next = (unit->next + 1) % unit->record_count;
    return true;
}

bool hal_iommu_fault(struct hal_iommu_fault *fault)
{
    for (unsigned i = 0; i < vtd.unit_count; i++) {
        if (unit_fault(&vtd.units[i], fault)) {
            return true;
        }
    }
    return false;
}

void hal_iommu_report(bool on)
{
    for (unsigned i = 0; i < vtd.unit_count; i++) {
        vtd_write(&vtd.units[i], VTD_FAULT_CONTROL, on ? 0 : FAULT_MASKED);
    }
    if (on) {
        apic_send_self(VECTOR_IOMMU);
    }
}
