// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reading and writing: the checks that are the same for all files, and the system calls.
#include "content.h"

#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "descriptor.h"
#include "mount.h"
#include "notify.h"

#define RWF_HIPRI    0x01u
#define RWF_DSYNC    0x02u
#define RWF_SYNC     0x04u
#define RWF_NOWAIT   0x08u
#define RWF_APPEND   0x10u
#define RWF_NOAPPEND 0x20u
#define RWF_KNOWN    0x3fu

// ---- limits ------------------------------------------------------------------------------------
static int64_t too_large(struct task *task)
{
    const struct signal_info info = { .signal = SIGXFSZ, .code = SI_KERNEL };
    (void)signal_send_task(task, &info);  // a second one that is pending already says as much
    return -EFBIG;
}

int64_t content_limit(struct task *task, struct io *io, uint64_t offset)
{
    uint64_t limit = task ? task_limit(task, RLIMIT_FSIZE) : UINT64_MAX;
    if (io->left == 0) {
        return 0;
    }
    if (offset >= limit) {
        return too_large(task);
    }
    if (offset >= INT64_MAX) {
        return -EFBIG;
    }
    limit = limit < INT64_MAX ? limit : INT64_MAX;
    io->left = io->left < limit - offset ? io->left : limit - offset;
    return 0;
}

int64_t content_size(struct task *task, uint64_t size)
{
    return size > task_limit(task, RLIMIT_FSIZE) ? too_large(task) : 0;
}

// ---- any file ----------------------------------------------------------------------------------
int64_t content_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    if (!file_reads(file)) {
        return -EBADF;
    }
    if (!file->ops->read) {
        return file->ops->list ? -EISDIR : -EINVAL;
    }
    uint64_t most = io->left < CONTENT_MOST ? io->left : CONTENT_MOST;
    io->left = most;
    int64_t result = file->ops->read(task, file, io, offset ? offset : &file->offset);
    if (result > 0 && !(file->flags & O_NOATIME) && !(file->place.mount->flags & MS_NOATIME)) {
        inode_accessed(file->inode);
        notify(file->place.dentry, IN_ACCESS);
    }
    return file_keep(task, file, result);
}

int64_t content_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    if (!file_writes(file)) {
        return -EBADF;
    }
    if (!file->ops->write) {
        return -EINVAL;
    }
    io->left = io->left < CONTENT_MOST ? io->left : CONTENT_MOST;
    int64_t result = file->ops->write(task, file, io, offset ? offset : &file->offset);
    if (result > 0) {
        notify(file->place.dentry, IN_MODIFY);
    }
    return file_keep(task, file, result);
}

int64_t content_seek(struct file *file, int64_t offset, unsigned whence)
{
    int64_t base = 0;
    if (whence == CONTENT_CUR) {
        base = (int64_t)file->offset;
    } else if (whence != CONTENT_SET) {
        base = (int64_t)file->inode->is.size;
    }
    bool exact = whence == CONTENT_DATA || whence == CONTENT_HOLE;
    if (exact && (offset < 0 || offset >= base)) {
        return -ENXIO;
    }
    if (exact) {
        base = whence == CONTENT_DATA ? 0 : base - offset;
    }
    int64_t to = 0;
    if (whence > CONTENT_HOLE || __builtin_add_overflow(base, offset, &to) || to < 0) {
        return -EINVAL;
    }
    file->offset = (uint64_t)to;
    return to;
}

// ---- calls -------------------------------------------------------------------------------------
// Linux asks this of the whole of it, however much is moved then.
static bool outside(user_t buffer, uint64_t bytes)
{
    return buffer > USER_END || bytes > USER_END - buffer;
}

