// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The registers of a thread on x86_64, and the switch between threads.  Contract: hal/context.h.
//
// The last words are what the CPU pushes on an exception or interrupt: TSS.RSP0 points at the end
// of the current thread's context, so that hardware and entry code write registers straight into
// the Thread.
#pragma once

#include <arch/paging.h>
#include <arch/patch.h>
#include <arch/percpu.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch_context {
    uint64_t guest;  // 1: system calls are a guest's
    uint64_t reserved;
    uint64_t fs_base, gs_base;
    // General registers in the order in which trap entry pushes them.
    union {
        struct {
            uint64_t r15, r14, r13, r12, rbp, rbx;  // message words 5 4 3 2 1 0
        };
        uint64_t words_reversed[6];
    };
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;  // how the thread left user mode (CONTEXT_*, or an exception number),
                             // and its error code
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct arch_context) % 16 == 0, "the CPU aligns the stack before it pushes");

// Values of `vector` beside the numbers of exceptions.  From CONTEXT_GUEST_SYSCALL up they select a
// return by SYSRET; anything else loads every register and returns by IRET.
#define CONTEXT_INTERRUPT     0x20   // `error` holds the vector, sign-extended from 8 bits
#define CONTEXT_GUEST_SYSCALL 0x100  // all registers but RCX and R11
#define CONTEXT_SYSCALL       0x101  // native: result, message registers as they were, zeros
#define CONTEXT_SYSCALL_WORDS 0x102  // native: the message registers have changed

// The largest vector state that fits a Thread object: x87, SSE, AVX, AVX-512 in the standard
// format.
#define HAL_VECTOR_MAX 2688u

// The kernel's own address space: the shared half and nothing below.  Valid after hal_boot.
extern struct hal_aspace hal_aspace_kernel;

// ---- registers of a system call -----------------------------------------------------------------

static inline uint64_t hal_context_number(const struct arch_context *context)
{
    return context->rax;
}

static inline uint64_t hal_context_slot(const struct arch_context *context)
{
    return context->rdi;
}

static inline uint64_t hal_context_tag(const struct arch_context *context)
{
    return context->rsi;
}

static inline uint64_t hal_context_third(const struct arch_context *context)
{
    return context->rdx;
}

static inline uint64_t hal_context_word(const struct arch_context *context, unsigned i)
{
    return context->words_reversed[5 - i];
}

// Only for a native thread in a system call.
static inline void hal_context_set_word(struct arch_context *context, unsigned i, uint64_t value)
{
    context->words_reversed[5 - i] = value;
    context->vector = CONTEXT_SYSCALL_WORDS;
}

static inline void hal_context_copy_words(struct arch_context *to, const struct arch_context *from)
{
    to->rbx = from->rbx;
    to->rbp = from->rbp;
    to->r12 = from->r12;
    to->r13 = from->r13;
    to->r14 = from->r14;
    to->r15 = from->r15;
    to->vector = CONTEXT_SYSCALL_WORDS;
}

static inline void hal_context_set_result(struct arch_context *context, uint64_t status)
{
    context->rax = status;
}

static inline void hal_context_set_message(struct arch_context *context, uint64_t badge,
                                           uint64_t tag)
{
    context->rdi = badge;
    context->rsi = tag;
}

static inline void hal_context_set_arguments(struct arch_context *context, uint64_t slot,
                                             uint64_t tag, uint64_t third)
{
    context->rdi = slot;
    context->rsi = tag;
    context->rdx = third;
}

static inline uint64_t hal_context_guest_number(const struct arch_context *context)
{
    return context->rax;
}

// Linux's convention: RDI RSI RDX R10 R8 R9.
static inline uint64_t hal_context_guest_arg(const struct arch_context *context, unsigned i)
{
    switch (i) {
    case 0: return context->rdi;
    case 1: return context->rsi;
    case 2: return context->rdx;
    case 3: return context->r10;
    case 4: return context->r8;
    default: return context->r9;
    }
}

