// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Copying to and from processes, and the moving of bytes for files.
#include "user.h"

#include "futex.h"
#include "space.h"
#include "task.h"

#include <rt/string.h>

// A page that its process could not write to just now.
static __attribute__((noinline)) char *page_bring(struct space *space, user_t address, bool write)
{
    entry_t *entry = address < SPACE_END ? space_entry(space, address, false) : NULL;
    if (entry && *entry && !write) {
        struct area *area = area_find(space, address);
        if (area && area->start <= address && area->prot & PROT_RIGHTS) {
            return page_here(*entry & ENTRY_PAGE);
        }
    }
    struct mapping mapping;
    int code = 0;
    if (space_fault(space, address, write ? FAULT_WRITE : FAULT_READ, &mapping, &code)) {
        return NULL;
    }
    entry = space_entry(space, address, false);
    if (mapping.count && !space_map(space, &mapping)) {
        return NULL;
    }
    return page_here(*entry & ENTRY_PAGE);
}

// Where a page of a space is, for reading or writing; NULL: it cannot be touched.  Brings it in,
// and has it private where it is to be written.
static inline char *page_reach(struct space *space, user_t address, bool write)
{
    const entry_t *entry = address < SPACE_END ? space_entry(space, address, false) : NULL;
    return entry && *entry & ENTRY_WRITES ? page_here(*entry & ENTRY_PAGE)
                                          : page_bring(space, address, write);
}

// The bytes from `at` on that lie in one page, at most `bytes`.
static uint64_t span(user_t at, uint64_t bytes)
{
    uint64_t rest = PAGE_SIZE - (at & PAGE_MASK);
    return rest < bytes ? rest : bytes;
}

// Whether further pages of a range lie behind its first one.
static __attribute__((noinline)) bool others_follow(struct space *space, user_t at, uint64_t bytes,
                                                    bool write, const char *here)
{
    for (uint64_t reached = span(at, bytes); reached < bytes;) {
        if (page_reach(space, at + reached, write) != here + reached) {
            return false;
        }
        reached += span(at + reached, bytes - reached);
    }
    return true;
}

void *user_reach(struct task *task, user_t at, uint64_t bytes, bool write)
{
    char *page = page_reach(task->space, at, write);
    if (!page) {
        return NULL;
    }
    char *here = page + (at & PAGE_MASK);
    bool whole = span(at, bytes) == bytes;
    return whole || others_follow(task->space, at, bytes, write, here) ? here : NULL;
}

int space_read(struct space *space, void *to, user_t from, uint64_t bytes)
{
    for (char *out = to; bytes;) {
        uint64_t part = span(from, bytes);
        const char *here = page_reach(space, from, false);
        if (!here) {
            return -EFAULT;
        }
        memcpy(out, here + (from & PAGE_MASK), part);
        out += part;
        from += part;
        bytes -= part;
    }
    return 0;
}

int space_write(struct space *space, user_t to, const void *from, uint64_t bytes)
{
    for (const char *in = from; bytes;) {
        uint64_t part = span(to, bytes);
        char *here = page_reach(space, to, true);
        if (!here) {
            return -EFAULT;
        }
        memcpy(here + (to & PAGE_MASK), in, part);
        in += part;
        to += part;
        bytes -= part;
    }
    return 0;
}

int user_read(struct task *task, void *to, user_t from, uint64_t bytes)
{
    return space_read(task->space, to, from, bytes);
}

int user_write(struct task *task, user_t to, const void *from, uint64_t bytes)
{
    return space_write(task->space, to, from, bytes);
}

int user_clear(struct task *task, user_t to, uint64_t bytes)
{
    while (bytes) {
        uint64_t part = span(to, bytes);
        char *here = page_reach(task->space, to, true);
        if (!here) {
            return -EFAULT;
        }
        memset(here + (to & PAGE_MASK), 0, part);
        to += part;
        bytes -= part;
    }
    return 0;
}

int64_t user_string(struct task *task, char *to, user_t from, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        uint64_t part = span(from + done, bytes - done);
        const char *here = page_reach(task->space, from + done, false);
        if (!here) {
            return -EFAULT;
        }
        here += (from + done) & PAGE_MASK;
        for (uint64_t i = 0; i < part; i++, done++) {
            to[done] = here[i];
            if (!to[done]) {
                return (int64_t)done;
            }
        }
    }
    return -ENAMETOOLONG;
}

