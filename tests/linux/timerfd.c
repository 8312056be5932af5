// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// timerfd_create(2), timerfd_settime(2).
#include "check.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

static uint64_t expirations;
static struct itimerspec old;

static long set(int fd, int flags, long first, long interval)
{
    struct itimerspec new = { .it_value = { first / 1000, first % 1000 * 1000000 },
                              .it_interval = { interval / 1000, interval % 1000 * 1000000 } };
    return timerfd_settime(fd, flags, &new, &old);
}

CASE(create)
{
    CHECK(timerfd_create(CLOCK_MONOTONIC, 0), 3);
    CHECK(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK), 4);
    CHECK(fcntl(4, F_GETFL), O_RDWR | O_NONBLOCK);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(timerfd_create(CLOCK_BOOTTIME, 0), 5);
    CHECK(timerfd_create(77, 0), -EINVAL);
    CHECK(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), -EINVAL);
    CHECK(timerfd_create(CLOCK_MONOTONIC, 1), -EINVAL);
    CHECK(read(4, &expirations, 8), -EAGAIN);
    CHECK(write(4, &expirations, 8), -EINVAL);
}

CASE(once)
{
    int fd = NEED(timerfd_create(CLOCK_MONOTONIC, 0));
    long before = check_now();
    CHECK(set(fd, 0, 30, 0), 0);
    CHECK(read(fd, &expirations, 8), 8);
    CHECK(expirations, 1);
    CHECK_TRUE(check_now() - before >= 29);
    CHECK(timerfd_gettime(fd, &old), 0);
    CHECK_TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    CHECK(read(fd, &expirations, 8), -EAGAIN);
}

CASE(repeated)
{
    int fd = NEED(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    CHECK(set(fd, 0, 10, 10), 0);
    check_sleep(55);
    CHECK(read(fd, &expirations, 8), 8);
    CHECK_TRUE(expirations >= 5);
    CHECK(timerfd_gettime(fd, &old), 0);
    CHECK(old.it_interval.tv_nsec, 10000000);
    CHECK_TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_nsec > 0 &&
               old.it_value.tv_nsec <= 10000000);
    CHECK(set(fd, 0, 0, 0), 0);
    CHECK(old.it_interval.tv_nsec, 10000000);
    check_sleep(15);
    CHECK(read(fd, &expirations, 8), -EAGAIN);
}

CASE(absolute)
{
    int fd = NEED(timerfd_create(CLOCK_MONOTONIC, 0));
    CHECK(set(fd, TFD_TIMER_ABSTIME, 1000, 0), 0);
    CHECK(read(fd, &expirations, 8), 8);
    CHECK(expirations, 1);
    long then = check_now() + 30;
    CHECK(set(fd, TFD_TIMER_ABSTIME, then, 0), 0);
    CHECK(read(fd, &expirations, 8), 8);
    CHECK_TRUE(check_now() >= then);
}

CASE(events)
{
    int fd = NEED(timerfd_create(CLOCK_MONOTONIC, 0));
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
    CHECK(poll(&one, 1, 0), 0);
    NEED(set(fd, 0, 20, 0));
    CHECK(poll(&one, 1, 5000), 1);
    CHECK(one.revents, POLLIN);
    NEED(set(fd, 0, 100000, 0));
    CHECK(poll(&one, 1, 0), 0);
}

CASE(errors)
{
    int fd = NEED(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    struct itimerspec new = { .it_value = { 0, 1000000000 } };
    CHECK(timerfd_settime(fd, 0, &new, NULL), -EINVAL);
    new.it_value.tv_nsec = -1;
    CHECK(timerfd_settime(fd, 0, &new, NULL), -EINVAL);
    new.it_value.tv_nsec = 0;
    CHECK(timerfd_settime(fd, 8, &new, NULL), -EINVAL);
    CHECK(timerfd_settime(99, 0, &new, NULL), -EBADF);
    CHECK(timerfd_settime(check_file("f", ""), 0, &new, NULL), -EINVAL);
    CHECK(SYS(timerfd_settime, fd, 0, BAD, NULL), -EFAULT);
    CHECK(SYS(timerfd_gettime, fd, BAD), -EFAULT);
    CHECK(timerfd_gettime(99, &new), -EBADF);
    CHECK(timerfd_gettime(check_file("f", ""), &new), -EINVAL);
    CHECK(read(fd, &expirations, 7), -EINVAL);
}

// To wake the machine takes a privilege.
CASE(alarms)
{
    if (check_is_root()) {
        struct itimerspec new = { .it_value = { 100, 0 } };
        int fd = NEED(timerfd_create(CLOCK_REALTIME_ALARM, 0));
        AS_NOBODY
        {
            CHECK(timerfd_create(CLOCK_REALTIME_ALARM, 0), -EPERM);
            CHECK(timerfd_create(CLOCK_BOOTTIME_ALARM, 0), -EPERM);
            CHECK(timerfd_settime(fd, 0, &new, NULL), -EPERM);
            CHECK(timerfd_gettime(fd, &new), 0);
        }
        CHECK(timerfd_settime(fd, 0, &new, NULL), 0);
    }
}
