// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the layouts of ACPI tables.  Relies on nothing; firmware.c finds the tables and calls.
#include "acpi.h"

#include "string.h"

// --- reading with bounds ------------------------------------------------------------------------

// Part of a table: what is left of it to read.
struct span {
    const uint8_t *at;
    uint64_t bytes;
};

static struct span table_span(const struct acpi_header *table, uint32_t skip)
{
    if (table->length < skip) {
        return (struct span){ 0 };
    }
    return (struct span){ (const uint8_t *)table + skip, table->length - skip };
}

// The little-endian number of so many bytes at an offset; 0 outside of the span.
static uint64_t span_read(struct span s, uint64_t offset, uint32_t bytes)
{
    uint64_t value = 0;
    if (offset > s.bytes || bytes > s.bytes - offset) {
        return 0;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        value |= (uint64_t)s.at[offset + i] << 8 * i;
    }
    return value;
}

static uint32_t span_read32(struct span s, uint64_t offset)
{
    return (uint32_t)span_read(s, offset, 4);
}

// Cuts the first bytes off.  The caller has checked that they are there.
static struct span span_cut(struct span *s, uint64_t bytes)
{
    struct span first = { s->at, bytes };
    s->at += bytes;
    s->bytes -= bytes;
    return first;
}

static bool sum_is_zero(const uint8_t *p, uint64_t bytes)
{
    uint32_t sum = 0;
    for (uint64_t i = 0; i < bytes; i++) {
        sum += p[i];
    }
    return (sum & 0xff) == 0;
}

// --- frame of all tables ------------------------------------------------------------------------

const char *acpi_check_table(const void *table, uint64_t bytes, const char *signature)
{
    const struct acpi_header *header = table;
    if (bytes < ACPI_HEADER_BYTES) {
        return "shorter than a table's header";
    }
    if (memcmp(header->signature, signature, sizeof(header->signature)) != 0) {
        return "its signature is wrong";
    }
    if (header->length < ACPI_HEADER_BYTES || header->length > ACPI_MAX_TABLE) {
        return "its length makes no sense";
    }
    if (header->length > bytes) {
        return "truncated";
    }
    return sum_is_zero(table, header->length) ? 0 : "its check sum is wrong";
}

const char *acpi_read_rsdp(const void *rsdp, uint64_t bytes, struct acpi_root *root)
{
    struct span s = { rsdp, bytes };
    if (bytes < ACPI_RSDP_BYTES || memcmp(rsdp, "RSD PTR ", 8) != 0) {
        return "its signature is wrong";
    }
    if (!sum_is_zero(rsdp, ACPI_RSDP_BYTES)) {
        return "its check sum is wrong";
    }
    *root = (struct acpi_root){ .address = span_read(s, 16, 4), .entry_bytes = 4 };
    uint64_t revision = span_read(s, 15, 1);
    uint64_t length = span_read(s, 20, 4);
    uint64_t extended = span_read(s, 24, 8);
    if (revision >= 2 && extended) {
        if (length < 36 || length > bytes) {
            return "its length makes no sense";
        }
        if (!sum_is_zero(rsdp, length)) {
            return "its extended check sum is wrong";
        }
        *root = (struct acpi_root){ .address = extended, .entry_bytes = 8, .extended = true };
    }
    return root->address ? 0 : "it points nowhere";
}

uint64_t acpi_root_entry(const struct acpi_header *table, const struct acpi_root *root,
                         uint32_t index)
{
    struct span s = table_span(table, ACPI_HEADER_BYTES);
    return span_read(s, (uint64_t)index * root->entry_bytes, root->entry_bytes);
}

// --- MADT ---------------------------------------------------------------------------------------

enum madt_type {
    MADT_LOCAL = 0,
    MADT_IO = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_ADDRESS = 5,
    MADT_LOCAL_X2 = 9,
};

#define MADT_CPU_ENABLED  1
#define MADT_CPU_CAPABLE  2  // may be switched on later
#define MADT_POLARITY_LOW 3
#define MADT_LEVEL        3

static bool cpu_is_listed(const struct boot_info *info, uint32_t id)
{
    for (uint32_t i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].hw_id == id) {
            return true;
        }
    }
    return false;
}

