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

// Called by the stubs with what the CPU pushed: says what happened and stops.
_Noreturn void trap_report(uint64_t vector, uint64_t error, uint64_t rip);

// Switches to the page tables at physical address root and to the stack, and jumps to the kernel's
// entry point with info as its argument.
_Noreturn void kernel_enter(uint64_t root, uint64_t entry, uint64_t info, uint64_t stack);
#endif
