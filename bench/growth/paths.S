// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The measured operations: what is executed between path_begin.NAME and path_end.NAME.  Threads run
// without a stack on the driver's table, one round each time that they are signalled.
#include "growth.h"

#define SYSCALL(number, name, args, fails, text) .set SYS_##name, number;
#define DEBUG_SYSCALL(number, name, args, fails, text)
#include <abi/syscalls.def>

    .macro begin name
    .globl path_begin.\name
path_begin.\name:
    .endm

    .macro end name
    .globl path_end.\name
path_end.\name:
    .endm

    .macro entry name
    .globl growth_\name
growth_\name:
    .endm

    .macro trap number
    movl $\number, %eax
    syscall
    .endm

    .macro wait slot
    movl $\slot, %edi
    trap SYS_wait
    .endm

    .text
    entry client
1:  wait SLOT_GO_CLIENT
    begin call
    movl $SLOT_CALLED, %edi
    xorl %esi, %esi
    trap SYS_call
    end reply_recv
    jmp 1b

    entry server
    movl $SLOT_CALLED, %edi
    xorl %esi, %esi
    movl $SLOT_REPLY, %edx
    trap SYS_recv
    jmp 2f
1:  begin reply_recv
    movl $SLOT_CALLED, %edi
    xorl %esi, %esi
    movl $SLOT_REPLY, %edx
    trap SYS_reply_recv
2:  end call
    jmp 1b

// Begun anew for each round.
    entry faulter
    xorl %edi, %edi
    begin fault
    movb (%rdi), %al
    ud2

// Leaves whoever faults suspended.
    entry handler
    movl $SLOT_FAULTS, %edi
    xorl %esi, %esi
    movl $SLOT_FAULT_REPLY, %edx
    trap SYS_recv
    jmp 2f
1:  movl $SLOT_FAULTS, %edi
    movl $0x10000, %esi
    movl $SLOT_FAULT_REPLY, %edx
    trap SYS_reply_recv
2:  end fault
    jmp 1b

    entry signaller
1:  wait SLOT_GO_SIGNALLER
    begin signal
    movl $SLOT_SIGNALLED, %edi
    trap SYS_signal
    jmp 1b

    entry waiter
1:  movl $SLOT_SIGNALLED, %edi
    trap SYS_wait
    end signal
    jmp 1b

// One of the two yields to the other, which waits then.
    entry yielder
1:  wait SLOT_GO_YIELDER
    begin yield
    trap SYS_yield
    jmp 1b

    entry other
1:  wait SLOT_GO_OTHER
    nop
    end yield
    jmp 1b

// Spins until the timer interrupts it in favour of the one below.
    entry spinner
    .globl path_low.timer_fire, path_high.timer_fire
path_low.timer_fire:
1:  pause
    jmp 1b
path_high.timer_fire:

    entry timed
1:  wait SLOT_TIMED
    end timer_fire
    movl $SLOT_DONE, %edi
    trap SYS_signal
    jmp 1b

// Waits with others until it is received, and then again.
    entry sender
1:  movl $SLOT_WAITED, %edi
    xorl %esi, %esi
    trap SYS_send
    jmp 1b

    entry receive
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    begin receive_waiting
    movl $SLOT_WAITED, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    trap SYS_recv
    end receive_waiting
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

// Invocations of the driver: slot, tag, words.
    .macro measured name
    entry \name
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq (%rdx), %rbx
    movq 8(%rdx), %rbp
    movq 16(%rdx), %r12
    movq 24(%rdx), %r13
    movq 32(%rdx), %r14
    movq 40(%rdx), %r15
    begin \name
    trap SYS_invoke
    end \name
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .endm

    measured copy
    measured mint
    measured delete
    measured retype
    measured destroy
    measured map
    measured set_priority
    measured timer_arm
    measured timer_cancel
    measured revoke

    .section .note.GNU-stack, "", @progbits
