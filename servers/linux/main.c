// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A container: the loop.  Each turn answers the task that is to run, waits for the next event, and
// handles it: a trap, a timer, something of the outside.
#include "call.h"
#include "cpu.h"
#include "object.h"
#include "oom.h"
#include "ptrace.h"
#include "rseq.h"
#include "space.h"
#include "start.h"
#include "trace.h"

#include <rt/clock.h>
#include <rt/panic.h>

const char rt_task_name[] = "linux";

static cap_t endpoint, clock_timer;
static uint64_t clock_bit;
static uint64_t armed = TIMER_NEVER;
static struct list again = LIST_EMPTY(again);  // tasks whose calls are to be tried again

cap_t main_endpoint(void)
{
    return endpoint;
}

// ---- system calls ------------------------------------------------------------------------------
void call_ended(struct task *task)
{
    if (task->call.end) {
        task->call.end(task);
    }
    task->call.end = NULL;
    task->call.again = false;
    // The mask of the call's own time: where a handler runs, its frame has seen to that already.
    if (task->signals.restore) {
        task->signals.restore = false;
        task->signals.blocked = task->signals.restored;
    }
    if (task->call.file) {
        file_put(task->call.file);
        task->call.file = NULL;
    }
}

// Most calls hold nothing.
static inline void call_leave(struct task *task)
{
    if (task->call.end || task->signals.restore || task->call.file) {
        call_ended(task);
    }
    task->call.again = false;
}

void call_result(struct task *task, int64_t result)
{
    call_leave(task);
    trace_call(task, result);
    if (result != RESULT_NONE) {
        task->result = (uint64_t)result;
        task->answer |= GUEST_RESULT;
    }
    if (task->trace && trace_result(task)) {
        return;
    }
    if (task->state != TASK_STOPPED) {
        cpu_ready(task);
    }
}

static void deadline_passed(struct timer *timer)
{
    task_again(CONTAINER(timer, struct task, timer));
}

// Whether a signal ends the wait.
static bool call_breaks(const struct task *task)
{
    return signal_waits(task) &&
           (!task->call.patient || signal_pending(task) & SIGNAL_BIT(SIGKILL));
}

void call_try(struct task *task)
{
    task->state = TASK_TRAPPED;
    task->interrupted = false;
    int64_t result = call_dispatch(task);
    if (task->state == TASK_ENDED) {
        return;
    }
    if (result != RESULT_WAIT) {
        if (task->wait_count || timer_is_set(&task->timer)) {
            wait_end(task);
        }
        call_result(task, result);
        return;
    }
    task->call.again = true;
    task->state = TASK_WAITS;
    task->slept = true;
    if (call_breaks(task)) {
        wait_end(task);
        call_interrupt(task);
    } else if (task->call.deadline) {
        timer_set(&task->timer, task->call.deadline, deadline_passed);
    }
}

void task_again(struct task *task)
{
    if (task->state == TASK_WAITS && list_empty(&task->queued)) {
        list_add(&again, &task->queued);
    }
}

// A signal ends the wait.  Whether the call begins anew is decided when it is known what becomes of
// the signal (signal_deliver).
void call_interrupt(struct task *task)
{
    if (call_restart(task->call.number) == PARTIAL && task->call.done) {
        task->state = TASK_TRAPPED;
        call_result(task, (int64_t)task->call.done);
        return;
    }
    task->interrupted = true;
    task->state = TASK_TRAPPED;
    if (task->trace && trace_interrupt(task)) {
        return;
    }
    if (!signal_deliver(task)) {
        return;
    }
    if (task->interrupted) {  // no handler runs
        call_go_on(task);
    } else {
        call_ended(task);
        cpu_ready(task);
    }
}

// After a signal that changed nothing, or a stop.
void call_go_on(struct task *task)
{
    task->interrupted = false;
    if (call_restart(task->call.number) == NEVER) {
        call_result(task, -EINTR);
    } else if (!task->trace || !trace_reenter(task)) {
        call_try(task);
    }
}

static void again_run(void)
{
    while (!list_empty(&again)) {
        struct task *task = CONTAINER(again.next, struct task, queued);
        list_remove(&task->queued);
        wait_end(task);
        // What it waits for comes before a signal that came as well.
        if (task->trace && trace_go(task)) {
            continue;
        }
        if (task->interrupted) {
            call_go_on(task);
        } else {
            call_try(task);
        }
    }
}

// ---- events ------------------------------------------------------------------------------------
// Whose answer is to carry the mapping of its fault.  It is mapped before that where anything else
// is done first, by which the page could become another's, or the task see what is mapped there
// still.
static struct task *faulted;

static void fault_settle(void)
{
    struct task *task = faulted;
    faulted = NULL;
    if (!task || !(task->answer & GUEST_MAP)) {
        return;
    }
    task->answer &= ~(uint64_t)GUEST_MAP;
    if (!space_map(task->space, &task->mapping)) {
        signal_force(task, &(struct signal_info){ .signal = SIGKILL, .code = SI_KERNEL });
    }
}

