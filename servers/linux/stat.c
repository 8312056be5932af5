// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a file is: stat and its kin, statfs, access, readlink.
#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "device.h"
#include "mount.h"
#include "tmpfs.h"
#include "walk.h"

struct stat {
    uint64_t device, number, links;
    uint32_t mode, uid, gid, padding;
    uint64_t special;
    int64_t size, block_bytes, blocks;
    struct timespec accessed, modified, changed;
    int64_t unused[3];
};
_Static_assert(sizeof(struct stat) == 144, "struct stat");

struct statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t padding;
};

struct statx {
    uint32_t mask, block_bytes;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, padding;
    uint64_t number, size, blocks, attributes_mask;
    struct statx_time accessed, born, changed, modified;
    uint32_t special_major, special_minor, major, minor;
    uint64_t mount;
    uint32_t direct_memory, direct_offset;
    uint64_t more[12];
};
_Static_assert(sizeof(struct statx) == 256, "struct statx");

#define STATX_BASIC_STATS     0x7ffu
#define STATX_BTIME           0x800u
#define STATX_MNT_ID          0x1000u
#define STATX_RESERVED        0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u
#define AT_STATX_SYNC_TYPE    0x6000u

static void refresh(struct inode *inode)
{
    if (inode->ops->refresh) {
        inode->ops->refresh(inode);
    }
}

// ---- stat --------------------------------------------------------------------------------------
static int64_t stat_give(struct task *task, struct inode *inode, user_t to)
{
    refresh(inode);
    const struct attributes *is = &inode->is;
    const struct stat stat = { .device = inode->device,
                               .number = inode->number,
                               .links = is->links,
                               .mode = is->mode,
                               .uid = is->uid,
                               .gid = is->gid,
                               .special = is->device,
                               .size = (int64_t)is->size,
                               .block_bytes = PAGE_SIZE,
                               .blocks = (int64_t)is->blocks,
                               .accessed = is->accessed,
                               .modified = is->modified,
                               .changed = is->changed };
    return user_write(task, to, &stat, sizeof(stat));
}

int64_t call_fstat(struct task *task, int32_t fd, user_t result)
{
    const struct file *file = file_at_any(task, fd);
    return file ? stat_give(task, file->inode, result) : -EBADF;
}

int64_t call_newfstatat(struct task *task, int32_t at, user_t path, user_t result, uint32_t flags)
{
    struct path_result found;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    int64_t error = path_find_flags(task, at, path, flags, &found);
    if (error) {
        return error;
    }
    error = stat_give(task, found.at.dentry->inode, result);
    path_put(&found);
    return error;
}

int64_t call_stat(struct task *task, user_t path, user_t result)
{
    return call_newfstatat(task, AT_FDCWD, path, result, 0);
}

int64_t call_lstat(struct task *task, user_t path, user_t result)
{
    return call_newfstatat(task, AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW);
}

static struct statx_time time_of(struct timespec time)
{
    return (struct statx_time){ time.seconds, (uint32_t)time.nanoseconds, 0 };
}

static int64_t statx_give(struct task *task, struct place place, user_t to)
{
    struct inode *inode = place.dentry->inode;
    refresh(inode);
    const struct attributes *is = &inode->is;
    bool root = place.dentry == place.mount->root;
    const struct statx statx = { .mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
                                 .block_bytes = PAGE_SIZE,
                                 .attributes = root ? STATX_ATTR_MOUNT_ROOT : 0,
                                 .links = is->links,
                                 .uid = is->uid,
                                 .gid = is->gid,
                                 .mode = (uint16_t)is->mode,
                                 .number = inode->number,
                                 .size = is->size,
                                 .blocks = is->blocks,
                                 .attributes_mask = STATX_ATTR_MOUNT_ROOT,
                                 .accessed = time_of(is->accessed),
                                 .born = time_of(is->born),
                                 .changed = time_of(is->changed),
                                 .modified = time_of(is->modified),
                                 .special_major = DEVICE_MAJOR(is->device),
                                 .special_minor = DEVICE_MINOR(is->device),
                                 .major = DEVICE_MAJOR(inode->device),
                                 .minor = DEVICE_MINOR(inode->device),
                                 .mount = place.mount->device };
    return user_write(task, to, &statx, sizeof(statx));
}

int64_t call_statx(struct task *task, int32_t at, user_t path, uint32_t flags, uint32_t mask,
                   user_t result)
{
    const uint32_t known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                           AT_STATX_SYNC_TYPE;
    struct path_result found;
    if (mask & STATX_RESERVED || flags & ~known ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) {
        return -EINVAL;
    }
    int64_t error = path_find_flags(task, at, path, flags, &found);
    if (error) {
        return error;
    }
    error = statx_give(task, found.at, result);
    path_put(&found);
    return error;
}

