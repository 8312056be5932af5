// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Watching what is done to files (inotify(7)).  A watch is in the list of its inode and holds no
// reference to it: the inode's end is the watch's.  File systems tell of events by notify.h.
#include "call.h"
#include "heap.h"
#include "install.h"
#include "ioctl.h"
#include "notify.h"

#include <rt/string.h>

#define IN_Q_OVERFLOW  0x4000u
#define IN_IGNORED     0x8000u
#define IN_ONLYDIR     0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD    0x20000000u
#define IN_ONESHOT     0x80000000u
#define IN_ALL_EVENTS  0xfffu
#define IN_VALID                                                                                \
 (IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | \
  IN_ISDIR | IN_ONESHOT | IN_Q_OVERFLOW | IN_IGNORED | 0x2000u)

#define EVENTS_MAX  16384u  // that wait to be read
#define WATCHES_MAX 65536u
#define NAME_ALIGN  16u

struct inotify {
    struct list watches;
    struct list events;
    uint32_t event_count, watch_count;
    uint64_t bytes;  // of all events, as they are read
    int32_t next_number;
    bool overflowed;  // and says so at the queue's end
    struct waitlist changes;
};

struct watch {
    struct list in_inode, in_inotify;
    struct inotify *inotify;
    struct inode *inode;
    int32_t number;
    uint32_t mask;
};

struct event {
    struct list link;
    struct {  // as it is read
        int32_t watch;
        uint32_t mask, cookie, bytes;
        char name[];
    } is;
};
#define EVENT_BYTES(event) (16 + (event)->is.bytes)

static const struct file_ops inotify_ops;

// ---- events ------------------------------------------------------------------------------------
static bool event_repeats(const struct inotify *inotify, const struct event *event)
{
    if (list_empty(&inotify->events)) {
        return false;
    }
    const struct event *last = CONTAINER(inotify->events.prev, struct event, link);
    return EVENT_BYTES(last) == EVENT_BYTES(event) &&
           memcmp(&last->is, &event->is, EVENT_BYTES(event)) == 0;
}

static struct event *event_new(int32_t watch, const char *name, uint32_t mask, uint32_t cookie)
{
    uint64_t length = name ? strlen(name) + 1 : 0;
    uint64_t bytes = (length + NAME_ALIGN - 1) / NAME_ALIGN * NAME_ALIGN;
    struct event *event = heap_alloc(sizeof(*event) + bytes);

    if (!event) {
        return NULL;
    }
    event->is.watch = watch;
    event->is.mask = mask;
    event->is.cookie = cookie;
    event->is.bytes = (uint32_t)bytes;
    memcpy(event->is.name, name ? name : "", length);
    return event;
}

// Put one at the end of the queue.  One that cannot be kept is told of as an overflow, once.
static void event_put(struct inotify *inotify, struct event *event)
{
    if (event && event_repeats(inotify, event)) {
        heap_free(event);
        return;
    }
    if (!event || inotify->event_count >= EVENTS_MAX) {
        heap_free(event);
        event = inotify->overflowed ? NULL : event_new(-1, NULL, IN_Q_OVERFLOW, 0);
        inotify->overflowed = true;
    }
    if (!event) {
        return;
    }
    list_add(&inotify->events, &event->link);
    inotify->event_count++;
    inotify->bytes += EVENT_BYTES(event);
    waitlist_wake(&inotify->changes);
}

static void event_free(struct inotify *inotify, struct event *event)
{
    list_remove(&event->link);
    inotify->event_count--;
    inotify->bytes -= EVENT_BYTES(event);
    if (event->is.mask == IN_Q_OVERFLOW) {
        inotify->overflowed = false;
    }
    heap_free(event);
}

// ---- watches -----------------------------------------------------------------------------------
static void watch_free(struct watch *watch)
{
    list_remove(&watch->in_inode);
    list_remove(&watch->in_inotify);
    watch->inotify->watch_count--;
    heap_free(watch);
}

static void watch_end(struct watch *watch)
{
    event_put(watch->inotify, event_new(watch->number, NULL, IN_IGNORED, 0));
    watch_free(watch);
}

void inotify_event(struct inode *inode, const char *name, uint32_t mask, uint32_t cookie)
{
    LIST_EACH(watch, &inode->watches, struct watch, in_inode) {
        if (!(mask & watch->mask & IN_ALL_EVENTS)) {
            continue;
        }
        event_put(watch->inotify, event_new(watch->number, name, mask, cookie));
        if (watch->mask & IN_ONESHOT) {
            watch_end(watch);
        }
    }
}

// The last name and the last open file of an inode are gone: its deletion is told now.
void inotify_forget(struct inode *inode)
{
    if (inode->is.links == 0) {
        inotify_event(inode, NULL, IN_DELETE_SELF, 0);
    }
    LIST_EACH(watch, &inode->watches, struct watch, in_inode) {
        watch_end(watch);
    }
}

