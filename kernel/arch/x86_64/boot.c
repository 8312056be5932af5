// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Brings a CPU from the state that the loader leaves (abi/bootinfo.h) to that in which the kernel
// runs.  Called by the core, once on each CPU; the first goes ahead of all others.
#include "arch.h"
#include "vtd.h"
#include "x86.h"

#include <arch/percpu.h>
#include <hal/cpu.h>

#include <abi/message.h>

// Segment descriptors: present, accessed, long mode.
#define DESCRIPTOR_KERNEL_CODE 0x00af9b000000ffffull
#define DESCRIPTOR_KERNEL_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_USER_DATA   0x00cff3000000ffffull
#define DESCRIPTOR_USER_CODE   0x00affb000000ffffull
#define DESCRIPTOR_TSS         0x0000890000000000ull

// WB, WC, UC-, UC, twice (abi: paging.h).
#define PAT 0x0007010600070106ull

#define CPUID_1_EDX_MCE  (1u << 7)
#define CPUID_1_EDX_PGE  (1u << 13)
#define CPUID_7_EBX_SMEP (1u << 7)
#define CPUID_7_ECX_UMIP (1u << 2)

#define SYSCALL_CLEARS                                                                            \
 (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | \
  RFLAGS_OF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | RFLAGS_ID)

unsigned hal_cpu_count = 1;
static unsigned arrived;  // in the kernel, waiting, beside the first
static bool ready;        // the others can go on

void boot_start(const struct boot_info *info, unsigned number)
{
    // Whoever waits for the lock looks at its own structure.
    struct hal_percpu *percpu = hal_percpu_at(number);
    percpu->self = percpu;
    wrmsr(MSR_GS_BASE, (uint64_t)percpu);
    if (number) {
        __atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
        while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
            hal_pause();
        }
        return;
    }
    while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) + 1 < info->cpu_count) {
        hal_pause();
    }
}

void hal_boot_others(void)
{
    __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
}

static void tss_boot(struct hal_percpu *percpu, uint64_t area)
{
    static const unsigned stacks[IST_COUNT] = {
        [IST_NMI] = AREA_NMI,
        [IST_DEBUG] = AREA_DEBUG,
        [IST_DOUBLE] = AREA_DOUBLE,
        [IST_MACHINE] = AREA_MACHINE,
    };
    struct x86_entry *entry = x86_entry_of(percpu);
    entry->kernel_cr3 = hal_aspace_kernel.cr3;
    for (unsigned i = IST_NMI; i < IST_COUNT; i++) {
        struct x86_entry_stack *stack = &entry->stacks[i - IST_NMI];
        percpu->tss.ist[i - 1] = stack->stack = area + stacks[i] + PAGE_SIZE;
        entry->tss.ist[i - 1] = (uint64_t)&stack->stack;
        stack->kernel_cr3 = entry->kernel_cr3;
    }
    percpu->tss.rsp0 = (uint64_t)(percpu->idle + 1);
    entry->tss.rsp0 = (uint64_t)(entry->frame + sizeof(entry->frame) / sizeof(entry->frame[0]));
    percpu->tss.io_map = entry->tss.io_map = sizeof(percpu->tss);  // beyond the limit: no ports
}

static void gdt_boot(struct hal_percpu *percpu)
{
    uint64_t tss = (uint64_t)(patches_in_force & PATCH_PTI ? &x86_entry_of(percpu)->tss
                                                           : &percpu->tss);
    percpu->gdt[GDT_KERNEL_CODE / 8] = DESCRIPTOR_KERNEL_CODE;
    percpu->gdt[GDT_KERNEL_DATA / 8] = DESCRIPTOR_KERNEL_DATA;
    percpu->gdt[GDT_USER_DATA / 8] = DESCRIPTOR_USER_DATA;
    percpu->gdt[GDT_USER_CODE / 8] = DESCRIPTOR_USER_CODE;
    percpu->gdt[GDT_TSS / 8] = DESCRIPTOR_TSS | (sizeof(percpu->tss) - 1) | (tss & 0xffffff) << 16 |
                               (tss >> 24 & 0xff) << 56;
    percpu->gdt[GDT_TSS / 8 + 1] = tss >> 32;
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { sizeof(percpu->gdt) - 1, (uint64_t)percpu->gdt };
    __asm__ volatile("lgdt %[gdt]\n\t"
                     "pushq %[code]\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %[data], %%ss\n\t"
                     "movl %[none], %%ds\n\t"
                     "movl %[none], %%es\n\t"
                     "movl %[none], %%fs\n\t"
                     "movl %[none], %%gs\n\t"
                     "lldt %w[none]\n\t"
                     "ltr %w[tss]"
                     :
                     : [gdt] "m"(pointer), [code] "i"(GDT_KERNEL_CODE), [data] "r"(GDT_KERNEL_DATA),
                       [none] "r"(0), [tss] "r"(GDT_TSS)
                     : "rax", "memory");
}

