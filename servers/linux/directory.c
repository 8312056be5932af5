// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reading of directories: entries, and the system calls that give them.
#include "directory.h"

#include "attribute.h"
#include "call.h"
#include "dentry.h"

#include <rt/string.h>

#define HEAD_BYTES  19u  // of an entry before its name
#define OLD_HEAD    18u  // the same in getdents, which has the kind at the end
#define ENTRY_BYTES 280u

int64_t directory_give(struct io *io, const struct entry *entry)
{
    char record[ENTRY_BYTES] = {};
    uint16_t bytes = (uint16_t)((HEAD_BYTES + entry->bytes + 1 + 7) & ~7u);
    if (io->left < bytes) {
        return 0;
    }
    memcpy(record, &entry->number, 8);
    memcpy(record + 8, &entry->next, 8);
    memcpy(record + 16, &bytes, 2);
    record[18] = (char)(entry->mode >> 12 & 15);
    memcpy(record + HEAD_BYTES, entry->name, entry->bytes);
    int64_t given = io_give(io, record, bytes);
    return given == bytes ? given : -EFAULT;
}

int64_t directory_give_dots(struct file *file, struct io *io)
{
    const struct dentry *self = file->place.dentry;
    int64_t done = 0;
    while (file->offset < 2) {
        const struct inode *inode = file->offset ? self->parent->inode : self->inode;
        struct entry entry = { inode->number, file->offset + 1, S_IFDIR, (uint32_t)file->offset + 1,
                               ".." };
        int64_t given = directory_give(io, &entry);
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
        file->offset++;
    }
    return done;
}

int64_t directory_list(struct task *task, struct file *file, struct io *io)
{
    (void)task;
    struct dentry *directory = file->place.dentry;
    int64_t done = directory_give_dots(file, io);
    if (file->offset < 2) {
        return done ? done : -EINVAL;
    }
    LIST_EACH(at, &directory->children, struct dentry, siblings) {
        if (at->cookie < file->offset) {
            continue;
        }
        struct entry entry = { at->inode->number, at->cookie + 1, at->inode->is.mode, at->bytes,
                               at->name };
        int64_t given = directory_give(io, &entry);
        if (given <= 0) {
            return done ? done : given ? given : -EINVAL;
        }
        done += given;
        file->offset = at->cookie + 1;
    }
    return done;
}

int64_t directory_seek(struct file *file, int64_t offset, unsigned whence)
{
    if (whence > 1) {
        return -EINVAL;
    }
    int64_t to = whence ? (int64_t)file->offset + offset : offset;
    if (to < 0) {
        return -EINVAL;
    }
    file->offset = (uint64_t)to;
    return to;
}

static int64_t list(struct task *task, int32_t fd, struct io *io)
{
    struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (!file->ops->list) {
        return -ENOTDIR;
    }
    if (file->place.dentry->removed) {
        return -ENOENT;
    }
    int64_t result = file->ops->list(task, file, io);
    inode_accessed(file->inode);
    return result;
}

int64_t call_getdents64(struct task *task, int32_t fd, user_t entries, uint32_t bytes)
{
    struct io io = io_user(task, entries, bytes > INT32_MAX ? INT32_MAX : bytes, false);
    return list(task, fd, &io);
}

// A record of getdents64 becomes one of getdents of the same length.
static void make_old(char *record, uint16_t bytes)
{
    char kind = record[18];
    memmove(record + OLD_HEAD, record + HEAD_BYTES, bytes - HEAD_BYTES);
    record[bytes - 1] = kind;
}

int64_t call_getdents(struct task *task, int32_t fd, user_t entries, uint32_t bytes)
{
    char some[2048];
    struct io io = io_here(some, bytes < sizeof(some) ? bytes : sizeof(some), false);
    struct file *file = file_at(task, fd);
    uint64_t before = file ? file->offset : 0;
    int64_t given = list(task, fd, &io);
    uint16_t length = 0;
    for (int64_t at = 0; at < given; at += length) {
        memcpy(&length, some + at + 16, sizeof(length));
        make_old(some + at, length);
    }
    if (file && given > 0 && user_write(task, entries, some, (uint64_t)given)) {
        file->offset = before;
        return -EFAULT;
    }
    return given;
}
