// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The ways into the kernel and out of it.  Relies on boot.c for the tables, on context.h for the layout of a context.
//
// Whatever calls the core takes the kernel lock first, once the registers of user mode are in their context, and drops it on the way
// out, once everything of the context that was left is there too (its GS base is the last).  What is loaded after that belongs to the
// context that is resumed, which no other CPU writes while this one runs it.
//
// Interrupts are off throughout, except in two places: hal_interrupt_window (irq.c) and the idle halt below.
// While the kernel runs GS is its per-CPU structure; handlers on stacks of their own (ist_common) may come at any instruction and
// therefore neither use nor change it.
#include "offsets.h"

// What a trap has pushed when its stub ends in trap_common or ist_common: vector, error code, RIP, CS, RFLAGS, RSP, SS.
// These two continue and undo it, in the order of struct arch_context.
    .macro push_registers
    .irp reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
    pushq %\reg
    .endr
    .endm

    .macro pop_registers
    .irp reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
    popq %\reg
    .endr
    .endm

    // Where a context has its registers, as symbols of the assembler.
    .set place, CTX_R15
    .irp reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
    .set CTX_\reg, place
    .set place, place + 8
    .endr

    // What lies between the labels 1 and 2 before it becomes a jump, a call or nothing (arch/patch.h).
    .macro patch when, how, target=1b
    .pushsection .patch, "a"
    .long 1b - .
    .long \target - .
    .long \when
    .byte \how, 2b - 1b, 0, 0
    .popsection
    .endm

    .macro clac_if_smap
1:  clac
2:  patch PATCH_SMAP << PATCH_UNLESS, PATCH_NOP
    .endm

// A ticket lock: whoever takes it draws a number and waits for it to be called.  RCX and R11 are lost.
    .macro lock_take
    movl $1, %ecx
    lock xaddl %ecx, hal_lock + LOCK_NEXT(%rip)
    cmpl hal_lock + LOCK_SERVING(%rip), %ecx
    jne 8f
9:
    .subsection 1
8:  call lock_wait
    jmp 9b
    .previous
    .endm

    .macro lock_drop
    incl hal_lock + LOCK_SERVING(%rip)
    .endm

    .macro function name
    .globl \name
    .type \name, @function
\name:
    .endm

// ---- boot ---------------------------------------------------------------------------------------

    .section .text.boot, "ax"
// RDI: the description of the machine, RSI: the number of this CPU.
function _start
    movq %rsi, %rax
    shlq $AREA_SHIFT, %rax
    leaq AREA_STACK_END(%rax), %rsp
    movq $KERNEL_CPU_BASE, %rax
    addq %rax, %rsp
    xorl %ebp, %ebp
    pushq %rdi
    pushq %rsi
    call boot_start                 // waits until it is this CPU's turn
    lock_take
    popq %rsi
    popq %rdi
    call kernel_boot
    jmp resume

// ---- SYSCALL ------------------------------------------------------------------------------------

// What a native system call returns beside the message words; nothing of the kernel's may stay in a register.
    .macro return_from_syscall
    movq CTX_rax(%rdx), %rax
    movq CTX_rdi(%rdx), %rdi
    movq CTX_rsi(%rdx), %rsi
    movq CTX_RIP(%rdx), %rcx
    movq CTX_RFLAGS(%rdx), %r11
    movq CTX_RSP(%rdx), %rsp
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %edx, %edx
1:  xorl %r10d, %r10d
    sysretq
2:  patch PATCH_PTI | PATCH_VERW, PATCH_JUMP, sysret_patched
    .endm

// Where RDX is loaded, for the way out: under isolation R10 then has the user's CR3 too.
    .macro load_rdx from
1:  movq %gs:\from, %rdx
2:  patch PATCH_PTI, PATCH_JUMP, 3f
    .subsection 1
3:  movq %gs:\from, %rdx
    movq %gs:PERCPU_CR3, %r10
    jmp 2b
    .previous
    .endm

    .section .text.entry, "ax"
    .balign 64
function syscall_entry
    swapgs
.Lsyscall_entered:
    cmpb $0, %gs:PERCPU_GUEST
    jne syscall_guest
    movq %gs:PERCPU_CURRENT, %r8
    movq %rsp, CTX_RSP(%r8)
    movq %rcx, CTX_RIP(%r8)
    movq %r11, CTX_RFLAGS(%r8)
    movq $CONTEXT_SYSCALL, CTX_VECTOR(%r8)
    movq %gs:PERCPU_STACK, %rsp
    lock_take
    cmpq $SYS_signal, %rax
    jae syscall_light
