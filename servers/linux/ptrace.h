// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tracing (ptrace(2)): a task that is traced stops where its tracer, another process, wants it, and
// goes on as that says.  All but ptrace_request.c call these only for a task with a trace.
#pragma once

#include "task.h"

// Requests with which a task goes on, kept as its mode.
#define PTRACE_CONT       7u
#define PTRACE_SINGLESTEP 9u
#define PTRACE_SYSCALL    24u

// Options; the others are 1 << event.
#define TRACE_SYSGOOD  1u
#define TRACE_EXITKILL 0x100000u

enum trace_event {
    EVENT_NONE,
    EVENT_FORK,
    EVENT_VFORK,
    EVENT_CLONE,
    EVENT_EXEC,
    EVENT_VFORK_DONE,
    EVENT_EXIT,
    EVENT_STOP = 128,
};

enum trace_stop {
    STOP_NONE,    // not stopped
    STOP_ENTRY,   // before a system call
    STOP_EXIT,    // after one, or one that a signal interrupts
    STOP_SIGNAL,  // before a signal is delivered
    STOP_GROUP,   // as all of its process are
    STOP_EVENT,
    STOP_ENDING,  // before its end
};

struct trace {
    struct list all;
    struct task *task;       // NULL: has ended, and the tracer is still to be told
    struct process *tracer;  // NULL: has left; the record goes when the task goes on
    uint32_t tid, uid, group;
    uint32_t options;
    uint32_t mode;  // PTRACE_CONT, ...
    bool seized;
    enum trace_stop stop;
    bool told;        // the tracer has waited for the stop
    bool goes;        // it has been let go, and is among those to be tried again
    bool listening;   // PTRACE_LISTEN
    bool group_seen;  // it has stopped as its process is
    bool exit_told;   // the end of its call was told
    bool wants_exit;  // is to be told
    bool interrupt;   // PTRACE_INTERRUPT
    bool ending;      // was stopped before its end
    bool execs;       // its call is execve
    bool written;     // the tracer has set its registers
    uint32_t status;  // of the stop as wait4 gives it, shifted; of its end
    uint32_t end_status;
    uint32_t event;  // to be told, with `message`
    uint64_t message;
    uint32_t signal;  // with which it goes on
    bool has_info;
    struct signal_info info;  // of the stop
    int64_t number;           // of the system call, or -1: as the tracer sees it (orig_rax)
};

// ---- points where a task may stop; true: it has, or has ended
// It enters a call, or begins one anew that was interrupted.
bool trace_enter(struct task *task);
bool trace_reenter(struct task *task);
// Its call has ended: the result stands in its answer or its registers.
bool trace_result(struct task *task);
// A signal is about to interrupt its call.
bool trace_interrupt(struct task *task);
// It takes a signal.
bool trace_signal(struct task *task, const struct signal_info *info);
// Whatever else is to stop it.
bool trace_stops(struct task *task);
// It is to end.
bool trace_exits(struct task *task, uint32_t status);

// ---- what happens to it
// Whether trace_stops would.
bool trace_waits(const struct task *task);
// It has trapped; it is about to go on in user mode.
void trace_trapped(struct task *task);
void trace_leave(struct task *task);
// Something is pending while it is stopped.
void trace_poke(struct task *task);
// Its process goes on after a stop.
void trace_continued(struct task *task);
// It was let go (of those to be tried again): whether that is so; it is carried out.
bool trace_go(struct task *task);
// It has a child; it runs a new program; the child of its vfork has let it go.
void trace_forked(struct task *task, struct task *child, uint64_t flags, uint32_t exit_signal);
void trace_execs(struct task *task);
void trace_vforked(struct task *task, uint32_t child);
// It has to end without a stop; it has ended.
void trace_hush(struct task *task);
void trace_ended(struct task *task, uint32_t status);

// ---- for tracers
// A process ends: whom it traces is free.
void trace_tracer_ended(struct process *tracer);
// Whether a process is traced by this one.
bool trace_is(const struct process *process, const struct process *tracer);

// What a wait is for, and what was found.
struct trace_news {
    int32_t which;      // as wait4 has it
    bool ends;          // also who has ended
    bool leaves;        // it can be waited for again
    bool any;           // there is one who fits
    uint32_t tid, uid;  // 0: nobody has anything to tell
    uint32_t status;    // as wait4 gives it
    int code;           // as siginfo does
};
void trace_wait(struct task *task, struct trace_news *news);

// ---- for ptrace_request.c
// Have a process trace a task: 0 or -ENOMEM.
int64_t trace_new(struct task *task, struct process *tracer, bool seized, uint32_t options);
void trace_resume(struct trace *trace, uint32_t mode, uint32_t signal);
void trace_detach(struct trace *trace, uint32_t signal);
void trace_listen(struct trace *trace);

// ---- ptrace_request.c
// Read or write what is mapped in a space, whatever its rights: how many bytes, or -EFAULT.
int64_t trace_memory(struct space *space, user_t at, void *here, uint64_t bytes, bool write);
