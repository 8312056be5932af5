// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals: sending, what becomes of them, and the calls that say so.
#include "signal.h"

#include "call.h"
#include "cpu.h"
#include "heap.h"
#include "interval.h"
#include "object.h"
#include "ptrace.h"
#include "session.h"
#include "signalfd.h"

#include <rt/clock.h>
#include <rt/string.h>

#define NEVER_BLOCKED (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define STOPS \
 (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define IGNORED \
 (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGWINCH))
#define DUMPS                                                                            \
 (SIGNAL_BIT(SIGQUIT) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) | \
  SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGXCPU) |  \
  SIGNAL_BIT(SIGXFSZ) | SIGNAL_BIT(SIGSYS))
#define SYNCHRONOUS                                                                     \
 (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | \
  SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
#define RLIMIT_SIGPENDING 11
#define CAP_KILL          5
#define DUMPED            0x80u

static uint64_t queued_count;  // of all users, with those that are kept

// ---- what is pending ---------------------------------------------------------------------------
void signal_init(struct pending *pending)
{
    pending->set = 0;
    pending->first.info.signal = 0;
    list_init(&pending->queue);
    pending->count = 0;
}

static uint64_t queued_for(uint32_t uid)
{
    uint64_t count = 0;
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->uid != uid) {
            continue;
        }
        count += process->signals.pending.count + process->signals.kept;
        LIST_EACH(task, &process->tasks, struct task, in_process) {
            count += task->signals.pending.count;
        }
    }
    return count;
}

// Where there are fewer of all users nobody has to be asked.
bool signals_allowed(uint32_t uid, uint64_t limit)
{
    return queued_count < limit || queued_for(uid) < limit;
}

void signals_keep(struct process *process, int32_t more)
{
    process->signals.kept += (uint32_t)more;
    queued_count += (uint64_t)more;
}

static struct queued *queued_new(struct pending *pending)
{
    return pending->first.info.signal ? heap_alloc(sizeof(struct queued)) : &pending->first;
}

static void queued_free(struct pending *pending, struct queued *queued)
{
    list_remove(&queued->link);
    pending->count--;
    queued_count--;
    if (queued == &pending->first) {
        queued->info.signal = 0;
    } else {
        heap_free(queued);
    }
}

static void pending_drop(struct pending *pending, sigset set)
{
    pending->set &= ~set;
    LIST_EACH(queued, &pending->queue, struct queued, link) {
        if (SIGNAL_BIT(queued->info.signal) & set) {
            queued_free(pending, queued);
        }
    }
}

void signal_free(struct pending *pending)
{
    pending_drop(pending, ~0ull);
}

// One of each is enough below the real-time signals.
static int64_t pending_add(struct pending *pending, const struct signal_info *info, uint32_t uid,
                           uint64_t limit)
{
    bool realtime = info->signal > SIGNAL_FIRST_REALTIME - 1;
    if (pending->set & SIGNAL_BIT(info->signal) && !realtime) {
        return 0;
    }
    bool allowed = signals_allowed(uid, limit) || info->signal == SIGKILL;
    struct queued *queued = allowed ? queued_new(pending) : NULL;
    if (!queued && realtime && info->code != SI_USER) {
        return -EAGAIN;
    }
    pending->set |= SIGNAL_BIT(info->signal);
    if (queued) {
        queued->info = *info;
        pending->count++;
        queued_count++;
        list_add(&pending->queue, &queued->link);
    }
    signalfd_notify((unsigned)info->signal);
    return 0;
}

// Take the first one of a signal out; without information it was sent by the kernel.
static void pending_take(struct pending *pending, unsigned signal, struct signal_info *info)
{
    bool more = false, found = false;
    LIST_EACH(queued, &pending->queue, struct queued, link) {
        if (queued->info.signal == (int32_t)signal && found) {
            more = true;
        } else if (queued->info.signal == (int32_t)signal) {
            *info = queued->info;
            found = true;
            queued_free(pending, queued);
        }
    }
    if (!found) {
        *info = (struct signal_info){ .signal = (int32_t)signal };
    }
    pending->set &= more ? ~0ull : ~SIGNAL_BIT(signal);
}

