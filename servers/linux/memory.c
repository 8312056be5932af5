// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The system calls on memory.
#include "call.h"
#include "device.h"
#include "inode.h"
#include "memlock.h"
#include "mount.h"
#include "seal.h"
#include "space.h"

#include <rt/string.h>

#define RLIMIT_DATA    2
#define RLIMIT_AS      9
#define PROT_KNOWN     (PROT_READ | PROT_WRITE | PROT_EXECUTE | 0x8u | PROT_GROWSDOWN | PROT_GROWSUP)
#define PROT_GROWSDOWN 0x01000000u
#define PROT_GROWSUP   0x02000000u

static bool range_good(uint64_t start, uint64_t bytes)
{
    return bytes <= SPACE_END && start <= SPACE_END - bytes;
}

// What a mapping of the file may be; 0 or minus an error.
static int64_t file_allows(const struct file *file, uint32_t prot, struct area *area)
{
    bool shared = area->flags & AREA_SHARED;
    if (!file_reads(file) || (shared && prot & PROT_WRITE && !file_writes(file))) {
        return -EACCES;
    }
    if (!file->ops->page) {
        return -ENODEV;
    }
    bool sealed = seal_permits_mapping(file, true) < 0;
    if (shared && sealed && prot & PROT_WRITE) {
        return -EPERM;
    }
    if (shared && (sealed || !file_writes(file))) {
        area->prot_most &= ~PROT_WRITE;
    }
    if (file->place.mount->flags & MS_NOEXEC) {
        area->prot_most &= ~PROT_EXECUTE;
        return prot & PROT_EXECUTE ? -EPERM : 0;
    }
    return 0;
}

// What is more than all memory there is is refused at once.
static bool space_has_room(const struct task *task, uint64_t bytes)
{
    uint64_t limit = task_limit(task, RLIMIT_AS);
    if (bytes >> PAGE_BITS > page_total) {
        return false;
    }
    return limit == UINT64_MAX || (task->space->mapped << PAGE_BITS) + bytes <= limit;
}

// The same of what is private and can be written (setrlimit(2)).
static bool data_has_room(const struct task *task, uint64_t bytes)
{
    uint64_t limit = task_limit(task, RLIMIT_DATA);
    return limit == UINT64_MAX || (area_data_pages(task->space) << PAGE_BITS) + bytes <= limit;
}

// Both, for so many bytes of a kind.
static bool area_has_room(const struct task *task, const struct area *area, uint64_t bytes)
{
    return space_has_room(task, bytes) && (!area_is_data(area) || data_has_room(task, bytes));
}

// What of a range would become data if it could be written.
static uint64_t range_new_data(struct space *space, uint64_t start, uint64_t end)
{
    uint64_t bytes = 0;
    for (uint64_t at = start; at < end;) {
        const struct area *area = area_find(space, at);
        if (!area || area->start >= end) {
            break;
        }
        uint64_t from = area->start > at ? area->start : at, to = area->end < end ? area->end : end;
        bool private = !(area->flags & (AREA_SHARED | AREA_GROWS));
        bytes += private && !area_is_data(area) ? to - from : 0;
        at = area->end;
    }
    return bytes;
}

// Where it goes: *address, or minus an error.
static int64_t mapping_place(const struct task *task, uint64_t *address, uint64_t bytes,
                             uint32_t flags)
{
    struct space *space = task->space;
    if (flags & MAP_32BIT && !(flags & MAP_FIXED)) {
        *address = area_place_below(space, 1ull << 31, bytes);
        return *address ? 0 : -ENOMEM;
    }
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (*address & PAGE_MASK) {
            return -EINVAL;
        }
        if (!range_good(*address, bytes)) {
            return -ENOMEM;
        }
        if (*address < SPACE_BOTTOM) {
            return -EPERM;
        }
        const struct area *there = area_find(space, *address);
        return flags & MAP_FIXED_NOREPLACE && there && there->start < *address + bytes ? -EEXIST
                                                                                       : 0;
    }
    *address = area_place(space, PAGE_UP(*address), bytes);
    return *address ? 0 : -ENOMEM;
}

