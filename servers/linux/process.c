// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What processes ask about themselves and set for themselves: numbers, limits, times, scheduling,
// prctl.
#include "call.h"
#include "clock.h"
#include "cpu.h"
#include "cpulimit.h"
#include "page.h"
#include "proc.h"
#include "seccomp.h"
#include "space.h"

#include <rt/clock.h>
#include <rt/string.h>

#define CAP_SYS_RESOURCE 24
#define CAP_SYS_NICE     23
#define RLIMIT_CPU       0
#define RLIMIT_STACK     3
#define RLIMIT_NICE      13

static struct task *task_or_self(struct task *task, int32_t tid)
{
    return tid ? task_find((uint32_t)tid) : task;
}

int64_t call_getpid(struct task *task)
{
    return task->process->pid;
}

int64_t call_gettid(struct task *task)
{
    return task->tid;
}

int64_t call_getppid(struct task *task)
{
    return task->process->parent ? task->process->parent->pid : 0;
}

// ---- limits ------------------------------------------------------------------------------------
static int64_t limit_set(const struct task *task, struct limit *limit, const struct limit *to)
{
    if (to->soft > to->hard) {
        return -EINVAL;
    }
    if (to->hard > limit->hard && !task_capable(task, CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    *limit = *to;
    return 0;
}

int64_t call_prlimit64(struct task *task, int32_t pid, uint32_t which, user_t new, user_t old)
{
    struct limit to;
    if (which >= LIMITS) {
        return -EINVAL;
    }
    if (new &&user_read(task, &to, new, sizeof(to))) {
        return -EFAULT;
    }
    const struct task *of = task_or_self(task, pid);
    if (!of) {
        return -ESRCH;
    }
    const struct credentials *own = &task->credentials, *its = &of->credentials;
    if (of->process != task->process && !task_capable(task, CAP_SYS_RESOURCE) &&
        (own->uid != its->euid || own->uid != its->suid || own->uid != its->uid ||
         own->gid != its->egid || own->gid != its->sgid || own->gid != its->gid)) {
        return -EPERM;
    }
    struct limit *limit = &of->process->limits[which], before = *limit;
    int64_t error = new ? limit_set(task, limit, &to) : 0;
    of->space->stack_most = of->process->limits[RLIMIT_STACK].soft;
    if (new && !error && which == RLIMIT_CPU) {
        cpulimit_set(of->process);
    }
    return error ? error : old && user_write(task, old, &before, sizeof(before)) ? -EFAULT : 0;
}

int64_t call_getrlimit(struct task *task, uint32_t which, user_t to)
{
    return call_prlimit64(task, 0, which, 0, to);
}

int64_t call_setrlimit(struct task *task, uint32_t which, user_t from)
{
    return call_prlimit64(task, 0, which, from, 0);
}

// ---- times -------------------------------------------------------------------------------------
uint64_t task_cpu_ns(const struct task *task)
{
    cpu_count();
    return rt_nanoseconds(task->ticks, rt_clock_hz());
}

uint64_t process_cpu_ns(const struct process *process)
{
    uint64_t ticks = process->ended_ticks;
    cpu_count();
    LIST_EACH(task, &process->tasks, struct task, in_process) {
        ticks += task->ticks;
    }
    return rt_nanoseconds(ticks, rt_clock_hz());
}

static uint64_t centiseconds(uint64_t ns)
{
    return ns / 10000000;
}

int64_t call_times(struct task *task, user_t to)
{
    uint64_t times[4] = {
        centiseconds(process_cpu_ns(task->process)), 0,
        centiseconds(rt_nanoseconds(task->process->children_ticks, rt_clock_hz())), 0
    };
    if (to && user_write(task, to, times, sizeof(times))) {
        return -EFAULT;
    }
    return (int64_t)centiseconds(rt_clock_monotonic());
}

int64_t call_getrusage(struct task *task, int32_t who, user_t to)
{
    uint64_t usage[18] = { 0 };
    uint64_t ns = who == 0   ? process_cpu_ns(task->process)
                  : who == 1 ? task_cpu_ns(task)
                             : rt_nanoseconds(task->process->children_ticks, rt_clock_hz());
    if (who < -1 || who > 1) {
        return -EINVAL;
    }
    usage[0] = ns / RT_SECOND;
    usage[1] = ns % RT_SECOND / 1000;
    usage[4] = task->space->resident << (PAGE_BITS - 10);
    return user_write(task, to, usage, sizeof(usage));
}

// ---- the system --------------------------------------------------------------------------------
#define UTS_BYTES 65

char host_name[UTS_BYTES] = "pith", domain_name[UTS_BYTES] = "(none)";

int64_t call_uname(struct task *task, user_t to)
{
    char names[6][UTS_BYTES] = { "Linux", "", SYSTEM_RELEASE, SYSTEM_VERSION, "x86_64", "" };
    memcpy(names[1], host_name, UTS_BYTES);
    memcpy(names[5], domain_name, UTS_BYTES);
    return user_write(task, to, names, sizeof(names));
}

static int64_t name_change(struct task *task, char *name, user_t from, int64_t bytes)
{
    char new[UTS_BYTES] = { 0 };
    if (!task_capable(task, 21)) {  // CAP_SYS_ADMIN
        return -EPERM;
    }
    if (bytes < 0 || bytes >= UTS_BYTES) {
        return -EINVAL;
    }
    if (user_read(task, new, from, (uint64_t)bytes)) {
        return -EFAULT;
    }
    memcpy(name, new, UTS_BYTES);
    return 0;
}

int64_t call_sethostname(struct task *task, user_t from, int32_t bytes)
{
    return name_change(task, host_name, from, bytes);
}

int64_t call_setdomainname(struct task *task, user_t from, int32_t bytes)
{
    return name_change(task, domain_name, from, bytes);
}

int64_t call_sysinfo(struct task *task, user_t to)
{
    struct {
        int64_t uptime;
        uint64_t loads[3], total, free, shared, buffers, swap, swap_free;
        uint16_t processes, padding[3];
        uint64_t high, high_free;
        uint32_t unit, rest;
    } info = { .uptime = (int64_t)((rt_clock_monotonic() + RT_SECOND - 1) / RT_SECOND),
               .total = page_total << PAGE_BITS,
               .free = page_free << PAGE_BITS,
               .unit = 1 };
    LIST_EACH(process, process_list(), struct process, all) {
        info.processes++;
    }
    return user_write(task, to, &info, sizeof(info));
}

int64_t call_getrandom(struct task *task, user_t to, uint64_t bytes, uint32_t flags)
{
    if (flags & ~7u || (flags & 6) == 6) {
        return -EINVAL;
    }
    bytes = bytes < INT32_MAX ? bytes : INT32_MAX;
    for (uint64_t done = 0; done < bytes;) {
        uint64_t number = rt_seed(), part = bytes - done < 8 ? bytes - done : 8;
        if (user_write(task, to + done, &number, part)) {
            return done ? (int64_t)done : -EFAULT;
        }
        done += part;
    }
    return (int64_t)bytes;
}

int64_t call_getcpu(struct task *task, user_t cpu, user_t node)
{
    const uint32_t number = cpu_of(task), none = 0;
    return (cpu && user_write(task, cpu, &number, sizeof(number))) ||
                   (node && user_write(task, node, &none, sizeof(none)))
               ? -EFAULT
               : 0;
}

// ---- scheduling --------------------------------------------------------------------------------
int64_t call_sched_yield(struct task *task)
{
    cpu_yield(task);
    return 0;
}

int64_t call_sched_getaffinity(struct task *task, int32_t tid, uint64_t bytes, user_t to)
{
    const struct task *of = task_or_self(task, tid);
    if (bytes < sizeof(of->allowed) || bytes % sizeof(of->allowed)) {
        return -EINVAL;
    }
    if (!of) {
        return -ESRCH;
    }
    uint64_t mask = of->allowed & cpu_all();
    return user_write(task, to, &mask, sizeof(mask)) ? -EFAULT : (int64_t)sizeof(mask);
}

// Whether a task may say how another is scheduled (sched(7)).
static bool may_schedule(const struct task *task, const struct task *to)
{
    const struct credentials *own = &task->credentials, *its = &to->credentials;
    return own->euid == its->euid || own->euid == its->uid || task_capable(task, CAP_SYS_NICE);
}

int64_t call_sched_setaffinity(struct task *task, int32_t tid, uint64_t bytes, user_t from)
{
    struct task *of = task_or_self(task, tid);
    uint64_t mask = 0;
    if (!of) {
        return -ESRCH;
    }
    if (user_read(task, &mask, from, bytes < sizeof(mask) ? bytes : sizeof(mask))) {
        return -EFAULT;
    }
    if (!may_schedule(task, of)) {
        return -EPERM;
    }
    if (!(mask & cpu_all())) {
        return -EINVAL;
    }
    cpu_allow(of, mask);
    return 0;
}

int64_t call_sched_getscheduler(struct task *task, int32_t tid)
{
    const struct task *of = tid < 0 ? NULL : task_or_self(task, tid);
    return tid < 0 ? -EINVAL : of ? of->policy : -ESRCH;
}

int64_t call_sched_getparam(struct task *task, int32_t tid, user_t to)
{
    int32_t priority = 0;
    if (tid < 0 || !to) {
        return -EINVAL;
    }
    return !task_or_self(task, tid) ? -ESRCH : user_write(task, to, &priority, sizeof(priority));
}

// Whether a policy may have a priority: 0, or what says why not.
static int64_t policy_check(uint32_t policy, int32_t priority)
{
    bool normal = policy == 0 || policy == 3 || policy == 5;  // OTHER, BATCH, IDLE
    if (normal && !priority) {
        return 0;
    }
    return (policy == 1 || policy == 2) && priority > 0 && priority < 100 ? -EPERM : -EINVAL;
}

#define POLICY_AS_IT_IS (-1)

static int64_t policy_set(struct task *task, int32_t tid, int32_t policy, user_t from)
{
    int32_t priority = 0;
    if (tid < 0 || !from) {
        return -EINVAL;
    }
    if (user_read(task, &priority, from, sizeof(priority))) {
        return -EFAULT;
    }
    struct task *of = task_or_self(task, tid);
    if (!of) {
        return -ESRCH;
    }
    uint32_t new = policy == POLICY_AS_IT_IS ? of->policy : (uint32_t)policy;
    int64_t error = policy_check(new, priority);
    error = error || may_schedule(task, of) ? error : -EPERM;
    of->policy = error ? of->policy : (uint8_t) new;
    return error;
}

int64_t call_sched_setparam(struct task *task, int32_t tid, user_t from)
{
    return policy_set(task, tid, POLICY_AS_IT_IS, from);
}

int64_t call_sched_setscheduler(struct task *task, int32_t tid, int32_t policy, user_t from)
{
    return policy < 0 ? -EINVAL : policy_set(task, tid, policy, from);
}

int64_t call_sched_rr_get_interval(struct task *task, int32_t tid, user_t to)
{
    if (tid < 0) {
        return -EINVAL;
    }
    struct timespec slice = timespec_of(CPU_SLICE);
    return !task_or_self(task, tid) ? -ESRCH : user_write(task, to, &slice, sizeof(slice));
}

int64_t call_sched_get_priority_max(struct task *task, int32_t policy)
{
    (void)task;
    return policy == 1 || policy == 2                  ? 99
           : policy == 0 || policy == 3 || policy == 5 ? 0
                                                       : -EINVAL;
}

int64_t call_sched_get_priority_min(struct task *task, int32_t policy)
{
    (void)task;
    return policy == 1 || policy == 2 ? 1 : policy == 0 || policy == 3 || policy == 5 ? 0 : -EINVAL;
}

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2
#define NICE_MOST    19
#define NICE_LEAST   (-20)

// Whether a task is among those that a call on priorities names.
static bool priority_names(const struct task *task, int32_t which, uint32_t who,
                           const struct task *at)
{
    return which == PRIO_PROCESS ? at->tid == (who ? who : task->tid)
           : which == PRIO_PGRP  ? at->process->group == (who ? who : task->process->group)
                                 : at->credentials.uid == (who ? who : task->credentials.uid);
}

int64_t call_getpriority(struct task *task, int32_t which, int32_t who)
{
    int64_t best = -ESRCH;
    if (which < PRIO_PROCESS || which > PRIO_USER) {
        return -EINVAL;
    }
    LIST_EACH(process, process_list(), struct process, all) {
        LIST_EACH(at, &process->tasks, struct task, in_process) {
            int64_t is = 20 - at->nice;
            best = priority_names(task, which, (uint32_t)who, at) && is > best ? is : best;
        }
    }
    return best;
}

static int64_t nice_set(const struct task *task, struct task *to, int32_t nice)
{
    if (!may_schedule(task, to)) {
        return -EPERM;
    }
    uint64_t least = task_limit(to, RLIMIT_NICE);
    if (nice < to->nice && 20 - nice > (int64_t)(least < 40 ? least : 40) &&
        !task_capable(task, CAP_SYS_NICE)) {
        return -EACCES;
    }
    to->nice = (int8_t)nice;
    return 0;
}

int64_t call_setpriority(struct task *task, int32_t which, int32_t who, int32_t nice)
{
    int64_t error = -ESRCH;
    if (which < PRIO_PROCESS || which > PRIO_USER) {
        return -EINVAL;
    }
    nice = nice > NICE_MOST ? NICE_MOST : nice < NICE_LEAST ? NICE_LEAST : nice;
    LIST_EACH(process, process_list(), struct process, all) {
        LIST_EACH(at, &process->tasks, struct task, in_process) {
            if (priority_names(task, which, (uint32_t)who, at)) {
                int64_t failed = nice_set(task, at, nice);
                error = error == -ESRCH || failed ? failed : error;
            }
        }
    }
    return error;
}

// ---- prctl -------------------------------------------------------------------------------------
enum prctl {
    PR_SET_PDEATHSIG = 1,
    PR_GET_PDEATHSIG,
    PR_GET_DUMPABLE,
    PR_SET_DUMPABLE,
    PR_GET_KEEPCAPS = 7,
    PR_SET_KEEPCAPS,
    PR_SET_NAME = 15,
    PR_GET_NAME,
    PR_GET_SECCOMP = 21,
    PR_SET_SECCOMP,
    PR_CAPBSET_READ = 23,
    PR_CAPBSET_DROP,
    PR_GET_TSC,
    PR_SET_TSC,
    PR_SET_TIMERSLACK = 29,
    PR_GET_TIMERSLACK,
    PR_SET_CHILD_SUBREAPER = 36,
    PR_GET_CHILD_SUBREAPER,
    PR_SET_NO_NEW_PRIVS,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_THP_DISABLE = 42,
    PR_GET_SPECULATION_CTRL = 52,
    PR_SET_SPECULATION_CTRL,
};

#define PR_TSC_ENABLE 1

// Ways to guess of a processor, and what may become of one.
#define PR_SPEC_LAST           2
#define PR_SPEC_ENABLE         2
#define PR_SPEC_DISABLE        4
#define PR_SPEC_FORCE_DISABLE  8
#define PR_SPEC_DISABLE_NOEXEC 16

static int64_t name_set(struct task *task, user_t from)
{
    char name[TASK_NAME_BYTES] = { 0 };
    int64_t length = user_string(task, name, from, sizeof(name) - 1);
    if (length == -EFAULT) {
        return -EFAULT;
    }
    name[sizeof(name) - 1] = 0;
    memcpy(task->name, name, sizeof(name));
    return 0;
}

static int64_t bounding_drop(struct task *task, uint64_t capability)
{
    if (!task_capable(task, CAP_SETPCAP)) {
        return -EPERM;
    }
    if (capability > CAP_LAST) {
        return -EINVAL;
    }
    task->credentials.bounding &= ~(1ull << capability);
    return 0;
}

// No program has a say in it.
static int64_t speculation_set(uint64_t which, uint64_t how)
{
    bool known = how == PR_SPEC_ENABLE || how == PR_SPEC_DISABLE || how == PR_SPEC_FORCE_DISABLE ||
                 how == PR_SPEC_DISABLE_NOEXEC;
    return which > PR_SPEC_LAST ? -ENODEV : known ? -ENXIO : -ERANGE;
}

int64_t call_prctl(struct task *task, int32_t option, uint64_t two, uint64_t three, uint64_t four,
                   uint64_t five)
{
    int32_t value = 0;
    switch ((enum prctl)option) {
    case PR_SET_NAME: return name_set(task, two);
    case PR_GET_NAME: return user_write(task, two, task->name, sizeof(task->name));
    case PR_GET_SECCOMP: return seccomp_mode(task);
    case PR_SET_SECCOMP: return seccomp_prctl(task, two, three);
    case PR_GET_DUMPABLE: return task->space->dumpable;
    case PR_SET_DUMPABLE:
        if (two > 1) {
            return -EINVAL;
        }
        task->space->dumpable = two;
        return 0;
    case PR_SET_PDEATHSIG:
        if (two > SIGNALS) {
            return -EINVAL;
        }
        task->signals.parent_death = (uint32_t)two;
        return 0;
    case PR_GET_PDEATHSIG:
        value = (int32_t)task->signals.parent_death;
        return user_write(task, two, &value, sizeof(value));
    case PR_SET_CHILD_SUBREAPER: task->process->reaper = two; return 0;
    case PR_GET_CHILD_SUBREAPER:
        value = task->process->reaper;
        return user_write(task, two, &value, sizeof(value));
    case PR_SET_NO_NEW_PRIVS:
        if (two != 1 || three || four || five) {
            return -EINVAL;
        }
        task->credentials.no_new_privileges = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return two || three || four || five ? -EINVAL : task->credentials.no_new_privileges;
    case PR_CAPBSET_READ:
        return two > CAP_LAST ? -EINVAL : (int64_t)(task->credentials.bounding >> two & 1);
    case PR_CAPBSET_DROP: return bounding_drop(task, two);
    case PR_GET_TSC: value = PR_TSC_ENABLE; return user_write(task, two, &value, sizeof(value));
    case PR_SET_TSC: return two == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_SET_TIMERSLACK:  // how late timers may be; here they are not, for it
        task->timer_slack = (int64_t)two > 0 ? two : task->timer_slack_usual;
        return 0;
    case PR_GET_TIMERSLACK: return (int64_t)task->timer_slack;
    case PR_GET_THP_DISABLE: return two || three || four || five ? -EINVAL : 0;
    case PR_GET_SPECULATION_CTRL:
        return three || four || five ? -EINVAL : two > PR_SPEC_LAST ? -ENODEV : PR_SPEC_ENABLE;
    case PR_SET_SPECULATION_CTRL: return four || five ? -EINVAL : speculation_set(two, three);
    case PR_GET_KEEPCAPS: return task->credentials.keep_capabilities;
    case PR_SET_KEEPCAPS:
        if (two > 1) {
            return -EINVAL;
        }
        task->credentials.keep_capabilities = two;
        return 0;
    }
    return -EINVAL;
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

int64_t call_arch_prctl(struct task *task, int32_t what, uint64_t address)
{
    struct thread_regs *regs = task_regs(task);
    if (what == ARCH_GET_FS || what == ARCH_GET_GS) {
        uint64_t base = what == ARCH_GET_FS ? regs->fs_base : regs->gs_base;
        return user_write(task, address, &base, sizeof(base));
    }
    if (what != ARCH_SET_FS && what != ARCH_SET_GS) {
        return -EINVAL;
    }
    if (address >= SPACE_END) {
        return -EPERM;
    }
    *(what == ARCH_SET_FS ? &regs->fs_base : &regs->gs_base) = address;
    task_load(task);
    return 0;
}

int64_t call_personality(struct task *task, uint32_t to)
{
    uint32_t before = task->personality;
    if (to != UINT32_MAX) {
        task->personality = to;
    }
    return before;
}

#define MEMBARRIER_QUERY    0
#define MEMBARRIER_GLOBAL   1
#define MEMBARRIER_PRIVATE  8   // MEMBARRIER_CMD_PRIVATE_EXPEDITED
#define MEMBARRIER_REGISTER 16  // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED

int64_t call_membarrier(struct task *task, int32_t command, uint32_t flags, int32_t cpu)
{
    (void)cpu;
    if (flags) {
        return -EINVAL;
    }
    if (cpu_number > 1) {  // nothing says when a thread on another one has passed a barrier
        return command == MEMBARRIER_QUERY ? 0 : -EINVAL;
    }
    switch (command) {  // on one CPU each switch is a barrier
    case MEMBARRIER_QUERY: return MEMBARRIER_GLOBAL | MEMBARRIER_PRIVATE | MEMBARRIER_REGISTER;
    case MEMBARRIER_GLOBAL: return 0;
    case MEMBARRIER_REGISTER: task->space->barriers = true; return 0;
    case MEMBARRIER_PRIVATE: return task->space->barriers ? 0 : -EPERM;
    default: return -EINVAL;
    }
}
