// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Giving new files to a process.
#pragma once

#include "file.h"

// Make a file that is in no directory (file_new_unnamed) and put it at the lowest free descriptor,
// with O_NONBLOCK, O_CLOEXEC and the access mode of `flags`: that, or -EMFILE, -ENOMEM with `state`
// given up by ops->close, which must be able to do so with nothing but file->state set.
int64_t install_unnamed(struct task *task, const struct file_ops *ops, const char *name,
                        uint32_t flags, void *state);
// The `seek` of files that have no position: it stays 0, whatever is asked for.
int64_t install_seek(struct file *file, int64_t offset, unsigned whence);
// Whether a read or write of such a file names a position all the same (pread): -ESPIPE.
static inline bool install_at_position(const struct file *file, const uint64_t *offset)
{
    return offset != &file->offset;
}
// Install two files, whose references are taken over, and write their descriptors to the process.
int64_t install_two(struct task *task, struct file *files[2], user_t fds, bool close_on_exec);
