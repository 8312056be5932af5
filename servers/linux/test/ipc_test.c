// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Pipes, polling, epoll and eventfd.
#include "../pipe.h"
#include "ipc_fake.h"

#include <rt/string.h>

#define MS 1000000ull

#define EPOLLET      (1u << 31)
#define EPOLLONESHOT (1u << 30)

struct pollfd {
    int32_t fd;
    int16_t events, ready;
};

struct event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));

static struct task *const one = &tasks[0], *const two = &tasks[1];
static char big[200000], back[200000];

static void fill(char *to, unsigned bytes, unsigned seed)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (char)(seed + i * 7 + i / 251);
    }
}

// Ends of a new pipe of the first task, which the second one has too.
static void pipe_shared(int fds[2], uint32_t flags)
{
    assert_int_equal(CALL(one, call_pipe2(one, at(fds), flags)), 0);
    for (int i = 0; i < 2; i++) {
        file_get(file_at(one, fds[i]));
        assert_int_equal(file_install(two, file_at(one, fds[i]), (unsigned)fds[i], false), fds[i]);
    }
}

// ---- pipes -------------------------------------------------------------------------------------
static void pipe_passes_bytes(void **state)
{
    int fds[2];
    char got[16] = "";
    (void)state;
    pipe_shared(fds, 0);
    assert_int_equal(fds[0], 0);
    assert_int_equal(fds[1], 1);
    assert_int_equal(read_fd(two, fds[0], got, 16), RESULT_WAIT);
    assert_false(task_woken(two));
    assert_int_equal(write_fd(one, fds[1], "hello", 5), 5);
    assert_true(task_woken(two));
    assert_int_equal(read_fd(two, fds[0], got, 16), 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(write_fd(one, fds[0], "x", 1), -EBADF);
    assert_int_equal(read_fd(one, fds[1], got, 1), -EBADF);
}

static void pipe_tells_ends(void **state)
{
    int fds[2];
    char got[4];
    (void)state;
    pipe_shared(fds, O_NONBLOCK);
    assert_int_equal(read_fd(one, fds[0], got, 4), -EAGAIN);
    assert_int_equal(ready_fd(one, fds[0]), 0);
    assert_int_equal(ready_fd(one, fds[1]), POLLOUT | POLLWRNORM);
    assert_int_equal(write_fd(one, fds[1], "ab", 2), 2);
    file_close(one, fds[1]);
    file_close(two, fds[1]);
    assert_int_equal(ready_fd(one, fds[0]), POLLIN | POLLRDNORM | POLLHUP);
    assert_int_equal(read_fd(one, fds[0], got, 4), 2);
    assert_int_equal(read_fd(one, fds[0], got, 4), 0);
    assert_int_equal(ready_fd(one, fds[0]), POLLHUP);
}

static void pipe_breaks(void **state)
{
    int fds[2];
    (void)state;
    pipe_shared(fds, 0);
    file_close(one, fds[0]);
    file_close(two, fds[0]);
    assert_int_equal(write_fd(one, fds[1], "a", 0), 0);
    assert_int_equal(fake_signals, 0);
    assert_int_equal(write_fd(one, fds[1], "a", 1), -EPIPE);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(fake_signal.signal, SIGPIPE);
    assert_int_equal(ready_fd(one, fds[1]), POLLOUT | POLLWRNORM | POLLERR);
}

// All of a large write arrives, in order, while a reader takes odd pieces.
static void pipe_large_write_goes_on(void **state)
{
    int fds[2];
    unsigned got = 0, rounds = 0;
    int64_t result;
    (void)state;
    pipe_shared(fds, 0);
    fill(big, sizeof(big), 3);
    result = write_fd(one, fds[1], big, sizeof(big));
    assert_int_equal(result, RESULT_WAIT);
    while (got < sizeof(big)) {
        int64_t now = read_fd(two, fds[0], back + got, 7001);
        assert_true(now > 0 && now <= 7001);
        got += (unsigned)now;
        if (result == RESULT_WAIT && task_woken(one)) {
            result = write_fd(one, fds[1], big, sizeof(big));
        }
        assert_true(rounds++ < 100);
    }
    assert_int_equal(result, sizeof(big));
    assert_memory_equal(back, big, sizeof(big));
    assert_int_equal(fake_pages, 1);
}

static void pipe_small_writes_are_whole(void **state)
{
    int fds[2];
    (void)state;
    pipe_shared(fds, O_NONBLOCK);
    assert_int_equal(write_fd(one, fds[1], big, sizeof(big)), 65536);
    assert_int_equal(write_fd(one, fds[1], big, 1), -EAGAIN);
    assert_int_equal(ready_fd(one, fds[1]), 0);
    assert_int_equal(read_fd(one, fds[0], back, 4095), 4095);
    assert_int_equal(write_fd(one, fds[1], big, 4096), -EAGAIN);
    assert_int_equal(read_fd(one, fds[0], back, 1), 1);
    assert_int_equal(ready_fd(one, fds[1]), POLLOUT | POLLWRNORM);
    assert_int_equal(write_fd(one, fds[1], big, 4096), 4096);
    assert_int_equal(write_fd(one, fds[1], big, 5000), -EAGAIN);
    assert_int_equal(read_fd(one, fds[0], back, 10), 10);
    assert_int_equal(write_fd(one, fds[1], big, 5000), 10);
}

// The ring with all kinds of sizes against a plain queue.
static void pipe_ring_keeps_order(void **state)
{
    int fds[2];
    uint64_t random = 12345, in = 0, out = 0;
    (void)state;
    pipe_shared(fds, O_NONBLOCK);
    for (unsigned i = 0; i < 3000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        unsigned bytes = (unsigned)(random >> 33) % (i % 3 ? 9000 : 70000) + 1;
        if (random >> 63) {
            for (unsigned j = 0; j < bytes; j++) {
                big[j] = (char)((in + j) * 31 >> 3);
            }
            int64_t put = write_fd(one, fds[1], big, bytes);
            in += put > 0 ? (uint64_t)put : 0;
        } else {
            int64_t got = read_fd(one, fds[0], back, bytes);
            for (int64_t j = 0; j < got; j++) {
                assert_int_equal(back[j], (char)((out + (uint64_t)j) * 31 >> 3));
            }
            out += got > 0 ? (uint64_t)got : 0;
        }
        uint32_t filled = 0;
        struct file *file = file_at(one, fds[0]);
        assert_int_equal(file->ops->ioctl(one, file, 0x541b, at(&filled)), 0);
        assert_int_equal(filled, in - out);
        assert_true(fake_pages <= filled / 4096 + 3);
        if (i % 500 == 250) {
            pipe_resize(one, file, i % 1000 == 250 ? 262144 : 65536);
        }
    }
    assert_true(in > 1000000);
}

static void pipe_changes_size(void **state)
{
    int fds[2];
    struct file *file;
    (void)state;
    pipe_shared(fds, O_NONBLOCK);
    file = file_at(one, fds[0]);
    assert_int_equal(pipe_size(file), 65536);
    fill(big, sizeof(big), 1);
    assert_int_equal(write_fd(one, fds[1], big, 9000), 9000);
    assert_int_equal(pipe_resize(one, file, 0), -EBUSY);
    assert_int_equal(pipe_resize(one, file, 9000), 16384);
    assert_int_equal(pipe_size(file), 16384);
    assert_int_equal(pipe_resize(one, file, 2u << 20), -EPERM);
    fake_capable = true;
    assert_int_equal(pipe_resize(one, file, 2u << 20), 2u << 20);
    assert_int_equal(write_fd(one, fds[1], big + 9000, 100000), 100000);
    assert_int_equal(read_fd(one, fds[0], back, 200000), 109000);
    assert_memory_equal(back, big, 109000);
    assert_int_equal(pipe_resize(one, file, 1), 4096);
    fake_room = 0;
    assert_int_equal(pipe_resize(one, file, 65536), -ENOMEM);
    assert_int_equal(pipe_size(file), 4096);
}

static void pipe_bad_memory(void **state)
{
    int fds[2];
    (void)state;
    pipe_shared(fds, 0);
    assert_int_equal(CALL(one, call_write(one, fds[1], BAD, 5)), -EFAULT);
    assert_int_equal(write_fd(one, fds[1], "abcde", 5), 5);
    assert_int_equal(CALL(one, call_read(one, fds[0], BAD, 5)), -EFAULT);
    assert_int_equal(read_fd(one, fds[0], back, 9), 5);
    assert_int_equal(CALL(one, call_pipe2(one, BAD, 0)), -EFAULT);
    assert_int_equal(CALL(one, call_pipe2(one, at(fds), 1)), -EINVAL);
    for (fake_room = 0; fake_room < 9; fake_room++) {
        int room = fake_room, more[2];
        int64_t result = CALL(one, call_pipe2(one, at(more), 0));
        assert_true(result == 0 || result == -ENOMEM);
        fake_room = room;
    }
}

static void pipe_packets_keep_their_bounds(void **state)
{
    int fds[2];
    struct file *file;
    (void)state;
    pipe_shared(fds, O_NONBLOCK | O_DIRECT);
    file = file_at(one, fds[1]);
    fill(big, sizeof(big), 9);
    assert_int_equal(write_fd(one, fds[1], big, 10), 10);
    assert_int_equal(write_fd(one, fds[1], big + 10, 5000), 5000);
    assert_int_equal(read_fd(one, fds[0], back, 4), 4);
    assert_int_equal(read_fd(one, fds[0], back, 9999), 4096);
    assert_memory_equal(back, big + 10, 4096);
    assert_int_equal(read_fd(one, fds[0], back, 9999), 904);
    // Between packets, a stream.
    assert_int_equal(write_fd(one, fds[1], big, 3), 3);
    file->flags &= ~O_DIRECT;
    assert_int_equal(write_fd(one, fds[1], big + 3, 4), 4);
    file->flags |= O_DIRECT;
    assert_int_equal(write_fd(one, fds[1], big + 7, 2), 2);
    assert_int_equal(read_fd(one, fds[0], back, 99), 3);
    assert_int_equal(read_fd(one, fds[0], back, 2), 2);
    assert_int_equal(read_fd(one, fds[0], back, 99), 2);
    assert_memory_equal(back, big + 5, 2);
    assert_int_equal(read_fd(one, fds[0], back, 1), 1);
    assert_int_equal(read_fd(one, fds[0], back, 99), -EAGAIN);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(write_fd(one, fds[1], big, 1), 1);
    }
    assert_int_equal(write_fd(one, fds[1], big, 1), -EAGAIN);
}

