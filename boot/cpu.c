// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Owns what the loader knows of its own CPU and what happens on an exception.
#include "cpu.h"

#include "entry.h"
#include "serial.h"
#include "x86.h"

#define MSR_EFER          0xc0000080
#define EFER_NXE          (1u << 11)
#define MSR_APIC_BASE     0x1b
#define APIC_BASE_X2      (1u << 10)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull
#define LEAF_EXT          0x80000001
#define LEAF_SIZES        0x80000008
#define LEAF_TOPOLOGY     0xb
#define HUGE_PAGES_BIT    26
#define DEFAULT_BITS      36
#define MAX_BITS          52

struct cpu_need {
    uint32_t leaf;
    uint32_t bit;
    enum {
        IN_EBX,
        IN_ECX,
        IN_EDX
    } where;
    const char *name;
};

// Long mode is not here: without it this code would not run (entry.S).
static const struct cpu_need cpu_needs[] = {
    { 1, 9, IN_EDX, "APIC (a local interrupt controller)" },
    { 1, 26, IN_ECX, "XSAVE (extended state management)" },
    { 7, 0, IN_EBX, "FSGSBASE (access to segment bases)" },
    { LEAF_EXT, 20, IN_EDX, "NX (no-execute pages)" },
    { LEAF_EXT, 11, IN_EDX, "SYSCALL (fast system calls)" },
};

static bool cpu_has_leaf(uint32_t leaf)
{
    return cpuid(leaf & 0x80000000, 0).eax >= leaf;
}

static bool cpu_has(const struct cpu_need *need)
{
    if (!cpu_has_leaf(need->leaf)) {
        return false;
    }
    struct cpuid r = cpuid(need->leaf, 0);
    uint32_t word = need->where == IN_EBX ? r.ebx : need->where == IN_ECX ? r.ecx : r.edx;
    return word >> need->bit & 1;
}

void cpu_require(void)
{
    bool complete = true;
    for (unsigned i = 0; i < sizeof(cpu_needs) / sizeof(cpu_needs[0]); i++) {
        if (cpu_has(&cpu_needs[i])) {
            continue;
        }
        complete = false;
        serial_text("pith loader: error: this CPU lacks ");
        serial_text(cpu_needs[i].name);
        serial_text(", which Pith needs\n");
    }
    if (!complete) {
        serial_stop();
    }
    cpu_prepare();
}

void cpu_prepare(void)
{
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
}

bool cpu_has_huge_pages(void)
{
    return cpuid(LEAF_EXT, 0).edx >> HUGE_PAGES_BIT & 1;
}

uint32_t cpu_phys_bits(void)
{
    uint32_t bits = cpu_has_leaf(LEAF_SIZES) ? cpuid(LEAF_SIZES, 0).eax & 0xff : DEFAULT_BITS;
    return bits < MAX_BITS ? bits : MAX_BITS;
}

uint32_t cpu_apic_id(void)
{
    if (cpu_has_leaf(LEAF_TOPOLOGY) && cpuid(LEAF_TOPOLOGY, 0).ebx) {
        return cpuid(LEAF_TOPOLOGY, 0).edx;
    }
    return cpuid(1, 0).ebx >> 24;
}

uint64_t cpu_apic_base(void)
{
    uint64_t value = rdmsr(MSR_APIC_BASE);
    return value & APIC_BASE_X2 ? 0 : value & APIC_BASE_ADDRESS;
}

#define TRAPS 32

struct trap_gate {
    uint16_t offset_low, selector;
    uint16_t attributes, offset_middle;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct trap_gate) == 16, "Intel SDM volume 3, 6.14.1");

static struct trap_gate trap_gates[TRAPS];

// Also loaded by the other CPUs (entry.S).
struct {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed)) trap_pointer;

void trap_init(void)
{
    for (unsigned i = 0; i < TRAPS; i++) {
        uint64_t stub = trap_stubs[i];
        trap_gates[i] = (struct trap_gate){
            .offset_low = (uint16_t)stub,
            .offset_middle = (uint16_t)(stub >> 16),
            .selector = 0x08,
            .attributes = 0x8e00,  // present interrupt gate
        };
    }
    trap_pointer.base = (uintptr_t)trap_gates;
    trap_pointer.limit = sizeof(trap_gates) - 1;
    __asm__ volatile("lidt %0" : : "m"(trap_pointer));
}

void trap_report(uint64_t vector, uint64_t error, uint64_t rip)
{
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    serial_text("pith loader: error: exception ");
    serial_hex(vector);
    serial_text(" in the loader, error code ");
    serial_hex(error);
    serial_text(", at ");
    serial_hex(rip);
    serial_text(", page-fault address ");
    serial_hex(address);
    serial_text("\n");
    serial_stop();
}