int64_t call_read(struct task *task, int32_t fd, user_t buffer, uint64_t bytes)
{
    struct file *file = file_of_call(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (outside(buffer, bytes) && file_reads(file)) {
        return -EFAULT;
    }
    struct io io = io_user(task, buffer, bytes < CONTENT_MOST ? bytes : CONTENT_MOST, false);
    return content_read(task, file, &io, NULL);
}

int64_t call_write(struct task *task, int32_t fd, user_t buffer, uint64_t bytes)
{
    struct file *file = file_of_call(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (outside(buffer, bytes) && file_writes(file)) {
        return -EFAULT;
    }
    struct io io = io_user(task, buffer, bytes < CONTENT_MOST ? bytes : CONTENT_MOST, true);
    return content_write(task, file, &io, NULL);
}

static int64_t positioned(struct task *task, int32_t fd, struct io *io, int64_t offset)
{
    uint64_t at = (uint64_t)offset;
    struct file *file = file_of_call(task, fd);
    if (offset < 0) {
        return -EINVAL;
    }
    if (!file) {
        return -EBADF;
    }
    if (!file->ops->seek) {
        return -ESPIPE;
    }
    return io->writes ? content_write(task, file, io, &at) : content_read(task, file, io, &at);
}

int64_t call_pread64(struct task *task, int32_t fd, user_t buffer, uint64_t bytes, int64_t offset)
{
    struct io io = io_user(task, buffer, bytes < CONTENT_MOST ? bytes : CONTENT_MOST, false);
    return positioned(task, fd, &io, offset);
}

int64_t call_pwrite64(struct task *task, int32_t fd, user_t buffer, uint64_t bytes, int64_t offset)
{
    struct io io = io_user(task, buffer, bytes < CONTENT_MOST ? bytes : CONTENT_MOST, true);
    return positioned(task, fd, &io, offset);
}

// What the calls on several pieces are asked for.
struct pieces {
    user_t at;
    uint64_t count;
    int64_t offset;  // OFFSET_OWN: the file's own
    uint32_t flags;  // RWF_*
};
#define OFFSET_OWN (-1)

static bool flags_known(uint32_t flags)
{
    return !(flags & ~RWF_KNOWN) &&
           (flags & (RWF_APPEND | RWF_NOAPPEND)) != (RWF_APPEND | RWF_NOAPPEND);
}

// The flags of one call are the file's for as long as it lasts.
static int64_t with_flags(struct task *task, struct file *file, struct io *io,
                          const struct pieces *pieces)
{
    uint32_t flags = pieces->flags, before = file->flags;
    uint64_t offset = (uint64_t)pieces->offset, *at = pieces->offset == OFFSET_OWN ? NULL : &offset;
    if (!io->left) {
        return 0;
    }
    if (!flags_known(flags)) {
        return flags & ~RWF_KNOWN ? -EOPNOTSUPP : -EINVAL;
    }
    file->flags |= (flags & RWF_NOWAIT ? O_NONBLOCK : 0) |
                   (flags & RWF_APPEND && io->writes ? O_APPEND : 0);
    file->flags &= flags & RWF_NOAPPEND && io->writes ? ~O_APPEND : ~0u;
    int64_t result = io->writes ? content_write(task, file, io, at)
                                : content_read(task, file, io, at);
    file->flags = before;
    return result;
}

static int64_t vectored(struct task *task, int32_t fd, bool writes, const struct pieces *pieces)
{
    struct file *file = file_of_call(task, fd);
    struct io io = { .writes = writes };
    if (!file) {
        return -EBADF;
    }
    if (pieces->offset != OFFSET_OWN && !file->ops->seek) {
        return -ESPIPE;
    }
    if (!(writes ? file_writes(file) : file_reads(file))) {
        return -EBADF;
    }
    int64_t error = io_vector(&io, task, pieces->at, pieces->count);
    io.writes = writes;
    return error ? error : with_flags(task, file, &io, pieces);
}

int64_t call_readv(struct task *task, int32_t fd, user_t pieces, uint64_t count)
{
    return vectored(task, fd, false, &(struct pieces){ pieces, count, OFFSET_OWN, 0 });
}

int64_t call_writev(struct task *task, int32_t fd, user_t pieces, uint64_t count)
{
    return vectored(task, fd, true, &(struct pieces){ pieces, count, OFFSET_OWN, 0 });
}

// `high`: the other half of an offset where registers have 32 bits.
int64_t call_preadv(struct task *task, int32_t fd, user_t pieces, uint64_t count, int64_t offset,
                    int64_t high)
{
    (void)high;
    return offset < 0 ? -EINVAL
                      : vectored(task, fd, false, &(struct pieces){ pieces, count, offset, 0 });
}

int64_t call_pwritev(struct task *task, int32_t fd, user_t pieces, uint64_t count, int64_t offset,
                     int64_t high)
{
    (void)high;
    return offset < 0 ? -EINVAL
                      : vectored(task, fd, true, &(struct pieces){ pieces, count, offset, 0 });
}

int64_t call_preadv2(struct task *task, int32_t fd, user_t pieces, uint64_t count, int64_t offset,
                     int64_t high, uint32_t flags)
{
    (void)high;
    return offset < OFFSET_OWN
               ? -EINVAL
               : vectored(task, fd, false, &(struct pieces){ pieces, count, offset, flags });
}

int64_t call_pwritev2(struct task *task, int32_t fd, user_t pieces, uint64_t count, int64_t offset,
                      int64_t high, uint32_t flags)
{
    (void)high;
    return offset < OFFSET_OWN
               ? -EINVAL
               : vectored(task, fd, true, &(struct pieces){ pieces, count, offset, flags });
}

int64_t call_lseek(struct task *task, int32_t fd, int64_t offset, uint32_t whence)
{
    struct file *file = file_at(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (whence > CONTENT_HOLE) {
        return -EINVAL;
    }
    return file->ops->seek ? file->ops->seek(file, offset, whence) : -ESPIPE;
}
