// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the ACPI parsers and of the decision which tables a boot can do without.
#include "../acpi.h"

#include "../firmware.h"
#include "boot_test.h"

#include <stdlib.h>

static struct handoff handoff;
static struct boot_info info;
static struct acpi_fixed fixed;
static const char *table;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    fake_machine();
    memset(&handoff, 0, sizeof(handoff));
    memset(&info, 0, sizeof(info));
    memset(&fixed, 0, sizeof(fixed));
    handoff.rsdp = FAKE_RSDP;
    return 0;
}

static const char *read_all(void)
{
    return firmware_read(&handoff, &info, &fixed, &table);
}

// Changes a byte of a table, and corrects its check sum.
static void poke(uint32_t at, uint32_t offset, uint8_t value)
{
    uint32_t bytes;
    fake_memory[at + offset] = value;
    memcpy(&bytes, fake_memory + at + 4, 4);
    if (bytes <= 0x1000) {
        fix_sum(fake_memory + at, bytes, 9);
    }
}

static void reads_machine(void **state)
{
    (void)state;
    fake_misalign = 1;
    assert_null(read_all());
    assert_int_equal(fake_warnings, 0);
    assert_int_equal(info.cpu_count, 2);
    assert_int_equal(info.cpus[0].flags, BOOT_CPU_ENABLED | BOOT_CPU_BOOT);
    assert_int_equal(info.cpus[1].hw_id, 256);
    assert_int_equal(info.irqchip_count, 2);
    assert_int_equal(info.irqchips[1].irqs, 24);
    assert_int_equal(info.irq_overrides[0].flags, BOOT_IRQ_ACTIVE_LOW | BOOT_IRQ_LEVEL);
    assert_int_equal(info.pm1a_cnt_port, 0x604);
    assert_int_equal(info.slp_typ_s5, 0x605);
    assert_int_equal(info.reset_port, 0xcf9);
    assert_int_equal(info.pci_ecam, 0xb0000000);
    assert_int_equal(info.pci_bus_last, 255);
    assert_int_equal(info.iommu_count, 1);
    assert_int_equal(info.iommus[0].base, 0xfed90000);
    assert_int_equal(info.irqchips[1].flags, BOOT_IRQCHIP_SOURCE);
    assert_int_equal(info.irqchips[1].source, 0xf0f7);
    assert_int_equal(info.hpet_base, 0xfed00000);
    assert_int_equal(info.acpi_rsdp, FAKE_RSDP);
    assert_int_equal(fixed.pm_timer_port, 0x608);
    assert_true(fixed.pm_timer_is_wide);
    assert_true(memory_is(&handoff.map, 0xfee00000, 0xfee01000, BOOT_MEMORY_IRQCHIP));
    assert_true(memory_is(&handoff.map, 0xb0000000, 0xc0000000, BOOT_MEMORY_DEVICE));
}

static void finds_rsdp_by_search(void **state)
{
    (void)state;
    handoff.rsdp = 0;
    assert_null(read_all());
    assert_int_equal(info.acpi_rsdp, FAKE_RSDP);
    setup(NULL);
    handoff.rsdp = 0;
    memset(fake_memory + FAKE_RSDP, 0, 36);
    assert_string_equal(read_all(), "not found");
    assert_string_equal(table, "ACPI table RSDP");
}

static void takes_copied_rsdp(void **state)
{
    (void)state;
    handoff.rsdp = 0;
    handoff.rsdp_copy_bytes = 36;
    memcpy(handoff.rsdp_copy, fake_memory + FAKE_RSDP, 36);
    assert_null(read_all());
    assert_int_equal(info.acpi_rsdp, 0);
}

static void follows_old_root(void **state)
{
    (void)state;
    uint8_t *rsdp = fake_memory + FAKE_RSDP;
    rsdp[15] = 0;
    put(rsdp + 16, FAKE_XSDT, 4);
    fix_sum(rsdp, 20, 8);
    fake_put(FAKE_XSDT + 36, FAKE_MADT, 4);
    table_finish(fake_memory + FAKE_XSDT, "RSDT", 40);
    assert_null(read_all());
    assert_int_equal(info.cpu_count, 2);
    assert_int_equal(info.hpet_base, 0);
}

static void refuses(const char *name, const char *why)
{
    assert_string_equal(read_all(), why);
    assert_string_equal(table, name);
}