static void msr_boot(struct hal_percpu *percpu)
{
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    wrmsr(MSR_STAR, (uint64_t)(GDT_USER_BASE | 3) << 48 | (uint64_t)GDT_KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)(patches_in_force & PATCH_PTI ? syscall_isolated : syscall_entry));
    wrmsr(MSR_SFMASK, SYSCALL_CLEARS);
    wrmsr(MSR_SYSENTER_CS, 0);  // SYSENTER faults
    wrmsr(MSR_PAT, PAT);
    wrmsr(MSR_GS_BASE, (uint64_t)percpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
}

// Protection and state features.  Global pages come last: writing that bit drops every older
// translation.
static void control_boot(void)
{
    struct cpuid basic = cpuid(1, 0), extended = cpuid(7, 0);
    uint64_t cr4 = cr4_read() & ~CR4_PGE;
    cr4_write(cr4);
    cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE;
    cr4 |= basic.edx & CPUID_1_EDX_MCE ? CR4_MCE : 0;
    cr4 |= extended.ebx & CPUID_7_EBX_SMEP ? CR4_SMEP : 0;
    cr4 |= extended.ebx & CPUID_7_EBX_SMAP ? CR4_SMAP : 0;
    cr4 |= extended.ecx & CPUID_7_ECX_UMIP ? CR4_UMIP : 0;
    cr4_write(cr4);
    bool global = basic.edx & CPUID_1_EDX_PGE && !(patches_in_force & PATCH_PTI);
    cr4_write(cr4 | (global ? CR4_PGE : 0));
    cr0_write((cr0_read() & ~CR0_AM) | CR0_WP);
}

// What the loader left below is the loader's own.
static void lower_half_drop(const struct boot_info *info)
{
    uint64_t *root = (uint64_t *)(info->kernel_root + KERNEL_DIRECT_BASE);
    for (unsigned i = 0; i < 256; i++) {
        root[i] = 0;
    }
    hal_aspace_kernel.cr3 = info->kernel_root;
    aspace_shared = root;
}

static void percpu_boot(struct hal_percpu *percpu, unsigned number, uint64_t area)
{
    percpu->idle = (struct arch_context *)(percpu + 1);
    *percpu->idle = (struct arch_context){
        .rip = (uint64_t)idle_entry,
        .cs = GDT_KERNEL_CODE,
        .rflags = RFLAGS_ONE,
        .rsp = area + AREA_STACK_END,
        .ss = GDT_KERNEL_DATA,
    };
    percpu->cpu = hal_cpu_at(number);
    percpu->current = percpu->gs_owner = percpu->idle;
    percpu->stack = area + AREA_STACK_END;
    percpu->cr3 = hal_aspace_kernel.cr3;
    percpu->number = number;
}

// What there is once in the machine, before and after the first CPU's own part.
static void machine_begin(const struct boot_info *info)
{
    hal_cpu_count = info->cpu_count;
    for (unsigned i = 0; i < hal_cpu_count; i++) {
        hal_percpu_at(i)->apic_id = info->cpus[i].hw_id;
    }
    patch_boot(info);
    trap_boot();
    lower_half_drop(info);
}

static void machine_end(const struct boot_info *info)
{
    if (patches_in_force & PATCH_PTI) {
        isolate_boot();
    }
    power_boot(info);
    vtd_boot(info);
    irq_boot(info);
}

void hal_boot(const struct boot_info *info, unsigned number)
{
    uint64_t area = KERNEL_CPU_BASE + number * KERNEL_CPU_BYTES;
    struct hal_percpu *percpu = hal_percpu_at(number);
    if (!number) {
        machine_begin(info);
    }
    percpu_boot(percpu, number, area);
    tss_boot(percpu, area);
    gdt_boot(percpu);
    msr_boot(percpu);
    trap_load();
    cr3_write(info->kernel_root);
    control_boot();
    mitigate_cpu_boot();
    vector_boot();
    apic_boot(info);
    if (!number) {
        machine_end(info);
    }
}
