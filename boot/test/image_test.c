// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the boot image's checks.
#include "../image.h"

#include "../crc.h"
#include "boot_test.h"

static uint8_t image[SAMPLE_IMAGE_BYTES] __attribute__((aligned(8)));
static struct image_header *header = (struct image_header *)image;
static struct image_entry *entries = (struct image_entry *)(image + sizeof(struct image_header));

static int setup(void **state)
{
    (void)state;
    sample_image(image);
    return 0;
}

// Checks the image after a change, with the table's check sum corrected.
static void refuses(const char *name, const char *why)
{
    const char *file;
    if (header->count <= 3) {
        header->table_crc32 = crc32c(entries, header->count * sizeof(*entries));
    }
    assert_string_equal(image_check(image, sizeof(image), &file), why);
    if (name) {
        assert_string_equal(file, name);
    } else {
        assert_null(file);
    }
    sample_image(image);
}

static void computes_crc(void **state)
{
    (void)state;
    uint8_t bytes[100];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c("", 0), 0);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        uint32_t crc = ~0u;
        for (size_t i = 0; i < n; i++) {
            crc ^= bytes[i];
            for (int bit = 0; bit < 8; bit++) {
                crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
            }
        }
        assert_int_equal(crc32c(bytes, n), ~crc);
    }
}

static void accepts_image(void **state)
{
    (void)state;
    const char *file;
    assert_null(image_check(image, sizeof(image), &file));
    for (int i = 0; i < 3; i++) {
        assert_null(image_check_file(image, &entries[i]));
    }
    assert_ptr_equal(image_find(image, "root"), &entries[1]);
    assert_null(image_find(image, "roo"));
    assert_null(image_find(image, "roots"));
    assert_null(image_check(image, sizeof(image), &file));
}

static void refuses_bad_header(void **state)
{
    (void)state;
    const char *file;
    assert_string_equal(image_check(image, 31, &file), "too short for a boot image");
    assert_string_equal(image_check(image, sizeof(image) - 1, &file), "truncated");
    assert_string_equal(image_check(image + 1, 100, &file), "not aligned in memory");
    header->magic++;
    refuses(NULL, "not a boot image (its magic number is missing)");
    header->major++;
    refuses(NULL, "made for another version of the loader");
    header->count = IMAGE_MAX_FILES + 1;
    refuses(NULL, "too many files");
    header->size = sizeof(*header);
    refuses(NULL, "its table of files is longer than the whole");
    header->table_crc32 ^= 1;
    assert_string_equal(image_check(image, sizeof(image), &file),
                        "the check sum of its table of files is wrong");
}

static void refuses_bad_names(void **state)
{
    (void)state;
    memset(entries[1].name, 'x', sizeof(entries[1].name));
    refuses(NULL, "a file's name is empty or not terminated");
    entries[0].name[0] = 0;
    refuses(NULL, "a file's name is empty or not terminated");
    strcpy(entries[2].name, "kernel");
    refuses("kernel", "is there twice");
}

static void refuses_bad_places(void **state)
{
    (void)state;
    entries[2].offset += 8;
    refuses("extra", "does not start at a page");
    entries[2].offset = 0;
    refuses("extra", "overlaps the image's header");
    entries[2].offset = ~0xfffull;
    refuses("extra", "reaches over the end of the image");
    entries[2].size = ~0ull;
    refuses("extra", "reaches over the end of the image");
    entries[2].size = 0x1001;
    refuses("extra", "reaches over the end of the image");
    entries[1].size = 0x1001;
    refuses("extra", "overlaps another file");
    entries[2].offset = entries[0].offset;
    refuses("extra", "overlaps another file");
}

static void refuses_bad_file(void **state)
{
    (void)state;
    image[entries[1].offset + 5] ^= 1;
    assert_string_equal(image_check_file(image, &entries[1]), "its check sum is wrong");
}

int run_image_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(computes_crc, setup),
        cmocka_unit_test_setup(accepts_image, setup),
        cmocka_unit_test_setup(refuses_bad_header, setup),
        cmocka_unit_test_setup(refuses_bad_names, setup),
        cmocka_unit_test_setup(refuses_bad_places, setup),
        cmocka_unit_test_setup(refuses_bad_file, setup),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
