// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Tables of descriptors, and the system calls about them.
#include "descriptor.h"

#include "call.h"
#include "capability.h"
#include "heap.h"
#include "lock.h"
#include "outside.h"

#include <rt/string.h>

#define FEW 64u

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

struct files *files_new(void)
{
    struct files *files = heap_alloc(sizeof(*files));
    struct descriptor *at = heap_alloc(FEW * sizeof(*at));
    if (!files || !at) {
        heap_free(files);
        heap_free(at);
        return NULL;
    }
    files->refs = 1;
    files->count = FEW;
    files->at = at;
    return files;
}

struct files *files_copy(const struct files *from)
{
    struct files *files = heap_alloc(sizeof(*files));
    struct descriptor *at = heap_alloc(from->count * sizeof(*at));
    if (!files || !at) {
        heap_free(files);
        heap_free(at);
        return NULL;
    }
    *files = *from;
    files->refs = 1;
    files->at = at;
    memcpy(at, from->at, from->count * sizeof(*at));
    for (uint32_t i = 0; i < files->count; i++) {
        if (at[i].file) {
            file_get(at[i].file);
        }
    }
    return files;
}

// What happens to a file whose descriptor is gone already.
static void file_leave(struct task *task, struct files *files, struct file *file)
{
    if (file->ops->flush) {
        file->ops->flush(task, file);
    }
    if (!list_empty(&file->inode->locks)) {
        lock_close(files, file->inode);
    }
    file_put(file);
}

void files_put(struct task *task, struct files *files)
{
    if (--files->refs > 0) {
        return;
    }
    for (uint32_t i = 0; i < files->count; i++) {
        if (files->at[i].file) {
            file_leave(task, files, files->at[i].file);
        }
    }
    heap_free(files->at);
    heap_free(files);
}

void files_exec(struct task *task)
{
    for (uint32_t i = 0; i < task->files->count; i++) {
        if (task->files->at[i].file && task->files->at[i].close_on_exec) {
            (void)file_close(task, (int)i);
        }
    }
}

struct file *file_at_any(const struct task *task, int fd)
{
    const struct files *files = task->files;
    return (unsigned)fd < files->count ? files->at[fd].file : NULL;
}

struct file *file_at(const struct task *task, int fd)
{
    struct file *file = file_at_any(task, fd);
    return file && !(file->flags & O_PATH) ? file : NULL;
}

struct file *file_of_call(const struct task *task, int fd)
{
    return task->call.file ? task->call.file : file_at(task, fd);
}

int64_t file_keep(struct task *task, struct file *file, int64_t result)
{
    if (file->async) {
        async_look(file);
    }
    if (result == RESULT_WAIT && !task->call.file) {
        file_get(file);
        task->call.file = file;
    }
    return result;
}

// ---- places ------------------------------------------------------------------------------------
static bool grow(struct files *files, uint64_t count)
{
    uint64_t room = files->count;
    while (room < count) {
        room *= 2;
    }
    struct descriptor *at = room <= DESCRIPTORS_MOST ? heap_alloc(room * sizeof(*at)) : NULL;
    if (!at) {
        return false;
    }
    memcpy(at, files->at, files->count * sizeof(*at));
    heap_free(files->at);
    files->at = at;
    files->count = (uint32_t)room;
    return true;
}

static uint64_t limit_of(const struct task *task)
{
    uint64_t limit = task_limit(task, RLIMIT_NOFILE);
    return limit < DESCRIPTORS_MOST ? limit : DESCRIPTORS_MOST;
}

int64_t descriptor_free(struct task *task, unsigned from)
{
    struct files *files = task->files;
    uint32_t at = from > files->next ? from : files->next;
    while (at < files->count && files->at[at].file) {
        at++;
    }
    if (at >= limit_of(task)) {
        return -EMFILE;
    }
    if (at >= files->count && !grow(files, at + 1)) {
        return -ENOMEM;
    }
    return at;
}

int64_t file_install(struct task *task, struct file *file, unsigned from, bool close_on_exec)
{
    struct files *files = task->files;
    int64_t at = descriptor_free(task, from);
    if (at < 0) {
        file_put(file);
        return at;
    }
    files->at[at] = (struct descriptor){ file, close_on_exec };
    if (from <= files->next) {
        files->next = (uint32_t)at + 1;
    }
    return at;
}

int64_t file_close(struct task *task, int fd)
{
    struct files *files = task->files;
    struct file *file = file_at_any(task, fd);
    if (!file) {
        return -EBADF;
    }
    files->at[fd] = (struct descriptor){};
    files->next = (uint32_t)fd < files->next ? (uint32_t)fd : files->next;
    file_leave(task, files, file);
    return 0;
}

int64_t call_close(struct task *task, int32_t fd)
{
    return file_close(task, fd);
}

// ---- copies ------------------------------------------------------------------------------------
int64_t call_dup(struct task *task, int32_t fd)
{
    struct file *file = file_at_any(task, fd);
    if (!file) {
        return -EBADF;
    }
    file_get(file);
    return file_install(task, file, 0, false);
}

static int64_t dup_to(struct task *task, int32_t fd, int32_t to, bool close_on_exec)
{
    struct file *file = file_at_any(task, fd);
    if (!file || (uint32_t)to >= limit_of(task)) {
        return -EBADF;
    }
    struct files *files = task->files;
    if ((uint32_t)to >= files->count && !grow(files, (uint64_t)to + 1)) {
        return -ENOMEM;
    }
    file_get(file);
    struct file *old = files->at[to].file;
    files->at[to] = (struct descriptor){ file, close_on_exec };
    if (old) {
        file_leave(task, files, old);
    }
    return to;
}

int64_t call_dup2(struct task *task, int32_t fd, int32_t to)
{
    if (fd == to) {
        return file_at_any(task, fd) ? fd : -EBADF;
    }
    return dup_to(task, fd, to, false);
}

int64_t call_dup3(struct task *task, int32_t fd, int32_t to, uint32_t flags)
{
    if (flags & ~O_CLOEXEC || fd == to) {
        return -EINVAL;
    }
    return dup_to(task, fd, to, flags & O_CLOEXEC);
}

// ---- ranges ------------------------------------------------------------------------------------
static int64_t unshare(struct task *task)
{
    if (task->files->refs == 1) {
        return 0;
    }
    struct files *copy = files_copy(task->files);
    if (!copy) {
        return -ENOMEM;
    }
    files_put(task, task->files);
    task->files = copy;
    return 0;
}

int64_t call_close_range(struct task *task, uint32_t first, uint32_t last, uint32_t flags)
{
    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last) {
        return -EINVAL;
    }
    int64_t error = flags & CLOSE_RANGE_UNSHARE ? unshare(task) : 0;
    for (uint64_t i = first; !error && i <= last && i < task->files->count; i++) {
        struct descriptor *at = &task->files->at[i];
        if (at->file && flags & CLOSE_RANGE_CLOEXEC) {
            at->close_on_exec = true;
        } else if (at->file) {
            (void)file_close(task, (int)i);
        }
    }
    return error;
}