static void refuses_bad_root(void **state)
{
    (void)state;
    fake_memory[FAKE_RSDP + 9] ^= 1;
    refuses("ACPI table RSDP", "its check sum is wrong");
    setup(NULL);
    fake_memory[FAKE_RSDP + 24] ^= 1;
    refuses("ACPI table RSDP", "its extended check sum is wrong");
    setup(NULL);
    fake_put(FAKE_RSDP + 20, 0xffffffff, 4);
    refuses("ACPI table RSDP", "its length makes no sense");
    setup(NULL);
    fake_memory[FAKE_RSDP] = 'X';
    refuses("ACPI table RSDP", "its signature is wrong");
    setup(NULL);
    fake_memory[FAKE_XSDT + 40] ^= 1;
    refuses("ACPI table XSDT", "its check sum is wrong");
    setup(NULL);
    fake_put(FAKE_XSDT + 4, 0, 4);
    refuses("ACPI table XSDT", "its length makes no sense");
    setup(NULL);
    fake_put(FAKE_XSDT + 4, 0x900000, 4);
    refuses("ACPI table XSDT", "reaches out of memory");
    setup(NULL);
    fake_memory[FAKE_XSDT] = 'Y';
    refuses("ACPI table XSDT", "its signature is wrong");
    setup(NULL);
    fake_put(FAKE_RSDP + 24, 0x8000000000, 8);
    fix_sum(fake_memory + FAKE_RSDP, 36, 32);
    refuses("ACPI table XSDT", "lies outside of memory");
}

static void refuses_bad_madt(void **state)
{
    (void)state;
    fake_memory[FAKE_MADT + 20] ^= 1;
    refuses("ACPI table MADT", "its check sum is wrong");
    setup(NULL);
    poke(FAKE_MADT, 45, 0);
    refuses("ACPI table MADT", "an entry's length makes no sense");
    setup(NULL);
    poke(FAKE_MADT, 45, 255);
    refuses("ACPI table MADT", "an entry's length makes no sense");
    setup(NULL);
    poke(FAKE_MADT, 45, 4);
    refuses("ACPI table MADT", "an entry is too short for its type");
    setup(NULL);
    poke(FAKE_MADT, 47, 7);
    refuses("ACPI table MADT", "it does not list the CPU that runs the loader");
    setup(NULL);
    table_finish(fake_memory + FAKE_MADT, "APIC", 40);
    refuses("ACPI table MADT", "too short");
    setup(NULL);
    poke(FAKE_XSDT, 44, 1);  // no entry points to it any more
    refuses("ACPI table MADT", "not found");
}

static void refuses_registers_in_ram(void **state)
{
    (void)state;
    memory_overlay(&handoff.map, 0x100000, 0x40000000, BOOT_MEMORY_FREE, true);
    fake_put(FAKE_MADT + 36, 0x200000, 4);
    poke(FAKE_MADT, 40, 0);
    refuses("ACPI table MADT", "it puts registers where there is RAM or nothing");
}

static void warns_of_registers_in_ram(void **state)
{
    (void)state;
    memory_overlay(&handoff.map, 0x100000, 0xb1000000, BOOT_MEMORY_FREE, true);
    fake_put(FAKE_DMAR + 56, 0x300000, 4);
    poke(FAKE_DMAR, 60, 0);
    fake_put(FAKE_HPET + 44, 0xffffffffffffff00, 8);
    poke(FAKE_HPET, 52, 0);
    assert_null(read_all());
    assert_int_equal(fake_warnings, 3);
    assert_int_equal(info.pci_ecam, 0);
    assert_int_equal(info.iommu_count, 0);
    assert_int_equal(info.hpet_base, 0);
    assert_int_equal(info.features & BOOT_FEATURE_IOMMU, 0);
}

static void warns_of_bad_rest(void **state)
{
    (void)state;
    fake_memory[FAKE_FADT + 50] ^= 1;
    fake_memory[FAKE_MCFG + 50] ^= 1;
    fake_memory[FAKE_DMAR + 50] ^= 1;
    fake_memory[FAKE_HPET + 50] ^= 1;
    assert_null(read_all());
    assert_int_equal(fake_warnings, 4);
    assert_int_equal(info.pm1a_cnt_port | info.pci_ecam | info.hpet_base | info.iommu_count, 0);
}

// Of a controller behind a bridge, and of one that no unit names, nothing is stated.
static void states_no_source(void **state)
{
    (void)state;
    poke(FAKE_DMAR, 76, 3);
    assert_null(read_all());
    assert_int_equal(info.irqchips[1].flags, 0);
    setup(NULL);
    fake_put(FAKE_DMAR + 50, 16 + 18, 2);
    fake_put(FAKE_DMAR + 73, 10, 1);
    table_finish(fake_memory + FAKE_DMAR, "DMAR", 48 + 16 + 18);
    assert_null(read_all());
    assert_int_equal(info.iommu_count, 1);
    assert_int_equal(info.irqchips[1].flags, 0);
}

