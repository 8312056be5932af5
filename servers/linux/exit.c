// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The end of tasks and processes, and waiting for it.
#include "call.h"
#include "clone.h"
#include "cpu.h"
#include "cpulimit.h"
#include "futex.h"
#include "interval.h"
#include "pidfd.h"
#include "ptrace.h"
#include "session.h"
#include "space.h"
#include "start.h"
#include "sysv.h"

#include <rt/clock.h>

#define WNOHANG    1u
#define WUNTRACED  2u
#define WEXITED    4u
#define WCONTINUED 8u
#define WNOWAIT    0x01000000u
#define WNOTHREAD  0x20000000u
#define WALL       0x40000000u
#define WCLONE     0x80000000u
#define STOPPED    0x7fu
#define CONTINUED  0xffffu

// ---- the end -----------------------------------------------------------------------------------
// The parent learns of it; who does not care has nothing to wait for.
static bool parent_cares(const struct process *process)
{
    const struct process *parent = process->parent;
    if (parent == process_init) {
        return false;
    }
    const struct task *any = parent && !list_empty(&parent->tasks)
                                 ? CONTAINER(parent->tasks.next, struct task, in_process)
                                 : NULL;
    if (!any) {
        return parent != NULL;
    }
    const struct signal_action *action = &any->signals.handlers->actions[SIGCHLD - 1];
    return action->handler != SIG_IGN && !(action->flags & SA_NOCLDWAIT);
}

void process_tell_parent(struct process *process, int code, int status)
{
    struct process *parent = process->parent;
    bool ends = code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
    uint32_t signal = ends ? process->exit_signal : SIGCHLD;
    if (!parent) {
        return;
    }
    if (!list_empty(&parent->tasks)) {
        const struct task *any = CONTAINER(parent->tasks.next, struct task, in_process);
        if (!ends && any->signals.handlers->actions[SIGCHLD - 1].flags & SA_NOCLDSTOP) {
            signal = 0;
        }
    }
    if (signal) {
        struct signal_info info = { .signal = (int32_t)signal,
                                    .code = code,
                                    .pid = process->pid,
                                    .uid = process->uid,
                                    .status = status };
        (void)signal_send(parent, &info);
    }
    waitlist_wake(&parent->ended);
}

// Nobody will ask for it any more.
static void process_reap(struct process *process)
{
    list_remove(&process->siblings);
    process->reaped = true;
    if (process->parent) {
        process->parent->children_ticks += process->ended_ticks + process->children_ticks;
    }
    process->parent = NULL;
    process_put(process);
}

// To each task what it wants to get when its parent ends.
static void orphan_tell(struct process *child)
{
    LIST_EACH(task, &child->tasks, struct task, in_process) {
        if (task->signals.parent_death) {
            struct signal_info info = { .signal = (int32_t)task->signals.parent_death,
                                        .code = SI_USER,
                                        .sender = child->parent->pid };
            (void)signal_send_task(task, &info);
        }
    }
}

// Its children get another parent: the next ancestor that wants them, or the first process.
static void children_give(struct process *process)
{
    struct process *to = process->parent;
    while (to && to != process_init && (!to->reaper || to->zombie)) {
        to = to->parent;
    }
    to = to && !to->zombie ? to : process_init;
    LIST_EACH(child, &process->children, struct process, siblings) {
        orphan_tell(child);
        list_remove(&child->siblings);
        child->parent = to;
        child->exit_signal = SIGCHLD;
        list_add(&to->children, &child->siblings);
        if (child->zombie && to == process_init) {
            process_reap(child);
        } else if (child->zombie) {
            waitlist_wake(&to->ended);
        }
    }
}

static void process_ended(struct process *process)
{
    uint32_t status = process->exit_status;
    bool killed = status & 0x7f;
    process->refs++;  // the zombie's
    process_timers_end(process);
    cpulimit_end(process);
    sem_exit(process);
    session_exit(process);
    children_give(process);
    trace_tracer_ended(process);
    process->zombie = true;
    waitlist_wake(&process->gone);
    if (process == start_program) {
        start_ended(status);
    }
    bool cared = parent_cares(process);
    process_tell_parent(process, killed ? status & 0x80 ? CLD_DUMPED : CLD_KILLED : CLD_EXITED,
                        (int)(killed ? status & 0x7f : status >> 8));
    if (!cared) {
        process_reap(process);
    }
}

