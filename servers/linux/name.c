// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Making, removing and changing names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
#include "name.h"

#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "dentry.h"
#include "mount.h"
#include "notify.h"
#include "walk.h"

#include <rt/string.h>

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u
#define RENAME_WHITEOUT  4u

static bool named(const struct path_result *result)
{
    const char *last = result->last;
    return last[0] && strcmp(last, ".") != 0 && strcmp(last, "..") != 0;
}

// ---- making ------------------------------------------------------------------------------------
static int64_t may_change(const struct task *task, struct place directory)
{
    if (directory.dentry->removed) {
        return -ENOENT;
    }
    int64_t error = place_writes(directory);
    return error ? error : inode_permits(task, directory.dentry->inode, 3);
}

int64_t name_may_make(const struct task *task, const struct path_result *result, bool directory)
{
    if (!named(result) || result->at.dentry) {
        return -EEXIST;
    }
    if (result->slash && !directory) {
        return -ENOENT;
    }
    return may_change(task, result->directory);
}

// Where nothing can be made, as in /proc, a name that is not there is none that could be.
static int64_t refused(const struct inode_ops *ops)
{
    return ops->lookup ? -ENOENT : -EPERM;
}

int64_t name_make(struct task *task, struct path_result *result, uint32_t mode, uint32_t device,
                  struct dentry **made)
{
    struct dentry *directory = result->directory.dentry;
    const struct inode_ops *ops = directory->inode->ops;
    int64_t error = name_may_make(task, result, (mode & S_IFMT) == S_IFDIR);
    if (error) {
        return error;
    }
    if (!ops->create) {
        return (mode & S_IFMT) == S_IFREG && !ops->lookup ? -EACCES : refused(ops);
    }
    mode &= ~task->placement->umask;
    error = ops->create(task, directory, result->last, mode, device, made);
    if (!error) {
        notify_name(*made, IN_CREATE, 0);
    }
    return error;
}

static int64_t make_at(struct task *task, int32_t at, user_t path, uint32_t mode, uint32_t device)
{
    struct path_result result;
    struct dentry *made = NULL;
    int64_t error = path_find_user(task, at, path, PATH_CREATE, &result);
    if (error) {
        return error;
    }
    error = name_make(task, &result, mode, device, &made);
    if (!error) {
        dentry_put(made);
    }
    path_put(&result);
    return error;
}

int64_t call_mkdirat(struct task *task, int32_t at, user_t path, uint32_t mode)
{
    return make_at(task, at, path, S_IFDIR | (mode & (0777 | S_ISVTX)), 0);
}

int64_t call_mkdir(struct task *task, user_t path, uint32_t mode)
{
    return call_mkdirat(task, AT_FDCWD, path, mode);
}

int64_t call_mknodat(struct task *task, int32_t at, user_t path, uint32_t mode, uint32_t device)
{
    uint32_t kind = mode & S_IFMT;
    mode &= 07777;
    switch (kind) {
    case 0:
    case S_IFREG: return make_at(task, at, path, S_IFREG | mode, 0);
    case S_IFIFO:
    case S_IFSOCK: return make_at(task, at, path, kind | mode, 0);
    case S_IFCHR:
    case S_IFBLK:
        return task_capable(task, CAP_MKNOD) ? make_at(task, at, path, kind | mode, device)
                                             : -EPERM;
    case S_IFDIR: return -EPERM;
    default: return -EINVAL;
    }
}

int64_t call_mknod(struct task *task, user_t path, uint32_t mode, uint32_t device)
{
    return call_mknodat(task, AT_FDCWD, path, mode, device);
}

static int64_t symlink_make(struct task *task, const char *target, struct path_result *result)
{
    struct dentry *directory = result->directory.dentry, *made = NULL;
    int64_t error = name_may_make(task, result, false);
    if (error) {
        return error;
    }
    if (!directory->inode->ops->symlink) {
        return refused(directory->inode->ops);
    }
    error = directory->inode->ops->symlink(task, directory, result->last, target, &made);
    if (!error) {
        notify_name(made, IN_CREATE, 0);
        dentry_put(made);
    }
    return error;
}

