// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Entries of directories as getdents64 gives them.
#pragma once

#include "inode.h"

struct entry {
    uint64_t number;  // of the inode
    uint64_t next;    // offset behind it
    uint32_t mode;    // its kind
    uint32_t bytes;
    const char *name;
};

// Give one, as a file's `list` does: bytes, 0 where it has no room, -EFAULT.
int64_t directory_give(struct io *io, const struct entry *entry);
// The first two, "." and "..", where file->offset stands before them: bytes, 0: no room, -EFAULT.
int64_t directory_give_dots(struct file *file, struct io *io);
// Those of a directory whose names are all linked (dentry.h), as a file's `list`.
int64_t directory_list(struct task *task, struct file *file, struct io *io);
// SEEK_SET and SEEK_CUR.
int64_t directory_seek(struct file *file, int64_t offset, unsigned whence);
