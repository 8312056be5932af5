// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// POSIX message queues, by their calls: mq_open(2), mq_unlink(2), mq_timedsend(2),
// mq_timedreceive(2), mq_notify(2), mq_getsetattr(2).
#include "check.h"

#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#define QUEUES_MOST 256  // of processes without privileges

static char name[300];
static char text[8192];
static unsigned priority;

static int queue(long most, long bytes, int flags)
{
    struct mq_attr is = { .mq_maxmsg = most, .mq_msgsize = bytes };
    snprintf(name, sizeof(name), "check-%d", getpid());
    return NEED(SYS(mq_open, name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &is));
}

static void end(void)
{
    NEED(SYS(mq_unlink, name));
}

static long put(int fd, const char *what, unsigned with)
{
    return SYS(mq_timedsend, fd, what, strlen(what), with, NULL);
}

static long take(int fd)
{
    memset(text, 0, 64);
    return SYS(mq_timedreceive, fd, text, sizeof(text), &priority, NULL);
}

CASE(by_priority)
{
    int fd = queue(5, 100, O_NONBLOCK);
    CHECK(take(fd), -EAGAIN);
    CHECK(put(fd, "a", 1), 0);
    CHECK(put(fd, "bb", 5), 0);
    CHECK(put(fd, "ccc", 5), 0);
    CHECK(put(fd, "dddd", 0), 0);
    CHECK(take(fd), 2);
    CHECK(priority, 5);
    CHECK_TEXT(text, "bb");
    CHECK(take(fd), 3);
    CHECK(take(fd), 1);
    CHECK(take(fd), 4);
    CHECK(priority, 0);
    CHECK(take(fd), -EAGAIN);
    end();
}

CASE(names)
{
    int fd = queue(2, 10, 0);
    CHECK(SYS(mq_open, name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), -EEXIST);
    CHECK_TRUE(SYS(mq_open, name, O_RDONLY, 0, NULL) > fd);
    CHECK(SYS(mq_open, "check-none", O_RDONLY, 0, NULL), -ENOENT);
    CHECK(SYS(mq_open, "a/b", O_RDONLY, 0, NULL), -EACCES);
    CHECK(SYS(mq_open, BAD, O_RDONLY, 0, NULL), -EFAULT);
    NEED(put(fd, "kept", 0));
    end();
    CHECK(SYS(mq_unlink, name), -ENOENT);
    CHECK(SYS(mq_open, name, O_RDONLY, 0, NULL), -ENOENT);
    CHECK(take(fd), 4);
}

CASE(attributes)
{
    struct mq_attr is;
    struct mq_attr to = { .mq_flags = O_NONBLOCK };
    int fd = queue(3, 50, 0);
    CHECK(SYS(mq_getsetattr, fd, NULL, &is), 0);
    CHECK_TRUE(is.mq_maxmsg == 3 && is.mq_msgsize == 50 && is.mq_curmsgs == 0 && is.mq_flags == 0);
    NEED(put(fd, "x", 0));
    CHECK(SYS(mq_getsetattr, fd, &to, &is), 0);
    CHECK_TRUE(is.mq_curmsgs == 1 && is.mq_flags == 0);
    CHECK(SYS(mq_getsetattr, fd, NULL, &is), 0);
    CHECK(is.mq_flags, O_NONBLOCK);
    to.mq_flags = O_APPEND;
    CHECK(SYS(mq_getsetattr, fd, &to, NULL), -EINVAL);
    CHECK(SYS(mq_getsetattr, fd, BAD, NULL), -EFAULT);
    CHECK(SYS(mq_getsetattr, 0, NULL, &is), -EBADF);
    end();
    is = (struct mq_attr){ .mq_maxmsg = 0, .mq_msgsize = 10 };
    CHECK(SYS(mq_open, name, O_CREAT | O_RDWR, 0600, &is), -EINVAL);
    is = (struct mq_attr){ .mq_maxmsg = 10, .mq_msgsize = -1 };
    CHECK(SYS(mq_open, name, O_CREAT | O_RDWR, 0600, &is), -EINVAL);
    CHECK(SYS(mq_open, name, O_CREAT | O_RDWR, 0600, BAD), -EFAULT);
}

CASE(errors)
{
    struct timespec wrong = { 0, 1000000000 };
    int fd = queue(2, 10, 0);
    int reads = NEED(SYS(mq_open, name, O_RDONLY, 0, NULL));
    CHECK(put(fd, "more than ten", 0), -EMSGSIZE);
    CHECK(SYS(mq_timedreceive, fd, text, 9, NULL, NULL), -EMSGSIZE);
    CHECK(put(fd, "x", 32768), -EINVAL);
    CHECK(put(reads, "x", 0), -EBADF);
    CHECK(put(0, "x", 0), -EBADF);
    CHECK(take(99), -EBADF);
    CHECK(SYS(mq_timedsend, fd, BAD, 1, 0, NULL), -EFAULT);
    CHECK(SYS(mq_timedsend, fd, "x", 1, 0, &wrong), -EINVAL);
    CHECK(SYS(mq_timedsend, fd, "x", 1, 0, BAD), -EFAULT);
    end();
}

