// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// First and last instructions of the probe, and one write that may fault.
#define KERNEL_CPU_BASE 0xffffffffc0000000
    .section .text.entry, "ax"
    .globl probe_start
probe_start:
    testq %rsi, %rsi
    jnz probe_other
    leaq probe_stack_top(%rip), %rsp
    pushfq
    popq %rdx
    call probe_main                 // does not return

// Another CPU: says that it came, in the first word of its area's last data page.
probe_other:
    movq %rsi, %rax
    shlq $17, %rax
    movq $KERNEL_CPU_BASE + 0x10000, %rcx
    movq %rdi, (%rcx, %rax)
1:  pause
    jmp 1b

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