// ---- the operations of its files ---------------------------------------------------------------
static int64_t inotify_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct inotify *inotify = file->state;
    int64_t done = 0;

    if (install_at_position(file, offset)) {
        return -ESPIPE;
    }
    if (list_empty(&inotify->events)) {
        return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &inotify->changes);
    }
    while (!list_empty(&inotify->events)) {
        struct event *event = CONTAINER(inotify->events.next, struct event, link);
        uint64_t bytes = EVENT_BYTES(event);
        if (bytes > io->left) {
            return done ? done : -EINVAL;
        }
        if (io_give(io, &event->is, bytes) != (int64_t)bytes) {
            return done ? done : -EFAULT;
        }
        event_free(inotify, event);
        done += (int64_t)bytes;
    }
    return done;
}

static int64_t inotify_ioctl(struct task *task, struct file *file, uint32_t request,
                             uint64_t argument)
{
    const struct inotify *inotify = file->state;
    int32_t bytes = (int32_t)inotify->bytes;

    return request == FIONREAD ? user_write(task, argument, &bytes, sizeof(bytes)) : -ENOTTY;
}

static uint32_t inotify_ready(struct file *file)
{
    const struct inotify *inotify = file->state;

    return list_empty(&inotify->events) ? 0 : POLLIN | POLLRDNORM;
}

static struct waitlist *inotify_waits(struct file *file)
{
    struct inotify *inotify = file->state;

    return &inotify->changes;
}

static void inotify_close(struct file *file)
{
    struct inotify *inotify = file->state;

    LIST_EACH(watch, &inotify->watches, struct watch, in_inotify) {
        watch_free(watch);
    }
    LIST_EACH(event, &inotify->events, struct event, link) {
        event_free(inotify, event);
    }
    waitlist_end(&inotify->changes);
    heap_free(inotify);
}

static const struct file_ops inotify_ops = {
    .read = inotify_read,
    .ioctl = inotify_ioctl,
    .seek = install_seek,
    .ready = inotify_ready,
    .waits = inotify_waits,
    .close = inotify_close,
};

// ---- calls -------------------------------------------------------------------------------------
int64_t call_inotify_init1(struct task *task, uint32_t flags)
{
    struct inotify *inotify;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) {
        return -EINVAL;
    }
    inotify = heap_alloc(sizeof(*inotify));
    if (!inotify) {
        return -ENOMEM;
    }
    list_init(&inotify->watches);
    list_init(&inotify->events);
    waitlist_init(&inotify->changes);
    inotify->next_number = 1;
    return install_unnamed(task, &inotify_ops, "anon_inode:inotify", flags, inotify);
}

int64_t call_inotify_init(struct task *task)
{
    return call_inotify_init1(task, 0);
}

static struct inotify *inotify_at(const struct task *task, int32_t fd)
{
    struct file *file = file_at(task, fd);

    if (!file) {
        return FAILURE(EBADF);
    }
    return file->ops == &inotify_ops ? file->state : FAILURE(EINVAL);
}

static int64_t watch_new(struct inotify *inotify, struct inode *inode, uint32_t mask)
{
    struct watch *watch;

    if (inotify->watch_count >= WATCHES_MAX) {
        return -ENOSPC;
    }
    watch = heap_alloc(sizeof(*watch));
    if (!watch) {
        return -ENOMEM;
    }
    watch->inotify = inotify;
    watch->inode = inode;
    watch->mask = mask;
    watch->number = inotify->next_number++;
    list_add(&inode->watches, &watch->in_inode);
    list_add(&inotify->watches, &watch->in_inotify);
    inotify->watch_count++;
    return watch->number;
}

static int64_t inode_watch(struct inotify *inotify, struct inode *inode, uint32_t mask)
{
    LIST_EACH(watch, &inode->watches, struct watch, in_inode) {
        if (watch->inotify != inotify) {
            continue;
        }
        if (mask & IN_MASK_CREATE) {
            return -EEXIST;
        }
        watch->mask = mask & IN_MASK_ADD ? watch->mask | mask : mask;
        return watch->number;
    }
    return watch_new(inotify, inode, mask);
}

int64_t call_inotify_add_watch(struct task *task, int32_t fd, user_t path, uint32_t mask)
{
    struct inotify *inotify = inotify_at(task, fd);
    unsigned how = (mask & IN_DONT_FOLLOW ? 0 : PATH_FOLLOW) |
                   (mask & IN_ONLYDIR ? PATH_DIRECTORY : 0);
    struct path_result result;
    int64_t error;

    if (!(mask & IN_VALID) || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE)) {
        return -EINVAL;
    }
    if (IS_ERROR(inotify)) {
        return ERROR_OF(inotify);
    }
    error = path_find_user(task, AT_FDCWD, path, how, &result);
    if (error) {
        return error;
    }
    error = inode_permits(task, result.at.dentry->inode, 4);
    if (!error) {
        error = inode_watch(inotify, result.at.dentry->inode, mask);
    }
    place_put(result.at);
    return error;
}

int64_t call_inotify_rm_watch(struct task *task, int32_t fd, int32_t number)
{
    struct inotify *inotify = inotify_at(task, fd);

    if (IS_ERROR(inotify)) {
        return ERROR_OF(inotify);
    }
    LIST_EACH(watch, &inotify->watches, struct watch, in_inotify) {
        if (watch->number == number) {
            watch_end(watch);
            return 0;
        }
    }
    return -EINVAL;
}
