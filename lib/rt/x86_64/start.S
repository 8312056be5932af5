// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// x86_64: first instructions of the root task.  RDI holds struct root_info, RSP the end of the stack.
    .text
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call rt_start_root
    ud2
    .size _start, . - _start
    .section .note.GNU-stack, "", @progbits
