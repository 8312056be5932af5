// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The measured code.  A path NAME is what is executed from the instruction at the label
// path_begin.NAME to before the one at path_end.NAME, whoever executes it; bench/analyse.py finds
// the labels in the symbol table, so that marks cost nothing.  Each path holds the whole stub of the
// system call, arguments included, as a program in C would have it.
//
// Workers run in address spaces and on capability tables of their own (worker.h), with nothing
// mapped but this code and their page.  They are in assembly so that gcc and clang measure the same.
#include "worker.h"

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
    .globl worker_\name
    .balign 64
worker_\name:
    .endm

    .macro trap number
    movl $\number, %eax
    syscall
    .endm

    // The end of a round: the next one at 1b, or done.
    .macro next_round
    decl (%rsp)
    jnz 1b
    jmp finish
    .endm

    .section .text.workers, "ax", @progbits
    .balign 4096
    .globl workers_start, workers_end
workers_start:

// What is under way ends here without a sample.
    .globl path_drop
path_drop:
finish:
    movl $WORKER_DONE, %edi
    trap SYS_signal
    movl $WORKER_NOTIFICATION, %edi
    trap SYS_wait
    ud2

// --- call and reply_recv ------------------------------------------------------------------------

// A client and its server.  `length` is that of the messages, both ways.
    .macro client name, call, reply, trip, length, vector
    entry \name
1:
    .if \vector
    addps %xmm0, %xmm0
    .endif
    begin \call
    begin \trip
    movl $WORKER_ENDPOINT, %edi
    movl $\length, %esi
    trap SYS_call
    end \reply
    end \trip
    next_round
    .endm

    .macro server name, call, reply, length, vector
    entry \name
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    movl $WORKER_REPLY, %edx
    trap SYS_recv
    jmp 2f
1:
    .if \vector
    addps %xmm0, %xmm0
    .endif
    begin \reply
    movl $WORKER_ENDPOINT, %edi
    movl $\length, %esi
    movl $WORKER_REPLY, %edx
    trap SYS_reply_recv
2:
    end \call
    jmp 1b
    .endm

    client client, ipc.call, ipc.reply_recv, ipc.round_trip, 0, 0
    server server, ipc.call, ipc.reply_recv, 0, 0
    client client_vector, ipc.call.vector, ipc.reply_recv.vector, ipc.round_trip.vector, 0, 1
    server server_vector, ipc.call.vector, ipc.reply_recv.vector, 0, 1
    client client_10, ipc.call_10, ipc.reply_recv_10, ipc.round_trip_10, 10, 0
    server server_10, ipc.call_10, ipc.reply_recv_10, 10, 0
    client client_64, ipc.call_64, ipc.reply_recv_64, ipc.round_trip_64, 64, 0
    server server_64, ipc.call_64, ipc.reply_recv_64, 64, 0
    client client_10_vector, ipc.call_10.vector, ipc.reply_recv_10.vector, \
        ipc.round_trip_10.vector, 10, 1
    server server_10_vector, ipc.call_10.vector, ipc.reply_recv_10.vector, 10, 1

// --- waking a thread of higher priority ---------------------------------------------------------

    entry sender
1:
    begin ipc.send_high
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    trap SYS_send
    next_round

    entry receiver
1:
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    trap SYS_recv
    end ipc.send_high
    jmp 1b

// Blocks in a send that nobody receives, for ever.
    entry blocker
1:
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    trap SYS_send
    jmp 1b

    entry signaller
1:
    begin signal.high
    movl $WORKER_NOTIFICATION, %edi
    trap SYS_signal
    next_round

    entry waiter
1:
    movl $WORKER_NOTIFICATION, %edi
    trap SYS_wait
    end signal.high
    jmp 1b

// --- interrupts ---------------------------------------------------------------------------------

// Spins for ever; the path begins with the first instruction of the kernel after one in between.
    entry spinner
    .globl path_low.irq.user, path_high.irq.user
path_low.irq.user:
1:
    pause
    jmp 1b
path_high.irq.user:

    entry irq_waiter
1:
    movl $WORKER_NOTIFICATION, %edi
    trap SYS_wait
    end irq.user
    movl $WORKER_DONE, %edi
    trap SYS_signal
    jmp 1b

