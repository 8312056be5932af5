// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Pipes, with and without a name.
#pragma once

#include "inode.h"

#define PIPE_BUF 4096u  // bytes that are written all at once or not at all

#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032

struct pipe;

// Open a FIFO, or a pipe by its name in /proc: the `open` of all inodes of S_IFIFO.  Takes over the
// references to the place.  Waits for the other side as fifo(7) says.
int64_t fifo_open(struct task *task, struct place place, uint32_t flags, struct file **file);

// The pipe that a file is an end of, or NULL.
struct pipe *pipe_of(const struct file *file);
// fcntl: -EBADF where it is no pipe, -EPERM, -EBUSY.
int64_t pipe_size(const struct file *file);
int64_t pipe_resize(struct task *task, struct file *file, uint64_t bytes);

// Send SIGPIPE to the task: -EPIPE.
int64_t pipe_broken(struct task *task);

// For splice and tee.  Bytes in it; room in it.
uint32_t pipe_filled(const struct pipe *pipe);
uint32_t pipe_room(const struct pipe *pipe);
bool pipe_has_readers(const struct pipe *pipe);
bool pipe_has_writers(const struct pipe *pipe);
struct waitlist *pipe_readable(struct pipe *pipe);
struct waitlist *pipe_writable(struct pipe *pipe);
// Where the bytes after the first `skip` stand, and how many in a row there, at most `bytes`.
const char *pipe_peek(const struct pipe *pipe, uint32_t skip, uint32_t *bytes);
// The first bytes are done with; wakes writers.
void pipe_drop(struct pipe *pipe, uint32_t bytes);
// Room for bytes at the end: where, and how many in a row, at most `bytes`.  NULL: no memory.
char *pipe_reserve(struct pipe *pipe, uint32_t *bytes);
// That many have been put there; wakes readers.
void pipe_commit(struct pipe *pipe, uint32_t bytes);