// What Linux takes first: what the task did itself, then by number.
static unsigned signal_first(sigset set)
{
    set = set & SYNCHRONOUS ? set & SYNCHRONOUS : set;
    return set ? (unsigned)__builtin_ctzll(set) + 1 : 0;
}

bool signal_take(struct task *task, sigset of, struct signal_info *info)
{
    struct pending *own = &task->signals.pending, *all = &task->process->signals.pending;
    unsigned signal = signal_first(own->set & of);
    if (signal) {
        pending_take(own, signal, info);
    } else if ((signal = signal_first(all->set & of))) {
        pending_take(all, signal, info);
    }
    if (signal && info->code == SI_TIMER) {
        ptimer_taken(task->process, info);
    }
    return signal;
}

sigset signal_pending(const struct task *task)
{
    return task->signals.pending.set | task->process->signals.pending.set;
}

bool signal_waits(const struct task *task)
{
    return signal_pending(task) & ~task->signals.blocked ||
           (task->trace ? trace_waits(task) : task->process->signals.stop_signal != 0);
}

// ---- sending -----------------------------------------------------------------------------------
static const struct signal_action *action_of(const struct task *task, unsigned signal)
{
    return &task->signals.handlers->actions[signal - 1];
}

static bool signal_ignored(const struct task *task, unsigned signal)
{
    uint64_t handler = action_of(task, signal)->handler;
    if (task->signals.blocked & SIGNAL_BIT(signal) || (task->trace && signal != SIGKILL)) {
        return false;
    }
    return handler == SIG_IGN ||
           (handler == SIG_DFL && (SIGNAL_BIT(signal) & IGNORED ||
                                   (task->process == process_init && signal != SIGKILL && false)));
}

// A task has something to look at: where it runs, it is stopped for that.
void signal_poke(struct task *task)
{
    if (task->signals.waits) {
        waitlist_wake(task->signals.waits);
    }
    if (task->state == TASK_WAITS && signal_pending(task) & task->signals.awaited) {
        task_again(task);
    }
    if (!signal_waits(task)) {
        return;
    }
    if (task->state == TASK_WAITS) {
        task_again(task);
    } else if (task->state == TASK_STOPPED && task->trace) {
        trace_poke(task);
    } else if (task->state == TASK_STOPPED && !task->process->signals.stop_signal) {
        cpu_ready(task);
    } else if (task->state == TASK_RUNS && !task->trapped) {
        rt_ignore(thread_kick(task->thread));
    }
}

static void process_poke(struct process *process)
{
    LIST_EACH(task, &process->tasks, struct task, in_process) {
        signal_poke(task);
    }
}

// SIGCONT goes on with what is stopped, and stop signals take back one that is pending; whether
// they are blocked or ignored does not matter (signal(7)).
static void signal_job(struct process *process, unsigned signal)
{
    sigset drop = signal == SIGCONT ? STOPS : SIGNAL_BIT(signal) & STOPS ? SIGNAL_BIT(SIGCONT) : 0;
    if (drop) {
        pending_drop(&process->signals.pending, drop);
        LIST_EACH(task, &process->tasks, struct task, in_process) {
            pending_drop(&task->signals.pending, drop);
        }
    }
    if ((signal == SIGCONT || signal == SIGKILL) && process->signals.stop_signal) {
        process->signals.stop_signal = 0;
        process->signals.continued = signal == SIGCONT;
        LIST_EACH(task, &process->tasks, struct task, in_process) {
            if (task->trace) {
                trace_continued(task);
            } else if (task->state == TASK_STOPPED) {
                task_unstop(task);
            }
        }
        if (signal == SIGCONT) {
            process_tell_parent(process, CLD_CONTINUED, SIGCONT);
        }
    }
}

