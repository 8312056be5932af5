// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A file that tells by signal is a waiter in its own list of those who wait: whenever that is
// woken, its owner gets the signal for what the file is ready for.
#include "async.h"

#include "attribute.h"
#include "heap.h"
#include "inode.h"
#include "outside.h"
#include "poll.h"
#include "task.h"
#include "terminal.h"

#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2

// siginfo's codes of SIGIO, and with each what poll would say (sigaction(2)).
#define POLL_IN     1
#define POLL_OUT    2
#define POLL_MSG    3
#define POLL_ERR    4
#define POLL_HUP    6
#define BAND_IN     (POLLIN | POLLRDNORM)
#define BAND_MSG    (POLLIN | POLLRDNORM | POLLMSG)
#define BAND_OUT    (POLLOUT | POLLWRNORM | POLLWRBAND)
#define BAND_HANGUP (POLLHUP | POLLERR)

struct async {
    struct waiter waiter;  // in the file's list while O_ASYNC is set
    struct file *file;
    int32_t kind;        // F_OWNER_*
    uint32_t owner;      // 0: nobody
    uint32_t uid, euid;  // of who set the owner
    uint32_t signal;     // F_SETSIG
    uint32_t ready;      // what the file was ready for when it was asked last
    int32_t fd;
};

// What files have that nobody set anything of.
static const struct async nothing;

static const struct async *async_of(const struct file *file)
{
    return file->async ? file->async : &nothing;
}

static void async_woken(struct waiter *waiter);

static struct async *async_get(struct file *file)
{
    if (!file->async) {
        file->async = heap_alloc(sizeof(*file->async));
    }
    if (file->async && !file->async->file) {
        file->async->file = file;
        file->async->waiter.wake = async_woken;
        list_init(&file->async->waiter.link);
    }
    return file->async;
}

void async_end(struct file *file)
{
    list_remove(&file->async->waiter.link);
    heap_free(file->async);
    file->async = NULL;
}

// ---- telling -----------------------------------------------------------------------------------
// Who may not send a signal does not have one sent.
static bool may_tell(const struct async *async, const struct task *to)
{
    const struct credentials *its = &to->credentials;
    return async->euid == 0 || async->euid == its->suid || async->euid == its->uid ||
           async->uid == its->suid || async->uid == its->uid;
}

static struct signal_info async_info(const struct async *async, int32_t code, uint32_t band)
{
    struct signal_info info = { .signal = SIGIO, .code = SI_KERNEL };
    if (async->signal) {
        info.signal = (int32_t)async->signal;
        info.code = code;
        info.band = band;
        info.fd = async->fd;
    }
    return info;
}

// Where no more can be queued, SIGIO says that something was lost (fcntl(2)).
static void tell_process(const struct async *async, struct process *process,
                         const struct signal_info *info)
{
    const struct signal_info lost = { .signal = SIGIO, .code = SI_KERNEL };
    if (!list_empty(&process->tasks) &&
        may_tell(async, CONTAINER(process->tasks.next, struct task, in_process)) &&
        signal_send(process, info) == -EAGAIN) {
        (void)signal_send(process, &lost);
    }
}

static void tell_task(const struct async *async, struct task *task, const struct signal_info *info)
{
    const struct signal_info lost = { .signal = SIGIO, .code = SI_KERNEL };
    if (may_tell(async, task) && signal_send_task(task, info) == -EAGAIN) {
        (void)signal_send_task(task, &lost);
    }
}

static void tell(const struct async *async, int32_t code, uint32_t band)
{
    const struct signal_info info = async_info(async, code, band);
    if (async->kind == F_OWNER_PGRP) {
        LIST_EACH(process, process_list(), struct process, all) {
            if (process->group == async->owner) {
                tell_process(async, process, &info);
            }
        }
        return;
    }
    struct task *task = async->kind == F_OWNER_TID ? task_find(async->owner) : NULL;
    struct process *process = async->kind == F_OWNER_PID ? process_find(async->owner) : NULL;
    if (task) {
        tell_task(async, task, &info);
    } else if (process) {
        tell_process(async, process, &info);
    }
}

void async_look(struct file *file)
{
    file->async->ready = poll_ready(file);
}

// Input is told of whenever there is more of it, the rest when it comes to be so.
static void async_woken(struct waiter *waiter)
{
    struct async *async = CONTAINER(waiter, struct async, waiter);
    uint32_t ready = poll_ready(async->file), new = ready & ~async->ready;
    async->ready = ready;
    if (!async->owner) {
        return;
    }
    if (new &POLLERR) {
        tell(async, POLL_ERR, POLLERR);
    }
    if (new &POLLHUP) {
        tell(async, POLL_HUP, BAND_HANGUP);
    } else if (ready & POLLIN) {
        tell(async, POLL_IN, BAND_IN);
    }
    if (new &POLLOUT) {
        tell(async, POLL_OUT, BAND_OUT);
    }
}

