// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tests of the memory map: how lists become one, and what is taken from it.
#include "../memory.h"

#include "boot_test.h"

#include <stdlib.h>

static struct memory_map map;

static int setup(void **state)
{
    (void)state;
    memset(&map, 0, sizeof(map));
    return 0;
}

// Adds a list as the readers of the protocols do.
struct item {
    uint64_t base, size;
    uint32_t type;
};

static void add_list(const struct item *items, unsigned count)
{
    for (enum memory_pass pass = 0; pass < MEMORY_PASSES; pass++) {
        for (unsigned i = 0; i < count; i++) {
            memory_add_e820(&map, pass, items[i].base, items[i].size, items[i].type);
        }
    }
}

static void assert_region(unsigned index, uint64_t base, uint64_t end, uint32_t kind)
{
    assert_true(index < map.count);
    assert_int_equal(map.regions[index].base, base);
    assert_int_equal(map.regions[index].end, end);
    assert_int_equal(map.regions[index].kind, kind);
}

static void sorts_and_joins(void **state)
{
    (void)state;
    const struct item items[] = {
        { 0x300000, 0x100000, E820_RAM },
        { 0x100000, 0x100000, E820_RAM },
        { 0x200000, 0x100000, E820_RAM },
        { 0x900000, 0x1000, E820_RESERVED },
    };
    add_list(items, 4);
    assert_int_equal(map.count, 2);
    assert_region(0, 0x100000, 0x400000, BOOT_MEMORY_FREE);
    assert_region(1, 0x900000, 0x901000, BOOT_MEMORY_FIRMWARE);
}

static void reserved_wins_and_pages_are_whole(void **state)
{
    (void)state;
    const struct item items[] = {
        { 0x200800, 0x10, E820_RESERVED },
        { 0x100001, 0x1ffffe, E820_RAM },
        { 0x500000, 0, E820_RAM },
        { 0x600800, 0x900, E820_RAM },
    };
    add_list(items, 4);
    assert_int_equal(map.count, 3);
    assert_region(0, 0x101000, 0x200000, BOOT_MEMORY_FREE);
    assert_region(1, 0x200000, 0x201000, BOOT_MEMORY_FIRMWARE);
    assert_region(2, 0x201000, 0x2ff000, BOOT_MEMORY_FREE);
}

static void survives_wild_entries(void **state)
{
    (void)state;
    const struct item items[] = {
        { ~0ull - 10, ~0ull, E820_RAM },    { ~0ull, 1, E820_RESERVED },
        { 0x100000, ~0ull, E820_RAM },      { 0x200000, ~0ull, 77 },
        { MEMORY_LIMIT, 0x1000, E820_RAM },
    };
    add_list(items, 5);
    assert_int_equal(map.count, 2);
    assert_region(0, 0x100000, 0x200000, BOOT_MEMORY_FREE);
    assert_region(1, 0x200000, MEMORY_LIMIT, BOOT_MEMORY_FIRMWARE);
}

static void knows_efi_types(void **state)
{
    (void)state;
    for (enum memory_pass pass = 0; pass < MEMORY_PASSES; pass++) {
        for (uint32_t type = 0; type < 16; type++) {
            memory_add_efi(&map, pass, 0x100000ull * (type + 1), 0x10, type);
        }
        memory_add_efi(&map, pass, 0x8000000, ~0ull, 11);
    }
    assert_int_equal(map.count, 17);
    assert_region(0, 0x100000, 0x110000, BOOT_MEMORY_FIRMWARE);
    for (unsigned type = 1; type <= 4; type++) {
        assert_region(type, 0x100000ull * (type + 1), 0x100000ull * (type + 1) + 0x10000,
                      BOOT_MEMORY_FREE);
    }
    assert_region(7, 0x800000, 0x810000, BOOT_MEMORY_FREE);
    assert_region(9, 0xa00000, 0xa10000, BOOT_MEMORY_FIRMWARE);
    assert_region(11, 0xc00000, 0xc10000, BOOT_MEMORY_DEVICE);
    assert_region(16, 0x8000000, MEMORY_LIMIT, BOOT_MEMORY_DEVICE);
}

static void takes_from_largest(void **state)
{
    (void)state;
    const struct item items[] = {
        { 0, 0xa0000, E820_RAM },
        { 0x100000, 0x100000, E820_RAM },
        { 0x300000, 0x300000, E820_RAM },
        { 0x100000000, 0x100000000, E820_RAM },
    };
    add_list(items, 4);
    memory_choose_arena(&map);
    assert_int_equal(memory_take(&map, 1, 0x1000, BOOT_MEMORY_ROOT), 0x300000);
    assert_int_equal(memory_take(&map, 0x1001, 0x200000, BOOT_MEMORY_KERNEL), 0x400000);
    assert_int_equal(memory_take(&map, 0x1fe000, 0x1000, BOOT_MEMORY_KERNEL), 0x402000);
    assert_int_equal(memory_take(&map, 1, 0x1000, BOOT_MEMORY_KERNEL), 0);
    assert_int_equal(memory_take(&map, ~0ull, 0x1000, BOOT_MEMORY_KERNEL), 0);
    assert_true(memory_is(&map, 0x300000, 0x301000, BOOT_MEMORY_ROOT));
    assert_true(memory_is(&map, 0x301000, 0x400000, BOOT_MEMORY_FREE));
    assert_true(memory_is(&map, 0x400000, 0x600000, BOOT_MEMORY_KERNEL));
    assert_int_equal(memory_ram_end(&map), 0x200000000);
}

