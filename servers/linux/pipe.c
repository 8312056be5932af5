// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Pipes: a ring of bytes in pages that are there only while bytes are in them, but for the first,
// which stays so that small messages need no memory.  An inode knows its pipe while it is open
// (inode->pipe), so that FIFOs, and pipes that are opened once more by their name in /proc, find
// it.
#include "pipe.h"

#include "call.h"
#include "capability.h"
#include "heap.h"
#include "install.h"
#include "ioctl.h"
#include "page.h"
#include "progress.h"

#include <rt/string.h>

#define PIPE_PAGES          16u
#define PIPE_PAGES_MAX      256u  // without CAP_SYS_RESOURCE
#define PIPE_BYTES_MAX      (1u << 31)
#define O_NOTIFICATION_PIPE O_EXCL

struct pipe {
    uint32_t readers, writers;         // open files
    uint32_t read_opens, write_opens;  // ever: who waits in open sees that there was one
    bool anonymous;                    // opening it never waits
    bool mixed;                        // some file is both ends: it waits as a reader
    struct waitlist readable, writable, opened;
    struct list packets;  // bounds of what was written with O_DIRECT
    uint32_t packet_count;
    uint64_t passed;        // bytes that have been read, ever
    uint32_t pages;         // capacity
    uint32_t head;          // where the first byte is
    uint32_t filled;        // bytes in it
    char **at;              // `pages` of them; NULL: not there now
    char *few[PIPE_PAGES];  // where `at` is as long as the capacity is as it was
};

// Bytes that are read as one, whose rest is dropped, by how many were written before and with them.
struct packet {
    struct list link;
    uint64_t begin, end;
};

static uint32_t pipe_capacity(const struct pipe *pipe)
{
    return pipe->pages * (uint32_t)PAGE_SIZE;
}

// Where the byte is that has so many before it; at most the capacity.
static uint32_t pipe_place(const struct pipe *pipe, uint32_t before)
{
    uint32_t at = pipe->head + before, capacity = pipe_capacity(pipe);
    return at < capacity ? at : at - capacity;
}

uint32_t pipe_filled(const struct pipe *pipe)
{
    return pipe->filled;
}

uint32_t pipe_room(const struct pipe *pipe)
{
    return pipe_capacity(pipe) - pipe->filled;
}

bool pipe_has_readers(const struct pipe *pipe)
{
    return pipe->readers != 0;
}

bool pipe_has_writers(const struct pipe *pipe)
{
    return pipe->writers != 0;
}

struct waitlist *pipe_readable(struct pipe *pipe)
{
    return &pipe->readable;
}

struct waitlist *pipe_writable(struct pipe *pipe)
{
    return pipe->mixed ? &pipe->readable : &pipe->writable;
}

static void pipe_wake(struct pipe *pipe, struct waitlist *list)
{
    struct waitlist *really = pipe->mixed ? &pipe->readable : list;

    if (!list_empty(&list->waiters)) {
        waitlist_wake(list);
    }
    if (really != list && !list_empty(&really->waiters)) {
        waitlist_wake(really);
    }
}

static struct pipe *pipe_new(void)
{
    struct pipe *pipe = heap_alloc(sizeof(*pipe));

    if (!pipe) {
        return NULL;
    }
    pipe->pages = PIPE_PAGES;
    pipe->at = pipe->few;
    list_init(&pipe->packets);
    waitlist_init(&pipe->readable);
    waitlist_init(&pipe->writable);
    waitlist_init(&pipe->opened);
    return pipe;
}

static void ring_free(struct pipe *pipe)
{
    for (uint32_t i = 0; i < pipe->pages; i++) {
        if (pipe->at[i]) {
            page_put(page_of(pipe->at[i]));
        }
    }
    if (pipe->at != pipe->few) {
        heap_free(pipe->at);
    }
}

const char *pipe_peek(const struct pipe *pipe, uint32_t skip, uint32_t *bytes)
{
    uint32_t at = pipe_place(pipe, skip);
    uint32_t in_page = at % PAGE_SIZE, row = (uint32_t)PAGE_SIZE - in_page;

    if (row > pipe->filled - skip) {
        row = pipe->filled - skip;
    }
    if (*bytes > row) {
        *bytes = row;
    }
    return pipe->at[at / PAGE_SIZE] + in_page;
}

// A page that was read to its end, or whose last byte was read; the first one is kept.
static void pipe_release(struct pipe *pipe, uint32_t index)
{
    if (index == 0 || !pipe->at[index]) {
        return;
    }
    page_put(page_of(pipe->at[index]));
    pipe->at[index] = NULL;
}

