// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Leases are found by their file, and by their inode: what many of them cost is paid by who opens
// what they are on.
#include "lease.h"

#include "async.h"
#include "attribute.h"
#include "call.h"
#include "capability.h"
#include "descriptor.h"
#include "heap.h"

#include <rt/clock.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define BREAK_TIME 45000000000ull  // for giving one up (/proc/sys/fs/lease-break-time)

struct lease {
    struct list in_inode;
    struct file *file;
    int32_t kind;
    int32_t target;     // what it is to become; its kind: nobody has asked
    uint64_t deadline;  // of that
};

static struct waitlist changed = { LIST_EMPTY(changed.waiters) };

static void drop(struct lease *lease)
{
    lease->file->lease = NULL;
    list_remove(&lease->in_inode);
    heap_free(lease);
    waitlist_wake(&changed);
}

static void become(struct lease *lease, int32_t kind)
{
    lease->kind = lease->target = kind;
    waitlist_wake(&changed);
}

void lease_close(struct file *file)
{
    drop(file->lease);
}

int64_t lease_get(const struct file *file)
{
    return file->lease ? file->lease->target : F_UNLCK;
}

// ---- taking ------------------------------------------------------------------------------------
// Whether nobody but the file itself has the inode open in a way that the lease rules out.
static bool is_alone(const struct file *file, int32_t kind)
{
    const struct inode *inode = file->inode;
    if (kind == F_RDLCK) {
        return inode->writers <= 0;
    }
    bool writes = file_writes(file);
    return inode->writers == writes && inode->readers == !writes;
}

static bool goes_with_others(const struct file *file, int32_t kind)
{
    LIST_EACH(at, &file->inode->leases, struct lease, in_inode) {
        if (at != file->lease && (kind == F_WRLCK || at->target == F_UNLCK)) {
            return false;
        }
    }
    return true;
}

static int64_t add(struct task *task, struct file *file, int32_t fd, int32_t kind)
{
    int64_t error = async_prepare(task, file, fd);
    struct lease *lease = error ? NULL : heap_alloc(sizeof(*lease));
    if (!lease) {
        return error ? error : -ENOMEM;
    }
    lease->file = file;
    lease->kind = kind;
    lease->target = kind;
    file->lease = lease;
    list_add(&file->inode->leases, &lease->in_inode);
    return 0;
}

// Whether somebody waits for less than that: who opens counts as one who has opened.
static bool is_asked_for_less(const struct lease *lease, int32_t kind)
{
    return lease->target != lease->kind && lease->target != kind;
}

int64_t lease_set(struct task *task, struct file *file, int32_t fd, int32_t kind)
{
    if (kind != F_RDLCK && kind != F_WRLCK && kind != F_UNLCK) {
        return -EINVAL;
    }
    if (task->credentials.fsuid != file->inode->is.uid && !task_capable(task, CAP_LEASE)) {
        return -EACCES;
    }
    if (!inode_is(file->inode, S_IFREG)) {
        return -EINVAL;
    }
    struct lease *own = file->lease;
    if (kind == F_UNLCK) {
        if (own) {
            drop(own);
        }
        return own ? 0 : -EAGAIN;
    }
    if (!is_alone(file, kind) || !goes_with_others(file, kind) ||
        (own && is_asked_for_less(own, kind))) {
        return -EAGAIN;
    }
    if (!own) {
        return add(task, file, fd, kind);
    }
    become(own, kind);
    return 0;
}

// ---- asking back -------------------------------------------------------------------------------
static void ask(struct lease *lease, int32_t target)
{
    bool asked = lease->target != lease->kind;
    if (lease->target == F_UNLCK || (asked && target == F_RDLCK)) {
        return;
    }
    lease->target = target;
    lease->deadline = rt_clock_monotonic() + BREAK_TIME;
    async_lease_asked(lease->file);
}

// Who lets the time pass loses it.
static void take_back(struct lease *lease)
{
    if (lease->target == F_UNLCK) {
        drop(lease);
    } else {
        become(lease, lease->target);
    }
}

int64_t lease_break(struct task *task, const struct inode *inode, uint32_t flags)
{
    bool writes = flags & O_ACCMODE;
    uint64_t deadline = UINT64_MAX;
    LIST_EACH(at, &inode->leases, struct lease, in_inode) {
        if (!writes && at->kind != F_WRLCK) {
            continue;
        }
        ask(at, writes ? F_UNLCK : F_RDLCK);
        if (rt_clock_monotonic() >= at->deadline) {
            take_back(at);
        } else if (at->deadline < deadline) {
            deadline = at->deadline;
        }
    }
    if (deadline == UINT64_MAX) {
        return 0;
    }
    if (flags & O_NONBLOCK) {
        return -EAGAIN;
    }
    task->call.deadline = deadline;  // at each attempt: others who ask for more have put it off
    return wait_on(task, &changed);
}