// ---- FIFOs -------------------------------------------------------------------------------------
static int64_t open_fifo(struct task *task, struct place place, uint32_t flags)
{
    struct file *file;
    place_get(place);
    int64_t error = fifo_open(task, place, flags, &file);
    return error ? error : file_install(task, file, 0, false);
}

static struct place fifo_place(void)
{
    static const struct file_ops none;
    struct file *file = file_new_unnamed(&none, "fifo", S_IFIFO, O_RDWR, NULL);
    assert_int_equal(file_install(&tasks[3], file, 0, false), 0);
    return file->place;
}

static void fifo_waits_for_the_other_end(void **state)
{
    struct place place = fifo_place();
    (void)state;
    assert_int_equal(CALL(one, open_fifo(one, place, O_WRONLY | O_NONBLOCK)), -ENXIO);
    assert_int_equal(CALL(one, open_fifo(one, place, O_RDONLY)), RESULT_WAIT);
    assert_int_equal(CALL(two, open_fifo(two, place, O_WRONLY)), 0);
    assert_true(task_woken(one));
    // Even if it has gone again by then.
    file_close(two, 0);
    assert_int_equal(CALL(one, open_fifo(one, place, O_RDONLY)), 0);
    assert_int_equal(ready_fd(one, 0), POLLHUP);
    assert_int_equal(read_fd(one, 0, back, 1), 0);
    file_close(one, 0);
    assert_int_equal(CALL(one, open_fifo(one, place, O_WRONLY)), RESULT_WAIT);
    call_break(one);
    assert_null(place.dentry->inode->pipe);
    assert_int_equal(CALL(two, open_fifo(two, place, O_RDONLY | O_NONBLOCK)), 0);
    assert_int_equal(ready_fd(two, 0), 0);
    assert_int_equal(CALL(one, open_fifo(one, place, O_RDWR)), 0);
    assert_int_equal(write_fd(one, 0, "abc", 3), 3);
    assert_int_equal(ready_fd(two, 0), POLLIN | POLLRDNORM);
    assert_int_equal(read_fd(two, 0, back, 9), 3);
}

