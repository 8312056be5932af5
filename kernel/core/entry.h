// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the ISA calls in the core.  Interrupts off, with the kernel lock, on the CPU's kernel stack;
// whatever a call changes, the ISA resumes the context that was given last to hal_switch.
#pragma once

#include "types.h"

#include <hal/context.h>

#include <abi/bootinfo.h>

// The first CPU (number 0) sets up the core and the root task and returns to resume it; each of the
// others, which come after that, joins with nothing to run.
void kernel_boot(const struct boot_info *info, unsigned number);

// A system call of a native thread, its arguments and words in the context.
void kernel_syscall(struct arch_context *context);

// One of those from `signal` on: only the first two arguments are in the context.  If the thread is
// current again afterwards its words are still in their registers; otherwise entry code saves them
// then.
void kernel_syscall_light(struct arch_context *context, uint64_t number);

// A system call of a guest, all its registers in the context.
void kernel_syscall_guest(struct arch_context *context);

// An exception in user mode.
void kernel_trap(struct arch_context *context, const struct hal_trap *trap);

// An interrupt arrived.  The controller is told so when this returns (a level line may be masked by
// then).
void kernel_interrupt(unsigned irq);

// An IOMMU has recorded something.
void kernel_iommu(void);

// The timer fired.
void kernel_timer(void);

// Another CPU changed something that this one must look at.
void kernel_resched(void);

// Fast paths of call and reply_recv.  Entry code jumps to them with the message words still in
// their registers, which the code of fastpath.c never touches; instruction pointer, flags and stack
// pointer are already in the context.  They either resume another thread, or with nothing changed
// end in hal_syscall_slow with the same arguments.  Neither returns.
NORETURN void kernel_fast_call(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused,
                               struct arch_context *context);
NORETURN void kernel_fast_reply_recv(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused,
                                     struct arch_context *context);

NORETURN void kernel_fast_send(uint64_t slot, uint64_t tag, uint64_t third, uint64_t unused,
                               struct arch_context *context);

// The same for a guest's system call, all registers in the context.  Returns where it refuses;
// kernel_syscall_guest does it then.
void kernel_fast_guest(struct arch_context *context);
// The same for a page fault, of a native thread too; kernel_trap does what it refuses.
void kernel_fast_fault(struct arch_context *context, const struct hal_trap *trap);

// Entry code: save the words and arguments into the context, call kernel_syscall, resume.
NORETURN void hal_syscall_slow(uint64_t slot, uint64_t tag, uint64_t third, uint64_t number,
                               struct arch_context *context);
