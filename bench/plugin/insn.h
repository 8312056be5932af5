// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Instructions that the guest was seen to have, each described once.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insn_kind {
    INSN_OTHER,
    INSN_CR3,  // write of CR3
    INSN_CR0,  // write of CR0, or of its TS bit
    INSN_WRMSR,
    INSN_SWAPGS,
    INSN_FSGSBASE,  // RDFSBASE, WRFSBASE, RDGSBASE, WRGSBASE
    INSN_INVLPG,
    INSN_STI,
    INSN_CLI,
    INSN_RETURN,  // IRET, SYSRET
    INSN_CALL,
    INSN_LOCK,    // takes the kernel lock or begins to wait for it: set by who knows where it is
    INSN_UNLOCK,  // drops it
    INSN_KINDS
};

struct insn {
    uint64_t vaddr;
    uintptr_t place;  // in the emulator's memory: what makes a cache line the same one
    uint64_t starts, stops, entry;  // paths, a bit each, that begin or end or are entered from here
    char *text;                     // disassembled, or NULL
    uint8_t size;
    uint8_t kind;  // enum insn_kind
    bool repeats;  // has a REP prefix: each further iteration is an execution of its own
    uint8_t bytes[16];
    struct insn *next;
};

// The description of the instruction with these bytes (at most 15) at this address, made where
// there is none yet; it lives until the end.  NULL: out of memory.
struct insn *insn_intern(uint64_t vaddr, const uint8_t *bytes, size_t size);
