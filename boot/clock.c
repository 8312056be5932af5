// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the calibration of the clock and the timer.
//
// A reference is a free-running counter of known rate.  Each end of the measured stretch is the
// quickest of several readings: an interruption by the hypervisor or by system-management code
// makes one reading late, not all.
#include "clock.h"

#include "cpu.h"
#include "phys.h"
#include "x86.h"

#include <stddef.h>

#define LEAF_TSC          0x15
#define LEAF_HYPERVISOR   0x40000000
#define LEAF_FREQUENCIES  0x40000010
#define HYPERVISOR_BIT    31
#define NAME_VMWARE       0x61774d56  // the first four letters
#define NAME_KVM          0x4b4d564b
#define STRETCHES_PER_SEC 100  // one stretch is measured
#define READINGS          5
#define TICK_PATIENCE     100000  // readings of a counter that stands still, then it is dead

#define PM_TIMER_HZ 3579545  // ACPI 4.8.3.3
#define PIT_HZ      1193182
#define PIT_CHANNEL 0x42  // channel 2, which no interrupt hangs on
#define PIT_COMMAND 0x43
#define PIT_GATE    0x61
#define PIT_RATE    0xb4  // channel 2, low byte then high byte, rate generator
#define PIT_LATCH   0x80

#define MSR_X2APIC        0x800
#define APIC_SPURIOUS     0xf  // numbers of registers, 16 bytes apart
#define APIC_TIMER        0x32
#define APIC_INITIAL      0x38
#define APIC_CURRENT      0x39
#define APIC_DIVIDE       0x3e
#define APIC_ENABLED      0x1ff  // with the last vector for spurious interrupts
#define APIC_TIMER_MASKED 0x10000
#define APIC_DIVIDE_BY_1  0xb

// --- local APIC, in either mode -----------------------------------------------------------------

static volatile uint32_t *apic;  // a null pointer in x2APIC mode

static uint32_t apic_read(uint32_t number)
{
    return apic ? apic[(size_t)number * 4] : (uint32_t)rdmsr(MSR_X2APIC + number);
}

static void apic_write(uint32_t number, uint32_t value)
{
    if (apic) {
        apic[(size_t)number * 4] = value;
    } else {
        wrmsr(MSR_X2APIC + number, value);
    }
}

static void apic_timer_start(void)
{
    apic_write(APIC_SPURIOUS, APIC_ENABLED);
    apic_write(APIC_TIMER, APIC_TIMER_MASKED);
    apic_write(APIC_DIVIDE, APIC_DIVIDE_BY_1);
    apic_write(APIC_INITIAL, UINT32_MAX);
}

// --- references ---------------------------------------------------------------------------------

struct reference {
    uint32_t (*read)(const struct reference *reference);
    uint32_t hz;
    uint32_t mask;  // the counter's width
    uint16_t port;
};

static uint32_t pm_timer_read(const struct reference *reference)
{
    return port_in32(reference->port);
}

static void pit_start(void)
{
    port_out8(PIT_GATE, (port_in8(PIT_GATE) & 0xfc) | 1);  // gate on, speaker off
    port_out8(PIT_COMMAND, PIT_RATE);
    port_out8(PIT_CHANNEL, 0);
    port_out8(PIT_CHANNEL, 0);
}

// It counts down.
static uint32_t pit_read(const struct reference *reference)
{
    (void)reference;
    port_out8(PIT_COMMAND, PIT_LATCH);
    uint32_t low = port_in8(PIT_CHANNEL);
    return ~(low | (uint32_t)port_in8(PIT_CHANNEL) << 8);
}

// --- measuring ----------------------------------------------------------------------------------

struct reading {
    uint64_t tsc;
    uint32_t reference, apic;
};

// Reads everything at the moment when the reference ticks; gap is how long the reading took.
static struct reading reading_take_once(const struct reference *reference, uint64_t *gap)
{
    struct reading r = { 0 };
    uint32_t first = reference->read(reference);
    for (uint32_t i = 0; i < TICK_PATIENCE; i++) {
        r.tsc = rdtsc();
        r.reference = reference->read(reference);
        if (r.reference != first) {
            break;
        }
        cpu_pause();
    }
    r.apic = apic_read(APIC_CURRENT);
    *gap = rdtsc() - r.tsc;
    return r;
}

