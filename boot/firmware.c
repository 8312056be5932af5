// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the search for ACPI's tables and the decision which of them a boot can do without.
#include "firmware.h"

#include "cpu.h"
#include "phys.h"
#include "serial.h"
#include "string.h"

#define MAX_TABLES      1024
#define BIOS_EBDA       0x40e  // segment of the extended BIOS data area
#define BIOS_EBDA_BYTES 0x400
#define BIOS_AREA       0xe0000
#define BIOS_AREA_BYTES 0x20000
#define RSDP_ALIGN      16
#define RSDP_BYTES      36
#define ECAM_BUS_BYTES  (1ull << 20)
#define IOAPIC_WINDOW   4  // offsets in 32-bit words
#define IOAPIC_VERSION  1
#define IOAPIC_NOBODY   0xffffffff

struct firmware {
    const struct acpi_header *table;  // the root table
    struct acpi_root root;
    struct boot_info *info;
    struct acpi_fixed *fixed;
};

// --- finding ------------------------------------------------------------------------------------

static uint64_t rsdp_search(uint64_t base, uint64_t bytes)
{
    struct acpi_root root;
    for (uint64_t at = base; at + RSDP_BYTES <= base + bytes; at += RSDP_ALIGN) {
        const void *p = phys_reach(at, RSDP_BYTES);
        if (p && !acpi_read_rsdp(p, RSDP_BYTES, &root)) {
            return at;
        }
    }
    return 0;
}

// Where a BIOS leaves the root pointer (ACPI 5.2.5.1).
static uint64_t rsdp_find(void)
{
    const uint8_t *ebda = phys_reach(BIOS_EBDA, 2);
    uint64_t base = ebda ? (uint64_t)(ebda[0] | ebda[1] << 8) << 4 : 0;
    uint64_t found = base ? rsdp_search(base, BIOS_EBDA_BYTES) : 0;
    return found ? found : rsdp_search(BIOS_AREA, BIOS_AREA_BYTES);
}

// Maps and checks one table.
static const char *table_open(uint64_t address, const char *signature,
                              const struct acpi_header **table)
{
    const struct acpi_header *header = phys_reach(address, ACPI_HEADER_BYTES);
    if (!header) {
        return "lies outside of memory";
    }
    uint32_t length = header->length;
    if (length < ACPI_HEADER_BYTES || length > ACPI_MAX_TABLE) {
        return "its length makes no sense";
    }
    *table = phys_reach(address, length);
    return *table ? acpi_check_table(*table, length, signature) : "reaches out of memory";
}

// The first table with a signature.  A null pointer in *table and as the result: there is none.
static const char *table_find(const struct firmware *fw, const char *signature,
                              const struct acpi_header **table)
{
    *table = 0;
    for (uint32_t i = 0; i < MAX_TABLES; i++) {
        uint64_t address = acpi_root_entry(fw->table, &fw->root, i);
        const char *found = address ? phys_reach(address, ACPI_HEADER_BYTES) : 0;
        if (found && memcmp(found, signature, 4) == 0) {
            return table_open(address, signature, table);
        }
    }
    return 0;
}

static const char *root_open(const struct handoff *handoff, struct firmware *fw, const char **table)
{
    *table = "ACPI table RSDP";
    uint64_t address = handoff->rsdp;
    const void *rsdp = handoff->rsdp_copy;
    uint32_t bytes = handoff->rsdp_copy_bytes;
    if (address || bytes == 0) {
        address = address ? address : rsdp_find();
        if (!address) {
            return "not found";
        }
        rsdp = phys_reach(address, RSDP_BYTES);
        bytes = RSDP_BYTES;
    }
    if (!rsdp) {
        return "lies outside of memory";
    }
    fw->info->acpi_rsdp = address;  // 0: main.c puts the copy where user space finds it
    const char *why = acpi_read_rsdp(rsdp, bytes, &fw->root);
    if (why) {
        return why;
    }
    *table = fw->root.extended ? "ACPI table XSDT" : "ACPI table RSDT";
    return table_open(fw->root.address, fw->root.extended ? "XSDT" : "RSDT", &fw->table);
}

// --- reading ------------------------------------------------------------------------------------

static const char *madt_read(const struct firmware *fw)
{
    const struct acpi_header *table;
    const char *why = table_find(fw, "APIC", &table);
    if (why) {
        return why;
    }
    if (!table) {
        return "not found";
    }
    return acpi_read_madt(table, cpu_apic_id(), cpu_apic_base(), fw->info);
}

// The number of an I/O APIC's inputs stands in the device, not in a table.
static void ioapics_read(struct boot_info *info)
{
    for (uint32_t i = 1; i < info->irqchip_count; i++) {
        struct boot_irqchip *chip = &info->irqchips[i];
        volatile uint32_t *registers = chip->base % 4 ? 0 : phys_reach_device(chip->base);
        uint32_t version = IOAPIC_NOBODY;
        if (registers) {
            registers[0] = IOAPIC_VERSION;
            version = registers[IOAPIC_WINDOW];
        }
        if (version == IOAPIC_NOBODY) {
            warn("I/O APIC", "does not answer; its interrupts are not available");
        } else {
            chip->irqs = (version >> 16 & 0xff) + 1;
        }
    }
}

