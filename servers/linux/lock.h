// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Locks on files: of records (fcntl), whose owner is a table of descriptors or an open file, and of
// whole files (flock), whose owner is an open file.
#pragma once

#include "file.h"

// An owner gives up all that it has on an inode.
void lock_close(const void *owner, struct inode *inode);
// No lock is left on an inode that goes: all owners have gone before.
void lock_forget(struct inode *inode);
// fcntl's F_GETLK and so on, with the user's struct flock.
int64_t lock_fcntl(struct task *task, struct file *file, uint32_t command, user_t from);
