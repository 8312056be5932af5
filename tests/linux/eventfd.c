// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// eventfd(2).
#include "check.h"

#include <poll.h>
#include <sys/eventfd.h>

static uint64_t value;

static long put(int descriptor, uint64_t more)
{
    return write(descriptor, &more, sizeof(more));
}

CASE(create)
{
    CHECK(eventfd(0, 0), 3);
    CHECK(fcntl(3, F_GETFL), O_RDWR);
    CHECK(fcntl(3, F_GETFD), 0);
    CHECK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 4);
    CHECK(fcntl(4, F_GETFL), O_RDWR | O_NONBLOCK);
    CHECK(fcntl(4, F_GETFD), FD_CLOEXEC);
    CHECK(eventfd(0, 2), -EINVAL);
    CHECK(SYS(eventfd, 7), 5);
    CHECK(read(5, &value, 8), 8);
    CHECK(value, 7);
    CHECK(lseek(3, 5, SEEK_SET), 0);
    CHECK(pread(3, &value, 8, 0), -ESPIPE);
}

CASE(counter)
{
    int fd = NEED(eventfd(3, EFD_NONBLOCK));
    CHECK(put(fd, 4), 8);
    CHECK(read(fd, &value, 8), 8);
    CHECK(value, 7);
    CHECK(read(fd, &value, 8), -EAGAIN);
    CHECK(put(fd, 0), 8);
    CHECK(read(fd, &value, 8), -EAGAIN);
    CHECK(put(fd, UINT64_MAX), -EINVAL);
    CHECK(put(fd, UINT64_MAX - 1), 8);
    CHECK(put(fd, 1), -EAGAIN);
    CHECK(read(fd, &value, 8), 8);
    CHECK_TRUE(value == UINT64_MAX - 1);
}

CASE(semaphore)
{
    int fd = NEED(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));
    CHECK(read(fd, &value, 8), 8);
    CHECK(value, 1);
    CHECK(read(fd, &value, 8), 8);
    CHECK(read(fd, &value, 8), -EAGAIN);
}

CASE(sizes)
{
    char more[16] = { 1 };
    int fd = NEED(eventfd(1, EFD_NONBLOCK));
    CHECK(read(fd, &value, 7), -EINVAL);
    CHECK(write(fd, &value, 7), -EINVAL);
    CHECK(SYS(read, fd, BAD, 8), -EFAULT);
    CHECK(SYS(write, fd, BAD, 8), -EFAULT);
    CHECK(write(fd, more, 8), 8);
    CHECK(read(fd, more, 16), 8);
}

CASE(events)
{
    int fd = NEED(eventfd(0, EFD_NONBLOCK));
    struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLOUT);
    NEED(put(fd, UINT64_MAX - 1));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN);
    NEED(read(fd, &value, 8));
    NEED(put(fd, 1));
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLOUT);
}

CASE(read_waits)
{
    int fd = NEED(eventfd(0, 0));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(read(fd, &value, 8), 8);
        CHECK(value, 5);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(put(fd, 5));
    check_join(child);
}

CASE(write_waits)
{
    int fd = NEED(eventfd(0, 0));
    NEED(put(fd, UINT64_MAX - 1));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(put(fd, 9), 8);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(read(fd, &value, 8));
    check_join(child);
    CHECK(read(fd, &value, 8), 8);
    CHECK(value, 9);
}
