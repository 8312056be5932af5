// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns the other CPUs until the kernel has them.  Relies on the local interrupt controller's
// registers (Intel SDM volume 3A, 10.6), on the identity mapping and on the calibrated clock.
#include "smp.h"

#include "cpu.h"
#include "entry.h"
#include "phys.h"
#include "serial.h"
#include "string.h"
#include "x86.h"

#define APIC_COMMAND      0x300
#define APIC_COMMAND_HIGH 0x310
#define APIC_PENDING      (1u << 12)
#define APIC_INIT         0x4500u  // level asserted
#define APIC_STARTUP      0x4600u
#define MSR_X2APIC        0x800u

#define LOW_START 0x1000ull  // not the page of the interrupt vectors
#define LOW_END   0xa0000ull

struct smp_mailbox smp_mailbox;

uint64_t smp_choose_page(const struct memory_map *map)
{
    for (uint64_t page = LOW_START; page < LOW_END; page += PAGE_SIZE) {
        if (memory_is(map, page, page + PAGE_SIZE, BOOT_MEMORY_FREE)) {
            return page;
        }
    }
    return 0;
}

static void first_to_front(struct boot_info *info)
{
    for (uint32_t i = 1; i < info->cpu_count; i++) {
        if (info->cpus[i].flags & BOOT_CPU_BOOT) {
            struct boot_cpu first = info->cpus[i];
            info->cpus[i] = info->cpus[0];
            info->cpus[0] = first;
        }
    }
}

static void cpu_drop(struct boot_info *info, uint32_t index)
{
    info->cpu_count--;
    for (uint32_t i = index; i < info->cpu_count; i++) {
        info->cpus[i] = info->cpus[i + 1];
    }
}

// Disabled ones, and those whose ids only x2APIC mode could name.
static void others_drop(struct boot_info *info)
{
    for (uint32_t i = info->cpu_count; i-- > 1;) {
        if (!(info->cpus[i].flags & BOOT_CPU_ENABLED) || info->cpus[i].hw_id >= SMP_IDS) {
            cpu_drop(info, i);
        }
    }
}

static void apic_command(uint32_t id, uint32_t command)
{
    uint64_t base = cpu_apic_base();
    if (!base) {
        wrmsr(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)id << 32 | command);
        return;
    }
    volatile uint32_t *apic = phys_reach_device(base);
    if (!apic) {
        return;
    }
    apic[APIC_COMMAND_HIGH / 4] = id << 24;
    apic[APIC_COMMAND / 4] = command;
    while (apic[APIC_COMMAND / 4] & APIC_PENDING) {
        cpu_pause();
    }
}

static void wait_us(const struct boot_info *info, uint64_t microseconds)
{
    uint64_t end = rdtsc() + info->clock_hz / 1000000 * microseconds;
    while (rdtsc() < end) {
        cpu_pause();
    }
}

static void command_all(const struct boot_info *info, uint32_t command)
{
    for (uint32_t i = 1; i < info->cpu_count; i++) {
        apic_command(info->cpus[i].hw_id, command);
    }
}

static bool all_came(const struct boot_info *info)
{
    for (uint32_t i = 1; i < info->cpu_count; i++) {
        if (!__atomic_load_n(&smp_mailbox.came[info->cpus[i].hw_id & SMP_ID_MASK],
                             __ATOMIC_ACQUIRE)) {
            return false;
        }
    }
    return true;
}

static void absent_drop(struct boot_info *info)
{
    for (uint32_t i = info->cpu_count; i-- > 1;) {
        if (!smp_mailbox.came[info->cpus[i].hw_id & SMP_ID_MASK]) {
            serial_text("pith loader: warning: the CPU with APIC id ");
            serial_hex(info->cpus[i].hw_id);
            serial_text(" does not start\n");
            cpu_drop(info, i);
        }
    }
}

void smp_start(struct boot_info *info, uint64_t page)
{
    first_to_front(info);
    others_drop(info);
    if (info->cpu_count > 1 && !page) {
        serial_text("pith loader: warning: no memory below 1 MiB to start other CPUs from\n");
        info->cpu_count = 1;
    }
    if (info->cpu_count == 1) {
        return;
    }
    memcpy(phys_pointer(page), smp_code, (uint64_t)(smp_code_end - smp_code));
    command_all(info, APIC_INIT);
    wait_us(info, 10000);
    command_all(info, APIC_STARTUP | (uint32_t)(page >> 12));
    wait_us(info, 200);
    if (!all_came(info)) {
        command_all(info, APIC_STARTUP | (uint32_t)(page >> 12));
    }
    for (unsigned i = 0; i < 1000 && !all_came(info); i++) {
        wait_us(info, 100);
    }
    absent_drop(info);
}

// Each finds its number at its own APIC id.  One that comes too late finds 0 and waits for ever.
void smp_enter(const struct boot_info *info, uint64_t entry)
{
    smp_mailbox.root = info->kernel_root;
    smp_mailbox.entry = entry;
    smp_mailbox.info = KERNEL_DIRECT_BASE + (uintptr_t)info;
    for (uint32_t i = 1; i < info->cpu_count; i++) {
        __atomic_store_n(&smp_mailbox.number[info->cpus[i].hw_id & SMP_ID_MASK], i,
                         __ATOMIC_RELEASE);
    }
}

// Each of the others comes here from entry.S, on a stack of its own.
void smp_main(void)
{
    uint32_t slot = cpu_apic_id() & SMP_ID_MASK;
    cpu_prepare();
    __atomic_store_n(&smp_mailbox.came[slot], 1, __ATOMIC_RELEASE);
    uint32_t number;
    while (!(number = __atomic_load_n(&smp_mailbox.number[slot], __ATOMIC_ACQUIRE))) {
        cpu_pause();
    }
    kernel_enter(smp_mailbox.root, smp_mailbox.entry, smp_mailbox.info, number);
}
