// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the readers of the boot protocols.
#include "../handoff.h"

#include "boot_test.h"

#include <stdlib.h>

#define INFO    0x1000u
#define MODULES 0x2000u
#define MEMORY  0x3000u
#define CMDLINE 0x4000u

static struct handoff handoff;

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(&handoff, 0, sizeof(handoff));
    return 0;
}

static void pvh_fill(void)
{
    fake_put(INFO, 0x336ec578, 4);
    fake_put(INFO + 4, 1, 4);
    fake_put(INFO + 12, 1, 4);
    fake_put(INFO + 16, MODULES, 8);
    fake_put(INFO + 24, CMDLINE, 8);
    fake_put(INFO + 32, 0xf0000, 8);
    fake_put(INFO + 40, MEMORY, 8);
    fake_put(INFO + 48, 2, 4);
    fake_put(MODULES, 0x12345000, 8);
    fake_put(MODULES + 8, 0x6789, 8);
    fake_put(MEMORY + 8, 0x80000, 8);
    fake_put(MEMORY + 16, 1, 4);
    fake_put(MEMORY + 24, 0x100000, 8);
    fake_put(MEMORY + 32, 0x100000, 8);
    fake_put(MEMORY + 40, 1, 4);
    memcpy(fake_memory + CMDLINE, "quiet", 6);
}

static void pvh_reads(void **state)
{
    (void)state;
    pvh_fill();
    fake_misalign = 1;
    assert_null(pvh_read(INFO, &handoff));
    assert_int_equal(handoff.image_base, 0x12345000);
    assert_int_equal(handoff.image_size, 0x6789);
    assert_int_equal(handoff.rsdp, 0xf0000);
    assert_string_equal(handoff.cmdline, "quiet");
    assert_int_equal(handoff.map.count, 2);
}

static void pvh_cuts_long_command_line(void **state)
{
    (void)state;
    pvh_fill();
    memset(fake_memory + CMDLINE, 'x', 1000);
    assert_null(pvh_read(INFO, &handoff));
    assert_int_equal(strlen(handoff.cmdline), BOOT_CMDLINE_BYTES - 1);
}

// One change to the information, and what is said to it.
static void pvh_refuses_one(uint32_t offset, uint64_t value, unsigned bytes, const char *why)
{
    setup(NULL);
    pvh_fill();
    fake_put(INFO + offset, value, bytes);
    assert_string_equal(pvh_read(INFO, &handoff), why);
}

static void pvh_refuses(void **state)
{
    (void)state;
    pvh_refuses_one(0, 0, 4, "its magic number is missing");
    pvh_refuses_one(4, 0, 4, "it holds no memory map");
    pvh_refuses_one(48, 0, 4, "it holds no memory map");
    pvh_refuses_one(48, 0xffffffff, 4, "its memory map has too many entries");
    pvh_refuses_one(40, FAKE_BYTES - 1, 8, "its memory map lies outside of memory");
    pvh_refuses_one(16, ~0ull, 8, "its list of modules lies outside of memory");
    pvh_refuses_one(24, ~0ull, 8, "its command line lies outside of memory");
    assert_string_equal(pvh_read(FAKE_BYTES - 8, &handoff), "it lies outside of memory");
}

// Appends a tag and returns where the next one goes.
static uint32_t tag_put(uint32_t at, uint32_t type, const void *content, uint32_t bytes)
{
    fake_put(at, type, 4);
    fake_put(at + 4, bytes + 8, 4);
    memcpy(fake_memory + at + 8, content, bytes);
    return (at + 8 + bytes + 7) & ~7u;
}

static void multiboot2_finish(uint32_t at)
{
    at = tag_put(at, 0, "", 0);
    fake_put(INFO, at - INFO, 4);
}

static uint32_t multiboot2_fill(void)
{
    struct {
        uint32_t entry_size, version;
        struct {
            uint64_t base, size;
            uint32_t type, reserved;
        } entries[2];
    } memory = { 24, 0, { { 0x100000, 0x100000, 1, 0 }, { 0x180000, 0x1000, 2, 0 } } };
    struct {
        uint32_t base, end;
        char name[8];
    } module = { 0x400000, 0x401234, "image" }, second = { 0x500000, 0x600000, "other" };
    uint32_t at = tag_put(INFO + 8, 1, "a b", 4);
    at = tag_put(at, 3, &module, 14);
    at = tag_put(at, 3, &second, 14);
    at = tag_put(at, 15, "RSD PTR 234567890123456789012345678", 36);
    at = tag_put(at, 14, "RSD PTR old901234567", 20);
    return tag_put(at, 6, &memory, sizeof(memory));
}

