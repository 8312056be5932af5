// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Locks on files.  Those of one inode are in no order; those of one owner and sort never overlap. A
// task that waits for one is entered as blocked by an owner, so that a circle of waits is found.
#include "lock.h"

#include "call.h"
#include "content.h"
#include "descriptor.h"
#include "heap.h"
#include "task.h"

#define F_GETLK      5u
#define F_SETLK      6u
#define F_SETLKW     7u
#define F_OFD_GETLK  36u
#define F_OFD_SETLK  37u
#define F_OFD_SETLKW 38u
#define F_RDLCK      0
#define F_WRLCK      1
#define F_UNLCK      2

#define LOCK_SH 1u
#define LOCK_EX 2u
#define LOCK_NB 4u
#define LOCK_UN 8u

#define END INT64_MAX  // of a lock that reaches as far as the file ever will

enum sort {
    SORT_RECORD,  // fcntl
    SORT_FILE,    // flock
};

struct lock {
    struct list in_inode;
    const void *owner;  // files, or file
    enum sort sort;
    bool writes;
    uint32_t pid;  // of who has it; OFD: -1
    int64_t first, last;
};

// As the process passes it (struct flock).
struct flock {
    int16_t kind, whence;
    int32_t padding;
    int64_t start, bytes;
    int32_t pid, padding2;
};
_Static_assert(sizeof(struct flock) == 32, "struct flock");

// A task that waits.  They are few, and looked at only by those that would wait.
struct blocked {
    struct list all;
    const void *owner, *by;
};

static struct list all_blocked = LIST_EMPTY(all_blocked);
static struct waitlist freed = { LIST_EMPTY(freed.waiters) };  // whenever a lock is given up

// ---- locks of an inode -------------------------------------------------------------------------
static bool overlap(const struct lock *one, const struct lock *other)
{
    return one->sort == other->sort && one->first <= other->last && other->first <= one->last;
}

static struct lock *conflict(const struct inode *inode, const struct lock *wanted)
{
    LIST_EACH(at, &inode->locks, struct lock, in_inode) {
        if (at->owner != wanted->owner && overlap(at, wanted) && (at->writes || wanted->writes)) {
            return at;
        }
    }
    return NULL;
}

static void drop(struct lock *lock)
{
    list_remove(&lock->in_inode);
    heap_free(lock);
}

// Take a range out of what the owner has.  `spare` is used where a lock is split.
static void cut(struct inode *inode, const struct lock *range, struct lock **spare)
{
    LIST_EACH(at, &inode->locks, struct lock, in_inode) {
        if (at->owner != range->owner || !overlap(at, range)) {
            continue;
        }
        bool before = at->first<range->first, after = at->last> range->last;
        if (before && after) {
            struct lock *tail = *spare;
            *spare = NULL;
            *tail = *at;
            tail->first = range->last + 1;
            list_add(&inode->locks, &tail->in_inode);
            at->last = range->first - 1;
        } else if (before) {
            at->last = range->first - 1;
        } else if (after) {
            at->first = range->last + 1;
        } else {
            drop(at);
        }
    }
}

// Neighbours of the same kind become one.
static void join(struct inode *inode, struct lock *lock)
{
    LIST_EACH(at, &inode->locks, struct lock, in_inode) {
        if (at == lock || at->owner != lock->owner || at->sort != lock->sort ||
            at->writes != lock->writes) {
            continue;
        }
        bool below = at->last != END && at->last + 1 == lock->first;
        bool above = lock->last != END && lock->last + 1 == at->first;
        if (below || above) {
            lock->first = below ? at->first : lock->first;
            lock->last = above ? at->last : lock->last;
            drop(at);
        }
    }
}

// Give the owner this lock and nothing else in its range, or nothing at all there.
static int64_t put(struct inode *inode, const struct lock *wanted, bool unlock)
{
    struct lock *spare = heap_alloc(sizeof(*spare));
    struct lock *lock = unlock ? NULL : heap_alloc(sizeof(*lock));
    if (!spare || (!unlock && !lock)) {
        heap_free(spare);
        heap_free(lock);
        return -ENOLCK;
    }
    cut(inode, wanted, &spare);
    heap_free(spare);
    if (lock) {
        *lock = *wanted;
        list_add(&inode->locks, &lock->in_inode);
        join(inode, lock);
    }
    waitlist_wake(&freed);
    return 0;
}

void lock_close(const void *owner, struct inode *inode)
{
    bool any = false;
    LIST_EACH(at, &inode->locks, struct lock, in_inode) {
        if (at->owner == owner) {
            drop(at);
            any = true;
        }
    }
    if (any) {
        waitlist_wake(&freed);
    }
}

void lock_forget(struct inode *inode)
{
    LIST_EACH(at, &inode->locks, struct lock, in_inode) {
        drop(at);
    }
}

// ---- waiting -----------------------------------------------------------------------------------
static const void *blocker_of(const void *owner)
{
    LIST_EACH(at, &all_blocked, struct blocked, all) {
        if (at->owner == owner) {
            return at->by;
        }
    }
    return NULL;
}

// Whether `by` waits, through however many others, for the owner.
static bool circle(const void *owner, const void *by)
{
    for (unsigned steps = 0; by && steps < 64; steps++) {
        if (by == owner) {
            return true;
        }
        by = blocker_of(by);
    }
    return false;
}

static void wait_ends(struct task *task)
{
    struct blocked *blocked = task->call.state;
    list_remove(&blocked->all);
    heap_free(blocked);
    task->call.state = NULL;
}

