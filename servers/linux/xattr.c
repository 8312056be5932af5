// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Extended attributes: a list at each inode that has any.
#include "xattr.h"

#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "mount.h"
#include "notify.h"
#include "tmpfs.h"
#include "walk.h"

#include <rt/string.h>

#define NAME_MOST     255u
#define VALUE_MOST    65536u
#define LIST_MOST     65536u
#define XATTR_CREATE  1u
#define XATTR_REPLACE 2u

struct xattr {
    struct xattr *next;
    uint64_t bytes;
    char *value;
    char name[NAME_MOST + 1];
};

// What a call is about.
struct request {
    struct task *task;
    struct place place;
    char name[NAME_MOST + 1];
    user_t to;
    uint64_t bytes;
    uint32_t flags;
};

// What one takes of its file system.
static uint64_t room_of(const struct xattr *attribute)
{
    return attribute ? sizeof(*attribute) + attribute->bytes : 0;
}

void xattr_forget(struct inode *inode)
{
    for (struct xattr *at = inode->attributes, *next; at; at = next) {
        next = at->next;
        tmpfs_room_give(inode, room_of(at));
        heap_free(at->value);
        heap_free(at);
    }
    inode->attributes = NULL;
}

// Where the one of a name is linked, or the end.
static struct xattr **find(struct inode *inode, const char *name)
{
    struct xattr **at = (struct xattr **)(void *)&inode->attributes;
    while (*at && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static bool begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

static int64_t permits(const struct request *request, unsigned access)
{
    const struct inode *inode = request->place.dentry->inode;
    const char *name = request->name;
    bool writes = access == 2;
    if (!tmpfs_is(inode)) {
        return -EOPNOTSUPP;
    }
    int64_t error = writes ? place_writes(request->place) : 0;
    if (error) {
        return error;
    }
    if (begins(name, "trusted.") || begins(name, "security.")) {
        bool free = !writes && name[0] == 's';
        bool can = free || task_capable(request->task, CAP_SYS_ADMIN);
        return can ? 0 : writes ? -EPERM : -ENODATA;
    }
    if (!begins(name, "user.")) {
        return -EOPNOTSUPP;
    }
    if (!inode_is(inode, S_IFREG) && !inode_is(inode, S_IFDIR)) {
        return writes ? -EPERM : -ENODATA;
    }
    if (writes && inode->is.mode & S_ISVTX && inode_is(inode, S_IFDIR) &&
        !inode_owned(request->task, inode)) {
        return -EPERM;
    }
    return inode_permits(request->task, inode, access);
}

// ---- what is done ------------------------------------------------------------------------------
static int64_t replace(struct xattr **at, const char *name, char *value, uint64_t bytes)
{
    if (!*at) {
        struct xattr *made = heap_alloc(sizeof(*made));
        if (!made) {
            return -ENOMEM;
        }
        memcpy(made->name, name, strlen(name) + 1);
        *at = made;
    }
    heap_free((*at)->value);
    (*at)->value = value;
    (*at)->bytes = bytes;
    return 0;
}

static int64_t set(struct request *request)
{
    struct inode *inode = request->place.dentry->inode;
    int64_t error = permits(request, 2);
    if (error) {
        return error;
    }
    struct xattr **at = find(inode, request->name);
    if (*at ? request->flags & XATTR_CREATE : request->flags & XATTR_REPLACE) {
        return *at ? -EEXIST : -ENODATA;
    }
    char *value = heap_alloc(request->bytes + 1);
    if (!value) {
        return -ENOMEM;
    }
    uint64_t before = room_of(*at), after = sizeof(**at) + request->bytes;
    error = user_read(request->task, value, request->to, request->bytes) ? -EFAULT : 0;
    error = error ? error : tmpfs_room_take(inode, after);
    if (!error) {
        error = replace(at, request->name, value, request->bytes);
        tmpfs_room_give(inode, error ? after : before);
    }
    if (error) {
        heap_free(value);
        return error;
    }
    inode_changed(inode);
    notify(request->place.dentry, IN_ATTRIB);
    return 0;
}

static int64_t get(struct request *request)
{
    int64_t error = permits(request, 4);
    if (error) {
        return error;
    }
    const struct xattr *found = *find(request->place.dentry->inode, request->name);
    if (!found) {
        return -ENODATA;
    }
    if (request->bytes == 0) {
        return (int64_t)found->bytes;
    }
    if (request->bytes < found->bytes) {
        return -ERANGE;
    }
    bool given = !user_write(request->task, request->to, found->value, found->bytes);
    return given ? (int64_t)found->bytes : -EFAULT;
}

static int64_t list(struct request *request)
{
    uint64_t done = 0;
    request->bytes = request->bytes < LIST_MOST ? request->bytes : LIST_MOST;
    for (const struct xattr *at = request->place.dentry->inode->attributes; at; at = at->next) {
        uint64_t bytes = strlen(at->name) + 1;
        if (begins(at->name, "trusted.") && !task_capable(request->task, CAP_SYS_ADMIN)) {
            continue;
        }
        if (request->bytes && done + bytes > request->bytes) {
            return request->bytes < LIST_MOST ? -ERANGE : -E2BIG;
        }
        if (request->bytes && user_write(request->task, request->to + done, at->name, bytes)) {
            return -EFAULT;
        }
        done += bytes;
    }
    return (int64_t)done;
}

static int64_t drop(struct request *request)
{
    struct inode *inode = request->place.dentry->inode;
    int64_t error = permits(request, 2);
    if (error) {
        return error;
    }
    struct xattr **at = find(inode, request->name), *gone = *at;
    if (!gone) {
        return -ENODATA;
    }
    *at = gone->next;
    tmpfs_room_give(inode, room_of(gone));
    heap_free(gone->value);
    heap_free(gone);
    inode_changed(inode);
    return 0;
}

// ---- calls -------------------------------------------------------------------------------------
static int64_t name_take(struct request *request, user_t from)
{
    int64_t bytes = user_string(request->task, request->name, from, sizeof(request->name));
    if (bytes <= 0) {
        return bytes == 0 || bytes == -ENAMETOOLONG ? -ERANGE : bytes;
    }
    const char *dot = request->name;
    while (*dot && *dot != '.') {
        dot++;
    }
    return *dot && !dot[1] ? -EINVAL : 0;  // a kind of attributes, and no name
}

static int64_t at_path(struct request *request, user_t path, bool follow,
                       int64_t (*run)(struct request *request))
{
    struct path_result found;
    int64_t result = path_find_user(request->task, AT_FDCWD, path, follow ? PATH_FOLLOW : 0,
                                    &found);
    if (result) {
        return result;
    }
    request->place = found.at;
    result = run(request);
    path_put(&found);
    return result;
}

static int64_t at_file(struct request *request, int32_t fd, int64_t (*run)(struct request *request))
{
    const struct file *file = file_at(request->task, fd);
    if (!file) {
        return -EBADF;
    }
    request->place = file->place;
    return run(request);
}

static int64_t set_prepare(struct request *request, user_t name)
{
    if (request->flags & ~(XATTR_CREATE | XATTR_REPLACE)) {
        return -EINVAL;
    }
    int64_t error = name_take(request, name);
    return !error && request->bytes > VALUE_MOST ? -E2BIG : error;
}

int64_t call_setxattr(struct task *task, user_t path, user_t name, user_t value, uint64_t bytes,
                      uint32_t flags)
{
    struct request request = { .task = task, .to = value, .bytes = bytes, .flags = flags };
    int64_t error = set_prepare(&request, name);
    return error ? error : at_path(&request, path, true, set);
}

int64_t call_lsetxattr(struct task *task, user_t path, user_t name, user_t value, uint64_t bytes,
                       uint32_t flags)
{
    struct request request = { .task = task, .to = value, .bytes = bytes, .flags = flags };
    int64_t error = set_prepare(&request, name);
    return error ? error : at_path(&request, path, false, set);
}

int64_t call_fsetxattr(struct task *task, int32_t fd, user_t name, user_t value, uint64_t bytes,
                       uint32_t flags)
{
    struct request request = { .task = task, .to = value, .bytes = bytes, .flags = flags };
    int64_t error = set_prepare(&request, name);
    return error ? error : at_file(&request, fd, set);
}

int64_t call_getxattr(struct task *task, user_t path, user_t name, user_t value, uint64_t bytes)
{
    struct request request = { .task = task, .to = value, .bytes = bytes };
    int64_t error = name_take(&request, name);
    return error ? error : at_path(&request, path, true, get);
}

int64_t call_lgetxattr(struct task *task, user_t path, user_t name, user_t value, uint64_t bytes)
{
    struct request request = { .task = task, .to = value, .bytes = bytes };
    int64_t error = name_take(&request, name);
    return error ? error : at_path(&request, path, false, get);
}

int64_t call_fgetxattr(struct task *task, int32_t fd, user_t name, user_t value, uint64_t bytes)
{
    struct request request = { .task = task, .to = value, .bytes = bytes };
    int64_t error = name_take(&request, name);
    return error ? error : at_file(&request, fd, get);
}

int64_t call_listxattr(struct task *task, user_t path, user_t to, uint64_t bytes)
{
    struct request request = { .task = task, .to = to, .bytes = bytes };
    return at_path(&request, path, true, list);
}

int64_t call_llistxattr(struct task *task, user_t path, user_t to, uint64_t bytes)
{
    struct request request = { .task = task, .to = to, .bytes = bytes };
    return at_path(&request, path, false, list);
}

int64_t call_flistxattr(struct task *task, int32_t fd, user_t to, uint64_t bytes)
{
    struct request request = { .task = task, .to = to, .bytes = bytes };
    return at_file(&request, fd, list);
}

int64_t call_removexattr(struct task *task, user_t path, user_t name)
{
    struct request request = { .task = task };
    int64_t error = name_take(&request, name);
    return error ? error : at_path(&request, path, true, drop);
}

int64_t call_lremovexattr(struct task *task, user_t path, user_t name)
{
    struct request request = { .task = task };
    int64_t error = name_take(&request, name);
    return error ? error : at_path(&request, path, false, drop);
}

int64_t call_fremovexattr(struct task *task, int32_t fd, user_t name)
{
    struct request request = { .task = task };
    int64_t error = name_take(&request, name);
    return error ? error : at_file(&request, fd, drop);
}
