// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// New tasks: fork, vfork, clone, clone3.
#include "clone.h"

#include "call.h"
#include "capability.h"
#include "cpu.h"
#include "cpulimit.h"
#include "heap.h"
#include "object.h"
#include "pidfd.h"
#include "ptrace.h"
#include "seccomp.h"
#include "space.h"

#include <rt/string.h>

#define CSIGNAL 0xffu

// What is asked for, in whatever form (struct clone_args of clone3).
struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_bytes, tls;
    uint64_t set_tid, set_tid_count, cgroup;
};

struct placement *placement_get(struct placement *placement)
{
    placement->refs++;
    return placement;
}

struct placement *placement_copy(const struct placement *from)
{
    struct placement *copy = heap_alloc(sizeof(*copy));
    if (copy) {
        *copy = *from;
        copy->refs = 1;
        place_get(copy->root);
        place_get(copy->work);
    }
    return copy;
}

void placement_put(struct placement *placement)
{
    if (placement && --placement->refs == 0) {
        place_put(placement->root);
        place_put(placement->work);
        heap_free(placement);
    }
}

// Each part is shared or copied.
static bool parts_make(struct task *child, const struct task *parent, uint64_t flags)
{
    if (flags & CLONE_VM) {
        child->space = parent->space;
        child->space->refs++;
    } else {
        child->space = space_copy(parent->space);
    }
    if (flags & CLONE_FILES) {
        child->files = parent->files;
        child->files->refs++;
    } else {
        child->files = files_copy(parent->files);
    }
    child->placement = flags & CLONE_FS ? placement_get(parent->placement)
                                        : placement_copy(parent->placement);
    if (flags & CLONE_SIGHAND) {
        child->signals.handlers = parent->signals.handlers;
        child->signals.handlers->refs++;
    } else {
        child->signals.handlers = flags & CLONE_CLEAR_SIGHAND
                                      ? handlers_new()
                                      : handlers_copy(parent->signals.handlers);
    }
    return child->space && child->files && child->placement && child->signals.handlers;
}

void task_parts_put(struct task *task)
{
    if (task->files) {
        files_put(task, task->files);
    }
    placement_put(task->placement);
    if (task->signals.handlers) {
        handlers_put(task->signals.handlers);
    }
    if (task->space) {
        space_put(task->space);
    }
    task->files = NULL;
    task->placement = NULL;
    task->signals.handlers = NULL;
    task->space = NULL;
}

static int64_t flags_check(const struct clone_args *args)
{
    uint64_t flags = args->flags;
    if ((flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) ||
        (flags & CLONE_SIGHAND && !(flags & CLONE_VM)) ||
        (flags & CLONE_SIGHAND && flags & CLONE_CLEAR_SIGHAND) || args->exit_signal > SIGNALS) {
        return -EINVAL;
    }
    if ((flags & CLONE_FS && flags & CLONE_NEWNS) ||
        (flags & CLONE_PIDFD && flags & CLONE_THREAD)) {
        return -EINVAL;
    }
    return flags & CLONE_NEW_ANY ? -EPERM : 0;
}

// The number that is asked for: of the one namespace that there is.
static int64_t id_choose(struct task *task, const struct clone_args *args)
{
    uint32_t id = 0;
    if (args->set_tid_count > 1 || !args->set_tid != !args->set_tid_count) {
        return -EINVAL;
    }
    if (!args->set_tid_count) {
        return 0;
    }
    if (user_read(task, &id, args->set_tid, sizeof(id))) {
        return -EFAULT;
    }
    return task_capable(task, CAP_SYS_ADMIN) ? task_choose_id(id) : -EPERM;
}

// A new process with the parent's standing.
static struct process *process_copy(struct task *task, const struct clone_args *args)
{
    struct process *from = task->process;
    struct process *parent = args->flags & CLONE_PARENT ? from->parent : from;
    struct process *process = process_new(parent);
    if (!process) {
        return NULL;
    }
    process->group = from->group;
    process->session = from->session;
    process->terminal = from->terminal;
    memcpy(process->limits, from->limits, sizeof(process->limits));
    // Whose parent did not make it has no say in what its end tells that.
    process->exit_signal = args->flags & CLONE_PARENT ? from->exit_signal
                                                      : (uint32_t)args->exit_signal;
    cpulimit_set(process);
    return process;
}

static void registers_copy(struct task *child, struct task *parent, const struct clone_args *args)
{
    child->frame->regs = *task_regs(parent);
    child->frame_valid = true;
    child->frame->regs.rax = 0;
    if (args->stack) {
        child->frame->regs.rsp = args->stack + args->stack_bytes;
    }
    if (args->flags & CLONE_SETTLS) {
        child->frame->regs.fs_base = args->tls;
    }
    task_prepare(child);
    task_vector_copy(parent, child);
}

static struct task *task_copy(struct task *parent, struct process *process,
                              const struct clone_args *args)
{
    struct task *child = task_new(process);
    if (!child) {
        return NULL;
    }
    memcpy(child->name, parent->name, sizeof(child->name));
    child->credentials = parent->credentials;
    child->nice = parent->nice;
    child->rseq = args->flags & CLONE_VM ? 0 : parent->rseq;
    child->rseq_signature = parent->rseq_signature;
    child->personality = parent->personality;
    child->timer_slack = child->timer_slack_usual = parent->timer_slack;
    child->seccomp = seccomp_get(parent->seccomp);
    child->policy = parent->policy;
    child->allowed = parent->allowed;
    child->last_cpu = parent->last_cpu;
    process->uid = parent->credentials.uid;
    child->signals.blocked = parent->signals.blocked;
    if (!(args->flags & CLONE_VM) || args->flags & CLONE_VFORK) {
        child->signals.stack = parent->signals.stack;
        child->signals.stack_bytes = parent->signals.stack_bytes;
        child->signals.stack_flags = parent->signals.stack_flags;
    }
    if (!parts_make(child, parent, args->flags)) {
        task_guest_end(child);
        task_parts_put(child);
        task_release(child);
        return NULL;
    }
    registers_copy(child, parent, args);
    return child;
}

