// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// signalfd(2).
#include "check.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static struct signalfd_siginfo got[4];

static sigset_t set_of(int one, int other)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, one);
    sigaddset(&set, other);
    return set;
}

static int begin(int flags)
{
    sigset_t set = set_of(SIGUSR1, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return NEED(signalfd(-1, &set, flags));
}

CASE(create)
{
    sigset_t set = set_of(SIGUSR1, SIGKILL);
    CHECK(signalfd(-1, &set, 0), 3);
    CHECK(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), 4);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(4, F_GETFL), O_RDWR | O_NONBLOCK);
    CHECK(signalfd(-1, &set, 1), -EINVAL);
    CHECK(signalfd(4, &set, 0), 4);
    CHECK(signalfd(99, &set, 0), -EBADF);
    CHECK(signalfd(check_file("f", ""), &set, 0), -EINVAL);
    CHECK(SYS(signalfd4, -1, &set, 4, 0), -EINVAL);
    CHECK(SYS(signalfd4, -1, BAD, 8, 0), -EFAULT);
    CHECK(read(4, got, sizeof(got[0])), -EAGAIN);
    CHECK(read(4, got, 127), -EINVAL);
    CHECK(write(4, got, 128), -EINVAL);
}

CASE(read)
{
    int fd = begin(SFD_NONBLOCK);
    CHECK(read(fd, got, sizeof(got)), -EAGAIN);
    NEED(kill(getpid(), SIGUSR1));
    NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 }));
    NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 2 }));
    CHECK(read(fd, got, sizeof(got)), 3 * 128);
    CHECK(got[0].ssi_signo, SIGUSR1);
    CHECK(got[0].ssi_code, SI_USER);
    CHECK_TRUE(got[0].ssi_pid == (uint32_t)getpid() && got[0].ssi_uid == getuid());
    CHECK(got[1].ssi_int, 1);
    CHECK(got[1].ssi_code, SI_QUEUE);
    CHECK(got[2].ssi_int, 2);
    CHECK(read(fd, got, sizeof(got)), -EAGAIN);
}

CASE(events)
{
    struct pollfd one = { .events = POLLIN };
    one.fd = begin(0);
    CHECK(poll(&one, 1, 0), 0);
    NEED(raise(SIGUSR1));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN);
    sigset_t set = set_of(SIGUSR1, SIGUSR1);
    int number = 0;
    sigwait(&set, &number);
    CHECK(poll(&one, 1, 0), 0);
}

CASE(waits)
{
    int fd = begin(0);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(read(fd, got, sizeof(got)), 128);
        CHECK(got[0].ssi_signo, SIGUSR1);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
}

CASE(changed)
{
    int fd = begin(SFD_NONBLOCK);
    sigset_t set = set_of(SIGRTMIN, SIGRTMIN);
    NEED(raise(SIGUSR1));
    CHECK(signalfd(fd, &set, 0), fd);
    CHECK(read(fd, got, sizeof(got)), -EAGAIN);
}

CASE(children)
{
    sigset_t set = set_of(SIGCHLD, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = NEED(signalfd(-1, &set, 0));
    pid_t child = NEED(fork());
    if (child == 0) {
        _exit(4);
    }
    CHECK(read(fd, got, sizeof(got)), 128);
    CHECK(got[0].ssi_signo, SIGCHLD);
    CHECK(got[0].ssi_code, CLD_EXITED);
    CHECK(got[0].ssi_status, 4);
    CHECK_TRUE(got[0].ssi_pid == (uint32_t)child);
    int status = 0;
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 4);
}

// The form without flags, and what both refuse.
CASE(without_flags)
{
    unsigned long set = 1ul << (SIGUSR1 - 1);
    struct signalfd_siginfo info;
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    NEED(sigprocmask(SIG_BLOCK, &blocked, NULL));
    int fd = NEED(SYS(signalfd, -1, &set, 8));
    NEED(raise(SIGUSR1));
    CHECK(read(fd, &info, sizeof(info)), 128);
    CHECK(info.ssi_signo, SIGUSR1);
    CHECK(SYS(signalfd, -1, &set, 4), -EINVAL);
    CHECK(SYS(signalfd, -1, BAD, 8), -EFAULT);
    CHECK(SYS(signalfd, 99, &set, 8), -EBADF);
    CHECK(SYS(signalfd, check_file("f", ""), &set, 8), -EINVAL);
}
