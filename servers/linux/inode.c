// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Inodes in general: references, permissions, times.  What an inode holds is its file system's.
#include "attribute.h"
#include "capability.h"
#include "clock.h"
#include "lock.h"
#include "outside.h"
#include "task.h"
#include "xattr.h"

void inode_init(struct inode *inode, const struct inode_ops *ops, uint32_t mode)
{
    inode->ops = ops;
    inode->refs = 1;
    inode->is.mode = mode;
    inode->is.links = 1;
    inode->is.born = inode->is.accessed = inode->is.modified = inode->is.changed = inode_now();
    list_init(&inode->areas);
    list_init(&inode->locks);
    list_init(&inode->leases);
    list_init(&inode->watches);
}

void inode_put(struct inode *inode)
{
    if (--inode->refs > 0) {
        return;
    }
    lock_forget(inode);
    xattr_forget(inode);
    if (!list_empty(&inode->watches)) {
        inotify_forget(inode);
    }
    inode->ops->free(inode);
}

// ---- permissions -------------------------------------------------------------------------------
bool inode_in_group(const struct task *task, uint32_t gid)
{
    const struct credentials *who = &task->credentials;
    if (who->fsgid == gid) {
        return true;
    }
    for (uint32_t i = 0; i < who->group_count; i++) {
        if (who->groups[i] == gid) {
            return true;
        }
    }
    return false;
}

// capabilities(7): CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH.
static bool permits_anyway(const struct task *task, const struct inode *inode, unsigned access)
{
    bool directory = inode_is(inode, S_IFDIR);
    bool searches = directory ? !(access & 2) : access == 4;
    if (searches && task_capable(task, CAP_DAC_READ_SEARCH)) {
        return true;
    }
    bool can = directory || !(access & 1) || (inode->is.mode & 0111);
    return can && task_capable(task, CAP_DAC_OVERRIDE);
}

int64_t inode_permits(const struct task *task, const struct inode *inode, unsigned access)
{
    uint32_t mode = inode->is.mode;
    if (task->credentials.fsuid == inode->is.uid) {
        mode >>= 6;
    } else if ((mode ^ mode >> 3) & 7 && inode_in_group(task, inode->is.gid)) {
        mode >>= 3;
    }
    if (!(access & ~mode & 7) || permits_anyway(task, inode, access)) {
        return 0;
    }
    return -EACCES;
}

bool inode_owned(const struct task *task, const struct inode *inode)
{
    return task->credentials.fsuid == inode->is.uid || task_capable(task, CAP_FOWNER);
}

void inode_strip(const struct task *task, struct inode *inode)
{
    uint32_t strip = S_ISUID | ((inode->is.mode & 0010) ? S_ISGID : 0);
    if (inode->is.mode & strip && !task_capable(task, CAP_FSETID)) {
        inode->is.mode &= ~strip;
    }
}

void inode_adopt(const struct task *task, const struct inode *directory, struct inode *inode)
{
    inode->is.uid = task->credentials.fsuid;
    inode->is.gid = task->credentials.fsgid;
    if (!(directory->is.mode & S_ISGID)) {
        return;
    }
    inode->is.gid = directory->is.gid;
    if (inode_is(inode, S_IFDIR)) {
        inode->is.mode |= S_ISGID;
    } else if ((inode->is.mode & (S_ISGID | 0010)) == (S_ISGID | 0010) &&
               !inode_in_group(task, inode->is.gid) && !task_capable(task, CAP_FSETID)) {
        inode->is.mode &= ~S_ISGID;
    }
}

int64_t inode_deny_write(struct inode *inode)
{
    if (inode->writers > 0) {
        return -ETXTBSY;
    }
    inode->writers--;
    return 0;
}

void inode_allow_write(struct inode *inode)
{
    inode->writers++;
}

// ---- times -------------------------------------------------------------------------------------
struct timespec inode_now(void)
{
    return clock_real();
}

void inode_touch(struct inode *inode)
{
    inode->is.modified = inode->is.changed = inode_now();
}

void inode_changed(struct inode *inode)
{
    inode->is.changed = inode_now();
}

static bool earlier(const struct timespec *one, const struct timespec *other)
{
    return one->seconds < other->seconds ||
           (one->seconds == other->seconds && one->nanoseconds <= other->nanoseconds);
}

void inode_accessed(struct inode *inode)
{
    struct attributes *is = &inode->is;
    if (earlier(&is->accessed, &is->modified) || earlier(&is->accessed, &is->changed)) {
        is->accessed = inode_now();
    }
}