// Forget packets that have been read.
static void packets_pass(struct pipe *pipe)
{
    LIST_EACH(packet, &pipe->packets, struct packet, link) {
        if (packet->end > pipe->passed) {
            break;
        }
        list_remove(&packet->link);
        heap_free(packet);
        pipe->packet_count--;
    }
}

void pipe_drop(struct pipe *pipe, uint32_t bytes)
{
    bool was_full = pipe_room(pipe) < PIPE_BUF || pipe->packet_count >= pipe->pages;
    uint32_t first = pipe->head / PAGE_SIZE, end = pipe->head + bytes,
             capacity = pipe_capacity(pipe);
    // A page is still needed where the ring's end has come round to its beginning.
    bool wrapped = pipe->head + pipe->filled > first * PAGE_SIZE + capacity;

    pipe->filled -= bytes;
    pipe->passed += bytes;
    if (pipe->packet_count) {
        packets_pass(pipe);
    }
    if (end / PAGE_SIZE != first && !wrapped) {
        pipe_release(pipe, first);
    }
    for (uint32_t i = first + 1; i < end / PAGE_SIZE; i++) {
        pipe_release(pipe, i < pipe->pages ? i : i - pipe->pages);
    }
    pipe->head = end < capacity ? end : end - capacity;
    if (pipe->filled == 0) {
        pipe_release(pipe, pipe->head / (uint32_t)PAGE_SIZE);
        pipe->head = 0;
    }
    if (was_full) {
        pipe_wake(pipe, &pipe->writable);
    }
}

char *pipe_reserve(struct pipe *pipe, uint32_t *bytes)
{
    uint32_t at = pipe_place(pipe, pipe->filled), index = at / (uint32_t)PAGE_SIZE;
    uint32_t in_page = at % PAGE_SIZE, row = (uint32_t)PAGE_SIZE - in_page;

    if (row > pipe_room(pipe)) {
        row = pipe_room(pipe);
    }
    if (*bytes > row) {
        *bytes = row;
    }
    if (!pipe->at[index]) {
        uint32_t page = page_alloc();
        if (page == PAGE_NONE) {
            return NULL;
        }
        pipe->at[index] = page_here(page);
    }
    return pipe->at[index] + in_page;
}

void pipe_commit(struct pipe *pipe, uint32_t bytes)
{
    pipe->filled += bytes;
    pipe_wake(pipe, &pipe->readable);
}

int64_t pipe_broken(struct task *task)
{
    struct signal_info info = { .signal = SIGPIPE, .code = SI_USER };

    info.pid = task->process->pid;
    info.uid = task->credentials.uid;
    signal_send_task(task, &info);
    return -EPIPE;
}

// ---- the operations of its files ----------------------------------------------------------------

// Bytes of the first packet, if one is first: it is gone then, read or not.
static int64_t packet_read(struct pipe *pipe, struct io *io)
{
    const struct packet *packet = CONTAINER(pipe->packets.next, struct packet, link);
    uint32_t left = (uint32_t)(packet->end - pipe->passed), moved = 0;

    while (moved < left && io->left) {
        uint32_t bytes = left - moved;
        const char *from = pipe_peek(pipe, moved, &bytes);
        int64_t given = io_give(io, from, bytes);
        if (given <= 0) {
            return moved ? moved : given;
        }
        moved += (uint32_t)given;
    }
    pipe_drop(pipe, left);
    return moved;
}

// How many bytes there are before the next packet: false: it is first.
static bool packet_is_next(const struct pipe *pipe, uint64_t *before)
{
    const struct packet *packet = CONTAINER(pipe->packets.next, struct packet, link);

    *before = packet->begin > pipe->passed ? packet->begin - pipe->passed : 0;
    return *before == 0;
}

static int64_t stream_read(struct pipe *pipe, struct io *io, uint64_t most)
{
    int64_t moved = 0;

    while (io->left && pipe->filled && (uint64_t)moved < most) {
        uint64_t left = most - (uint64_t)moved;
        uint32_t bytes = pipe->filled;
        if (bytes > io->left) {
            bytes = (uint32_t)io->left;
        }
        if (bytes > left) {
            bytes = (uint32_t)left;
        }
        const char *from = pipe_peek(pipe, 0, &bytes);
        int64_t given = io_give(io, from, bytes);
        if (given <= 0) {
            return moved ? moved : given;
        }
        pipe_drop(pipe, (uint32_t)given);
        moved += given;
        if (given < bytes) {
            break;
        }
    }
    return moved;
}