void async_lease_asked(const struct file *file)
{
    tell(async_of(file), POLL_MSG, BAND_MSG);
}

// ---- the owner ---------------------------------------------------------------------------------
static bool group_lives(uint32_t group)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->group == group) {
            return true;
        }
    }
    return false;
}

static bool owner_lives(int32_t kind, uint32_t owner)
{
    return kind == F_OWNER_PGRP  ? group_lives(owner)
           : kind == F_OWNER_PID ? process_find(owner) != NULL
                                 : task_find(owner) != NULL;
}

static int64_t owner_set(const struct task *task, struct file *file, int32_t kind, int32_t owner)
{
    if (owner && !owner_lives(kind, (uint32_t)owner)) {
        return -ESRCH;
    }
    struct async *async = async_get(file);
    if (!async) {
        return -ENOMEM;
    }
    async->kind = kind;
    async->owner = (uint32_t)owner;
    async->uid = task->credentials.uid;
    async->euid = task->credentials.euid;
    return 0;
}

int64_t async_set_owner(struct task *task, struct file *file, int32_t owner)
{
    if (owner == INT32_MIN) {
        return -EINVAL;
    }
    return owner < 0 ? owner_set(task, file, F_OWNER_PGRP, -owner)
                     : owner_set(task, file, F_OWNER_PID, owner);
}

int64_t async_owner(const struct file *file)
{
    const struct async *async = async_of(file);
    int32_t owner = owner_lives(async->kind, async->owner) ? (int32_t)async->owner : 0;
    return async->kind == F_OWNER_PGRP ? -owner : owner;
}

struct owner {
    int32_t kind, number;
};

int64_t async_take_owner(struct task *task, struct file *file, user_t from)
{
    struct owner owner;
    if (user_read(task, &owner, from, sizeof(owner))) {
        return -EFAULT;
    }
    if (owner.kind < F_OWNER_TID || owner.kind > F_OWNER_PGRP) {
        return -EINVAL;
    }
    return owner_set(task, file, owner.kind, owner.number);
}

int64_t async_give_owner(struct task *task, const struct file *file, user_t to)
{
    const struct async *async = async_of(file);
    int64_t number = async_owner(file);
    const struct owner owner = { async->kind, (int32_t)(number < 0 ? -number : number) };
    return user_write(task, to, &owner, sizeof(owner));
}

int64_t async_set_signal(struct file *file, uint64_t signal)
{
    if (signal > SIGNALS) {
        return -EINVAL;
    }
    struct async *async = async_get(file);
    if (!async) {
        return -ENOMEM;
    }
    async->signal = (uint32_t)signal;
    return 0;
}

uint32_t async_signal(const struct file *file)
{
    return async_of(file)->signal;
}

int64_t async_prepare(struct task *task, struct file *file, int32_t fd)
{
    struct async *async = async_get(file);
    if (!async) {
        return -ENOMEM;
    }
    async->fd = fd;
    return async->owner ? 0 : owner_set(task, file, F_OWNER_PID, (int32_t)task->process->pid);
}

// ---- O_ASYNC -----------------------------------------------------------------------------------
bool async_possible(const struct file *file)
{
    const struct inode *inode = file->inode;
    return file->ops->waits &&
           (inode_is(inode, S_IFIFO) || inode_is(inode, S_IFSOCK) || inode_is(inode, S_IFCHR));
}

// As in Linux, a terminal tells whom it would interrupt where nobody else is named.
static int64_t owner_default(const struct task *task, struct file *file)
{
    const struct terminal *terminal = terminal_of(file);
    if (!terminal || file->async->owner) {
        return 0;
    }
    return terminal->group && group_lives(terminal->group)
               ? owner_set(task, file, F_OWNER_PGRP, (int32_t)terminal->group)
               : owner_set(task, file, F_OWNER_PID, (int32_t)task->process->pid);
}

int64_t async_set(struct task *task, struct file *file, int32_t fd, bool on)
{
    if (!async_possible(file)) {
        return 0;
    }
    if (!on) {
        file->flags &= ~O_ASYNC;
        if (file->async) {
            list_remove(&file->async->waiter.link);
        }
        return 0;
    }
    struct async *async = async_get(file);
    if (!async) {
        return -ENOMEM;
    }
    async->fd = fd;
    if (!(file->flags & O_ASYNC)) {
        file->flags |= O_ASYNC;
        async_look(file);
        list_add(&file->ops->waits(file)->waiters, &async->waiter.link);
    }
    return owner_default(task, file);
}
