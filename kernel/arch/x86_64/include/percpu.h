// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the ISA keeps for each CPU.  GS points at it while the kernel runs; handlers on stacks of
// their own find it from their stack's address.  Only its own CPU writes it, with interrupts off,
// except for the fields that say otherwise; `cr3` and `vector_owner` are guarded by the kernel lock
// where others look at them.
#pragma once

#include <abi/bootinfo.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch_context;
struct cpu;

// The area of a CPU (abi/bootinfo.h), by offsets of pages.  What lies between them is unmapped.
#define AREA_STACK_START 0x1000u  // of the kernel
#define AREA_STACK_END   0x3000u
#define AREA_NMI         0x4000u  // stacks of one page
#define AREA_DEBUG       0x6000u
#define AREA_DOUBLE      0x8000u
#define AREA_MACHINE     0xa000u
#define AREA_PERCPU      0xc000u   // struct hal_percpu, then the idle context
#define AREA_CPU         0x10000u  // struct cpu, three pages

// Task state segment (Intel SDM vol. 3A, 8.7).
struct x86_tss {
    uint32_t reserved0;
    uint64_t rsp0;     // end of the current context: traps from user mode are pushed there
    uint64_t scratch;  // in place of RSP1 (nothing runs in ring 1): a guest's RSP while entry code
                       // saves it
    uint64_t rsp2;
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));
_Static_assert(sizeof(struct x86_tss) == 104, "size");

#define GDT_ENTRIES 9

// Where user mode runs without the kernel's mappings (PATCH_PTI): what it has of them beside the
// text of entry.S and the descriptor tables.  Behind the idle context, in the same page as
// hal_percpu.
struct x86_entry {
    struct x86_tss tss;  // in place of that of hal_percpu
    uint64_t kernel_cr3;
    uint64_t reserved;
    uint64_t
        frame[7];  // what a trap of user mode pushes: vector, error code, RIP, CS, RFLAGS, RSP, SS
    // The stacks of NMI, #DB, #DF and #MC until they have found their own.
    struct x86_entry_stack {
        uint64_t spare;  // RAX on the way out
        uint64_t cr3;    // with which it came
        uint64_t rax;    // for a moment
        uint64_t frame[7];
        uint64_t stack;  // top of its own
        uint64_t kernel_cr3;
    } stacks[4];
};
#define AREA_ENTRY 0x400u  // in the page
_Static_assert(
    offsetof(struct x86_entry, stacks) % 16 == 0 &&
        (offsetof(struct x86_entry, stacks) + offsetof(struct x86_entry_stack, stack)) % 16 == 0 &&
        sizeof(struct x86_entry_stack) % 16 == 0,
    "the CPU aligns the stack before it pushes");

struct hal_percpu {
    // One cache line of what the paths in and out of the kernel touch.
    struct hal_percpu *self;        // at offset 0: clang takes a load from %gs:0 for it
    struct arch_context *current;   // what the next return to user mode resumes and traps save to
    struct arch_context *gs_owner;  // whose GS base is in the hardware
    uint64_t stack;                 // top of the kernel stack
    uint64_t cr3;                   // as loaded
    struct cpu *cpu;                // the core's
    bool guest;          // gs_owner, the context that ran last in user mode, is a guest's
    bool vector_access;  // CR0.TS is clear
    uint16_t reserved;
    struct x86_tss tss;

    struct arch_context *idle;  // resumed when there is nothing to run
    void *vector_owner;         // whose vector state is in the registers, NULL: nobody's; others
                                // make it NULL where it must not be written back
    uint64_t deadline;          // of the timer, UINT64_MAX: none
    uint64_t programmed;        // when the timer will fire, at or before `deadline`
    uint32_t number, apic_id;
    uint64_t nmi_count;
    bool flush_wanted;  // set by the CPU with the lock, cleared by this one (tlb.c)
    uint64_t gdt[GDT_ENTRIES];
} __attribute__((aligned(512)));  // no page boundary in the TSS (Intel SDM vol. 3A, 8.2.1)
_Static_assert(sizeof(struct hal_percpu) == 512, "divides a page");
_Static_assert(offsetof(struct hal_percpu, tss) + offsetof(struct x86_tss, rsp0) == 56,
               "first cache line");

#define THIS_CPU ((struct hal_percpu __seg_gs *)0)

static inline struct hal_percpu *hal_percpu_at(unsigned number)
{
    return (struct hal_percpu *)(KERNEL_CPU_BASE + number * KERNEL_CPU_BYTES + AREA_PERCPU);
}

static inline struct x86_entry *x86_entry_of(struct hal_percpu *percpu)
{
    return (struct x86_entry *)((uint64_t)percpu + AREA_ENTRY);
}

// The kernel lock: one ticket lock, taken and dropped by entry code (entry.S).
struct hal_lock {
    uint32_t next;     // number that the next one draws
    uint32_t serving;  // number of the one who has it
} __attribute__((aligned(64)));
extern struct hal_lock hal_lock;