// ---- poll and select ---------------------------------------------------------------------------
static void poll_waits_for_any(void **state)
{
    int a[2], b[2];
    (void)state;
    pipe_shared(a, 0);
    pipe_shared(b, 0);
    struct pollfd fds[] = { { a[0], POLLIN, 9 }, { -1, POLLIN, 9 }, { b[0], POLLIN, 9 } };
    assert_int_equal(CALL(one, call_poll(one, at(fds), 3, -1)), RESULT_WAIT);
    write_fd(two, b[1], "x", 1);
    assert_true(task_woken(one));
    assert_int_equal(CALL(one, call_poll(one, at(fds), 3, -1)), 1);
    assert_int_equal(fds[0].ready, 0);
    assert_int_equal(fds[1].ready, 0);
    assert_int_equal(fds[2].ready, POLLIN);
    fds[1].fd = 60;
    assert_int_equal(CALL(one, call_poll(one, at(fds), 3, -1)), 2);
    assert_int_equal(fds[1].ready, POLLNVAL);
    assert_int_equal(CALL(one, call_poll(one, BAD, 3, -1)), -EFAULT);
    assert_int_equal(CALL(one, call_poll(one, at(fds), 1000, -1)), -EINVAL);
}

static void poll_times_out(void **state)
{
    int a[2];
    (void)state;
    pipe_shared(a, 0);
    struct pollfd fds[] = { { a[0], POLLIN, 0 } };
    assert_int_equal(CALL(one, call_poll(one, at(fds), 1, 0)), 0);
    assert_int_equal(CALL(one, call_poll(one, at(fds), 1, 50)), RESULT_WAIT);
    assert_int_equal(one->call.deadline, fake_now + 50 * MS);
    fake_wait(20 * MS);
    assert_int_equal(CALL(one, call_poll(one, at(fds), 1, 50)), RESULT_WAIT);
    fake_wait(30 * MS);
    assert_int_equal(CALL(one, call_poll(one, at(fds), 1, 50)), 0);
}

