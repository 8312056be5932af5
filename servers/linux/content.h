// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What reading and writing of all files that have a content has in common.
#pragma once

#include "file.h"

#define CONTENT_SET  0u  // whence of lseek
#define CONTENT_CUR  1u
#define CONTENT_END  2u
#define CONTENT_DATA 3u
#define CONTENT_HOLE 4u
#define CONTENT_MOST 0x7ffff000ull  // bytes that one call moves

// Before a write at an offset: io->left becomes what the task may write there.  0, or -EFBIG (with
// SIGXFSZ sent where it is the task's own limit).
int64_t content_limit(struct task *task, struct io *io, uint64_t offset);
// The same for a size that a file is to have.
int64_t content_size(struct task *task, uint64_t size);
// lseek for a file of the size that its inode tells.
int64_t content_seek(struct file *file, int64_t offset, unsigned whence);

// Read or write as pread and pwrite do, with all checks; `offset` NULL: the file's own.
int64_t content_read(struct task *task, struct file *file, struct io *io, uint64_t *offset);
int64_t content_write(struct task *task, struct file *file, struct io *io, uint64_t *offset);
