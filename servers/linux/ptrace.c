// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Traced tasks: where they stop, how their tracer learns of it, and how they go on.  A stop is told
// once the task's registers stand in its frame, so that it always has a trap that is not answered;
// who runs without one (a new child, a new program) is kicked first.  Who is let go does so in a
// turn of its own, not in the call of its tracer.
#include "ptrace.h"

#include "call.h"
#include "cpu.h"
#include "heap.h"
#include "object.h"

#define RFLAGS_TF     0x100u
#define SYSCALL_BYTES 2u
#define CALL_EXECVE   59u
#define TRAP_TRACE    2

// What a call that is interrupted returns as a tracer sees it: it begins anew, or does unless a
// handler runs.
#define ERESTARTSYS           512
#define ERESTARTNOHAND        514
#define ERESTART_RESTARTBLOCK 516

static struct list traces = LIST_EMPTY(traces);

static bool killed(const struct task *task)
{
    return signal_pending(task) & SIGNAL_BIT(SIGKILL);
}

// ---- records -----------------------------------------------------------------------------------
int64_t trace_new(struct task *task, struct process *tracer, bool seized, uint32_t options)
{
    struct trace *trace = heap_alloc(sizeof(*trace));
    if (!trace) {
        return -ENOMEM;
    }
    *trace = (struct trace){ .task = task,
                             .tracer = tracer,
                             .tid = task->tid,
                             .seized = seized,
                             .options = options,
                             .mode = PTRACE_CONT,
                             .number = -1 };
    list_add(&traces, &trace->all);
    task->trace = trace;
    if (task->state == TASK_STOPPED) {  // it is now its tracer's
        task->state = TASK_WAITS;
        trace->goes = true;
        task_again(task);
    }
    return 0;
}

static void trace_free(struct trace *trace)
{
    list_remove(&trace->all);
    if (trace->task) {
        trace->task->trace = NULL;
    }
    heap_free(trace);
}

bool trace_is(const struct process *process, const struct process *tracer)
{
    const struct task *leader = process->leader;
    return leader && leader->trace && leader->trace->tracer == tracer;
}

// ---- stopping ----------------------------------------------------------------------------------
static void tracer_tell(struct process *tracer, const struct trace *trace, int code, int status)
{
    struct signal_info info = {
        .signal = SIGCHLD, .code = code, .pid = trace->tid, .uid = trace->uid, .status = status
    };
    if (!list_empty(&tracer->tasks)) {
        const struct task *any = CONTAINER(tracer->tasks.next, struct task, in_process);
        if (!(any->signals.handlers->actions[SIGCHLD - 1].flags & SA_NOCLDSTOP)) {
            (void)signal_send(tracer, &info);
        }
    }
    waitlist_wake(&tracer->ended);
}

static int64_t restart_code(const struct task *task)
{
    switch (call_restart(task->call.number)) {
    case RESTART:
    case PARTIAL: return -ERESTARTSYS;
    case ALWAYS: return -ERESTARTNOHAND;
    case TIMED: return -ERESTART_RESTARTBLOCK;
    case NEVER:
    default: return -EINTR;
    }
}

// Its registers as the tracer is to see them.
static void registers_settle(struct task *task, enum trace_stop stop)
{
    struct thread_regs *regs = task_regs(task);
    if (task->answer & GUEST_RESULT) {
        regs->rax = task->result;
        task->answer &= ~(uint64_t)GUEST_RESULT;
    } else if (stop == STOP_ENTRY) {
        regs->rax = (uint64_t)-ENOSYS;
    } else if (task->interrupted) {
        regs->rax = (uint64_t)restart_code(task);
    }
    task_load(task);
    task->trace->number = task->in_call        ? (int32_t)task->call.number
                          : task->trace->execs ? (int32_t)CALL_EXECVE
                                               : -1;
}

static void stop(struct task *task, enum trace_stop kind, uint32_t status,
                 const struct signal_info *info)
{
    struct trace *trace = task->trace;
    cpu_remove(task);
    task->state = TASK_STOPPED;
    trace->stop = kind;
    trace->status = status;
    trace->told = trace->listening = trace->goes = trace->written = false;
    trace->signal = 0;
    trace->tid = task->tid;
    trace->uid = task->credentials.uid;
    trace->has_info = kind != STOP_GROUP || trace->seized;
    trace->info = info ? *info
                       : (struct signal_info){ .signal = SIGTRAP,
                                               .code = (int32_t)status,
                                               .sender = task->tid,
                                               .sender_uid = trace->uid };
    registers_settle(task, kind);
    tracer_tell(trace->tracer, trace, CLD_TRAPPED, (int)(status & 0x7f));
}

static void event_stop(struct task *task, uint32_t event, uint32_t signal)
{
    stop(task, event == EVENT_STOP && signal != SIGTRAP ? STOP_GROUP : STOP_EVENT,
         signal | event << 8, NULL);
}

