// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What clocks say, and sleeping by them.
#include "clock.h"

#include "call.h"
#include "capability.h"
#include "clockpage.h"
#include "interval.h"
#include "timer.h"

#include <rt/clock.h>

#define COARSE_STEP 4000000  // resolution of the coarse clocks of a kernel with 250 ticks a second

struct timeval {
    int64_t seconds, microseconds;
};

static struct clock_page first;
static struct clock_page *kept = &first;
static uint32_t sets;

uint64_t clock_now(void)
{
    return rt_clock_monotonic();
}

int64_t clock_real_ns(void)
{
    return (int64_t)clock_now() + kept->real_offset;
}

struct timespec timespec_of(int64_t nanoseconds)
{
    struct timespec time = { nanoseconds / SECOND, nanoseconds % SECOND };

    if (time.nanoseconds < 0) {
        time.nanoseconds += SECOND;
        time.seconds--;
    }
    return time;
}

struct timespec clock_real(void)
{
    return timespec_of(clock_real_ns());
}

void clock_keep(struct clock_page *page)
{
    page->real_offset = kept->real_offset;
    kept = page;
}

// A process that was stopped while it read the page reads it again.
static void offset_set(int64_t offset)
{
    uint32_t sequence = kept->sequence;
    __atomic_store_n(&kept->sequence, sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    kept->real_offset = offset;
    __atomic_store_n(&kept->sequence, sequence + 2, __ATOMIC_RELEASE);
}

void clock_set_real(int64_t seconds, int64_t nanoseconds)
{
    offset_set(seconds * SECOND + nanoseconds - (int64_t)clock_now());
    sets++;
    interval_real_set();
}

uint32_t clock_sets(void)
{
    return sets;
}

bool timespec_valid(const struct timespec *time)
{
    return time->seconds >= 0 && time->nanoseconds >= 0 && time->nanoseconds < SECOND;
}

uint64_t timespec_ns(const struct timespec *time)
{
    if (time->seconds >= INT64_MAX / SECOND) {
        return TIMER_NEVER;
    }
    return (uint64_t)(time->seconds * SECOND + time->nanoseconds);
}

int64_t timespec_read(struct task *task, user_t from, struct timespec *time)
{
    if (user_read(task, time, from, sizeof(*time)) < 0) {
        return -EFAULT;
    }
    return timespec_valid(time) ? 0 : -EINVAL;
}

bool clock_is_real(int32_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI ||
           clock == CLOCK_REALTIME_COARSE;
}

uint64_t clock_deadline(int32_t clock, uint64_t ns, bool absolute)
{
    uint64_t now = clock_now();

    if (ns == TIMER_NEVER) {
        return TIMER_NEVER;
    }
    if (absolute && clock_is_real(clock)) {
        int64_t left = (int64_t)ns - clock_real_ns();
        ns = left > 0 ? (uint64_t)left : 0;
    } else if (absolute) {
        ns = ns > now ? ns - now : 0;
    }
    if (ns > TIMER_NEVER - now) {
        return TIMER_NEVER;
    }
    return now + ns ? now + ns : 1;
}

// The processor time of a process or task by number, as clock_getcpuclockid(3) makes such clocks:
// the complement of the number above three bits, of which one says task and two say which time.
static int64_t clock_get_cpu(struct task *task, int32_t clock, int64_t *ns)
{
    uint32_t number = ~(uint32_t)(clock >> 3);
    const struct task *of = number ? task_find(number) : task;
    const struct process *process;

    if ((clock & 3) == 3) {
        return -EINVAL;
    }
    if (clock & 4) {
        if (!of || of->process != task->process) {
            return -EINVAL;
        }
        *ns = (int64_t)task_cpu_ns(of);
        return 0;
    }
    process = number ? process_find(number) : task->process;
    if (!process) {
        return -EINVAL;
    }
    *ns = (int64_t)process_cpu_ns(process);
    return 0;
}

int64_t clock_get(struct task *task, int32_t clock, int64_t *ns)
{
    if (clock < 0) {
        return clock_get_cpu(task, clock, ns);
    }
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI: *ns = clock_real_ns(); return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM: *ns = (int64_t)clock_now(); return 0;
    case CLOCK_PROCESS_CPUTIME_ID: *ns = (int64_t)process_cpu_ns(task->process); return 0;
    case CLOCK_THREAD_CPUTIME_ID: *ns = (int64_t)task_cpu_ns(task); return 0;
    default: return -EINVAL;
    }
}

int64_t call_clock_gettime(struct task *task, int32_t clock, user_t to)
{
    struct timespec time;
    int64_t ns, error = clock_get(task, clock, &ns);

    if (error) {
        return error;
    }
    time = timespec_of(ns);
    return user_write(task, to, &time, sizeof(time));
}

int64_t call_clock_getres(struct task *task, int32_t clock, user_t to)
{
    bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
    struct timespec step = { 0, coarse ? COARSE_STEP : 1 };
    int64_t ns, error = clock_get(task, clock, &ns);

    if (error || !to) {
        return error;
    }
    return user_write(task, to, &step, sizeof(step));
}

static int64_t clock_change(struct task *task, const struct timespec *time)
{
    if (!timespec_valid(time) || time->seconds >= INT64_MAX / SECOND) {
        return -EINVAL;
    }
    if (!task_capable(task, CAP_SYS_TIME)) {
        return -EPERM;
    }
    clock_set_real(time->seconds, time->nanoseconds);
    return 0;
}

int64_t call_clock_settime(struct task *task, int32_t clock, user_t from)
{
    struct timespec time;

    if (clock != CLOCK_REALTIME) {
        return -EINVAL;
    }
    if (user_read(task, &time, from, sizeof(time)) < 0) {
        return -EFAULT;
    }
    return clock_change(task, &time);
}