void task_exit(struct task *task, uint32_t status)
{
    struct process *process = task->process;
    if (task->trace && trace_exits(task, status)) {
        return;
    }
    if (task->call.end) {
        task->call.end(task);
        task->call.end = NULL;
    }
    wait_end(task);
    if (task->call.file) {
        file_put(task->call.file);
        task->call.file = NULL;
    }
    cpu_remove(task);
    task->state = TASK_ENDED;
    futex_exit(task);
    vfork_end(task);
    if (!process->ending && task->tid == process->pid) {
        process->exit_status = status;  // the leader's, whoever ends last
    }
    process->ended_ticks += task->ticks;
    process->refs++;
    if (task->trace) {
        trace_ended(task, status);
    }
    task_guest_end(task);
    task_parts_put(task);
    task_release(task);
    if (list_empty(&process->tasks)) {
        process_ended(process);
    }
    process_put(process);
}

void process_exit(struct process *process, uint32_t status)
{
    if (!process->ending) {
        process->ending = true;
        process->exit_status = status;
    }
    LIST_EACH(task, &process->tasks, struct task, in_process) {
        task_exit(task, status);
    }
}

int64_t call_exit(struct task *task, int32_t status)
{
    task_exit(task, ((uint32_t)status & 0xff) << 8);
    return RESULT_NONE;
}

int64_t call_exit_group(struct task *task, int32_t status)
{
    process_exit(task->process, ((uint32_t)status & 0xff) << 8);
    return RESULT_NONE;
}

// ---- waiting -----------------------------------------------------------------------------------
// What is waited for, and what was found.
struct wait_query {
    int32_t which;  // > 0: process; 0: own group; -1: any; < -1: group
    uint32_t options;
    struct process *found;
    uint32_t pid, uid;  // of what was found, or a task that is traced; 0: nothing
    uint32_t status;    // as wait4 gives it
    int code;           // as siginfo does
};

static bool query_fits(const struct wait_query *query, const struct task *task,
                       const struct process *child)
{
    int32_t which = query->which;
    bool is = which > 0    ? child->pid == (uint32_t)which
              : which == 0 ? child->group == task->process->group
              : which < -1 ? child->group == 0u - (uint32_t)which
                           : true;
    bool clone = child->exit_signal != SIGCHLD;
    return is && (query->options & WALL || clone == !!(query->options & WCLONE));
}

// Whether the child has something to tell.
static bool child_tells(struct process *child, struct wait_query *query)
{
    uint32_t options = query->options;
    if (child->zombie && options & WEXITED) {
        query->status = child->exit_status;
        query->code = !(child->exit_status & 0x7f) ? CLD_EXITED
                      : child->exit_status & 0x80  ? CLD_DUMPED
                                                   : CLD_KILLED;
        return true;
    }
    if (child->signals.stop_signal && !child->signals.stop_told && options & WUNTRACED &&
        !trace_is(child, child->parent)) {
        query->status = child->signals.stop_signal << 8 | STOPPED;
        query->code = CLD_STOPPED;
        child->signals.stop_told = !(options & WNOWAIT);
        return true;
    }
    if (child->signals.continued && options & WCONTINUED) {
        query->status = CONTINUED;
        query->code = CLD_CONTINUED;
        child->signals.continued = options & WNOWAIT;
        return true;
    }
    return false;
}

// 0 with what was found, or RESULT_WAIT, or an error.
static int64_t wait_find(struct task *task, struct wait_query *query)
{
    struct trace_news news = { .which = query->which,
                               .ends = query->options & WEXITED,
                               .leaves = query->options & WNOWAIT };
    trace_wait(task, &news);
    bool any = news.any;
    query->pid = news.tid;
    query->uid = news.uid;
    query->status = news.status;
    query->code = news.code;
    if (news.tid) {
        return 0;
    }
    LIST_EACH(child, &task->process->children, struct process, siblings) {
        if (query_fits(query, task, child)) {
            any = true;
            if (child_tells(child, query)) {
                query->found = child;
                query->pid = child->pid;
                query->uid = child->uid;
                return 0;
            }
        }
    }
    if (!any) {
        return -ECHILD;
    }
    return query->options & WNOHANG ? 0 : wait_on(task, &task->process->ended);
}

