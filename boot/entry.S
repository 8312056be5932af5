// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The way in (32-bit, paging off, from PVH or Multiboot2), the first page tables, the exception
// stubs, and the way out to the kernel.
//
// Relies on: the state that the Xen PVH ABI (docs/misc/pvh.pandoc of Xen, "x86/HVM direct boot") and
// the Multiboot2 specification (section 3.3) promise; a zeroed .bss.
#include "entry.h"

#define CR0_PE_PG_WP  0x80010001
#define CR4_PAE       0x20
#define MSR_EFER      0xc0000080
#define EFER_LME_BIT  8
#define CPUID_EXT     0x80000001
#define CPUID_LM_BIT  29
#define UART          0x3f8
#define UART_STATUS   (UART + 5)
#define UART_IDLE     0x20
#define UART_PATIENCE 100000
#define PTE_TABLE     0x3
#define PTE_HUGE      0x83
#define CODE64        0x08
#define DATA          0x10
#define CODE32        0x18
#define SMP_STACKS    64            // BOOT_MAX_CPUS
#define SMP_STACK_BYTES 2048

// --- what boot loaders look for ---------------------------------------------------------------

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18                  // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_entry

    .section .multiboot2, "a"
    .balign 8
multiboot2_header:
    .long 0xe85250d6, 0             // magic, architecture i386 (32-bit protected mode)
    .long multiboot2_header_end - multiboot2_header
    .long -(0xe85250d6 + (multiboot2_header_end - multiboot2_header))
    .balign 8
    .short 1, 0                     // must be passed: memory map
    .long 12, 6
    .balign 8
    .short 1, 1                     // wanted where there is one: ACPI roots, EFI memory map
    .long 20, 14, 15, 17
    .balign 8
    .short 3, 0                     // entry address
    .long 12, multiboot2_entry
    .balign 8
    .short 6, 0                     // modules at page boundaries
    .long 8
    .balign 8
    .short 0, 0                     // end
    .long 8
multiboot2_header_end:

// --- 32-bit -------------------------------------------------------------------------------------

    .text
    .code32
    .globl pvh_entry, multiboot2_entry
pvh_entry:
    rdtsc
    movl $PROTOCOL_PVH, %esi
    jmp start
multiboot2_entry:
    movl %eax, %esi                 // the magic names the protocol
    rdtsc
start:
    cli
    cld
    movl %eax, boot_tsc
    movl %edx, boot_tsc + 4
    movl %ebx, %edi                 // the protocol's information
    movl $loader_stack_top, %esp

    movl $0x80000000, %eax
    cpuid
    cmpl $CPUID_EXT, %eax
    jb no_long_mode
    movl $CPUID_EXT, %eax
    cpuid
    btl $CPUID_LM_BIT, %edx
    jnc no_long_mode

    movl $identity_root, %eax
    movl %eax, %cr3
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    btsl $EFER_LME_BIT, %eax
    wrmsr
    movl $CR0_PE_PG_WP, %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $CODE64, $start64

// The only refusal that 64-bit code cannot speak for itself.
no_long_mode:
    movl $no_long_mode_text, %esi
1:  movl $UART_PATIENCE, %ecx
2:  movw $UART_STATUS, %dx
    inb %dx, %al
    testb $UART_IDLE, %al
    jnz 3f
    pause
    loop 2b
3:  lodsb
    testb %al, %al
    jz 4f
    movw $UART, %dx
    outb %al, %dx
    jmp 1b
4:  movb $EXIT_REFUSED, %al
    outb %al, $EXIT_PORT
5:  hlt
    jmp 5b

    .section .rodata
no_long_mode_text:
    .asciz "pith loader: error: this CPU lacks LM (64-bit mode), which Pith needs\r\n"

// --- 64-bit -------------------------------------------------------------------------------------

    .text
    .code64
start64:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $loader_stack_top, %esp
    movl %esi, %eax
    movl %edi, %esi
    movl %eax, %edi
    movq boot_tsc, %rdx
    xorl %ebp, %ebp
    call loader_main                // does not return

    .globl kernel_enter
kernel_enter:
    movq %rdi, %cr3
    movq %rsi, %rax
    movq %rdx, %rdi
    movq %rcx, %rsi
    xorl %ebp, %ebp
    jmp *%rax

// ---- the other CPUs ------------------------------------------------------------------------------

// In real mode, CS its page, anywhere below one MiB: no address in here but offsets from the start.
    .section .rodata
    .code16
    .globl smp_code, smp_code_end
smp_code:
    cli
    movl %cs, %eax
    movl %eax, %ds
    lgdtl smp_gdt_pointer - smp_code
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $CODE32, $smp_start32
    .balign 4
smp_gdt_pointer:
    .short gdt_pointer - gdt - 1
    .long gdt
smp_code_end:

    .text
    .code32
smp_start32:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %ss
    movl $identity_root, %eax
    movl %eax, %cr3
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    btsl $EFER_LME_BIT, %eax
    wrmsr
    movl $CR0_PE_PG_WP, %eax
    movl %eax, %cr0
    ljmp $CODE64, $smp_start64

// A stack for each, as long as there are any.
    .code64
smp_start64:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $1, %eax
    lock xaddl %eax, smp_stacks_used
    cmpl $SMP_STACKS, %eax
    jae 1f
    incl %eax
    imull $SMP_STACK_BYTES, %eax, %esp
    addl $smp_stacks, %esp
    lidt trap_pointer
    xorl %ebp, %ebp
    call smp_main                   // does not return
1:  cli
    hlt
    jmp 1b

// One stub for each exception.  Those for which the CPU pushes no error code push a zero.
    .macro trap_stub vector
trap_stub_\vector:
    .if !((0x60227d00 >> \vector) & 1)
    pushq $0
    .endif
    movl $\vector, %edi
    jmp trap_common
    .endm

    .altmacro
    .set vector, 0
    .rept 32
    trap_stub %vector
    .set vector, vector + 1
    .endr

trap_common:
    popq %rsi
    movq (%rsp), %rdx
    andq $-16, %rsp
    call trap_report                // does not return

    .section .rodata
    .macro trap_address vector
    .quad trap_stub_\vector
    .endm
    .balign 8
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 32
    trap_address %vector
    .set vector, vector + 1
    .endr

// --- data ---------------------------------------------------------------------------------------

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff        // code, 64-bit, "accessed" set: the table is read-only
    .quad 0x00cf93000000ffff        // data
    .quad 0x00cf9b000000ffff        // code, 32-bit
gdt_pointer:
    .short gdt_pointer - gdt - 1
    .long gdt

    .data
    .balign 8
boot_tsc:
    .quad 0

// The page tables are data: writing them down costs no instruction.
    .balign 4096
    .globl identity_root
identity_root:
    .quad identity_pointers + PTE_TABLE
    .fill 511, 8, 0
identity_pointers:
    .set table, 0
    .rept 4
    .quad identity_directories + table * 4096 + PTE_TABLE
    .set table, table + 1
    .endr
    .fill 508, 8, 0
identity_directories:
    .set page, 0
    .rept 2048
    .quad (page << 21) + PTE_HUGE
    .set page, page + 1
    .endr

    .bss
    .balign 4096
    .fill 16384
    .globl loader_stack_top
loader_stack_top:
smp_stacks:
    .fill SMP_STACKS * SMP_STACK_BYTES
smp_stacks_used:
    .long 0

    .section .note.GNU-stack, "", @progbits
