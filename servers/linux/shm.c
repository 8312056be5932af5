// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Shared memory of System V (shmget(2), shmop(2), shmctl(2)).  A segment is a file in memory that
// is in no directory; who has it attached maps that file, so that the areas of its inode are the
// attachments, and the file's end, once the segment is removed, is that of the segment.
#include "area.h"
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "page.h"
#include "proc.h"
#include "space.h"
#include "sysv.h"
#include "tmpnode.h"

#include <rt/string.h>

#define SHM_DEST      01000u
#define SHM_LOCKED    02000u
#define SHM_HUGETLB   04000u
#define SHM_RDONLY    010000u
#define SHM_RND       020000u
#define SHM_REMAP     040000u
#define SHM_EXEC      0100000u
#define SHM_LOCK      11
#define SHM_UNLOCK    12
#define SHM_STAT      13
#define SHM_INFO      14
#define SHM_STAT_ANY  15
#define SEGMENTS_MOST 4096u
#define BYTES_MOST    0xfffffffffeffffffull  // SHMMAX, SHMALL

struct segment {
    struct sysv_object object;
    struct file *file;  // has a reference, until it is removed
    uint64_t bytes;
    int64_t attached, detached;
    uint32_t creator, last;  // processes
};

static struct sysv_table table;
static struct file_ops segment_ops;  // those of a file in memory, and its end

static struct segment *segment_of(struct sysv_object *object)
{
    return CONTAINER(object, struct segment, object);
}

static struct segment *segment_find(int32_t id)
{
    struct sysv_object *object = sysv_find(&table, id);
    return object ? segment_of(object) : NULL;
}

static bool is_segment(const struct area *area)
{
    return area->file && area->file->ops == &segment_ops;
}

static uint64_t attachments(const struct segment *segment)
{
    uint64_t count = 0;
    LIST_EACH(area, &segment->file->inode->areas, struct area, in_file) {
        count++;
    }
    return count;
}

// ---- shmget ------------------------------------------------------------------------------------
// The last attachment of a segment that was removed is gone.
static void segment_close(struct file *file)
{
    struct segment *segment = file->state;
    sysv_remove(&table, &segment->object);
    heap_free(segment);
}

static struct segment *segment_new(struct task *task, uint64_t bytes)
{
    struct segment *segment = heap_alloc(sizeof(*segment));
    struct file *file = segment ? shared_memory_new(task, PAGE_UP(bytes)) : NULL;
    if (!file) {
        heap_free(segment);
        return NULL;
    }
    if (!segment_ops.close) {
        segment_ops = tmpfile_ops;
        segment_ops.close = segment_close;
    }
    segment->file = file;
    segment->bytes = bytes;
    segment->creator = task->process->pid;
    return segment;
}

static int64_t segment_make(struct task *task, int32_t key, uint64_t bytes, uint32_t flags)
{
    if (!bytes || bytes > BYTES_MOST || flags & SHM_HUGETLB) {
        return -EINVAL;
    }
    if (table.count == SEGMENTS_MOST) {
        return -ENOSPC;
    }
    struct segment *segment = bytes >> PAGE_BITS <= page_total ? segment_new(task, bytes) : NULL;
    if (!segment) {
        return -ENOMEM;
    }
    int64_t id = sysv_add(task, &table, &segment->object, key, flags);
    if (id < 0) {
        file_put(segment->file);
        heap_free(segment);
        return id;
    }
    segment->file->ops = &segment_ops;
    segment->file->state = segment;
    return id;
}

int64_t call_shmget(struct task *task, int32_t key, uint64_t bytes, uint32_t flags)
{
    struct sysv_object *found = NULL;
    int64_t id = sysv_get(task, &table, key, flags, &found);
    if (id < 0 || !found) {
        return id < 0 ? id : segment_make(task, key, bytes, flags);
    }
    return bytes > segment_of(found)->bytes ? -EINVAL : id;
}

// ---- shmat, shmdt ------------------------------------------------------------------------------
static bool range_taken(struct space *space, uint64_t start, uint64_t bytes)
{
    const struct area *above = area_find(space, start);
    return above && above->start < start + bytes;
}