static inline void hal_context_set_guest_result(struct arch_context *context, uint64_t value)
{
    context->rax = value;
}

static inline uint64_t hal_context_ip(const struct arch_context *context)
{
    return context->rip;
}

// Whether system calls of this context are a guest's (every register is saved, no fast path).
void hal_context_set_guest(struct arch_context *context, bool guest);

// ---- switch -------------------------------------------------------------------------------------

static inline uint64_t x86_fs_base(void)
{
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

// Faults on a non-canonical address: what is loaded was read from the register or sanitised.
static inline void x86_fs_base_load(uint64_t base)
{
    __asm__ volatile("wrfsbase %0" : : "r"(base));
}

// Make `cr3` the translation of user mode, and have it in a register for the way out
// (sysret_patched).  Where user mode runs without the kernel's mappings that is all: the way out
// loads it.
__attribute__((always_inline)) static inline uint64_t x86_space_load(uint64_t space)
{
    register uint64_t cr3 __asm__("r10") = space;
    if (cr3 != THIS_CPU->cr3) {
        __asm__ volatile(
            "1:\tmov %[cr3], %%gs:%c[field]\n"
            "3:\tmov %[cr3], %%cr3\n"
            "2:\t" PATCH("3b", "2b", "3b", "%c[pti]", "%c[nop]")
                PATCH("1b", "2b", "switch_patched", "%c[forget]", "%c[call]")
            : [cr3] "+r"(cr3)
            : [field] "i"(offsetof(struct hal_percpu, cr3)), [pti] "i"(PATCH_PTI),
              [nop] "i"(PATCH_NOP), [forget] "i"(PATCH_IBPB | PATCH_RSB), [call] "i"(PATCH_CALL)
            : "memory");
    }
    return cr3;
}

// The FS base changes hands here, the GS base on the way out (entry.S), where SWAPGS has made it
// accessible. All spaces share the kernel's half, so that the kernel's memory looks the same after
// the load of CR3.
static inline void hal_switch(struct arch_context *to, const struct hal_aspace *aspace)
{
    THIS_CPU->current->fs_base = x86_fs_base();
    x86_fs_base_load(to->fs_base);
    THIS_CPU->current = to;
    THIS_CPU->tss.rsp0 = (uint64_t)(to + 1);
    x86_space_load(aspace->cr3);
}

static inline void hal_switch_idle(void)
{
    hal_switch(THIS_CPU->idle, &hal_aspace_kernel);
}

// From `from`, the native thread that made this system call, to `to`, which is blocked in one of
// its own: everything in one piece.
__attribute__((noreturn, always_inline)) static inline void hal_pass(
    struct arch_context *from, struct arch_context *to, const struct hal_aspace *aspace,
    uint64_t badge, uint64_t tag)
{
    from->fs_base = x86_fs_base();
    x86_fs_base_load(to->fs_base);
    THIS_CPU->current = to;
    THIS_CPU->gs_owner = to;
    THIS_CPU->tss.rsp0 = (uint64_t)(to + 1);
    register uint64_t cr3 __asm__("r10") = x86_space_load(aspace->cr3);
    __asm__ volatile("swapgs\n\t"
                     "rdgsbase %%rcx\n\t"
                     "mov %%rcx, %c[gs](%[from])\n\t"
                     "incl hal_lock + %c[serving](%%rip)\n\t"
                     "mov %c[gs](%[to]), %%rcx\n\t"
                     "wrgsbase %%rcx\n\t"
                     "mov %c[rip](%[to]), %%rcx\n\t"
                     "mov %c[rflags](%[to]), %%r11\n\t"
                     "mov %c[rsp](%[to]), %%rsp\n\t"
                     "xor %%eax, %%eax\n\t"
                     "xor %%edx, %%edx\n\t"
                     "xor %%r8d, %%r8d\n\t"
                     "xor %%r9d, %%r9d\n"
                     "1:\txor %%r10d, %%r10d\n\t"
                     "sysretq\n"
                     "2:\t" PATCH("1b", "2b", "sysret_patched", "%c[out]", "%c[jump]")
                     :
                     : [to] "r"(to), [from] "r"(from), "D"(badge), "S"(tag),
                       "r"(cr3), [out] "i"(PATCH_PTI | PATCH_VERW), [jump] "i"(PATCH_JUMP),
                       [gs] "i"(offsetof(struct arch_context, gs_base)),
                       [serving] "i"(offsetof(struct hal_lock, serving)),
                       [rip] "i"(offsetof(struct arch_context, rip)),
                       [rflags] "i"(offsetof(struct arch_context, rflags)),
                       [rsp] "i"(offsetof(struct arch_context, rsp))
                     : "rcx", "r11", "memory");
    __builtin_unreachable();
}

// The context in user mode until now is a guest's.
__attribute__((noreturn, always_inline)) static inline void hal_pass_from_guest(
    struct arch_context *from, struct arch_context *to, const struct hal_aspace *aspace,
    uint64_t badge, uint64_t tag)
{
    THIS_CPU->guest = false;
    hal_pass(from, to, aspace, badge, tag);
}

__attribute__((noreturn, always_inline)) static inline void hal_pass_guest(
    struct arch_context *from, struct arch_context *to, const struct hal_aspace *aspace,
    uint64_t badge, uint64_t tag)
{
    __asm__ volatile(
        "mov %c[a0](%[from]), %%rbx\n\t"
        "mov %c[a1](%[from]), %%rbp\n\t"
        "mov %c[a2](%[from]), %%r12\n\t"
        "mov %c[a3](%[from]), %%r13\n\t"
        "mov %c[a4](%[from]), %%r14\n\t"
        "mov %c[a5](%[from]), %%r15"
        :
        : [from] "r"(from), [a0] "i"(offsetof(struct arch_context, rdi)),
          [a1] "i"(offsetof(struct arch_context, rsi)),
          [a2] "i"(offsetof(struct arch_context, rdx)),
          [a3] "i"(offsetof(struct arch_context, r10)), [a4] "i"(offsetof(struct arch_context, r8)),
          [a5] "i"(offsetof(struct arch_context, r9))
        : "memory");
    hal_pass_from_guest(from, to, aspace, badge, tag);
}

static inline void hal_set_live_words(uint64_t word0, uint64_t word1, uint64_t word2)
{
    __asm__ volatile("mov %0, %%rbx\n\t"
                     "mov %1, %%rbp\n\t"
                     "mov %2, %%r12"
                     :
                     : "r"(word0), "r"(word1), "r"(word2));
}

static inline uint64_t hal_live_word_0(void)
{
    uint64_t word;
    __asm__("mov %%rbx, %0" : "=r"(word));
    return word;
}

static inline void hal_save_words(struct arch_context *context)
{
    __asm__ volatile(
        "mov %%rbx, %c[b](%[to])\n\t"
        "mov %%rbp, %c[p](%[to])\n\t"
        "mov %%r12, %c[w2](%[to])\n\t"
        "mov %%r13, %c[w3](%[to])\n\t"
        "mov %%r14, %c[w4](%[to])\n\t"
        "mov %%r15, %c[w5](%[to])"
        :
        : [to] "r"(context), [b] "i"(offsetof(struct arch_context, rbx)),
          [p] "i"(offsetof(struct arch_context, rbp)), [w2] "i"(offsetof(struct arch_context, r12)),
          [w3] "i"(offsetof(struct arch_context, r13)),
          [w4] "i"(offsetof(struct arch_context, r14)), [w5] "i"(offsetof(struct arch_context, r15))
        : "memory");
}

__attribute__((noreturn, always_inline)) static inline void hal_resume(void)
{
    __asm__ volatile("jmp resume" : : : "memory");
    __builtin_unreachable();
}

// ---- vector registers ---------------------------------------------------------------------------

static inline bool hal_vector_idle(void)
{
    return !THIS_CPU->vector_access;
}