// ---- for files ---------------------------------------------------------------------------------
#define PIECES_MOST 1024u          // UIO_MAXIOV
#define IO_MOST     0x7ffff000ull  // bytes of one call (read(2))

struct piece {  // struct iovec
    user_t at;
    uint64_t bytes;
};

struct io io_user(struct task *task, user_t at, uint64_t bytes, bool writes)
{
    bytes = bytes < IO_MOST ? bytes : IO_MOST;
    return (struct io){ .task = task, .at = at, .piece = bytes, .left = bytes, .writes = writes };
}

struct io io_here(void *here, uint64_t bytes, bool writes)
{
    return (struct io){ .here = here, .piece = bytes, .left = bytes, .writes = writes };
}

int io_vector(struct io *io, struct task *task, user_t vector, uint64_t pieces_count)
{
    *io = (struct io){ .task = task, .vector = vector, .pieces = pieces_count };
    if (pieces_count > PIECES_MOST) {
        return -EINVAL;
    }
    for (uint64_t i = 0; i < pieces_count; i++) {
        struct piece piece;
        if (user_read(task, &piece, vector + i * sizeof(piece), sizeof(piece))) {
            return -EFAULT;
        }
        if ((int64_t)piece.bytes < 0) {
            return -EINVAL;
        }
        uint64_t room = IO_MOST - io->left;
        io->left += piece.bytes < room ? piece.bytes : room;
    }
    return 0;
}

// Go on to the next piece that has bytes; false: it cannot be read.
static bool piece_next(struct io *io)
{
    struct piece piece;
    while (!io->piece && io->pieces) {
        if (user_read(io->task, &piece, io->vector, sizeof(piece)) || (int64_t)piece.bytes < 0) {
            return false;
        }
        io->vector += sizeof(piece);
        io->pieces--;
        io->at = piece.at;
        io->piece = piece.bytes;
    }
    return io->piece > 0;
}

// Move up to `bytes` in parts that lie in one page.
static int64_t io_move(struct io *io, char *own, const char *from, uint64_t bytes)
{
    uint64_t done = 0;
    bytes = bytes < io->left ? bytes : io->left;
    while (done < bytes) {
        if (io->task && !piece_next(io)) {
            break;
        }
        uint64_t part = bytes - done < io->piece ? bytes - done : io->piece;
        part = io->task ? span(io->at, part) : part;
        char *here = io->task ? page_reach(io->task->space, io->at, !own) : io->here;
        if (!here) {
            break;
        }
        here += io->task ? io->at & PAGE_MASK : 0;
        if (own) {
            memcpy(own + done, here, part);
        } else if (from) {
            memcpy(here, from + done, part);
        } else {
            memset(here, 0, part);
        }
        done += part;
        io->at += part;
        io->here += io->task ? 0 : part;
        io->piece -= part;
        io->left -= part;
    }
    return done || !bytes ? (int64_t)done : -EFAULT;
}

int64_t io_give(struct io *io, const void *from, uint64_t bytes)
{
    return io_move(io, NULL, from, bytes);
}

int64_t io_give_zero(struct io *io, uint64_t bytes)
{
    return io_move(io, NULL, NULL, bytes);
}

int64_t io_take(struct io *io, void *to, uint64_t bytes)
{
    return io_move(io, to, NULL, bytes);
}

// ---- for futexes -------------------------------------------------------------------------------
uint32_t *user_word(struct task *task, user_t at, bool write)
{
    char *here = at & 3 ? NULL : page_reach(task->space, at, write);
    // NOLINTNEXTLINE(performance-no-int-to-ptr, bugprone-casting-through-void): it is aligned
    return here ? (uint32_t *)(void *)(here + (at & PAGE_MASK)) : NULL;
}

bool space_key(struct space *space, user_t at, struct futex_key *key)
{
    const struct area *area = area_find(space, at);
    if (!area || area->start > at || !(area->flags & AREA_SHARED)) {
        return false;
    }
    key->object = (uint64_t)area->file->inode;
    key->offset = (area->first << PAGE_BITS) + (at - area->start);
    return true;
}
