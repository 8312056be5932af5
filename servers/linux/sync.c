// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What is said about a file's content as a whole: that it is to be stored, room for it, advice.
#include "attribute.h"
#include "call.h"
#include "content.h"
#include "tmpfs.h"

#define FALLOC_KEEP_SIZE  1u
#define FALLOC_PUNCH_HOLE 2u
#define FALLOC_ZERO_RANGE 16u
#define ADVICE_LAST       5

static int64_t file_sync(struct task *task, int32_t fd)
{
    struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (file->ops->sync) {
        return file->ops->sync(file);
    }
    bool stored = inode_is(file->inode, S_IFREG) || inode_is(file->inode, S_IFDIR);
    return stored ? 0 : -EINVAL;
}

int64_t call_fsync(struct task *task, int32_t fd)
{
    return file_sync(task, fd);
}

int64_t call_fdatasync(struct task *task, int32_t fd)
{
    return file_sync(task, fd);
}

int64_t call_sync(struct task *task)
{
    (void)task;
    return 0;
}

int64_t call_syncfs(struct task *task, int32_t fd)
{
    return file_at(task, fd) ? 0 : -EBADF;
}

int64_t call_sync_file_range(struct task *task, int32_t fd, int64_t offset, int64_t bytes,
                             uint32_t flags)
{
    const struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (offset < 0 || bytes < 0 || offset + bytes < 0 || flags & ~7u) {
        return -EINVAL;
    }
    return file->ops->seek ? 0 : -ESPIPE;
}

int64_t call_readahead(struct task *task, int32_t fd, int64_t offset, uint64_t bytes)
{
    (void)offset;
    (void)bytes;
    const struct file *file = file_at(task, fd);
    if (!file || !file_reads(file)) {
        return -EBADF;
    }
    return inode_is(file->inode, S_IFREG) ? 0 : -EINVAL;
}

int64_t call_fadvise64(struct task *task, int32_t fd, int64_t offset, int64_t bytes, int32_t advice)
{
    (void)offset;
    const struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (inode_is(file->inode, S_IFIFO)) {
        return -ESPIPE;
    }
    return bytes < 0 || advice < 0 || advice > ADVICE_LAST ? -EINVAL : 0;
}

// ---- room --------------------------------------------------------------------------------------
static int64_t allocate(struct task *task, struct inode *inode, uint32_t mode, uint64_t from,
                        uint64_t to)
{
    uint64_t size = inode->is.size;
    if (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) {
        uint64_t end = to < size ? to : size;
        int64_t error = tmpfs_punch(inode, from, end);
        if (error || mode & FALLOC_PUNCH_HOLE) {
            return error;
        }
    }
    bool grows = !(mode & FALLOC_KEEP_SIZE) && to > size;
    int64_t error = grows ? content_size(task, to) : 0;
    error = error ? error : tmpfs_allocate(inode, from, to);
    return !error && grows ? inode->ops->truncate(inode, to) : error;
}

int64_t call_fallocate(struct task *task, int32_t fd, uint32_t mode, int64_t offset, int64_t bytes)
{
    int64_t end = 0;
    const struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (offset < 0 || bytes <= 0) {
        return -EINVAL;
    }
    if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE) ||
        (mode & FALLOC_PUNCH_HOLE && mode != (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE))) {
        return -EOPNOTSUPP;
    }
    if (!file_writes(file)) {
        return -EBADF;
    }
    if (inode_is(file->inode, S_IFIFO)) {
        return -ESPIPE;
    }
    if (!inode_is(file->inode, S_IFREG)) {
        return inode_is(file->inode, S_IFDIR) ? -EISDIR : -ENODEV;
    }
    if (__builtin_add_overflow(offset, bytes, &end)) {
        return -EFBIG;
    }
    if (!tmpfs_is(file->inode)) {
        return -EOPNOTSUPP;
    }
    return allocate(task, file->inode, mode, (uint64_t)offset, (uint64_t)end);
}