#if FAST_PATH
    cmpq $SYS_reply_recv, %rax
    jb kernel_fast_call             // the only number below
    je kernel_fast_reply_recv
    cmpq $SYS_send, %rax
    je kernel_fast_send
#endif
syscall_save:
    .irp reg, rdi, rsi, rdx, rax, rbx, rbp, r12, r13, r14, r15
    movq %\reg, CTX_\reg(%r8)
    .endr
    movq %r8, %rdi
    call kernel_syscall

    jmp resume

// A system call without message words: they stay in their registers, which C preserves, unless another context is resumed.
syscall_light:
    movq %rdi, CTX_rdi(%r8)
    movq %rsi, CTX_rsi(%r8)
    movq %r8, %rdi
    movq %rax, %rsi
    call kernel_syscall_light
    load_rdx PERCPU_GS_OWNER
    cmpq %gs:PERCPU_CURRENT, %rdx
    je 1f
    .irp reg, rbx, rbp, r12, r13, r14, r15
    movq %\reg, CTX_\reg(%rdx)
    .endr
    jmp resume
1:  lock_drop
    swapgs
    return_from_syscall

// ---- exit: resume the current context -----------------------------------------------------------

// Where the context is the one that entered the kernel, C has kept the registers of the message words.
function resume
    load_rdx PERCPU_CURRENT
    cmpq %gs:PERCPU_GS_OWNER, %rdx
    jne resume_other
    lock_drop
    swapgs
    cmpq $CONTEXT_SYSCALL, CTX_VECTOR(%rdx)
    jne 4f
    return_from_syscall
4:  ja resume_words

// From the context itself, which is a stack for a moment; what may interrupt here has a stack of its own.
resume_all:
1:  {disp32} leaq CTX_R15(%rdx), %rsp
2:  patch PATCH_PTI | PATCH_VERW, PATCH_JUMP, resume_patched
    pop_registers
    cmpq $CONTEXT_GUEST_SYSCALL, (%rsp)
    je 1f
    addq $TRAP_RIP, %rsp
    iretq
1:  movq TRAP_RIP(%rsp), %rcx
    movq TRAP_RFLAGS(%rsp), %r11
    movq TRAP_RSP(%rsp), %rsp
    sysretq

// Another context than the one that ran last in user mode: exchange the GS bases.
resume_other:
    movq %gs:PERCPU_GS_OWNER, %rcx
    movq %rdx, %gs:PERCPU_GS_OWNER
    movb CTX_GUEST(%rdx), %al
    movb %al, %gs:PERCPU_GUEST
    swapgs
    rdgsbase %rax
    movq %rax, CTX_GS_BASE(%rcx)
    lock_drop
    movq CTX_GS_BASE(%rdx), %rax
    wrgsbase %rax
    cmpq $CONTEXT_SYSCALL, CTX_VECTOR(%rdx)
    jb resume_all
resume_words:
    .irp reg, rbx, rbp, r12, r13, r14, r15
    movq CTX_\reg(%rdx), %\reg
    .endr
    return_from_syscall

// The context that has nothing to do is here, in kernel mode with interrupts off.  An interrupt finds RIP at idle_halted: HLT follows
// STI without a gap.
function idle_entry
    swapgs
1:  sti
    hlt
idle_halted:
    cli                             // after an NMI
    jmp 1b

// RDI slot, RSI tag, RDX third, RCX number, R8 context; message words in their registers.
function hal_syscall_slow
    movq %gs:PERCPU_STACK, %rsp
    movq %rcx, %rax
    jmp syscall_save

// A guest's system call: every register is kept.
syscall_guest:
    movq %rsp, %gs:PERCPU_SCRATCH
    movq %gs:PERCPU_CURRENT, %rsp
    movq %rcx, CTX_RIP(%rsp)
    movq %r11, CTX_RFLAGS(%rsp)
    movq $CONTEXT_GUEST_SYSCALL, CTX_VECTOR(%rsp)
    .irp reg, rdi, rsi, rdx, rax, r8, r9, r10, rbx, rbp, r12, r13, r14, r15
    movq %\reg, CTX_\reg(%rsp)
    .endr
    movq %rsp, %rdi
    movq %gs:PERCPU_SCRATCH, %rax
    movq %rax, CTX_RSP(%rdi)
    movq %gs:PERCPU_STACK, %rsp
    lock_take
