// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// epoll(7): level and edge, once, nested, what closing does.
#include "check.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

static int set;
static int ends[2];
static struct epoll_event got[8];
static char buffer[100];

static long control(int operation, int descriptor, uint32_t events)
{
    struct epoll_event event = { .events = events, .data = { .u64 = (uint64_t)descriptor } };
    return epoll_ctl(set, operation, descriptor, &event);
}

static void begin(uint32_t events)
{
    NEED(pipe2(ends, O_NONBLOCK));
    set = NEED(epoll_create1(0));
    NEED(control(EPOLL_CTL_ADD, ends[0], events));
}

CASE(create)
{
    CHECK(epoll_create(1), 3);
    CHECK(fcntl(3, F_GETFD), 0);
    CHECK(epoll_create1(EPOLL_CLOEXEC), 4);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(epoll_create(0), -EINVAL);
    CHECK(epoll_create(-1), -EINVAL);
    CHECK(epoll_create1(1), -EINVAL);
    CHECK(read(3, buffer, 1), -EINVAL);
    CHECK(write(3, buffer, 1), -EINVAL);
    CHECK(lseek(3, 5, SEEK_SET), 0);
}

CASE(control_errors)
{
    begin(EPOLLIN);
    int file = check_file("f", "");
    int other = NEED(epoll_create1(0));
    CHECK(control(EPOLL_CTL_ADD, ends[0], EPOLLIN), -EEXIST);
    CHECK(control(EPOLL_CTL_MOD, ends[1], EPOLLIN), -ENOENT);
    CHECK(control(EPOLL_CTL_DEL, ends[1], EPOLLIN), -ENOENT);
    CHECK(control(77, ends[0], EPOLLIN), -EINVAL);
    CHECK(control(EPOLL_CTL_ADD, 99, EPOLLIN), -EBADF);
    CHECK(control(EPOLL_CTL_ADD, file, EPOLLIN), -EPERM);
    CHECK(control(EPOLL_CTL_ADD, open(".", O_RDONLY), EPOLLIN), -EPERM);
    CHECK(control(EPOLL_CTL_ADD, set, EPOLLIN), -EINVAL);
    CHECK(SYS(epoll_ctl, set, EPOLL_CTL_ADD, ends[1], BAD), -EFAULT);
    CHECK(SYS(epoll_ctl, set, EPOLL_CTL_DEL, ends[0], NULL), 0);
    CHECK(SYS(epoll_ctl, ends[0], EPOLL_CTL_ADD, ends[1], got), -EINVAL);
    CHECK(SYS(epoll_ctl, 99, EPOLL_CTL_ADD, ends[1], got), -EBADF);
    CHECK(control(EPOLL_CTL_ADD, other, EPOLLIN | EPOLLEXCLUSIVE), -EINVAL);
    CHECK(control(EPOLL_CTL_ADD, other, EPOLLIN), 0);
    int before = set;
    set = other;
    CHECK(control(EPOLL_CTL_ADD, before, EPOLLIN), -ELOOP);
}

CASE(wait_errors)
{
    begin(EPOLLIN);
    CHECK(epoll_wait(set, got, 0, 0), -EINVAL);
    CHECK(SYS(epoll_wait, set, got, -1, 0), -EINVAL);
    CHECK(epoll_wait(ends[0], got, 1, 0), -EINVAL);
    CHECK(epoll_wait(99, got, 1, 0), -EBADF);
    NEED(write(ends[1], "x", 1));
    CHECK(SYS(epoll_wait, set, BAD, 1, 0), -EFAULT);
    CHECK(epoll_wait(set, got, 1, 0), 1);
    CHECK(SYS(epoll_pwait, set, got, 1, 0, got, 4), -EINVAL);
}

CASE(level)
{
    begin(EPOLLIN);
    CHECK(epoll_wait(set, got, 8, 0), 0);
    NEED(write(ends[1], "xy", 2));
    for (int i = 0; i < 2; i++) {
        CHECK(epoll_wait(set, got, 8, -1), 1);
        CHECK(got[0].events, EPOLLIN);
        CHECK_TRUE(got[0].data.u64 == (uint64_t)ends[0]);
        NEED(read(ends[0], buffer, 1));
    }
    CHECK(epoll_wait(set, got, 8, 0), 0);
}

CASE(edge)
{
    begin(EPOLLIN | EPOLLET);
    NEED(write(ends[1], "xy", 2));
    CHECK(epoll_wait(set, got, 8, -1), 1);
    CHECK(epoll_wait(set, got, 8, 0), 0);
    NEED(read(ends[0], buffer, 1));
    CHECK(epoll_wait(set, got, 8, 0), 0);
    NEED(write(ends[1], "z", 1));
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET), 0);
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(epoll_wait(set, got, 8, 0), 0);
}

