// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Sessions and process groups.  Both are numbers in the processes; nothing is kept for them
// besides.
#include "session.h"

#include "call.h"
#include "terminal.h"

// ---- groups ------------------------------------------------------------------------------------

// One of the group, which may have ended: its number is not free before somebody waited for it.
static struct process *group_any(uint32_t group)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->group == group) {
            return process;
        }
    }
    return NULL;
}

bool group_exists(uint32_t group)
{
    return group_any(group) != NULL;
}

bool group_is_in(uint32_t group, uint32_t session)
{
    struct process *process = group_any(group);
    return process && process->session == session;
}

// Whether a process keeps its group from being an orphan, as it will be when `ending` is gone.  The
// first process, who gets the children of others, does not look after groups.
static bool group_is_kept_by(const struct process *process, const struct process *ending)
{
    const struct process *parent = process->parent;
    return process != ending && !process->zombie && parent && parent != ending &&
           parent != process_init && parent->group != process->group &&
           parent->session == process->session;
}

static bool group_orphaned_without(uint32_t group, const struct process *ending)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->group == group && group_is_kept_by(process, ending)) {
            return false;
        }
    }
    return true;
}

bool group_is_orphaned(uint32_t group)
{
    return group_orphaned_without(group, NULL);
}

static bool group_is_stopped(uint32_t group, const struct process *ending)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->group == group && process != ending && process->signals.stop_signal) {
            return true;
        }
    }
    return false;
}

// `process` loses its keeper: the parent, who is in another group of the session.
static void group_check_orphan(const struct process *process, const struct process *parent,
                               const struct process *ending)
{
    if (!parent || parent->group == process->group || parent->session != process->session) {
        return;
    }
    if (group_orphaned_without(process->group, ending) &&
        group_is_stopped(process->group, ending)) {
        signal_group(process->group, SIGHUP);
        signal_group(process->group, SIGCONT);
    }
}

// ---- sessions ----------------------------------------------------------------------------------

void session_forget_terminal(uint32_t session)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->session == session) {
            process->terminal = NULL;
        }
    }
}

void session_exit(struct process *process)
{
    if (process->pid == process->session && process->terminal) {
        terminal_leader_ended(process->terminal);
    }
    group_check_orphan(process, process->parent, process);
    LIST_EACH(child, &process->children, struct process, siblings) {
        group_check_orphan(child, process, process);
    }
}

// ---- calls -------------------------------------------------------------------------------------

// The process of a number, 0: the caller's.  That of another task than a first one is not found
// here.
static struct process *process_named(struct task *task, int32_t pid)
{
    return pid ? process_find((uint32_t)pid) : task->process;
}

// A number of any task will do for those that only ask.
static const struct process *process_asked(struct task *task, int32_t pid)
{
    const struct task *other = pid > 0 ? task_find((uint32_t)pid) : NULL;
    if (other) {
        return other->process;
    }
    return pid < 0 ? NULL : process_named(task, pid);
}

int64_t call_getpgrp(struct task *task)
{
    return task->process->group;
}

int64_t call_getpgid(struct task *task, int32_t pid)
{
    const struct process *process = process_asked(task, pid);
    return process ? (int64_t)process->group : -ESRCH;
}

int64_t call_getsid(struct task *task, int32_t pid)
{
    const struct process *process = process_asked(task, pid);
    return process ? (int64_t)process->session : -ESRCH;
}

int64_t call_setsid(struct task *task)
{
    struct process *process = task->process;
    if (process->session == process->pid || group_exists(process->pid)) {
        return -EPERM;
    }
    process->session = process->group = process->pid;
    process->terminal = NULL;
    return process->pid;
}

// Whether a process may be moved to another group by the caller: 0 or an error.
static int64_t group_may_move(const struct process *caller, const struct process *process)
{
    if (process->parent == caller) {
        if (process->session != caller->session) {
            return -EPERM;
        }
        if (process->did_exec) {
            return -EACCES;
        }
    } else if (process != caller) {
        return -ESRCH;
    }
    return process->session == process->pid ? -EPERM : 0;
}

int64_t call_setpgid(struct task *task, int32_t pid, int32_t group)
{
    if (group < 0) {
        return -EINVAL;
    }
    struct process *process = pid < 0 ? NULL : process_named(task, pid);
    if (!process) {
        return pid > 0 && task_find((uint32_t)pid) ? -EINVAL : -ESRCH;
    }
    int64_t result = group_may_move(task->process, process);
    if (result) {
        return result;
    }
    uint32_t number = group ? (uint32_t)group : process->pid;
    if (number != process->pid && !group_is_in(number, task->process->session)) {
        return -EPERM;
    }
    process->group = number;
    return 0;
}
