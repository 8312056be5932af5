// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// poll(2), ppoll(2), select(2), pselect(2).
#include "check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

#include <limits.h>

static int ends[2];

static struct pollfd want(int descriptor, int events)
{
    return (struct pollfd){ .fd = descriptor, .events = (short)events, .revents = 0x55 };
}

CASE(poll)
{
    NEED(pipe(ends));
    struct pollfd both[2] = { want(ends[0], POLLIN), want(ends[1], POLLOUT) };
    CHECK(poll(both, 2, -1), 1);
    CHECK(both[0].revents, 0);
    CHECK(both[1].revents, POLLOUT);
    NEED(write(ends[1], "x", 1));
    CHECK(poll(both, 2, -1), 2);
    CHECK(both[0].revents, POLLIN);
    both[0].events = POLLIN | POLLRDNORM | POLLPRI;
    CHECK(poll(both, 1, -1), 1);
    CHECK(both[0].revents, POLLIN | POLLRDNORM);
    both[0].events = 0;
    CHECK(poll(both, 1, 0), 0);
}

CASE(poll_odd)
{
    struct pollfd one = want(-1, POLLIN);
    CHECK(poll(&one, 1, 0), 0);
    CHECK(one.revents, 0);
    one = want(99, POLLIN);
    CHECK(poll(&one, 1, -1), 1);
    CHECK(one.revents, POLLNVAL);
    CHECK(poll(NULL, 0, 0), 0);
    CHECK(SYS(poll, BAD, 1, 0), -EFAULT);
    CHECK(SYS(poll, BAD, 0, 0), 0);
    CHECK(SYS(poll, &one, 1 << 30, 0), -EINVAL);
    one = want(check_file("f", ""), POLLIN | POLLOUT);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT);
    one = want(open(".", O_RDONLY), POLLIN | POLLOUT);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT);
    one = want(open(".", O_PATH), POLLIN);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLNVAL);
    one = want(open("/dev/null", O_RDWR), POLLIN | POLLOUT);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT);
}

CASE(timeouts)
{
    NEED(pipe(ends));
    struct pollfd one = want(ends[0], POLLIN);
    long before = check_now();
    CHECK(poll(&one, 1, 30), 0);
    CHECK_TRUE(check_now() - before >= 29);
    CHECK(one.revents, 0);
    before = check_now();
    CHECK(poll(NULL, 0, 30), 0);
    CHECK_TRUE(check_now() - before >= 29);
    struct timeval little = { 0, 30000 };
    before = check_now();
    CHECK(select(0, NULL, NULL, NULL, &little), 0);
    CHECK_TRUE(check_now() - before >= 29);
    CHECK_TRUE(little.tv_sec == 0 && little.tv_usec == 0);
    struct timespec small = { 0, 30000000 };
    before = check_now();
    CHECK(SYS(ppoll, &one, 1, &small, NULL, 8), 0);
    CHECK_TRUE(check_now() - before >= 29);
    CHECK_TRUE(small.tv_sec == 0 && small.tv_nsec == 0);
}

CASE(woken)
{
    NEED(pipe(ends));
    struct pollfd one = want(ends[0], POLLIN);
    pid_t child = check_fork();
    if (child == 0) {
        close(ends[1]);
        CHECK(poll(&one, 1, -1), 1);
        CHECK(one.revents, POLLIN);
        char byte;
        NEED(read(ends[0], &byte, 1));
        CHECK(poll(&one, 1, -1), 1);
        CHECK(one.revents, POLLHUP);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(write(ends[1], "x", 1));
    check_wait_asleep(child);
    close(ends[1]);
    check_join(child);
}

CASE(many)
{
    static struct pollfd all[200];
    for (int i = 0; i < 200; i++) {
        all[i] = want(NEED(eventfd(i % 10 == 0, 0)), POLLIN);
    }
    CHECK(poll(all, 200, -1), 20);
    int right = 0;
    for (int i = 0; i < 200; i++) {
        right += all[i].revents == (i % 10 == 0 ? POLLIN : 0);
    }
    CHECK(right, 200);
}

CASE(select)
{
    fd_set in;
    fd_set out;
    fd_set except;
    NEED(pipe(ends));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(ends[0], &in);
    FD_SET(ends[1], &out);
    FD_SET(ends[0], &except);
    CHECK(select(ends[1] + 1, &in, &out, &except, NULL), 1);
    CHECK_TRUE(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out) && !FD_ISSET(ends[0], &except));
    NEED(write(ends[1], "x", 1));
    FD_SET(ends[0], &in);
    CHECK(select(ends[1] + 1, &in, &out, NULL, NULL), 2);
    CHECK(select(ends[1], &in, &out, NULL, NULL), 1);
    close(ends[1]);
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK(select(ends[0] + 1, &in, NULL, NULL, NULL), 1);
    char byte;
    NEED(read(ends[0], &byte, 1));
    CHECK(select(ends[0] + 1, &in, NULL, NULL, NULL), 1);
}

