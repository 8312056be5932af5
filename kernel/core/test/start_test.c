// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The core's boot from all sorts of descriptions: what the root task is given, and what is refused.
#include "machine.h"

#define MIB (1ull << 20)

static uint64_t ram(void)
{
    return machine.info.memory[0].base;
}

static void memory(unsigned index, uint64_t base, uint64_t size, enum boot_memory_kind kind)
{
    machine.info.memory[index] = (struct boot_memory){ .base = base, .size = size, .kind = kind };
}

static const struct root_info *info_of(void)
{
    return (const struct root_info *)current()->cspace[ROOT_SLOT_INFO].address;
}

static int setup(void **state)
{
    (void)state;
    hal_cpu_count = 1;
    machine_describe();
    return 0;
}

static void test_what_the_root_task_is_given(void **state)
{
    (void)state;
    memcpy(machine.info.cmdline, "words", 6);
    machine.info.features = BOOT_FEATURE_IOMMU;
    machine.info.acpi_rsdp = 0x1234;
    machine_boot();
    const struct root_info *root = info_of();
    assert_int_equal(root->magic, ROOT_INFO_MAGIC);
    assert_string_equal(root->cmdline, "words");
    assert_int_equal(root->acpi_rsdp, 0x1234);
    assert_int_equal(root->cpu_count, 1);
    assert_int_equal(root->segment_count, 1);
    assert_int_equal(root->module_count, 1);
    const struct cap *module = current()->cspace + root->module_slot;
    assert_int_equal(module->address, machine.info.modules[0].base + KERNEL_DIRECT_BASE);
    assert_int_equal(module->aux, 1);
    assert_int_equal(current()->context.ip, machine.info.root_entry);
    check_invariants();
}

// Every byte of free RAM is in one Untyped, or in the one of the first objects.
static void test_all_free_memory_is_handed_out(void **state)
{
    (void)state;
    machine_boot();
    const struct root_info *root = info_of();
    uint64_t sum = 1ull << current()->cspace[ROOT_SLOT_UNTYPED].bits;
    for (unsigned i = 0; i < root->untyped_count; i++) {
        const struct cap *cap = current()->cspace + root->untyped_slot + i;
        assert_int_equal(cap->kind, KIND_UNTYPED);
        assert_int_equal(cap->flags & CAP_DEVICE, root->untyped[i].device ? CAP_DEVICE : 0);
        sum += root->untyped[i].device ? 0 : 1ull << root->untyped[i].bits;
    }
    assert_int_equal(sum, machine.info.memory[1].size);
}

// Devices and what firmware keeps are device memory; the kernel's own is handed out to nobody.
static void test_memory_of_all_kinds(void **state)
{
    (void)state;
    uint64_t base = ram();
    machine.info.memory_count = 6;
    memory(1, base + 2 * PAGE_SIZE, 6 * MIB - 2 * PAGE_SIZE, BOOT_MEMORY_FREE);
    memory(2, base + 6 * MIB, MIB, BOOT_MEMORY_KERNEL);
    memory(3, base + 7 * MIB, MIB / 2, BOOT_MEMORY_FIRMWARE);
    memory(4, base + 7 * MIB + MIB / 2, MIB / 4, BOOT_MEMORY_DEVICE);
    memory(5, base + 7 * MIB + 3 * MIB / 4, MIB / 4, BOOT_MEMORY_FREE);  // too small to begin in
    machine_boot();
    const struct root_info *root = info_of();
    uint64_t device = 0, firmware = 0;
    for (unsigned i = 0; i < root->untyped_count; i++) {
        uint64_t begin = root->untyped[i].base, end = begin + (1ull << root->untyped[i].bits);
        assert_true(end <= base + 6 * MIB || begin >= base + 7 * MIB);
        bool inside = begin >= base && end <= base + 8 * MIB && root->untyped[i].device;
        firmware += inside && begin < base + 7 * MIB + MIB / 2 ? end - begin : 0;
        device += inside && begin >= base + 7 * MIB + MIB / 2 ? end - begin : 0;
    }
    assert_int_equal(firmware, MIB / 2);
    assert_int_equal(device, MIB / 4);
    check_invariants();
}

// The first objects come from the last region that has room, whatever lies around it.
static void test_room_for_the_first_objects(void **state)
{
    (void)state;
    uint64_t base = ram();
    machine.info.memory_count = 4;
    memory(1, base + MIB, MIB, BOOT_MEMORY_FREE);
    memory(2, base + 2 * MIB + PAGE_SIZE, MIB, BOOT_MEMORY_FREE);  // large enough, but not aligned
    memory(3, base + 4 * MIB, MIB / 2, BOOT_MEMORY_FREE);
    machine_boot();
    assert_int_equal(current()->cspace[ROOT_SLOT_UNTYPED].address, base + MIB + KERNEL_DIRECT_BASE);
}

static void test_no_room_for_the_first_objects(void **state)
{
    (void)state;
    uint64_t base = ram();
    machine.info.memory_count = 2;
    memory(1, base + 2 * MIB, MIB - PAGE_SIZE, BOOT_MEMORY_FREE);
    EXPECT_PANIC("not enough memory", machine_boot());
    machine_forget();
}

static void test_a_map_in_more_pieces_than_fit(void **state)
{
    (void)state;
    uint64_t base = ram();
    machine.info.memory_count = BOOT_MAX_MEMORY;
    memory(1, base + 4 * MIB, 4 * MIB, BOOT_MEMORY_FREE);
    for (unsigned i = 2; i < BOOT_MAX_MEMORY; i++) {
        memory(i, base + 8 * MIB + 8ull * i * PAGE_SIZE, PAGE_SIZE, BOOT_MEMORY_KERNEL);
    }
    machine_boot();
    assert_int_equal(info_of()->untyped_count, ROOT_MAX_UNTYPED);
    check_invariants();
}

static void test_another_version(void **state)
{
    (void)state;
    machine.info.magic++;
    EXPECT_PANIC("another version", machine_boot());
    machine.info.magic--;
    machine.info.major++;
    EXPECT_PANIC("another version", machine_boot());
    machine_forget();
}

static void test_segments_that_overlap(void **state)
{
    (void)state;
    machine.info.root_segment_count = 2;
    machine.info.root_segments[1] = machine.info.root_segments[0];
    machine.info.root_segments[1].base = ram() + PAGE_SIZE;
    EXPECT_PANIC("overlapping", machine_boot());
    machine_forget();
}

// Attaching and mapping a large segment is preempted; boot goes on with it.
static void test_a_large_segment(void **state)
{
    (void)state;
    uint64_t base = ram();
    memory(0, base, MIB, BOOT_MEMORY_ROOT);
    memory(1, base + MIB, 7 * MIB, BOOT_MEMORY_FREE);
    machine.info.root_segments[0].size = MIB;
    machine.windows = 1;
    machine_boot();
    assert_int_equal(machine.windows, 0);
    assert_int_equal(current()->cspace[info_of()->segment_slot].aux, MIB / PAGE_SIZE);
}

#define BOOT_TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOOT_TEST(test_what_the_root_task_is_given),
        BOOT_TEST(test_all_free_memory_is_handed_out),
        BOOT_TEST(test_memory_of_all_kinds),
        BOOT_TEST(test_room_for_the_first_objects),
        BOOT_TEST(test_no_room_for_the_first_objects),
        BOOT_TEST(test_a_map_in_more_pieces_than_fit),
        BOOT_TEST(test_another_version),
        BOOT_TEST(test_segments_that_overlap),
        BOOT_TEST(test_a_large_segment),
    };
    return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
