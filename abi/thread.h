// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads as their owners see them: registers, faults, guests.
#pragma once

#include <stdint.h>

// Flags of Thread.configure.
#define THREAD_GUEST          1u  // every trap goes to the fault endpoint; no system calls of its own
#define THREAD_VECTOR         2u  // may use vector registers
#define THREAD_FRAME_SYSCALLS 4u  // guest: write the guest frame for system calls too

// x86_64 registers, as read_regs and write_regs carry them in the message buffer's words and as the
// guest frame holds them.  write_regs and a resume from the guest frame refuse nothing: what could
// harm is made harmless (RFLAGS: only CF PF AF ZF SF TF DF OF AC ID RF can be set, IF always is;
// non-canonical or kernel RIP, RSP, FS and GS bases become 0).
struct thread_regs {
    uint64_t rip, rsp, rflags;
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t fs_base, gs_base;
};

// The guest frame: 256 bytes at a multiple of 256 in a RAM frame.
struct guest_frame {
    struct thread_regs regs;
    uint64_t trap;     // label of the trap that wrote the frame
    uint64_t vector;   // x86 exception number
    uint64_t error;    // x86 error code
    uint64_t address;  // faulting address
    uint64_t reserved[8];
};
#define GUEST_FRAME_BYTES 256
_Static_assert(sizeof(struct guest_frame) == GUEST_FRAME_BYTES, "size");

// Labels of the messages that the kernel sends for a thread, to its fault endpoint (the badge is
// that of the endpoint capability given to configure).
//   FAULT_PAGE       words: address, access (FAULT_*), instruction pointer
//   FAULT_EXCEPTION  words: x86 exception number, error code, instruction pointer
//   FAULT_TIMEOUT    to the time-out handler: words: ticks used; 1 where it was lent time.  A
//   thread
//                    whose own budget ended waits for the answer; one that lost a lent budget goes
//                    on.
//   GUEST_SYSCALL    label bits 0-31: number (EAX); bits 32-47: GUEST_SYSCALL.  words: RDI RSI RDX
//   R10 R8 R9 GUEST_KICK       no words
// A native thread's fault is answered like a call, through the Reply that the handler named: label
// 0 resumes it (the instruction is executed again), any other leaves it suspended.
#define FAULT_PAGE                  1u
#define FAULT_EXCEPTION             2u
#define FAULT_TIMEOUT               3u
#define GUEST_KICK                  4u
#define GUEST_SYSCALL               5u
#define GUEST_SYSCALL_LABEL(number) ((uint64_t)GUEST_SYSCALL << 32 | (uint32_t)(number))

#define FAULT_READ    1u
#define FAULT_WRITE   2u
#define FAULT_EXECUTE 4u
#define FAULT_PRESENT 8u  // the page is mapped; the access is not allowed

// Label bits of the answer to a stopped guest, given with reply or reply_recv on its Thread.
//   word 0: value for RAX, with GUEST_RESULT
//   words 1-4 with GUEST_MAP: slot of an attached frame (in the answerer's cspace), vaddr,
//   first page | pages << 32, prot: as Frame.map, before the resume.  If the mapping fails nothing
//   is resumed and the error blames argument 8 + the argument of Frame.map; for TABLES word 0 says
//   how many are missing.
#define GUEST_RESULT 1u
#define GUEST_LOAD   2u  // load the registers from the guest frame (before GUEST_RESULT)
#define GUEST_MAP    4u
