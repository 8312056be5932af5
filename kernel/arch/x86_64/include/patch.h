// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Places of the kernel's text that boot changes to suit the CPU (patch_boot.c).  As linked they are
// what a CPU without defects executes; also for assembly, through offsets.h.
#pragma once

#include <stdint.h>

// When a place is changed: any of these is in force, or, shifted by PATCH_UNLESS, is not.
#define PATCH_SMAP      0x01u  // the CPU has CLAC
#define PATCH_PTI       0x02u  // user mode runs without the kernel's mappings
#define PATCH_RETPOLINE 0x04u  // indirect branches are not predicted
#define PATCH_IBPB      0x08u  // predictors are emptied between address spaces
#define PATCH_RSB       0x10u  // so is the return stack
#define PATCH_MASK      0x20u  // indices of user space are masked
#define PATCH_VERW      0x40u  // buffers are emptied on the way to user mode
#define PATCH_FENCE     0x80u  // nothing runs ahead of SWAPGS
#define PATCH_ALL       0xfeu  // that may be forced
#define PATCH_UNLESS    16

// What it becomes: a jump to or a call of the target, or nothing.  The rest of it becomes NOPs.
#define PATCH_JUMP 0xe9
#define PATCH_CALL 0xe8
#define PATCH_NOP  0x90

struct patch {
    int32_t place, target;  // relative to themselves
    uint32_t when;
    uint8_t how, length;
    uint16_t reserved;
};
_Static_assert(sizeof(struct patch) == 16, "as PATCH and entry.S write it");

// A prefix that means nothing before instructions without memory operands.
#define PATCH_PADDING "0x2e"

// For inline assembly, which gives `when` and `how` as operands; later entries for the same place
// prevail.
#define PATCH(begin, end, target, when, how)    \
 ".pushsection .patch, \"a\"\n\t"               \
 ".long " begin " - .\n\t"                      \
 ".long " target " - .\n\t"                     \
 ".long " when "\n\t"                           \
 ".byte " how ", " end " - " begin ", 0, 0\n\t" \
 ".popsection\n\t"