CASE(select_errors)
{
    fd_set in;
    struct timeval wrong = { -1, 0 };
    FD_ZERO(&in);
    FD_SET(60, &in);
    CHECK(select(61, &in, NULL, NULL, NULL), -EBADF);
    CHECK(select(-1, NULL, NULL, NULL, NULL), -EINVAL);
    CHECK(select(0, NULL, NULL, NULL, &wrong), -EINVAL);
    CHECK(SYS(select, 1, BAD, NULL, NULL, NULL), -EFAULT);
    CHECK(SYS(select, 0, NULL, NULL, NULL, BAD), -EFAULT);
    struct timeval much = { 0, 2000000 };
    NEED(pipe(ends));
    FD_ZERO(&in);
    FD_SET(ends[1], &in);
    CHECK(select(ends[1] + 1, NULL, &in, NULL, &much), 1);
    CHECK(select(100000, NULL, &in, NULL, &much), 1);
}

static volatile sig_atomic_t seen;

static void see(int number)
{
    seen = number;
}

static void be_interrupted(void (*wait)(void))
{
    struct sigaction action = { .sa_handler = see, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, NULL);
    NEED(pipe(ends));
    pid_t child = check_fork();
    if (child == 0) {
        wait();
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
}

static void wait_in_poll(void)
{
    struct pollfd one = want(ends[0], POLLIN);
    CHECK(poll(&one, 1, -1), -EINTR);
}

static void wait_in_select(void)
{
    fd_set in;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CHECK(select(ends[0] + 1, &in, NULL, NULL, NULL), -EINTR);
}

CASE(interrupted)
{
    be_interrupted(wait_in_poll);
    be_interrupted(wait_in_select);
}

// The mask holds exactly while it waits.
CASE(masks)
{
    sigset_t nothing;
    sigset_t blocked;
    struct timespec none = { 0, 0 };
    struct timespec second = { 1, 0 };
    sigemptyset(&nothing);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    signal(SIGUSR1, see);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    CHECK(ppoll(NULL, 0, &second, &nothing), -EINTR);
    CHECK(seen, SIGUSR1);
    seen = 0;
    raise(SIGUSR1);
    CHECK(pselect(0, NULL, NULL, NULL, &second, &nothing), -EINTR);
    CHECK(seen, SIGUSR1);
    seen = 0;
    raise(SIGUSR1);
    CHECK(ppoll(NULL, 0, &none, &blocked), 0);
    CHECK(seen, 0);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1), 1);
    CHECK(SYS(ppoll, NULL, 0, &none, &nothing, 4), -EINVAL);
    CHECK(SYS(ppoll, NULL, 0, &none, BAD, 8), -EFAULT);
    none.tv_nsec = 1000000000;
    CHECK(SYS(ppoll, NULL, 0, &none, NULL, 8), -EINVAL);
}

// What is ready comes first, a signal that waits second.
CASE(masks_and_ready)
{
    sigset_t nothing;
    sigset_t blocked;
    sigemptyset(&nothing);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    signal(SIGUSR1, see);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    NEED(pipe(ends));
    struct pollfd one = want(ends[1], POLLOUT);
    raise(SIGUSR1);
    CHECK(ppoll(&one, 1, NULL, &nothing), 1);
    CHECK(seen, 0);
}

CASE(too_many)
{
    struct rlimit limit = { 10, 10 };
    static struct pollfd all[11];
    NEED(setrlimit(RLIMIT_NOFILE, &limit));
    for (int i = 0; i < 11; i++) {
        all[i] = want(-1, 0);
    }
    CHECK(poll(all, 10, 0), 0);
    CHECK(poll(all, 11, 0), -EINVAL);
}
