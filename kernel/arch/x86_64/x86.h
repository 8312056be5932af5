// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Names of the architecture (Intel SDM) and its instructions, for the files of this directory; also
// included by entry.S's offsets.
#pragma once

#include <stdint.h>

#define MSR_APIC_BASE         0x1bu
#define MSR_SPEC_CTRL         0x48u
#define MSR_PRED_CMD          0x49u
#define MSR_ARCH_CAPABILITIES 0x10au
#define MSR_SYSENTER_CS       0x174u
#define MSR_PAT               0x277u
#define MSR_TSC_DEADLINE      0x6e0u
#define MSR_X2APIC            0x800u
#define MSR_EFER              0xc0000080u
#define MSR_STAR              0xc0000081u
#define MSR_LSTAR             0xc0000082u
#define MSR_CSTAR             0xc0000083u
#define MSR_SFMASK            0xc0000084u
#define MSR_GS_BASE           0xc0000101u
#define MSR_KERNEL_GS_BASE    0xc0000102u

#define APIC_EOI 0xb0u  // offset in the registers of the local APIC

#define EFER_SCE       0x001ull
#define EFER_NXE       0x800ull
#define EFER_AUTO_IBRS 0x200000ull

#define CR0_MP 0x00002ull
#define CR0_EM 0x00004ull
#define CR0_TS 0x00008ull
#define CR0_NE 0x00020ull
#define CR0_WP 0x10000ull
#define CR0_AM 0x40000ull

#define CR4_MCE        0x000040ull
#define CR4_PGE        0x000080ull
#define CR4_OSFXSR     0x000200ull
#define CR4_OSXMMEXCPT 0x000400ull
#define CR4_UMIP       0x000800ull
#define CR4_FSGSBASE   0x010000ull
#define CR4_OSXSAVE    0x040000ull
#define CR4_SMEP       0x100000ull
#define CR4_SMAP       0x200000ull

#define CPUID_7_EBX_SMAP (1u << 20)

#define RFLAGS_CF   0x000001ull
#define RFLAGS_ONE  0x000002ull
#define RFLAGS_PF   0x000004ull
#define RFLAGS_AF   0x000010ull
#define RFLAGS_ZF   0x000040ull
#define RFLAGS_SF   0x000080ull
#define RFLAGS_TF   0x000100ull
#define RFLAGS_IF   0x000200ull
#define RFLAGS_DF   0x000400ull
#define RFLAGS_OF   0x000800ull
#define RFLAGS_IOPL 0x003000ull
#define RFLAGS_NT   0x004000ull
#define RFLAGS_RF   0x010000ull
#define RFLAGS_AC   0x040000ull
#define RFLAGS_ID   0x200000ull

// Segments in the order that SYSRET wants (user data, user code), at the places where Linux has
// them: programs may look.
#define GDT_KERNEL_CODE 0x10
#define GDT_KERNEL_DATA 0x18
#define GDT_USER_BASE   0x20  // SYSRET adds 8 and 16
#define GDT_USER_DATA   0x28
#define GDT_USER_CODE   0x30
#define GDT_TSS         0x38
#define USER_CS         (GDT_USER_CODE | 3)
#define USER_SS         (GDT_USER_DATA | 3)

#define VECTOR_DEBUG   1
#define VECTOR_NMI     2
#define VECTOR_BREAK   3
#define VECTOR_DOUBLE  8
#define VECTOR_PAGE    14
#define VECTOR_MACHINE 18

// Interrupts, of which the higher vector comes first: the legacy controllers (masked, but may still
// signal a spurious one, by the last of eight), the lines of the I/O APICs, the local APIC.
#define VECTOR_EXTERNAL 0x20
#define VECTOR_PIC      0x20
#define VECTOR_TIMER    0x28  // after those for handlers, which may be more important
#define VECTOR_RESCHED  0x29  // from this CPU or another: look at what is to run
#define VECTOR_IRQ      0x30  // those of handlers, up to VECTOR_IRQ_END
#define VECTOR_IRQ_END  0xe0
#define VECTOR_FLUSH    0xe1  // from another CPU: forget translations
#define VECTOR_IOMMU    0xee  // a remapping unit has refused something
#define VECTOR_SPURIOUS 0xef
#define VECTOR_END      0x100

enum ist {
    IST_NONE,
    IST_NMI,
    IST_DEBUG,
    IST_DOUBLE,
    IST_MACHINE,
    IST_COUNT
};

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t cr0_read(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static inline void cr0_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint64_t cr2_read(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t cr3_read(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void cr3_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint64_t cr4_read(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static inline void cr4_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
