// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// x86_64: first instructions of a component's threads.  RDI holds struct component_info, RSI the number of
// the thread, RSP the end of its stack.
    .text
    .globl rt_component_entry
    .type rt_component_entry, @function
rt_component_entry:
    xorl %ebp, %ebp
    andq $-16, %rsp
    call rt_start_component
    ud2
    .size rt_component_entry, . - rt_component_entry

// void rt_component_end(uint64_t mark, uint64_t status): what component_exit looks like.
    .globl rt_component_end
    .hidden rt_component_end
    .type rt_component_end, @function
rt_component_end:
    movq %rdi, %rax
    movq %rsi, %rdi
    ud2
    .size rt_component_end, . - rt_component_end
    .section .note.GNU-stack, "", @progbits