CASE(waiting)
{
    int fd = queue(1, 10, 0);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(take(fd), 3);
        CHECK(put(fd, "full", 0), 0);
        CHECK(put(fd, "last", 0), 0);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(put(fd, "one", 0));
    check_wait_asleep(child);
    NEED(take(fd));
    check_join(child);
    CHECK(take(fd), 4);
    CHECK_TEXT(text, "last");
    end();
}

CASE(until)
{
    struct timespec soon;
    int fd = queue(1, 10, 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    CHECK(SYS(mq_timedreceive, fd, text, 10, NULL, &soon), -ETIMEDOUT);
    NEED(put(fd, "x", 0));
    CHECK(SYS(mq_timedsend, fd, "y", 1, 0, &soon), -ETIMEDOUT);
    CHECK(SYS(mq_timedreceive, fd, text, 10, NULL, &soon), 1);
    end();
}

static volatile sig_atomic_t seen;
static siginfo_t about;

static void see(int number, siginfo_t *info, void *context)
{
    (void)context;
    seen += number == SIGUSR1;
    about = *info;
}

CASE(told_by_signal)
{
    struct sigaction action = { .sa_sigaction = see, .sa_flags = SA_SIGINFO };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    int fd = queue(5, 10, O_NONBLOCK);
    NEED(sigaction(SIGUSR1, &action, NULL));
    event.sigev_value.sival_int = 77;
    CHECK(SYS(mq_notify, fd, &event), 0);
    CHECK(SYS(mq_notify, fd, &event), -EBUSY);
    CHECK(put(fd, "x", 0), 0);
    CHECK(seen, 1);
    CHECK(about.si_code, SI_MESGQ);
    CHECK(about.si_value.sival_int, 77);
    CHECK_TRUE(about.si_pid == getpid());
    CHECK(put(fd, "y", 0), 0);
    CHECK(seen, 1);
    CHECK(SYS(mq_notify, fd, &event), 0);
    CHECK(put(fd, "z", 0), 0);
    CHECK(seen, 1);
    CHECK(SYS(mq_notify, fd, NULL), 0);
    while (take(fd) > 0) {}
    CHECK(put(fd, "x", 0), 0);
    CHECK(seen, 1);
    event.sigev_signo = 65;
    CHECK(SYS(mq_notify, fd, &event), -EINVAL);
    event.sigev_notify = 99;
    CHECK(SYS(mq_notify, fd, &event), -EINVAL);
    CHECK(SYS(mq_notify, 0, NULL), -EBADF);
    CHECK(SYS(mq_notify, fd, BAD), -EFAULT);
    end();
}

CASE(polled)
{
    int fd = queue(1, 10, O_NONBLOCK);
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLOUT);
    NEED(put(fd, "x", 0));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN);
    end();
}

CASE(of_others)
{
    if (check_is_root()) {
        queue(1, 10, 0);
        AS_NOBODY
        {
            CHECK(SYS(mq_open, name, O_RDONLY, 0, NULL), -EACCES);
            CHECK(SYS(mq_unlink, name), -EPERM);
        }
        end();
    }
}

CASE(names_too_long)
{
    memset(name, 'n', sizeof(name) - 1);
    CHECK(SYS(mq_open, name, O_CREAT | O_RDWR, 0600, NULL), -ENAMETOOLONG);
    CHECK(SYS(mq_unlink, name), -ENAMETOOLONG);
}

CASE(interrupted)
{
    struct timespec wrong = { 0, 1000000000 };
    int fd = queue(1, 10, 0);
    CHECK(SYS(mq_timedreceive, fd, text, 10, NULL, &wrong), -EINVAL);
    INTERRUPTED
    {
        CHECK(take(fd), -EINTR);
    }
    NEED(put(fd, "x", 0));
    INTERRUPTED
    {
        CHECK(put(fd, "y", 0), -EINTR);
    }
    NEED(fcntl(fd, F_SETFL, O_NONBLOCK));
    CHECK(put(fd, "y", 0), -EAGAIN);
    end();
}

static long numbered(int number)
{
    struct mq_attr is = { .mq_maxmsg = 1, .mq_msgsize = 1 };
    snprintf(name, sizeof(name), "check-%d-%d", getpid(), number);
    return SYS(mq_open, name, O_CREAT | O_RDWR, 0600, &is);
}

// In a namespace of its own where there is one: nobody else's calls find the table full.
CASE(too_many)
{
    if (check_is_root()) {
        (void)!unshare(CLONE_NEWIPC);
        AS_NOBODY
        {
            for (int i = 0; i < QUEUES_MOST; i++) {
                close(NEED(numbered(i)));
            }
            CHECK(numbered(QUEUES_MOST), -ENOSPC);
            for (int i = 0; i < QUEUES_MOST; i++) {
                snprintf(name, sizeof(name), "check-%d-%d", getpid(), i);
                end();
            }
        }
    }
}
