// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Formatted output over a sink of bytes.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// Where a byte goes.
struct rt_sink {
    void (*put)(struct rt_sink *sink, char c);
};

// Print to a sink as printf does: %s %c %d %i %u %x %p %%, with l, ll or z, a width, 0 and -.
// Anything else is printed as it stands.
void rt_vprint_to(struct rt_sink *sink, const char *format, va_list list);
__attribute__((format(printf, 2, 3))) void rt_print_to(struct rt_sink *sink, const char *format,
                                                       ...);

// Print to the sink of this program, by default the debug UART (which only debug kernels have).
__attribute__((format(printf, 1, 2))) void rt_print(const char *format, ...);
// Set and get that sink; NULL: the default one.
void rt_print_sink_set(struct rt_sink *sink);
struct rt_sink *rt_print_sink(void);

// Print into memory, always terminated; returns the length that the whole text has.
__attribute__((format(printf, 3, 4))) size_t rt_format(char *text, size_t bytes, const char *format,
                                                       ...);