static const char *madt_add_cpu(struct boot_info *info, uint32_t id, uint32_t flags,
                                uint32_t boot_id)
{
    if (!(flags & (MADT_CPU_ENABLED | MADT_CPU_CAPABLE))) {
        return 0;
    }
    if (cpu_is_listed(info, id)) {
        return 0;  // once as local APIC, once as x2APIC
    }
    if (info->cpu_count == BOOT_MAX_CPUS && id != boot_id) {
        return 0;  // there is room for no more
    }
    if (info->cpu_count == BOOT_MAX_CPUS) {
        info->cpu_count--;
    }
    info->cpus[info->cpu_count++] = (struct boot_cpu){
        .hw_id = id,
        .flags = (flags & MADT_CPU_ENABLED ? BOOT_CPU_ENABLED : 0) |
                 (id == boot_id ? BOOT_CPU_BOOT : 0),
    };
    return 0;
}

static const char *madt_add_io(struct boot_info *info, struct span s)
{
    if (info->irqchip_count == BOOT_MAX_IRQCHIPS) {
        return "more interrupt controllers than boot_info has room for";
    }
    info->irqchips[info->irqchip_count++] = (struct boot_irqchip){
        .kind = BOOT_IRQCHIP_IO,
        .hw_id = (uint32_t)span_read(s, 2, 1),
        .base = span_read(s, 4, 4),
        .first_irq = span_read32(s, 8),
    };
    return 0;
}

static const char *madt_add_override(struct boot_info *info, struct span s)
{
    if (info->irq_override_count == BOOT_MAX_IRQ_OVERRIDES) {
        return "more interrupt overrides than boot_info has room for";
    }
    uint32_t flags = (uint32_t)span_read(s, 8, 2);
    bool low = (flags & 3) == MADT_POLARITY_LOW;
    bool level = (flags >> 2 & 3) == MADT_LEVEL;
    info->irq_overrides[info->irq_override_count++] = (struct boot_irq_override){
        .source = (uint32_t)span_read(s, 3, 1),
        .irq = span_read32(s, 4),
        .flags = (low ? BOOT_IRQ_ACTIVE_LOW : 0) | (level ? BOOT_IRQ_LEVEL : 0),
    };
    return 0;
}

static uint32_t madt_least_bytes(uint64_t type)
{
    switch (type) {
    case MADT_LOCAL: return 8;
    case MADT_IO: return 12;
    case MADT_OVERRIDE: return 10;
    case MADT_LOCAL_ADDRESS: return 12;
    case MADT_LOCAL_X2: return 16;
    default: return 2;
    }
}

static const char *madt_read_entry(struct boot_info *info, struct span s, uint32_t boot_id)
{
    uint64_t type = span_read(s, 0, 1);
    if (s.bytes < madt_least_bytes(type)) {
        return "an entry is too short for its type";
    }
    switch (type) {
    case MADT_LOCAL:
        return madt_add_cpu(info, (uint32_t)span_read(s, 3, 1), span_read32(s, 4), boot_id);
    case MADT_LOCAL_X2: return madt_add_cpu(info, span_read32(s, 4), span_read32(s, 8), boot_id);
    case MADT_IO: return madt_add_io(info, s);
    case MADT_OVERRIDE: return madt_add_override(info, s);
    case MADT_LOCAL_ADDRESS: info->irqchips[0].base = span_read(s, 4, 8); return 0;
    default: return 0;
    }
}

const char *acpi_read_madt(const struct acpi_header *table, uint32_t boot_apic_id,
                           uint64_t local_base, struct boot_info *info)
{
    struct span s = table_span(table, ACPI_HEADER_BYTES);
    if (s.bytes < 8) {
        return "too short";
    }
    info->irqchips[0] = (struct boot_irqchip){
        .kind = BOOT_IRQCHIP_LOCAL,
        .hw_id = boot_apic_id,
        .base = span_read(s, 0, 4),
    };
    info->irqchip_count = 1;
    span_cut(&s, 8);
    while (s.bytes >= 2) {
        uint64_t bytes = span_read(s, 1, 1);
        if (bytes < 2 || bytes > s.bytes) {
            return "an entry's length makes no sense";
        }
        const char *why = madt_read_entry(info, span_cut(&s, bytes), boot_apic_id);
        if (why) {
            return why;
        }
    }
    if (!cpu_is_listed(info, boot_apic_id)) {
        return "it does not list the CPU that runs the loader";
    }
    if (info->irqchips[0].base == 0) {
        info->irqchips[0].base = local_base;
    }
    return 0;
}

// --- other tables -------------------------------------------------------------------------------

