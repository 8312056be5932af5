// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The fake machine below the parsers, and the list of all host tests of the loader.
#include "boot_test.h"

#include "../acpi.h"
#include "../cpu.h"
#include "../crc.h"
#include "../phys.h"
#include "../serial.h"

#include <abi/bootinfo.h>

#include <stdlib.h>

#define MAX_COPIES 4096

uint8_t fake_memory[FAKE_BYTES];
unsigned fake_warnings;
unsigned fake_misalign;
static void *copies[MAX_COPIES];
static unsigned copy_count;
static uint32_t fake_registers[8] = { [4] = 0x00170020 };  // an I/O APIC with 24 inputs

static void copies_free(void)
{
    while (copy_count) {
        free(copies[--copy_count]);
    }
}

void fake_reset(void)
{
    copies_free();
    memset(fake_memory, 0, sizeof(fake_memory));
    fake_warnings = 0;
    fake_misalign = 0;
}

void *phys_reach(uint64_t base, uint64_t bytes)
{
    if (!base || base > FAKE_BYTES || bytes > FAKE_BYTES - base) {
        return NULL;
    }
    if (copy_count == MAX_COPIES) {
        copies_free();
    }
    uint8_t *copy = malloc(bytes + fake_misalign);
    assert_non_null(copy);
    copies[copy_count++] = copy;
    return memcpy(copy + fake_misalign, fake_memory + base, bytes);
}

volatile uint32_t *phys_reach_device(uint64_t base)
{
    return base == 0xfec00000 ? fake_registers : NULL;
}

bool phys_copy_string(uint64_t base, char *to, uint32_t bytes)
{
    uint32_t i = 0;
    for (; i + 1 < bytes && base + i < FAKE_BYTES && fake_memory[base + i]; i++) {
        to[i] = (char)fake_memory[base + i];
    }
    to[i] = 0;
    return base + i < FAKE_BYTES;
}

uint32_t cpu_apic_id(void)
{
    return 0;
}

uint64_t cpu_apic_base(void)
{
    return 0xfee00000;
}

void warn(const char *subject, const char *why)
{
    assert_non_null(subject);
    assert_non_null(why);
    fake_warnings++;
}

void put(void *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        ((uint8_t *)at)[i] = (uint8_t)(value >> 8 * i);
    }
}

void fake_put(uint64_t address, uint64_t value, unsigned bytes)
{
    put(fake_memory + address, value, bytes);
}

void fix_sum(uint8_t *p, size_t bytes, size_t sum_at)
{
    uint32_t sum = 0;
    p[sum_at] = 0;
    for (size_t i = 0; i < bytes; i++) {
        sum += p[i];
    }
    p[sum_at] = (uint8_t)-sum;
}

void table_finish(uint8_t *table, const char *signature, uint32_t bytes)
{
    memcpy(table, signature, 4);
    put(table + 4, bytes, 4);
    fix_sum(table, bytes, 9);
}

void *exact_copy(const void *from, size_t bytes)
{
    void *copy = malloc(bytes);
    assert_non_null(copy);
    return memcpy(copy, from, bytes);
}

uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fake_madt(void)
{
    uint8_t *t = fake_memory + FAKE_MADT;
    put(t + 36, 0xfee00000, 4);
    static const uint8_t entries[] = {
        0, 8,  0, 0, 1, 0, 0,    0,                                // CPU, APIC id 0
        0, 8,  1, 1, 0, 0, 0,    0,                                // CPU that is not there
        9, 16, 0, 0, 0, 1, 0,    0,    1,    0, 0, 0, 0, 0, 0, 0,  // x2APIC id 256
        1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0,    0, 0, 0,              // I/O APIC
        2, 10, 0, 9, 9, 0, 0,    0,    0x0f, 0,                    // line 9: low, level
    };
    memcpy(t + 44, entries, sizeof(entries));
    table_finish(t, "APIC", 44 + sizeof(entries));
}

static void fake_fadt(void)
{
    uint8_t *t = fake_memory + FAKE_FADT;
    put(t + 40, FAKE_DSDT, 4);
    put(t + 64, 0x604, 4);
    put(t + 76, 0x608, 4);
    t[91] = 4;
    put(t + 112, 1 << 10 | 1 << 8, 4);
    t[116] = 1;
    put(t + 120, 0xcf9, 8);
    t[128] = 0xf;
    table_finish(t, "FACP", 244);
    uint8_t *d = fake_memory + FAKE_DSDT;
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes of a table
    memcpy(d + 40, "\x08_S5_\x12\x07\x04\x0a\x05\x0a\x06\x00\x00", 14);
    table_finish(d, "DSDT", 60);
}