int64_t call_symlinkat(struct task *task, user_t target, int32_t at, user_t path)
{
    static char text[PATH_MAX_BYTES];
    struct path_result result;
    int64_t error = user_string(task, text, target, sizeof(text));
    if (error <= 0) {
        return error ? error : -ENOENT;
    }
    error = path_find_user(task, at, path, PATH_CREATE, &result);
    if (error) {
        return error;
    }
    error = symlink_make(task, text, &result);
    path_put(&result);
    return error;
}

int64_t call_symlink(struct task *task, user_t target, user_t path)
{
    return call_symlinkat(task, target, AT_FDCWD, path);
}

static int64_t link_make(struct task *task, struct place from, struct path_result *result)
{
    struct dentry *directory = result->directory.dentry;
    struct inode *inode = from.dentry->inode;
    int64_t error = name_may_make(task, result, false);
    if (error) {
        return error;
    }
    if (from.mount != result->directory.mount) {
        return -EXDEV;
    }
    if (!directory->inode->ops->link || inode_is(inode, S_IFDIR)) {
        return -EPERM;
    }
    if (inode->is.links == 0 && (from.dentry->bytes != 1 || from.dentry->name[0] != '#')) {
        return -ENOENT;
    }
    error = directory->inode->ops->link(directory, result->last, inode);
    if (!error) {
        struct name name = name_of(result->last);
        if (!list_empty(&inode->watches)) {
            inotify_event(inode, NULL, IN_ATTRIB, 0);
        }
        notify_name(dentry_find(directory, &name), IN_CREATE, 0);
    }
    return error;
}

int64_t call_linkat(struct task *task, int32_t from_at, user_t from, int32_t to_at, user_t to,
                    uint32_t flags)
{
    struct path_result source, result;
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    uint32_t look = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    int64_t error = path_find_flags(task, from_at, from, look | (flags & AT_EMPTY_PATH), &source);
    if (error) {
        return error;
    }
    error = path_find_user(task, to_at, to, PATH_CREATE, &result);
    if (!error) {
        error = link_make(task, source.at, &result);
        path_put(&result);
    }
    path_put(&source);
    return error;
}

int64_t call_link(struct task *task, user_t from, user_t to)
{
    return call_linkat(task, AT_FDCWD, from, AT_FDCWD, to, 0);
}

// ---- removing ----------------------------------------------------------------------------------
// In a sticky directory only owners may.
static int64_t may_remove(const struct task *task, struct place directory,
                          const struct dentry *dentry)
{
    const struct inode *inside = directory.dentry->inode;
    int64_t error = may_change(task, directory);
    if (error) {
        return error;
    }
    bool own = dentry->inode->is.uid == task->credentials.fsuid ||
               inside->is.uid == task->credentials.fsuid;
    if (inside->is.mode & S_ISVTX && !own && !task_capable(task, CAP_FOWNER)) {
        return -EPERM;
    }
    return 0;
}

static bool empty(const struct dentry *dentry)
{
    return list_empty(&dentry->children);
}

static int64_t remove_it(struct dentry *dentry)
{
    const struct inode_ops *ops = dentry->parent->inode->ops;
    if (!ops->remove) {
        return -EPERM;
    }
    struct inode *inode = dentry->inode;
    notify_name(dentry, IN_DELETE, 0);
    inode_get(inode);
    int64_t error = ops->remove(dentry);
    // Its end is told when nobody has it open any more (inotify_forget).
    if (!error && !inode_is(inode, S_IFDIR) && !list_empty(&inode->watches)) {
        inotify_event(inode, NULL, IN_ATTRIB, 0);
    }
    inode_put(inode);
    return error;
}

static int64_t unlink_found(struct task *task, struct path_result *result)
{
    struct dentry *dentry = result->at.dentry;
    if (!named(result)) {
        return -EISDIR;
    }
    if (!dentry) {
        return -ENOENT;
    }
    bool directory = inode_is(dentry->inode, S_IFDIR);
    if (result->slash) {
        return directory ? -EISDIR : -ENOTDIR;
    }
    int64_t error = may_remove(task, result->directory, dentry);
    if (error || directory) {
        return error ? error : -EISDIR;
    }
    return dentry->mounts ? -EBUSY : remove_it(dentry);
}