const char *acpi_read_mcfg(const struct acpi_header *table, struct boot_info *info)
{
    struct span s = table_span(table, ACPI_HEADER_BYTES + 8);
    while (s.bytes >= 16) {
        struct span entry = span_cut(&s, 16);
        uint64_t first = span_read(entry, 10, 1);
        uint64_t last = span_read(entry, 11, 1);
        uint64_t base = span_read(entry, 0, 8);
        if (span_read(entry, 8, 2) != 0) {
            continue;
        }
        if (last < first || base == 0 || base % (1 << 20)) {
            return "its bus range or base makes no sense";
        }
        info->pci_ecam = base;
        info->pci_bus_first = (uint32_t)first;
        info->pci_bus_last = (uint32_t)last;
        return 0;
    }
    return "it lists no configuration space of segment 0";
}

#define DMAR_UNIT        0
#define DMAR_UNIT_BYTES  16
#define DMAR_SCOPE_IO    3  // device scope: an I/O APIC
#define DMAR_SCOPE_LEAST 8  // of one whose path is a single step

// The requester id of an I/O APIC.  One behind a bridge has a longer path, and nothing is stated.
static void dmar_add_scope(struct boot_info *info, struct span scope)
{
    if (span_read(scope, 0, 1) != DMAR_SCOPE_IO || scope.bytes != DMAR_SCOPE_LEAST) {
        return;
    }
    for (uint32_t i = 1; i < info->irqchip_count; i++) {
        struct boot_irqchip *chip = &info->irqchips[i];
        if (chip->hw_id != span_read(scope, 4, 1)) {
            continue;
        }
        chip->flags |= BOOT_IRQCHIP_SOURCE;
        chip->source = (uint32_t)(span_read(scope, 5, 1) << 8 | (span_read(scope, 6, 1) & 31) << 3 |
                                  (span_read(scope, 7, 1) & 7));
    }
}

static const char *dmar_add_unit(struct boot_info *info, struct span unit)
{
    if (unit.bytes < DMAR_UNIT_BYTES || span_read(unit, 8, 8) == 0) {
        return "a remapping unit is too short or has no registers";
    }
    if (info->iommu_count == BOOT_MAX_IOMMUS) {
        return "more remapping units than boot_info has room for";
    }
    info->iommus[info->iommu_count++] = (struct boot_iommu){
        .kind = BOOT_IOMMU_VTD,
        .segment = (uint32_t)span_read(unit, 6, 2),
        .base = span_read(unit, 8, 8),
        .flags = (uint32_t)span_read(unit, 4, 1),
    };
    span_cut(&unit, DMAR_UNIT_BYTES);
    while (unit.bytes >= 2) {
        uint64_t bytes = span_read(unit, 1, 1);
        if (bytes < 2 || bytes > unit.bytes) {
            return "a device scope's length makes no sense";
        }
        dmar_add_scope(info, span_cut(&unit, bytes));
    }
    return 0;
}

const char *acpi_read_dmar(const struct acpi_header *table, struct boot_info *info)
{
    struct span s = table_span(table, ACPI_HEADER_BYTES + 12);
    while (s.bytes >= 4) {
        uint64_t type = span_read(s, 0, 2);
        uint64_t bytes = span_read(s, 2, 2);
        if (bytes < 4 || bytes > s.bytes) {
            return "a structure's length makes no sense";
        }
        struct span unit = span_cut(&s, bytes);
        const char *why = type == DMAR_UNIT ? dmar_add_unit(info, unit) : 0;
        if (why) {
            return why;
        }
    }
    return 0;
}

// A generic address (5.2.3.2) in the given address space; 0 for any other.
#define SPACE_MEMORY 0
#define SPACE_IO     1

static uint64_t generic_address(struct span s, uint64_t offset, uint64_t space)
{
    return span_read(s, offset, 1) == space ? span_read(s, offset + 4, 8) : 0;
}

const char *acpi_read_hpet(const struct acpi_header *table, struct boot_info *info)
{
    struct span s = table_span(table, 0);
    uint64_t base = s.bytes < 56 ? 0 : generic_address(s, 40, SPACE_MEMORY);
    if (base == 0) {
        return "too short, or without registers in memory";
    }
    info->hpet_base = base;
    return 0;
}

// --- FADT and DSDT ------------------------------------------------------------------------------

enum fadt_offset {
    FADT_DSDT = 40,
    FADT_PM1A = 64,
    FADT_PM1B = 68,
    FADT_PM_TIMER = 76,
    FADT_PM_TIMER_BYTES = 91,
    FADT_FLAGS = 112,
    FADT_RESET = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1A = 172,
    FADT_X_PM1B = 184,
    FADT_X_PM_TIMER = 208,
    FADT_LEAST = 116,
};
#define FADT_TIMER_WIDE 8
#define FADT_HAS_RESET  10
#define FADT_NO_LEGACY  20  // hardware-reduced: the fixed registers are not there

