// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The file system in memory.
#pragma once

#include "inode.h"

#define TMPFS_MAGIC 0x01021994u

struct statfs;

// Files have half of the memory at most, whatever they are of: processes need some to remove them.
// So many pages, and so many inodes.
uint64_t tmpfs_most(void);
// An empty one: its root's dentry with one reference; NULL: no memory.
struct dentry *tmpfs_new(uint32_t mode);
bool tmpfs_is(const struct inode *inode);
void tmpfs_statfs(struct inode *inode, struct statfs *to);

// Its tree is mounted at one place more (`by` 1) or less (-1): with the last one, all that is in it
// goes.
void tmpfs_mounted(struct dentry *root, int by);

// A regular file of it in no directory (memfd_create, O_TMPFILE): one reference, no links.
struct inode *tmpfs_file(struct inode *beside, uint32_t mode);

// What the root image makes: under a name that is not there yet, with a reference.  The content of
// a regular file or link stays where it is, in memory that is never written to and never goes.
struct image_file {
    const char *name;
    uint32_t mode, device;
    const char *data;
    uint64_t bytes;
};
int64_t tmpfs_add(struct dentry *directory, const struct image_file *file, struct dentry **made);
// Let a regular file that has none have this content.
void tmpfs_fill(struct inode *inode, const char *data, uint64_t bytes);

// Why it gave none, or a directory takes no further name: -ENOSPC, -ENOMEM.
int64_t tmpfs_refusal(struct inode *beside);

// What an extended attribute takes of the room for inodes, and gives back: -ENOSPC.
int64_t tmpfs_room_take(struct inode *inode, uint64_t bytes);
void tmpfs_room_give(struct inode *inode, uint64_t bytes);

// Change how many pages a mounted one may have, and how many inodes: 0: as many as all; NULL: as it
// is.  -EINVAL where it has more already, and nothing is changed.
int64_t tmpfs_limit(struct inode *inode, const uint64_t *pages, const uint64_t *files);
// fallocate, and the next data or hole for lseek.
int64_t tmpfs_allocate(struct inode *inode, uint64_t from, uint64_t to);
int64_t tmpfs_punch(struct inode *inode, uint64_t from, uint64_t to);
int64_t tmpfs_seek(struct inode *inode, uint64_t from, bool data);
