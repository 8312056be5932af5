// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Names in directories: what file systems and look-ups do with them.  One that is in its directory
// (linked) is found by a hash of its parent and its name and has a reference for that; one that a
// file system makes for a look-up only (proc) is never linked.
#pragma once

#include "inode.h"

// A component of a path.
struct name {
    const char *text;
    uint32_t bytes;
    uint32_t hash;
};

#define NAME_HASH_BEGIN 2166136261u
static inline uint32_t name_hash(uint32_t hash, char next)
{
    return (hash ^ (unsigned char)next) * 16777619u;
}
struct name name_of(const char *text);

void dentry_init(void);
// With one reference; has one to its parent (NULL: it is a root) and takes over that to the inode,
// on failure too.  NULL: no memory.
struct dentry *dentry_new(struct dentry *parent, const struct name *name, struct inode *inode);
// One that is linked, without a reference; NULL: there is none.
struct dentry *dentry_find(const struct dentry *directory, const struct name *name);
void dentry_link(struct dentry *dentry);
// Take it out of its directory for good.
void dentry_unlink(struct dentry *dentry);
// Give a linked one another name in the same directory or another one; false: no memory.
bool dentry_move(struct dentry *dentry, struct dentry *directory, const char *name);
// Let two linked ones stand each at the place of the other.
bool dentry_exchange(struct dentry *one, struct dentry *other);
// Whether it is `directory` or somewhere below.
bool dentry_below(const struct dentry *dentry, const struct dentry *directory);
static inline bool dentry_is_root(const struct dentry *dentry)
{
    return dentry->parent == dentry;
}