static void ppoll_tells_what_is_left(void **state)
{
    int a[2];
    struct timespec time = { 1, 500000000 };
    sigset mask = ~0ull;
    (void)state;
    pipe_shared(a, 0);
    struct pollfd fds[] = { { a[0], POLLIN, 0 } };
    one->call.args[2] = at(&time);
    one->signals.blocked = 5;
    call_begin(one);
    one->call.args[2] = at(&time);
    assert_int_equal(call_done(one, call_ppoll(one, at(fds), 1, at(&time), at(&mask), 8)),
                     RESULT_WAIT);
    assert_int_equal(one->signals.blocked, ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)));
    fake_wait(200 * MS);
    write_fd(two, a[1], "x", 1);
    assert_int_equal(CALL(one, call_ppoll(one, at(fds), 1, at(&time), at(&mask), 8)), 1);
    assert_int_equal(time.seconds, 1);
    assert_int_equal(time.nanoseconds, 300000000);
    assert_int_equal(one->signals.blocked, 5);
    assert_int_equal(CALL(one, call_ppoll(one, at(fds), 1, 0, at(&mask), 4)), -EINVAL);
    time.nanoseconds = -1;
    assert_int_equal(CALL(one, call_ppoll(one, at(fds), 1, at(&time), 0, 8)), -EINVAL);
}

