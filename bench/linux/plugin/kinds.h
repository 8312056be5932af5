// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the components and the kernel do for a program, by what it was for: from when the program
// leaves off to when a program goes on, by the first function among those watched that is executed
// in between.
#ifndef BENCH_LINUX_PLUGIN_KINDS_H
#define BENCH_LINUX_PLUGIN_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct counts {
    uint64_t guest, component, kernel, rep;
};

// Reads the functions: a line `OFFSET NAME BYTES` for each, hexadecimal, the bytes at its
// beginning.  False: it cannot be used.
bool kinds_read(const char *file);

// Whether functions are watched.
bool kinds_wanted(void);

// The kind of the function whose first instructions these are, which are about to be translated; 0:
// none.
size_t kind_at(uint64_t address, const uint8_t *bytes, size_t size);

// The function of a kind is executed.
void kind_enter(size_t kind);

// A program goes on: what has been counted since it left off belongs to the first function since
// then.
void kinds_settle(const struct counts *now);

// A sample begins.
void kinds_begin(const struct counts *now);

// Writes what the sample had: `kind NAME times component kernel rep`.
void kinds_print(FILE *out);

#endif
