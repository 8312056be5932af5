// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Where a task stands in the tree of files: working directory, root, umask.
#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "mount.h"
#include "walk.h"

static void place_set(struct place *at, struct place to)
{
    struct place old = *at;
    place_get(to);
    *at = to;
    place_put(old);
}

static int64_t enter(struct task *task, struct place *at, struct place to)
{
    const struct inode *inode = to.dentry->inode;
    int64_t error = inode_is(inode, S_IFDIR) ? inode_permits(task, inode, 1) : -ENOTDIR;
    if (!error) {
        place_set(at, to);
    }
    return error;
}

int64_t call_chdir(struct task *task, user_t path)
{
    struct path_result found;
    int64_t error = path_find_user(task, AT_FDCWD, path, PATH_FOLLOW | PATH_DIRECTORY, &found);
    if (error) {
        return error;
    }
    error = enter(task, &task->placement->work, found.at);
    path_put(&found);
    return error;
}

int64_t call_fchdir(struct task *task, int32_t fd)
{
    const struct file *file = file_at_any(task, fd);
    return file ? enter(task, &task->placement->work, file->place) : -EBADF;
}

int64_t call_chroot(struct task *task, user_t path)
{
    struct path_result found;
    int64_t error = path_find_user(task, AT_FDCWD, path, PATH_FOLLOW | PATH_DIRECTORY, &found);
    if (error) {
        return error;
    }
    error = inode_permits(task, found.at.dentry->inode, 1);
    if (!error) {
        error = task_capable(task, CAP_SYS_CHROOT) ? 0 : -EPERM;
    }
    if (!error) {
        place_set(&task->placement->root, found.at);
    }
    path_put(&found);
    return error;
}

int64_t call_getcwd(struct task *task, user_t buffer, uint64_t bytes)
{
    static char text[PATH_MAX_BYTES];
    const struct place *work = &task->placement->work;
    if (work->dentry->removed) {
        return -ENOENT;
    }
    int64_t length = path_text(task, *work, text, sizeof(text));
    if (length < 0) {
        return length;
    }
    if ((uint64_t)length + 1 > bytes) {
        return -ERANGE;
    }
    return user_write(task, buffer, text, (uint64_t)length + 1) ? -EFAULT : length + 1;
}

int64_t call_umask(struct task *task, uint32_t mask)
{
    uint32_t old = task->placement->umask;
    task->placement->umask = mask & 0777;
    return old;
}
