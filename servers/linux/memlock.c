// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// All memory stays where it is, so that every lock holds already.  What is locked is known for what
// Linux refuses then, and for its limit.
#include "memlock.h"

#include "call.h"
#include "capability.h"
#include "space.h"

#define MLOCK_ONFAULT 1u
#define MCL_CURRENT   1u
#define MCL_FUTURE    2u
#define MCL_ONFAULT   4u

static bool locks_allowed(const struct task *task)
{
    return task_limit(task, RLIMIT_MEMLOCK) || task_capable(task, CAP_IPC_LOCK);
}

static bool limit_allows(const struct task *task, uint64_t pages)
{
    uint64_t limit = task_limit(task, RLIMIT_MEMLOCK) >> PAGE_BITS;
    return pages <= limit || task_capable(task, CAP_IPC_LOCK);
}

bool memlock_allows(const struct task *task, uint64_t bytes)
{
    return limit_allows(task, area_locked_pages(task->space, 0, SPACE_END) + (bytes >> PAGE_BITS));
}

int64_t memlock_new(const struct task *task, bool wanted, uint64_t bytes, uint32_t *flags)
{
    if (wanted && !locks_allowed(task)) {
        return -EPERM;
    }
    if (!wanted && !task->space->locks_new) {
        return 0;
    }
    *flags |= AREA_LOCKED;
    return memlock_allows(task, bytes) ? 0 : -EAGAIN;
}

// The pages that a range touches: 0, or -EINVAL where it goes round.
static int64_t range_pages(user_t address, uint64_t bytes, uint64_t *start, uint64_t *end)
{
    *start = address & ~PAGE_MASK;
    *end = *start + PAGE_UP(bytes + (address & PAGE_MASK));
    return *end < *start ? -EINVAL : 0;
}

static int64_t range_lock(struct task *task, user_t address, uint64_t bytes)
{
    struct space *space = task->space;
    uint64_t start = 0, end = 0;
    int64_t error = range_pages(address, bytes, &start, &end);
    if (!locks_allowed(task)) {
        return -EPERM;
    }
    uint64_t more = (end - start) >> PAGE_BITS;
    uint64_t already = area_locked_pages(space, start, end);
    if (!limit_allows(task, area_locked_pages(space, 0, SPACE_END) + more - already)) {
        return -ENOMEM;
    }
    return error ? error : area_lock(space, start, end, true);
}

int64_t call_mlock(struct task *task, user_t address, uint64_t bytes)
{
    return range_lock(task, address, bytes);
}

int64_t call_mlock2(struct task *task, user_t address, uint64_t bytes, uint32_t flags)
{
    return flags & ~MLOCK_ONFAULT ? -EINVAL : range_lock(task, address, bytes);
}

int64_t call_munlock(struct task *task, user_t address, uint64_t bytes)
{
    uint64_t start = 0, end = 0;
    int64_t error = range_pages(address, bytes, &start, &end);
    return error ? error : area_lock(task->space, start, end, false);
}

static void all_lock(struct space *space, bool locked)
{
    for (unsigned i = 0; i < area_count(space); i++) {
        struct area *area = area_at(space, i);
        area->flags = locked ? area->flags | AREA_LOCKED : area->flags & ~AREA_LOCKED;
    }
}

int64_t call_mlockall(struct task *task, uint32_t flags)
{
    struct space *space = task->space;
    if (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
        !(flags & (MCL_CURRENT | MCL_FUTURE))) {
        return -EINVAL;
    }
    if (!locks_allowed(task)) {
        return -EPERM;
    }
    if (flags & MCL_CURRENT && !limit_allows(task, space->mapped)) {
        return -ENOMEM;
    }
    space->locks_new = flags & MCL_FUTURE;
    if (flags & MCL_CURRENT) {
        all_lock(space, true);
    }
    return 0;
}

int64_t call_munlockall(struct task *task)
{
    task->space->locks_new = false;
    all_lock(task->space, false);
    return 0;
}