// Where it goes; minus an error.
static int64_t attach_place(struct space *space, uint64_t address, uint64_t bytes, uint32_t flags)
{
    if (!address) {
        address = flags & SHM_REMAP ? 0 : area_place(space, 0, bytes);
        return address ? (int64_t)address : flags & SHM_REMAP ? -EINVAL : -ENOMEM;
    }
    if (address & PAGE_MASK && !(flags & SHM_RND)) {
        return -EINVAL;
    }
    address &= ~PAGE_MASK;
    if (!address || address < SPACE_BOTTOM || address > SPACE_END - bytes ||
        (!(flags & SHM_REMAP) && range_taken(space, address, bytes))) {
        return -EINVAL;
    }
    return (int64_t)address;
}

static int64_t attach(struct task *task, struct segment *segment, uint64_t address, uint32_t flags)
{
    struct space *space = task->space;
    uint64_t bytes = PAGE_UP(segment->bytes), limit = task_limit(task, RLIMIT_AS);
    int64_t at = attach_place(space, address, bytes, flags);
    if (at < 0) {
        return at;
    }
    if (limit != UINT64_MAX && (space->mapped << PAGE_BITS) + bytes > limit) {
        return -ENOMEM;
    }
    uint32_t writes = flags & SHM_RDONLY ? 0 : PROT_WRITE;
    struct area area = { .start = (uint64_t)at,
                         .end = (uint64_t)at + bytes,
                         .prot = PROT_READ | writes | (flags & SHM_EXEC ? PROT_EXECUTE : 0),
                         .prot_most = PROT_READ | PROT_EXECUTE | writes,
                         .flags = AREA_SHARED,
                         .file = segment->file };
    file_get(segment->file);
    int64_t error = area_map(space, &area);
    if (error) {
        file_put(segment->file);
        return error;
    }
    segment->attached = sysv_now();
    segment->last = task->process->pid;
    return at;
}

int64_t call_shmat(struct task *task, int32_t id, user_t address, uint32_t flags)
{
    struct segment *segment = segment_find(id);
    if (!segment) {
        return -EINVAL;
    }
    int64_t error = sysv_permits(task, &segment->object,
                                 (flags & SHM_RDONLY ? SYSV_READ : SYSV_READ | SYSV_WRITE) |
                                     (flags & SHM_EXEC ? 1 : 0));
    return error ? error : attach(task, segment, address, flags);
}

// One that begins with the segment's first page there, or a later piece of the same.
static bool piece_fits(const struct area *area, user_t address)
{
    return is_segment(area) && area->first == (area->start - address) >> PAGE_BITS;
}

int64_t call_shmdt(struct task *task, user_t address)
{
    struct space *space = task->space;
    struct area *area = address & PAGE_MASK ? NULL : area_find(space, address);
    while (area && !piece_fits(area, address)) {
        area = area_find(space, area->end);
    }
    if (!area) {
        return -EINVAL;
    }
    struct file *file = area->file;
    struct segment *segment = file->state;
    uint64_t end = address + PAGE_UP(segment->bytes);
    file_get(file);
    segment->detached = sysv_now();
    segment->last = task->process->pid;
    while (area && area->start < end) {
        uint64_t next = area->end;
        if (area->file == file && piece_fits(area, address)) {
            (void)area_unmap(space, area->start, area->end);  // as a whole: nothing is to be cut
        }
        area = area_find(space, next);
    }
    file_put(file);
    return 0;
}

// ---- shmctl ------------------------------------------------------------------------------------
// struct shmid64_ds
struct shown {
    struct sysv_shown owner;
    uint64_t bytes;
    int64_t attached, detached, changed;
    uint32_t creator, last;
    uint64_t attachments, spare[2];
};
_Static_assert(sizeof(struct shown) == 112, "struct shmid64_ds");

static int64_t segment_stat(struct task *task, const struct segment *segment, user_t to)
{
    struct shown shown = { .bytes = segment->bytes,
                           .attached = segment->attached,
                           .detached = segment->detached,
                           .changed = segment->object.changed,
                           .creator = segment->creator,
                           .last = segment->last,
                           .attachments = attachments(segment) };
    sysv_show(&segment->object, &shown.owner);
    return user_write(task, to, &shown, sizeof(shown));
}