// struct rusage, of which times are known.
static int64_t usage_give(struct task *task, user_t to, uint64_t ticks)
{
    uint64_t usage[18] = { 0 };
    uint64_t ns = rt_nanoseconds(ticks, rt_clock_hz());
    usage[0] = ns / 1000000000;
    usage[1] = ns % 1000000000 / 1000;
    return to && user_write(task, to, usage, sizeof(usage)) ? -EFAULT : 0;
}

int64_t call_wait4(struct task *task, int32_t which, user_t status, uint32_t options, user_t usage)
{
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE)) {
        return -EINVAL;
    }
    if (which == INT32_MIN) {
        return -ESRCH;
    }
    struct wait_query query = { .which = which, .options = options | WEXITED };
    int64_t error = wait_find(task, &query);
    if (error || !query.pid) {
        return error;
    }
    struct process *found = query.found;
    uint64_t ticks = found ? found->ended_ticks + found->children_ticks : 0;
    if (found && found->zombie) {
        process_reap(found);
    }
    if ((status && user_write(task, status, &query.status, sizeof(query.status))) ||
        usage_give(task, usage, ticks)) {
        return -EFAULT;
    }
    return query.pid;
}

#define P_ALL   0
#define P_PID   1
#define P_PGID  2
#define P_PIDFD 3

static bool waitid_valid(int32_t type, int32_t id, uint32_t options)
{
    const uint32_t what = WEXITED | WUNTRACED | WCONTINUED;
    const uint32_t known = what | WNOHANG | WNOWAIT | WNOTHREAD | WALL | WCLONE;
    return !(options & ~known) && options & what && type >= P_ALL && type <= P_PIDFD &&
           (type != P_PID || id > 0) && (type != P_PGID || id >= 0);
}

// As wait4 names processes; 0 or minus an error.
static int64_t waitid_which(const struct task *task, int32_t type, int32_t id, int32_t *which)
{
    const struct process *process = type == P_PIDFD ? pidfd_process(task, id) : NULL;
    if (type == P_PIDFD && !process) {
        return -EBADF;
    }
    *which = process ? (int32_t)process->pid : type == P_ALL ? -1 : type == P_PID ? id : -id;
    return 0;
}

static int32_t status_plain(const struct wait_query *query)
{
    switch (query->code) {
    case CLD_EXITED:
    case CLD_STOPPED:
    case CLD_TRAPPED: return (int32_t)(query->status >> 8);
    case CLD_CONTINUED: return SIGCONT;
    default: return (int32_t)(query->status & 0x7f);
    }
}

int64_t call_waitid(struct task *task, int32_t type, int32_t id, user_t to, uint32_t options,
                    user_t usage)
{
    struct wait_query query = { .options = options };
    struct signal_info info = { 0 };
    uint64_t ticks = 0;
    if (!waitid_valid(type, id, options)) {
        return -EINVAL;
    }
    int64_t error = waitid_which(task, type, id, &query.which);
    bool patient = error || type != P_PIDFD || !(file_at(task, id)->flags & O_NONBLOCK);
    query.options |= patient ? 0 : WNOHANG;
    error = error ? error : wait_find(task, &query);
    if (error || (!query.pid && !patient && !(options & WNOHANG))) {
        return error ? error : -EAGAIN;
    }
    if (query.pid) {
        info = (struct signal_info){
            .signal = SIGCHLD, .code = query.code, .pid = query.pid, .uid = query.uid
        };
        info.status = status_plain(&query);
        ticks = query.found ? query.found->ended_ticks : 0;
        if (query.found && query.found->zombie && !(options & WNOWAIT)) {
            process_reap(query.found);
        }
    }
    return (to && user_write(task, to, &info, sizeof(info))) || usage_give(task, usage, ticks)
               ? -EFAULT
               : 0;
}
