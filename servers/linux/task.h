// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tasks (what Linux calls threads) and processes (thread groups).
#pragma once

#include "idtable.h"
#include "inode.h"
#include "mapping.h"
#include "signal.h"
#include "timer.h"
#include "wait.h"

#include <rt/abi.h>

#define TASK_NAME_BYTES 16
#define GROUPS_MAX      32
#define LIMITS          16

#define ADDR_NO_RANDOMIZE 0x0040000u  // personality(2)

// The system call that a task is in.
struct call {
    uint32_t number;
    uint64_t args[6];
    bool again;         // this is not the first attempt
    bool patient;       // nothing but SIGKILL ends its wait
    uint64_t deadline;  // 0: none (wait.h)
    uint64_t done;      // what earlier attempts have done already, as the call counts it
    void *state;        // likewise; given to call_end when the call ends
    void (*end)(struct task *task);  // NULL, or what gives `state` up, however the call ends
    struct file *file;  // that it waits for, with a reference, given up when the call ends; or NULL
};

struct credentials {
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint64_t permitted, effective, inheritable, bounding, ambient;  // capabilities(7)
    bool no_new_privileges, keep_capabilities;                      // prctl
    uint32_t group_count, groups[GROUPS_MAX];
};

// Root, working directory, umask; of one or more tasks.
struct placement {
    uint32_t refs;
    uint32_t umask;
    struct place root, work;
};

struct limit {
    uint64_t soft, hard;
};

// A number for tasks, processes, groups and sessions (as /proc and kill name them).
struct process {
    uint32_t refs;  // its tasks, and what knows it as an ancestor or a leader
    uint32_t pid, group, session;
    struct list all;
    struct id_entry by_pid;
    struct process *parent;  // who is told of its end
    struct list children;    // processes
    struct list siblings;
    struct list tasks;          // that live
    struct task *leader;        // the first one, also when it has ended
    struct signals signals;     // pending for the whole, actions, stop (signal.h)
    struct terminal *terminal;  // that controls its session
    struct limit limits[LIMITS];
    struct waitlist ended;  // its children's changes of state
    struct waitlist gone;   // its own end
    uint32_t uid;           // real one of its tasks, for who is told of it
    uint32_t exit_status;   // as wait4 gives it, once it has ended
    uint32_t exit_signal;   // that the parent gets
    bool zombie;            // has ended; nobody has waited for it
    bool ending;            // exit_group, a deadly signal, or exec of another task of it
    bool reaped;            // somebody has waited for it; what is left are references
    bool did_exec;
    bool reaper;                    // PR_SET_CHILD_SUBREAPER
    uint64_t began;                 // monotonic clock
    uint64_t children_ticks;        // used by those waited for
    uint64_t ended_ticks;           // used by its tasks that have ended
    struct process_timers *timers;  // NULL: has none (interval.h)
    struct undo *undo;              // what it takes back at its end (sem.c)
    struct timer cpu_limit;         // when its processor time is to be looked at (cpulimit.h)
};

enum task_state {
    TASK_NEW,      // not run yet
    TASK_RUNS,     // in user mode, or could be (cpu.h)
    TASK_TRAPPED,  // its trap is being handled
    TASK_WAITS,    // in a system call
    TASK_STOPPED,  // by a signal or its tracer
    TASK_ENDED,
};