// Anonymous shared memory, and that of /dev/zero, is a file that has no name.
static int64_t shared_file(struct task *task, uint64_t bytes, struct file **file)
{
    *file = shared_memory_new(task, bytes);
    return *file ? 0 : -ENOMEM;
}

// What mmap is asked for: the area that is wanted, or minus an error.
static int64_t mmap_area(struct task *task, struct area *area, uint32_t flags, int32_t fd)
{
    uint32_t type = flags & MAP_TYPE;
    area->flags = type != MAP_PRIVATE ? AREA_SHARED : flags & MAP_GROWSDOWN ? AREA_GROWS : 0;
    if (!(flags & MAP_ANONYMOUS)) {
        struct file *file = file_at(task, fd);
        int64_t error = file ? file_allows(file, area->prot, area) : -EBADF;
        if (error) {
            return error;
        }
        if (!(area->flags & AREA_SHARED) || !device_is_zero(file)) {
            file_get(file);
            area->file = file;
            return 0;
        }
    }
    if (area->flags & AREA_SHARED) {
        area->first = 0;
        return shared_file(task, area->end - area->start, &area->file);
    }
    return 0;
}

int64_t call_mmap(struct task *task, user_t address, uint64_t bytes, uint32_t prot, uint32_t flags,
                  int32_t fd, uint64_t offset)
{
    uint32_t type = flags & MAP_TYPE;
    if (!bytes || offset & PAGE_MASK || type < MAP_SHARED || type > MAP_SHARED_VALIDATE) {
        return -EINVAL;
    }
    bytes = PAGE_UP(bytes);
    if (!bytes || bytes > SPACE_END || offset + bytes < offset) {
        return bytes && bytes <= SPACE_END ? -EOVERFLOW : -ENOMEM;
    }
    struct area area = { .end = bytes,
                         .prot = prot & PROT_RIGHTS,
                         .prot_most = PROT_RIGHTS,
                         .first = offset >> PAGE_BITS };
    bool reserved = !(flags & MAP_NORESERVE) && prot & PROT_WRITE;
    int64_t error = mmap_area(task, &area, flags, fd);
    if (!error && (!space_has_room(task, reserved ? bytes : 0) ||
                   (area_is_data(&area) && !data_has_room(task, bytes)))) {
        error = -ENOMEM;
    }
    error = error ? error : memlock_new(task, flags & MAP_LOCKED, bytes, &area.flags);
    error = error ? error : mapping_place(task, &address, bytes, flags);
    area.start = address;
    area.end = address + bytes;
    error = error ? error : area_map(task->space, &area);
    if (error) {
        if (area.file) {
            file_put(area.file);
        }
        return error;
    }
    if (flags & MAP_POPULATE) {
        // What cannot be now is for the access to tell.
        (void)space_populate(task->space, area.start, area.end,
                             area.prot & PROT_WRITE ? FAULT_WRITE : FAULT_READ);
    }
    return (int64_t)address;
}

int64_t call_munmap(struct task *task, user_t address, uint64_t bytes)
{
    if (address & PAGE_MASK || !bytes || !range_good(address, PAGE_UP(bytes))) {
        return -EINVAL;
    }
    return area_unmap(task->space, address, address + PAGE_UP(bytes));
}

int64_t call_mprotect(struct task *task, user_t address, uint64_t bytes, uint32_t prot)
{
    if (address & PAGE_MASK || prot & ~PROT_KNOWN) {
        return -EINVAL;
    }
    if (!bytes) {
        return 0;
    }
    bytes = PAGE_UP(bytes);
    if (!bytes || !range_good(address, bytes)) {
        return -ENOMEM;
    }
    if (prot & PROT_GROWSDOWN) {
        const struct area *area = area_find(task->space, address);
        if (!area || !(area->flags & AREA_GROWS)) {
            return -EINVAL;
        }
        bytes += address - (area->start < address ? area->start : address);
        address = area->start < address ? area->start : address;
    }
    if (prot & PROT_WRITE && task_limit(task, RLIMIT_DATA) != UINT64_MAX &&
        !data_has_room(task, range_new_data(task->space, address, address + bytes))) {
        return -ENOMEM;
    }
    return area_protect(task->space, address, address + bytes, prot & PROT_RIGHTS);
}

