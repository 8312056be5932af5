// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Moving between pipes and files without a process's memory: splice, tee, vmsplice.  Bytes are
// copied once, between the pipe's pages and the file.
#include "call.h"
#include "content.h"
#include "pipe.h"

#include <rt/string.h>

#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL      15u
#define PIECES_MAX        1024u

struct splice {
    struct task *task;
    struct file *from, *to;
    uint64_t *from_at, *to_at;  // NULL: the file's own offset
    uint64_t bytes;
    bool waits;
};

// Until a pipe has something to read: 1; 0: the end; or what the call answers.
static int64_t pipe_wait_filled(const struct splice *splice, struct pipe *pipe)
{
    if (pipe_filled(pipe)) {
        return 1;
    }
    if (!pipe_has_writers(pipe)) {
        return 0;
    }
    if (!splice->waits || splice->from->flags & O_NONBLOCK) {
        return -EAGAIN;
    }
    return wait_on(splice->task, pipe_readable(pipe));
}

static int64_t pipe_wait_room(const struct splice *splice, struct pipe *pipe)
{
    if (!pipe_has_readers(pipe)) {
        return pipe_broken(splice->task);
    }
    if (pipe_room(pipe)) {
        return 1;
    }
    if (!splice->waits || splice->to->flags & O_NONBLOCK) {
        return -EAGAIN;
    }
    return wait_on(splice->task, pipe_writable(pipe));
}

static uint32_t splice_part(uint64_t bytes)
{
    return bytes < PAGE_SIZE ? (uint32_t)bytes : (uint32_t)PAGE_SIZE;
}

// Bytes of a file to a pipe: how many, 0 at its end, or what the call answers.
static int64_t splice_in(const struct splice *splice, struct pipe *to)
{
    uint64_t done = 0;
    int64_t result = pipe_wait_room(splice, to);

    while (result > 0 && done < splice->bytes && pipe_room(to)) {
        uint32_t bytes = splice_part(splice->bytes - done);
        char *there = pipe_reserve(to, &bytes);
        struct io io = io_here(there, bytes, false);
        result = there ? content_read(splice->task, splice->from, &io, splice->from_at) : -ENOMEM;
        if (result > 0) {
            pipe_commit(to, (uint32_t)result);
            done += (uint64_t)result;
        }
        // Less than there was room for: no more is there now.
        if (result < (int64_t)bytes) {
            break;
        }
    }
    return done ? (int64_t)done : result;
}

static int64_t splice_out(const struct splice *splice, struct pipe *from)
{
    uint64_t done = 0;
    int64_t result = pipe_wait_filled(splice, from);

    while (result > 0 && done < splice->bytes && pipe_filled(from)) {
        uint32_t bytes = splice_part(splice->bytes - done);
        const char *here = pipe_peek(from, 0, &bytes);
        // It is only read.
        struct io io = io_here((char *)(uintptr_t)here, bytes, true);
        result = content_write(splice->task, splice->to, &io, splice->to_at);
        if (result > 0) {
            pipe_drop(from, (uint32_t)result);
            done += (uint64_t)result;
        }
    }
    return done ? (int64_t)done : result;
}

// Between pipes; `keeps`: what is copied stays in the first one (tee).
static int64_t splice_pipes(const struct splice *splice, bool keeps)
{
    struct pipe *from = pipe_of(splice->from), *to = pipe_of(splice->to);
    uint64_t done = 0;
    int64_t result = pipe_wait_filled(splice, from);

    if (result > 0) {
        result = pipe_wait_room(splice, to);
    }
    while (result > 0 && done < splice->bytes && pipe_room(to)) {
        uint32_t skip = keeps ? (uint32_t)done : 0, bytes = splice_part(splice->bytes - done);
        if (skip >= pipe_filled(from)) {
            break;
        }
        const char *here = pipe_peek(from, skip, &bytes);
        char *there = pipe_reserve(to, &bytes);
        if (!there) {
            result = -ENOMEM;
            break;
        }
        memcpy(there, here, bytes);
        pipe_commit(to, bytes);
        if (!keeps) {
            pipe_drop(from, bytes);
        }
        done += bytes;
    }
    return done ? (int64_t)done : result;
}

