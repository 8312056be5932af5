// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// madvise: what changes what memory holds, what a child gets of it and what is in a dump.  The rest
// is advice, which needs nobody to follow it.
#include "call.h"
#include "inode.h"
#include "space.h"
#include "tmpfs.h"

#define MADV_DONTNEED        4
#define MADV_FREE            8
#define MADV_REMOVE          9
#define MADV_DONTFORK        10
#define MADV_DOFORK          11
#define MADV_DONTDUMP        16
#define MADV_DODUMP          17
#define MADV_WIPEONFORK      18
#define MADV_KEEPONFORK      19
#define MADV_POPULATE_READ   22
#define MADV_POPULATE_WRITE  23
#define MADV_DONTNEED_LOCKED 24
#define MADV_LAST            25

// A range of an area.
struct advised {
    struct area *area;
    uint64_t from, to;
};

static int64_t range_forget(struct space *space, const struct advised *range, bool locked)
{
    if (range->area->flags & AREA_LOCKED && !locked) {
        return -EINVAL;
    }
    space_forget(space, range->from, range->to);
    return 0;
}

// A hole in the file, as fallocate makes it.
static int64_t range_remove(const struct advised *range)
{
    const struct area *area = range->area;
    if (area->flags & AREA_LOCKED || !area->file) {
        return -EINVAL;
    }
    if (!(area->flags & AREA_SHARED) || !(area->prot_most & PROT_WRITE)) {
        return -EACCES;
    }
    struct inode *inode = area->file->inode;
    if (!tmpfs_is(inode)) {
        return -EOPNOTSUPP;
    }
    uint64_t from = (area->first << PAGE_BITS) + (range->from - area->start);
    uint64_t end = from + (range->to - range->from), size = inode->is.size;
    end = end < size ? end : size;
    return from < end ? tmpfs_punch(inode, from, end) : 0;
}

static int64_t range_populate(struct space *space, const struct advised *range, unsigned access)
{
    switch (space_populate(space, range->from, range->to, access)) {
    case 0: return 0;
    case SIGSEGV: return -EINVAL;
    case SIGBUS: return -EFAULT;
    default: return -ENOMEM;
    }
}

static void area_advise(struct area *area, int32_t advice)
{
    switch (advice) {
    case MADV_DONTFORK: area->flags |= AREA_NO_FORK; break;
    case MADV_DOFORK: area->flags &= ~AREA_NO_FORK; break;
    case MADV_WIPEONFORK: area->flags |= AREA_WIPE; break;
    case MADV_KEEPONFORK: area->flags &= ~AREA_WIPE; break;
    case MADV_DONTDUMP: area->flags |= AREA_NO_DUMP; break;
    case MADV_DODUMP: area->flags &= ~AREA_NO_DUMP; break;
    default: break;
    }
}

static int64_t range_advise(struct space *space, const struct advised *range, int32_t advice)
{
    switch (advice) {
    case MADV_DONTNEED: return range_forget(space, range, false);
    case MADV_DONTNEED_LOCKED: return range_forget(space, range, true);
    case MADV_FREE: return range->area->file ? 0 : range_forget(space, range, false);
    case MADV_REMOVE: return range_remove(range);
    case MADV_POPULATE_READ: return range_populate(space, range, FAULT_READ);
    case MADV_POPULATE_WRITE: return range_populate(space, range, FAULT_WRITE);
    default: break;
    }
    if (advice < MADV_DONTFORK) {
        return 0;
    }
    if (!area_cut(space, range->from) || !area_cut(space, range->to)) {
        return -ENOMEM;
    }
    area_advise(area_find(space, range->from), advice);
    return 0;
}

int64_t call_madvise(struct task *task, user_t address, uint64_t bytes, int32_t advice)
{
    struct space *space = task->space;
    bool known = (advice >= 0 && advice <= MADV_DONTNEED) ||
                 (advice >= MADV_FREE && advice <= MADV_LAST);
    uint64_t end = address + PAGE_UP(bytes);
    if (address & PAGE_MASK || !known || end < address || (bytes && end == address)) {
        return -EINVAL;
    }
    bool hole = false;
    while (address < end) {
        struct area *area = area_find(space, address);
        if (!area || area->start >= end) {
            return -ENOMEM;
        }
        hole |= area->start > address;
        struct advised range = { area, area->start > address ? area->start : address,
                                 area->end < end ? area->end : end };
        address = range.to;
        int64_t error = range_advise(space, &range, advice);
        if (error) {
            return error;
        }
    }
    return hole ? -ENOMEM : 0;
}