static void select_answers_in_the_sets(void **state)
{
    int a[2];
    uint64_t reads[2] = { 0, 7 }, writes[2] = { 0, 0 };
    int64_t time[2] = { 0, 0 };
    (void)state;
    pipe_shared(a, 0);
    reads[0] = 1ull << a[0] | 1ull << 40;
    writes[0] = 1ull << a[1];
    assert_int_equal(CALL(one, call_select(one, 64, at(reads), at(writes), 0, 0)), -EBADF);
    reads[0] = 1ull << a[0];
    assert_int_equal(CALL(one, call_select(one, 2, at(reads), at(writes), 0, 0)), 1);
    assert_int_equal(reads[0], 0);
    assert_int_equal(reads[1], 7);
    assert_int_equal(writes[0], 1ull << a[1]);
    reads[0] = 1ull << a[0];
    assert_int_equal(CALL(one, call_select(one, 2, at(reads), 0, 0, at(time))), 0);
    assert_int_equal(reads[0], 0);
    reads[0] = 1ull << a[0];
    assert_int_equal(CALL(one, call_select(one, 2, at(reads), 0, 0, 0)), RESULT_WAIT);
    assert_int_equal(reads[0], 1ull << a[0]);
    write_fd(two, a[1], "x", 1);
    assert_true(task_woken(one));
    assert_int_equal(CALL(one, call_select(one, 2, at(reads), 0, 0, 0)), 1);
    assert_int_equal(CALL(one, call_select(one, -1, 0, 0, 0, 0)), -EINVAL);
}

// ---- eventfd -----------------------------------------------------------------------------------
static void eventfd_counts(void **state)
{
    uint64_t value = 3, most = UINT64_MAX - 1, none = UINT64_MAX;
    (void)state;
    int fd = (int)CALL(one, call_eventfd2(one, 2, O_NONBLOCK));
    assert_int_equal(write_fd(one, fd, &value, 8), 8);
    assert_int_equal(read_fd(one, fd, &value, 8), 8);
    assert_int_equal(value, 5);
    assert_int_equal(read_fd(one, fd, &value, 8), -EAGAIN);
    assert_int_equal(read_fd(one, fd, &value, 7), -EINVAL);
    assert_int_equal(write_fd(one, fd, &none, 8), -EINVAL);
    assert_int_equal(write_fd(one, fd, &most, 8), 8);
    assert_int_equal(ready_fd(one, fd), POLLIN);
    value = 1;
    assert_int_equal(write_fd(one, fd, &value, 8), -EAGAIN);
    fd = (int)CALL(one, call_eventfd2(one, 2, 1));
    assert_int_equal(read_fd(one, fd, &value, 8), 8);
    assert_int_equal(value, 1);
    assert_int_equal(read_fd(one, fd, &value, 8), 8);
    assert_int_equal(read_fd(one, fd, &value, 8), RESULT_WAIT);
    call_break(one);
    assert_int_equal(CALL(one, call_eventfd2(one, 2, 2)), -EINVAL);
}

// ---- epoll -------------------------------------------------------------------------------------
static int64_t control(int epoll, int how, int fd, uint32_t events)
{
    struct event event = { events, (uint64_t)fd + 1000 };
    return CALL(one, call_epoll_ctl(one, epoll, how, fd, at(&event)));
}

static void epoll_levels_and_edges(void **state)
{
    int a[2], b[2];
    struct event events[4];
    (void)state;
    pipe_shared(a, 0);
    pipe_shared(b, 0);
    int epoll = (int)CALL(one, call_epoll_create1(one, O_CLOEXEC));
    assert_int_equal(control(epoll, 1, a[0], POLLIN), 0);
    assert_int_equal(control(epoll, 1, b[0], POLLIN | EPOLLET), 0);
    assert_int_equal(control(epoll, 1, a[0], POLLIN), -EEXIST);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 0);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, -1)), RESULT_WAIT);
    write_fd(two, a[1], "xy", 2);
    write_fd(two, b[1], "xy", 2);
    assert_true(task_woken(one));
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, -1)), 2);
    assert_int_equal(events[0].data, a[0] + 1000);
    assert_int_equal(events[0].events, POLLIN);
    assert_int_equal(events[1].data, b[0] + 1000);
    // The level is told again, the edge is not, until more comes.
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 1);
    assert_int_equal(events[0].data, a[0] + 1000);
    read_fd(one, a[0], back, 9);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 0);
    write_fd(two, b[1], "z", 1);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 1);
    assert_int_equal(events[0].data, b[0] + 1000);
}

