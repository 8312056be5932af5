// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// fcntl, and the requests of ioctl that all files answer.
#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "descriptor.h"
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
#define F_GETLEASE      1025u
#define F_DUPFD_QUERY   1027u
#define F_DUPFD_CLOEXEC 1030u
#define F_ADD_SEALS     1033u
#define F_GET_SEALS     1034u
#define F_UNLCK         2
#define FD_CLOEXEC      1u
#define F_OWNER_PGRP    2

#define FIOCLEX      0x5451u
#define FIONCLEX     0x5450u
#define FIONBIO      0x5421u
#define FIOASYNC     0x5452u
#define FIOQSIZE     0x5460u
#define FIONREAD_ANY 0x541bu

#define FLAGS_SETTABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static int64_t flags_set(struct task *task, struct file *file, uint32_t flags)
{
    if (flags & ~file->flags & O_NOATIME && !inode_owned(task, file->inode)) {
        return -EPERM;
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

// Negative: a group.
static bool owner_lives(int32_t owner)
{
    if (owner >= 0) {
        return !owner || process_find((uint32_t)owner) || task_find((uint32_t)owner);
    }
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->group == (uint32_t)-owner) {
            return true;
        }
    }
    return false;
}

static int64_t owner_set(struct file *file, int32_t owner)
{
    if (owner == INT32_MIN) {
        return -EINVAL;
    }
    if (!owner_lives(owner)) {
        return -ESRCH;
    }
    file->owner = (uint32_t)owner;
    return 0;
}

struct owner {
    int32_t kind, pid;
};

static int64_t owner_take(struct task *task, struct file *file, user_t from)
{
    struct owner owner;
    if (user_read(task, &owner, from, sizeof(owner))) {
        return -EFAULT;
    }
    if (owner.kind < 0 || owner.kind > F_OWNER_PGRP) {
        return -EINVAL;
    }
    return owner_set(file, owner.kind == F_OWNER_PGRP ? -owner.pid : owner.pid);
}

static int64_t owner_give(struct task *task, const struct file *file, user_t to)
{
    int32_t pid = (int32_t)file->owner;
    const struct owner owner = { pid < 0 ? F_OWNER_PGRP : 1, pid < 0 ? -pid : pid };
    return user_write(task, to, &owner, sizeof(owner));
}

static int64_t signal_set(struct file *file, uint64_t signal)
{
    if (signal > SIGNALS) {
        return -EINVAL;
    }
    file->signal = (uint32_t)signal;
    return 0;
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
    case F_SETFL: return flags_set(task, file, (uint32_t)argument);
    case F_SETOWN: return owner_set(file, (int32_t)argument);
    case F_GETOWN: return (int32_t)file->owner;
    case F_SETSIG: return signal_set(file, argument);
    case F_GETSIG: return file->signal;
    case F_SETOWN_EX: return owner_take(task, file, argument);
    case F_GETOWN_EX: return owner_give(task, file, argument);
    case F_GETLEASE: return F_UNLCK;
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
    return file_keep(task, file, of_file(task, file, command, argument));
}

// ---- ioctl -------------------------------------------------------------------------------------
static int64_t flag_take(struct task *task, struct file *file, uint32_t flag, user_t from)
{
    int32_t on = 0;
    if (user_read(task, &on, from, sizeof(on))) {
        return -EFAULT;
    }
    file->flags = on ? file->flags | flag : file->flags & ~flag;
    return 0;
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
    case FIONBIO: return flag_take(task, file, O_NONBLOCK, argument);
    case FIOASYNC: return flag_take(task, file, O_ASYNC, argument);
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
