// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Messages on the first serial port, and the end of a boot that cannot go on.
#pragma once

#include <stdint.h>

// Programs the UART at COM1 (115200 baud, 8N1).  Where none answers, later output is dropped.
void serial_init(void);

// Writes a zero-terminated text.  Never waits longer than a fixed number of reads of the UART.
void serial_text(const char *text);

// Writes a number in hexadecimal.
void serial_hex(uint64_t value);

// Writes "pith loader: warning: <subject>: <why>".
void warn(const char *subject, const char *why);

// Writes "pith loader: error: <subject>: <why>", ends the emulator where there is one, and halts.
_Noreturn void refuse(const char *subject, const char *why);

// The end of refuse(), for callers that wrote the message themselves.
_Noreturn void serial_stop(void);
