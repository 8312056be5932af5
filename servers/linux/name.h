// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making and removing names.
#pragma once

#include "inode.h"

// Whether the task may make the name that a look-up with PATH_CREATE did not find: 0, -EEXIST, ...
int64_t name_may_make(const struct task *task, const struct path_result *result, bool directory);
// Make a regular file, directory, FIFO, socket or device of that name with the task's umask; *made
// has a reference.
int64_t name_make(struct task *task, struct path_result *result, uint32_t mode, uint32_t device,
                  struct dentry **made);