static uint32_t call_status(const struct trace *trace)
{
    return SIGTRAP | (trace->options & TRACE_SYSGOOD ? 0x80u : 0);
}

static void step_tell(struct task *task)
{
    struct signal_info info = { .signal = SIGTRAP,
                                .code = TRAP_TRACE,
                                .address = task_regs(task)->rip };
    (void)signal_send_task(task, &info);
}

// Tell of an event and of a call's end, in this order.
static bool pending_tell(struct task *task)
{
    struct trace *trace = task->trace;
    if (!trace->event && !trace->wants_exit) {
        return false;
    }
    if (trace->event) {
        uint32_t event = trace->event;
        trace->event = 0;
        event_stop(task, event, SIGTRAP);
        return true;
    }
    trace->wants_exit = false;
    if (trace->mode == PTRACE_SYSCALL && !trace->exit_told) {
        trace->exit_told = true;
        stop(task, STOP_EXIT, call_status(trace), NULL);
        return true;
    }
    if (trace->mode == PTRACE_SINGLESTEP) {
        step_tell(task);
    }
    return false;
}

bool trace_enter(struct task *task)
{
    struct trace *trace = task->trace;
    trace->exit_told = trace->wants_exit = false;
    if (trace->mode != PTRACE_SYSCALL || !trace->tracer) {
        return false;
    }
    stop(task, STOP_ENTRY, call_status(trace), NULL);
    return true;
}

bool trace_reenter(struct task *task)
{
    return task->trace->exit_told && trace_enter(task);
}

bool trace_result(struct task *task)
{
    struct trace *trace = task->trace;
    if (task->state == TASK_STOPPED) {
        return true;
    }
    trace->wants_exit = !trace->exit_told && trace->mode != PTRACE_CONT;
    if (!task->trapped && signal_waits(task)) {  // a new program
        rt_ignore(thread_kick(task->thread));
        return false;
    }
    return trace->tracer && pending_tell(task);
}

bool trace_interrupt(struct task *task)
{
    struct trace *trace = task->trace;
    if (!trace->tracer || killed(task)) {
        return false;
    }
    if (trace->event) {
        return pending_tell(task);
    }
    bool forks = call_restart(task->call.number) == ALWAYS && task->call.state;
    if (trace->mode != PTRACE_SYSCALL || trace->exit_told || forks || !signal_waits(task)) {
        return false;
    }
    trace->exit_told = true;
    stop(task, STOP_EXIT, call_status(trace), NULL);
    return true;
}

bool trace_signal(struct task *task, const struct signal_info *info)
{
    struct trace *trace = task->trace;
    if (!trace->tracer || info->signal == SIGKILL || killed(task)) {
        return false;
    }
    trace->exit_told |= task->interrupted;
    stop(task, STOP_SIGNAL, (uint32_t)info->signal, info);
    return true;
}

bool trace_stops(struct task *task)
{
    struct trace *trace = task->trace;
    uint32_t signal = task->process->signals.stop_signal;
    if (!trace->tracer || killed(task)) {
        return false;
    }
    if (pending_tell(task)) {
        return true;
    }
    trace->exit_told |= task->interrupted;  // what comes of the call is that it begins anew
    if (signal && !trace->group_seen) {
        trace->group_seen = true;
        trace->interrupt = false;
        if (trace->seized) {
            event_stop(task, EVENT_STOP, signal);
        } else {
            stop(task, STOP_GROUP, signal, NULL);
        }
        return true;
    }
    if (trace->interrupt) {
        trace->interrupt = false;
        event_stop(task, EVENT_STOP, SIGTRAP);
        return true;
    }
    return false;
}

bool trace_waits(const struct task *task)
{
    const struct trace *trace = task->trace;
    return trace->event || trace->wants_exit || trace->interrupt ||
           (task->process->signals.stop_signal && !trace->group_seen);
}

bool trace_exits(struct task *task, uint32_t status)
{
    struct trace *trace = task->trace;
    bool kill = (status & 0x7f) == SIGKILL;
    if (trace->stop == STOP_ENDING && !kill) {
        return true;
    }
    if (trace->ending || kill || !trace->tracer || !task->trapped ||
        !(trace->options & 1u << EVENT_EXIT)) {
        return false;
    }
    trace->ending = true;
    trace->end_status = status;
    trace->message = status;
    wait_end(task);
    stop(task, STOP_ENDING, SIGTRAP | EVENT_EXIT << 8, NULL);
    return true;
}

void trace_hush(struct task *task)
{
    task->trace->ending = true;
    task->trace->stop = STOP_NONE;
}