static const char *fadt_read(const struct acpi_header *table, const struct firmware *fw)
{
    const char *why = acpi_read_fadt(table, fw->info, fw->fixed);
    if (why || !fw->info->pm1a_cnt_port) {
        return why;
    }
    const struct acpi_header *dsdt;
    why = table_open(fw->fixed->dsdt, "DSDT", &dsdt);
    if (!why) {
        why = acpi_read_s5(dsdt, fw->info);
    }
    if (why) {
        warn("ACPI table DSDT", why);
        fw->info->pm1a_cnt_port = 0;
        fw->info->pm1b_cnt_port = 0;
    }
    return 0;
}

static const char *mcfg_read(const struct acpi_header *table, const struct firmware *fw)
{
    return acpi_read_mcfg(table, fw->info);
}

static const char *dmar_read(const struct acpi_header *table, const struct firmware *fw)
{
    const char *why = acpi_read_dmar(table, fw->info);
    if (why) {
        fw->info->iommu_count = 0;
    }
    return why;
}

static const char *hpet_read(const struct acpi_header *table, const struct firmware *fw)
{
    return acpi_read_hpet(table, fw->info);
}

static const struct {
    const char *signature, *name;
    const char *(*read)(const struct acpi_header *table, const struct firmware *fw);
} optional_tables[] = {
    { "FACP", "ACPI table FADT", fadt_read },
    { "MCFG", "ACPI table MCFG", mcfg_read },
    { "DMAR", "ACPI table DMAR", dmar_read },
    { "HPET", "ACPI table HPET", hpet_read },
};

// --- registers ----------------------------------------------------------------------------------

// A table that puts registers into RAM is not believed.
static bool claim(struct memory_map *map, uint64_t base, uint64_t bytes, uint32_t kind)
{
    uint64_t first = page_down(base);
    if (base > MEMORY_LIMIT || bytes > MEMORY_LIMIT - base) {
        return false;
    }
    uint64_t last = page_up(base + bytes);
    if (memory_has_ram(map, first, last)) {
        return false;
    }
    memory_overlay(map, first, last, kind, false);
    return true;
}

static void devices_claim(struct boot_info *info, struct memory_map *map)
{
    uint64_t ecam = info->pci_ecam + info->pci_bus_first * ECAM_BUS_BYTES;
    uint64_t bytes = (info->pci_bus_last - info->pci_bus_first + 1) * ECAM_BUS_BYTES;
    if (info->pci_ecam && !claim(map, ecam, bytes, BOOT_MEMORY_DEVICE)) {
        warn("ACPI table MCFG", "puts registers where there is RAM or nothing");
        info->pci_ecam = 0;
    }
    if (info->hpet_base && !claim(map, info->hpet_base, PAGE_SIZE, BOOT_MEMORY_DEVICE)) {
        warn("ACPI table HPET", "puts registers where there is RAM or nothing");
        info->hpet_base = 0;
    }
}

static const char *registers_claim(struct boot_info *info, struct memory_map *map)
{
    devices_claim(info, map);
    for (uint32_t i = 0; i < info->iommu_count; i++) {
        if (claim(map, page_down(info->iommus[i].base), PAGE_SIZE, BOOT_MEMORY_IRQCHIP)) {
            continue;
        }
        warn("ACPI table DMAR", "puts registers where there is RAM or nothing");
        info->iommu_count = 0;
    }
    for (uint32_t i = 0; i < info->irqchip_count; i++) {
        if (!claim(map, page_down(info->irqchips[i].base), PAGE_SIZE, BOOT_MEMORY_IRQCHIP)) {
            return "it puts registers where there is RAM or nothing";
        }
    }
    return 0;
}

const char *firmware_read(struct handoff *handoff, struct boot_info *info, struct acpi_fixed *fixed,
                          const char **table)
{
    struct firmware fw = { .info = info, .fixed = fixed };
    const char *why = root_open(handoff, &fw, table);
    if (why) {
        return why;
    }
    *table = "ACPI table MADT";
    why = madt_read(&fw);
    if (why) {
        return why;
    }
    for (unsigned i = 0; i < sizeof(optional_tables) / sizeof(optional_tables[0]); i++) {
        const struct acpi_header *found;
        why = table_find(&fw, optional_tables[i].signature, &found);
        if (!why && found) {
            why = optional_tables[i].read(found, &fw);
        }
        if (why) {
            warn(optional_tables[i].name, why);
        }
    }
    *table = "ACPI table MADT";
    why = registers_claim(info, &handoff->map);
    if (why) {
        return why;
    }
    ioapics_read(info);
    info->features |= info->iommu_count ? BOOT_FEATURE_IOMMU : 0;
    return 0;
}
