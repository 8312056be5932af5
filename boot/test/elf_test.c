// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the checks of executables.
#include "../elf.h"

#include "boot_test.h"

#include <stdlib.h>

#define LOW  0x1000ull
#define HIGH 0x7fffff000000ull

// One change to the sample, and what is said to it.
struct change {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the rows
    unsigned offset;
    uint64_t value;
    unsigned bytes;
    const char *why;
};

#define SEGMENT_1 64
#define SEGMENT_2 120

static const struct change changes[] = {
    { 0, 0, 1, "not an ELF file" },
    { 4, 1, 1, "not a 64-bit ELF file" },
    { 5, 2, 1, "not a little-endian ELF file" },
    { 6, 0, 1, "of an unknown ELF version" },
    { 20, 2, 4, "of an unknown ELF version" },
    { 16, 3, 2, "position-independent (link it static and at a fixed address)" },
    { 16, 1, 2, "not an executable ELF file" },
    { 18, 3, 2, "made for another machine than x86_64" },
    { 56, 0, 2, "without program headers" },
    { 54, 32, 2, "with program headers of an odd size or number" },
    { 56, 65, 2, "with program headers of an odd size or number" },
    { 32, 0x1c0, 8, "with program headers beyond its end" },
    { 32, ~0ull, 8, "with program headers beyond its end" },
    { 24, SAMPLE_ELF_BASE + 0x80, 8, "with an entry point outside of its code" },
    { 24, SAMPLE_ELF_BASE + 0x1000, 8, "with an entry point outside of its code" },
    { 24, 0, 8, "with an entry point outside of its code" },
    { SEGMENT_1, 3, 4, "linked dynamically (link it static)" },
    { SEGMENT_1 + 4, 7, 4, "with a segment that is writable and executable" },
    { SEGMENT_2 + 4, 2, 4, "with a segment that is not readable" },
    { SEGMENT_1 + 8, 0x201, 8, "with a segment beyond its end" },
    { SEGMENT_1 + 8, ~0ull, 8, "with a segment beyond its end" },
    { SEGMENT_1 + 32, ~0ull, 8, "with a segment beyond its end" },
    { SEGMENT_1 + 40, 0x7f, 8, "with a segment that is larger in the file than in memory" },
    { SEGMENT_1 + 16, SAMPLE_ELF_BASE + 1, 8, "with a segment that does not start at a page" },
    { SEGMENT_1 + 16, 0, 8, "with a segment outside of its part of the address space" },
    { SEGMENT_2 + 16, HIGH, 8, "with a segment outside of its part of the address space" },
    { SEGMENT_2 + 40, ~0ull, 8, "with a segment outside of its part of the address space" },
    { SEGMENT_2 + 16, ~0xfffull, 8, "with a segment outside of its part of the address space" },
    { SEGMENT_1 + 40, 0x1001, 8, "with segments that overlap, share a page or are not in order" },
    { SEGMENT_2 + 16, SAMPLE_ELF_BASE - 0x1000, 8,
      "with segments that overlap, share a page or are not in order" },
};

static void accepts_program(void **state)
{
    (void)state;
    struct elf_program program;
    uint8_t file[SAMPLE_ELF_BYTES];
    assert_null(elf_read(file, sample_elf(file), LOW, HIGH, &program));
    assert_int_equal(program.count, 2);
    assert_int_equal(program.entry, SAMPLE_ELF_BASE + 4);
    assert_int_equal(program.segments[1].vaddr, SAMPLE_ELF_BASE + 0x1000);
    assert_int_equal(program.segments[1].bytes, 0x5000);
    assert_int_equal(program.segments[1].file_bytes, 0x80);
    assert_int_equal(program.segments[1].rights, ELF_READ | ELF_WRITE);
}

static void refuses_each_fault(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct elf_program program;
        uint8_t file[SAMPLE_ELF_BYTES];
        sample_elf(file);
        put(file + changes[i].offset, changes[i].value, changes[i].bytes);
        const char *why = elf_read(file, sizeof(file), LOW, HIGH, &program);
        assert_non_null(why);
        assert_string_equal(why, changes[i].why);
    }
}

// As linkers write what is only zeros.
static void accepts_empty_segment_anywhere_in_file(void **state)
{
    (void)state;
    struct elf_program program;
    uint8_t file[SAMPLE_ELF_BYTES];
    sample_elf(file);
    put(file + SEGMENT_2 + 8, 0x10000, 8);
    put(file + SEGMENT_2 + 32, 0, 8);
    assert_null(elf_read(file, sizeof(file), LOW, HIGH, &program));
    assert_int_equal(program.segments[1].file_offset, 0);
    assert_int_equal(program.segments[1].file_bytes, 0);
}

static void refuses_truncated(void **state)
{
    (void)state;
    uint8_t file[SAMPLE_ELF_BYTES];
    sample_elf(file);
    for (size_t bytes = 0; bytes < 0x180; bytes++) {
        struct elf_program program;
        void *copy = exact_copy(file, bytes);
        assert_non_null(elf_read(copy, bytes, LOW, HIGH, &program));
        free(copy);
    }
}

static void refuses_too_many_or_no_segments(void **state)
{
    (void)state;
    struct elf_program program;
    uint8_t file[2048] = { 0 };
    sample_elf(file);
    put(file + 32, 0x200, 8);
    put(file + 56, ELF_MAX_SEGMENTS + 1, 2);
    for (unsigned i = 0; i <= ELF_MAX_SEGMENTS; i++) {
        memcpy(file + 0x200 + 56ul * i, file + SEGMENT_1, 56);
        put(file + 0x200 + 56ul * i + 16, SAMPLE_ELF_BASE + 0x1000 * i, 8);
    }
    assert_string_equal(elf_read(file, sizeof(file), LOW, HIGH, &program),
                        "with too many segments");
    sample_elf(file);
    put(file + SEGMENT_1, 4, 4);
    put(file + SEGMENT_2 + 32, 0, 8);
    put(file + SEGMENT_2 + 40, 0, 8);
    assert_string_equal(elf_read(file, SAMPLE_ELF_BYTES, LOW, HIGH, &program),
                        "without anything to load");
}

int run_elf_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_program),
        cmocka_unit_test(refuses_each_fault),
        cmocka_unit_test(accepts_empty_segment_anywhere_in_file),
        cmocka_unit_test(refuses_truncated),
        cmocka_unit_test(refuses_too_many_or_no_segments),
    };
    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
