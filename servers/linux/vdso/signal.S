// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a process does itself at both ends of a signal handler, in place of system calls of the
// server: its vector state is saved and loaded by the instructions that the kernel would use.  Both
// can be interrupted anywhere, by signals too.  See sigframe.c.
#include "signal.h"

    .section .text.signal, "ax", @progbits

// A handler begins: RSP is its frame, R11 where it is, EDX:EAX names all components.
    .balign VDSO_SIGNAL_BYTES
    .globl vdso_signal_enter
    .hidden vdso_signal_enter
    .type vdso_signal_enter, @function
vdso_signal_enter:
    .cfi_startproc
    xsave64 VDSO_FRAME_VECTOR(%rsp)
    lea     VDSO_FRAME_CONTEXT(%rsp), %rdx
    mov     $0, %eax
    jmp     *%r11
    .cfi_endproc
    .size vdso_signal_enter, . - vdso_signal_enter

// A handler has returned: RSP is a struct vdso_return, EDX:EAX names all components, and the other
// registers are as before the handler.  Flags and place come below the red zone of what goes on,
// from where RET takes them (IRETQ in user mode: QEMU 7.2 reads the stack as the kernel would, which
// SMAP forbids).  There the frame has ended, and nothing more of it is needed.
    .balign VDSO_SIGNAL_BYTES
    .type vdso_signal_return, @function
vdso_signal_return:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_escape 0x0f, 6, 0x77, VDSO_RETURN_STACK, 0x06, 0x23, 0x90, 0x01    // CFA: *(RSP + this) + 144
    .cfi_escape 0x10, 16, 2, 0x77, VDSO_RETURN_RIP      // registers: at RSP + this
    .cfi_escape 0x10, 0, 2, 0x77, VDSO_RETURN_RAX
    .cfi_escape 0x10, 1, 2, 0x77, VDSO_RETURN_RDX
    xrstor64 VDSO_RETURN_FRAME + VDSO_FRAME_VECTOR(%rsp)
    mov     VDSO_RETURN_STACK(%rsp), %rdx
    mov     VDSO_RETURN_RFLAGS(%rsp), %rax
    mov     %rax, (%rdx)
    mov     VDSO_RETURN_RIP(%rsp), %rax
    mov     %rax, 8(%rdx)
    mov     VDSO_RETURN_RAX(%rsp), %rax
    mov     VDSO_RETURN_RDX(%rsp), %rdx
    mov     VDSO_RETURN_STACK(%rsp), %rsp
    .cfi_def_cfa %rsp, RED_ZONE + 16
    .cfi_offset %rip, -RED_ZONE - 8
    .cfi_same_value %rax
    .cfi_same_value %rdx
    popfq
    .cfi_adjust_cfa_offset -8
    ret     $RED_ZONE
    .cfi_endproc
    .size vdso_signal_return, . - vdso_signal_return

    .section .note.GNU-stack, "", @progbits
