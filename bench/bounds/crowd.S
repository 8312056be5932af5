// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The threads that there are thousands of, which run without a stack (arena.h).
#include "arena.h"

#define SYSCALL(number, name, args, fails, text) .set SYS_##name, number;
#define DEBUG_SYSCALL(number, name, args, fails, text)
#include <abi/syscalls.def>

    .text
    .macro crowd name
    .globl crowd_\name
crowd_\name:
    .endm

// Thread number RSP: what it does ends in a fault, and so suspended.
    crowd sender
    movl $SLOT_ENDPOINT, %edi
    xorl %esi, %esi
    movl $SYS_send, %eax
    syscall
    ud2

    crowd receiver
    movl $SLOT_ENDPOINT, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    movl $SYS_recv, %eax
    syscall
    ud2

    crowd waiter
    movl $SLOT_NOTIFICATION, %edi
    movl $SYS_wait, %eax
    syscall
    ud2

    crowd spinner
1:  jmp 1b

// Lets the driver know that nobody else can run.
    crowd idle
1:  movl $SLOT_DONE, %edi
    movl $SYS_signal, %eax
    syscall
    jmp 1b

// Receives, and calls the next one.
    crowd server
    leaq SLOT_ENDPOINTS(%rsp), %rdi
    xorl %esi, %esi
    leaq SLOT_REPLIES(%rsp), %rdx
    movl $SYS_recv, %eax
    syscall
    leaq SLOT_ENDPOINTS + 1(%rsp), %rdi
    xorl %esi, %esi
    movl $SYS_call, %eax
    syscall
    ud2

// Calls the first server.
    crowd client
    movl $SLOT_ENDPOINTS + 1, %edi
    xorl %esi, %esi
    movl $SYS_call, %eax
    syscall
    ud2

// Destroys itself.
    crowd ender
    movl $SLOT_OWN_TABLE, %edi
    movl $TAG_DELETE, %esi
    leaq SLOT_THREADS - 1(%rsp), %rbx
    movl $SYS_invoke, %eax
    syscall
    ud2

    crowd receiver_again
1:  movl $SLOT_ENDPOINT, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    movl $SYS_recv, %eax
    syscall
    jmp 1b

    .section .note.GNU-stack, "", @progbits