static int64_t pipe_read(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct pipe *pipe = file->state;
    uint64_t most = UINT64_MAX;

    (void)offset;
    if (io->left == 0) {
        return 0;
    }
    if (pipe->filled == 0) {
        if (pipe->writers == 0) {
            return 0;
        }
        return file->flags & O_NONBLOCK ? -EAGAIN : wait_on(task, &pipe->readable);
    }
    if (pipe->packet_count && packet_is_next(pipe, &most)) {
        return packet_read(pipe, io);
    }
    return stream_read(pipe, io, most);
}

// Up to a page of what is to be written, as a packet: 0: there is no room.
static int64_t packet_write(struct pipe *pipe, struct io *io)
{
    uint64_t begin = pipe->passed + pipe->filled;
    uint32_t most = io->left < PIPE_BUF ? (uint32_t)io->left : PIPE_BUF, done = 0;
    struct packet *packet;

    if (pipe_room(pipe) < most || pipe->packet_count >= pipe->pages) {
        return 0;
    }
    packet = heap_alloc(sizeof(*packet));
    if (!packet) {
        return -ENOMEM;
    }
    while (done < most) {
        uint32_t bytes = most - done;
        char *to = pipe_reserve(pipe, &bytes);
        int64_t taken = to ? io_take(io, to, bytes) : -ENOMEM;
        if (taken <= 0 && !done) {
            heap_free(packet);
            return taken;
        }
        if (taken <= 0) {
            break;
        }
        pipe->filled += (uint32_t)taken;
        done += (uint32_t)taken;
    }
    packet->begin = begin;
    packet->end = begin + done;
    list_add(&pipe->packets, &packet->link);
    pipe->packet_count++;
    return done;
}

static int64_t packets_write(struct pipe *pipe, struct io *io)
{
    int64_t moved = 0, result = 0;

    while (io->left) {
        result = packet_write(pipe, io);
        if (result <= 0) {
            break;
        }
        moved += result;
    }
    return moved ? moved : result;
}

// What fits, all or nothing where it is to be written at once.
static int64_t pipe_fill(struct pipe *pipe, struct io *io, bool at_once)
{
    int64_t moved = 0;

    if (at_once && io->left > pipe_room(pipe)) {
        return 0;
    }
    while (io->left && pipe_room(pipe)) {
        uint32_t bytes = io->left < PAGE_SIZE ? (uint32_t)io->left : (uint32_t)PAGE_SIZE;
        char *to = pipe_reserve(pipe, &bytes);
        int64_t taken = to ? io_take(io, to, bytes) : -ENOMEM;
        if (taken <= 0) {
            return moved ? moved : taken;
        }
        pipe->filled += (uint32_t)taken;
        moved += taken;
        if (taken < bytes) {
            break;
        }
    }
    return moved;
}

// A write of a process goes on until all is written; call.done has what it has written already.
// For others in the server, which count themselves, what fits is enough.
static int64_t pipe_write(struct task *task, struct file *file, struct io *io, uint64_t *offset)
{
    struct pipe *pipe = file->state;
    bool at_once = io->left <= PIPE_BUF, process = io->task != NULL;
    uint64_t done = process && task->call.again ? task->call.done : 0;
    int64_t moved;

    (void)offset;
    if (io->left == 0) {
        return 0;
    }
    if (pipe->readers == 0) {
        pipe_broken(task);
        return done ? (int64_t)done : -EPIPE;
    }
    if (done && io_skip(io, done) < 0) {
        return (int64_t)done;
    }
    moved = file->flags & O_DIRECT ? packets_write(pipe, io) : pipe_fill(pipe, io, at_once);
    if (moved > 0) {
        pipe_wake(pipe, &pipe->readable);
        done += (uint64_t)moved;
    }
    if (moved < 0 || io->left == 0 || (done && (!process || file->flags & O_NONBLOCK)) ||
        (moved > 0 && pipe_room(pipe))) {
        return done ? (int64_t)done : moved;
    }
    if (file->flags & O_NONBLOCK) {
        return -EAGAIN;
    }
    if (process) {
        task->call.done = done;
    }
    return wait_on(task, pipe_writable(pipe));
}

static uint32_t pipe_ready(struct file *file)
{
    const struct pipe *pipe = file->state;
    uint32_t ready = 0;

    if (file_reads(file)) {
        if (pipe->filled) {
            ready |= POLLIN | POLLRDNORM;
        }
        // One that was opened before there was any writer has not lost one yet (fifo_new).
        if (pipe->writers == 0 && file->offset != pipe->write_opens) {
            ready |= POLLHUP;
        }
    }
    if (file_writes(file)) {
        if (pipe_room(pipe) >= PIPE_BUF) {
            ready |= POLLOUT | POLLWRNORM;
        }
        if (pipe->readers == 0) {
            ready |= POLLERR;
        }
    }
    return ready;
}

