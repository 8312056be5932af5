// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// I/O ports, and the ways to end: power-off, reset, stop after a panic.  Contract: hal/cpu.h.
#include "arch.h"
#include "x86.h"

#include <hal/cpu.h>

// QEMU's isa-debug-exit; nothing decodes it elsewhere.  tools/pithlib/qemu.py knows the values.
#define EXIT_PORT   0xf4
#define EXIT_PANIC  0x10
#define EXIT_STATUS 0x20

#define PM1_SLEEP      (1u << 13)  // SLP_EN (ACPI 6.4, 4.8.3.2.1)
#define PM1_TYPE_SHIFT 10
#define PM1_TYPE_MASK  7u

#define KEYBOARD_PORT     0x64
#define KEYBOARD_READY    0x02
#define KEYBOARD_RESET    0xfe
#define KEYBOARD_PATIENCE 100000

static struct {
    uint16_t pm1a, pm1b, reset;
    uint8_t reset_value;
    uint32_t sleep_types;
} power;

void power_boot(const struct boot_info *info)
{
    power.pm1a = (uint16_t)info->pm1a_cnt_port;
    power.pm1b = (uint16_t)info->pm1b_cnt_port;
    power.reset = (uint16_t)info->reset_port;
    power.reset_value = (uint8_t)info->reset_value;
    power.sleep_types = info->slp_typ_s5;
}

__attribute__((noreturn)) static void halt(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

static void pm1_sleep(uint16_t port, uint32_t type)
{
    if (port) {
        out16(port, (uint16_t)((type & PM1_TYPE_MASK) << PM1_TYPE_SHIFT | PM1_SLEEP));
    }
}

void hal_power_off(unsigned status)
{
    out8(EXIT_PORT, (uint8_t)(EXIT_STATUS + status));
    pm1_sleep(power.pm1a, power.sleep_types);
    pm1_sleep(power.pm1b, power.sleep_types >> 8);
    halt();
}

void power_panic(void)
{
    out8(EXIT_PORT, EXIT_PANIC);
    halt();
}

void hal_reset(void)
{
    if (power.reset) {
        out8(power.reset, power.reset_value);
    }
    for (unsigned i = 0; i < KEYBOARD_PATIENCE && in8(KEYBOARD_PORT) & KEYBOARD_READY; i++) {
        hal_pause();
    }
    out8(KEYBOARD_PORT, KEYBOARD_RESET);
    // No table of descriptors: the next exception resets the CPU.
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = { 0, 0 };
    __asm__ volatile("lidt %0; int3" : : "m"(none));
    halt();
}

uint32_t hal_port_in(uint16_t port, unsigned width)
{
    switch (width) {
    case 1: return in8(port);
    case 2: return in16(port);
    default: return in32(port);
    }
}

void hal_port_out(uint16_t port, unsigned width, uint32_t value)
{
    switch (width) {
    case 1: out8(port, (uint8_t)value); return;
    case 2: out16(port, (uint16_t)value); return;
    default: out32(port, value);
    }
}

// Interrupt controllers, and what PowerControl stands for.  A debug kernel writes to the UART
// whoever else does.
bool hal_port_reserved(uint16_t first, uint32_t count)
{
    const struct {
        uint16_t first, count;
    } ranges[] = {
        { 0x20, 2 },       { 0xa0, 2 },       { EXIT_PORT, 4 },
        { power.pm1a, 2 }, { power.pm1b, 2 }, { power.reset, 1 },
    };
    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (ranges[i].first && first < ranges[i].first + ranges[i].count &&
            ranges[i].first < first + count) {
            return true;
        }
    }
    return false;
}
