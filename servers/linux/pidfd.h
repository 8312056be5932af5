// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Descriptors of processes.
#pragma once

#include "task.h"

// A new one: its number or minus an error.
int64_t pidfd_new(struct task *task, struct process *process, uint32_t flags);
// The process of one, NULL: it is none.
struct process *pidfd_process(const struct task *task, int32_t fd);
// Whether the task may look into another (ptrace(2), PTRACE_MODE_ATTACH).
bool task_may_look(const struct task *task, const struct task *into);