// The extended field where it is filled, otherwise the old one.
static uint64_t fadt_port(struct span s, uint64_t old, uint64_t extended)
{
    uint64_t port = generic_address(s, extended, SPACE_IO);
    port = port ? port : span_read(s, old, 4);
    return port <= UINT16_MAX ? port : 0;
}

const char *acpi_read_fadt(const struct acpi_header *table, struct boot_info *info,
                           struct acpi_fixed *fixed)
{
    struct span s = table_span(table, 0);
    if (s.bytes < FADT_LEAST) {
        return "too short";
    }
    uint64_t flags = span_read(s, FADT_FLAGS, 4);
    fixed->dsdt = span_read(s, FADT_X_DSDT, 8);
    if (!fixed->dsdt) {
        fixed->dsdt = span_read(s, FADT_DSDT, 4);
    }
    uint64_t reset = generic_address(s, FADT_RESET, SPACE_IO);
    if ((flags >> FADT_HAS_RESET & 1) && reset <= UINT16_MAX) {
        info->reset_port = reset;
        info->reset_value = reset ? span_read(s, FADT_RESET_VALUE, 1) : 0;
    }
    if (flags >> FADT_NO_LEGACY & 1) {
        return 0;
    }
    info->pm1a_cnt_port = fadt_port(s, FADT_PM1A, FADT_X_PM1A);
    info->pm1b_cnt_port = fadt_port(s, FADT_PM1B, FADT_X_PM1B);
    if (span_read(s, FADT_PM_TIMER_BYTES, 1) == 4) {
        fixed->pm_timer_port = (uint32_t)fadt_port(s, FADT_PM_TIMER, FADT_X_PM_TIMER);
        fixed->pm_timer_is_wide = flags >> FADT_TIMER_WIDE & 1;
    }
    return 0;
}

// Opcodes of ACPI's byte code (20.2)
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c
#define AML_PACKAGE 0x12
#define AML_ROOT    '\\'

// Takes the next element, a constant, off the package.  False for anything else.
static bool aml_take_constant(struct span *s, uint32_t *value)
{
    uint64_t op = span_read(*s, 0, 1);
    uint32_t operand = op == AML_BYTE ? 1 : op == AML_WORD ? 2 : op == AML_DWORD ? 4 : 0;
    if (s->bytes < 1 + operand || (operand == 0 && op != AML_ZERO && op != AML_ONE)) {
        return false;
    }
    *value = operand ? (uint32_t)span_read(*s, 1, operand) : (uint32_t)op;
    span_cut(s, 1 + operand);
    return true;
}

// Reads "PackageOp PkgLength NumElements element element ...".
static bool aml_read_sleep_package(struct span s, struct boot_info *info)
{
    uint64_t lead = span_read(s, 1, 1);
    uint64_t head = 2 + (lead >> 6) + 1;  // the length's first byte says how many more it has
    if (span_read(s, 0, 1) != AML_PACKAGE || s.bytes < head || span_read(s, head - 1, 1) == 0) {
        return false;
    }
    uint64_t elements = span_read(s, head - 1, 1);
    span_cut(&s, head);
    uint32_t a, b = 0;
    if (!aml_take_constant(&s, &a) || (elements > 1 && !aml_take_constant(&s, &b))) {
        return false;
    }
    info->slp_typ_s5 = (a & 0xff) | (b & 0xff) << 8;
    return true;
}

const char *acpi_read_s5(const struct acpi_header *dsdt, struct boot_info *info)
{
    struct span s = table_span(dsdt, ACPI_HEADER_BYTES);
    const uint32_t name = '_' | 'S' << 8 | '5' << 16 | '_' << 24;
    for (uint64_t i = 2; i + sizeof(name) < s.bytes; i++) {
        if (s.at[i] != '_' || span_read32(s, i) != name) {
            continue;
        }
        bool named = s.at[i - 1] == AML_NAME ||
                     (s.at[i - 1] == AML_ROOT && s.at[i - 2] == AML_NAME);
        struct span package = s;
        span_cut(&package, i + sizeof(name));
        if (named && aml_read_sleep_package(package, info)) {
            return 0;
        }
    }
    return "it states no way to power off (\\_S5)";
}
