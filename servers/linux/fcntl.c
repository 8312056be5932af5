// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// fcntl, and the requests of ioctl that all files answer.
#include "async.h"
#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "descriptor.h"
#include "lease.h"
#include "lock.h"
#include "pipe.h"
#include "seal.h"

#define F_DUPFD         0u
#define F_GETFD         1u
#define F_SETFD         2u
#define F_GETFL         3u
#define F_SETFL         4u
#define F_SETOWN        8u
#define F_GETOWN        9u
#define F_SETSIG        10u
#define F_GETSIG        11u
#define F_SETOWN_EX     15u
#define F_GETOWN_EX     16u
#define F_SETLEASE      1024u
#define F_GETLEASE      1025u
#define F_DUPFD_QUERY   1027u
#define F_DUPFD_CLOEXEC 1030u
#define F_ADD_SEALS     1033u
#define F_GET_SEALS     1034u
#define FD_CLOEXEC      1u

#define FIOCLEX      0x5451u
#define FIONCLEX     0x5450u
#define FIONBIO      0x5421u
#define FIOASYNC     0x5452u
#define FIOQSIZE     0x5460u
#define FIOSETOWN    0x8901u
#define SIOCSPGRP    0x8902u
#define FIOGETOWN    0x8903u
#define SIOCGPGRP    0x8904u
#define FIONREAD_ANY 0x541bu

#define FLAGS_SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int64_t flags_set(struct task *task, struct file *file, int32_t fd, uint32_t flags)
{
    if (flags & ~file->flags & O_NOATIME && !inode_owned(task, file->inode)) {
        return -EPERM;
    }
    int64_t error = (flags ^ file->flags) & O_ASYNC ? async_set(task, file, fd, flags & O_ASYNC)
                                                    : 0;
    if (error) {
        return error;
    }
    file->flags = (file->flags & ~FLAGS_SETTABLE) | (flags & FLAGS_SETTABLE);
    return 0;
}

static int64_t duplicate(struct task *task, struct file *file, uint64_t from, bool close_on_exec)
{
    if (from >= task_limit(task, RLIMIT_NOFILE) || from > INT32_MAX) {
        return -EINVAL;
    }
    file_get(file);
    return file_install(task, file, (unsigned)from, close_on_exec);
}

static int64_t of_descriptor(struct task *task, int32_t fd, uint32_t command, uint64_t argument)
{
    struct file *file = file_at_any(task, fd);
    struct descriptor *at = &task->files->at[fd];
    switch (command) {
    case F_DUPFD: return duplicate(task, file, (uint32_t)argument, false);
    case F_DUPFD_CLOEXEC: return duplicate(task, file, (uint32_t)argument, true);
    case F_DUPFD_QUERY: return file_at_any(task, (int)argument) == file;
    case F_GETFD: return at->close_on_exec;
    case F_SETFD: at->close_on_exec = argument & FD_CLOEXEC; return 0;
    case F_GETFL: return file->flags;
    default: return RESULT_NONE;
    }
}

static int64_t of_file(struct task *task, struct file *file, uint32_t command, uint64_t argument)
{
    switch (command) {
    case F_SETOWN: return async_set_owner(task, file, (int32_t)argument);
    case F_GETOWN: return async_owner(file);
    case F_SETSIG: return async_set_signal(file, argument);
    case F_GETSIG: return async_signal(file);
    case F_SETOWN_EX: return async_take_owner(task, file, argument);
    case F_GETOWN_EX: return async_give_owner(task, file, argument);
    case F_GETLEASE: return lease_get(file);
    case F_SETPIPE_SZ: return pipe_resize(task, file, (uint32_t)argument);
    case F_GETPIPE_SZ: return pipe_size(file);
    case F_ADD_SEALS: return seal_add(file, (uint32_t)argument);
    case F_GET_SEALS: return seal_get(file);
    default: return lock_fcntl(task, file, command, argument);
    }
}

int64_t call_fcntl(struct task *task, int32_t fd, uint32_t command, uint64_t argument)
{
    struct file *file = task->call.file ? task->call.file : file_at_any(task, fd);
    if (!file) {
        return -EBADF;
    }
    if (!task->call.file) {
        int64_t result = of_descriptor(task, fd, command, argument);
        if (result != RESULT_NONE) {
            return result;
        }
    }
    if (file->flags & O_PATH) {
        return -EBADF;
    }
    if (command == F_SETFL) {
        return flags_set(task, file, fd, (uint32_t)argument);
    }
    if (command == F_SETLEASE) {
        return lease_set(task, file, fd, (int32_t)argument);
    }
    return file_keep(task, file, of_file(task, file, command, argument));
}

// ---- ioctl -------------------------------------------------------------------------------------
static int64_t nonblock_take(struct task *task, struct file *file, user_t from)
{
    int32_t on = 0;
    if (user_read(task, &on, from, sizeof(on))) {
        return -EFAULT;
    }
    file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
    return 0;
}

static int64_t async_take(struct task *task, struct file *file, int32_t fd, user_t from)
{
    int32_t on = 0;
    if (user_read(task, &on, from, sizeof(on))) {
        return -EFAULT;
    }
    return async_possible(file) ? async_set(task, file, fd, on) : on ? -ENOTTY : 0;
}

// The owner of a socket, as those know it who never heard of fcntl.
static int64_t owner_take(struct task *task, struct file *file, user_t from)
{
    int32_t owner = 0;
    return user_read(task, &owner, from, sizeof(owner)) ? -EFAULT
                                                        : async_set_owner(task, file, owner);
}

static int64_t owner_give(struct task *task, const struct file *file, user_t to)
{
    const int32_t owner = (int32_t)async_owner(file);
    return user_write(task, to, &owner, sizeof(owner));
}

static int64_t size_give(struct task *task, const struct file *file, user_t to)
{
    const int32_t left = (int32_t)(file->inode->is.size - file->offset);
    return user_write(task, to, &left, sizeof(left));
}

int64_t call_ioctl(struct task *task, int32_t fd, uint32_t request, uint64_t argument)
{
    struct file *file = file_of_call(task, fd);
    if (!file) {
        return -EBADF;
    }
    switch (request) {
    case FIOCLEX:
    case FIONCLEX: task->files->at[fd].close_on_exec = request == FIOCLEX; return 0;
    case FIONBIO: return nonblock_take(task, file, argument);
    case FIOASYNC: return async_take(task, file, fd, argument);
    case FIOSETOWN:
    case SIOCSPGRP:
        if (inode_is(file->inode, S_IFSOCK)) {
            return owner_take(task, file, argument);
        }
        break;
    case FIOGETOWN:
    case SIOCGPGRP:
        if (inode_is(file->inode, S_IFSOCK)) {
            return owner_give(task, file, argument);
        }
        break;
    case FIONREAD_ANY:
        if (inode_is(file->inode, S_IFREG)) {
            return size_give(task, file, argument);
        }
        break;
    default: break;
    }
    if (!file->ops->ioctl) {
        return -ENOTTY;
    }
    return file_keep(task, file, file->ops->ioctl(task, file, request, argument));
}
