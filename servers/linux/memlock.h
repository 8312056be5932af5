// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Memory that is locked (mlock(2)), and how much of it there may be (RLIMIT_MEMLOCK).
#pragma once

#include "task.h"

// Whether the task may lock so many bytes more.
bool memlock_allows(const struct task *task, uint64_t bytes);
// Whether so many bytes may be mapped, locked because `wanted` or because all that is mapped is:
// 0, and then AREA_LOCKED in *flags if they are; -EPERM, -EAGAIN (the limit).
int64_t memlock_new(const struct task *task, bool wanted, uint64_t bytes, uint32_t *flags);
