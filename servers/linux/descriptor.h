// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// More of what descriptors can do.
#pragma once

#include "file.h"

// The lowest free descriptor from `from` on, with room for it: that, -EMFILE, -ENOMEM.
int64_t descriptor_free(struct task *task, unsigned from);
// The file of a descriptor for a call that may wait: the same at each attempt, whatever becomes of
// the descriptor meanwhile.
struct file *file_of_call(const struct task *task, int fd);
// What such a call answers is `result`: keep the file while it waits.
int64_t file_keep(struct task *task, struct file *file, int64_t result);
