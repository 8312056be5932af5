// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reading components' files: TEST_PROGRAM, which is one of this build, each refusal, and random
// damage to a real one; and where their parts go.
#include "../image.h"

#include <setjmp.h>
#include <string.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAMAGES 200000u
#define PLACES  100000u
#define PAGES   4u  // of the small file
#define GIB     (1ull << 30)

static unsigned char *real;
static size_t real_bytes;

static void real_read(void)
{
    FILE *file = fopen(TEST_PROGRAM, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    real_bytes = (size_t)ftell(file);
    rewind(file);
    real = malloc(real_bytes);
    assert_int_equal(fread(real, 1, real_bytes, file), real_bytes);
    fclose(file);
}

static int setup(void **state)
{
    (void)state;
    real_read();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(real);
    return 0;
}

// ---- what a file that was read may say ---------------------------------------------------------
static unsigned char touched;

// Reads each byte that the supervisor would copy or map, with the sanitizer at the file's end.
static void touch(const struct image *image, uint64_t from, uint64_t bytes)
{
    assert_true(from <= image->bytes && bytes <= image->bytes - from);
    for (uint64_t i = 0; i < bytes; i += 512) {
        touched ^= image->file[from + i];
    }
    if (bytes) {
        touched ^= image->file[from + bytes - 1];
    }
}

static void check_parts(const struct image *image)
{
    uint64_t end = 0;
    assert_true(image->part_count <= IMAGE_PARTS);
    for (unsigned i = 0; i < image->part_count; i++) {
        const struct image_part *part = &image->parts[i];
        uint64_t last = part->vaddr + (part->pages << PAGE_BITS);
        assert_int_equal(part->vaddr % PAGE_SIZE, 0);
        assert_true(part->vaddr >= end);
        assert_true(last <= image->pages << PAGE_BITS);
        assert_true(part->prot == PROT_READ || part->prot == (PROT_READ | PROT_EXECUTE));
        // The last page may end beyond the file: its frame does not.
        uint64_t from = part->file_page << PAGE_BITS;
        uint64_t whole = (image->bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        assert_true(from + (part->pages << PAGE_BITS) <= whole);
        bool apart = image->data_vaddr >= last ||
                     image->data_vaddr + (image->data_pages << PAGE_BITS) <= part->vaddr;
        assert_true(!image->data_pages || apart);
        end = last;
    }
}

static void check_image(const struct image *image)
{
    check_parts(image);
    touch(image, image->data_offset, image->data_bytes);
    assert_true(image->data_start >= image->data_vaddr);
    assert_true(image->data_start - image->data_vaddr + image->data_bytes <= image->data_pages
                                                                                 << PAGE_BITS);
    assert_true(image->data_vaddr + (image->data_pages << PAGE_BITS) <= image->pages << PAGE_BITS);
    assert_true(image->entry < image->pages << PAGE_BITS);
}

static void test_a_real_program(void **state)
{
    (void)state;
    struct image image;
    assert_true(image_read(&image, real, real_bytes));
    check_image(&image);
    assert_true(image.part_count >= 2);
    assert_true(image.data_pages > 0);
    unsigned executable = 0;
    for (unsigned i = 0; i < image.part_count; i++) {
        executable += image.parts[i].prot == (PROT_READ | PROT_EXECUTE);
    }
    assert_int_equal(executable, 1);
}

// ---- refusals ----------------------------------------------------------------------------------
// Text in page 0 and 1, data in page 2.
struct small {
    struct elf_header header;
    struct elf_program segments[5];
};

static struct small small_new(void)
{
    return (struct small){
        .header = { .magic = ELF_MAGIC, .class = ELF_CLASS_64, .data = ELF_DATA_LITTLE,
                    .type = ELF_TYPE_DYN, .machine = ELF_MACHINE_X86, .entry = 0x1000,
                    .program_offset = sizeof(struct elf_header),
                    .program_size = sizeof(struct elf_program), .program_count = 2 },
        .segments = {
            { .type = ELF_PROGRAM_LOAD, .flags = ELF_SEGMENT_READ | ELF_SEGMENT_EXECUTE,
              .file_size = 0x1800, .memory_size = 0x1800 },
            { .type = ELF_PROGRAM_LOAD, .flags = ELF_SEGMENT_READ | ELF_SEGMENT_WRITE,
              .offset = 0x2100, .vaddr = 0x2100, .file_size = 0x80, .memory_size = 0x1000 },
        },
    };
}

static bool reads(const struct small *small, uint64_t bytes)
{
    unsigned char *file = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    unsigned char *exact = malloc(bytes ? bytes : 1);
    struct image image;
    memset(file, 0, PAGES * PAGE_SIZE);
    memcpy(file, small, sizeof(*small));
    memcpy(exact, file, bytes);
    bool good = image_read(&image, exact, bytes);
    if (good) {
        check_image(&image);
    }
    free(exact);
    free(file);
    return good;
}

static void test_a_small_program(void **state)
{
    (void)state;
    struct small small = small_new();
    assert_true(reads(&small, 0x2180));
    assert_false(reads(&small, 0x217f));  // the file ends within its data
}

#define REFUSED(change)                          \
 do {                                            \
  struct small small = small_new();              \
  struct elf_header *header = &small.header;     \
  struct elf_program *text = small.segments;     \
  struct elf_program *data = text + 1;           \
  (void)header, (void)text, (void)data;          \
  change;                                        \
  assert_false(reads(&small, PAGES *PAGE_SIZE)); \
 } while (0)

static void test_headers_that_are_refused(void **state)
{
    (void)state;
    REFUSED(header->magic++);
    REFUSED(header->class = 1);
    REFUSED(header->data = 2);
    REFUSED(header->type = ELF_TYPE_EXEC);
    REFUSED(header->machine = 3);
    REFUSED(header->program_size++);
    REFUSED(header->program_offset += 4);
    REFUSED(header->program_offset = PAGES * PAGE_SIZE + 8);
    REFUSED(header->program_offset = ~7ull);
    REFUSED(header->program_offset = PAGES * PAGE_SIZE);
    REFUSED(header->program_count = 0xffff);
    REFUSED(header->program_count = 0);  // nothing to enter
    REFUSED(header->entry = 0x4000);
    REFUSED(header->entry = ~0ull);
    struct small small = small_new();
    for (uint64_t bytes = 0; bytes < sizeof(small.header); bytes++) {
        assert_false(reads(&small, bytes));
    }
}

static void test_segments_that_are_refused(void **state)
{
    (void)state;
    REFUSED(text->offset = PAGES * PAGE_SIZE + PAGE_SIZE);
    REFUSED(text->offset = ~0xfffull);
    REFUSED(text->file_size = text->memory_size = PAGES * PAGE_SIZE + 1);
    REFUSED(data->file_size = 0x1001);  // more than it is in memory
    REFUSED(data->memory_size = ~0ull);
    REFUSED(data->memory_size = 0x10000001);
    REFUSED(data->vaddr = 0x10001100);
    REFUSED(data->vaddr = ~0ull << 12 | 0x100);
    REFUSED(data->vaddr += 8);     // not at its place in a page
    REFUSED(text->memory_size++);  // zeros behind what cannot be written
    REFUSED(data->flags |= ELF_SEGMENT_EXECUTE);
    REFUSED(data->vaddr = 0x1100);  // in a page of the text
    REFUSED(text->vaddr = 0x3000);  // not ascending
    REFUSED((header->program_count = 3, small.segments[2] = *data));
    REFUSED((header->program_count = 3, small.segments[2] = *data,
             small.segments[2].vaddr = 0x5100));  // data twice
}

static void test_more_parts_than_there_may_be(void **state)
{
    (void)state;
    struct small small = small_new();
    small.header.program_count = 5;
    for (unsigned i = 0; i < 5; i++) {
        small.segments[i] = (struct elf_program){ .type = ELF_PROGRAM_LOAD,
                                                  .flags = ELF_SEGMENT_READ,
                                                  .vaddr = i * PAGE_SIZE,
                                                  .file_size = 1,
                                                  .memory_size = 1 };
    }
    assert_false(reads(&small, PAGES * PAGE_SIZE));
    small.segments[3].type = small.segments[4].type = ELF_PROGRAM_TLS;  // which is not loaded
    assert_true(reads(&small, PAGES * PAGE_SIZE));
    small.segments[4].type = ELF_PROGRAM_LOAD;
    small.segments[4].memory_size = small.segments[4].file_size = 0;  // nor is one without bytes
    assert_true(reads(&small, PAGES * PAGE_SIZE));
}

static void test_a_header_that_is_cut_off(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 1024; bytes++) {
        unsigned char *cut = malloc(bytes ? bytes : 1);
        struct image image;
        memcpy(cut, real, bytes);
        assert_false(image_read(&image, cut, bytes));
        free(cut);
    }
}

// Headers of a real file, damaged: what is still read lies within the file.
static void test_random_damage(void **state)
{
    (void)state;
    const size_t headers = sizeof(struct elf_header) + 8 * sizeof(struct elf_program);
    unsigned char before[sizeof(struct elf_header) + 8 * sizeof(struct elf_program)];
    unsigned good = 0;
    memcpy(before, real, headers);
    for (unsigned i = 0; i < DAMAGES; i++) {
        struct image image;
        for (int changes = 1 + rand() % 3; changes > 0; changes--) {
            real[(size_t)rand() % headers] ^= (unsigned char)(rand() % 2 ? 1 << rand() % 8
                                                                         : rand());
        }
        if (image_read(&image, real, real_bytes)) {
            check_image(&image);
            good++;
        }
        memcpy(real, before, headers);
    }
    assert_true(good > DAMAGES / 100 && good < DAMAGES);
}

// ---- layout ------------------------------------------------------------------------------------
static bool bit_taken(unsigned char *pages, uint64_t at, uint64_t count)
{
    bool was = false;
    for (uint64_t i = at; i < at + count; i++) {
        was = was || pages[i];
        pages[i] = 1;
    }
    return was;
}

// Parts of the memory frame fill it without a gap; parts of the arena have an unmapped page
// between.
static void check_layout(const struct image *image, const struct system_component *is)
{
    const struct layout layout = layout_of(image, is);
    uint64_t watch = is->deadlines ? LAYOUT_WATCH_PAGES : 0;
    unsigned char *memory = calloc(layout.memory_pages, 1);
    unsigned char *arena = calloc(layout.regions_at + 1, 1);
    const uint64_t parts[][3] = {
        { LAYOUT_INFO_PAGE, layout.info_at, 1 },
        { LAYOUT_BUFFER_PAGE, layout.buffer_at, 1 },
        { layout.stack_page, layout.stack_at, is->stack_pages },
        { layout.watch_page, layout.watch_at, watch },
        { layout.heap_page, layout.heap_at, is->heap_pages },
    };
    assert_false(bit_taken(memory, layout.data_page, image->data_pages));
    // A page before each stack and heap, and one behind the image, belong to nobody.
    assert_false(bit_taken(arena, layout.image_at, image->pages + 1));
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_false(bit_taken(memory, parts[i][0], parts[i][2]));
        assert_false(bit_taken(arena, parts[i][1], parts[i][2]));
    }
    assert_false(bit_taken(arena, layout.stack_at - 1, 1));
    assert_false(bit_taken(arena, layout.watch_at - 1, 1));
    assert_false(bit_taken(arena, layout.heap_at + is->heap_pages, 1));
    assert_true(layout.regions_at > layout.heap_at + is->heap_pages);
    for (uint64_t i = 0; i < layout.memory_pages; i++) {
        assert_int_equal(memory[i], 1);
    }
    free(memory);
    free(arena);
}

