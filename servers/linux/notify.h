// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Telling inotify what was done, where somebody watches.
#pragma once

#include "inode.h"
#include "outside.h"

#define IN_ACCESS        0x001u
#define IN_MODIFY        0x002u
#define IN_ATTRIB        0x004u
#define IN_CLOSE_WRITE   0x008u
#define IN_CLOSE_NOWRITE 0x010u
#define IN_OPEN          0x020u
#define IN_MOVED_FROM    0x040u
#define IN_MOVED_TO      0x080u
#define IN_CREATE        0x100u
#define IN_DELETE        0x200u
#define IN_DELETE_SELF   0x400u
#define IN_MOVE_SELF     0x800u
#define IN_ISDIR         0x40000000u

static inline uint32_t notify_kind(const struct inode *inode)
{
    return (inode->is.mode & S_IFMT) == S_IFDIR ? IN_ISDIR : 0;
}

// To a name in a directory.
static inline void notify_name(struct dentry *dentry, uint32_t mask, uint32_t cookie)
{
    struct inode *directory = dentry->parent->inode;
    if (!list_empty(&directory->watches) && dentry->parent != dentry) {
        inotify_event(directory, dentry->name, mask | notify_kind(dentry->inode), cookie);
    }
}

// To an inode, as it is seen itself and in its directory.
static inline void notify(struct dentry *dentry, uint32_t mask)
{
    notify_name(dentry, mask, 0);
    if (!list_empty(&dentry->inode->watches)) {
        inotify_event(dentry->inode, NULL, mask | notify_kind(dentry->inode), 0);
    }
}
