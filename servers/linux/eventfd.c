// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Counters that can be waited for (eventfd(2)).
#include "call.h"
#include "heap.h"
#include "install.h"

#define EFD_SEMAPHORE 1u
#define EVENTFD_MAX   (UINT64_MAX - 1)

struct eventfd {
    uint64_t count;
    bool semaphore;
    struct waitlist changes;
};

static int64_t eventfd_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct eventfd *event = file->state;
    uint64_t value = event->semaphore ? 1 : event->count;

    if (install_at_position(file, offset)) {
        return -ESPIPE;
    }
    if (io->left < sizeof(value)) {
        return -EINVAL;
    }
    if (event->count == 0) {
        return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &event->changes);
    }
    event->count -= value;
    waitlist_wake(&event->changes);
    return io_give(io, &value, sizeof(value)) == sizeof(value) ? (int64_t)sizeof(value) : -EFAULT;
}

static int64_t eventfd_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct eventfd *event = file->state;
    uint64_t value;

    if (install_at_position(file, offset)) {
        return -ESPIPE;
    }
    if (io->left < sizeof(value)) {
        return -EINVAL;
    }
    if (io_take(io, &value, sizeof(value)) != sizeof(value)) {
        return -EFAULT;
    }
    if (value == UINT64_MAX) {
        return -EINVAL;
    }
    if (value > EVENTFD_MAX - event->count) {
        return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &event->changes);
    }
    event->count += value;
    waitlist_wake(&event->changes);
    return sizeof(value);
}

static uint32_t eventfd_ready(struct file *file)
{
    const struct eventfd *event = file->state;

    return (event->count ? POLLIN : 0) | (event->count < EVENTFD_MAX ? POLLOUT : 0);
}

static struct waitlist *eventfd_waits(struct file *file)
{
    struct eventfd *event = file->state;

    return &event->changes;
}

static void eventfd_close(struct file *file)
{
    struct eventfd *event = file->state;

    waitlist_end(&event->changes);
    heap_free(event);
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .seek = install_seek,
    .ready = eventfd_ready,
    .waits = eventfd_waits,
    .close = eventfd_close,
};

int64_t call_eventfd2(struct task *task, uint32_t count, uint32_t flags)
{
    struct eventfd *event;

    if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) {
        return -EINVAL;
    }
    event = heap_alloc(sizeof(*event));
    if (!event) {
        return -ENOMEM;
    }
    event->count = count;
    event->semaphore = flags & EFD_SEMAPHORE;
    waitlist_init(&event->changes);
    return install_unnamed(task, &eventfd_ops, "anon_inode:[eventfd]", flags | O_RDWR, event);
}

int64_t call_eventfd(struct task *task, uint32_t count)
{
    return call_eventfd2(task, count, 0);
}
