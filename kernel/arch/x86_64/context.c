// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The registers of threads that are not running: set up, read, write sanitised.  Contract:
// hal/context.h.
//
// Invariant that the way out relies on (IRET, SYSRET, WRFSBASE and WRGSBASE then cannot fault):
// every context has canonical RIP and bases, the user's segments, and RFLAGS with IF set and IOPL
// and VM clear.  What user mode itself puts into them has that by itself; what other programs write
// is made so here.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>

#include <abi/message.h>

#define RFLAGS_USER                                                                               \
 (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF | RFLAGS_OF | \
  RFLAGS_AC | RFLAGS_ID | RFLAGS_RF)

#define SYSCALL_BYTES 2

static uint64_t user_address(uint64_t address)
{
    return address <= USER_END ? address : 0;  // a stack may begin at the very end
}

void hal_context_init(struct arch_context *context)
{
    *context = (struct arch_context){ .cs = USER_CS,
                                      .ss = USER_SS,
                                      .rflags = RFLAGS_ONE | RFLAGS_IF };
}

void hal_context_set_guest(struct arch_context *context, bool guest)
{
    context->guest = guest;
    if (THIS_CPU->gs_owner == context) {
        THIS_CPU->guest = guest;
    }
}

void hal_context_restart(struct arch_context *context)
{
    context->rip -= SYSCALL_BYTES;
    context->rcx = context->rip;
    context->r11 = context->rflags;
    context->vector = 0;
}

void hal_context_restart_light(struct arch_context *context, uint64_t number)
{
    context->rip -= SYSCALL_BYTES;
    context->rax = number;
}

void hal_context_read(struct arch_context *context, struct thread_regs *regs)
{
    if (THIS_CPU->current == context) {
        context->fs_base = x86_fs_base();
    }
    if (THIS_CPU->gs_owner == context) {
        context->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
    }
    regs->rip = context->rip;
    regs->rsp = context->rsp;
    regs->rflags = context->rflags;
    regs->rax = context->rax;
    regs->rbx = context->rbx;
    regs->rcx = context->rcx;
    regs->rdx = context->rdx;
    regs->rsi = context->rsi;
    regs->rdi = context->rdi;
    regs->rbp = context->rbp;
    regs->r8 = context->r8;
    regs->r9 = context->r9;
    regs->r10 = context->r10;
    regs->r11 = context->r11;
    regs->r12 = context->r12;
    regs->r13 = context->r13;
    regs->r14 = context->r14;
    regs->r15 = context->r15;
    regs->fs_base = context->fs_base;
    regs->gs_base = context->gs_base;
    if (context->vector >= CONTEXT_GUEST_SYSCALL) {  // SYSCALL has overwritten these two
        regs->rcx = context->rip;
        regs->r11 = context->rflags;
    }
}

// Each field of `regs`, which may be memory of user space, is read once.
void hal_context_write(struct arch_context *context, const struct thread_regs *regs)
{
    const volatile struct thread_regs *from = regs;
    context->rip = user_address(from->rip);
    context->rsp = user_address(from->rsp);
    context->rflags = (from->rflags & RFLAGS_USER) | RFLAGS_ONE | RFLAGS_IF;
    context->cs = USER_CS;
    context->ss = USER_SS;
    context->rax = from->rax;
    context->rbx = from->rbx;
    context->rcx = from->rcx;
    context->rdx = from->rdx;
    context->rsi = from->rsi;
    context->rdi = from->rdi;
    context->rbp = from->rbp;
    context->r8 = from->r8;
    context->r9 = from->r9;
    context->r10 = from->r10;
    context->r11 = from->r11;
    context->r12 = from->r12;
    context->r13 = from->r13;
    context->r14 = from->r14;
    context->r15 = from->r15;
    context->fs_base = user_address(from->fs_base);
    context->gs_base = user_address(from->gs_base);
    context->vector = 0;
    if (THIS_CPU->current == context) {
        x86_fs_base_load(context->fs_base);
    }
    if (THIS_CPU->gs_owner == context) {
        THIS_CPU->gs_owner = THIS_CPU->idle;
    }
}

void hal_context_forget(struct arch_context *context)
{
    if (THIS_CPU->current == context) {
        hal_switch_idle();
    }
    if (THIS_CPU->gs_owner == context) {
        THIS_CPU->gs_owner = THIS_CPU->idle;
    }
}
