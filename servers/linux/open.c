// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Opening of files: what open's flags mean, who may open what, and how each kind is opened.
#include "open.h"

#include "attribute.h"
#include "call.h"
#include "dentry.h"
#include "descriptor.h"
#include "device.h"
#include "lease.h"
#include "mount.h"
#include "name.h"
#include "notify.h"
#include "pipe.h"
#include "tmpfs.h"
#include "walk.h"

#include <rt/string.h>

#define O_TMPFILE_BIT 020000000u
#define O_KNOWN       037777703u

struct opening {
    struct task *task;
    int at;
    uint32_t flags, mode, resolve;
    bool made;  // the file is new: its mode says nothing about this opening
};

// ---- by kind -----------------------------------------------------------------------------------
static const struct file_ops path_only_ops = {};

int64_t open_place(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    const struct inode *inode = place.dentry->inode;
    uint32_t kind = inode->is.mode & S_IFMT;
    if (flags & O_PATH) {
        *file = file_new(&path_only_ops, place, flags);
        return *file ? 0 : -ENOMEM;
    }
    if (kind == S_IFIFO) {
        return fifo_open(task, place, flags, file);
    }
    if (kind == S_IFCHR) {
        return device_open(task, place, flags, file);
    }
    if (kind == S_IFSOCK || kind == S_IFBLK || !inode->ops->open) {
        place_put(place);
        return -ENXIO;
    }
    return inode->ops->open(task, place, flags, file);
}

// ---- who may -----------------------------------------------------------------------------------
static unsigned access_of(uint32_t flags)
{
    static const unsigned modes[] = { 4, 2, 6, 6 };
    return modes[flags & O_ACCMODE] | (flags & O_TRUNC ? 2 : 0);
}

static int64_t may_write(const struct inode *inode, struct place place)
{
    if (inode_is(inode, S_IFREG) && inode->writers < 0) {
        return -ETXTBSY;
    }
    bool stored = inode_is(inode, S_IFREG) || inode_is(inode, S_IFDIR) || inode_is(inode, S_IFLNK);
    return stored ? place_writes(place) : 0;
}

static int64_t may_open(const struct opening *opening, struct place place)
{
    const struct inode *inode = place.dentry->inode;
    uint32_t kind = inode->is.mode & S_IFMT;
    unsigned access = access_of(opening->flags);
    if (kind == S_IFLNK) {
        return -ELOOP;
    }
    if (kind == S_IFDIR && (access & 2 || opening->flags & O_CREAT)) {
        return -EISDIR;
    }
    if ((kind == S_IFCHR || kind == S_IFBLK) && place.mount->flags & MS_NODEV) {
        return -EACCES;
    }
    int64_t error = opening->made ? 0 : inode_permits(opening->task, inode, access);
    if (!error && access & 2) {
        error = may_write(inode, place);
    }
    if (!error && opening->flags & O_NOATIME && !inode_owned(opening->task, inode)) {
        error = -EPERM;
    }
    return error;
}

// ---- in all ------------------------------------------------------------------------------------
static unsigned look_of(const struct opening *opening)
{
    uint32_t flags = opening->flags;
    unsigned how = PATH_RESOLVE(opening->resolve);
    if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL)) {
        how |= PATH_FOLLOW;
    }
    how |= flags & O_CREAT ? PATH_CREATE : 0;
    how |= flags & O_DIRECTORY && !(flags & O_CREAT) && !(flags & O_NOFOLLOW) ? PATH_DIRECTORY : 0;
    return how;
}

static int64_t make(struct opening *opening, struct path_result *found)
{
    struct dentry *made = NULL;
    int64_t error = name_make(opening->task, found, S_IFREG | (opening->mode & 07777), 0, &made);
    if (!error) {
        found->at = (struct place){ found->directory.mount, made };
        found->at.mount->refs++;
        opening->made = true;
    }
    return error;
}

static int64_t make_if_absent(struct opening *opening, struct path_result *found)
{
    if (!(opening->flags & O_CREAT)) {
        return 0;
    }
    bool named = found->last[0] && strcmp(found->last, ".") != 0 && strcmp(found->last, "..") != 0;
    if (named && found->slash) {
        return -EISDIR;
    }
    if (!named) {
        return opening->flags & O_EXCL ? -EEXIST : -EISDIR;
    }
    if (!found->at.dentry) {
        return make(opening, found);
    }
    mount_cross(&found->at);
    return opening->flags & O_EXCL ? -EEXIST : 0;
}

// A file of a directory's file system that has no name.
static int64_t make_unnamed(struct opening *opening, struct path_result *found)
{
    struct inode *directory = found->at.dentry->inode;
    int64_t error = inode_permits(opening->task, directory, 3);
    error = error ? error : place_writes(found->at);
    if (error || !tmpfs_is(directory)) {
        return error ? error : -EOPNOTSUPP;
    }
    uint32_t mode = opening->mode & 07777 & ~opening->task->placement->umask;
    struct inode *inode = tmpfs_file(directory, mode);
    struct name name = name_of("#");
    struct dentry *dentry = inode ? dentry_new(found->at.dentry, &name, inode) : NULL;
    if (!dentry) {
        return inode ? -ENOMEM : tmpfs_refusal(directory);
    }
    inode_adopt(opening->task, directory, inode);
    dentry->removed = true;
    dentry_put(found->at.dentry);
    found->at.dentry = dentry;
    opening->made = true;
    opening->flags &= ~O_DIRECTORY;
    return 0;
}

