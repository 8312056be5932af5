// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals as a file (signalfd(2)).  It gives those of whoever reads; all that exist are in a list,
// so that who sends a signal can wake those whom it concerns.
#include "signalfd.h"

#include "call.h"
#include "heap.h"
#include "install.h"

#include <rt/string.h>

struct signalfd {
    struct list all;
    sigset set;
    struct waitlist changes;
};

// struct signalfd_siginfo
struct signal_record {
    uint32_t signal;
    int32_t error, code;
    uint32_t pid, uid;
    int32_t fd;
    uint32_t timer, band, overrun, trap;
    int32_t status, value;
    uint64_t pointer, user_time, system_time, address;
    uint16_t address_low, padding;
    int32_t call;
    uint64_t call_address;
    uint32_t architecture;
    uint8_t rest[28];
};
_Static_assert(sizeof(struct signal_record) == 128, "struct signalfd_siginfo");

static struct list all = LIST_EMPTY(all);
static const struct file_ops signalfd_ops;

void signalfd_notify(unsigned signal)
{
    LIST_EACH(one, &all, struct signalfd, all) {
        if (one->set & SIGNAL_BIT(signal)) {
            waitlist_wake(&one->changes);
        }
    }
}

// What a record says depends on who sent the signal.
static void record_make(struct signal_record *record, const struct signal_info *info)
{
    memset(record, 0, sizeof(*record));
    record->signal = (uint32_t)info->signal;
    record->error = info->error;
    record->code = info->code;
    if (info->code == SI_TIMER) {
        record->timer = (uint32_t)info->timer;
        record->overrun = (uint32_t)info->overrun;
        record->pointer = info->timer_value;
        record->value = (int32_t)info->timer_value;
        return;
    }
    if (info->code > 0 && (info->signal == SIGSEGV || info->signal == SIGBUS ||
                           info->signal == SIGILL || info->signal == SIGFPE)) {
        record->address = info->address;
        return;
    }
    record->pid = info->pid;
    record->uid = info->uid;
    if (info->signal == SIGCHLD && info->code > 0) {
        record->status = info->status;
        record->user_time = info->user_time;
        record->system_time = info->system_time;
    } else if (info->code < 0) {
        record->pointer = info->value;
        record->value = (int32_t)info->value;
    }
}

static int64_t signalfd_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct signalfd *one = file->state;
    struct signal_record record;
    struct signal_info info;
    int64_t done = 0;

    if (install_at_position(file, offset)) {
        return -ESPIPE;
    }
    if (io->left < sizeof(record)) {
        return -EINVAL;
    }
    while (io->left >= sizeof(record) && signal_take(task, one->set, &info)) {
        record_make(&record, &info);
        if (io_give(io, &record, sizeof(record)) != sizeof(record)) {
            return done ? done : -EFAULT;
        }
        done += (int64_t)sizeof(record);
    }
    if (done) {
        return done;
    }
    return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &one->changes);
}

static uint32_t signalfd_ready(struct file *file)
{
    const struct signalfd *one = file->state;
    const struct task *task = call_task();

    return task && signal_pending(task) & one->set ? POLLIN : 0;
}

static struct waitlist *signalfd_waits(struct file *file)
{
    struct signalfd *one = file->state;

    return &one->changes;
}

static void signalfd_close(struct file *file)
{
    struct signalfd *one = file->state;

    list_remove(&one->all);
    waitlist_end(&one->changes);
    heap_free(one);
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read,
    .seek = install_seek,
    .ready = signalfd_ready,
    .waits = signalfd_waits,
    .close = signalfd_close,
};

static int64_t signalfd_change(const struct task *task, int32_t fd, sigset set)
{
    struct file *file = file_at(task, fd);
    struct signalfd *one;

    if (!file) {
        return -EBADF;
    }
    if (file->ops != &signalfd_ops) {
        return -EINVAL;
    }
    one = file->state;
    one->set = set;
    waitlist_wake(&one->changes);
    return fd;
}

int64_t call_signalfd4(struct task *task, int32_t fd, user_t mask, uint64_t mask_bytes,
                       uint32_t flags)
{
    struct signalfd *one;
    sigset set;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK) || mask_bytes != sizeof(set)) {
        return -EINVAL;
    }
    if (user_read(task, &set, mask, sizeof(set)) < 0) {
        return -EFAULT;
    }
    set &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    if (fd != -1) {
        return signalfd_change(task, fd, set);
    }
    one = heap_alloc(sizeof(*one));
    if (!one) {
        return -ENOMEM;
    }
    one->set = set;
    waitlist_init(&one->changes);
    list_add(&all, &one->all);
    return install_unnamed(task, &signalfd_ops, "anon_inode:[signalfd]", flags | O_RDWR, one);
}

int64_t call_signalfd(struct task *task, int32_t fd, user_t mask, uint64_t mask_bytes)
{
    return call_signalfd4(task, fd, mask, mask_bytes, 0);
}