static void test_parts_do_not_meet(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        struct image image = { .pages = 1 + (uint64_t)(rand() % 30) };
        image.data_pages = (uint64_t)rand() % (image.pages + 1);
        struct system_component is = { .stack_pages = 1 + (unsigned)rand() % 8,
                                       .heap_pages = (unsigned)rand() % 8,
                                       .deadlines = rand() % 2 };
        check_layout(&image, &is);
    }
}

// ---- places ------------------------------------------------------------------------------------
static uint64_t random_64(void)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | ((unsigned)rand() >> 7 & 0xff);
    }
    return value;
}

static uint64_t spread(uint64_t base, uint64_t bytes, uint64_t unit)
{
    return (base + bytes - 1) / unit - base / unit + 1;
}

static void test_places(void **state)
{
    (void)state;
    const uint64_t table = PAGE_SIZE * 512;
    uint64_t low = UINT64_MAX, high = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t pages = 1 + random_64() % (1ull << (1 + random_64() % 18));
        uint64_t bytes = pages << PAGE_BITS;
        uint64_t base = layout_place(pages, random_64());
        assert_int_equal(base % PAGE_SIZE, 0);
        assert_int_equal(spread(base, bytes, table), (bytes + table - 1) / table);
        assert_int_equal(spread(base, bytes, GIB), 1);
        assert_true(base >= 1ull << 40 && base + bytes <= 1ull << 46);
        low = base < low ? base : low;
        high = base > high ? base : high;
    }
    assert_true(high - low > 1ull << 44);
    assert_int_not_equal(layout_place(20, 1), layout_place(20, 2));
    uint64_t largest = layout_place(1ull << 26, UINT64_MAX);  // 256 GiB
    assert_true(largest + (1ull << 38) <= 1ull << 47);
}

int main(void)
{
    srand(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_real_program, setup, teardown),
        cmocka_unit_test(test_a_small_program),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_segments_that_are_refused),
        cmocka_unit_test(test_more_parts_than_there_may_be),
        cmocka_unit_test_setup_teardown(test_a_header_that_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_damage, setup, teardown),
        cmocka_unit_test(test_parts_do_not_meet),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