static struct waitlist *pipe_waits(struct file *file)
{
    struct pipe *pipe = file->state;

    return file_reads(file) ? &pipe->readable : pipe_writable(pipe);
}

static int64_t pipe_ioctl(struct task *task, struct file *file, uint32_t request, uint64_t argument)
{
    const struct pipe *pipe = file->state;
    int32_t filled = (int32_t)pipe->filled;

    if (request != FIONREAD) {
        return -ENOTTY;
    }
    return user_write(task, argument, &filled, sizeof(filled));
}

static void pipe_close(struct file *file)
{
    struct pipe *pipe = file->state;

    if (file_reads(file)) {
        pipe->readers--;
    }
    if (file_writes(file)) {
        pipe->writers--;
    }
    if (pipe->readers == 0 || pipe->writers == 0) {
        waitlist_wake(&pipe->readable);
        waitlist_wake(&pipe->writable);
    }
    if (pipe->readers || pipe->writers) {
        return;
    }
    file->inode->pipe = NULL;
    waitlist_end(&pipe->readable);
    waitlist_end(&pipe->writable);
    waitlist_end(&pipe->opened);
    pipe->passed = UINT64_MAX;
    packets_pass(pipe);
    ring_free(pipe);
    heap_free(pipe);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .ready = pipe_ready,
    .waits = pipe_waits,
    .close = pipe_close,
};

struct pipe *pipe_of(const struct file *file)
{
    return file->ops == &pipe_ops ? file->state : NULL;
}

// ---- size ---------------------------------------------------------------------------------------

int64_t pipe_size(const struct file *file)
{
    const struct pipe *pipe = pipe_of(file);

    return pipe ? (int64_t)pipe_capacity(pipe) : -EBADF;
}

// All that lies in one, to another that has room for it and wakes nobody.
static bool ring_copy(struct pipe *to, const struct pipe *from)
{
    while (to->filled < from->filled) {
        uint32_t bytes = from->filled;
        const char *here = pipe_peek(from, to->filled, &bytes);
        char *there = pipe_reserve(to, &bytes);
        if (!there) {
            return false;
        }
        memcpy(there, here, bytes);
        to->filled += bytes;
    }
    return true;
}

// The contents move to another ring; the pipe stays where it is, since tasks wait in its lists.
static int64_t ring_replace(struct pipe *pipe, uint32_t count)
{
    struct pipe other = { .pages = count, .at = heap_alloc(count * sizeof(char *)) };

    if (!other.at) {
        return -ENOMEM;
    }
    if (!ring_copy(&other, pipe)) {
        ring_free(&other);
        return -ENOMEM;
    }
    ring_free(pipe);
    pipe->pages = other.pages;
    pipe->head = other.head;
    pipe->at = other.at;
    waitlist_wake(pipe_writable(pipe));
    return pipe_capacity(pipe);
}

