// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// x86_64: first instructions of a program that rt_program_load started.  RDI holds its argument word.
    .text
    .globl rt_program_entry
    .type rt_program_entry, @function
rt_program_entry:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call rt_start_program
    ud2
    .size rt_program_entry, . - rt_program_entry
    .section .note.GNU-stack, "", @progbits
