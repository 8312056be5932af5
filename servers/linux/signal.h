// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals: what is pending, what is blocked, what is done about it.
#pragma once

#include "list.h"
#include "types.h"
#include "wait.h"

#include <rt/abi.h>

struct process;
struct task;

typedef uint64_t sigset;
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))

// As the process passes it to rt_sigaction.
struct signal_action {
    uint64_t handler, flags, restorer;
    sigset mask;
};
#define SIG_DFL      0u
#define SIG_IGN      1u
#define SA_NOCLDSTOP 1u
#define SA_NOCLDWAIT 2u
#define SA_SIGINFO   4u
#define SA_ONSTACK   0x08000000u
#define SA_RESTART   0x10000000u
#define SA_NODEFER   0x40000000u
#define SA_RESETHAND 0x80000000u
#define SA_RESTORER  0x04000000u

// As a handler gets it (siginfo_t): the first three, and what depends on them.
struct signal_info {
    int32_t signal, error, code, padding;
    union {
        struct {
            uint32_t pid, uid;
            int32_t status, more;
            uint64_t user_time, system_time;
        };
        struct {
            uint32_t sender, sender_uid;
            uint64_t value;
        };
        struct {
            int32_t timer, overrun;
            uint64_t timer_value;
        };
        uint64_t address;
        struct {
            int64_t band;
            int32_t fd;
        };
        uint64_t rest[14];
    };
};
_Static_assert(sizeof(struct signal_info) == 128, "siginfo_t");

#define SI_USER       0
#define SI_KERNEL     0x80
#define SI_QUEUE      (-1)
#define SI_TIMER      (-2)
#define SI_TKILL      (-6)
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

// The information of a signal in a queue.
struct queued {
    struct list link;
    struct signal_info info;
};

// What is pending: a bit for each signal, and the information of each, queued; the first one in a
// place that is kept for it.
struct pending {
    sigset set;
    struct list queue;
    struct queued first;  // signal 0: it is free
    uint32_t count;       // in the queue
};

// Actions are shared by tasks with CLONE_SIGHAND.
struct handlers {
    uint32_t refs;
    struct signal_action actions[SIGNALS];
};

struct signals {  // of a process
    struct pending pending;
    uint32_t kept;         // for timers, which will send them
    uint32_t stop_signal;  // stopped by this one; 0: not
    bool stop_told;        // the parent has waited for that
    bool continued;        // and for this: SIGCONT came
};

struct task_signals {  // of a task
    struct handlers *handlers;
    struct pending pending;
    sigset blocked;
    sigset awaited;   // in sigtimedwait
    sigset restored;  // to be blocked again after the handler (sigsuspend, ppoll)
    bool restore;
    uint32_t parent_death;  // sent when the parent ends (prctl)
    user_t stack;           // alternate stack
    uint64_t stack_bytes;
    uint32_t stack_flags;
    struct waitlist *waits;  // sigtimedwait, signalfd
};

// Send one to a task, or to any of a process that does not block it.  Takes effect at once where
// the task runs: what it is in ends early.  -EAGAIN: too many are queued.
int64_t signal_send_task(struct task *task, const struct signal_info *info);
int64_t signal_send(struct process *process, const struct signal_info *info);
// Whether one more may be queued for a user whose tasks may have `limit` of them.
bool signals_allowed(uint32_t uid, uint64_t limit);
// So many more, or fewer, are kept for the timers of a process.
void signals_keep(struct process *process, int32_t more);
// By the server itself (SI_KERNEL), to all of a group.
void signal_kernel(struct process *process, unsigned signal);
void signal_group(uint32_t group, unsigned signal);
// One that the task cannot put off, for what it did just now (a fault).
void signal_force(struct task *task, const struct signal_info *info);
// Whether one is pending that the task does not block, or that ends or stops it.
bool signal_waits(const struct task *task);

// Do what pending signals demand of a trapped task, until none is left that it does not block.
// False: it has ended or is stopped.  Where a handler is to run, its frame is made, and
// task->interrupted says no more that a call was (its result or its new beginning stands in the
// frame).
bool signal_deliver(struct task *task);
// One of them that its tracer has let through; false: it has ended.
bool signal_pass(struct task *task, const struct signal_info *info);
// It has something to look at: where it runs, it is stopped for that.
void signal_poke(struct task *task);
// A task or process is new or at its end.
void signal_init(struct pending *pending);
void signal_free(struct pending *pending);
struct handlers *handlers_new(void);
struct handlers *handlers_copy(const struct handlers *from);
void handlers_put(struct handlers *handlers);
void handlers_exec(struct task *task);

// ---- sigframe.c
// Have a handler run next; false: there is no room for its frame.
bool frame_push(struct task *task, const struct signal_action *action,
                const struct signal_info *info);
void call_interrupted(struct task *task, bool anew);

// Take one of a set that is pending: false: none is.
bool signal_take(struct task *task, sigset of, struct signal_info *info);
sigset signal_pending(const struct task *task);