int64_t call_brk(struct task *task, user_t to)
{
    struct space *space = task->space;
    uint64_t old = PAGE_UP(space->brk), new = PAGE_UP(to);
    if (to < space->brk_start || to > SPACE_END) {
        return (int64_t)space->brk;
    }
    const struct area *above = area_find(space, old);
    if (new > old && ((above && above->start < new + PAGE_SIZE) ||
                      !space_has_room(task, new - old) || !data_has_room(task, new - old) ||
                      new - space->brk_start > task_limit(task, RLIMIT_DATA))) {
        return (int64_t)space->brk;
    }
    struct area area = {
        .start = old, .end = new, .prot = PROT_READ | PROT_WRITE, .prot_most = PROT_RIGHTS
    };
    if (new > old && memlock_new(task, false, new - old, &area.flags)) {
        return (int64_t)space->brk;
    }
    if ((new > old &&area_map(space, &area)) || (new < old &&area_unmap(space, new, old))) {
        return (int64_t)space->brk;
    }
    space->brk = to;
    return (int64_t)to;
}

// Move the pages of one range to another, where nothing is yet.
static bool entries_move(struct space *space, uint64_t from, uint64_t to, uint64_t bytes)
{
    for (user_t at = from, end = from + bytes; at < end;) {
        unsigned count = 0;
        const entry_t *old = space_leaf(space, &at, &count);
        for (; old && count && at < end; old++, count--, at += PAGE_SIZE) {
            entry_t *new = *old ? space_entry(space, to + (at - from), true) : NULL;
            if (new) {
                *new = *old & ~(ENTRY_MAPPED | ENTRY_WRITES);
                page_get(*old & ENTRY_PAGE);
                space->resident++;
            } else if (*old) {
                return false;
            }
        }
    }
    return true;
}

static int64_t area_grow(struct task *task, struct area *area, uint64_t start, uint64_t more)
{
    struct space *space = task->space;
    const struct area *above = area_find(space, start);
    struct area added = *area;
    added.first += (start - area->start) >> PAGE_BITS;
    added.start = start;
    added.end = start + more;
    if (area->end != start || (above && above->start < added.end) || added.end > SPACE_END ||
        !area_has_room(task, area, more)) {
        return -ENOMEM;
    }
    if (added.file) {
        file_get(added.file);
    }
    int64_t error = area_map(space, &added);
    if (error && added.file) {
        file_put(added.file);
    }
    return error;
}

// What mremap is asked for, in whole pages.
struct remap {
    uint64_t from, old_bytes, new_bytes, to;
    uint32_t flags;
};

static int64_t area_move(struct space *space, struct area *moved, const struct remap *remap)
{
    if (moved->file) {
        file_get(moved->file);
    }
    int64_t error = area_map(space, moved);
    if (error) {
        if (moved->file) {
            file_put(moved->file);
        }
        return error;
    }
    uint64_t kept = remap->old_bytes < remap->new_bytes ? remap->old_bytes : remap->new_bytes;
    if (!entries_move(space, remap->from, moved->start, kept)) {
        area_unmap(space, moved->start, moved->end);
        return -ENOMEM;
    }
    if (remap->flags & MREMAP_DONTUNMAP) {
        space_forget(space, remap->from, remap->from + remap->old_bytes);
    } else {
        area_unmap(space, remap->from, remap->from + remap->old_bytes);
    }
    return (int64_t)moved->start;
}

static bool remap_valid(const struct remap *remap)
{
    uint32_t flags = remap->flags;
    if (remap->from & PAGE_MASK || !remap->new_bytes || flags & ~7u ||
        (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)) ||
        (flags & MREMAP_DONTUNMAP && remap->old_bytes != remap->new_bytes)) {
        return false;
    }
    return !(flags & MREMAP_FIXED) ||
           (!(remap->to & PAGE_MASK) && range_good(remap->to, remap->new_bytes) &&
            (remap->to >= remap->from + remap->old_bytes ||
             remap->from >= remap->to + remap->new_bytes));
}

