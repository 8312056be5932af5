// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a CPU has learned from one address space is forgotten before another runs.  Only where
// patches say so.
#include "arch.h"
#include "x86.h"

#include <arch/percpu.h>

#define PREDICTORS_FORGET 1u   // IA32_PRED_CMD: IBPB
#define RETURN_STACK      32u  // entries, at most

// Calls that never return by themselves: a return that is predicted from them waits in a loop.
static inline void return_stack_fill(void)
{
    unsigned pairs = RETURN_STACK / 2;
    __asm__ volatile("1:\n\t"
                     ".rept 2\n\t"
                     "call 3f\n"
                     "2:\tpause\n\t"
                     "lfence\n\t"
                     "jmp 2b\n"
                     "3:\n\t"
                     ".endr\n\t"
                     "dec %[pairs]\n\t"
                     "jnz 1b\n\t"
                     "add %[bytes], %%rsp"
                     : [pairs] "+r"(pairs)
                     : [bytes] "i"(8 * RETURN_STACK)
                     : "cc", "memory");
}

// Called in place of the load of CR3 in x86_space_load, with that in R10; keeps all registers.
__attribute__((no_caller_saved_registers)) void switch_patched(void)
{
    register uint64_t cr3 __asm__("r10");
    __asm__ volatile("" : "=r"(cr3));
    THIS_CPU->cr3 = cr3;
    __asm__ volatile("1:\tmov %[cr3], %%cr3\n"
                     "2:\t" PATCH("1b", "2b", "1b", "%c[when]", "%c[how]")
                     :
                     : [cr3] "r"(cr3), [when] "i"(PATCH_PTI), [how] "i"(PATCH_NOP)
                     : "memory");
    if (cr3 == hal_aspace_kernel.cr3) {
        return;  // nobody's
    }
    if (patches_in_force & PATCH_IBPB) {
        wrmsr(MSR_PRED_CMD, PREDICTORS_FORGET);
    }
    if (patches_in_force & PATCH_RSB) {
        return_stack_fill();
    }
}
