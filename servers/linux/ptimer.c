// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers of processes (timer_create(2)): each sends a signal, which is queued once; what passes
// until it has been taken is counted as overrun.
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "interval.h"

#define SIGEV_SIGNAL    0
#define SIGEV_NONE      1
#define SIGEV_THREAD    2
#define SIGEV_THREAD_ID 4
#define OVERRUN_MAX     INT32_MAX
#define TIMERS_MAX      1024  // of a process

struct signal_event {
    uint64_t value;
    int32_t signal, notify;
    int32_t task;
    int32_t padding[11];
};
_Static_assert(sizeof(struct signal_event) == 64, "struct sigevent");

struct ptimer {
    struct interval interval;
    struct list link;
    int32_t number;
    uint32_t task;  // who gets the signal; 0: the process
    struct process *process;
    struct signal_event event;
    uint64_t overrun;  // since the signal was last sent
    uint64_t told;     // with the one that was taken last
};

static void ptimer_fire(struct interval *interval)
{
    struct ptimer *timer = CONTAINER(interval, struct ptimer, interval);
    struct task *task = timer->task ? task_find(timer->task) : NULL;
    const struct pending *pending = task ? &task->signals.pending
                                         : &timer->process->signals.pending;
    struct signal_info info = { .signal = timer->event.signal, .code = SI_TIMER };
    uint64_t times = interval->expired;

    interval->expired = 0;
    // The number may be another task's by now.
    if (timer->event.notify == SIGEV_NONE ||
        (timer->task && (!task || task->process != timer->process))) {
        return;
    }
    if (pending->set & SIGNAL_BIT(timer->event.signal)) {
        timer->overrun += times;
        return;
    }
    timer->overrun = times - 1;
    info.timer = timer->number;
    info.timer_value = timer->event.value;
    if (task) {
        signal_send_task(task, &info);
    } else {
        signal_send(timer->process, &info);
    }
}

static int32_t overrun_of(uint64_t times)
{
    return times < OVERRUN_MAX ? (int32_t)times : OVERRUN_MAX;
}

void ptimer_taken(const struct process *process, struct signal_info *info)
{
    if (!process->timers) {
        return;
    }
    LIST_EACH(timer, &process->timers->posix, struct ptimer, link) {
        if (timer->number == info->timer) {
            timer->told = timer->overrun;
            timer->overrun = 0;
            info->overrun = overrun_of(timer->told);
        }
    }
}

static void ptimer_free(struct ptimer *timer)
{
    interval_clear(&timer->interval);
    list_remove(&timer->link);
    signals_keep(timer->process, -1);
    heap_free(timer);
}

void ptimers_end(struct process_timers *timers)
{
    LIST_EACH(timer, &timers->posix, struct ptimer, link) {
        ptimer_free(timer);
    }
}

static struct ptimer *ptimer_find(const struct task *task, int32_t number)
{
    struct process_timers *timers = task->process->timers;

    if (!timers) {
        return NULL;
    }
    LIST_EACH(timer, &timers->posix, struct ptimer, link) {
        if (timer->number == number) {
            return timer;
        }
    }
    return NULL;
}

// A clock that timers go by: 0 or why not.
static int64_t ptimer_clock(struct task *task, int32_t clock)
{
    int64_t ns;

    if (clock_get(task, clock, &ns) < 0) {
        return -EINVAL;
    }
    if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
        clock == CLOCK_MONOTONIC_RAW) {
        return -EOPNOTSUPP;
    }
    if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) {
        return task_capable(task, CAP_WAKE_ALARM) ? 0 : -EPERM;
    }
    return 0;
}

