// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Attributes of inodes: who may do what to them, and their times.
#pragma once

#include "inode.h"

struct task;

// What a new inode of any file system begins with: one reference, all times now.
void inode_init(struct inode *inode, const struct inode_ops *ops, uint32_t mode);
// The time that files bear: real time.
struct timespec inode_now(void);
// Contents, or names in it, have changed: modified and changed now.
void inode_touch(struct inode *inode);
void inode_changed(struct inode *inode);
// It was read: as Linux does by default (relatime).
void inode_accessed(struct inode *inode);
// Whether the task's file-system identity owns it or may act as if (CAP_FOWNER).
bool inode_owned(const struct task *task, const struct inode *inode);
bool inode_in_group(const struct task *task, uint32_t gid);
// Take the bits S_ISUID and S_ISGID from what was written to or given away by somebody without
// CAP_FSETID.
void inode_strip(const struct task *task, struct inode *inode);
// Owner, group and S_ISGID of what the task makes in a directory; its mode after the umask.
void inode_adopt(const struct task *task, const struct inode *directory, struct inode *inode);
static inline bool inode_is(const struct inode *inode, uint32_t kind)
{
    return (inode->is.mode & S_IFMT) == kind;
}
// Forbid writing while a program runs from it: 0, or -ETXTBSY while it is open for writing.
int64_t inode_deny_write(struct inode *inode);
void inode_allow_write(struct inode *inode);