// ---- what happens to it ------------------------------------------------------------------------
// Registers with the trap flag are nobody's business but the processor's.
void trace_trapped(struct task *task)
{
    struct trace *trace = task->trace;
    trace->execs &= !task->in_call && !task->frame_valid;  // only the kick after it
    if (trace->mode == PTRACE_SINGLESTEP) {
        struct thread_regs *regs = task_regs(task);
        regs->rflags &= ~(uint64_t)RFLAGS_TF;
        regs->r11 &= task->in_call ? ~(uint64_t)RFLAGS_TF : ~0ull;
        task_load(task);
    }
}

void trace_leave(struct task *task)
{
    if (task->trace->mode == PTRACE_SINGLESTEP) {
        task_regs(task)->rflags |= RFLAGS_TF;
        task_load(task);
    }
}

void trace_poke(struct task *task)
{
    struct trace *trace = task->trace;
    if (killed(task)) {
        trace->stop = STOP_NONE;
        cpu_ready(task);
    } else if (trace->listening && trace->interrupt) {
        trace->interrupt = false;
        event_stop(task, EVENT_STOP, SIGTRAP);
    }
}

void trace_continued(struct task *task)
{
    struct trace *trace = task->trace;
    trace->group_seen = false;
    if (trace->stop && trace->listening) {
        event_stop(task, EVENT_STOP, SIGTRAP);
    }
}

void trace_forked(struct task *task, struct task *child, uint64_t flags, uint32_t exit_signal)
{
    struct trace *trace = task->trace;
    uint32_t event = flags & CLONE_VFORK      ? EVENT_VFORK
                     : exit_signal != SIGCHLD ? EVENT_CLONE
                                              : EVENT_FORK;
    if (!trace->tracer || flags & CLONE_UNTRACED || !(trace->options & 1u << event) ||
        trace_new(child, trace->tracer, trace->seized, trace->options)) {
        return;
    }
    trace->event = event;
    trace->message = child->tid;
    if (trace->seized) {
        child->trace->interrupt = true;
    } else {
        (void)signal_send_task(child, &(struct signal_info){ .signal = SIGSTOP });
    }
    rt_ignore(thread_kick(child->thread));
}

void trace_execs(struct task *task)
{
    struct trace *trace = task->trace;
    trace->execs = true;
    trace->message = task->tid;
    if (trace->options & 1u << EVENT_EXEC) {
        trace->event = EVENT_EXEC;
    } else if (!trace->seized) {
        struct signal_info info = { .signal = SIGTRAP,
                                    .code = SI_USER,
                                    .sender = task->process->pid };
        (void)signal_send_task(task, &info);
    }
}

void trace_vforked(struct task *task, uint32_t child)
{
    if (task->trace->options & 1u << EVENT_VFORK_DONE) {
        task->trace->event = EVENT_VFORK_DONE;
        task->trace->message = child;
    }
}

void trace_ended(struct task *task, uint32_t status)
{
    struct trace *trace = task->trace;
    const struct process *process = task->process;
    bool leader = task->tid == process->pid;
    if (!trace->tracer || (leader && trace->tracer == process->parent)) {
        trace_free(trace);
        return;
    }
    trace->tid = task->tid;
    trace->uid = task->credentials.uid;
    trace->group = process->group;
    trace->status = process->ending || leader ? process->exit_status : status;
    trace->stop = STOP_NONE;
    trace->task = NULL;
    task->trace = NULL;
    tracer_tell(trace->tracer, trace, trace->status & 0x7f ? CLD_KILLED : CLD_EXITED,
                (int)(trace->status & 0x7f ? trace->status & 0x7f : trace->status >> 8));
}

// ---- going on ----------------------------------------------------------------------------------
void trace_resume(struct trace *trace, uint32_t mode, uint32_t signal)
{
    struct task *task = trace->task;
    trace->mode = mode;
    trace->signal = signal;
    trace->goes = true;
    trace->listening = false;
    task->state = TASK_WAITS;
    task_again(task);
}

void trace_listen(struct trace *trace)
{
    trace->listening = true;
    if (!trace->task->process->signals.stop_signal) {  // SIGCONT came first
        event_stop(trace->task, EVENT_STOP, SIGTRAP);
    }
}

void trace_detach(struct trace *trace, uint32_t signal)
{
    trace->tracer = NULL;
    trace->options = trace->event = 0;
    trace->mode = PTRACE_CONT;
    trace->wants_exit = trace->interrupt = false;
    if (trace->task && trace->goes) {
        return;
    }
    if (trace->task && trace->stop) {
        trace_resume(trace, PTRACE_CONT, signal);
    } else {
        trace_free(trace);
    }
}

