// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// x86_64: the SYSCALL instruction with the registers that abi/message.h states.  Only
// <rt/syscall.h> includes this.
//
// Word 1 travels in RBP, which a function with a frame pointer cannot name: it is saved on the
// stack around the instruction (programs have no red zone) and travels through R8.  A system call
// that carries no message leaves the message words as they were, so rt_trap_plain saves nothing.
#pragma once

#include <stdint.h>

struct ipc_words {
    uint64_t word[6];
};

// What a system call takes and gives in registers, except the words.
struct rt_trap {
    uint64_t code;  // number of the call; afterwards the status
    uint64_t slot;  // afterwards the badge or notification word
    uint64_t tag;
    uint64_t third;
};

#define RT_TRAP_CLOBBERS "rcx", "r11", "r9", "r10", "memory", "cc"

// All six words both ways.
static inline __attribute__((always_inline)) struct rt_trap rt_trap_words(struct rt_trap trap,
                                                                          struct ipc_words *words)
{
    register uint64_t word1 __asm__("r8") = words->word[1];
    register uint64_t word2 __asm__("r12") = words->word[2];
    register uint64_t word3 __asm__("r13") = words->word[3];
    register uint64_t word4 __asm__("r14") = words->word[4];
    register uint64_t word5 __asm__("r15") = words->word[5];
    __asm__ volatile("push %%rbp\n\t"
                     "mov %%r8, %%rbp\n\t"
                     "syscall\n\t"
                     "mov %%rbp, %%r8\n\t"
                     "pop %%rbp"
                     : "+a"(trap.code), "+D"(trap.slot), "+S"(trap.tag), "+d"(trap.third),
                       "+b"(words->word[0]), "+r"(word1), "+r"(word2), "+r"(word3), "+r"(word4),
                       "+r"(word5)
                     :
                     : RT_TRAP_CLOBBERS);
    words->word[1] = word1;
    words->word[2] = word2;
    words->word[3] = word3;
    words->word[4] = word4;
    words->word[5] = word5;
    return trap;
}

// At most word 0 both ways; the others are lost.
static inline __attribute__((always_inline)) struct rt_trap rt_trap_word(struct rt_trap trap,
                                                                         uint64_t *word)
{
    uint64_t value = *word;
    __asm__ volatile("push %%rbp\n\t"
                     "syscall\n\t"
                     "pop %%rbp"
                     : "+a"(trap.code), "+D"(trap.slot), "+S"(trap.tag), "+d"(trap.third),
                       "+b"(value)
                     :
                     : "r8", "r12", "r13", "r14", "r15", RT_TRAP_CLOBBERS);
    *word = value;
    return trap;
}

// No words either way.
static inline __attribute__((always_inline)) struct rt_trap rt_trap_plain(struct rt_trap trap)
{
    __asm__ volatile("syscall"
                     : "+a"(trap.code), "+D"(trap.slot), "+S"(trap.tag), "+d"(trap.third)
                     :
                     : "r8", RT_TRAP_CLOBBERS);
    return trap;
}
