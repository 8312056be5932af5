// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What entry.S needs to know of C's structures and constants.  Compiled to assembly, from which
// offsets.py makes offsets.h.
#include "x86.h"

#include <arch/context.h>
#include <arch/patch.h>
#include <arch/percpu.h>

#include <abi/message.h>

#include <stddef.h>

enum {
#define DEBUG_SYSCALL(number, name, arguments, fails, text)
#define SYSCALL(number, name, arguments, fails, text) SYS_##name = (number),
#include <abi/syscalls.def>
#undef SYSCALL
#undef DEBUG_SYSCALL
};
_Static_assert(SYS_call == 0 && SYS_reply_recv == 1,
               "entry.S tells them apart with one comparison");

// Exceptions for which the CPU pushes an error code (Intel SDM vol. 3A, table 6-1; AMD APM vol.
// 2, 8.2).
#define EXCEPTIONS_WITH_ERROR \
 (1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30)
#define EXCEPTIONS_ON_IST \
 (1 << VECTOR_NMI | 1 << VECTOR_DEBUG | 1 << VECTOR_DOUBLE | 1 << VECTOR_MACHINE)

#define VALUE(name, value) __asm__ volatile(".ascii \"->" #name " %c0\"" : : "i"(value))

void offsets(void);
void offsets_patch(void);

void offsets(void)
{
#define FIELD(name, structure, field) VALUE(name, offsetof(struct structure, field))
    FIELD(PERCPU_CURRENT, hal_percpu, current);
    FIELD(PERCPU_GS_OWNER, hal_percpu, gs_owner);
    FIELD(PERCPU_STACK, hal_percpu, stack);
    FIELD(PERCPU_GUEST, hal_percpu, guest);
    FIELD(PERCPU_SCRATCH, hal_percpu, tss.scratch);
    FIELD(PERCPU_SELF, hal_percpu, self);
    FIELD(PERCPU_CR3, hal_percpu, cr3);
    VALUE(ENTRY_KERNEL_CR3, AREA_ENTRY + offsetof(struct x86_entry, kernel_cr3));
    VALUE(ENTRY_FRAME, AREA_ENTRY + offsetof(struct x86_entry, frame));
#define FROM_CR3(field) \
 (offsetof(struct x86_entry_stack, field) - offsetof(struct x86_entry_stack, cr3))
    VALUE(IST_RAX, FROM_CR3(rax));
    VALUE(IST_FRAME, FROM_CR3(frame));
    VALUE(IST_STACK, FROM_CR3(stack));
    VALUE(IST_KERNEL_CR3, FROM_CR3(kernel_cr3));
    FIELD(CTX_GUEST, arch_context, guest);
    FIELD(CTX_GS_BASE, arch_context, gs_base);
    FIELD(CTX_R15, arch_context, r15);
    FIELD(CTX_VECTOR, arch_context, vector);
    FIELD(CTX_RIP, arch_context, rip);
    FIELD(CTX_RFLAGS, arch_context, rflags);
    FIELD(CTX_RSP, arch_context, rsp);
    // Inside what a trap has pushed, from `vector` up.
#define TRAP(NAME, field) \
 VALUE(TRAP_##NAME, offsetof(struct arch_context, field) - offsetof(struct arch_context, vector))
    TRAP(ERROR, error);
    TRAP(RIP, rip);
    TRAP(CS, cs);
    TRAP(RFLAGS, rflags);
    TRAP(RSP, rsp);
    TRAP(SS, ss);
    VALUE(CTX_BYTES, sizeof(struct arch_context));
    VALUE(GDT_KERNEL_DATA, GDT_KERNEL_DATA);
    VALUE(CONTEXT_SYSCALL, CONTEXT_SYSCALL);
    VALUE(CONTEXT_GUEST_SYSCALL, CONTEXT_GUEST_SYSCALL);
    VALUE(CONTEXT_INTERRUPT, CONTEXT_INTERRUPT);
    VALUE(VECTOR_EXTERNAL, VECTOR_EXTERNAL);
    VALUE(VECTOR_END, VECTOR_END);
    VALUE(EXCEPTIONS_WITH_ERROR, EXCEPTIONS_WITH_ERROR);
    VALUE(EXCEPTIONS_ON_IST, EXCEPTIONS_ON_IST);
    VALUE(SYS_reply_recv, SYS_reply_recv);
    VALUE(SYS_send, SYS_send);
    VALUE(SYS_signal, SYS_signal);
    VALUE(RFLAGS_IF, RFLAGS_IF);
    VALUE(VECTOR_FLUSH, VECTOR_FLUSH);
    VALUE(LOCK_NEXT, offsetof(struct hal_lock, next));
    VALUE(LOCK_SERVING, offsetof(struct hal_lock, serving));
    VALUE(KERNEL_CPU_BASE, KERNEL_CPU_BASE);
    VALUE(KERNEL_CPU_BYTES, KERNEL_CPU_BYTES);
    VALUE(AREA_SHIFT, __builtin_ctzll(KERNEL_CPU_BYTES));
    VALUE(AREA_STACK_END, AREA_STACK_END);
    VALUE(AREA_PERCPU, AREA_PERCPU);
}

void offsets_patch(void)
{
    VALUE(PATCH_SMAP, PATCH_SMAP);
    VALUE(PATCH_PTI, PATCH_PTI);
    VALUE(PATCH_VERW, PATCH_VERW);
    VALUE(PATCH_FENCE, PATCH_FENCE);
    VALUE(PATCH_UNLESS, PATCH_UNLESS);
    VALUE(PATCH_JUMP, PATCH_JUMP);
    VALUE(PATCH_NOP, PATCH_NOP);
}