CASE(once)
{
    begin(EPOLLIN | EPOLLONESHOT);
    NEED(write(ends[1], "x", 1));
    CHECK(epoll_wait(set, got, 8, -1), 1);
    CHECK(epoll_wait(set, got, 8, 0), 0);
    NEED(write(ends[1], "x", 1));
    CHECK(epoll_wait(set, got, 8, 0), 0);
    CHECK(control(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT), 0);
    CHECK(epoll_wait(set, got, 8, 0), 1);
}

CASE(hang_up)
{
    begin(0);
    CHECK(epoll_wait(set, got, 8, 0), 0);
    close(ends[1]);
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(got[0].events, EPOLLHUP);
    CHECK(control(EPOLL_CTL_MOD, ends[0], EPOLLIN), 0);
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(got[0].events, EPOLLHUP);
}

CASE(sockets)
{
    int pair[2];
    set = NEED(epoll_create1(0));
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK(control(EPOLL_CTL_ADD, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP), 0);
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(got[0].events, EPOLLOUT);
    NEED(shutdown(pair[1], SHUT_WR));
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(got[0].events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    close(pair[1]);
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK(got[0].events, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
}

// A registration lasts as long as the open file, not the descriptor.
CASE(closed)
{
    begin(EPOLLIN);
    NEED(write(ends[1], "x", 1));
    int copy = NEED(dup(ends[0]));
    close(ends[0]);
    CHECK(epoll_wait(set, got, 8, 0), 1);
    CHECK_TRUE(got[0].data.u64 == (uint64_t)ends[0]);
    CHECK(control(EPOLL_CTL_DEL, ends[0], 0), -EBADF);
    close(copy);
    CHECK(epoll_wait(set, got, 8, 0), 0);
}

CASE(two_descriptors_of_a_file)
{
    begin(EPOLLIN);
    int copy = NEED(dup(ends[0]));
    CHECK(control(EPOLL_CTL_ADD, copy, EPOLLIN), 0);
    NEED(write(ends[1], "x", 1));
    CHECK(epoll_wait(set, got, 8, 0), 2);
    CHECK(epoll_wait(set, got, 1, 0), 1);
    int first = (int)got[0].data.u64;
    CHECK(epoll_wait(set, got, 1, 0), 1);
    CHECK_TRUE(first != (int)got[0].data.u64);
}

CASE(nested)
{
    begin(EPOLLIN);
    int outer = NEED(epoll_create1(0));
    struct epoll_event event = { .events = EPOLLIN, .data = { .u32 = 5 } };
    CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, set, &event), 0);
    CHECK(epoll_wait(outer, got, 8, 0), 0);
    NEED(write(ends[1], "x", 1));
    CHECK(epoll_wait(outer, got, 8, 0), 1);
    CHECK(got[0].data.u32, 5);
    NEED(read(ends[0], buffer, 1));
    CHECK(epoll_wait(outer, got, 8, 0), 0);
}

CASE(timeouts)
{
    struct timespec little = { 0, 30000000 };
    begin(EPOLLIN);
    long before = check_now();
    CHECK(epoll_wait(set, got, 8, 30), 0);
    CHECK_TRUE(check_now() - before >= 29);
    before = check_now();
    CHECK(SYS(epoll_pwait2, set, got, 8, &little, NULL, 8), 0);
    CHECK_TRUE(check_now() - before >= 29);
    little.tv_nsec = -1;
    CHECK(SYS(epoll_pwait2, set, got, 8, &little, NULL, 8), -EINVAL);
}

CASE(woken)
{
    begin(EPOLLIN);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(epoll_wait(set, got, 8, -1), 1);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(write(ends[1], "x", 1));
    check_join(child);
}

static volatile sig_atomic_t seen;

static void see(int number)
{
    seen = number;
}

CASE(masks)
{
    sigset_t nothing;
    sigset_t blocked;
    sigemptyset(&nothing);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    begin(EPOLLIN);
    signal(SIGUSR1, see);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    CHECK(epoll_wait(set, got, 8, 10), 0);
    CHECK(epoll_pwait(set, got, 8, -1, &nothing), -EINTR);
    CHECK(seen, SIGUSR1);
}

CASE(not_told)
{
    begin(EPOLLIN);
    INTERRUPTED
    {
        CHECK(epoll_wait(set, got, 8, -1), -EINTR);
    }
    INTERRUPTED
    {
        CHECK(SYS(epoll_pwait2, set, got, 8, NULL, NULL, 8), -EINTR);
    }
    NEED(write(ends[1], "x", 1));
    CHECK(SYS(epoll_pwait, set, BAD, 8, 0, NULL, 8), -EFAULT);
    CHECK(SYS(epoll_pwait, set, got, 8, 0, BAD, 8), -EFAULT);
    CHECK(SYS(epoll_pwait2, set, BAD, 8, NULL, NULL, 8), -EFAULT);
    CHECK(SYS(epoll_pwait2, set, got, 8, BAD, NULL, 8), -EFAULT);
}
