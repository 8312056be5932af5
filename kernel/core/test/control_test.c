// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// I/O ports, power and reset on the whole core.
#include "machine.h"

enum operation {
    IO_PORTS_IN,
    IO_PORTS_OUT,
};

static uint64_t ports_make(uint64_t first, uint64_t count, uint64_t slot)
{
    return INVOKE(ROOT_SLOT_IO_CONTROL, KIND_IO_CONTROL, 0, first, count, ROOT_SLOT_CSPACE, slot);
}

static void test_ranges_of_ports(void **state)
{
    (void)state;
    uint64_t slot = slots_new(1);
    REFUSED(ports_make(0x10000, 1, slot), err_blame(ERR_RANGE, 1));
    REFUSED(ports_make(0x100, 0, slot), err_blame(ERR_RANGE, 2));
    REFUSED(ports_make(0xfff0, 0x11, slot), err_blame(ERR_RANGE, 2));
    REFUSED(ports_make(0, 0x10000, slot), err_blame(ERR_RANGE, 2));
    REFUSED(ports_make(0x18, 0x10, slot), err_blame(ERR_RANGE, 1));  // the kernel's own are in it
    REFUSED(ports_make(0x100, 8, ROOT_SLOT_CSPACE), err_blame(ERR_OCCUPIED, 4));
    assert_true(cap_empty(slot_cap(slot)));
    OK(ports_make(0x100, 8, slot));
    assert_int_equal(slot_cap(slot)->kind, KIND_IO_PORTS);
    assert_int_equal(slot_cap(slot)->aux, 0x100 | 8 << 16);
}

static void test_access_inside_the_range(void **state)
{
    (void)state;
    uint64_t ports = slots_new(1);
    OK(ports_make(0x100, 8, ports));
    machine.port = 0x55;
    for (unsigned width = 1; width <= 4; width *= 2) {
        OK(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_IN, 0x104, width));
        assert_int_equal(current()->context.words[0], 0x55 ^ 0x104 << 16 ^ width);
    }
    OK(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_OUT, 0x107, 1, 0xff));
    assert_int_equal(machine.ports_out, 1ull << 48 | 0x107ull << 32 | 0xff);
    REFUSED(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_IN, 0x104, 3), err_blame(ERR_RANGE, 2));
    REFUSED(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_IN, 0xff, 1), err_blame(ERR_RANGE, 1));
    REFUSED(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_IN, 0x10004, 1), err_blame(ERR_RANGE, 1));
    REFUSED(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_OUT, 0x107, 2, 0), err_blame(ERR_RANGE, 1));
    REFUSED(INVOKE(ports, KIND_IO_PORTS, IO_PORTS_OUT, 0x107, 1, 0x100), err_blame(ERR_RANGE, 3));
    assert_int_equal(machine.ports_out, 1ull << 48 | 0x107ull << 32 | 0xff);
}

static void test_power_off_reports_a_status(void **state)
{
    (void)state;
    REFUSED(INVOKE(ROOT_SLOT_POWER_CONTROL, KIND_POWER_CONTROL, 0, 64), err_blame(ERR_RANGE, 1));
    EXPECT_PANIC("power off", INVOKE(ROOT_SLOT_POWER_CONTROL, KIND_POWER_CONTROL, 0, 63));
    assert_int_equal(machine.power_status, 63);
}

static void test_reset(void **state)
{
    (void)state;
    EXPECT_PANIC("reset", INVOKE0(ROOT_SLOT_POWER_CONTROL, KIND_POWER_CONTROL, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ranges_of_ports),
        TEST(test_access_inside_the_range),
        TEST(test_power_off_reports_a_status),
        TEST(test_reset),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