static void takes_nothing_from_nothing(void **state)
{
    (void)state;
    memory_choose_arena(&map);
    assert_int_equal(memory_take(&map, 1, 0x1000, BOOT_MEMORY_ROOT), 0);
    assert_int_equal(memory_ram_end(&map), 0);
}

static void converts_across_regions(void **state)
{
    (void)state;
    memory_overlay(&map, 0x100000, 0x400000, BOOT_MEMORY_FREE, true);
    memory_overlay(&map, 0x200000, 0x300000, BOOT_MEMORY_ROOT, true);
    memory_convert(&map, 0x180000, 0x380000, BOOT_MEMORY_FREE, MEMORY_IMAGE);
    assert_int_equal(map.count, 5);
    assert_region(1, 0x180000, 0x200000, MEMORY_IMAGE);
    assert_region(3, 0x300000, 0x380000, MEMORY_IMAGE);
    assert_false(memory_is(&map, 0x180000, 0x280000, MEMORY_IMAGE));
    struct memory_region stretch;
    assert_true(memory_next_stretch(&map, 0, &stretch));
    assert_int_equal(stretch.base, 0x100000);
    assert_int_equal(stretch.end, 0x400000);
    assert_false(memory_next_stretch(&map, stretch.end, &stretch));
    memory_convert(&map, 0, MEMORY_LIMIT, MEMORY_IMAGE, BOOT_MEMORY_FREE);
    assert_int_equal(map.count, 3);
}

static void reports_overflow(void **state)
{
    (void)state;
    struct boot_info info = { 0 };
    for (uint64_t i = 0; i < BOOT_MAX_MEMORY; i++) {
        memory_overlay(&map, 0x2000 * i, 0x2000 * i + 0x1000, BOOT_MEMORY_FREE, true);
    }
    assert_true(memory_report(&map, &info));
    assert_int_equal(info.memory_count, BOOT_MAX_MEMORY);
    for (uint64_t i = BOOT_MAX_MEMORY; i <= MEMORY_MAX_REGIONS; i++) {
        memory_overlay(&map, 0x2000 * i, 0x2000 * i + 0x1000, BOOT_MEMORY_FREE, true);
    }
    assert_true(map.overflow);
    assert_false(memory_report(&map, &info));
}

// Whatever is laid over whatever: the map agrees with an array of pages.
#define MODEL_PAGES 64
static void model_lay(uint32_t *model, uint64_t *seed)
{
    uint64_t base = random_next(seed) % MODEL_PAGES;
    uint64_t end = base + random_next(seed) % (MODEL_PAGES - base + 1);
    uint32_t kind = 1 + (uint32_t)(random_next(seed) % 3);
    uint32_t from = 1 + (uint32_t)(random_next(seed) % 3);
    bool convert = random_next(seed) % 2;
    for (uint64_t i = base; i < end; i++) {
        if (!convert || model[i] == from) {
            model[i] = kind;
        }
    }
    if (convert) {
        memory_convert(&map, base * 4096, end * 4096, from, kind);
    } else {
        memory_overlay(&map, base * 4096, end * 4096, kind, true);
    }
}

static void agrees_with_model(void **state)
{
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15;
    for (unsigned round = 0; round < 500; round++) {
        uint32_t model[MODEL_PAGES] = { 0 };
        setup(NULL);
        for (unsigned step = 0; step < 40; step++) {
            model_lay(model, &seed);
        }
        for (uint64_t i = 0; i < MODEL_PAGES; i++) {
            for (uint32_t kind = 1; kind <= 3; kind++) {
                assert_int_equal(memory_is(&map, i * 4096, (i + 1) * 4096, kind), model[i] == kind);
            }
        }
        for (uint32_t i = 1; i < map.count; i++) {
            assert_true(map.regions[i - 1].end <= map.regions[i].base);
            assert_true(map.regions[i - 1].end < map.regions[i].base ||
                        map.regions[i - 1].kind != map.regions[i].kind);
        }
    }
}

int run_memory_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sorts_and_joins, setup),
        cmocka_unit_test_setup(reserved_wins_and_pages_are_whole, setup),
        cmocka_unit_test_setup(survives_wild_entries, setup),
        cmocka_unit_test_setup(knows_efi_types, setup),
        cmocka_unit_test_setup(takes_from_largest, setup),
        cmocka_unit_test_setup(takes_nothing_from_nothing, setup),
        cmocka_unit_test_setup(converts_across_regions, setup),
        cmocka_unit_test_setup(reports_overflow, setup),
        cmocka_unit_test_setup(agrees_with_model, setup),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
