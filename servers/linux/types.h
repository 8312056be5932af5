// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What all parts of the server speak of.
#pragma once

#include "number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An address in a process, which may be anything.
typedef uint64_t user_t;

// Results of system calls that are none of Linux's.  All others: a value, or minus an error.
#define RESULT_WAIT INT64_MIN        // try again later (wait.h)
#define RESULT_NONE (INT64_MIN + 1)  // its registers are as they are to be, or the task has ended

struct timespec {
    int64_t seconds, nanoseconds;
};
