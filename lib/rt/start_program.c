// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Start of a program that rt_program_load started.
#include "program.h"
#include "start.h"
#include "tls.h"

__attribute__((noreturn)) void rt_start_program(uint64_t argument)
{
    RT_TLS_BEGIN((struct message_buffer *)RT_PROGRAM_BUFFER);
    program_main(argument);
    __builtin_trap();
}
