// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// New programs in processes.
#pragma once

#include "task.h"

// The file that a space runs: as long as it does nobody writes to it.
void program_get(struct file *file);
void program_put(struct file *file);

struct exec_strings {
    const char *const *arguments;
    unsigned argument_count;
    const char *const *environment;
    unsigned environment_count;
};

// Have the first task, which has no space yet, be a program: 0 or minus an error.
int64_t exec_first(struct task *task, const char *path, const struct exec_strings *strings);
