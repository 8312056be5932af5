// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Parsers of ACPI tables (ACPI specification 6.4; VT-d specification for DMAR): pure functions over
// (pointer, length).  No byte of a table is trusted, its own length least of all.
//
// Those that return text return a null pointer for success, otherwise what is wrong.
#pragma once

#include <abi/bootinfo.h>

#include <stdbool.h>
#include <stdint.h>

#define ACPI_HEADER_BYTES 36
#define ACPI_RSDP_BYTES   20  // of version 1, the least
#define ACPI_MAX_TABLE    0x1000000

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));  // firmware aligns tables to nothing

// Where the list of all tables is, and how wide its entries are.
struct acpi_root {
    uint64_t address;
    uint32_t entry_bytes;
    bool extended;  // XSDT rather than RSDT
};

// What of the FADT does not go into boot_info.
struct acpi_fixed {
    uint64_t dsdt;
    uint32_t pm_timer_port;  // 0 where there is none
    bool pm_timer_is_wide;   // 32 bits rather than 24
};

// Checks a table of which bytes are there: its signature, stated length and check sum.
const char *acpi_check_table(const void *table, uint64_t bytes, const char *signature);

// Reads a root pointer (5.2.5).  bytes may be less than its stated length.
const char *acpi_read_rsdp(const void *rsdp, uint64_t bytes, struct acpi_root *root);

// Entry index of a checked root table; 0 past its end.
uint64_t acpi_root_entry(const struct acpi_header *table, const struct acpi_root *root,
                         uint32_t index);

// The following read a checked table into boot_info.

// CPUs, interrupt controllers, overrides (5.2.12).  boot_apic_id tells which CPU runs the loader,
// local_base is where the CPU itself says that its local controller is.
const char *acpi_read_madt(const struct acpi_header *table, uint32_t boot_apic_id,
                           uint64_t local_base, struct boot_info *info);

// Configuration space of PCI segment 0 (PCI firmware specification, 4.1.2).
const char *acpi_read_mcfg(const struct acpi_header *table, struct boot_info *info);

// Remapping hardware (VT-d specification, chapter 8).
const char *acpi_read_dmar(const struct acpi_header *table, struct boot_info *info);

// The event timer's registers (HPET specification 1.0a, 3.2.4).
const char *acpi_read_hpet(const struct acpi_header *table, struct boot_info *info);

// Power-off and reset ports (5.2.9); where the DSDT and the PM timer are.
const char *acpi_read_fadt(const struct acpi_header *table, struct boot_info *info,
                           struct acpi_fixed *fixed);

// Finds the package \_S5 in the byte code of a checked DSDT and takes the sleep types out of it.
const char *acpi_read_s5(const struct acpi_header *dsdt, struct boot_info *info);
