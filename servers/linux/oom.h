// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Want of memory where nobody can be told: a page that is touched.
#pragma once

#include "task.h"

// End another process than the task's, the largest, so that there is memory again; never the
// program that the container is there for.  False: none is larger than its own, or there is none.
bool oom_kill(const struct task *task);