void trace_tracer_ended(struct process *tracer)
{
    LIST_EACH(trace, &traces, struct trace, all) {
        if (trace->tracer == tracer) {
            struct task *task = trace->options & TRACE_EXITKILL ? trace->task : NULL;
            trace_detach(trace, trace->stop == STOP_SIGNAL ? trace->status : 0);
            if (task) {
                struct signal_info info = { .signal = SIGKILL, .code = SI_KERNEL };
                (void)signal_send(task->process, &info);
            }
        }
    }
}

// A call whose result the tracer has set to one that says so begins anew, as if it had never been
// away.
static void call_rewind(struct task *task, const struct trace *was)
{
    struct thread_regs *regs = task_regs(task);
    int64_t result = (int64_t)regs->rax;
    bool anew = result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
    if (was->written && !task->interrupted && was->number >= 0 && anew && was->stop != STOP_ENTRY) {
        regs->rax = (uint64_t)was->number;
        regs->rip -= SYSCALL_BYTES;
        task_load(task);
    }
}

static void call_begin(struct task *task, const struct trace *was)
{
    const struct thread_regs *regs = task_regs(task);
    const uint64_t args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
    for (unsigned i = 0; i < 6; i++) {
        task->call.args[i] = args[i];
    }
    if (was->number < 0) {
        call_result(task, RESULT_NONE);
        return;
    }
    task->call.number = (uint32_t)was->number;
    call_try(task);
}

// The signal that the tracer lets through; false: the task has ended.
static bool signal_pass_on(struct task *task, const struct trace *was)
{
    struct signal_info info = was->info;
    if (!was->signal) {
        return true;
    }
    if (info.signal != (int32_t)was->signal || was->stop != STOP_SIGNAL) {
        info = (struct signal_info){ .signal = (int32_t)was->signal,
                                     .code = SI_USER,
                                     .sender = was->tracer ? was->tracer->pid : 0 };
    }
    if (was->stop != STOP_SIGNAL || task->signals.blocked & SIGNAL_BIT(info.signal)) {
        (void)signal_send_task(task, &info);
        return true;
    }
    uint64_t before = task_regs(task)->rip;
    if (!signal_pass(task, &info)) {
        return false;
    }
    if (was->mode == PTRACE_SINGLESTEP && task_regs(task)->rip != before) {
        step_tell(task);  // at the handler's beginning
    }
    return true;
}

static void go_on(struct task *task, const struct trace *was)
{
    bool interrupted = task->interrupted;
    if (!signal_pass_on(task, was)) {
        return;
    }
    if (task->interrupted) {
        call_interrupt(task);
        return;
    }
    if (interrupted) {
        call_ended(task);
    }
    if (!task->trace || !pending_tell(task)) {
        cpu_ready(task);
    }
}

bool trace_go(struct task *task)
{
    struct trace *trace = task->trace;
    if (!trace->goes) {
        return false;
    }
    const struct trace was = *trace;
    task->state = TASK_TRAPPED;
    trace->goes = false;
    trace->stop = STOP_NONE;
    trace->written = false;
    if (!trace->tracer) {
        trace_free(trace);
    }
    if (killed(task)) {
        cpu_ready(task);
        return true;
    }
    call_rewind(task, &was);
    if (was.stop == STOP_ENDING) {
        task_exit(task, was.end_status);
    } else if (was.stop == STOP_ENTRY) {
        call_begin(task, &was);
    } else {
        go_on(task, &was);
    }
    return true;
}

// ---- waiting -----------------------------------------------------------------------------------
static bool trace_fits(const struct trace *trace, const struct task *task, int32_t which)
{
    uint32_t tid = trace->task ? trace->task->tid : trace->tid;
    uint32_t group = trace->task ? trace->task->process->group : trace->group;
    return which > 0    ? tid == (uint32_t)which
           : which == 0 ? group == task->process->group
           : which < -1 ? group == 0u - (uint32_t)which
                        : true;
}

// Whether it has something to tell.
static bool trace_tells(struct trace *trace, struct trace_news *news)
{
    if (!trace->task && news->ends) {
        news->status = trace->status;
        news->code = !(trace->status & 0x7f) ? CLD_EXITED
                     : trace->status & 0x80  ? CLD_DUMPED
                                             : CLD_KILLED;
        news->tid = trace->tid;
        news->uid = trace->uid;
        if (!news->leaves) {
            trace_free(trace);
        }
        return true;
    }
    if (!trace->task || !trace->stop || trace->goes || trace->told) {
        return false;
    }
    news->status = trace->status << 8 | 0x7f;
    news->code = CLD_TRAPPED;
    news->tid = trace->tid;
    news->uid = trace->uid;
    trace->told = !news->leaves;
    return true;
}

void trace_wait(struct task *task, struct trace_news *news)
{
    LIST_EACH(trace, &traces, struct trace, all) {
        if (trace->tracer == task->process && trace_fits(trace, task, news->which)) {
            news->any = true;
            if (trace_tells(trace, news)) {
                return;
            }
        }
    }
}
