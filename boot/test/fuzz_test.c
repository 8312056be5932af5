// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Random changes to good input, the same in every run: nothing may read beyond what it was given
// (the address sanitizer sees it) or accept what later steps rely on not to happen.
#include "../crc.h"
#include "../elf.h"
#include "../firmware.h"
#include "../image.h"
#include "boot_test.h"

#include <abi/bootinfo.h>

#include <stdlib.h>

#define ROUNDS 20000

static uint64_t seed = 0x243f6a8885a308d3;

// A value with a liking for borders.
static uint8_t random_byte(void)
{
    static const uint8_t likely[] = { 0, 1, 0x7f, 0x80, 0xff, 0x10 };
    uint64_t r = random_next(&seed);
    return r & 1 ? likely[(r >> 8) % sizeof(likely)] : (uint8_t)(r >> 8);
}

static void mutate(uint8_t *p, size_t bytes)
{
    for (uint64_t n = 1 + random_next(&seed) % 4; n; n--) {
        size_t at = random_next(&seed) % bytes;
        for (uint64_t run = 1 + random_next(&seed) % 4; run && at < bytes; run--) {
            p[at++] = random_byte();
        }
    }
}

static void fuzz_elf(void **state)
{
    (void)state;
    unsigned accepted = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t file[SAMPLE_ELF_BYTES];
        sample_elf(file);
        mutate(file, 176);
        size_t bytes = random_next(&seed) % 8 ? sizeof(file) : random_next(&seed) % sizeof(file);
        uint8_t *copy = exact_copy(file, bytes);
        struct elf_program program;
        if (!elf_read(copy, bytes, 0x1000, 0x7fffff000000, &program)) {
            accepted++;
            for (uint32_t s = 0; s < program.count; s++) {  // what the loader will read
                crc32c(copy + program.segments[s].file_offset, program.segments[s].file_bytes);
            }
        }
        free(copy);
    }
    assert_in_range(accepted, 1, ROUNDS);
}

static void fuzz_image(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        static uint8_t image[SAMPLE_IMAGE_BYTES] __attribute__((aligned(8)));
        sample_image(image);
        mutate(image, sizeof(struct image_header) + 3 * sizeof(struct image_entry));
        struct image_header *header = (struct image_header *)image;
        if (random_next(&seed) % 4 && header->count <= 4) {
            header->table_crc32 = crc32c(header + 1, header->count * sizeof(struct image_entry));
        }
        size_t bytes = random_next(&seed) % 8 ? sizeof(image) : random_next(&seed) % sizeof(image);
        uint8_t *copy = exact_copy(image, bytes);
        const char *file;
        if (!image_check(copy, bytes, &file)) {
            for (uint32_t f = 0; f < ((struct image_header *)copy)->count; f++) {
                image_check_file(copy, &image_entries(copy)[f]);
            }
        }
        free(copy);
    }
}

static const struct {
    uint32_t at, bytes;
} fuzz_tables[] = {
    { FAKE_RSDP, 36 }, { FAKE_XSDT, 76 }, { FAKE_MADT, 98 }, { FAKE_FADT, 244 },
    { FAKE_DSDT, 60 }, { FAKE_MCFG, 60 }, { FAKE_DMAR, 88 }, { FAKE_HPET, 56 },
};

static void fuzz_one_table(unsigned index)
{
    uint8_t *table = fake_memory + fuzz_tables[index].at;
    uint32_t bytes;
    mutate(table, fuzz_tables[index].bytes);
    memcpy(&bytes, table + 4, sizeof(bytes));
    if (index == 0) {
        fix_sum(table, 20, 8);
        fix_sum(table, 36, 32);
    } else if (bytes >= ACPI_HEADER_BYTES && bytes < 0x1000) {
        fix_sum(table, bytes, 9);
    }
}

static void fuzz_acpi(void **state)
{
    (void)state;
    static struct handoff handoff;
    static struct boot_info info;
    unsigned accepted = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct acpi_fixed fixed = { 0 };
        const char *table;
        fake_reset();
        fake_machine();
        memset(&handoff, 0, sizeof(handoff));
        memset(&info, 0, sizeof(info));
        memory_overlay(&handoff.map, 0x100000, 0x80000000, BOOT_MEMORY_FREE, true);
        handoff.rsdp = FAKE_RSDP;
        fake_misalign = (unsigned)(random_next(&seed) % 8);
        fuzz_one_table((unsigned)(random_next(&seed) % 8));
        if (!firmware_read(&handoff, &info, &fixed, &table)) {
            accepted++;
            assert_in_range(info.cpu_count, 1, BOOT_MAX_CPUS);
            assert_in_range(info.irqchip_count, 1, BOOT_MAX_IRQCHIPS);
            assert_true(memory_is(&handoff.map, 0x100000, 0x80000000, BOOT_MEMORY_FREE));
        }
    }
    assert_in_range(accepted, 1, ROUNDS);
}

static void fuzz_handoff(void **state)
{
    (void)state;
    static struct handoff handoff;
    for (unsigned i = 0; i < ROUNDS; i++) {
        fake_reset();
        memset(&handoff, 0, sizeof(handoff));
        uint32_t at = 0x1000;
        fake_put(at, 0x300, 4);
        for (uint32_t tag = at + 8; tag < at + 0x200;) {
            static const uint8_t types[] = { 0, 1, 3, 6, 14, 15, 17 };
            uint32_t bytes = 8 + (uint32_t)(random_next(&seed) % 0x60);
            fake_put(tag, types[1 + random_next(&seed) % 6], 4);
            fake_put(tag + 4, bytes, 4);
            fake_put(tag + 8, random_next(&seed) % 0x40, 4);
            tag += (bytes + 7) & ~7u;
        }
        mutate(fake_memory + at, 0x200);
        multiboot2_read(at, &handoff);
        fake_put(at, 0x336ec578, 4);
        fake_put(at + 4, 1, 4);
        mutate(fake_memory + at + 8, 48);
        pvh_read(at, &handoff);
    }
}

int run_fuzz_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fuzz_elf),
        cmocka_unit_test(fuzz_image),
        cmocka_unit_test(fuzz_acpi),
        cmocka_unit_test(fuzz_handoff),
    };
    return cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
