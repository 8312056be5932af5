// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Which system calls a task may make (seccomp(2)).
#pragma once

#include "types.h"

struct bpf_program;
struct task;

// Whether the task's filters keep its call from being carried out, which begins now: then *result
// is the call's.  Asked only where task->seccomp is set.
bool seccomp_stops(struct task *task, int64_t *result);
// A new task has what its parent has; it is at its end.
struct bpf_program *seccomp_get(struct bpf_program *filter);
void seccomp_put(struct bpf_program *filter);
// PR_SET_SECCOMP, and the mode as PR_GET_SECCOMP and /proc give it.
int64_t seccomp_prctl(struct task *task, uint64_t mode, user_t filter);
unsigned seccomp_mode(const struct task *task);
unsigned seccomp_filters(const struct task *task);  // their number
