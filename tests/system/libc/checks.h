// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a program can expect of the C library, checked by a thread of a root task (main.c): scalar.c
// and vector.c are two such programs, without and with vector registers.
#pragma once

#include "../check/check.h"

// The checks of this program, in the thread that main.c starts.  Never returns.
void checks_main(uint64_t unused);

// Flags of threads that run code of this program.
extern const uint64_t checks_thread_flags;

// ---- for both programs -------------------------------------------------------------------------
#define CHECKS_HEAP_BYTES ((size_t)1 << 20)

// Of the library (common.c).
void formats(void);
void scans(void);
void streams(void);
void files_refused(void);
void input(void);
void memory_exhausted(void);
void memory_grows_no_further(void);
void other_functions(void);
void time_passes(void);

// Of threads (threads.c).
void variables_per_thread(void);
void errno_per_thread(void);
void lock_alone_enters_nothing(void);
void locks_exclude(void);
void lines_whole(void);
void memory_shared(void);

#define CHECKS_OF_BOTH                                                                \
 CHECK(formats), CHECK(scans), CHECK(streams), CHECK(files_refused), CHECK(input),    \
     CHECK(memory_exhausted), CHECK(memory_grows_no_further), CHECK(other_functions), \
     CHECK(time_passes), CHECK(variables_per_thread), CHECK(errno_per_thread),        \
     CHECK(lock_alone_enters_nothing), CHECK(locks_exclude), CHECK(lines_whole),      \
     CHECK(memory_shared)

#define CHECKS_MOST 24u

// What the kernel said at the start (main.c).
const struct root_info *checks_root(void);

// Run them, and end the program by exit().
__attribute__((noreturn)) void checks_end(const struct check *checks, unsigned count);
