// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A hostile container's program: processes that make random system calls (attack.c) with arguments
// of all kinds (argument.c), and one beside them that does work of which the result is known
// (sane.c) and judges them (main.c).
#pragma once

#include "random.h"

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ul

// ---- arguments ---------------------------------------------------------------------------------
// The types of servers/linux/calls.def.
enum type {
    TYPE_INT,
    TYPE_UINT,
    TYPE_LONG,
    TYPE_SIZE,
    TYPE_OFFSET,
    TYPE_HEX,
    TYPE_LHEX,
    TYPE_OCTAL,
    TYPE_FD,
    TYPE_DIR,
    TYPE_PATH,
    TYPE_STRING,
    TYPE_IN,
    TYPE_OUT,
    TYPE_USER,
    TYPE_PID,
    TYPE_SIGNAL,
    TYPE_COUNT
};

// What a thread chooses from.
struct chooser {
    struct random random;
    pid_t parent;     // of whom nothing is to be named
    uint64_t result;  // of the call before
    uint32_t fds;     // opened at the beginning: descriptors 0 to fds - 1
};

// Memory and descriptors of every kind for what is chosen, once in a process.  The number of
// descriptors.
uint32_t arguments_prepare(void);
// Map the memory again, of which calls have unmapped something.
void arguments_repair(void);
// One of a type.  What it points at is filled, at random.
uint64_t argument_choose(struct chooser *chooser, enum type type);

// ---- processes ---------------------------------------------------------------------------------
// Random calls in some threads and children; counts them at `progress`.
__attribute__((noreturn)) void attack(uint64_t seed, unsigned count, volatile uint64_t *progress);

// Processes, files, pipes, memory, sockets and signals, with results that are known; what is wrong
// is told.
bool sane_work(unsigned number);

// ---- the one who judges ------------------------------------------------------------------------
// Whether other processes may be ended here.
bool judge_is_pith(void);
// A line of standard output.
__attribute__((format(printf, 1, 2))) void judge_say(const char *format, ...);
// Some milliseconds.
void judge_pause(void);
// How many there are.
unsigned judge_processes(void);
// End all others, until there are so many; false, and it is told, where they do not end.
bool judge_all_end(unsigned wanted);
// KiB
unsigned long judge_memory_free(void);
// The two are the same, as far as memory goes: what was there before may stand in other pages now.
bool judge_memory_same(unsigned long before, unsigned long after);

// ---- executables -------------------------------------------------------------------------------
// Execute so many that are no good, in the current directory: each fails, or the process dies.
void elf_attack(uint64_t seed, unsigned count);
