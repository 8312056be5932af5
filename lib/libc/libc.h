// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The C library of a component: picolibc (ports/picolibc) over lib/rt.  What it offers and what not
// is in docs/libc.md.  Programs include the standard headers; this one is for their start and for
// what no standard header has.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Before anything else of the library: the memory that malloc may use (multiple of 16, or none:
// then malloc refuses), and the constructors.  By the program's first thread, which needs what
// rt/mutex.h says of waiting if other threads use the library too.
void libc_start(void *heap, size_t bytes);

// Where reads from standard input go: as read(2), without errno; until it is set, and with NULL,
// every read is the end of the input.
void libc_input_set(long (*read)(void *to, size_t bytes));

// Where standard output and error go, a buffer or a line at a time: as write(2), without errno;
// until it is set, and with NULL, to the sink of <rt/print.h>.
void libc_output_set(long (*write)(const void *from, size_t bytes));

// Real time is monotonic time and this many nanoseconds; 0 until somebody knows better.
void libc_real_time_set(int64_t offset);