static void fault(struct task *task, const uint64_t *words)
{
    static struct mapping mapping;
    int code = 0;
    unsigned signal = SIGKILL;
    do {
        signal = space_fault(task->space, words[0], (unsigned)words[1], &mapping, &code);
    } while (signal == SIGKILL && oom_kill(task));
    if (signal) {
        struct signal_info info = { .signal = (int32_t)signal, .code = code, .address = words[0] };
        signal_force(task, &info);
    } else if (mapping.count) {
        if (!(words[1] & FAULT_WRITE)) {
            space_around(task->space, &mapping);
        }
        task->mapping = mapping;
        task->answer |= GUEST_MAP;
        faulted = task;
    }
    cpu_ready(task);
}

static void exception(struct task *task, const uint64_t *words)
{
    // Vectors of exceptions (Intel SDM volume 3, 6.15) as Linux tells them.
    static const uint8_t signals[32] = {
        [0] = SIGFPE, [1] = SIGTRAP, [3] = SIGTRAP, [4] = SIGSEGV, [5] = SIGSEGV,
        [6] = SIGILL, [16] = SIGFPE, [17] = SIGBUS, [19] = SIGFPE
    };
    unsigned signal = words[0] < 32 && signals[words[0]] ? signals[words[0]] : SIGSEGV;
    struct signal_info info = { .signal = (int32_t)signal, .code = SI_KERNEL, .address = words[2] };
    if (signal == SIGFPE) {
        info.code = words[0] ? 7 : 1;  // FPE_FLTINV; FPE_INTDIV
    } else if (signal == SIGILL) {
        info.code = 2;  // ILL_ILLOPN
    } else if (signal == SIGTRAP) {
        info.code = words[0] == 3 ? SI_KERNEL : 2;  // TRAP_TRACE
    } else {
        info.address = 0;
    }
    signal_force(task, &info);
    cpu_ready(task);
}

// Stopped to look at its signals, or at where it was when its turn ended.
static void kicked(struct task *task)
{
    if (task->rseq_left && !rseq_leave(task)) {
        signal_force(task, &(struct signal_info){ .signal = SIGSEGV, .code = SI_KERNEL });
    }
    cpu_ready(task);
}

static void call_begin(struct call *call, uint32_t number, const uint64_t *args)
{
    call->number = number;
    __builtin_memcpy(call->args, args, sizeof(call->args));  // inline
    call->again = call->patient = false;
    call->deadline = call->done = 0;
    call->state = NULL;
}

static void trap(struct task *task, uint64_t label, const struct ipc_words *words)
{
    if (!task->cpu) {  // on another CPU, it lost its turn while its trap was on its way
        cpu_remove(task);
    }
    cpu_trapped = task;
    task->trapped = true;
    task->answer = 0;
    task->in_call = label >> 32 == GUEST_SYSCALL;
    task->frame_valid = !task->in_call && label != GUEST_KICK;
    if (task->trace) {
        trace_trapped(task);
    }
    if (task->in_call) {
        call_begin(&task->call, (uint32_t)label, words->word);
        if (task->trace && trace_enter(task)) {
            return;
        }
        call_try(task);
    } else if (label == FAULT_PAGE) {
        fault(task, words->word);
    } else if (label == FAULT_EXCEPTION) {
        exception(task, words->word);
    } else {
        kicked(task);
    }
}

static void time_passes(void)
{
    uint64_t now = rt_clock_monotonic();
    timers_run(now);
    cpu_turns_over(now);
}

static void notified(uint64_t bits)
{
    if (bits & COMPONENT_PING) {
        rt_ignore(notification_signal(COMPONENT_SLOT_ALIVE));
    }
    if (bits & clock_bit) {
        armed = TIMER_NEVER;
        time_passes();
    }
    start_notified(bits);
}

// What the clock is to do before the next event.
static void clock_set(void)
{
    uint64_t next = timers_next(), turn = cpu_turns_end();
    next = turn < next ? turn : next;
    if (next >= armed || next == TIMER_NEVER) {
        return;  // an alarm too early does no harm
    }
    armed = next;
    rt_ignore(timer_arm(clock_timer, component_info()->boot_clock + rt_ticks(next, rt_clock_hz())));
}

static void signals_handle(struct task *task)
{
    task->state = TASK_TRAPPED;
    if (signal_deliver(task) && task->state == TASK_TRAPPED) {
        cpu_ready(task);
    }
}

// The task that is to run on a CPU; *changed: something was done before, so that others may be to
// run now.
static struct task *task_chosen(unsigned cpu, bool *changed)
{
    struct task *task = cpu_choose(cpu);
    while (task && task->trapped && signal_waits(task)) {
        *changed = true;
        fault_settle();
        signals_handle(task);
        task = cpu_choose(cpu);
    }
    return task;
}