static void warns_of_wild_scopes(void **state)
{
    static const uint8_t lengths[] = { 0, 1, 9, 255 };
    for (unsigned i = 0; i < sizeof(lengths); i++) {
        setup(state);
        poke(FAKE_DMAR, 73, lengths[i]);
        assert_null(read_all());
        assert_int_equal(fake_warnings, 1);
        assert_int_equal(info.iommu_count, 0);
    }
}

static void warns_of_wild_lengths(void **state)
{
    (void)state;
    poke(FAKE_DMAR, 50, 0);
    table_finish(fake_memory + FAKE_MCFG, "MCFG", 50);
    table_finish(fake_memory + FAKE_HPET, "HPET", 40);
    table_finish(fake_memory + FAKE_FADT, "FACP", 100);
    assert_null(read_all());
    assert_int_equal(fake_warnings, 4);
}

static void warns_without_power_off(void **state)
{
    (void)state;
    poke(FAKE_DSDT, 41, 'X');
    assert_null(read_all());
    assert_int_equal(fake_warnings, 1);
    assert_int_equal(info.pm1a_cnt_port, 0);
    assert_int_equal(info.reset_port, 0xcf9);
}

// Every way in which the package may stand at the end of the byte code.
static void bounds_power_off_package(void **state)
{
    (void)state;
    for (uint32_t bytes = ACPI_HEADER_BYTES; bytes <= 60; bytes++) {
        table_finish(fake_memory + FAKE_DSDT, "DSDT", bytes);
        void *dsdt = exact_copy(fake_memory + FAKE_DSDT, bytes);
        assert_null(acpi_check_table(dsdt, bytes, "DSDT"));
        assert_int_equal(acpi_read_s5(dsdt, &info) == NULL, bytes >= 52);
        free(dsdt);
    }
}

// No prefix of a table is read beyond its end.
static void bounds_truncated_tables(void **state)
{
    (void)state;
    for (uint32_t bytes = 0; bytes < 200; bytes++) {
        void *copy = exact_copy(fake_memory + FAKE_MADT, bytes);
        const char *why = acpi_check_table(copy, bytes, "APIC");
        assert_int_equal(why == NULL, bytes >= 98);
        free(copy);
        struct acpi_root root;
        copy = exact_copy(fake_memory + FAKE_RSDP, bytes);
        assert_int_equal(acpi_read_rsdp(copy, bytes, &root) == NULL, bytes >= 36);
        free(copy);
    }
}

static void skips_what_does_not_fit(void **state)
{
    (void)state;
    uint8_t *t = fake_memory + FAKE_MADT;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t entry[8] = { 0, 8, 0, (uint8_t)(99 - i), 1 };
        memcpy(t + 44 + 8ul * i, entry, 8);
    }
    table_finish(t, "APIC", 44 + 800);
    assert_null(read_all());
    assert_int_equal(info.cpu_count, BOOT_MAX_CPUS);
    assert_int_equal(info.cpus[BOOT_MAX_CPUS - 1].hw_id, 0);
    assert_true(info.cpus[BOOT_MAX_CPUS - 1].flags & BOOT_CPU_BOOT);
}

int run_acpi_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_machine, setup),
        cmocka_unit_test_setup(finds_rsdp_by_search, setup),
        cmocka_unit_test_setup(takes_copied_rsdp, setup),
        cmocka_unit_test_setup(follows_old_root, setup),
        cmocka_unit_test_setup(refuses_bad_root, setup),
        cmocka_unit_test_setup(refuses_bad_madt, setup),
        cmocka_unit_test_setup(refuses_registers_in_ram, setup),
        cmocka_unit_test_setup(warns_of_registers_in_ram, setup),
        cmocka_unit_test_setup(warns_of_bad_rest, setup),
        cmocka_unit_test_setup(states_no_source, setup),
        cmocka_unit_test_setup(warns_of_wild_scopes, setup),
        cmocka_unit_test_setup(warns_of_wild_lengths, setup),
        cmocka_unit_test_setup(warns_without_power_off, setup),
        cmocka_unit_test_setup(bounds_power_off_package, setup),
        cmocka_unit_test_setup(bounds_truncated_tables, setup),
        cmocka_unit_test_setup(skips_what_does_not_fit, setup),
    };
    return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