static int64_t segment_set(struct task *task, struct segment *segment, user_t from)
{
    struct shown shown;
    return user_read(task, &shown, from, sizeof(shown))
               ? -EFAULT
               : sysv_change(task, &segment->object, &shown.owner);
}

// Nobody finds it by its key any more; its number stays good as long as it is attached somewhere.
static int64_t segment_remove(const struct task *task, struct segment *segment)
{
    int64_t error = sysv_owned(task, &segment->object);
    if (!error && !(segment->object.mode & SHM_DEST)) {
        segment->object.mode |= SHM_DEST;
        segment->object.key = IPC_PRIVATE;
        file_put(segment->file);
    }
    return error;
}

static int64_t segment_lock(const struct task *task, struct segment *segment, bool lock)
{
    int64_t error = task_capable(task, CAP_IPC_LOCK) ? 0 : sysv_owned(task, &segment->object);
    if (!error && lock && !task_capable(task, CAP_IPC_LOCK) && !task_limit(task, RLIMIT_MEMLOCK)) {
        error = -EPERM;
    }
    if (!error) {
        segment->object.mode = lock ? segment->object.mode | SHM_LOCKED
                                    : segment->object.mode & ~SHM_LOCKED;
    }
    return error;
}

// The highest place in use, which IPC_INFO and SHM_INFO answer.
static int64_t highest(void)
{
    for (uint32_t i = table.used; i; i--) {
        if (table.at[i - 1]) {
            return i - 1;
        }
    }
    return 0;
}

static int64_t limits_give(struct task *task, user_t to)
{
    const uint64_t info[9] = { BYTES_MOST, 1, SEGMENTS_MOST, SEGMENTS_MOST, BYTES_MOST };
    return user_write(task, to, info, sizeof(info)) ? -EFAULT : highest();
}

static int64_t usage_give(struct task *task, user_t to)
{
    struct {
        int32_t count, padding;
        uint64_t pages, resident, swapped, attempts, successes;
    } info = { .count = (int32_t)table.count };
    for (uint32_t i = 0; i < table.used; i++) {
        info.pages += table.at[i] ? PAGE_UP(segment_of(table.at[i])->bytes) >> PAGE_BITS : 0;
    }
    info.resident = info.pages;
    return user_write(task, to, &info, sizeof(info)) ? -EFAULT : highest();
}

static int64_t stat_at(struct task *task, int32_t id, int32_t command, user_t to)
{
    bool by_number = command == IPC_STAT;
    struct sysv_object *object;
    int64_t error = sysv_look(task, &table, id, by_number, command == SHM_STAT_ANY, &object);
    error = error ? error : segment_stat(task, segment_of(object), to);
    return error || by_number ? error : (int64_t)object->id;
}

int64_t call_shmctl(struct task *task, int32_t id, int32_t command, user_t at)
{
    struct segment *segment = segment_find(id);
    switch (command) {
    case IPC_INFO: return limits_give(task, at);
    case SHM_INFO: return usage_give(task, at);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: return stat_at(task, id, command, at);
    case IPC_SET: return segment ? segment_set(task, segment, at) : -EINVAL;
    case IPC_RMID: return segment ? segment_remove(task, segment) : -EINVAL;
    case SHM_LOCK:
    case SHM_UNLOCK: return segment ? segment_lock(task, segment, command == SHM_LOCK) : -EINVAL;
    default: return -EINVAL;
    }
}

int64_t shm_show(struct text *text)
{
    text_print(text,
               "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
               "cuid  cgid      atime      dtime      ctime                   rss                  "
               "swap\n");
    for (uint32_t i = 0; i < table.used; i++) {
        const struct sysv_object *of = table.at[i];
        const struct segment *at = of ? segment_of(table.at[i]) : NULL;
        if (at) {
            text_print(text, "%d %u %u%u%u%u %lu %u %u %lu %u %u %u %u %ld %ld %ld %lu 0\n",
                       of->key, of->id, of->mode >> 9 & 7, of->mode >> 6 & 7, of->mode >> 3 & 7,
                       of->mode & 7, at->bytes, at->creator, at->last, attachments(at), of->uid,
                       of->gid, of->creator_uid, of->creator_gid, at->attached, at->detached,
                       of->changed, (uint64_t)PAGE_UP(at->bytes));
        }
    }
    return 0;
}
