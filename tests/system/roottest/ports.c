// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Ports and power: IoControl, IoPorts, PowerControl.
#include "fixture.h"
#include "groups.h"

#define SPARE_PORT    0x80u  // of the power-on self test
#define CMOS_INDEX    0x70u  // real-time clock (Motorola MC146818): index, then data
#define CMOS_DATA     0x71u
#define CMOS_SPARE    0x50u  // a byte of its RAM
#define OLD_PIC_PORTS 0x20u  // the old interrupt controller is the kernel's own

static void control_refuses(void)
{
    unsigned op = OP_IO_CONTROL_PORTS;
    cap_t self = ROOT_SLOT_IO_CONTROL;
    refuse(op, self, WORDS(0x10000, 1, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse(op, self, WORDS(UINT64_MAX, 1, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse(op, self, WORDS(OLD_PIC_PORTS, 1, CSPACE, empty_slot()), ERR_RANGE, 1);
    refuse(op, self, WORDS(0x80, 0, CSPACE, empty_slot()), ERR_RANGE, 2);
    refuse(op, self, WORDS(0x80, 0x10000, CSPACE, empty_slot()), ERR_RANGE, 2);
    refuse_cap(op, self, WORDS(0x80, 1, CSPACE, empty_slot()), 3);
    refuse(op, self, WORDS(0x80, 1, CSPACE, 0), ERR_RANGE, 4);
    refuse(op, self, WORDS(0x80, 1, CSPACE, SLOT_OUTSIDE), ERR_RANGE, 4);
    refuse(op, self, WORDS(0x80, 1, CSPACE, ROOT_SLOT_THREAD), ERR_OCCUPIED, 4);
}

static void ports_refuse(void)
{
    cap_t ports = rt_slot_alloc();
    EXPECT_OK(io_control_ports(ROOT_SLOT_IO_CONTROL, SPARE_PORT, 1, CSPACE, ports));
    refuse(OP_IO_PORTS_IN, ports, WORDS(SPARE_PORT - 1, 1), ERR_RANGE, 1);
    refuse(OP_IO_PORTS_IN, ports, WORDS(SPARE_PORT + 0x10000ull, 1), ERR_RANGE, 1);
    refuse(OP_IO_PORTS_IN, ports, WORDS(SPARE_PORT, 3), ERR_RANGE, 2);
    refuse(OP_IO_PORTS_IN, ports, WORDS(SPARE_PORT, 0), ERR_RANGE, 2);
    refuse(OP_IO_PORTS_OUT, ports, WORDS(SPARE_PORT + 1, 1, 0), ERR_RANGE, 1);
    refuse(OP_IO_PORTS_OUT, ports, WORDS(SPARE_PORT, 8, 0), ERR_RANGE, 2);
    refuse(OP_IO_PORTS_OUT, ports, WORDS(SPARE_PORT, 1, 0x100), ERR_RANGE, 3);
    // An access that begins inside and ends outside.
    EXPECT(!rt_ok(invoke(OP_IO_PORTS_IN, ports, WORDS(SPARE_PORT, 2))));
    rt_cap_delete(ports);
}

// What is written through a part of a range is read through the whole.
static void ports_work(void)
{
    cap_t ports = rt_slot_alloc();
    EXPECT_OK(io_control_ports(ROOT_SLOT_IO_CONTROL, CMOS_INDEX, 2, CSPACE, ports));
    cap_t data = mint(ports, RIGHT_ALL, CMOS_DATA | 1ull << 16);
    refuse(OP_IO_PORTS_OUT, data, WORDS(CMOS_INDEX, 1, CMOS_SPARE), ERR_RANGE, 1);
    for (unsigned value = 0x5a; value < 0x5c; value++) {
        EXPECT_OK(io_ports_out(ports, CMOS_INDEX, 1, CMOS_SPARE));
        EXPECT_OK(io_ports_out(data, CMOS_DATA, 1, value));
        struct io_ports_in_result read = io_ports_in(ports, CMOS_DATA, 1);
        EXPECT_OK(read.status);
        EXPECT_EQUAL(read.value, value);
    }
    rt_cap_delete(data);
    rt_cap_delete(ports);
}

static void power_refuses(void)
{
    refuse(OP_POWER_CONTROL_OFF, ROOT_SLOT_POWER_CONTROL, WORDS(64), ERR_RANGE, 1);
    refuse(OP_POWER_CONTROL_OFF, ROOT_SLOT_POWER_CONTROL, WORDS(UINT64_MAX), ERR_RANGE, 1);
}

GROUP(ports, TEST(control_refuses), TEST(ports_refuse), TEST(ports_work), TEST(power_refuses));
