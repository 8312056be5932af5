// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Watching many files (epoll(7)).  Each watch is a waiter in its file's list of those who wait:
// when that is woken, the watch goes to the list of those that may be ready, which epoll_wait asks.
// A watch is found by its file in one table for all, where the end of a file finds it too.
#include "epoll.h"

#include "call.h"
#include "clock.h"
#include "heap.h"
#include "install.h"
#include "poll.h"
#include "timer.h"

#include <rt/string.h>

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)
#define CONTROL        (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EXCLUSIVE_OK   (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

#define NESTED_MAX 5u  // epolls in a row, the outermost with them
#define BUCKETS    1024u
#define EVENTS_MAX (INT32_MAX / (int32_t)sizeof(struct epoll_event))

struct epoll_event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));
_Static_assert(sizeof(struct epoll_event) == 12, "struct epoll_event");

struct epoll {
    struct file *file;  // once it watches something
    struct list watches;
    struct list ready;  // watches that may be
    struct waitlist changes;
};

struct watch {
    struct epoll *epoll;
    struct file *file;  // no reference: epoll_forget
    int32_t fd;
    uint32_t events;  // with those that control; a one-shot that was told has none to ask for
    uint64_t data;
    struct list in_epoll, in_bucket;
    struct list ready;     // in no list: known not to be
    struct waiter waiter;  // in the file's list, where it has one
};

static struct list buckets[BUCKETS];

static const struct file_ops epoll_ops;

static struct list *bucket_of(const struct file *file)
{
    struct list *bucket = &buckets[((uintptr_t)file >> 6) % BUCKETS];

    if (!bucket->next) {
        list_init(bucket);
    }
    return bucket;
}

static struct epoll *epoll_of(const struct file *file)
{
    return file->ops == &epoll_ops ? file->state : NULL;
}

static struct watch *watch_find(const struct epoll *epoll, const struct file *file, int32_t fd)
{
    LIST_EACH(watch, bucket_of(file), struct watch, in_bucket) {
        if (watch->epoll == epoll && watch->file == file && watch->fd == fd) {
            return watch;
        }
    }
    return NULL;
}

static void watch_free(struct watch *watch)
{
    list_remove(&watch->in_epoll);
    list_remove(&watch->in_bucket);
    list_remove(&watch->ready);
    list_remove(&watch->waiter.link);
    heap_free(watch);
}

void epoll_forget(struct file *file)
{
    LIST_EACH(watch, bucket_of(file), struct watch, in_bucket) {
        if (watch->file == file) {
            watch_free(watch);
        }
    }
}

// The watch may be ready: those who wait find out.
static void watch_wake(struct watch *watch)
{
    if (!(watch->events & ~CONTROL)) {
        return;
    }
    if (list_empty(&watch->ready)) {
        list_add(&watch->epoll->ready, &watch->ready);
    }
    if (!list_empty(&watch->epoll->changes.waiters)) {
        waitlist_wake(&watch->epoll->changes);
    }
}

static void watch_woken(struct waiter *waiter)
{
    watch_wake(CONTAINER(waiter, struct watch, waiter));
}

static uint32_t watch_ready(const struct watch *watch)
{
    uint32_t events = watch->events & ~CONTROL;

    return events ? poll_ready(watch->file) & (events | POLLERR | POLLHUP) : 0;
}

// ---- the operations of its files ----------------------------------------------------------------

// Those that turn out not to be ready leave the list; asking an epoll that is watched asks those
// that it watches, as deep as NESTED_MAX allows.
static uint32_t epoll_ready(struct file *file)
{
    struct epoll *epoll = file->state;

    LIST_EACH(watch, &epoll->ready, struct watch, ready) {
        if (watch_ready(watch)) {
            return POLLIN | POLLRDNORM;
        }
        list_remove(&watch->ready);
    }
    return 0;
}

static struct waitlist *epoll_waits(struct file *file)
{
    struct epoll *epoll = file->state;

    return &epoll->changes;
}

static void epoll_close(struct file *file)
{
    struct epoll *epoll = file->state;

    LIST_EACH(watch, &epoll->watches, struct watch, in_epoll) {
        watch_free(watch);
    }
    waitlist_end(&epoll->changes);
    heap_free(epoll);
}

static const struct file_ops epoll_ops = {
    .seek = install_seek,
    .ready = epoll_ready,
    .waits = epoll_waits,
    .close = epoll_close,
};