static void multiboot2_reads(void **state)
{
    (void)state;
    multiboot2_finish(multiboot2_fill());
    assert_null(multiboot2_read(INFO, &handoff));
    assert_string_equal(handoff.cmdline, "a b");
    assert_int_equal(handoff.image_base, 0x400000);
    assert_int_equal(handoff.image_size, 0x1234);
    assert_int_equal(handoff.rsdp_copy_bytes, 36);
    assert_memory_equal(handoff.rsdp_copy, "RSD PTR 2345", 12);
    assert_int_equal(handoff.map.count, 3);
}

static void multiboot2_prefers_efi_map(void **state)
{
    (void)state;
    struct {
        uint32_t entry_size, version;
        uint32_t type, pad;
        uint64_t base, virtual_base, pages, attributes, grown;
    } memory = { 48, 1, 7, 0, 0x200000, 0, 0x100, 0, 0 };
    multiboot2_finish(tag_put(multiboot2_fill(), 17, &memory, sizeof(memory)));
    assert_null(multiboot2_read(INFO, &handoff));
    assert_int_equal(handoff.map.count, 1);
    assert_int_equal(handoff.map.regions[0].base, 0x200000);
    assert_int_equal(handoff.map.regions[0].end, 0x300000);
}

static void multiboot2_refuses_size(uint32_t at, uint32_t value, const char *why)
{
    setup(NULL);
    multiboot2_finish(multiboot2_fill());
    fake_put(at, value, 4);
    assert_string_equal(multiboot2_read(INFO, &handoff), why);
}

static void multiboot2_refuses(void **state)
{
    (void)state;
    multiboot2_refuses_size(INFO, 7, "its size makes no sense");
    multiboot2_refuses_size(INFO, 0xffffffff, "its size makes no sense");
    multiboot2_refuses_size(INFO + 12, 0, "a tag is longer than the whole");
    multiboot2_refuses_size(INFO + 12, 7, "a tag is longer than the whole");
    multiboot2_refuses_size(INFO + 12, 0xfffffff9, "a tag is longer than the whole");
    multiboot2_refuses_size(INFO + 8, 0, "it holds no memory map");
    assert_string_equal(multiboot2_read(INFO + 4, &handoff), "it is not aligned");
    assert_string_equal(multiboot2_read(FAKE_BYTES, &handoff), "its size makes no sense");
    fake_put(FAKE_BYTES - 16, 0x1000, 4);
    assert_string_equal(multiboot2_read(FAKE_BYTES - 16, &handoff), "it lies outside of memory");
}

// Every length of the last tag, whose entries then end anywhere.
static void multiboot2_bounds_entries(void **state)
{
    (void)state;
    for (uint32_t bytes = 0; bytes <= 56; bytes++) {
        setup(NULL);
        uint32_t at = multiboot2_fill();
        uint32_t tag = at - 64;
        fake_put(tag + 4, 8 + bytes, 4);
        fake_put(INFO, tag + 8 + bytes - INFO, 4);
        const char *why = multiboot2_read(INFO, &handoff);
        assert_int_equal(why == NULL, bytes >= 8);
    }
    setup(NULL);
    uint32_t tag = multiboot2_fill() - 64;
    multiboot2_finish(tag + 64);
    fake_put(tag + 8, 23, 4);
    assert_string_equal(multiboot2_read(INFO, &handoff),
                        "the entries of its memory map are too small");
    fake_put(tag + 8, 0xffffffff, 4);
    assert_null(multiboot2_read(INFO, &handoff));
}

int run_handoff_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pvh_reads, setup),
        cmocka_unit_test_setup(pvh_cuts_long_command_line, setup),
        cmocka_unit_test_setup(pvh_refuses, setup),
        cmocka_unit_test_setup(multiboot2_reads, setup),
        cmocka_unit_test_setup(multiboot2_prefers_efi_map, setup),
        cmocka_unit_test_setup(multiboot2_refuses, setup),
        cmocka_unit_test_setup(multiboot2_bounds_entries, setup),
    };
    return cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
}