int64_t signal_send_task(struct task *task, const struct signal_info *info)
{
    unsigned signal = (unsigned)info->signal;
    signal_job(task->process, signal);
    if (signal_ignored(task, signal)) {
        return 0;
    }
    int64_t error = pending_add(&task->signals.pending, info, task->process->uid,
                                task_limit(task, RLIMIT_SIGPENDING));
    signal_poke(task);
    return error;
}

int64_t signal_send(struct process *process, const struct signal_info *info)
{
    unsigned signal = (unsigned)info->signal;
    if (list_empty(&process->tasks)) {
        return 0;
    }
    signal_job(process, signal);
    bool wanted = false;
    LIST_EACH(task, &process->tasks, struct task, in_process) {
        wanted |= !signal_ignored(task, signal);
    }
    if (!wanted) {
        return 0;
    }
    int64_t error = pending_add(&process->signals.pending, info, process->uid,
                                process->limits[RLIMIT_SIGPENDING].soft);
    process_poke(process);
    return error;
}

void signal_kernel(struct process *process, unsigned signal)
{
    (void)signal_send(process,
                      &(struct signal_info){ .signal = (int32_t)signal, .code = SI_KERNEL });
}

void signal_group(uint32_t group, unsigned signal)
{
    LIST_EACH(process, process_list(), struct process, all) {
        if (process->group == group) {
            signal_kernel(process, signal);
        }
    }
}

void signal_force(struct task *task, const struct signal_info *info)
{
    unsigned signal = (unsigned)info->signal;
    struct signal_action *action = &task->signals.handlers->actions[signal - 1];
    bool blocked = task->signals.blocked & SIGNAL_BIT(signal);
    if (blocked || action->handler == SIG_IGN) {
        *action = (struct signal_action){ 0 };
        task->signals.blocked &= ~SIGNAL_BIT(signal);
    }
    (void)pending_add(&task->signals.pending, info, 0, UINT64_MAX);
}

// ---- what becomes of them ----------------------------------------------------------------------
static void process_stop(struct task *task, unsigned signal)
{
    struct process *process = task->process;
    process->signals.stop_signal = signal;
    process->signals.stop_told = false;
    process->signals.continued = false;
    process_tell_parent(process, CLD_STOPPED, (int)signal);
    process_poke(process);
}

static void task_stop(struct task *task)
{
    cpu_remove(task);
    task->state = TASK_STOPPED;
}

// It goes on where it was stopped.
void task_unstop(struct task *task)
{
    if (task->interrupted) {  // its call begins anew when all that is sent has been
        task->state = TASK_WAITS;
        task_again(task);
    } else {
        task->state = TASK_TRAPPED;
        cpu_ready(task);
    }
}

// The signal's default; false: the task has ended.
static bool signal_default(struct task *task, unsigned signal)
{
    sigset bit = SIGNAL_BIT(signal);
    if (bit & IGNORED) {
        return true;
    }
    if (bit & STOPS) {
        if (signal == SIGSTOP || !group_is_orphaned(task->process->group)) {
            process_stop(task, signal);
        }
        return true;
    }
    process_exit(task->process, signal | (bit & DUMPS && task_limit(task, 4) ? DUMPED : 0));
    return false;
}

// A handler is to run: true, or the task has ended.
static bool signal_handle(struct task *task, const struct signal_info *info)
{
    unsigned signal = (unsigned)info->signal;
    struct signal_action *at = &task->signals.handlers->actions[signal - 1], action = *at;
    if (action.flags & SA_RESETHAND) {
        at->handler = SIG_DFL;
    }
    if (task->interrupted) {
        enum restart restart = call_restart(task->call.number);
        bool anew = (restart == RESTART || restart == PARTIAL) && action.flags & SA_RESTART;
        call_interrupted(task, anew);
    }
    if (frame_push(task, &action, info)) {
        return true;
    }
    process_exit(task->process, SIGSEGV | (task_limit(task, 4) ? DUMPED : 0));
    return false;
}

bool signal_pass(struct task *task, const struct signal_info *info)
{
    uint64_t handler = action_of(task, (unsigned)info->signal)->handler;
    return handler == SIG_IGN || (handler == SIG_DFL ? signal_default(task, (unsigned)info->signal)
                                                     : signal_handle(task, info));
}