int64_t call_epoll_create1(struct task *task, uint32_t flags)
{
    struct epoll *epoll;

    if (flags & ~O_CLOEXEC) {
        return -EINVAL;
    }
    epoll = heap_alloc(sizeof(*epoll));
    if (!epoll) {
        return -ENOMEM;
    }
    list_init(&epoll->watches);
    list_init(&epoll->ready);
    waitlist_init(&epoll->changes);
    return install_unnamed(task, &epoll_ops, "anon_inode:[eventpoll]", flags | O_RDWR, epoll);
}

int64_t call_epoll_create(struct task *task, int32_t size)
{
    return size > 0 ? call_epoll_create1(task, 0) : -EINVAL;
}

// ---- watching -----------------------------------------------------------------------------------

// How many epolls stand in a row below a file, itself with them: NESTED_MAX + 1 where they are too
// many, or where `top` is among them.
static unsigned depth_below(const struct file *file, const struct file *top, unsigned above)
{
    const struct epoll *epoll = epoll_of(file);
    unsigned deepest = 0;

    if (!epoll) {
        return 0;
    }
    if (file == top || above >= NESTED_MAX) {
        return NESTED_MAX + 1;
    }
    LIST_EACH(watch, &epoll->watches, struct watch, in_epoll) {
        unsigned depth = depth_below(watch->file, top, above + 1);
        if (depth > deepest) {
            deepest = depth;
        }
    }
    return deepest + 1;
}

// The same for those that watch it, itself with them.  Never endless: there are no loops.
static unsigned depth_above(const struct file *file)
{
    unsigned deepest = 0;

    LIST_EACH(watch, bucket_of(file), struct watch, in_bucket) {
        unsigned depth = watch->file == file ? depth_above(watch->epoll->file) : 0;
        if (depth > deepest) {
            deepest = depth;
        }
    }
    return deepest + 1;
}

// What a process may ask for: POLLERR and POLLHUP are always told.
static void watch_set(struct watch *watch, const struct epoll_event *event)
{
    watch->events = event->events | POLLERR | POLLHUP;
    watch->data = event->data;
    if (watch_ready(watch)) {
        watch_wake(watch);
    }
}

static int64_t watch_add(struct file *epoll_file, struct file *file, int32_t fd,
                         const struct epoll_event *event)
{
    struct watch *watch;

    if (epoll_of(file) && depth_below(file, epoll_file, 0) + depth_above(epoll_file) > NESTED_MAX) {
        return -ELOOP;
    }
    watch = heap_alloc(sizeof(*watch));
    if (!watch) {
        return -ENOMEM;
    }
    watch->epoll = epoll_file->state;
    watch->epoll->file = epoll_file;
    watch->file = file;
    file->watched = true;
    watch->fd = fd;
    watch->waiter.wake = watch_woken;
    list_init(&watch->ready);
    list_init(&watch->waiter.link);
    list_add(&watch->epoll->watches, &watch->in_epoll);
    list_add(bucket_of(file), &watch->in_bucket);
    if (file->ops->waits) {
        list_add(&file->ops->waits(file)->waiters, &watch->waiter.link);
    }
    watch_set(watch, event);
    return 0;
}

static int64_t watch_change(struct watch *watch, int32_t how, const struct epoll_event *event)
{
    if (!watch) {
        return -ENOENT;
    }
    if (how == EPOLL_CTL_DEL) {
        watch_free(watch);
        return 0;
    }
    if (how != EPOLL_CTL_MOD || watch->events & EPOLLEXCLUSIVE) {
        return -EINVAL;
    }
    watch_set(watch, event);
    return 0;
}

// EPOLLEXCLUSIVE goes with few others, and only where a watch is added.
static bool exclusive_is_valid(int32_t how, const struct file *file, uint32_t events)
{
    if (how == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE)) {
        return true;
    }
    return how == EPOLL_CTL_ADD && !epoll_of(file) && !(events & ~EXCLUSIVE_OK);
}

