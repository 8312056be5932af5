// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Changing what a file is: mode, owner, times, size.
#include "attribute.h"

#include "call.h"
#include "capability.h"
#include "clock.h"
#include "content.h"
#include "lease.h"
#include "mount.h"
#include "notify.h"
#include "proc.h"
#include "walk.h"

#define UTIME_NOW  0x3fffffffll
#define UTIME_OMIT 0x3ffffffell
#define KEEP       UINT32_MAX

// What is to be done to a place that a path or a descriptor names.
struct change {
    int64_t (*run)(struct task *task, struct place place, const struct change *change);
    uint32_t mode, uid, gid;
    int64_t size;
    const struct timespec *times;
};

static int64_t change_place(struct task *task, struct place place, const struct change *change)
{
    int64_t error = place.mount->magic == PROC_MAGIC ? -EPERM : place_writes(place);
    error = error ? error : change->run(task, place, change);
    if (!error) {
        notify(place.dentry, IN_ATTRIB);
    }
    return error;
}

static int64_t change_path(struct task *task, int32_t at, user_t path, uint32_t flags,
                           const struct change *change)
{
    struct path_result found;
    int64_t error = path_find_flags(task, at, path, flags, &found);
    if (error) {
        return error;
    }
    error = change_place(task, found.at, change);
    path_put(&found);
    return error;
}

static int64_t change_file(struct task *task, int32_t fd, const struct change *change)
{
    const struct file *file = file_at(task, fd);
    return file ? change_place(task, file->place, change) : -EBADF;
}

// ---- mode --------------------------------------------------------------------------------------
static int64_t mode_set(struct task *task, struct place place, const struct change *change)
{
    struct inode *inode = place.dentry->inode;
    uint32_t mode = change->mode & 07777;
    if (!inode_owned(task, inode)) {
        return -EPERM;
    }
    if (inode_is(inode, S_IFLNK)) {
        return -EOPNOTSUPP;
    }
    if (!inode_in_group(task, inode->is.gid) && !task_capable(task, CAP_FSETID)) {
        mode &= ~S_ISGID;
    }
    inode->is.mode = (inode->is.mode & S_IFMT) | mode;
    inode_changed(inode);
    return 0;
}

int64_t call_fchmodat2(struct task *task, int32_t at, user_t path, uint32_t mode, uint32_t flags)
{
    const struct change change = { .run = mode_set, .mode = mode };
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    return change_path(task, at, path, flags, &change);
}

int64_t call_fchmodat(struct task *task, int32_t at, user_t path, uint32_t mode)
{
    return call_fchmodat2(task, at, path, mode, 0);
}

int64_t call_chmod(struct task *task, user_t path, uint32_t mode)
{
    return call_fchmodat2(task, AT_FDCWD, path, mode, 0);
}

int64_t call_fchmod(struct task *task, int32_t fd, uint32_t mode)
{
    const struct change change = { .run = mode_set, .mode = mode };
    return change_file(task, fd, &change);
}

// ---- owner -------------------------------------------------------------------------------------
static bool may_give(const struct task *task, const struct inode *inode, uint32_t uid, uint32_t gid)
{
    if (task_capable(task, CAP_CHOWN)) {
        return true;
    }
    bool owner = inode->is.uid == task->credentials.fsuid;
    return (uid == KEEP || (owner && uid == inode->is.uid)) &&
           (gid == KEEP || (owner && (gid == inode->is.gid || inode_in_group(task, gid))));
}

static int64_t owner_set(struct task *task, struct place place, const struct change *change)
{
    struct inode *inode = place.dentry->inode;
    if (!may_give(task, inode, change->uid, change->gid)) {
        return -EPERM;
    }
    inode->is.uid = change->uid == KEEP ? inode->is.uid : change->uid;
    inode->is.gid = change->gid == KEEP ? inode->is.gid : change->gid;
    if (!inode_is(inode, S_IFDIR)) {
        inode->is.mode &= ~(S_ISUID | (inode->is.mode & 0010 ? S_ISGID : 0));
    }
    inode_changed(inode);
    return 0;
}

int64_t call_fchownat(struct task *task, int32_t at, user_t path, uint32_t uid, uint32_t gid,
                      uint32_t flags)
{
    const struct change change = { .run = owner_set, .uid = uid, .gid = gid };
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    return change_path(task, at, path, flags, &change);
}

int64_t call_chown(struct task *task, user_t path, uint32_t uid, uint32_t gid)
{
    return call_fchownat(task, AT_FDCWD, path, uid, gid, 0);
}