int64_t call_gettimeofday(struct task *task, user_t to, user_t zone)
{
    struct timespec now = clock_real();
    struct timeval time = { now.seconds, now.nanoseconds / 1000 };

    if (to && user_write(task, to, &time, sizeof(time)) < 0) {
        return -EFAULT;
    }
    return zone ? user_clear(task, zone, sizeof(uint32_t[2])) : 0;
}

#define WEST_MOST (15 * 60)  // minutes

int64_t call_settimeofday(struct task *task, user_t from, user_t zone)
{
    struct timespec time;
    int32_t west[2] = { 0 };  // the zone: told nobody, as nobody asks for it

    if (zone && user_read(task, west, zone, sizeof(west)) < 0) {
        return -EFAULT;
    }
    if (west[0] < -WEST_MOST || west[0] > WEST_MOST) {
        return -EINVAL;
    }
    if (!from) {
        return 0;
    }
    if (user_read(task, &time, from, sizeof(time)) < 0) {
        return -EFAULT;
    }
    if (time.nanoseconds < 0 || time.nanoseconds >= SECOND / 1000) {
        return -EINVAL;
    }
    time.nanoseconds *= 1000;
    return clock_change(task, &time);
}

int64_t call_time(struct task *task, user_t to)
{
    int64_t now = clock_real().seconds;

    if (to && user_write(task, to, &now, sizeof(now)) < 0) {
        return -EFAULT;
    }
    return now;
}

// What adjtimex tells (struct timex): nothing disciplines the clock.
struct adjustment {
    uint32_t modes, padding;
    int64_t offset, frequency, most_error, likely_error;
    int32_t status, padding2;
    int64_t constant, precision, tolerance;
    struct timeval time;
    int64_t tick;
    int64_t pulses[8];
    int32_t leap, rest[11];
};
_Static_assert(sizeof(struct adjustment) == 208, "struct timex");

#define TIME_ERROR 5
#define STA_UNSYNC 0x40

int64_t call_adjtimex(struct task *task, user_t at)
{
    struct adjustment told = { .most_error = 16000000, .likely_error = 16000000 };
    struct timespec now = clock_real();

    if (user_read(task, &told.modes, at, sizeof(told.modes)) < 0) {
        return -EFAULT;
    }
    if (told.modes && !task_capable(task, CAP_SYS_TIME)) {
        return -EPERM;
    }
    if (told.modes) {
        return -EINVAL;
    }
    told.status = STA_UNSYNC;
    told.constant = 2;
    told.precision = 1;
    told.tolerance = 32768000;
    told.tick = 10000;
    told.time = (struct timeval){ now.seconds, now.nanoseconds / 1000 };
    return user_write(task, at, &told, sizeof(told)) < 0 ? -EFAULT : TIME_ERROR;
}

int64_t call_clock_adjtime(struct task *task, int32_t clock, user_t at)
{
    int64_t ns;

    if (clock_get(task, clock, &ns) < 0) {
        return -EINVAL;
    }
    return clock == CLOCK_REALTIME ? call_adjtimex(task, at) : -EOPNOTSUPP;
}

// ---- sleeping -----------------------------------------------------------------------------------

// What is left of a sleep that something broke into, where the process wants to know it.
static void sleep_tell(struct task *task, user_t to)
{
    uint64_t now = clock_now(), deadline = task->call.deadline;
    struct timespec left = timespec_of(deadline > now ? (int64_t)(deadline - now) : 0);

    if (to) {
        user_write(task, to, &left, sizeof(left));
    }
}

static void nanosleep_end(struct task *task)
{
    sleep_tell(task, task->call.args[1]);
}

static void clock_nanosleep_end(struct task *task)
{
    sleep_tell(task, task->call.args[3]);
}

static int64_t sleep_until(struct task *task, uint64_t deadline, void (*end)(struct task *task))
{
    if (!task->call.again) {
        wait_until(task, deadline);
        task->call.end = end;
    }
    if (!wait_over(task)) {
        return wait_only(task);
    }
    task->call.end = NULL;
    return 0;
}

int64_t call_nanosleep(struct task *task, user_t wanted, user_t left)
{
    struct timespec time;
    uint64_t deadline = 0;

    (void)left;
    if (!task->call.again) {
        int64_t error = timespec_read(task, wanted, &time);
        if (error) {
            return error;
        }
        deadline = clock_deadline(CLOCK_MONOTONIC, timespec_ns(&time), false);
    }
    return sleep_until(task, deadline, nanosleep_end);
}

// Whether one can sleep by a clock: 0 or why not.
static int64_t clock_sleeps(struct task *task, int32_t clock)
{
    int64_t ns;

    if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
        clock == CLOCK_TAI) {
        return 0;
    }
    if (clock == CLOCK_THREAD_CPUTIME_ID || clock_get(task, clock, &ns) < 0) {
        return -EINVAL;
    }
    if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) {
        return task_capable(task, CAP_WAKE_ALARM) ? 0 : -EPERM;
    }
    return -EOPNOTSUPP;
}

int64_t call_clock_nanosleep(struct task *task, int32_t clock, uint32_t flags, user_t wanted,
                             user_t left)
{
    bool absolute = flags & TIMER_ABSTIME;
    struct timespec time;
    uint64_t deadline = 0;

    (void)left;
    if (!task->call.again) {
        int64_t error = clock_sleeps(task, clock);
        if (!error) {
            error = timespec_read(task, wanted, &time);
        }
        if (error) {
            return error;
        }
        deadline = clock_deadline(clock, timespec_ns(&time), absolute);
    }
    return sleep_until(task, deadline, absolute ? NULL : clock_nanosleep_end);
}