// --- yield, null --------------------------------------------------------------------------------

// Two threads run the same code: one's beginning ends at the other's end.
    .macro yielder name, path
    entry \name
1:
    begin \path
    trap SYS_yield
    end \path
    next_round
    .endm

    yielder yielder, yield
    yielder yielder_near, yield.near

    entry null
1:
    begin syscall.null
    trap SYS_null
    end syscall.null
    next_round

// --- faults of native threads -------------------------------------------------------------------

// Nothing is ever mapped there, so that each answer makes it fault again.
    entry faulter
    movabsq $GUEST_HOLE, %rdi
    begin fault.round_trip
    end fault.round_trip
    movb (%rdi), %al
    ud2

    entry fault_handler
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    movl $WORKER_REPLY, %edx
    trap SYS_recv
1:
    decl (%rsp)
    jz finish
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    movl $WORKER_REPLY, %edx
    trap SYS_reply_recv
    jmp 1b

// --- guests -------------------------------------------------------------------------------------

    .macro guest_syscaller name, path, vector
    entry \name
1:
    .if \vector
    addps %xmm0, %xmm0
    .endif
    movl $39, %eax
    begin \path
    syscall
    end \path
    jmp 1b
    .endm

    .macro guest_syscall_handler name
    entry \name
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    trap SYS_recv
1:
    decl (%rsp)
    jz finish
    movl $1, %ebx                   // the result
    movl $WORKER_ENDPOINT, %edi
    movl $TAG_WITH_RESULT, %esi
    movl $WORKER_GUEST, %edx
    trap SYS_reply_recv
    jmp 1b
    .endm

    guest_syscaller guest_syscaller, guest.syscall_round_trip, 0
    guest_syscall_handler guest_syscall_handler
    guest_syscaller guest_vector_syscaller, guest.syscall_round_trip.vector, 1
    guest_syscall_handler guest_vector_syscall_handler

    entry guest_faulter
    movabsq $GUEST_HOLE, %rdi
1:
    begin guest.fault_map
    movb (%rdi), %al
    end guest.fault_map
    addq $4096, %rdi
    jmp 1b

// Maps page k of its frame at page k of the hole.
    entry guest_fault_handler
    movl $WORKER_ENDPOINT, %edi
    xorl %esi, %esi
    xorl %edx, %edx
    trap SYS_recv
1:
    decl (%rsp)
    jz finish
    movq %rbx, %r12
    andq $-4096, %r12               // word 2: the page's address
    movabsq $GUEST_HOLE, %rcx
    movq %r12, %r13
    subq %rcx, %r13
    shrq $12, %r13
    btsq $32, %r13                  // word 3: its number in the frame, one page
    movl $WORKER_FRAME, %ebp        // word 1
    movl $PROT_OF_MAPPING, %r14d    // word 4
    movl $WORKER_ENDPOINT, %edi
    movl $TAG_WITH_MAPPING, %esi
    movl $WORKER_GUEST, %edx
    trap SYS_reply_recv
    jmp 1b

    .balign 4096
workers_end:

// --- invocations of the root task ---------------------------------------------------------------

    .macro measured name, path
    .section .text.\name, "ax", @progbits
    .globl \name
\name:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdx
    movq (%rdx), %rbx
    movq 8(%rdx), %rbp
    movq 16(%rdx), %r12
    movq 24(%rdx), %r13
    movq 32(%rdx), %r14
    movq 40(%rdx), %r15
    begin \path
    trap SYS_invoke
    end \path
    popq %rdx
    movq %rbx, (%rdx)
    movq %rbp, 8(%rdx)
    movq %r12, 16(%rdx)
    movq %r13, 24(%rdx)
    movq %r14, 32(%rdx)
    movq %r15, 40(%rdx)
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
    .endm

    measured measured_map_range, map.range
    measured measured_fork_copy, fork.copy
    measured measured_worst, worst

    .section .text.measured_map_batch, "ax", @progbits
    .globl measured_map_batch
measured_map_batch:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    begin map.batch
    trap SYS_invoke_batch
    end map.batch
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
