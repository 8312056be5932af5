// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What tmpfs has for an inode: shared by tmpfs.c (directories, links) and tmpfile.c (contents).
#pragma once

#include "pagetree.h"
#include "tmpfs.h"

// One that is or was mounted.
struct tmpfs {
    uint32_t refs;     // inodes
    uint32_t device;   // st_dev
    uint64_t numbers;  // given to inodes so far
    uint32_t mounts;   // of it, and of parts of it
    uint64_t most;     // pages; 0: as many as there are
    uint64_t used;
    uint64_t room;       // bytes that inodes, further links and extended attributes count as
    uint64_t room_most;  // 0: as many as there are
};

struct node {
    struct inode inode;
    struct tmpfs *fs;
    const char *image;     // what the file holds where it has no pages; the target of a link
    uint64_t image_bytes;  // of that, from the beginning of the file on
    struct pagetree pages;
    char *target;    // of a link, where it is the heap's
    uint32_t seals;  // SEAL_*
};

static inline struct node *node_of(struct inode *inode)
{
    return CONTAINER(inode, struct node, inode);
}

extern uint64_t tmpfs_pages;  // of the files of all
extern const struct file_ops tmpfile_ops;
int64_t tmpfile_truncate(struct inode *inode, uint64_t size);
void tmpfile_refresh(struct inode *inode);
void tmpfile_free(struct node *node);