static void epoll_one_shot_and_turns(void **state)
{
    int a[2], b[2];
    struct event events[4];
    (void)state;
    pipe_shared(a, 0);
    pipe_shared(b, 0);
    int epoll = (int)CALL(one, call_epoll_create(one, 1));
    write_fd(two, a[1], "x", 1);
    write_fd(two, b[1], "x", 1);
    assert_int_equal(control(epoll, 1, a[0], POLLIN | EPOLLONESHOT), 0);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 1, 0)), 1);
    write_fd(two, a[1], "x", 1);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 1, 0)), 0);
    assert_int_equal(control(epoll, 3, a[0], POLLIN), 0);
    assert_int_equal(control(epoll, 1, b[0], POLLIN), 0);
    // With room for one, both get their turn.
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 1, 0)), 1);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events + 1), 1, 0)), 1);
    assert_int_not_equal(events[0].data, events[1].data);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, BAD, 1, 0)), -EFAULT);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 2);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 0, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_epoll_wait(one, a[0], at(events), 1, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_epoll_wait(one, 50, at(events), 1, 0)), -EBADF);
}

static void epoll_forgets_closed_files(void **state)
{
    int a[2];
    struct event events[4];
    (void)state;
    assert_int_equal(CALL(one, call_pipe2(one, at(a), 0)), 0);
    int epoll = (int)CALL(one, call_epoll_create1(one, 0));
    assert_int_equal(control(epoll, 1, a[0], POLLIN), 0);
    assert_int_equal(control(epoll, 1, a[1], POLLOUT), 0);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 1);
    file_close(one, a[1]);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 1);
    assert_int_equal(events[0].events, POLLHUP);
    file_close(one, a[0]);
    assert_int_equal(CALL(one, call_epoll_wait(one, epoll, at(events), 4, 0)), 0);
    assert_int_equal(control(epoll, 2, a[0], 0), -EBADF);
    assert_int_equal(control(epoll, 1, epoll, POLLIN), -EINVAL);
    assert_int_equal(control(40, 1, epoll, POLLIN), -EBADF);
}

static void epoll_nests(void **state)
{
    int a[2], epolls[7];
    struct event events[4];
    (void)state;
    pipe_shared(a, 0);
    for (unsigned i = 0; i < 7; i++) {
        epolls[i] = (int)CALL(one, call_epoll_create1(one, 0));
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(control(epolls[i], 1, epolls[i + 1], POLLIN), 0);
    }
    assert_int_equal(control(epolls[4], 1, epolls[5], POLLIN), -ELOOP);
    assert_int_equal(control(epolls[6], 1, epolls[0], POLLIN), -ELOOP);
    assert_int_equal(control(epolls[3], 1, epolls[1], POLLIN), -ELOOP);
    assert_int_equal(control(epolls[4], 1, a[0], POLLIN), 0);
    assert_int_equal(CALL(one, call_epoll_wait(one, epolls[0], at(events), 4, -1)), RESULT_WAIT);
    write_fd(two, a[1], "x", 1);
    assert_true(task_woken(one));
    assert_int_equal(CALL(one, call_epoll_wait(one, epolls[0], at(events), 4, -1)), 1);
    assert_int_equal(events[0].data, epolls[1] + 1000);
    assert_int_equal(control(epolls[0], 2, epolls[1], 0), 0);
    assert_int_equal(control(epolls[0], 2, epolls[1], 0), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pipe_passes_bytes),
        TEST(pipe_tells_ends),
        TEST(pipe_breaks),
        TEST(pipe_large_write_goes_on),
        TEST(pipe_small_writes_are_whole),
        TEST(pipe_ring_keeps_order),
        TEST(pipe_changes_size),
        TEST(pipe_bad_memory),
        TEST(pipe_packets_keep_their_bounds),
        TEST(fifo_waits_for_the_other_end),
        TEST(poll_waits_for_any),
        TEST(poll_times_out),
        TEST(ppoll_tells_what_is_left),
        TEST(select_answers_in_the_sets),
        TEST(eventfd_counts),
        TEST(epoll_levels_and_edges),
        TEST(epoll_one_shot_and_turns),
        TEST(epoll_forgets_closed_files),
        TEST(epoll_nests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
