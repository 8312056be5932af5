// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Descriptors of processes (pidfd_open(2)), and the memory of other processes.
#include "pidfd.h"

#include "call.h"
#include "install.h"
#include "proc.h"
#include "space.h"

#define CAP_SYS_PTRACE 19u
#define PIECES_MOST    1024u

// ---- descriptors -------------------------------------------------------------------------------
static uint32_t pidfd_ready(struct file *file)
{
    const struct process *process = file->state;
    return process->zombie ? POLLIN | POLLRDNORM : 0;
}

static struct waitlist *pidfd_waits(struct file *file)
{
    struct process *process = file->state;
    return &process->gone;
}

static void pidfd_close(struct file *file)
{
    process_put(file->state);
}

static const struct file_ops pidfd_ops = { .ready = pidfd_ready,
                                           .waits = pidfd_waits,
                                           .close = pidfd_close };

int64_t pidfd_new(struct task *task, struct process *process, uint32_t flags)
{
    process->refs++;
    return install_unnamed(task, &pidfd_ops, "anon_inode:[pidfd]", flags | O_RDWR | O_CLOEXEC,
                           process);
}

struct process *pidfd_process(const struct task *task, int32_t fd)
{
    const struct file *file = file_at(task, fd);
    return file && file->ops == &pidfd_ops ? file->state : NULL;
}

int64_t call_pidfd_open(struct task *task, int32_t pid, uint32_t flags)
{
    if (flags & ~O_NONBLOCK || pid <= 0) {
        return -EINVAL;
    }
    struct process *process = process_find((uint32_t)pid);
    if (!process || process->reaped) {
        return task_find((uint32_t)pid) ? -EINVAL : -ESRCH;
    }
    return pidfd_new(task, process, flags);
}

// To whom a descriptor is: of a process, or its directory in /proc.
static int64_t receiver_of(const struct task *task, int32_t fd, const struct process **process)
{
    const struct file *file = file_at(task, fd);
    bool directory = file && proc_is_process(file->inode);
    *process = directory ? proc_directory_process(file->inode) : pidfd_process(task, fd);
    if (!*process) {
        return directory ? -ESRCH : -EBADF;
    }
    return (*process)->reaped ? -ESRCH : 0;
}

int64_t call_pidfd_send_signal(struct task *task, int32_t fd, int32_t signal, user_t from,
                               uint32_t flags)
{
    const struct process *process = NULL;
    struct signal_info info;
    int64_t error = flags ? -EINVAL : receiver_of(task, fd, &process);
    if (error) {
        return error;
    }
    if (!from) {
        return call_kill(task, (int32_t)process->pid, signal);
    }
    if (user_read(task, &info, from, sizeof(info))) {
        return -EFAULT;
    }
    return info.signal != signal ? -EINVAL
                                 : call_rt_sigqueueinfo(task, (int32_t)process->pid, signal, from);
}

bool task_may_look(const struct task *task, const struct task *into)
{
    const struct credentials *own = &task->credentials, *its = &into->credentials;
    bool same = own->uid == its->euid && own->uid == its->suid && own->uid == its->uid &&
                own->gid == its->egid && own->gid == its->sgid && own->gid == its->gid;
    return task->process == into->process || task_capable(task, CAP_SYS_PTRACE) ||
           (same && into->space->dumpable);
}

int64_t call_pidfd_getfd(struct task *task, int32_t fd, int32_t of, uint32_t flags)
{
    const struct process *process = pidfd_process(task, fd);
    if (flags || !process) {
        return flags ? -EINVAL : -EBADF;
    }
    if (list_empty(&process->tasks)) {
        return -ESRCH;
    }
    const struct task *into = CONTAINER(process->tasks.next, struct task, in_process);
    if (!task_may_look(task, into)) {
        return -EPERM;
    }
    struct file *file = file_at_any(into, of);
    if (!file) {
        return -EBADF;
    }
    file_get(file);
    return file_install(task, file, 0, true);
}

// ---- memory ------------------------------------------------------------------------------------
struct piece {
    user_t at;
    uint64_t bytes;
};

struct pieces {  // of a vector in the calling process
    user_t next;
    uint64_t count;
    struct piece now;
};

// Move on to a piece that has bytes: 1, 0: the end, or minus an error.
static int64_t pieces_advance(struct task *task, struct pieces *pieces)
{
    while (!pieces->now.bytes && pieces->count) {
        if (user_read(task, &pieces->now, pieces->next, sizeof(pieces->now))) {
            return -EFAULT;
        }
        if ((int64_t)pieces->now.bytes < 0) {
            return -EINVAL;
        }
        pieces->next += sizeof(pieces->now);
        pieces->count--;
    }
    return pieces->now.bytes != 0;
}

static int64_t piece_move(struct task *task, struct space *space, struct pieces *own,
                          struct pieces *other, bool writes)
{
    char bytes[512];
    uint64_t part = own->now.bytes < other->now.bytes ? own->now.bytes : other->now.bytes;
    part = part < sizeof(bytes) ? part : sizeof(bytes);
    uint64_t room = PAGE_SIZE - (other->now.at & PAGE_MASK);
    part = part < room ? part : room;
    int error = writes ? user_read(task, bytes, own->now.at, part)
                       : space_read(space, bytes, other->now.at, part);
    if (!error) {
        error = writes ? space_write(space, other->now.at, bytes, part)
                       : user_write(task, own->now.at, bytes, part);
    }
    own->now.at += part;
    own->now.bytes -= part;
    other->now.at += part;
    other->now.bytes -= part;
    return error ? error : (int64_t)part;
}

static int64_t other_memory(struct task *task, int32_t pid, struct pieces *own,
                            struct pieces *other, bool writes)
{
    const struct task *into = task_find((uint32_t)pid);
    int64_t done = 0, step = 0;
    if (own->count > PIECES_MOST || other->count > PIECES_MOST) {
        return -EINVAL;
    }
    if (!into) {
        return -ESRCH;
    }
    if (!task_may_look(task, into)) {
        return -EPERM;
    }
    while ((step = pieces_advance(task, own)) > 0 && (step = pieces_advance(task, other)) > 0 &&
           (step = piece_move(task, into->space, own, other, writes)) > 0) {
        done += step;
    }
    return done || step >= 0 ? done : step;
}

int64_t call_process_vm_readv(struct task *task, int32_t pid, user_t own, uint64_t own_count,
                              user_t other, uint64_t other_count)
{
    struct pieces to = { own, own_count, { 0 } }, from = { other, other_count, { 0 } };
    return task->call.args[5] ? -EINVAL : other_memory(task, pid, &to, &from, false);
}

int64_t call_process_vm_writev(struct task *task, int32_t pid, user_t own, uint64_t own_count,
                               user_t other, uint64_t other_count)
{
    struct pieces from = { own, own_count, { 0 } }, to = { other, other_count, { 0 } };
    return task->call.args[5] ? -EINVAL : other_memory(task, pid, &from, &to, true);
}