static int64_t rmdir_found(struct task *task, struct path_result *result)
{
    struct dentry *dentry = result->at.dentry;
    if (!named(result)) {
        return !result->last[0] ? -EBUSY : strcmp(result->last, ".") ? -ENOTEMPTY : -EINVAL;
    }
    if (!dentry) {
        return -ENOENT;
    }
    int64_t error = may_remove(task, result->directory, dentry);
    if (error || !inode_is(dentry->inode, S_IFDIR)) {
        return error ? error : -ENOTDIR;
    }
    if (dentry->mounts) {
        return -EBUSY;
    }
    return empty(dentry) ? remove_it(dentry) : -ENOTEMPTY;
}

static int64_t remove_at(struct task *task, int32_t at, user_t path, bool directory)
{
    struct path_result result;
    int64_t error = path_find_user(task, at, path, PATH_CREATE, &result);
    if (error) {
        return error;
    }
    error = directory ? rmdir_found(task, &result) : unlink_found(task, &result);
    path_put(&result);
    return error;
}

int64_t call_unlinkat(struct task *task, int32_t at, user_t path, uint32_t flags)
{
    return flags & ~AT_REMOVEDIR ? -EINVAL : remove_at(task, at, path, flags & AT_REMOVEDIR);
}

int64_t call_unlink(struct task *task, user_t path)
{
    return remove_at(task, AT_FDCWD, path, false);
}

int64_t call_rmdir(struct task *task, user_t path)
{
    return remove_at(task, AT_FDCWD, path, true);
}

// ---- renaming ----------------------------------------------------------------------------------
struct renaming {
    struct task *task;
    struct path_result from, to;
    uint32_t flags;
};

static int64_t names_agree(const struct renaming *renaming)
{
    const struct path_result *from = &renaming->from, *to = &renaming->to;
    if (from->directory.mount != to->directory.mount) {
        return -EXDEV;
    }
    if (!named(from) || !named(to)) {
        return renaming->flags & RENAME_NOREPLACE && named(from) ? -EEXIST : -EBUSY;
    }
    if (!from->at.dentry || (renaming->flags & RENAME_EXCHANGE && !to->at.dentry)) {
        return -ENOENT;
    }
    if (renaming->flags & RENAME_NOREPLACE && to->at.dentry) {
        return -EEXIST;
    }
    // A slash behind a name says that it is a directory's; that of a new name is what it is made
    // from.
    bool exchanged = renaming->flags & RENAME_EXCHANGE;
    const struct inode *made = exchanged ? to->at.dentry->inode : from->at.dentry->inode;
    bool wrong = (from->slash && !inode_is(from->at.dentry->inode, S_IFDIR)) ||
                 (to->slash && !inode_is(made, S_IFDIR));
    return wrong ? -ENOTDIR : 0;
}

// No directory goes below itself.
static int64_t tree_stays(const struct renaming *renaming)
{
    const struct path_result *from = &renaming->from, *to = &renaming->to;
    if (dentry_below(to->directory.dentry, from->at.dentry)) {
        return -EINVAL;
    }
    if (to->at.dentry && dentry_below(from->directory.dentry, to->at.dentry)) {
        return renaming->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    }
    return 0;
}

static int64_t may_replace(const struct renaming *renaming)
{
    const struct path_result *to = &renaming->to;
    const struct dentry *from = renaming->from.at.dentry, *old = to->at.dentry;
    if (!old) {
        return may_change(renaming->task, to->directory);
    }
    int64_t error = may_remove(renaming->task, to->directory, old);
    if (error || renaming->flags & RENAME_EXCHANGE) {
        return error;
    }
    bool one = inode_is(from->inode, S_IFDIR), other = inode_is(old->inode, S_IFDIR);
    if (one != other) {
        return one ? -ENOTDIR : -EISDIR;
    }
    return 0;
}

