// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Which of the patches of arch/patch.h a CPU needs: from what it says of itself, or from the
// command line. Pure functions, tested on the host.
#pragma once

#include <arch/patch.h>

#include <stdbool.h>
#include <stdint.h>

enum cpu_vendor {
    VENDOR_OTHER,
    VENDOR_INTEL,
    VENDOR_AMD,      // and Hygon
    VENDOR_CENTAUR,  // and Zhaoxin
};

// Family and model with their extensions (Intel SDM vol. 2A, CPUID).
struct cpu_facts {
    enum cpu_vendor vendor;
    uint32_t family, model;
    uint32_t leaf_7_ebx, leaf_7_edx;
    uint32_t leaf_7_2_edx;
    uint32_t leaf_80000008_ebx;
    uint32_t leaf_80000021_eax;
    uint64_t capabilities;  // IA32_ARCH_CAPABILITIES; 0 where the CPU has none
    bool translated;  // emulated by translation: what it runs has no branches or loads to predict
};

// PATCH_*, without PATCH_SMAP.
unsigned mitigate_needs(const struct cpu_facts *facts);

// The value of IA32_SPEC_CTRL for the life of the CPU, 0: leave it; whether EFER gets automatic
// IBRS.
uint64_t mitigate_spec_ctrl(const struct cpu_facts *facts);
bool mitigate_auto_ibrs(const struct cpu_facts *facts);

// Replace `patches` by what the word mitigate=LIST of the command line asks for, if it is there:
// names with commas between, or `none`, or `all`.  False: a name is unknown.
bool mitigate_forced(const char *cmdline, unsigned *patches);
