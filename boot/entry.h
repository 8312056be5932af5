// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What entry.S and C share: the protocols, and the symbols of the link.
#pragma once

#define PROTOCOL_PVH        1
#define PROTOCOL_MULTIBOOT2 0x36d76289  // what a Multiboot2 boot loader leaves in EAX

#define EXIT_PORT    0xf4  // QEMU's isa-debug-exit, by this project's convention
#define EXIT_REFUSED 0x7f

#ifndef __ASSEMBLER__
# include <stdint.h>

// Where the loader begins and ends, and where its read-only, executable part ends (loader.ld).
extern const char loader_start[], loader_text_end[], loader_end[];
// Top of the stack that the loader runs on.
extern char loader_stack_top[];

// The root of the page tables that entry.S switched on: the first four GiB, identity, huge pages.
extern uint64_t identity_root[];

// Table of the entry points of the exception vectors, one address for each.
extern const uint64_t trap_stubs[];

// Called by entry.S in 64-bit mode: the protocol, the physical address of its information, and the
// time stamp of the first instruction.
_Noreturn void loader_main(uint32_t protocol, uint32_t address, uint64_t boot_tsc);

// The first instructions of another CPU, to be copied to a page below one MiB.
extern const char smp_code[], smp_code_end[];

// Where other CPUs say that they came, and are told what to do, by APIC id.
# define SMP_IDS     256
# define SMP_ID_MASK (SMP_IDS - 1)
struct smp_mailbox {
    uint64_t root, entry, info;
    uint32_t came[SMP_IDS];
    uint32_t number[SMP_IDS];
};
extern struct smp_mailbox smp_mailbox;

// Called by entry.S on each other CPU, in 64-bit mode.
_Noreturn void smp_main(void);

// Called by the stubs with what the CPU pushed: says what happened and stops.
_Noreturn void trap_report(uint64_t vector, uint64_t error, uint64_t rip);

// Switches to the page tables at physical address root and jumps to the kernel's entry point with
// info and the number of the CPU as its arguments.
_Noreturn void kernel_enter(uint64_t root, uint64_t entry, uint64_t info, uint64_t number);
#endif