// ---- file systems ------------------------------------------------------------------------------
static int64_t statfs_give(struct task *task, struct place place, user_t to)
{
    struct inode *root = place.mount->root->inode;
    struct statfs statfs = { .type = place.mount->magic,
                             .block_bytes = PAGE_SIZE,
                             .fragment_bytes = PAGE_SIZE,
                             .name_bytes = NAME_MAX_BYTES };
    if (tmpfs_is(root)) {
        tmpfs_statfs(root, &statfs);
    }
    statfs.id = root->device;
    statfs.flags = 0x20 | (place.mount->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)) |
                   (place.mount->flags & MS_NOATIME ? 0x400 : 0x1000);
    return user_write(task, to, &statfs, sizeof(statfs));
}

int64_t call_statfs(struct task *task, user_t path, user_t result)
{
    struct path_result found;
    int64_t error = path_find_user(task, AT_FDCWD, path, PATH_FOLLOW, &found);
    if (error) {
        return error;
    }
    error = statfs_give(task, found.at, result);
    path_put(&found);
    return error;
}

int64_t call_fstatfs(struct task *task, int32_t fd, user_t result)
{
    const struct file *file = file_at_any(task, fd);
    return file ? statfs_give(task, file->place, result) : -EBADF;
}

// ---- access ------------------------------------------------------------------------------------
static int64_t access_check(struct task *task, struct place place, uint32_t mode)
{
    const struct inode *inode = place.dentry->inode;
    uint32_t kind = inode->is.mode & S_IFMT;
    if (mode & 1 && kind == S_IFREG && place.mount->flags & MS_NOEXEC) {
        return -EACCES;
    }
    int64_t error = inode_permits(task, inode, mode & 7);
    bool stored = kind == S_IFREG || kind == S_IFDIR || kind == S_IFLNK;
    return !error && mode & 2 && stored ? place_writes(place) : error;
}

// As the real user: what the file-system identity was is put back afterwards.
static int64_t access_at(struct task *task, int32_t at, user_t path, uint32_t mode, uint32_t flags)
{
    struct credentials *who = &task->credentials;
    const uint32_t uid = who->fsuid, gid = who->fsgid;
    const uint64_t effective = who->effective;
    struct path_result found;
    if (mode & ~7u || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if (!(flags & AT_EACCESS)) {
        who->fsuid = who->uid;
        who->fsgid = who->gid;
        who->effective = who->uid ? 0 : who->permitted;
    }
    int64_t error = path_find_flags(task, at, path, flags, &found);
    if (!error) {
        error = access_check(task, found.at, mode);
        path_put(&found);
    }
    who->fsuid = uid;
    who->fsgid = gid;
    who->effective = effective;
    return error;
}

int64_t call_faccessat2(struct task *task, int32_t at, user_t path, uint32_t mode, uint32_t flags)
{
    return access_at(task, at, path, mode, flags);
}

int64_t call_faccessat(struct task *task, int32_t at, user_t path, uint32_t mode)
{
    return access_at(task, at, path, mode, 0);
}

int64_t call_access(struct task *task, user_t path, uint32_t mode)
{
    return access_at(task, AT_FDCWD, path, mode, 0);
}

// ---- links -------------------------------------------------------------------------------------
static int64_t link_give(struct task *task, struct inode *inode, user_t to, uint64_t bytes)
{
    static char text[PATH_MAX_BYTES];
    if (!inode_is(inode, S_IFLNK) || !inode->ops->readlink) {
        return -EINVAL;
    }
    int64_t length = inode->ops->readlink(task, inode, text,
                                          bytes < sizeof(text) ? bytes : sizeof(text));
    if (length < 0) {
        return length;
    }
    inode_accessed(inode);
    return user_write(task, to, text, (uint64_t)length) ? -EFAULT : length;
}

int64_t call_readlinkat(struct task *task, int32_t at, user_t path, user_t buffer, int32_t bytes)
{
    struct path_result found;
    if (bytes <= 0) {
        return -EINVAL;
    }
    int64_t result = path_find_user(task, at, path, PATH_EMPTY, &found);
    if (result) {
        return result;
    }
    bool none = !inode_is(found.at.dentry->inode, S_IFLNK);
    char first = 0;
    if (none && !user_read(task, &first, path, 1) && !first) {
        result = -ENOENT;
    } else {
        result = link_give(task, found.at.dentry->inode, buffer, (uint64_t)bytes);
    }
    path_put(&found);
    return result;
}

int64_t call_readlink(struct task *task, user_t path, user_t buffer, int32_t bytes)
{
    return call_readlinkat(task, AT_FDCWD, path, buffer, bytes);
}