static int64_t wait(struct task *task, const struct lock *wanted, const struct lock *held)
{
    struct blocked *blocked = task->call.state;
    if (blocked) {
        blocked->by = NULL;
    }
    // Open files are shared by processes that may wait for each other in good order: no circles
    // there.
    if (wanted->sort == SORT_RECORD && wanted->owner == task->files &&
        circle(wanted->owner, held->owner)) {
        return -EDEADLK;
    }
    if (!blocked) {
        blocked = heap_alloc(sizeof(*blocked));
        if (!blocked) {
            return -ENOLCK;
        }
        blocked->owner = wanted->owner;
        list_add(&all_blocked, &blocked->all);
        task->call.state = blocked;
        task->call.end = wait_ends;
    }
    blocked->by = held->owner;
    return wait_on(task, &freed);
}

static int64_t take(struct task *task, struct inode *inode, const struct lock *wanted, bool waits)
{
    const struct lock *held = conflict(inode, wanted);
    if (!held) {
        return put(inode, wanted, false);
    }
    return waits ? wait(task, wanted, held) : -EAGAIN;
}

// ---- fcntl -------------------------------------------------------------------------------------
static int64_t range_of(const struct file *file, const struct flock *from, struct lock *lock)
{
    int64_t base = 0, start = 0, other = 0;
    switch (from->whence) {
    case CONTENT_SET: break;
    case CONTENT_CUR: base = (int64_t)file->offset; break;
    case CONTENT_END: base = (int64_t)file->inode->is.size; break;
    default: return -EINVAL;
    }
    if (__builtin_add_overflow(base, from->start, &start)) {
        return -EOVERFLOW;
    }
    if (start < 0) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(start, from->bytes, &other)) {
        return -EOVERFLOW;
    }
    lock->first = from->bytes < 0 ? other : start;
    lock->last = from->bytes == 0 ? END : from->bytes < 0 ? start - 1 : other - 1;
    return lock->first < 0 ? -EINVAL : 0;
}

static void describe(const struct lock *held, struct flock *to)
{
    to->kind = held->writes ? F_WRLCK : F_RDLCK;
    to->whence = CONTENT_SET;
    to->start = held->first;
    to->bytes = held->last == END ? 0 : held->last - held->first + 1;
    to->pid = (int32_t)held->pid;
}

static int64_t get(struct task *task, struct file *file, user_t to, struct flock *flock,
                   struct lock *wanted)
{
    if (flock->kind != F_RDLCK && flock->kind != F_WRLCK) {
        return -EINVAL;
    }
    const struct lock *held = conflict(file->inode, wanted);
    if (held) {
        describe(held, flock);
    } else {
        flock->kind = F_UNLCK;
    }
    return user_write(task, to, flock, sizeof(*flock));
}

static int64_t set(struct task *task, struct file *file, const struct flock *flock,
                   const struct lock *wanted, bool waits)
{
    switch (flock->kind) {
    case F_UNLCK: return put(file->inode, wanted, true);
    case F_RDLCK: return file_reads(file) ? take(task, file->inode, wanted, waits) : -EBADF;
    case F_WRLCK: return file_writes(file) ? take(task, file->inode, wanted, waits) : -EBADF;
    default: return -EINVAL;
    }
}

int64_t lock_fcntl(struct task *task, struct file *file, uint32_t command, user_t from)
{
    struct flock flock;
    bool of_file = command >= F_OFD_GETLK && command <= F_OFD_SETLKW;
    if (!of_file && (command < F_GETLK || command > F_SETLKW)) {
        return -EINVAL;
    }
    if (user_read(task, &flock, from, sizeof(flock))) {
        return -EFAULT;
    }
    if (of_file && flock.pid) {
        return -EINVAL;
    }
    struct lock wanted = { .sort = SORT_RECORD, .writes = flock.kind == F_WRLCK };
    wanted.owner = of_file ? (const void *)file : task->files;
    wanted.pid = of_file ? UINT32_MAX : task->process->pid;
    int64_t error = range_of(file, &flock, &wanted);
    if (error) {
        return error;
    }
    if (command == F_GETLK || command == F_OFD_GETLK) {
        return get(task, file, from, &flock, &wanted);
    }
    return set(task, file, &flock, &wanted, command == F_SETLKW || command == F_OFD_SETLKW);
}

// ---- flock -------------------------------------------------------------------------------------
static bool has(const struct inode *inode, const struct lock *wanted)
{
    LIST_EACH(at, &inode->locks, struct lock, in_inode) {
        if (at->owner == wanted->owner && at->sort == SORT_FILE) {
            return at->writes == wanted->writes;
        }
    }
    return false;
}

int64_t call_flock(struct task *task, int32_t fd, uint32_t operation)
{
    struct file *file = file_of_call(task, fd);
    uint32_t kind = operation & ~LOCK_NB;
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN) {
        return -EINVAL;
    }
    if (!file) {
        return -EBADF;
    }
    struct lock wanted = { .owner = file, .sort = SORT_FILE, .last = END };
    wanted.writes = kind == LOCK_EX;
    wanted.pid = task->process->pid;
    if (kind == LOCK_UN) {
        return put(file->inode, &wanted, true);
    }
    if (has(file->inode, &wanted)) {
        return 0;
    }
    // What it has is given up before it gets another kind, as in Linux: two that wait for more
    // would wait for each other.
    int64_t error = put(file->inode, &wanted, true);
    if (error) {
        return error;
    }
    return file_keep(task, file, take(task, file->inode, &wanted, !(operation & LOCK_NB)));
}
