// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// fifo(7): who waits for whom when a named pipe is opened.
#include "check.h"

#include <poll.h>
#include <sys/stat.h>

static char buffer[16];

CASE(open_nonblocking)
{
    NEED(mkfifo("p", 0600));
    CHECK(open("p", O_WRONLY | O_NONBLOCK), -ENXIO);
    CHECK(open("p", O_RDONLY | O_NONBLOCK), 3);
    CHECK(open("p", O_WRONLY | O_NONBLOCK), 4);
    CHECK(open("p", O_WRONLY), 5);
    CHECK(open("p", O_RDWR), 6);
    CHECK(read(3, buffer, 1), -EAGAIN);
    CHECK(write(4, "x", 1), 1);
    CHECK(read(6, buffer, 1), 1);
}

CASE(open_waits_for_writer)
{
    NEED(mkfifo("p", 0600));
    pid_t child = check_fork();
    if (child == 0) {
        int fd = NEED(open("p", O_RDONLY));
        CHECK(read(fd, buffer, 10), 5);
        CHECK(read(fd, buffer, 10), 0);
        check_exit();
    }
    check_wait_asleep(child);
    int fd = NEED(open("p", O_WRONLY));
    NEED(write(fd, "hello", 5));
    close(fd);
    check_join(child);
}

CASE(open_waits_for_reader)
{
    NEED(mkfifo("p", 0600));
    pid_t child = check_fork();
    if (child == 0) {
        int fd = NEED(open("p", O_WRONLY));
        CHECK(write(fd, "hello", 5), 5);
        check_exit();
    }
    check_wait_asleep(child);
    int fd = NEED(open("p", O_RDONLY));
    long length = read(fd, buffer, 10);
    check_join(child);
    CHECK(length, 5);
    CHECK(read(fd, buffer, 10), 0);
}

static void do_nothing(int number)
{
    (void)number;
}

CASE(open_interrupted)
{
    struct sigaction action = { .sa_handler = do_nothing };
    sigaction(SIGUSR1, &action, NULL);
    NEED(mkfifo("p", 0600));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(open("p", O_RDONLY), -EINTR);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
}

CASE(opened_again)
{
    NEED(mkfifo("p", 0600));
    int reader = NEED(open("p", O_RDONLY | O_NONBLOCK));
    CHECK(read(reader, buffer, 1), 0);
    struct pollfd one = { .fd = reader, .events = POLLIN };
    CHECK(poll(&one, 1, 0), 0);
    int writer = NEED(open("p", O_WRONLY));
    CHECK(read(reader, buffer, 1), -EAGAIN);
    NEED(write(writer, "x", 1));
    close(writer);
    CHECK(poll(&one, 1, 0), 1);
    CHECK(one.revents, POLLIN | POLLHUP);
    CHECK(read(reader, buffer, 10), 1);
    CHECK(read(reader, buffer, 10), 0);
    NEED(open("p", O_WRONLY));
    CHECK(poll(&one, 1, 0), 0);
    CHECK(read(reader, buffer, 10), -EAGAIN);
}

CASE(unlinked)
{
    NEED(mkfifo("p", 0600));
    int both = NEED(open("p", O_RDWR));
    NEED(unlink("p"));
    CHECK(write(both, "x", 1), 1);
    CHECK(read(both, buffer, 10), 1);
    CHECK(lseek(both, 0, SEEK_SET), -ESPIPE);
}

CASE(attributes)
{
    struct stat about;
    NEED(mkfifo("p", 0666));
    CHECK(mkfifo("p", 0666), -EEXIST);
    CHECK(stat("p", &about), 0);
    CHECK(about.st_mode, S_IFIFO | 0644);
    CHECK(truncate("p", 0), -EINVAL);
    NEED(chmod("p", 0));
    AS_NOBODY
    {
        CHECK(open("p", O_RDWR), -EACCES);
    }
}