int64_t call_epoll_ctl(struct task *task, int32_t epoll_fd, int32_t how, int32_t fd, user_t from)
{
    struct epoll_event event = { 0, 0 };
    struct file *epoll_file, *file;
    struct watch *watch;

    if (how != EPOLL_CTL_DEL && user_read(task, &event, from, sizeof(event)) < 0) {
        return -EFAULT;
    }
    epoll_file = file_at(task, epoll_fd);
    file = file_at(task, fd);
    if (!epoll_file || !file) {
        return -EBADF;
    }
    if (!file->ops->ready) {
        return -EPERM;
    }
    if (file == epoll_file || !epoll_of(epoll_file) ||
        !exclusive_is_valid(how, file, event.events)) {
        return -EINVAL;
    }
    watch = watch_find(epoll_file->state, file, fd);
    if (how != EPOLL_CTL_ADD) {
        return how == EPOLL_CTL_DEL || how == EPOLL_CTL_MOD ? watch_change(watch, how, &event)
                                                            : -EINVAL;
    }
    return watch ? -EEXIST : watch_add(epoll_file, file, fd, &event);
}

// ---- waiting ------------------------------------------------------------------------------------

// Tell the process of a watch, if it is ready: how many events that makes, or -EFAULT.
static int64_t watch_tell(struct task *task, struct watch *watch, user_t to)
{
    struct epoll_event event = { watch_ready(watch), watch->data };

    if (event.events && user_write(task, to, &event, sizeof(event)) < 0) {
        return -EFAULT;
    }
    list_remove(&watch->ready);
    if (!event.events) {
        return 0;
    }
    // One that tells of levels is asked again, after the others.
    if (watch->events & EPOLLONESHOT) {
        watch->events &= CONTROL;
    } else if (!(watch->events & EPOLLET)) {
        list_add(&watch->epoll->ready, &watch->ready);
    }
    return 1;
}

static int64_t epoll_collect(struct task *task, struct epoll *epoll, user_t to, int32_t most)
{
    struct list now;
    struct list *link;
    int64_t told = 0, result = 0;

    // Those that are here now: what is told may go to the list's end again.
    list_add(&epoll->ready, &now);
    while (told < most && (link = epoll->ready.next) != &now) {
        result = watch_tell(task, CONTAINER(link, struct watch, ready),
                            to + (uint64_t)told * sizeof(struct epoll_event));
        if (result < 0) {
            break;
        }
        told += result;
    }
    list_remove(&now);
    return told ? told : result;
}

static int64_t epoll_wait(struct task *task, int32_t fd, user_t to, int32_t most, uint64_t ns)
{
    struct file *file = file_at(task, fd);
    struct epoll *epoll;
    int64_t told;

    if (most <= 0 || most > EVENTS_MAX) {
        return -EINVAL;
    }
    if (!file) {
        return -EBADF;
    }
    epoll = epoll_of(file);
    if (!epoll) {
        return -EINVAL;
    }
    told = list_empty(&epoll->ready) ? 0 : epoll_collect(task, epoll, to, most);
    if (told || ns == 0) {
        return told;
    }
    if (!task->call.again && ns != TIMER_NEVER) {
        wait_until(task, clock_deadline(CLOCK_MONOTONIC, ns, false));
    }
    return wait_over(task) ? 0 : wait_on(task, &epoll->changes);
}

static uint64_t milliseconds(int32_t timeout)
{
    return timeout < 0 ? TIMER_NEVER : (uint64_t)timeout * (uint64_t)(SECOND / 1000);
}

int64_t call_epoll_wait(struct task *task, int32_t fd, user_t events, int32_t most, int32_t timeout)
{
    return epoll_wait(task, fd, events, most, milliseconds(timeout));
}

int64_t call_epoll_pwait(struct task *task, int32_t fd, user_t events, int32_t most,
                         int32_t timeout, user_t mask, uint64_t mask_bytes)
{
    int64_t error = poll_mask(task, mask, mask_bytes);

    return error ? error : epoll_wait(task, fd, events, most, milliseconds(timeout));
}

int64_t call_epoll_pwait2(struct task *task, int32_t fd, user_t events, int32_t most,
                          user_t timeout, user_t mask, uint64_t mask_bytes)
{
    struct timespec time;
    uint64_t ns = TIMER_NEVER;
    int64_t error = 0;

    if (timeout && !task->call.again) {
        error = timespec_read(task, timeout, &time);
        ns = timespec_ns(&time);
    }
    if (!error) {
        error = poll_mask(task, mask, mask_bytes);
    }
    return error ? error : epoll_wait(task, fd, events, most, ns);
}
