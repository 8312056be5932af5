// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Character devices: null, zero, full, random; and by their numbers those that others drive.
#include "device.h"

#include "attribute.h"
#include "dentry.h"
#include "outside.h"
#include "page.h"
#include "random.h"
#include "tmpfs.h"

#define RANDOM_MOST  0x1ffffffull
#define RNDGETENTCNT 0x80045200u

static int64_t null_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    (void)file;
    (void)io;
    (void)offset;
    return 0;
}

static int64_t null_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    (void)file;
    (void)offset;
    return (int64_t)io->left;
}

static int64_t full_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    (void)file;
    (void)offset;
    return io->left ? -ENOSPC : 0;
}

static int64_t zero_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    (void)file;
    (void)offset;
    int64_t done = 0;
    while (io->left) {
        int64_t given = io_give_zero(io, io->left);
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
    }
    return done;
}

static int64_t random_fill(struct io *io)
{
    char some[256];
    int64_t done = 0;
    while (io->left && done < (int64_t)RANDOM_MOST) {
        uint64_t bytes = io->left < sizeof(some) ? io->left : sizeof(some);
        random_bytes(some, bytes);
        int64_t given = io_give(io, some, bytes);
        if (given <= 0) {
            return done ? done : given;
        }
        done += given;
    }
    return done;
}

static int64_t random_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    (void)file;
    (void)offset;
    return random_fill(io);
}

static int64_t random_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    (void)task;
    (void)file;
    (void)offset;
    char some[256];
    int64_t done = 0;
    while (io->left) {
        int64_t taken = io_take(io, some, io->left < sizeof(some) ? io->left : sizeof(some));
        if (taken <= 0) {
            return done ? done : taken;
        }
        random_seed(some, (uint64_t)taken);
        done += taken;
    }
    return done;
}

static int64_t random_ioctl(struct task *task, struct file *file, uint32_t request,
                            uint64_t argument)
{
    (void)file;
    const int32_t bits = 256;
    return request == RNDGETENTCNT ? user_write(task, argument, &bits, sizeof(bits)) : -EINVAL;
}

static int64_t seek_nowhere(struct file *file, int64_t offset, unsigned whence)
{
    (void)offset;
    (void)whence;
    file->offset = 0;
    return 0;
}

// What is mapped of it in private is the same as memory of nobody: each page is another one.
static uint32_t zero_page(struct file *file, uint64_t index, bool write)
{
    (void)file;
    (void)index;
    (void)write;
    return page_alloc_zero();
}

static const struct file_ops null_ops = { .read = null_read,
                                          .write = null_write,
                                          .seek = seek_nowhere };
static const struct file_ops zero_ops = {
    .read = zero_read, .write = null_write, .seek = seek_nowhere, .page = zero_page
};
static const struct file_ops full_ops = { .read = zero_read,
                                          .write = full_write,
                                          .seek = seek_nowhere };
static const struct file_ops random_ops = {
    .read = random_read, .write = random_write, .seek = seek_nowhere, .ioctl = random_ioctl
};

bool device_is_zero(const struct file *file)
{
    return file->ops == &zero_ops;
}

// ---- by number ---------------------------------------------------------------------------------
#define MAJOR_MEMORY   1u
#define MAJOR_TTY      4u
#define MAJOR_TTYAUX   5u
#define MAJOR_MISC     10u
#define MAJOR_PTS      136u
#define MAJOR_PTS_LAST 143u

static const struct device {
    const char *name;
    uint32_t device, mode;
    const struct file_ops *ops;  // NULL: a terminal
} devices[] = {
    { "null", DEVICE(1, 3), 0666, &null_ops },      { "zero", DEVICE(1, 5), 0666, &zero_ops },
    { "full", DEVICE(1, 7), 0666, &full_ops },      { "random", DEVICE(1, 8), 0666, &random_ops },
    { "urandom", DEVICE(1, 9), 0666, &random_ops }, { "tty", DEVICE(5, 0), 0666, NULL },
    { "console", DEVICE(5, 1), 0600, NULL },        { "ptmx", DEVICE(5, 2), 0666, NULL },
};
#define DEVICES (sizeof(devices) / sizeof(devices[0]))

static bool is_terminal(uint32_t device)
{
    uint32_t major = DEVICE_MAJOR(device);
    return major == MAJOR_TTY || major == MAJOR_TTYAUX ||
           (major >= MAJOR_PTS && major <= MAJOR_PTS_LAST);
}

int64_t device_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    uint32_t number = place.dentry->inode->is.device;
    if (is_terminal(number)) {
        return terminal_open(task, place, flags, number, file);
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        if (devices[i].device == number && devices[i].ops) {
            *file = file_new(devices[i].ops, place, flags);
            return *file ? 0 : -ENOMEM;
        }
    }
    place_put(place);
    return number >> 8 == MAJOR_MISC ? -ENODEV : -ENXIO;
}

static bool add(struct place directory, const struct image_file *file)
{
    struct dentry *made = NULL;
    struct name name = name_of(file->name);
    if (dentry_find(directory.dentry, &name)) {
        return true;
    }
    if (tmpfs_add(directory.dentry, file, &made)) {
        return false;
    }
    dentry_put(made);
    return true;
}

bool device_populate(struct place directory)
{
    static const struct image_file links[] = {
        { "fd", S_IFLNK | 0777, 0, "/proc/self/fd", 13 },
        { "stdin", S_IFLNK | 0777, 0, "/proc/self/fd/0", 15 },
        { "stdout", S_IFLNK | 0777, 0, "/proc/self/fd/1", 15 },
        { "stderr", S_IFLNK | 0777, 0, "/proc/self/fd/2", 15 },
    };
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct image_file file = { .name = devices[i].name,
                                         .mode = S_IFCHR | devices[i].mode,
                                         .device = devices[i].device };
        if (!add(directory, &file)) {
            return false;
        }
    }
    for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (!add(directory, &links[i])) {
            return false;
        }
    }
    return true;
}
