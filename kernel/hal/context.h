// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Contract: the registers of a thread and the switch between threads.
//
// Down (the ISA provides, in arch/context.h as static inline or in arch/<isa>/context.c).  `struct
// arch_context` is the first member of struct thread; the ISA never sees more of a thread.
#pragma once

#include <arch/context.h>

#include <abi/thread.h>

#include <stdbool.h>
#include <stdint.h>

struct hal_aspace;
struct cpu;

// What a trap was, for the core.  One value type for native faults and guests.
struct hal_trap {
    uint16_t label;    // FAULT_PAGE, FAULT_EXCEPTION; the core's own: FAULT_TIMEOUT, GUEST_*
    uint16_t vector;   // exception number of the ISA
    uint32_t access;   // FAULT_PAGE: FAULT_READ, ...
    uint64_t error;    // error code of the ISA
    uint64_t address;  // FAULT_PAGE: faulting address
};

// A new context: user mode, interrupts on, everything else zero.
void hal_context_init(struct arch_context *context);

// System-call registers of a thread that entered by a system call (inline).
//   hal_context_number, hal_context_slot, hal_context_tag, hal_context_third: the arguments
//   hal_context_word(context, i), hal_context_set_word(context, i, value): message word i <
//   MSG_REG_WORDS hal_context_copy_words(to, from): all of them hal_context_set_result(context,
//   status) hal_context_set_message(context, badge, tag): both registers of a received message
//   hal_context_set_arguments(context, slot, tag, third): what a restart will see
//   hal_context_guest_number(context), hal_context_guest_arg(context, i): system call of a guest
//   hal_context_set_guest_result(context, value)
//   hal_context_ip(context): instruction pointer

// Back to the system-call instruction, so that it is executed again with the arguments as they are
// in the context.
void hal_context_restart(struct arch_context *context);
// The same for a system call whose words are still in their registers (entry.h).
void hal_context_restart_light(struct arch_context *context, uint64_t number);

// All registers out of, or sanitised into, a context that is not running.  Fields live in hardware
// (bases) are fetched first.
void hal_context_read(struct arch_context *context, struct thread_regs *regs);
void hal_context_write(struct arch_context *context, const struct thread_regs *regs);

// Make `to` the context that the next return to user mode resumes, in translation `aspace`, and
// that entry code saves to. The bases (FS, GS) of the old one are saved, those of `to` loaded.
// (inline; also used by the fast path)
//   hal_switch(struct arch_context *to, const struct hal_aspace *aspace)
// The CPU has nothing to run: a context of the kernel's own is resumed, which halts until an
// interrupt.
//   hal_switch_idle()

// Forget a context that is about to be destroyed: nothing of it may be live in hardware afterwards.
void hal_context_forget(struct arch_context *context);

// From `from`, a native thread in a system call, to `to`, blocked in one of its own: switch as
// hal_switch does and resume it with result OK, badge and tag, all message words being in their
// registers.  Does not return.  Only for the fast path (inline).
//   NORETURN hal_pass(struct arch_context *from, struct arch_context *to, const struct hal_aspace
//   *aspace, uint64_t badge, uint64_t tag)

// The same from a guest, the arguments of its system call as message words.
//   NORETURN hal_pass_guest(struct arch_context *from, struct arch_context *to, const struct
//   hal_aspace *aspace, uint64_t badge, uint64_t tag)

// The same from a thread that faulted, a guest or native, all its registers in its context; the
// words are set already, by hal_set_live_words(word0, word1, word2).
//   NORETURN hal_pass_from_guest(struct arch_context *from, struct arch_context *to, const struct
//   hal_aspace *aspace, uint64_t badge, uint64_t tag)

// Only there (inline): the first message word as it is in its register; the words into the context;
// resume the current context by the general way out, which does not return.
//   uint64_t hal_live_word_0(void), void hal_save_words(struct arch_context *context), NORETURN
//   hal_resume(void)

// Vector state.  `area` is hal_vector_bytes() of the Thread object, 64-byte aligned.
unsigned hal_vector_bytes(void);  // size of the state that this CPU keeps, at most HAL_VECTOR_MAX
void hal_vector_init(void *area);
// Called on each switch where either side has the vector attribute or registers are live: makes the
// registers those of `area` (NULL: the next thread may not use them).  `keep_live`: the next thread
// is the handler of the guest whose registers are live, so they may stay accessible.
void hal_vector_switch(void *area, bool keep_live);
bool hal_vector_idle(void);  // no vector registers accessible now: a switch between two threads
                             // without the attribute needs nothing (inline)
void hal_vector_sync(void *area);  // if live, write the registers back to `area`
// `area` is about to be destroyed or overwritten: CPU `number` must not write to it any more.
void hal_vector_forget(unsigned number, void *area);
// Check user-made state of hal_vector_bytes() in place (x86: XSTATE_BV, XCOMP_BV, reserved bytes,
// MXCSR); false: not loadable.
bool hal_vector_valid(const void *area);