bool signal_deliver(struct task *task)
{
    struct signal_info info;
    while (signal_waits(task)) {
        if (task->trace && trace_stops(task)) {
            return false;
        }
        if (!task->trace && task->process->signals.stop_signal &&
            !(signal_pending(task) & SIGNAL_BIT(SIGKILL))) {
            task_stop(task);
            return false;
        }
        if (!signal_take(task, ~task->signals.blocked, &info)) {
            break;
        }
        if ((task->trace && trace_signal(task, &info)) || !signal_pass(task, &info)) {
            return false;
        }
    }
    return true;
}

// ---- actions -----------------------------------------------------------------------------------
struct handlers *handlers_new(void)
{
    struct handlers *handlers = heap_alloc(sizeof(*handlers));
    if (handlers) {
        handlers->refs = 1;
    }
    return handlers;
}

struct handlers *handlers_copy(const struct handlers *from)
{
    struct handlers *copy = handlers_new();
    if (copy) {
        memcpy(copy->actions, from->actions, sizeof(copy->actions));
    }
    return copy;
}

void handlers_put(struct handlers *handlers)
{
    if (--handlers->refs == 0) {
        heap_free(handlers);
    }
}

// A new program knows none of the old one's handlers; what is ignored stays so.
void handlers_exec(struct task *task)
{
    struct signal_action *actions = task->signals.handlers->actions;
    for (unsigned i = 0; i < SIGNALS; i++) {
        uint64_t handler = actions[i].handler == SIG_IGN ? SIG_IGN : SIG_DFL;
        actions[i] = (struct signal_action){ .handler = handler };
    }
    task->signals.stack_bytes = 0;
    task->signals.stack = 0;
}

int64_t call_rt_sigaction(struct task *task, int32_t signal, user_t new, user_t old, uint64_t bytes)
{
    struct signal_action action;
    if (bytes != sizeof(sigset)) {
        return -EINVAL;
    }
    if (signal < 1 || signal > SIGNALS || (new &&SIGNAL_BIT(signal) & NEVER_BLOCKED)) {
        return -EINVAL;
    }
    struct signal_action *at = &task->signals.handlers->actions[signal - 1], before = *at;
    if (new) {
        if (user_read(task, &action, new, sizeof(action))) {
            return -EFAULT;
        }
        action.mask &= ~NEVER_BLOCKED;
        *at = action;
        if (action.handler == SIG_IGN ||
            (action.handler == SIG_DFL && SIGNAL_BIT(signal) & IGNORED)) {
            pending_drop(&task->process->signals.pending, SIGNAL_BIT(signal));
            LIST_EACH(other, &task->process->tasks, struct task, in_process) {
                pending_drop(&other->signals.pending, SIGNAL_BIT(signal));
            }
        }
    }
    return old && user_write(task, old, &before, sizeof(before)) ? -EFAULT : 0;
}

int64_t call_rt_sigprocmask(struct task *task, int32_t how, user_t new, user_t old, uint64_t bytes)
{
    sigset before = task->signals.blocked, set;
    if (bytes != sizeof(sigset)) {
        return -EINVAL;
    }
    if (new) {
        if (user_read(task, &set, new, sizeof(set))) {
            return -EFAULT;
        }
        if (how < 0 || how > 2) {
            return -EINVAL;
        }
        set = how == 0 ? before | set : how == 1 ? before & ~set : set;
        task->signals.blocked = set & ~NEVER_BLOCKED;
    }
    return old && user_write(task, old, &before, sizeof(before)) ? -EFAULT : 0;
}

int64_t call_rt_sigpending(struct task *task, user_t to, uint64_t bytes)
{
    sigset set = signal_pending(task) & task->signals.blocked;
    if (bytes > sizeof(set)) {
        return -EINVAL;
    }
    return user_write(task, to, &set, bytes);
}

