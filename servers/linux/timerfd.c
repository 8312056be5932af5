// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers that are files (timerfd_create(2)).
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "install.h"
#include "interval.h"

#define TFD_TIMER_ABSTIME       1u
#define TFD_TIMER_CANCEL_ON_SET 2u

struct timerfd {
    struct interval interval;
    bool cancels;   // a read fails once the real time has been set
    uint32_t sets;  // how often it had been
    struct waitlist expirations;
};

static const struct file_ops timerfd_ops;

// Whether it would wake the machine, which takes a privilege.
static bool clock_is_alarm(int32_t clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static void timerfd_fire(struct interval *interval)
{
    waitlist_wake(&CONTAINER(interval, struct timerfd, interval)->expirations);
}

static bool timerfd_cancelled(const struct timerfd *timer)
{
    return timer->cancels && timer->sets != clock_sets();
}

static int64_t timerfd_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct timerfd *timer = file->state;
    uint64_t expired = timer->interval.expired;

    if (install_at_position(file, offset)) {
        return -ESPIPE;
    }
    if (io->left < sizeof(expired)) {
        return -EINVAL;
    }
    if (timerfd_cancelled(timer)) {
        timer->sets = clock_sets();
        timer->interval.expired = 0;
        return -ECANCELED;
    }
    if (!expired) {
        return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &timer->expirations);
    }
    timer->interval.expired = 0;
    return io_give(io, &expired, sizeof(expired)) == sizeof(expired) ? (int64_t)sizeof(expired)
                                                                     : -EFAULT;
}

static uint32_t timerfd_ready(struct file *file)
{
    const struct timerfd *timer = file->state;

    return timer->interval.expired || timerfd_cancelled(timer) ? POLLIN : 0;
}

static struct waitlist *timerfd_waits(struct file *file)
{
    struct timerfd *timer = file->state;

    return &timer->expirations;
}

static void timerfd_close(struct file *file)
{
    struct timerfd *timer = file->state;

    interval_clear(&timer->interval);
    waitlist_end(&timer->expirations);
    heap_free(timer);
}

static const struct file_ops timerfd_ops = {
    .read = timerfd_read,
    .seek = install_seek,
    .ready = timerfd_ready,
    .waits = timerfd_waits,
    .close = timerfd_close,
};

int64_t call_timerfd_create(struct task *task, int32_t clock, uint32_t flags)
{
    bool alarm = clock_is_alarm(clock);
    struct timerfd *timer;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
                                              clock != CLOCK_BOOTTIME && !alarm)) {
        return -EINVAL;
    }
    if (alarm && !task_capable(task, CAP_WAKE_ALARM)) {
        return -EPERM;
    }
    timer = heap_alloc(sizeof(*timer));
    if (!timer) {
        return -ENOMEM;
    }
    interval_init(&timer->interval, clock, timerfd_fire);
    timer->interval.real_set = timerfd_fire;
    waitlist_init(&timer->expirations);
    return install_unnamed(task, &timerfd_ops, "anon_inode:[timerfd]", flags | O_RDWR, timer);
}

// The timer of a descriptor, or why not as an error in place of it.
static struct timerfd *timerfd_at(const struct task *task, int32_t fd)
{
    struct file *file = file_at(task, fd);

    if (!file) {
        return FAILURE(EBADF);
    }
    return file->ops == &timerfd_ops ? file->state : FAILURE(EINVAL);
}

int64_t call_timerfd_settime(struct task *task, int32_t fd, uint32_t flags, user_t from, user_t to)
{
    struct timerfd *timer;
    struct interval_times new;
    struct interval old;
    int64_t error;

    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) {
        return -EINVAL;
    }
    error = interval_read(task, from, &new);
    if (error) {
        return error;
    }
    timer = timerfd_at(task, fd);
    if (IS_ERROR(timer)) {
        return ERROR_OF(timer);
    }
    if (clock_is_alarm(timer->interval.clock) && !task_capable(task, CAP_WAKE_ALARM)) {
        return -EPERM;
    }
    old = timer->interval;
    bool missed = timerfd_cancelled(timer) && timespec_ns(&new.value);
    timer->cancels = flags == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) &&
                     clock_is_real(timer->interval.clock);
    timer->sets = clock_sets();
    interval_set(&timer->interval, timespec_ns(&new.value), timespec_ns(&new.period),
                 flags & TFD_TIMER_ABSTIME);
    if (missed && timer->cancels) {
        return -ECANCELED;  // it is set all the same
    }
    return to ? interval_write(task, to, &old) : 0;
}

int64_t call_timerfd_gettime(struct task *task, int32_t fd, user_t to)
{
    const struct timerfd *timer = timerfd_at(task, fd);

    return IS_ERROR(timer) ? ERROR_OF(timer) : interval_write(task, to, &timer->interval);
}
