// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// --strace: a line for each system call.
#pragma once

#include "types.h"

struct task;

extern bool trace_calls;
// Where the lines go.
void trace_line(const char *text, uint64_t bytes);
// A call has ended, or begins never to (exit).
void call_print(struct task *task, int64_t result);
static inline void trace_call(struct task *task, int64_t result)
{
    if (trace_calls) {
        call_print(task, result);
    }
}
