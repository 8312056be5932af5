// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The local APIC (Intel SDM vol. 3A, 10): end of interrupt, interrupts to this CPU itself, the
// one-shot timer.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

// Registers by their offsets in memory; x2APIC has them as MSRs, 16 bytes to one.
enum apic_register {
    APIC_TASK_PRIORITY = 0x80,
    APIC_SPURIOUS = 0xf0,
    APIC_COMMAND = 0x300,
    APIC_COMMAND_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_COUNT = 0x380,
    APIC_TIMER_DIVIDE = 0x3e0,
};
#define APIC_ENABLE         0x100u
#define APIC_MASKED         0x10000u
#define APIC_NMI            0x400u
#define APIC_TIMER_DEADLINE 0x40000u
#define APIC_DIVIDE_BY_1    0xbu
#define APIC_SELF           0x40000u
#define APIC_PENDING        0x1000u
#define APIC_X2_SELF        0x83fu
// Messages of devices with vectors up to 31 stay pending: their gates are those of exceptions.
#define VECTORS_EXCEPTION 0x10u

#define APIC_BASE_X2         0x400ull
#define CPUID_X_TSC_DEADLINE (1u << 24)

volatile uint32_t *apic_registers;
static bool has_deadline;  // the timer takes a deadline in ticks of the time stamp counter
static uint64_t
    counts_per_tick;  // else: rate of the timer to that of the clock, 32.32 fixed point, rounded up

static void apic_write(enum apic_register reg, uint32_t value)
{
    if (apic_registers) {
        apic_registers[reg / 4] = value;
    } else {
        wrmsr(MSR_X2APIC + reg / 16, value);
    }
}

static uint32_t apic_read(enum apic_register reg)
{
    return apic_registers ? apic_registers[reg / 4] : (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
}

void apic_send_self(unsigned vector)
{
    if (apic_registers) {
        apic_write(APIC_COMMAND, APIC_SELF | vector);
    } else {
        wrmsr(APIC_X2_SELF, vector);
    }
}

// One at a time: the register holds a request until it is delivered (Intel SDM vol. 3A, 10.6.1).
// What the other CPU is to see must be there before: a write to memory-mapped registers comes after
// all earlier ones, a write to an MSR may not (10.12.3).
void apic_send(uint32_t id, unsigned vector)
{
    if (!apic_registers) {
        __asm__ volatile("mfence; lfence" : : : "memory");
        wrmsr(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)id << 32 | vector);
        return;
    }
    apic_write(APIC_COMMAND_HIGH, id << 24);
    apic_write(APIC_COMMAND, vector);
    while (apic_read(APIC_COMMAND) & APIC_PENDING) {
        hal_pause();
    }
}

_Static_assert(VECTOR_TIMER < VECTOR_RESCHED && VECTOR_RESCHED < VECTOR_IRQ, "which comes first");
void hal_cpu_interrupt(unsigned number)
{
    apic_send(hal_percpu_at(number)->apic_id, VECTOR_RESCHED);
}

static void timer_boot(const struct boot_info *info)
{
    has_deadline = cpuid(1, 0).ecx & CPUID_X_TSC_DEADLINE;
    counts_per_tick = ((info->timer_hz << 32) + info->clock_hz - 1) / info->clock_hz;
    apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (has_deadline ? APIC_TIMER_DEADLINE : 0));
    // The write to memory above must have arrived before the first one to the MSR (Intel SDM vol.
    // 3A, 10.5.4.1).
    __asm__ volatile("mfence" : : : "memory");
    THIS_CPU->deadline = THIS_CPU->programmed = UINT64_MAX;
}

void apic_boot(const struct boot_info *info)
{
    apic_registers = NULL;
    for (unsigned i = 0; i < info->irqchip_count; i++) {
        if (info->irqchips[i].kind == BOOT_IRQCHIP_LOCAL) {
            apic_registers = (volatile uint32_t *)(KERNEL_DIRECT_BASE + info->irqchips[i].base);
        }
    }
    if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2) {
        apic_registers = NULL;
    }
    apic_write(APIC_TASK_PRIORITY, VECTORS_EXCEPTION);
    apic_write(APIC_LVT_LINT0, APIC_MASKED);
    apic_write(APIC_LVT_LINT1, APIC_NMI);
    apic_write(APIC_LVT_ERROR, APIC_MASKED);
    apic_write(APIC_SPURIOUS, APIC_ENABLE | VECTOR_SPURIOUS);
    timer_boot(info);
}

// From ticks of the clock, at least 1: the timer's count of 0 means "off".
static uint32_t timer_count(uint64_t ticks)
{
    unsigned __int128 count = ((unsigned __int128)ticks * counts_per_tick >> 32) + 1;
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static void timer_program(uint64_t deadline)
{
    THIS_CPU->programmed = deadline;
    if (has_deadline) {
        wrmsr(MSR_TSC_DEADLINE, deadline ? deadline : 1);  // 0 would mean "off"
        return;
    }
    uint64_t now = hal_clock();
    apic_write(APIC_TIMER_COUNT, timer_count(deadline > now ? deadline - now : 0));
}

// A later deadline than the programmed one is only noted: the interrupt comes early and programs
// the rest.
void hal_timer_arm(uint64_t deadline)
{
    THIS_CPU->deadline = deadline;
    if (deadline < THIS_CPU->programmed) {
        timer_program(deadline);
    }
}

void timer_fired(void)
{
    uint64_t deadline = THIS_CPU->deadline;
    THIS_CPU->programmed = UINT64_MAX;
    if (deadline == UINT64_MAX) {
        return;
    }
    if (hal_clock() < deadline) {
        timer_program(deadline);
        return;
    }
    THIS_CPU->deadline = UINT64_MAX;
    kernel_timer();
}