struct task {
    uint32_t number;  // in the table of tasks: badge of its traps, less one
    uint32_t tid;
    struct id_entry by_tid;
    enum task_state state;
    char name[TASK_NAME_BYTES];
    struct process *process;
    struct list in_process;
    int8_t nice;
    uint8_t policy;                           // SCHED_*
    uint32_t personality;                     // as asked for; ADDR_NO_RANDOMIZE is heeded
    uint64_t ticks;                           // used in user mode, of the kernel's clock
    uint64_t timer_slack, timer_slack_usual;  // nanoseconds (prctl)
    bool over_limit;  // it became a user who had too many (RLIMIT_NPROC): no exec, while that lasts
    struct list queued;  // for a CPU, or of those to be tried again
    struct cpu *cpu;     // whose time it has (cpu.h); NULL: none
    uint32_t last_cpu;   // that it ran on
    uint64_t allowed;    // CPUs, a bit each
    uint64_t jump_at;    // cpu.c: when it may be put before others again
    bool slept;          // it has waited since it was last ready
    struct space *space;
    struct files *files;
    struct placement *placement;
    struct credentials credentials;
    struct call call;
    struct task_wait *waits;  // entries in waitlists
    unsigned wait_count, wait_room;
    struct timer timer;  // of the call's deadline
    bool interrupted;    // its call ends or begins anew for a signal
    struct task_signals signals;
    // The guest.
    cap_t thread;
    struct guest_frame *frame;
    cap_t frame_page;  // bank's capability, with the frame at
    uint64_t frame_at;
    bool trapped;            // it waits for an answer
    bool frame_valid;        // its registers stand in the frame
    bool in_call;            // the trap was a system call
    uint64_t answer;         // GUEST_* of the answer
    uint64_t result;         // with GUEST_RESULT
    struct mapping mapping;  // with GUEST_MAP
    // clone, futex, rseq.
    user_t clear_tid;  // to be zeroed and woken at its end
    user_t robust_list;
    user_t rseq;
    uint32_t rseq_signature;
    bool rseq_left;               // it was stopped and may be in a sequence (rseq.h)
    struct task *vfork_parent;    // waits for its exec or end
    struct trace *trace;          // by a tracer
    struct bpf_program *seccomp;  // what its calls are checked by (seccomp.h), or NULL
};

// Not a program: who gets the children that have lost their parent, and waits for them at once.
extern struct process *process_init;

// The task of a number, or NULL.
struct task *task_find(uint32_t tid);
struct process *process_find(uint32_t pid);

// Whether its credentials have a capability (CAP_*).
bool task_capable(const struct task *task, unsigned capability);
static inline uint64_t task_limit(const struct task *task, unsigned limit)
{
    return task->process->limits[limit].soft;
}

// ---- task.c
// A task of a process that has no others yet, or (clone) another of it; its guest is suspended,
// with nothing in its registers.  NULL: no memory.
struct task *task_new(struct process *process);
struct process *process_new(struct process *parent);
// Have the next new task and its process, or the next task of a process, be known by this number:
// 0, -EINVAL (it cannot be one), -EEXIST.
int64_t task_choose_id(uint32_t id);
// How many tasks have a real user (RLIMIT_NPROC).
uint64_t tasks_of_user(uint32_t uid);
// The task has the number of its process from now on: it is the only one.
void task_lead(struct task *task);
void process_put(struct process *process);
// At a task's end: its guest thread; its number and its process.  The record itself stays until no
// call that is being carried out can be the task's own (tasks_bury).
void task_guest_end(struct task *task);
void task_release(struct task *task);
void tasks_bury(void);
extern struct list tasks_dead;  // task.c's to change
// All registers stand in task->frame.
struct thread_regs *task_regs_read(struct task *task);
static inline struct thread_regs *task_regs(struct task *task)
{
    return task->frame_valid ? &task->frame->regs : task_regs_read(task);
}
// Have what stands there loaded when it goes on.
void task_load(struct task *task);
// Its vector registers as they are in a new program.
void task_vector_clear(struct task *task);
struct task *task_at(uint32_t number);

// ---- exit.c
// End a task: it never runs again.
void task_exit(struct task *task, uint32_t status);
// End all tasks of its process; `status` as wait4 gives it.
void process_exit(struct process *process, uint32_t status);
// A child of the process has stopped, gone on or ended.
void process_tell_parent(struct process *process, int code, int status);
// The guest gets task->space, and its vector state can be set; then the registers in its frame, and
// it can run, as far as it gets time.
void task_prepare(struct task *task);
void task_start(struct task *task);
// The same for one that has run, as a new program.
void task_restart(struct task *task);
void *task_vector_area(cap_t *frame, uint64_t *at);
void task_vector_copy(const struct task *from, const struct task *to);
struct list *process_list(void);  // all, by `all`