static int64_t splice_run(const struct splice *splice)
{
    struct pipe *from = pipe_of(splice->from), *to = pipe_of(splice->to);

    if (from && to) {
        return from == to ? -EINVAL : splice_pipes(splice, false);
    }
    if (from) {
        return splice->to->flags & O_APPEND ? -EINVAL : splice_out(splice, from);
    }
    return to ? splice_in(splice, to) : -EINVAL;
}

// An offset of the process, for a file that has such: 0 or an error.
static int64_t offset_read(struct task *task, const struct file *file, user_t at, uint64_t *offset)
{
    if (!at) {
        return 0;
    }
    if (pipe_of(file)) {
        return -ESPIPE;
    }
    if (!file->ops->seek) {
        return -EINVAL;
    }
    return user_read(task, offset, at, sizeof(*offset));
}

static int64_t offsets_write(struct task *task, const user_t at[2], const uint64_t offsets[2])
{
    for (unsigned i = 0; i < 2; i++) {
        if (at[i] && user_write(task, at[i], &offsets[i], sizeof(offsets[i])) < 0) {
            return -EFAULT;
        }
    }
    return 0;
}

int64_t call_splice(struct task *task, int32_t from, user_t from_at, int32_t to, user_t to_at,
                    uint64_t bytes, uint32_t flags)
{
    uint64_t offsets[2] = { 0, 0 };
    const user_t at[2] = { from_at, to_at };
    struct splice splice = { .task = task, .from = file_at(task, from), .to = file_at(task, to) };
    int64_t result;

    if (bytes == 0) {
        return 0;
    }
    if (flags & ~SPLICE_F_ALL) {
        return -EINVAL;
    }
    if (!splice.from || !splice.to || !file_reads(splice.from) || !file_writes(splice.to)) {
        return -EBADF;
    }
    result = offset_read(task, splice.from, from_at, &offsets[0]);
    if (!result) {
        result = offset_read(task, splice.to, to_at, &offsets[1]);
    }
    if (result) {
        return result;
    }
    splice.from_at = from_at ? &offsets[0] : NULL;
    splice.to_at = to_at ? &offsets[1] : NULL;
    splice.bytes = bytes < INT32_MAX ? bytes : INT32_MAX;
    splice.waits = !(flags & SPLICE_F_NONBLOCK);
    result = splice_run(&splice);
    return result > 0 && offsets_write(task, at, offsets) < 0 ? -EFAULT : result;
}

int64_t call_tee(struct task *task, int32_t from, int32_t to, uint64_t bytes, uint32_t flags)
{
    struct splice splice = { .task = task, .from = file_at(task, from), .to = file_at(task, to) };

    if (flags & ~SPLICE_F_ALL) {
        return -EINVAL;
    }
    if (bytes == 0) {
        return 0;
    }
    if (!splice.from || !splice.to || !file_reads(splice.from) || !file_writes(splice.to)) {
        return -EBADF;
    }
    if (!pipe_of(splice.from) || !pipe_of(splice.to) ||
        pipe_of(splice.from) == pipe_of(splice.to)) {
        return -EINVAL;
    }
    splice.bytes = bytes < INT32_MAX ? bytes : INT32_MAX;
    splice.waits = !(flags & SPLICE_F_NONBLOCK);
    return splice_pipes(&splice, true);
}

// The pages are not the pipe's afterwards, as they are not in Linux unless they are given.
int64_t call_vmsplice(struct task *task, int32_t fd, user_t vector, uint64_t pieces, uint32_t flags)
{
    struct file *file = file_at(task, fd);
    struct io io;
    int64_t result;

    if (flags & ~SPLICE_F_ALL) {
        return -EINVAL;
    }
    if (!file || !pipe_of(file)) {
        return -EBADF;
    }
    if (pieces > PIECES_MAX) {
        return -EINVAL;
    }
    result = io_vector(&io, task, vector, pieces);
    if (result) {
        return result;
    }
    io.writes = file_writes(file);
    uint32_t before = file->flags;
    file->flags |= flags & SPLICE_F_NONBLOCK ? O_NONBLOCK : 0;
    result = io.writes ? content_write(task, file, &io, NULL) : content_read(task, file, &io, NULL);
    file->flags = before;
    return result;
}