int64_t call_rt_sigsuspend(struct task *task, user_t from, uint64_t bytes)
{
    sigset set;
    if (bytes != sizeof(set)) {
        return -EINVAL;
    }
    if (!task->call.again) {
        if (user_read(task, &set, from, sizeof(set))) {
            return -EFAULT;
        }
        task->signals.restored = task->signals.blocked;
        task->signals.restore = true;
        task->signals.blocked = set & ~NEVER_BLOCKED;
    }
    return wait_only(task);
}

int64_t call_pause(struct task *task)
{
    return wait_only(task);
}

int64_t call_rt_sigtimedwait(struct task *task, user_t from, user_t to, user_t timeout,
                             uint64_t bytes)
{
    sigset set;
    struct timespec time;
    struct signal_info info;
    if (bytes != sizeof(set)) {
        return -EINVAL;
    }
    if (user_read(task, &set, from, sizeof(set)) ||
        (timeout && user_read(task, &time, timeout, sizeof(time)))) {
        return -EFAULT;
    }
    if (timeout && (time.seconds < 0 || (uint64_t)time.nanoseconds >= RT_SECOND)) {
        return -EINVAL;
    }
    if (signal_take(task, set & ~NEVER_BLOCKED, &info)) {
        return to && user_write(task, to, &info, sizeof(info)) ? -EFAULT : info.signal;
    }
    if (timeout) {
        wait_until(task, rt_clock_monotonic() + (uint64_t)time.seconds * RT_SECOND +
                             (uint64_t)time.nanoseconds);
        if (wait_over(task) || (!time.seconds && !time.nanoseconds)) {
            return -EAGAIN;
        }
    }
    task->signals.awaited = set & ~NEVER_BLOCKED;
    return wait_only(task);
}

int64_t call_sigaltstack(struct task *task, user_t new, user_t old)
{
    const uint32_t on_stack = 1, disabled = 2, autodisarm = 1u << 31;
    struct {
        user_t at;
        uint32_t flags, padding;
        uint64_t bytes;
    } stack,
        before = { task->signals.stack, task->signals.stack_flags, 0, task->signals.stack_bytes };
    uint64_t sp = task_regs(task)->rsp;
    bool on = sp - task->signals.stack < task->signals.stack_bytes;
    before.flags |= on ? on_stack : task->signals.stack_bytes ? 0 : disabled;
    if (new) {
        if (user_read(task, &stack, new, sizeof(stack))) {
            return -EFAULT;
        }
        if (on) {
            return -EPERM;
        }
        if (stack.flags & ~(on_stack | disabled | autodisarm)) {
            return -EINVAL;
        }
        if (!(stack.flags & disabled) && stack.bytes < 2048) {
            return -ENOMEM;
        }
        bool none = stack.flags & disabled;
        task->signals.stack = none ? 0 : stack.at;
        task->signals.stack_bytes = none ? 0 : stack.bytes;
        task->signals.stack_flags = stack.flags & autodisarm;
    }
    return old && user_write(task, old, &before, sizeof(before)) ? -EFAULT : 0;
}

// ---- kill --------------------------------------------------------------------------------------
static bool may_signal(const struct task *task, const struct task *to, int32_t signal)
{
    const struct credentials *from = &task->credentials, *is = &to->credentials;
    return task->process == to->process || from->euid == is->uid || from->euid == is->suid ||
           from->uid == is->uid || from->uid == is->suid || task_capable(task, CAP_KILL) ||
           (signal == SIGCONT && task->process->session == to->process->session);
}

static struct signal_info info_from(const struct task *task, int32_t signal, int32_t code)
{
    return (struct signal_info){ .signal = signal,
                                 .code = code,
                                 .sender = task->process->pid,
                                 .sender_uid = task->credentials.uid };
}

static int64_t process_kill(struct task *task, struct process *process, int32_t signal)
{
    if (list_empty(&process->tasks)) {  // a zombie, or who takes care of orphans
        return process == process_init && !task_capable(task, CAP_KILL) ? -EPERM : 0;
    }
    const struct task *any = CONTAINER(process->tasks.next, struct task, in_process);
    struct signal_info info = info_from(task, signal, SI_USER);
    if (!may_signal(task, any, signal)) {
        return -EPERM;
    }
    return signal ? signal_send(process, &info) : 0;
}

