// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Starting the remapping units (Intel VT-d specification).  Either all of them are taken into use,
// alike, or none.
#include "arch.h"
#include "vtd.h"

#include <arch/paging.h>
#include <arch/percpu.h>
#include <hal/cpu.h>

// Capabilities (11.4.2, 11.4.3)
#define CAP_DOMAINS(cap)      (1u << (4 + 2 * ((cap)&7)))
#define CAP_WRITE_FLUSH       (1ull << 4)  // has a buffer that must be flushed by command
#define CAP_CACHING           (1ull << 7)
#define CAP_LEVELS_3          (1ull << 9)
#define CAP_LEVELS_4          (1ull << 10)
#define CAP_RECORDS(cap)      ((uint32_t)((cap) >> 24 & 0x3ff) * 16)
#define CAP_LARGE             (1ull << 34)
#define CAP_BY_PAGE           (1ull << 39)
#define CAP_RECORD_COUNT(cap) ((uint32_t)((cap) >> 40 & 0xff) + 1)
#define CAP_MASK(cap)         ((unsigned)((cap) >> 48 & 0x3f))
#define CAP_DRAINS            (3ull << 54)
#define DRAIN_SHIFT           48  // from there to the bits of a request
#define ECAP_COHERENT         (1ull << 0)
#define ECAP_QUEUE            (1ull << 1)
#define ECAP_REMAPS           (1ull << 3)
#define ECAP_X2APIC           (1ull << 4)

// Registers (11.4) that are only used here.
enum vtd_boot_register {
    VTD_CAP = 0x08,
    VTD_ECAP = 0x10,
    VTD_COMMAND = 0x18,
    VTD_STATUS = 0x1c,
    VTD_ROOT = 0x20,
    VTD_FAULT_DATA = 0x3c,
    VTD_FAULT_ADDRESS = 0x40,
    VTD_FAULT_UPPER = 0x44,
    VTD_QUEUE_ADDRESS = 0x90,
    VTD_INTERRUPT_TABLE = 0xb8,
};

// Commands and, in the same places, states (11.4.4)
#define STATE_TRANSLATES (1u << 31)
#define STATE_ROOT       (1u << 30)
#define STATE_QUEUE      (1u << 26)
#define STATE_REMAPS     (1u << 25)
#define STATE_TABLE      (1u << 24)
#define STATE_LASTING    (STATE_TRANSLATES | STATE_QUEUE | STATE_REMAPS)
#define COMMAND_SPINS    10000000u
#define TABLE_SIZE       9u  // log2 of the entries, less one
#define TABLE_X2APIC     (1u << 11)
#define MESSAGE(apic_id) (0xfee00000u | ((apic_id)&0xff) << 12)

_Static_assert(VTD_INTERRUPTS == 1u << (TABLE_SIZE + 1), "size");

static void vtd_write_wide(const struct vtd_unit *unit, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(unit->base + offset) = value;
}

// Walk the kernel's tables: where is the image?
static uint64_t image_offset(const struct boot_info *info)
{
    uint64_t vaddr = (uint64_t)&vtd_tables;
    const uint64_t *table = (const uint64_t *)(info->kernel_root + KERNEL_DIRECT_BASE);
    for (unsigned level = HAL_PT_LEVELS; level-- > 0;) {
        uint64_t pte = table[vaddr >> (PAGE_BITS + 9 * level) & 511];
        if (!hal_pte_is_table(pte, level)) {
            uint64_t inside = vaddr & ((PAGE_SIZE << 9 * level) - 1);
            return hal_pte_address(pte) - KERNEL_DIRECT_BASE + inside - vaddr;
        }
        table = (const uint64_t *)hal_pte_address(pte);
    }
    return 0;
}

// Whether a unit can do what is needed; narrows what all units can do.
static bool unit_probe(const struct boot_iommu *found, uint64_t *widths)
{
    struct vtd_unit *unit = &vtd.units[vtd.unit_count++];
    unit->base = KERNEL_DIRECT_BASE + found->base;
    uint64_t cap = vtd_read_wide(unit, VTD_CAP), ecap = vtd_read_wide(unit, VTD_ECAP);
    unit->records = CAP_RECORDS(cap);
    unit->record_count = CAP_RECORD_COUNT(cap);
    unsigned domains = CAP_DOMAINS(cap), mask = CAP_MASK(cap);
    *widths &= cap;
    vtd.domains = domains < vtd.domains ? domains : vtd.domains;
    vtd.mask = mask < vtd.mask ? mask : vtd.mask;
    vtd.by_page &= (cap & CAP_BY_PAGE) != 0;
    vtd.drain &= (cap & CAP_DRAINS) >> DRAIN_SHIFT;
    vtd.caching |= (cap & CAP_CACHING) != 0;
    vtd.incoherent |= !(ecap & ECAP_COHERENT);
    vtd.remaps &= (ecap & ECAP_REMAPS) && (!vtd.x2apic || ecap & ECAP_X2APIC);
    return !found->segment && !(cap & CAP_WRITE_FLUSH) && cap & CAP_LARGE && ecap & ECAP_QUEUE &&
           unit->records + 16 * unit->record_count <= PAGE_SIZE;
}

