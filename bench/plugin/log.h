// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The log of what was executed while any path was watched, and what can be said about a piece of
// it.
#pragma once

#include "insn.h"

#include <stdio.h>

struct access {
    uint64_t vaddr;
    uint64_t paddr;  // RAM only
    uint32_t bytes;
    bool io, store;
};

struct log_summary {
    uint64_t insns;  // without further iterations of REP
    uint64_t user;   // those of them in the lower half
    uint64_t rep;    // further iterations of REP
    uint64_t kinds[INSN_KINDS];
    uint64_t accesses;
    uint64_t lines_code, lines_data;  // distinct lines of 64 bytes of RAM
};

// The place where the next event will stand.
size_t log_position(void);

// An instruction is executed, or a REP goes round once more.
void log_insn(const struct insn *insn, bool again);

// The last instruction accesses memory.
void log_access(const struct access *access);

// Everything from `first` to the end.
struct log_summary log_summarise(size_t first);
void log_list(FILE *file, const char *name, size_t first);

// Forget everything.
void log_reset(void);