uint64_t tasks_of_user(uint32_t uid)
{
    uint64_t count = 0;
    LIST_EACH(process, process_list(), struct process, all) {
        LIST_EACH(other, &process->tasks, struct task, in_process) {
            count += other->credentials.uid == uid;
        }
    }
    return count;
}

// The limit counts those of its user; it does not bind who has power over limits.
static bool tasks_allowed(const struct task *task)
{
    uint64_t limit = task_limit(task, RLIMIT_NPROC);
    return limit == UINT64_MAX || task->credentials.uid == 0 ||
           task_capable(task, CAP_SYS_RESOURCE) || task_capable(task, CAP_SYS_ADMIN) ||
           tasks_of_user(task->credentials.uid) < limit;
}

static void tids_tell(struct task *parent, struct task *child, const struct clone_args *args)
{
    uint32_t tid = child->tid;
    if (args->flags & CLONE_PARENT_SETTID) {
        (void)user_write(parent, args->parent_tid, &tid,
                         sizeof(tid));  // as in Linux: too late to refuse
    }
    if (args->flags & CLONE_CHILD_SETTID) {
        (void)user_write(child, args->child_tid, &tid, sizeof(tid));
    }
    child->clear_tid = args->flags & CLONE_CHILD_CLEARTID ? args->child_tid : 0;
}

static void vfork_done(struct task *task)
{
    struct task *child = task->call.state;
    if (child) {
        child->vfork_parent = NULL;
    }
}

static int64_t clone(struct task *task, const struct clone_args *args)
{
    if (task->call.again) {  // a vfork whose child has not ended yet, or has
        if (!task->call.state && task->trace) {
            trace_vforked(task, (uint32_t)task->call.done);
        }
        return task->call.state ? wait_only(task) : (int64_t)task->call.done;
    }
    int64_t error = flags_check(args);
    error = error ? error : tasks_allowed(task) ? id_choose(task, args) : -EAGAIN;
    if (error) {
        return error;
    }
    bool thread = args->flags & CLONE_THREAD;
    struct process *process = thread ? task->process : process_copy(task, args);
    if (!process) {
        return -EAGAIN;
    }
    struct task *child = task_copy(task, process, args);
    if (!thread) {
        process_put(process);  // its task has a reference now, or none wants it
    }
    if (!child) {
        return -ENOMEM;
    }
    if (args->flags & CLONE_PIDFD) {
        int32_t fd = (int32_t)pidfd_new(task, process, 0);
        (void)user_write(task, args->pidfd, &fd, sizeof(fd));
    }
    tids_tell(task, child, args);
    int64_t tid = child->tid;
    task_start(child);
    cpu_ready(child);
    if (task->trace) {
        trace_forked(task, child, args->flags, (uint32_t)args->exit_signal);
    }
    if (!(args->flags & CLONE_VFORK)) {
        return tid;
    }
    child->vfork_parent = task;
    task->call.state = child;
    task->call.end = vfork_done;
    task->call.patient = true;
    task->call.done = (uint64_t)tid;
    return wait_only(task);
}

void vfork_end(struct task *child)
{
    struct task *parent = child->vfork_parent;
    if (parent) {
        child->vfork_parent = NULL;
        parent->call.state = NULL;
        task_again(parent);
    }
}

int64_t call_clone(struct task *task, uint64_t flags, user_t stack, user_t parent_tid,
                   user_t child_tid, uint64_t tls)
{
    struct clone_args args = { .flags = (uint32_t)flags & ~CSIGNAL,
                               .exit_signal = flags & CSIGNAL,
                               .stack = stack,
                               .parent_tid = parent_tid,
                               .pidfd = parent_tid,
                               .child_tid = child_tid,
                               .tls = tls };
    return clone(task, &args);
}

int64_t call_fork(struct task *task)
{
    return clone(task, &(struct clone_args){ .exit_signal = SIGCHLD });
}

int64_t call_vfork(struct task *task)
{
    return clone(task,
                 &(struct clone_args){ .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD });
}

#define CLONE3_LEAST 64u

int64_t call_clone3(struct task *task, user_t from, uint64_t bytes)
{
    struct clone_args args = { 0 };
    if (bytes < CLONE3_LEAST) {
        return -EINVAL;
    }
    if (bytes > PAGE_SIZE) {
        return -E2BIG;
    }
    if (user_read(task, &args, from, bytes < sizeof(args) ? bytes : sizeof(args))) {
        return -EFAULT;
    }
    for (uint64_t at = sizeof(args); at < bytes; at++) {
        char more = 0;
        if (user_read(task, &more, from + at, 1)) {
            return -EFAULT;
        }
        if (more) {
            return -E2BIG;
        }
    }
    if ((args.flags & CSIGNAL) || (!args.stack) != (!args.stack_bytes) ||
        (args.flags & (CLONE_THREAD | CLONE_PARENT) && args.exit_signal)) {
        return -EINVAL;
    }
    return clone(task, &args);
}

int64_t call_set_tid_address(struct task *task, user_t address)
{
    task->clear_tid = address;
    return task->tid;
}