int64_t pipe_resize(struct task *task, struct file *file, uint64_t bytes)
{
    struct pipe *pipe = pipe_of(file);
    uint32_t count = 1;

    if (!pipe) {
        return -EBADF;
    }
    if (bytes > PIPE_BYTES_MAX) {
        return -EINVAL;
    }
    while (count * PAGE_SIZE < bytes) {
        count *= 2;
    }
    if (count > pipe->pages && count > PIPE_PAGES_MAX && !task_capable(task, CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    if (count * PAGE_SIZE < pipe->filled) {
        return -EBUSY;
    }
    return count == pipe->pages ? (int64_t)pipe_capacity(pipe) : ring_replace(pipe, count);
}

// ---- opening ------------------------------------------------------------------------------------

// Count a new file among the ends.
static void pipe_opened(struct pipe *pipe, struct file *file)
{
    file->state = pipe;
    if (file_reads(file)) {
        pipe->readers++;
        pipe->read_opens++;
    }
    if (file_writes(file)) {
        pipe->writers++;
        pipe->write_opens++;
    }
    if (file_reads(file) && file_writes(file)) {
        pipe->mixed = true;
    }
    waitlist_wake(&pipe->opened);
}

// A task that waits in open has its file already, so that the other side finds it.
struct opening {
    struct file *file;
    uint32_t seen;  // opens of the other side before it
};

static void opening_end(struct task *task)
{
    struct opening *opening = task->call.state;

    task->call.state = NULL;
    task->call.end = NULL;
    if (opening->file) {
        file_put(opening->file);
    }
    heap_free(opening);
}

static uint32_t other_opens(const struct pipe *pipe, const struct file *file)
{
    return file_reads(file) ? pipe->write_opens : pipe->read_opens;
}

// Until there has been another open of the other side.
static int64_t opening_wait(struct task *task, struct file **file)
{
    struct opening *opening = task->call.state;
    struct pipe *pipe = opening->file->state;

    if (other_opens(pipe, opening->file) == opening->seen) {
        return wait_on(task, &pipe->opened);
    }
    *file = opening->file;
    opening->file = NULL;
    opening_end(task);
    return 0;
}

static int64_t opening_begin(struct task *task, struct file *file)
{
    struct opening *opening = heap_alloc(sizeof(*opening));

    if (!opening) {
        file_put(file);
        return -ENOMEM;
    }
    opening->file = file;
    opening->seen = other_opens(file->state, file);
    task->call.state = opening;
    task->call.end = opening_end;
    return 0;
}

// The pipe of an inode, made where it is not open.  NULL: no memory.
static struct pipe *pipe_get(struct inode *inode)
{
    if (!inode->pipe) {
        inode->pipe = pipe_new();
    }
    return inode->pipe;
}

// A file that is an end of the inode's pipe.
static int64_t fifo_new(struct place place, uint32_t flags, struct file **file)
{
    struct inode *inode = place.dentry->inode;
    struct pipe *pipe = pipe_get(inode);

    if (!pipe) {
        place_put(place);
        return -ENOMEM;
    }
    *file = file_new(&pipe_ops, place, flags);
    if (*file) {
        pipe_opened(pipe, *file);
        // An end that reads has seen no writer go (pipe_ready).
        (*file)->offset = pipe->writers == 0 ? pipe->write_opens : UINT64_MAX;
        return 0;
    }
    if (pipe->readers == 0 && pipe->writers == 0) {
        inode->pipe = NULL;
        heap_free(pipe);
    }
    return -ENOMEM;
}

int64_t fifo_open(struct task *task, struct place place, uint32_t flags, struct file **file)
{
    const struct pipe *pipe = place.dentry->inode->pipe;
    uint32_t mode = flags & O_ACCMODE;
    int64_t error;

    if (task->call.state) {
        place_put(place);
        return opening_wait(task, file);
    }
    if (mode == O_WRONLY && flags & O_NONBLOCK && (!pipe || pipe->readers == 0)) {
        place_put(place);
        return -ENXIO;
    }
    error = fifo_new(place, flags, file);
    if (error) {
        return error;
    }
    pipe = (*file)->state;
    if (pipe->anonymous || flags & O_NONBLOCK || mode == O_RDWR ||
        (mode == O_RDONLY ? pipe->writers : pipe->readers)) {
        return 0;
    }
    error = opening_begin(task, *file);
    return error ? error : opening_wait(task, file);
}

// Both ends of a new pipe: they are of one inode.
static int64_t pipe_make(uint32_t flags, struct file *ends[2])
{
    struct pipe *pipe = pipe_new();

    if (!pipe) {
        return -ENOMEM;
    }
    ends[0] = file_new_unnamed(&pipe_ops, "pipe:[%u]", S_IFIFO | 0600, flags | O_RDONLY, pipe);
    if (!ends[0]) {
        heap_free(pipe);
        return -ENOMEM;
    }
    pipe->anonymous = true;
    ends[0]->inode->pipe = pipe;
    ends[0]->offset = UINT64_MAX;
    pipe_opened(pipe, ends[0]);
    place_get(ends[0]->place);
    ends[1] = file_new(&pipe_ops, ends[0]->place, flags | O_WRONLY);
    if (!ends[1]) {
        file_put(ends[0]);
        return -ENOMEM;
    }
    pipe_opened(pipe, ends[1]);
    return 0;
}

int64_t call_pipe2(struct task *task, user_t fds, uint32_t flags)
{
    struct file *ends[2];
    int64_t error;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE)) {
        return -EINVAL;
    }
    if (flags & O_NOTIFICATION_PIPE) {
        return -ENOPKG;  // nothing tells of keys and mounts
    }
    error = pipe_make(flags & (O_NONBLOCK | O_DIRECT), ends);
    return error ? error : install_two(task, ends, fds, flags & O_CLOEXEC);
}

int64_t call_pipe(struct task *task, user_t fds)
{
    return call_pipe2(task, fds, 0);
}