static bool units_probe(const struct boot_info *info)
{
    uint64_t widths = CAP_LEVELS_3 | CAP_LEVELS_4;
    bool usable = info->iommu_count != 0;
    vtd.remaps = vtd.by_page = true;
    vtd.x2apic = !apic_registers;
    vtd.domains = vtd.mask = UINT32_MAX;
    vtd.drain = CAP_DRAINS >> DRAIN_SHIFT;
    for (unsigned i = 0; i < info->iommu_count; i++) {
        usable &= unit_probe(&info->iommus[i], &widths);
    }
    vtd.levels = widths & CAP_LEVELS_4 ? 4 : 3;
    return usable && widths;
}

static void tables_boot(void)
{
    for (unsigned i = 0; i < VTD_WORDS; i += 2) {
        vtd_tables.root[i] = vtd_physical(vtd_tables.blocked) | VTD_PRESENT;
        vtd_tables.blocked[i] = VTD_SILENT;
        for (unsigned j = 0; j < VTD_CONTEXT_TABLES; j++) {
            vtd_tables.contexts[j][i] = VTD_SILENT;
        }
    }
    for (unsigned i = 0; i < VTD_INTERRUPTS; i++) {
        vtd_tables.interrupts[2ul * i] = VTD_SILENT;
    }
    vtd_written(&vtd_tables, sizeof(vtd_tables));
}

// Give a command and wait until `state` is reached of the bits in `mask`.
static void unit_command(const struct vtd_unit *unit, uint32_t command, uint32_t mask,
                         uint32_t state)
{
    vtd_write(unit, VTD_COMMAND, command);
    for (unsigned spins = 0; (vtd_read(unit, VTD_STATUS) & mask) != state; spins++) {
        if (spins == COMMAND_SPINS) {
            hal_panic(__FILE__, __LINE__, "an IOMMU does not start");
        }
        hal_pause();
    }
}

static void unit_set(const struct vtd_unit *unit, uint32_t bit)
{
    uint32_t state = vtd_read(unit, VTD_STATUS) & STATE_LASTING;
    unit_command(unit, state | bit, bit, bit);
}

// Firmware may have left it in use.
static void unit_stop(const struct vtd_unit *unit)
{
    static const uint32_t bits[] = { STATE_TRANSLATES, STATE_REMAPS, STATE_QUEUE };
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        uint32_t state = vtd_read(unit, VTD_STATUS) & STATE_LASTING;
        unit_command(unit, state & ~bits[i], bits[i], 0);
    }
}

static void unit_tables(const struct vtd_unit *unit)
{
    unit_stop(unit);
    vtd_write_wide(unit, VTD_ROOT, vtd_physical(vtd_tables.root));
    unit_set(unit, STATE_ROOT);
    if (vtd.remaps) {
        vtd_write_wide(unit, VTD_INTERRUPT_TABLE,
                       vtd_physical(vtd_tables.interrupts) | TABLE_SIZE |
                           (vtd.x2apic ? TABLE_X2APIC : 0));
        unit_set(unit, STATE_TABLE);
    }
    vtd_write_wide(unit, VTD_QUEUE_TAIL, 0);
    vtd_write_wide(unit, VTD_QUEUE_ADDRESS, vtd_physical(vtd_tables.queue));
    unit_set(unit, STATE_QUEUE);
}

// Messages in the format without a table stay disabled: the bit that lets them pass is never set.
static void unit_start(const struct vtd_unit *unit)
{
    vtd_write(unit, VTD_FAULT_DATA, VECTOR_IOMMU);
    vtd_write(unit, VTD_FAULT_ADDRESS, MESSAGE(THIS_CPU->apic_id));
    vtd_write(unit, VTD_FAULT_UPPER, THIS_CPU->apic_id & ~0xffu);
    vtd_write(unit, VTD_FAULT_CONTROL, 0);
    if (vtd.remaps) {
        unit_set(unit, STATE_REMAPS);
    }
    unit_set(unit, STATE_TRANSLATES);
}

void vtd_boot(const struct boot_info *info)
{
    if (!units_probe(info)) {
        vtd = (struct vtd){ 0 };
        return;
    }
    vtd.image = image_offset(info);
    tables_boot();
    for (unsigned i = 0; i < vtd.unit_count; i++) {
        unit_tables(&vtd.units[i]);
    }
    vtd_request(VTD_CONTEXTS | VTD_GLOBAL, 0);
    vtd_request(VTD_TLB | VTD_GLOBAL | vtd.drain, 0);
    vtd_request(VTD_INTERRUPT, 0);
    vtd_run();
    for (unsigned i = 0; i < vtd.unit_count; i++) {
        unit_start(&vtd.units[i]);
    }
}