static int64_t check(const struct opening *opening, struct place place)
{
    const struct inode *inode = place.dentry->inode;
    if (opening->flags & O_DIRECTORY && !inode_is(inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    return opening->flags & O_PATH ? 0 : may_open(opening, place);
}

static int64_t open_found(struct opening *opening, struct path_result *found, struct file **file)
{
    int64_t error = opening->flags & O_TMPFILE_BIT ? make_unnamed(opening, found)
                                                   : make_if_absent(opening, found);
    error = error ? error : check(opening, found->at);
    if (error) {
        return error;
    }
    struct inode *inode = found->at.dentry->inode;
    if (!list_empty(&inode->leases) && !(opening->flags & O_PATH)) {
        error = lease_break(opening->task, inode, opening->flags);
        if (error) {
            return error;
        }
    }
    place_get(found->at);
    error = open_place(opening->task, found->at, opening->flags, file);
    if (!error && opening->flags & O_TRUNC && inode_is(inode, S_IFREG) && !opening->made &&
        inode->ops->truncate) {
        error = inode->ops->truncate(inode, 0);
        inode_strip(opening->task, inode);
        if (error) {
            file_put(*file);
        }
    }
    if (!error && !(opening->flags & O_PATH)) {
        notify(found->at.dentry, IN_OPEN);
    }
    return error;
}

// The path is in the process, or here.
static int64_t open_as(struct opening *opening, user_t path, const char *here, struct file **file)
{
    struct path_result found;
    unsigned how = look_of(opening);
    int64_t error = here ? path_find(opening->task, opening->at, here, how, &found)
                         : path_find_user(opening->task, opening->at, path, how, &found);
    if (error) {
        return error;
    }
    error = open_found(opening, &found, file);
    path_put(&found);
    return error;
}

int64_t open_path(struct task *task, int at, const char *path, uint32_t flags, struct file **file)
{
    struct opening opening = { .task = task, .at = at, .flags = flags };
    return open_as(&opening, 0, path, file);
}

// ---- calls -------------------------------------------------------------------------------------
static int64_t flags_make_sense(struct opening *opening)
{
    uint32_t flags = opening->flags;
    if (flags & O_PATH) {
        opening->flags = flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return 0;
    }
    bool unnamed = flags & O_TMPFILE_BIT;
    if (unnamed && ((flags & O_TMPFILE) != O_TMPFILE || !(flags & O_ACCMODE) || flags & O_CREAT)) {
        return -EINVAL;
    }
    return (flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) ? -EINVAL : 0;
}

static int64_t open_descriptor(struct opening *opening, user_t path)
{
    struct file *file = NULL;
    int64_t error = flags_make_sense(opening);
    if (error) {
        return error;
    }
    int64_t room = descriptor_free(opening->task, 0);
    if (room < 0) {
        return room;
    }
    error = open_as(opening, path, NULL, &file);
    if (error) {
        return error;
    }
    return file_install(opening->task, file, 0, opening->flags & O_CLOEXEC);
}

int64_t call_openat(struct task *task, int32_t at, user_t path, uint32_t flags, uint32_t mode)
{
    struct opening opening = { .task = task, .at = at, .mode = mode };
    opening.flags = (flags & O_KNOWN) | O_LARGEFILE;
    return open_descriptor(&opening, path);
}

int64_t call_open(struct task *task, user_t path, uint32_t flags, uint32_t mode)
{
    return call_openat(task, AT_FDCWD, path, flags, mode);
}

int64_t call_creat(struct task *task, user_t path, uint32_t mode)
{
    return call_openat(task, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

struct open_how {
    uint64_t flags, mode, resolve;
};

// A structure that may grow: what this server does not know of it has to be zero.
static int64_t take_how(struct task *task, struct open_how *how, user_t from, uint64_t bytes)
{
    char more[256];
    if (bytes < sizeof(*how)) {
        return -EINVAL;
    }
    if (bytes > PAGE_SIZE) {
        return -E2BIG;
    }
    if (user_read(task, how, from, sizeof(*how))) {
        return -EFAULT;
    }
    for (uint64_t at = sizeof(*how); at < bytes; at += sizeof(more)) {
        uint64_t some = bytes - at < sizeof(more) ? bytes - at : sizeof(more);
        if (user_read(task, more, from + at, some)) {
            return -EFAULT;
        }
        for (uint64_t i = 0; i < some; i++) {
            if (more[i]) {
                return -E2BIG;
            }
        }
    }
    return 0;
}

static int64_t how_makes_sense(const struct open_how *how)
{
    const uint64_t known = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                           RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
    const uint64_t both = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    bool makes = how->flags & (O_CREAT | O_TMPFILE_BIT);
    if (how->flags & ~(uint64_t)O_KNOWN || how->resolve & ~known || (how->resolve & both) == both ||
        how->mode & ~(makes ? 07777ull : 0)) {
        return -EINVAL;
    }
    const uint64_t with_path = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    return how->flags & O_PATH && how->flags & ~with_path ? -EINVAL : 0;
}

int64_t call_openat2(struct task *task, int32_t at, user_t path, user_t from, uint64_t bytes)
{
    struct open_how how;
    int64_t error = take_how(task, &how, from, bytes);
    error = error ? error : how_makes_sense(&how);
    if (error) {
        return error;
    }
    if (how.resolve & RESOLVE_CACHED) {
        how.resolve &= ~(uint64_t)RESOLVE_CACHED;
        if (how.flags & (O_CREAT | O_TRUNC | O_TMPFILE_BIT)) {
            return -EAGAIN;
        }
    }
    struct opening opening = { .task = task, .at = at };
    opening.flags = (uint32_t)how.flags;
    opening.mode = (uint32_t)how.mode;
    opening.resolve = (uint32_t)how.resolve;
    return open_descriptor(&opening, path);
}
