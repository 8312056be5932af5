// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The end of a program.
#include "exit.h"

#include <stddef.h>

static void (*exit_end)(int status);

void rt_exit_set(void (*end)(int status))
{
    exit_end = end;
}

__attribute__((noreturn)) void rt_exit(int status)
{
    if (exit_end) {
        exit_end(status);
    }
    __builtin_trap();
}