static int64_t event_check(const struct task *task, const struct signal_event *event)
{
    const struct task *to;

    if (event->notify == SIGEV_NONE) {
        return 0;
    }
    if (event->notify & ~(SIGEV_THREAD | SIGEV_THREAD_ID) || event->signal < 1 ||
        event->signal > SIGNALS) {
        return -EINVAL;
    }
    if (!(event->notify & SIGEV_THREAD_ID)) {
        return 0;
    }
    to = task_find((uint32_t)event->task);
    return to && to->process == task->process ? 0 : -EINVAL;
}

// Numbers go round, past those that are in use.
static int32_t ptimer_number(const struct task *task, struct process_timers *timers)
{
    int32_t number;

    do {
        number = timers->next_number;
        timers->next_number = number == INT32_MAX ? 0 : number + 1;
    } while (ptimer_find(task, number));
    return number;
}

static int64_t ptimer_new(struct task *task, int32_t clock, const struct signal_event *event,
                          struct ptimer **made)
{
    struct process_timers *timers = process_timers_get(task->process);
    struct ptimer *timer = timers ? heap_alloc(sizeof(*timer)) : NULL;
    int count = 0;

    if (!timer) {
        return -EAGAIN;
    }
    LIST_EACH(other, &timers->posix, struct ptimer, link) {
        count++;
    }
    if (count >= TIMERS_MAX ||
        !signals_allowed(task->process->uid, task_limit(task, RLIMIT_SIGPENDING))) {
        heap_free(timer);
        return -EAGAIN;
    }
    interval_init(&timer->interval, clock, ptimer_fire);
    timer->interval.process = timer->process = task->process;
    timer->number = ptimer_number(task, timers);
    timer->event = *event;
    timer->task = event->notify & SIGEV_THREAD_ID ? (uint32_t)event->task : 0;
    list_add(&timers->posix, &timer->link);
    signals_keep(task->process, 1);
    *made = timer;
    return 0;
}

int64_t call_timer_create(struct task *task, int32_t clock, user_t from, user_t to)
{
    struct signal_event event = { .signal = SIGALRM, .notify = SIGEV_SIGNAL };
    struct ptimer *timer;
    int64_t error;

    if (from && user_read(task, &event, from, sizeof(event)) < 0) {
        return -EFAULT;
    }
    error = ptimer_clock(task, clock);
    if (!error) {
        error = event_check(task, &event);
    }
    if (!error) {
        error = ptimer_new(task, clock, &event, &timer);
    }
    if (error) {
        return error;
    }
    if (!from) {
        timer->event.value = (uint64_t)timer->number;
    }
    if (user_write(task, to, &timer->number, sizeof(timer->number)) == 0) {
        return 0;
    }
    ptimer_free(timer);
    return -EFAULT;
}

int64_t call_timer_settime(struct task *task, int32_t number, uint32_t flags, user_t from,
                           user_t to)
{
    struct ptimer *timer = ptimer_find(task, number);
    struct interval_times new;
    struct interval old;
    int64_t error;

    if (!from) {
        return -EINVAL;
    }
    error = interval_read(task, from, &new);
    if (error) {
        return error;
    }
    if (!timer) {
        return -EINVAL;
    }
    old = timer->interval;
    timer->overrun = timer->told = 0;
    interval_set(&timer->interval, timespec_ns(&new.value), timespec_ns(&new.period),
                 flags & TIMER_ABSTIME);
    return to ? interval_write(task, to, &old) : 0;
}

int64_t call_timer_gettime(struct task *task, int32_t number, user_t to)
{
    const struct ptimer *timer = ptimer_find(task, number);

    return timer ? interval_write(task, to, &timer->interval) : -EINVAL;
}

int64_t call_timer_getoverrun(struct task *task, int32_t number)
{
    const struct ptimer *timer = ptimer_find(task, number);

    return timer ? overrun_of(timer->told) : -EINVAL;
}

int64_t call_timer_delete(struct task *task, int32_t number)
{
    struct ptimer *timer = ptimer_find(task, number);

    if (!timer) {
        return -EINVAL;
    }
    ptimer_free(timer);
    return 0;
}
