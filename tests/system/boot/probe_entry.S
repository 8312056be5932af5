// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// First and last instructions of the probe, and one write that may fault.
    .section .text.entry, "ax"
    .globl probe_start
probe_start:
    movq %rsp, %rsi                 // the stack that the loader gave
    leaq probe_stack_top(%rip), %rsp
    pushfq
    popq %rdx
    call probe_main                 // does not return

    .text
    .globl probe_write, probe_fault
// int probe_write(volatile void *address): writes back the byte that is there; 1 if that faulted.
probe_write:
    movb (%rdi), %al
    movb %al, (%rdi)
    xorl %eax, %eax
    ret
probe_faulted:
    movl $1, %eax
    ret

// Page fault: go on as if probe_write had returned 1.
probe_fault:
    leaq probe_faulted(%rip), %rax
    addq $8, %rsp
    movq %rax, (%rsp)
    iretq

    .bss
    .balign 16
    .fill 16384
probe_stack_top:

    .section .note.GNU-stack, "", @progbits