#if FAST_PATH
    call kernel_fast_guest          // comes back where it refuses
    movq %gs:PERCPU_CURRENT, %rdi
#endif
    call kernel_syscall_guest
    jmp resume

// ---- exceptions and interrupts ------------------------------------------------------------------

// From user mode RSP is inside the current context (TSS.RSP0), from kernel mode on the kernel's stack.
    .macro trap_from_user label
1:  testb $3, TRAP_CS(%rsp)
2:  patch PATCH_FENCE | PATCH_PTI, PATCH_JUMP, trap_patched
    jz trap_kernel
    swapgs
\label:
    push_registers
    clac_if_smap
    cld
    .endm

trap_common:
    trap_from_user .Ltrap_entered
    leaq -CTX_R15(%rsp), %rdi
.Ltrap_take:
    movq %gs:PERCPU_STACK, %rsp
    lock_take
    call trap_user
    jmp resume

// From kernel mode: an interrupt while halted or in the window, or a bug of the kernel's.
trap_kernel:
    cmpq $CONTEXT_INTERRUPT, (%rsp)
    jne trap_bug
    movzbl TRAP_ERROR(%rsp), %edi
    cmpq $idle_halted, TRAP_RIP(%rsp)
    je .Linterrupt_take
    // hal_interrupt_window: it expects its scratch registers lost, EAX not zero, and interrupts off.
    andl $~RFLAGS_IF, TRAP_RFLAGS(%rsp)
    subq $8, %rsp
    call interrupt_postpone
    movl $1, %eax
    addq $8 + TRAP_RIP, %rsp
    iretq
trap_bug:
    push_registers
    cld
    leaq -CTX_R15(%rsp), %rdi
    call trap_fatal

// NMI, #DB, #DF, #MC: on stacks of one page each, in the area of this CPU.
// Return whence they came, unless the C code names a context (a trap of user mode) to go on with as such.
ist_common:
    push_registers
    clac_if_smap
    cld
    leaq -CTX_R15(%rsp), %rdi
    movq %rsp, %rsi
    andq $-KERNEL_CPU_BYTES, %rsi
    addq $AREA_PERCPU, %rsi
    call trap_ist
    testq %rax, %rax
    jnz 3f
    pop_registers
1:  addq $TRAP_RIP, %rsp
    iretq
2:  patch PATCH_PTI, PATCH_JUMP, ist_return_isolated
3:  movq %rax, %rdi
    swapgs
    jmp .Ltrap_take

// One stub of 16 bytes for each exception; those for which the CPU pushes no error code push a zero.
    .balign 16
function exception_stubs
    .set number, 0
    .rept VECTOR_EXTERNAL
    .balign 16
    .if !((EXCEPTIONS_WITH_ERROR >> number) & 1)
    pushq $0
    .endif
    pushq $number
    .if (EXCEPTIONS_ON_IST >> number) & 1
1:  {disp32} jmp ist_common
2:  patch PATCH_PTI, PATCH_JUMP, ist_isolated
    .else
    jmp trap_common
    .endif
    .set number, number + 1
    .endr

// One of 8 bytes for each interrupt vector, which stands where an exception has its error code.
    .balign 16
function interrupt_stubs
    .set number, VECTOR_EXTERNAL
    .rept VECTOR_END - VECTOR_EXTERNAL
    .balign 8
    .if number < 128
    pushq $number
    .else
    pushq $number - 256
    .endif
    jmp interrupt_common
    .set number, number + 1
    .endr
interrupt_common:
    pushq $CONTEXT_INTERRUPT
    trap_from_user .Linterrupt_entered
    movzbl TRAP_ERROR + CTX_VECTOR - CTX_R15(%rsp), %edi
.Linterrupt_take:
    movq %gs:PERCPU_STACK, %rsp
    lock_take
    call interrupt_handle
    jmp resume

// Another CPU, which has the lock, waits for this one to forget translations: served without the lock, and back.
function flush_stub
    pushq $VECTOR_FLUSH
    pushq $CONTEXT_INTERRUPT
    trap_from_user .Lflush_entered
    movq %gs:PERCPU_STACK, %rsp
    call flush_interrupt
    movq %gs:PERCPU_CURRENT, %rdx
    swapgs
    jmp resume_all

// ---- where user mode runs without the kernel's mappings, and other ways out ---------------------