static struct reading reading_take(const struct reference *reference)
{
    struct reading best = { 0 };
    uint64_t best_gap = UINT64_MAX;
    for (int i = 0; i < READINGS; i++) {
        uint64_t gap;
        struct reading r = reading_take_once(reference, &gap);
        if (gap < best_gap) {
            best = r;
        }
        if (gap < best_gap) {
            best_gap = gap;
        }
    }
    return best;
}

// Waits until so many ticks have passed.  False where the counter stands still.
static bool reference_wait(const struct reference *reference, uint32_t from, uint32_t ticks)
{
    uint32_t last = from;
    for (uint32_t still = 0; still < TICK_PATIENCE; still++) {
        uint32_t now = reference->read(reference);
        if (((now - from) & reference->mask) >= ticks) {
            return true;
        }
        if (now != last) {
            still = 0;
        }
        last = now;
        cpu_pause();
    }
    return false;
}

static uint64_t rate(uint64_t ticks, uint32_t reference_ticks, uint32_t reference_hz)
{
    return ticks * reference_hz / reference_ticks;
}

static const char *measure(const struct reference *reference, struct boot_info *info)
{
    struct reading a = reading_take(reference);
    if (!reference_wait(reference, a.reference, reference->hz / STRETCHES_PER_SEC)) {
        return "no rate is stated, and neither the ACPI PM timer nor the PIT runs";
    }
    struct reading b = reading_take(reference);
    uint32_t ticks = (b.reference - a.reference) & reference->mask;
    info->timer_hz = rate(a.apic - b.apic, ticks, reference->hz);
    if (!info->clock_hz) {
        info->clock_hz = rate(b.tsc - a.tsc, ticks, reference->hz);
        info->features |= BOOT_FEATURE_CLOCK_MEASURED;
    }
    return info->timer_hz ? 0 : "the timer of the local APIC does not run";
}

static const char *measure_any(const struct acpi_fixed *fixed, struct boot_info *info)
{
    struct reference pm_timer = {
        .read = pm_timer_read,
        .hz = PM_TIMER_HZ,
        .mask = fixed->pm_timer_is_wide ? UINT32_MAX : 0xffffff,
        .port = (uint16_t)fixed->pm_timer_port,
    };
    if (fixed->pm_timer_port && !measure(&pm_timer, info)) {
        return 0;
    }
    struct reference pit = { .read = pit_read, .hz = PIT_HZ, .mask = 0xffff };
    pit_start();
    return measure(&pit, info);
}

// --- what the CPU states ------------------------------------------------------------------------

// Intel SDM volume 3, 18.18.3: with a stated crystal, the timer runs at the crystal's rate.
static void rates_from_crystal(struct boot_info *info)
{
    if (cpuid(0, 0).eax < LEAF_TSC) {
        return;
    }
    struct cpuid r = cpuid(LEAF_TSC, 0);
    if (!r.eax || !r.ebx || !r.ecx) {
        return;
    }
    info->clock_hz = (uint64_t)r.ecx * r.ebx / r.eax;
    info->timer_hz = r.ecx;
}

// A convention of VMware that KVM follows: kilohertz of the TSC and of the APIC's bus.
static void rates_from_hypervisor(struct boot_info *info)
{
    if (!(cpuid(1, 0).ecx >> HYPERVISOR_BIT & 1)) {
        return;
    }
    struct cpuid name = cpuid(LEAF_HYPERVISOR, 0);
    if (name.eax < LEAF_FREQUENCIES || (name.ebx != NAME_VMWARE && name.ebx != NAME_KVM)) {
        return;
    }
    struct cpuid r = cpuid(LEAF_FREQUENCIES, 0);
    info->clock_hz = r.eax * 1000ull;
    info->timer_hz = r.ebx * 1000ull;
}

const char *clock_read(const struct acpi_fixed *fixed, struct boot_info *info)
{
    rates_from_hypervisor(info);
    if (!info->clock_hz) {
        rates_from_crystal(info);
    }
    if (info->clock_hz && info->timer_hz) {
        return 0;
    }
    uint64_t start = rdtsc();
    uint64_t base = cpu_apic_base();
    apic = base ? phys_reach_device(base) : 0;
    apic_timer_start();
    const char *why = measure_any(fixed, info);
    apic_write(APIC_INITIAL, 0);
    info->calibration_ticks = rdtsc() - start;
    return why;
}