static int64_t many_kill(struct task *task, int32_t pid, int32_t signal)
{
    uint32_t group = pid == 0 ? task->process->group : pid == -1 ? 0 : 0u - (uint32_t)pid;
    bool any = false, allowed = false;
    LIST_EACH(process, process_list(), struct process, all) {
        bool is = pid == -1 ? process != process_init && process != task->process
                            : process->group == group;
        if (is && (!process->zombie || !list_empty(&process->tasks) || pid != -1)) {
            any = true;
            allowed |= process_kill(task, process, signal) == 0;
        }
    }
    return allowed ? 0 : any ? -EPERM : -ESRCH;
}

int64_t call_kill(struct task *task, int32_t pid, int32_t signal)
{
    if (signal < 0 || signal > SIGNALS) {
        return -EINVAL;
    }
    if (pid <= 0) {
        return pid == INT32_MIN ? -ESRCH : many_kill(task, pid, signal);
    }
    struct process *process = process_find((uint32_t)pid);
    if (!process) {
        const struct task *other = task_find((uint32_t)pid);
        process = other ? other->process : NULL;
    }
    return process ? process_kill(task, process, signal) : -ESRCH;
}

static int64_t thread_kill_as(struct task *task, int32_t group, int32_t tid,
                              const struct signal_info *info)
{
    struct task *to = task_find((uint32_t)tid);
    if (info->signal < 0 || info->signal > SIGNALS) {
        return -EINVAL;
    }
    if (!to || (group && to->process->pid != (uint32_t)group)) {
        return -ESRCH;
    }
    if (!may_signal(task, to, info->signal)) {
        return -EPERM;
    }
    return info->signal ? signal_send_task(to, info) : 0;
}

int64_t call_tgkill(struct task *task, int32_t group, int32_t tid, int32_t signal)
{
    struct signal_info info = info_from(task, signal, SI_TKILL);
    return group <= 0 || tid <= 0 ? -EINVAL : thread_kill_as(task, group, tid, &info);
}

int64_t call_tkill(struct task *task, int32_t tid, int32_t signal)
{
    struct signal_info info = info_from(task, signal, SI_TKILL);
    return tid <= 0 ? -EINVAL : thread_kill_as(task, 0, tid, &info);
}

// Who sends to others cannot pretend to be the kernel or kill().
static int64_t info_read(struct task *task, struct signal_info *info, int32_t signal, user_t from,
                         bool own)
{
    if (user_read(task, info, from, sizeof(*info))) {
        return -EFAULT;
    }
    info->signal = signal;
    return !own && (info->code >= 0 || info->code == SI_TKILL) ? -EPERM : 0;
}

int64_t call_rt_sigqueueinfo(struct task *task, int32_t pid, int32_t signal, user_t from)
{
    struct signal_info info;
    int64_t error = info_read(task, &info, signal, from, (uint32_t)pid == task->process->pid);
    struct process *process = process_find((uint32_t)pid);
    if (error || signal < 0 || signal > SIGNALS) {
        return error ? error : -EINVAL;
    }
    if (!process || list_empty(&process->tasks)) {
        return process ? 0 : -ESRCH;
    }
    if (!may_signal(task, CONTAINER(process->tasks.next, struct task, in_process), signal)) {
        return -EPERM;
    }
    return signal ? signal_send(process, &info) : 0;
}

int64_t call_rt_tgsigqueueinfo(struct task *task, int32_t group, int32_t tid, int32_t signal,
                               user_t from)
{
    struct signal_info info;
    int64_t error = info_read(task, &info, signal, from, (uint32_t)tid == task->tid);
    if (group <= 0 || tid <= 0) {
        return -EINVAL;
    }
    return error ? error : thread_kill_as(task, group, tid, &info);
}