// A directory that changes its parent is itself changed (its "..").
static int64_t may_leave(const struct renaming *renaming)
{
    const struct dentry *from = renaming->from.at.dentry, *to = renaming->to.at.dentry;
    bool moves = renaming->from.directory.dentry != renaming->to.directory.dentry;
    int64_t error = 0;
    if (moves && inode_is(from->inode, S_IFDIR)) {
        error = inode_permits(renaming->task, from->inode, 2);
    }
    if (!error && moves && renaming->flags & RENAME_EXCHANGE && inode_is(to->inode, S_IFDIR)) {
        error = inode_permits(renaming->task, to->inode, 2);
    }
    return error;
}

static int64_t check(const struct renaming *renaming)
{
    const struct dentry *from = renaming->from.at.dentry, *to = renaming->to.at.dentry;
    int64_t error = names_agree(renaming);
    error = error ? error : tree_stays(renaming);
    if (error || (to && to->inode == from->inode)) {
        return error;
    }
    error = may_remove(renaming->task, renaming->from.directory, from);
    error = error ? error : may_replace(renaming);
    error = error ? error : may_leave(renaming);
    if (error) {
        return error;
    }
    if (from->mounts || (to && to->mounts)) {
        return -EBUSY;
    }
    bool full = to && !(renaming->flags & RENAME_EXCHANGE) && !empty(to);
    return full ? -ENOTEMPTY : 0;
}

static void tell(struct renaming *renaming, struct inode *from, const char *old)
{
    static uint32_t cookies;
    struct dentry *dentry = renaming->from.at.dentry;
    uint32_t kind = notify_kind(dentry->inode);
    cookies++;
    if (!list_empty(&from->watches)) {
        inotify_event(from, old, IN_MOVED_FROM | kind, cookies);
    }
    notify_name(dentry, IN_MOVED_TO, cookies);
    if (!list_empty(&dentry->inode->watches)) {
        inotify_event(dentry->inode, NULL, IN_MOVE_SELF | kind, 0);
    }
}

static int64_t rename_checked(struct renaming *renaming)
{
    struct dentry *from = renaming->from.at.dentry, *to = renaming->to.at.dentry;
    const struct inode_ops *ops = renaming->to.directory.dentry->inode->ops;
    if (to && from->inode == to->inode) {
        return 0;
    }
    if (renaming->flags & RENAME_EXCHANGE) {
        return ops->exchange ? ops->exchange(from, to) : -EINVAL;
    }
    if (!ops->rename) {
        return -EPERM;
    }
    struct inode *gone = to ? to->inode : NULL;
    int64_t error = ops->rename(from, renaming->to.directory.dentry, renaming->to.last);
    if (!error && gone && !inode_is(gone, S_IFDIR) && !list_empty(&gone->watches)) {
        inotify_event(gone, NULL, IN_ATTRIB, 0);
    }
    if (!error) {
        tell(renaming, renaming->from.directory.dentry->inode, renaming->from.last);
    }
    return error;
}

int64_t call_renameat2(struct task *task, int32_t from_at, user_t from, int32_t to_at, user_t to,
                       uint32_t flags)
{
    struct renaming renaming = { .task = task, .flags = flags };
    bool clash = flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT);
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) || clash) {
        return -EINVAL;
    }
    int64_t error = path_find_user(task, from_at, from, PATH_CREATE, &renaming.from);
    if (error) {
        return error;
    }
    error = path_find_user(task, to_at, to, PATH_CREATE, &renaming.to);
    if (!error) {
        error = check(&renaming);
        error = error ? error : rename_checked(&renaming);
        path_put(&renaming.to);
    }
    path_put(&renaming.from);
    return error;
}

int64_t call_renameat(struct task *task, int32_t from_at, user_t from, int32_t to_at, user_t to)
{
    return call_renameat2(task, from_at, from, to_at, to, 0);
}

int64_t call_rename(struct task *task, user_t from, user_t to)
{
    return call_renameat2(task, AT_FDCWD, from, AT_FDCWD, to, 0);
}
