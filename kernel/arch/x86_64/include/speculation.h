// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Table look-ups and indirect calls that can be patched (arch/patch.h).  Contract:
// hal/speculation.h.
#pragma once

#include <arch/patch.h>

#include <stdint.h>

// A shift or an addition, longer than it must be.  Patched, it is a jump to the same behind a mask
// that depends on the comparison by data, not by prediction.
#define MASKED(operation)                                            \
 "1:\t.byte " PATCH_PADDING ", " PATCH_PADDING "\n\t" operation "\n" \
 "2:\n\t"                                                            \
 ".pushsection .text.masked, \"ax\"\n"                               \
 "3:\tcmp %[count], %[index]\n\t"                                    \
 "sbb %[mask], %[mask]\n\t"                                          \
 "and %[mask], %[index]\n\t" operation "\n\t"                        \
 "jmp 2b\n\t"                                                        \
 ".popsection\n\t" PATCH("1b", "2b", "3b", "%c[when]", "%c[how]")

__attribute__((always_inline)) static inline void *hal_element(const void *base, uint64_t index,
                                                               uint64_t count, unsigned shift)
{
    uint64_t mask;
    if (!shift) {
        __asm__(
            MASKED("add %[base], %[index]")
            : [index] "+r"(index), [mask] "=&r"(mask)
            : [base] "r"(base), [count] "re"(count), [when] "i"(PATCH_MASK), [how] "i"(PATCH_JUMP)
            : "cc");
        return (void *)index;
    }
    __asm__(MASKED("shl %[shift], %[index]")
            : [index] "+r"(index), [mask] "=&r"(mask)
            : [count] "re"(count), [shift] "i"(shift), [when] "i"(PATCH_MASK), [how] "i"(PATCH_JUMP)
            : "cc");
    return (void *)((uint64_t)base + index);
}

#if __STDC_HOSTED__
// In a unit test on the development host: calls as the compiler knows them.
static inline unsigned hal_call(uintptr_t function, void *argument)
{
    return ((unsigned (*)(void *))function)(argument);
}

static inline unsigned hal_call_4(uintptr_t function, void *a, void *b, unsigned c, unsigned d)
{
    return ((unsigned (*)(void *, void *, unsigned, unsigned))function)(a, b, c, d);
}
#else
// Padded to the length of a direct call, which it becomes: of retpoline (entry.S).
# define INDIRECT_CALL                                                    \
  "1:\t.byte " PATCH_PADDING ", " PATCH_PADDING ", " PATCH_PADDING "\n\t" \
  "call *%%rax\n"                                                         \
  "2:\n\t" PATCH("1b", "2b", "retpoline", "%c[when]", "%c[how]")

__attribute__((always_inline)) static inline unsigned hal_call(uintptr_t function, void *argument)
{
    __asm__ volatile(INDIRECT_CALL
                     : "+a"(function), "+D"(argument)
                     : [when] "i"(PATCH_RETPOLINE), [how] "i"(PATCH_CALL)
                     : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory");
    return (unsigned)function;
}

__attribute__((always_inline)) static inline unsigned hal_call_4(uintptr_t function, void *a,
                                                                 void *b, unsigned c, unsigned d)
{
    __asm__ volatile(INDIRECT_CALL
                     : "+a"(function), "+D"(a), "+S"(b), "+d"(c), "+c"(d)
                     : [when] "i"(PATCH_RETPOLINE), [how] "i"(PATCH_CALL)
                     : "r8", "r9", "r10", "r11", "cc", "memory");
    return (unsigned)function;
}
#endif