// The answer of a task that is trapped: its tag, with the words.
static uint64_t answer_words(struct task *task, struct ipc_words *words)
{
    const struct mapping *map = &task->mapping;
    words->word[0] = task->result;
    if (task->answer & GUEST_MAP) {
        words->word[1] = map->frame;
        words->word[2] = map->address;
        words->word[3] = map->page | (uint64_t)map->count << 32;
        words->word[4] = map->prot;
        return TAG(task->answer, 5, 0);
    }
    return TAG(task->answer, 1, 0);
}

// The kernel could not map for want of tables, or what it was asked no longer fits.
static void answer_failed(struct task *task, struct ipc_result result,
                          const struct ipc_words *words)
{
    while (rt_error(result.status) == ERR_TABLES) {
        if (space_stock(task->space, words->word[0])) {
            return;
        }
        if (!oom_kill(task)) {
            break;
        }
    }
    if (rt_error(result.status) == ERR_TABLES) {
        struct signal_info info = { .signal = SIGKILL, .code = SI_KERNEL };
        task->answer = 0;
        signal_force(task, &info);
        return;
    }
    rt_panic("answer %lx of task %u: error %u, argument %u", task->answer, task->tid,
             rt_error(result.status), rt_blamed(result.status));
}

// Have a task on each CPU that is to run there, with nothing left to be done before it does.
static void tasks_choose(struct task *chosen[CPUS_MOST])
{
    bool changed = true;
    while (changed) {
        changed = !list_empty(&again);
        if (changed) {
            fault_settle();
            again_run();
        }
        for (unsigned cpu = 0; cpu < cpu_number; cpu++) {
            chosen[cpu] = task_chosen(cpu, &changed);
        }
    }
    cpu_anew = false;
}

// Let a task go on that is not the one whose answer the loop waits with, and that has no mapping.
static void answer_now(struct task *task)
{
    struct ipc_words words = { 0 };
    if (task->trace) {
        trace_leave(task);
    }
    task->trapped = false;
    struct rt_status status = ipc_reply(task->thread, answer_words(task, &words), &words);
    if (!rt_ok(status)) {
        answer_failed(task, (struct ipc_result){ .status = status }, &words);
    }
}

// Of those that are chosen and trapped, the one to be answered last; the others are answered.
static struct task *answer_others(struct task *const chosen[CPUS_MOST])
{
    struct task *last = NULL;
    for (unsigned cpu = 0; cpu < cpu_number; cpu++) {
        struct task *task = chosen[cpu];
        if (!task || !task->trapped) {
            continue;
        }
        if (last) {
            answer_now(task == faulted ? last : task);
        }
        last = !last || task == faulted ? task : last;
    }
    return last;
}

// Who trapped last, if nothing else is to be done than to let it go on.
static struct task *task_going_on(void)
{
    struct task *task = cpu_trapped;
    bool goes_on = task && task->state == TASK_RUNS && task->trapped && !task->trace && !cpu_anew &&
                   list_empty(&again) && !signal_waits(task) && (!faulted || faulted == task) &&
                   timers_next() >= armed;
    return goes_on ? task : NULL;
}

// Have all on their way but the last one.
static struct task *task_last(void)
{
    struct task *chosen[CPUS_MOST] = { NULL };
    tasks_choose(chosen);
    struct task *task = answer_others(chosen);
    if (faulted != task) {
        fault_settle();
    }
    if (task && task->trace) {
        trace_leave(task);
    }
    clock_set();
    return task;
}

// Who trapped last, if all that is to be done before are its signals.
static struct task *task_going_on_signalled(void)
{
    struct task *task = cpu_trapped;
    if (!task || task->state != TASK_RUNS || !task->trapped || task->trace || faulted ||
        !signal_waits(task)) {
        return NULL;
    }
    signals_handle(task);
    return task_going_on();
}

static struct ipc_result next_event(struct ipc_words *words)
{
    struct task *task = task_going_on();
    if (!task) {
        task = task_going_on_signalled();
    }
    if (!task) {
        task = task_last();
    }
    faulted = cpu_trapped = NULL;
    if (!task) {
        return ipc_recv(endpoint, 0, words);
    }
    uint64_t tag = answer_words(task, words);
    task->trapped = false;
    struct ipc_result result = ipc_reply_recv(endpoint, tag, task->thread, words);
    if (!rt_ok(result.status)) {
        task->trapped = true;
        faulted = task;
        answer_failed(task, result, words);
    }
    return result;
}

static void loop(void)
{
    struct ipc_words words = { 0 };
    for (;;) {
        struct ipc_result event = next_event(&words);
        if (!rt_ok(event.status)) {
            continue;
        }
        if (event.tag & TAG_NOTIFICATION) {
            notified(event.badge);
        } else {
            trap(task_at((uint32_t)event.badge - 1), tag_label(event.tag), &words);
        }
        if (!list_empty(&tasks_dead)) {
            tasks_bury();
            cpu_trapped = NULL;
        }
    }
}

int component_main(const struct component_info *info)
{
    const struct component_grant *timer = component_need(GRANT_TIMER, "clock");
    object_init(info);
    endpoint = object_new(KIND_ENDPOINT, 6);
    clock_timer = timer->slot;
    clock_bit = timer->badge;
    start();
    loop();
    return 0;
}