// What user mode's translations have of the kernel is this section, the descriptor tables and the page of the per-CPU structure: until
// CR3 is the kernel's, and from when it is the user's, nothing else is touched.  RSP is the one register at hand.
    .macro enter_user_space with
1:  movq %\with, %cr3
2:  patch PATCH_PTI << PATCH_UNLESS, PATCH_NOP
1:  verw verw_selector(%rip)
2:  patch PATCH_VERW << PATCH_UNLESS, PATCH_NOP
    .endm

function syscall_isolated
    swapgs
    movq %rsp, %gs:PERCPU_SCRATCH
    movq %gs:ENTRY_KERNEL_CR3, %rsp
    movq %rsp, %cr3
    movq %gs:PERCPU_SCRATCH, %rsp
    jmp .Lsyscall_entered

// In place of the end of a native return: R10 is the user's CR3.
function sysret_patched
    enter_user_space r10
    xorl %r10d, %r10d
    sysretq

// A trap: nothing runs ahead of the decision about GS.  Under isolation one of user mode was pushed into the page of the per-CPU
// structure: move it to the context.
trap_patched:
    testb $3, TRAP_CS(%rsp)
    jz 3f
    swapgs
    lfence
1:  movq %gs:ENTRY_KERNEL_CR3, %rsp
2:  patch PATCH_PTI << PATCH_UNLESS, PATCH_JUMP, 4f
    movq %rsp, %cr3
    movq %gs:PERCPU_CURRENT, %rsp
    addq $CTX_BYTES, %rsp
    .irp word, TRAP_SS, TRAP_RSP, TRAP_RFLAGS, TRAP_CS, TRAP_RIP, TRAP_ERROR, 0
    pushq %gs:ENTRY_FRAME + \word
    .endr
4:  cmpq $CONTEXT_INTERRUPT, (%rsp)
    jne .Ltrap_entered
    cmpb $VECTOR_FLUSH, TRAP_ERROR(%rsp)
    jne .Linterrupt_entered
    jmp .Lflush_entered
3:  lfence
    jmp trap_kernel

// And back.  GS is the user's already.
resume_patched:
    swapgs
    .irp word, TRAP_SS, TRAP_RSP, TRAP_RFLAGS, TRAP_CS, TRAP_RIP
    movq CTX_VECTOR + \word(%rdx), %rax
    movq %rax, %gs:ENTRY_FRAME + \word
    .endr
    cmpq $CONTEXT_GUEST_SYSCALL, CTX_VECTOR(%rdx)
    jne 3f
    movq %rax, CTX_rcx(%rdx)        // as SYSRET would
    movq CTX_RFLAGS(%rdx), %rax
    movq %rax, CTX_r11(%rdx)
3:  leaq CTX_R15(%rdx), %rsp
    pop_registers
    movq %gs:PERCPU_CR3, %rsp
    enter_user_space rsp
    movq %gs:PERCPU_SELF, %rsp
    addq $ENTRY_FRAME + TRAP_RIP, %rsp
    swapgs
    iretq

// From a small stack in the page of the per-CPU structure, with whatever CR3, to the stack that the others use.  The small stack keeps
// what came from and CR3; of the registers nothing stays behind.
ist_isolated:
    pushq %rax
    movq %cr3, %rax
    pushq %rax
    movq IST_KERNEL_CR3(%rsp), %rax
    movq %rax, %cr3
    movq %rsp, %rax
    movq IST_STACK(%rax), %rsp
    pushq %rax
    .irp word, TRAP_SS, TRAP_RSP, TRAP_RFLAGS, TRAP_CS, TRAP_RIP, TRAP_ERROR, 0
    pushq IST_FRAME + \word(%rax)
    .endr
    pushq IST_RAX(%rax)
    movq $0, IST_RAX(%rax)
    popq %rax
    jmp ist_common

ist_return_isolated:
    movq TRAP_SS + 8(%rsp), %rsp
    pushq %rax
    movq 8(%rsp), %rax
    movq %rax, %cr3
    popq %rax
    movq $0, -8(%rsp)
    addq $IST_FRAME + TRAP_RIP, %rsp
    iretq

verw_selector:
    .word GDT_KERNEL_DATA

// ---- indirect branches --------------------------------------------------------------------------

// In place of CALL *%RAX: what the CPU predicts from its return stack ends in the loop.
function retpoline
    call 1f
2:  pause
    lfence
    jmp 2b
1:  movq %rax, (%rsp)
    ret

    .section .note.GNU-stack, "", @progbits