static int64_t remap_elsewhere(struct task *task, const struct remap *remap)
{
    struct space *space = task->space;
    const struct area *area = area_find(space, remap->from);
    if (!(remap->flags & MREMAP_MAYMOVE) || remap->new_bytes > SPACE_END ||
        (remap->new_bytes > remap->old_bytes &&
         !area_has_room(task, area, remap->new_bytes - remap->old_bytes))) {
        return -ENOMEM;
    }
    struct area moved = *area;
    moved.first += (remap->from - area->start) >> PAGE_BITS;
    moved.start = remap->flags & MREMAP_FIXED ? remap->to
                                              : area_place(space, remap->to, remap->new_bytes);
    moved.end = moved.start + remap->new_bytes;
    return moved.start ? area_move(space, &moved, remap) : -ENOMEM;
}

int64_t call_mremap(struct task *task, user_t from, uint64_t old_bytes, uint64_t new_bytes,
                    uint32_t flags, user_t to)
{
    struct remap remap = { from, PAGE_UP(old_bytes), PAGE_UP(new_bytes), to, flags };
    bool stays = !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP));
    if (old_bytes > SPACE_END || !remap_valid(&remap)) {
        return -EINVAL;
    }
    struct area *area = area_find(task->space, from);
    if (!area || area->start > from) {
        return -EFAULT;
    }
    if (!remap.old_bytes && !(area->flags & AREA_SHARED)) {
        return -EINVAL;
    }
    if (area->end - from < remap.old_bytes) {
        return -EFAULT;
    }
    if (stays && remap.new_bytes <= remap.old_bytes) {
        int64_t error = area_unmap(task->space, from + remap.new_bytes, from + remap.old_bytes);
        return error ? error : (int64_t)from;
    }
    uint64_t more = remap.new_bytes - remap.old_bytes;
    if (remap.new_bytes > remap.old_bytes && area->flags & AREA_LOCKED &&
        !memlock_allows(task, more)) {
        return -EAGAIN;
    }
    if (stays && area_grow(task, area, from + remap.old_bytes, more) == 0) {
        return (int64_t)from;
    }
    return remap_elsewhere(task, &remap);
}

// Which pages of a range that begins in one leaf and one area are there; where that ends.
static uint64_t leaf_resident(struct space *space, user_t address, uint64_t end,
                              uint8_t resident[ENTRIES])
{
    unsigned count = 0;
    user_t at = address, leaf_end = (address | ((1ull << LEAF_SHIFT) - 1)) + 1;
    const entry_t *entry = space_leaf(space, &at, &count);
    end = end < leaf_end ? end : leaf_end;
    for (unsigned i = 0; i < (end - address) >> PAGE_BITS; i++) {
        resident[i] = entry && entry[i];
    }
    return end;
}

int64_t call_mincore(struct task *task, user_t address, uint64_t bytes, user_t vector)
{
    uint8_t resident[ENTRIES];
    if (address & PAGE_MASK) {
        return -EINVAL;
    }
    for (uint64_t end = address + PAGE_UP(bytes); address < end;) {
        const struct area *area = area_find(task->space, address);
        if (!area || area->start > address) {
            return -ENOMEM;
        }
        uint64_t to = leaf_resident(task->space, address, end < area->end ? end : area->end,
                                    resident);
        uint64_t count = (to - address) >> PAGE_BITS;
        if (user_write(task, vector, resident, count)) {
            return -EFAULT;
        }
        vector += count;
        address = to;
    }
    return 0;
}

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4

int64_t call_msync(struct task *task, user_t address, uint64_t bytes, int32_t flags)
{
    if (address & PAGE_MASK || flags & ~7 ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
        return -EINVAL;
    }
    for (uint64_t end = address + PAGE_UP(bytes); address < end;) {
        const struct area *area = area_find(task->space, address);
        if (!area || area->start > address) {
            return -ENOMEM;
        }
        if (flags & MS_INVALIDATE && area->flags & AREA_LOCKED) {
            return -EBUSY;
        }
        address = area->end;
    }
    return 0;
}
