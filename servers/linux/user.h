// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The memory of processes.  All of it is mapped here, page by page somewhere: an access looks up
// the page, brings it in as a fault would, and copies.  Nothing of it is read twice.
#pragma once

#include "types.h"

#include <stdbool.h>
#include <stdint.h>

struct task;
struct space;

// Where a range of a task's memory lies here, brought in to be read or written; NULL: it cannot be
// touched, or its pages do not lie side by side.  Nothing else may be done before it is used.
void *user_reach(struct task *task, user_t at, uint64_t bytes, bool write);

// Copy in or out: 0 or -EFAULT, with what lies before the first page that cannot be touched copied.
int user_read(struct task *task, void *to, user_t from, uint64_t bytes);
int user_write(struct task *task, user_t to, const void *from, uint64_t bytes);
int user_clear(struct task *task, user_t to, uint64_t bytes);
// A string with its zero, at most `bytes` long with it: its length, -EFAULT, or -ENAMETOOLONG.
int64_t user_string(struct task *task, char *to, user_t from, uint64_t bytes);
// The same in the space of another process.
int space_read(struct space *space, void *to, user_t from, uint64_t bytes);
int space_write(struct space *space, user_t to, const void *from, uint64_t bytes);

// Bytes to be moved between a file and who asked: memory of a process, in pieces, or of the server.
struct io {
    struct task *task;  // NULL: `here`
    char *here;
    user_t at;       // of the piece
    uint64_t piece;  // left in it
    uint64_t left;   // left in all
    user_t vector;   // further pieces (struct iovec), `pieces` of them
    uint64_t pieces;
    bool writes;  // to a file: bytes are taken; else they are given
};
struct io io_user(struct task *task, user_t at, uint64_t bytes, bool writes);
struct io io_here(void *here, uint64_t bytes, bool writes);
// Pieces of a process (readv, writev): 0, -EINVAL or -EFAULT.
int io_vector(struct io *io, struct task *task, user_t vector, uint64_t pieces);
// Move up to `bytes` (at most io->left) to or from the server's memory: how many were moved, or
// -EFAULT where none could be.
int64_t io_give(struct io *io, const void *from, uint64_t bytes);
int64_t io_give_zero(struct io *io, uint64_t bytes);
int64_t io_take(struct io *io, void *to, uint64_t bytes);