int64_t call_lchown(struct task *task, user_t path, uint32_t uid, uint32_t gid)
{
    return call_fchownat(task, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int64_t call_fchown(struct task *task, int32_t fd, uint32_t uid, uint32_t gid)
{
    const struct change change = { .run = owner_set, .uid = uid, .gid = gid };
    return change_file(task, fd, &change);
}

// ---- times -------------------------------------------------------------------------------------
static bool time_is_valid(const struct timespec *time)
{
    return (time->nanoseconds >= 0 && time->nanoseconds < 1000000000) ||
           time->nanoseconds == UTIME_NOW || time->nanoseconds == UTIME_OMIT;
}

static void time_set(struct timespec *to, const struct timespec *time, struct timespec now)
{
    if (time->nanoseconds == UTIME_NOW) {
        *to = now;
    } else if (time->nanoseconds != UTIME_OMIT) {
        *to = *time;
    }
}

static int64_t may_set_times(struct task *task, const struct inode *inode,
                             const struct timespec *times)
{
    if (inode_owned(task, inode)) {
        return 0;
    }
    bool now = times[0].nanoseconds == UTIME_NOW && times[1].nanoseconds == UTIME_NOW;
    return now ? inode_permits(task, inode, 2) : -EPERM;
}

static int64_t times_set(struct task *task, struct place place, const struct change *change)
{
    struct inode *inode = place.dentry->inode;
    const struct timespec now = inode_now();
    const struct timespec *times = change->times;
    int64_t error = may_set_times(task, inode, times);
    if (error) {
        return error;
    }
    time_set(&inode->is.accessed, &times[0], now);
    time_set(&inode->is.modified, &times[1], now);
    inode->is.changed = now;
    return 0;
}

static const struct timespec both_now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

static int64_t change_times(struct task *task, int32_t at, user_t path, uint32_t flags,
                            const struct timespec *times)
{
    const struct change change = { .run = times_set, .times = times };
    if (!time_is_valid(&times[0]) || !time_is_valid(&times[1])) {
        return -EINVAL;
    }
    if (times[0].nanoseconds == UTIME_OMIT && times[1].nanoseconds == UTIME_OMIT) {
        return 0;  // whatever the path is
    }
    if (!path && at != AT_FDCWD && !(flags & AT_EMPTY_PATH)) {
        return flags ? -EINVAL : change_file(task, at, &change);
    }
    return change_path(task, at, path, flags, &change);
}

int64_t call_utimensat(struct task *task, int32_t at, user_t path, user_t from, uint32_t flags)
{
    struct timespec times[2];
    if (from && user_read(task, times, from, sizeof(times))) {
        return -EFAULT;
    }
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    return change_times(task, at, path, flags, from ? times : both_now);
}

// In microseconds.
int64_t call_futimesat(struct task *task, int32_t at, user_t path, user_t from)
{
    struct timespec times[2];
    if (!from) {
        return change_times(task, at, path, 0, both_now);
    }
    if (user_read(task, times, from, sizeof(times))) {
        return -EFAULT;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (times[i].nanoseconds < 0 || times[i].nanoseconds >= 1000000) {
            return -EINVAL;
        }
        times[i].nanoseconds *= 1000;
    }
    return change_times(task, at, path, 0, times);
}

int64_t call_utimes(struct task *task, user_t path, user_t from)
{
    return call_futimesat(task, AT_FDCWD, path, from);
}

int64_t call_utime(struct task *task, user_t path, user_t from)
{
    int64_t seconds[2];
    if (!from) {
        return change_times(task, AT_FDCWD, path, 0, both_now);
    }
    if (user_read(task, seconds, from, sizeof(seconds))) {
        return -EFAULT;
    }
    const struct timespec times[2] = { { seconds[0], 0 }, { seconds[1], 0 } };
    return change_times(task, AT_FDCWD, path, 0, times);
}

// ---- size --------------------------------------------------------------------------------------
static int64_t size_set(struct task *task, struct place place, int64_t size)
{
    struct inode *inode = place.dentry->inode;
    if (!inode->ops->truncate) {
        return -EINVAL;
    }
    int64_t error = content_size(task, (uint64_t)size);
    error = error ? error : inode->ops->truncate(inode, (uint64_t)size);
    if (!error) {
        inode_strip(task, inode);
        notify(place.dentry, IN_MODIFY);
    }
    return error;
}

static int64_t may_truncate(struct task *task, struct place place)
{
    const struct inode *inode = place.dentry->inode;
    if (inode_is(inode, S_IFDIR)) {
        return -EISDIR;
    }
    if (!inode_is(inode, S_IFREG)) {
        return -EINVAL;
    }
    int64_t error = place_writes(place);
    error = error ? error : inode_permits(task, inode, 2);
    error = !error && inode->writers < 0 ? -ETXTBSY : error;
    return error ? error : lease_break(task, inode, O_WRONLY);
}

int64_t call_truncate(struct task *task, user_t path, int64_t size)
{
    struct path_result found;
    if (size < 0) {
        return -EINVAL;
    }
    int64_t error = path_find_user(task, AT_FDCWD, path, PATH_FOLLOW, &found);
    if (error) {
        return error;
    }
    error = may_truncate(task, found.at);
    error = error ? error : size_set(task, found.at, size);
    path_put(&found);
    return error;
}

int64_t call_ftruncate(struct task *task, int32_t fd, int64_t size)
{
    const struct file *file = file_at(task, fd);
    if (size < 0) {
        return -EINVAL;
    }
    if (!file) {
        return -EBADF;
    }
    if (!inode_is(file->inode, S_IFREG) || !file_writes(file)) {
        return -EINVAL;
    }
    return size_set(task, file->place, size);
}
