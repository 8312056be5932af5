// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Open files, and those without a name in any directory.
#include "attribute.h"
#include "dentry.h"
#include "heap.h"
#include "lease.h"
#include "lock.h"
#include "mount.h"
#include "notify.h"
#include "outside.h"

#include <rt/print.h>

static bool counts_as_writer(const struct file *file)
{
    return file_writes(file) && inode_is(file->inode, S_IFREG);
}

static bool counts_as_reader(const struct file *file)
{
    return file_reads(file) && !file_writes(file) && inode_is(file->inode, S_IFREG);
}

struct file *file_new(const struct file_ops *ops, struct place place, uint32_t flags)
{
    struct file *file = heap_alloc(sizeof(*file));
    if (!file) {
        place_put(place);
        return NULL;
    }
    file->ops = ops;
    file->refs = 1;
    file->flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    file->place = place;
    file->inode = place.dentry->inode;
    if (counts_as_writer(file)) {
        file->inode->writers++;
        place.mount->writers++;
    }
    file->inode->readers += counts_as_reader(file);
    return file;
}

void file_put(struct file *file)
{
    if (--file->refs > 0) {
        return;
    }
    if (file->watched) {
        epoll_forget(file);
    }
    if (file->async) {
        async_end(file);
    }
    if (file->lease) {
        lease_close(file);
    }
    if (!list_empty(&file->inode->locks)) {
        lock_close(file, file->inode);
    }
    if (file->ops->close) {
        file->ops->close(file);
    }
    if (!(file->flags & O_PATH)) {
        notify(file->place.dentry, file_writes(file) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    }
    if (counts_as_writer(file)) {
        file->inode->writers--;
        file->place.mount->writers--;
    }
    file->inode->readers -= counts_as_reader(file);
    place_put(file->place);
    heap_free(file);
}

void place_put(struct place place)
{
    struct mount *mount = place.mount;
    dentry_put(place.dentry);
    mount_put(mount);
}

// ---- without a name ----------------------------------------------------------------------------
static void unnamed_free(struct inode *inode)
{
    heap_free(inode);
}

static const struct inode_ops unnamed_ops = { .free = unnamed_free };

static struct inode *unnamed_inode(uint32_t mode)
{
    static uint64_t numbers;
    struct inode *inode = heap_alloc(sizeof(*inode));
    if (inode) {
        inode_init(inode, &unnamed_ops, mode);
        inode->device = mount_unnamed->device;
        inode->number = ++numbers;
    }
    return inode;
}

static struct dentry *unnamed_dentry(const char *format, struct inode *inode)
{
    // The formats are the server's own, and have at most one number: that of the inode.
    char text[NAME_MAX_BYTES + 1];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)rt_format(text, sizeof(text), format, (unsigned)inode->number);
#pragma GCC diagnostic pop
    struct name name = name_of(text);
    return dentry_new(NULL, &name, inode);
}

struct file *file_new_unnamed(const struct file_ops *ops, const char *name, uint32_t mode,
                              uint32_t flags, void *state)
{
    struct inode *inode = unnamed_inode(mode);
    struct dentry *dentry = inode ? unnamed_dentry(name, inode) : NULL;
    if (!dentry) {
        return NULL;
    }
    mount_unnamed->refs++;
    struct file *file = file_new(ops, (struct place){ mount_unnamed, dentry }, flags);
    if (file) {
        file->state = state;
    }
    return file;
}
