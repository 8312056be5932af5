// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What tasks share or have copies of.
#pragma once

#include "task.h"

struct placement *placement_get(struct placement *placement);
struct placement *placement_copy(const struct placement *from);  // NULL: no memory
void placement_put(struct placement *placement);
// Give up files, placement, handlers and space of a task.
void task_parts_put(struct task *task);
// The child of a vfork has a space of its own now, or has ended.
void vfork_end(struct task *child);
