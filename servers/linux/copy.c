// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Copying between files within the server: sendfile, copy_file_range.
#include "attribute.h"
#include "call.h"
#include "content.h"
#include "descriptor.h"
#include "mount.h"
#include "proc.h"

#define STEP 16384u

static char buffer[STEP];

struct copying {
    struct task *task;
    struct file *from, *to;
    uint64_t *from_at, *to_at;  // NULL: the file's own
};

// One step: bytes written, with both offsets moved by as many.
static int64_t copy_some(const struct copying *copying, uint64_t bytes)
{
    struct file *from = copying->from;
    uint64_t *from_at = copying->from_at ? copying->from_at : &from->offset, at = *from_at;
    struct io in = io_here(buffer, bytes < STEP ? bytes : STEP, false);
    int64_t given = content_read(copying->task, from, &in, &at);
    if (given <= 0) {
        return given;
    }
    struct io out = io_here(buffer, (uint64_t)given, true);
    uint32_t flags = copying->to->flags;
    copying->to->flags |= O_NONBLOCK;
    int64_t taken = content_write(copying->task, copying->to, &out, copying->to_at);
    copying->to->flags = flags;
    *from_at += taken > 0 ? (uint64_t)taken : 0;
    return taken;
}

static int64_t copy(const struct copying *copying, uint64_t bytes)
{
    uint64_t done = 0;
    while (done < bytes) {
        int64_t some = copy_some(copying, bytes - done);
        if (some <= 0) {
            return done ? (int64_t)done : some;
        }
        done += (uint64_t)some;
    }
    return (int64_t)done;
}

static int64_t offset_take(struct task *task, user_t from, uint64_t *offset, uint64_t **at)
{
    if (!from) {
        return 0;
    }
    if (user_read(task, offset, from, sizeof(*offset))) {
        return -EFAULT;
    }
    *at = offset;
    return *offset > INT64_MAX ? -EINVAL : 0;
}

// What is copied is written without waiting; where that cannot be, the wait is here.
static int64_t wait_for_room(struct task *task, struct file *to, int64_t result)
{
    if (result != -EAGAIN || to->flags & O_NONBLOCK || !to->ops->waits) {
        return result;
    }
    return file_keep(task, to, wait_on(task, to->ops->waits(to)));
}

// Where files of a file system end at the latest: /proc knows nothing of large ones.
static uint64_t end_of(const struct file *file)
{
    return file->place.mount->magic == PROC_MAGIC ? INT32_MAX : INT64_MAX;
}

// As many bytes as there can be; to a pipe they are spliced, which does not ask.
static int64_t clip(const struct copying *copying, uint64_t *bytes)
{
    uint64_t one = end_of(copying->from), other = end_of(copying->to);
    uint64_t end = one < other ? one : other;
    uint64_t at = copying->from_at ? *copying->from_at : copying->from->offset;
    *bytes = *bytes < CONTENT_MOST ? *bytes : CONTENT_MOST;
    if (at + *bytes <= end || inode_is(copying->to->inode, S_IFIFO)) {
        return 0;
    }
    *bytes = at < end ? end - at : 0;
    return at < end ? 0 : -EOVERFLOW;
}

int64_t call_sendfile(struct task *task, int32_t to, int32_t from, user_t offset, uint64_t bytes)
{
    uint64_t at = 0;
    struct copying copying = { task, file_at(task, from), file_of_call(task, to), NULL, NULL };
    if (!copying.from || !copying.to || !file_reads(copying.from) || !file_writes(copying.to)) {
        return -EBADF;
    }
    if (!copying.from->ops->read) {
        return -EINVAL;
    }
    if (!copying.from->ops->page && !copying.from->ops->seek) {
        return offset ? -ESPIPE : -EINVAL;
    }
    if (copying.to->flags & O_APPEND) {
        return -EINVAL;
    }
    int64_t error = offset_take(task, offset, &at, &copying.from_at);
    error = error ? error : clip(&copying, &bytes);
    if (error) {
        return error;
    }
    int64_t done = copy(&copying, bytes);
    if (offset && user_write(task, offset, &at, sizeof(at))) {
        return -EFAULT;
    }
    return wait_for_room(task, copying.to, done);
}

static int64_t may_copy(const struct copying *copying, uint64_t bytes)
{
    const struct file *from = copying->from, *to = copying->to;
    if (inode_is(from->inode, S_IFDIR) || inode_is(to->inode, S_IFDIR)) {
        return -EISDIR;
    }
    if (!inode_is(from->inode, S_IFREG) || !inode_is(to->inode, S_IFREG)) {
        return -EINVAL;
    }
    if (!file_reads(from) || !file_writes(to) || to->flags & O_APPEND) {
        return -EBADF;
    }
    if (from->inode->device != to->inode->device) {
        return -EXDEV;
    }
    uint64_t one = copying->from_at ? *copying->from_at : from->offset;
    uint64_t other = copying->to_at ? *copying->to_at : to->offset;
    if (one + bytes < one || other + bytes < other) {
        return -EOVERFLOW;
    }
    bool overlaps = from->inode == to->inode && one < other + bytes && other < one + bytes;
    return overlaps ? -EINVAL : 0;
}

int64_t call_copy_file_range(struct task *task, int32_t from, user_t from_offset, int32_t to,
                             user_t to_offset, uint64_t bytes, uint32_t flags)
{
    uint64_t from_at = 0, to_at = 0;
    struct copying copying = { task, file_at(task, from), file_at(task, to), NULL, NULL };
    if (flags) {
        return -EINVAL;
    }
    if (!copying.from || !copying.to) {
        return -EBADF;
    }
    int64_t error = offset_take(task, from_offset, &from_at, &copying.from_at);
    error = error ? error : offset_take(task, to_offset, &to_at, &copying.to_at);
    error = error ? error : may_copy(&copying, bytes);
    if (error) {
        return error;
    }
    int64_t done = copy(&copying, bytes < CONTENT_MOST ? bytes : CONTENT_MOST);
    if ((from_offset && user_write(task, from_offset, &from_at, sizeof(from_at))) ||
        (to_offset && user_write(task, to_offset, &to_at, sizeof(to_at)))) {
        return -EFAULT;
    }
    return done;
}