static void fake_devices(void)
{
    uint8_t *t = fake_memory + FAKE_MCFG;
    put(t + 44, 0xb0000000, 8);
    put(t + 55, 0xff, 1);
    table_finish(t, "MCFG", 60);
    t = fake_memory + FAKE_DMAR;
    static const uint8_t scopes[] = {
        1, 8, 0, 0, 2, 0xf0, 0x1f, 0,  // a PCI device
        3, 8, 0, 0, 2, 0xf0, 0x1e, 7,  // the I/O APIC
    };
    put(t + 50, 16 + sizeof(scopes), 2);
    put(t + 52, 1, 1);
    put(t + 56, 0xfed90000, 8);
    memcpy(t + 64, scopes, sizeof(scopes));
    put(t + 80, 2, 2);
    put(t + 82, 8, 2);
    table_finish(t, "DMAR", 88);
    t = fake_memory + FAKE_HPET;
    put(t + 44, 0xfed00000, 8);
    table_finish(t, "HPET", 56);
}

void fake_machine(void)
{
    static const uint32_t tables[] = { FAKE_FADT, FAKE_MADT, FAKE_MCFG, FAKE_DMAR, FAKE_HPET };
    uint8_t *rsdp = fake_memory + FAKE_RSDP;
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    put(rsdp + 20, 36, 4);
    put(rsdp + 24, FAKE_XSDT, 8);
    fix_sum(rsdp, 20, 8);
    fix_sum(rsdp, 36, 32);
    for (unsigned i = 0; i < 5; i++) {
        fake_put(FAKE_XSDT + 36 + 8 * i, tables[i], 8);
    }
    table_finish(fake_memory + FAKE_XSDT, "XSDT", 36 + 5 * 8);
    fake_madt();
    fake_fadt();
    fake_devices();
}

static void sample_entry(uint8_t *image, unsigned index, const char *name, uint32_t bytes)
{
    struct image_entry *entry = (struct image_entry *)(image + sizeof(struct image_header)) + index;
    strncpy(entry->name, name, sizeof(entry->name) - 1);
    entry->offset = 0x1000ull * (index + 1);
    entry->size = bytes;
    memset(image + entry->offset, 'a' + (int)index, bytes);
    entry->crc32 = crc32c(image + entry->offset, bytes);
}

size_t sample_image(uint8_t *image)
{
    struct image_header *header = (struct image_header *)image;
    memset(image, 0, SAMPLE_IMAGE_BYTES);
    sample_entry(image, 0, "kernel", 100);
    sample_entry(image, 1, "root", 0x1000);
    sample_entry(image, 2, "extra", 33);
    *header = (struct image_header){
        .magic = IMAGE_MAGIC,
        .major = IMAGE_MAJOR,
        .count = 3,
        .size = SAMPLE_IMAGE_BYTES,
        .table_crc32 = crc32c(header + 1, 3 * sizeof(struct image_entry)),
    };
    return SAMPLE_IMAGE_BYTES;
}

static void sample_segment(uint8_t *phdr, uint32_t rights, uint64_t vaddr, uint64_t memory)
{
    put(phdr, 1, 4);
    put(phdr + 4, rights, 4);
    put(phdr + 8, 0x100, 8);
    put(phdr + 16, vaddr, 8);
    put(phdr + 32, 0x80, 8);
    put(phdr + 40, memory, 8);
}

size_t sample_elf(uint8_t *file)
{
    memset(file, 0, SAMPLE_ELF_BYTES);
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): the head of a file
    memcpy(file, "\177ELF\2\1\1", 7);
    put(file + 16, 2, 2);
    put(file + 18, 62, 2);
    put(file + 20, 1, 4);
    put(file + 24, SAMPLE_ELF_BASE + 4, 8);
    put(file + 32, 64, 8);
    put(file + 54, 56, 2);
    put(file + 56, 2, 2);
    sample_segment(file + 64, 5, SAMPLE_ELF_BASE, 0x80);
    sample_segment(file + 120, 6, SAMPLE_ELF_BASE + 0x1000, 0x5000);
    return SAMPLE_ELF_BYTES;
}

int main(void)
{
    int failed = run_acpi_tests() + run_image_tests() + run_elf_tests() + run_memory_tests() +
                 run_handoff_tests() + run_fuzz_tests();
    copies_free();
    return failed != 0;
}
