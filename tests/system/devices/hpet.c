// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// See hpet.h.  Registers of 64 bits are written in halves, the lower one last where that matters.
#include "hpet.h"

#define CAPABILITIES  0x000u
#define CONFIGURATION 0x010u
#define STATUS        0x020u
#define COUNTER       0x0f0u
#define TIMER_CONFIG  0x100u
#define TIMER_COMPARE 0x108u
#define TIMER_MESSAGE 0x110u

#define ENABLE 1u

#define TIMER_LEVEL    0x0002u
#define TIMER_ENABLE   0x0004u
#define TIMER_PERIODIC 0x0008u
#define TIMER_SET      0x0040u
#define TIMER_32       0x0100u
#define TIMER_LINE     9u  // shift
#define TIMER_BY_MSI   0x4000u

#define FEMTO_PER_NANO 1000000ull

static volatile uint8_t *hpet;
static uint32_t due;

static uint32_t ticks_of(uint64_t nanoseconds)
{
    return (uint32_t)(nanoseconds * FEMTO_PER_NANO / mmio_read(hpet, CAPABILITIES + 4));
}

void hpet_init(const struct root_info *info)
{
    hpet = device_map(info->hpet_base, PAGE_SIZE);
}

void hpet_start(const struct hpet_config *config)
{
    uint32_t ticks = ticks_of(config->nanoseconds);
    uint32_t timer = TIMER_ENABLE | config->line << TIMER_LINE |
                     (ticks ? TIMER_PERIODIC | TIMER_32 : 0) |
                     (config->mode == HPET_LEVEL ? TIMER_LEVEL : 0) |
                     (config->mode == HPET_MESSAGE ? TIMER_BY_MSI : 0);
    hpet_stop();
    mmio_write(hpet, COUNTER, 0);
    mmio_write(hpet, COUNTER + 4, 0);
    mmio_write(hpet, TIMER_MESSAGE, config->data);
    mmio_write(hpet, TIMER_MESSAGE + 4, (uint32_t)config->address);
    mmio_write(hpet, TIMER_CONFIG, timer | TIMER_SET);
    mmio_write(hpet, TIMER_COMPARE, ticks ? ticks : UINT32_MAX);
    mmio_write(hpet, TIMER_COMPARE, ticks ? ticks : UINT32_MAX);
    mmio_write(hpet, TIMER_COMPARE + 4, 0);
    mmio_write(hpet, CONFIGURATION, ENABLE);
}

void hpet_stop(void)
{
    mmio_write(hpet, CONFIGURATION, 0);
    mmio_write(hpet, TIMER_CONFIG, 0);
    hpet_quiet();
}

void hpet_quiet(void)
{
    mmio_write(hpet, STATUS, 1);
}

void hpet_arm(uint64_t nanoseconds)
{
    due = mmio_read(hpet, COUNTER) + ticks_of(nanoseconds);
    mmio_write(hpet, TIMER_COMPARE, due);
}

bool hpet_passed(void)
{
    return mmio_read(hpet, COUNTER) >= due;
}
