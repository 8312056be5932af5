// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// pipe(2), pipe2(2), pipe(7): what is read and written when, and who is told that the other is
// gone.
#include "check.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PIPE_BYTES 65536

static int ends[2];
static char buffer[PIPE_BYTES * 2];

static void open_pipe(int flags)
{
    NEED(pipe2(ends, flags));
}

static void close_pipe(void)
{
    close(ends[0]);
    close(ends[1]);
}

CASE(descriptors)
{
    CHECK(pipe(ends), 0);
    CHECK_TRUE(ends[0] == 3 && ends[1] == 4);
    CHECK(fcntl(ends[0], F_GETFL), O_RDONLY);
    CHECK(fcntl(ends[1], F_GETFL), O_WRONLY);
    CHECK(fcntl(ends[0], F_GETFD), 0);
    close_pipe();
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    CHECK(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(ends[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    CHECK(fcntl(ends[1], F_GETFL), O_WRONLY | O_NONBLOCK);
}

CASE(errors)
{
    CHECK(SYS(pipe, BAD), -EFAULT);
    CHECK(SYS(pipe2, BAD, 0), -EFAULT);
    CHECK(SYS(pipe2, ends, O_APPEND), -EINVAL);
    CHECK(SYS(pipe2, ends, 1), -EINVAL);
    CHECK(open("/dev/null", O_RDONLY), 3);
    // O_NOTIFICATION_PIPE, which Linux may have been built without.
    CHECK_TRUE(pipe2(ends, O_EXCL) == 0 || errno == ENOPKG);
}

CASE(wrong_end)
{
    open_pipe(0);
    CHECK(write(ends[0], "x", 1), -EBADF);
    CHECK(read(ends[1], buffer, 1), -EBADF);
}

CASE(read_empty_nonblocking)
{
    open_pipe(O_NONBLOCK);
    CHECK(read(ends[0], buffer, 1), -EAGAIN);
    CHECK(read(ends[0], buffer, 0), 0);
}

CASE(read_less)
{
    open_pipe(0);
    CHECK(write(ends[1], "hello", 5), 5);
    CHECK(read(ends[0], buffer, 2), 2);
    CHECK(read(ends[0], buffer, 100), 3);
    CHECK_TRUE(memcmp(buffer, "llo", 3) == 0);
}

CASE(read_across_writes)
{
    open_pipe(0);
    CHECK(write(ends[1], "ab", 2), 2);
    CHECK(write(ends[1], "cd", 2), 2);
    CHECK(read(ends[0], buffer, 3), 3);
    CHECK_TRUE(memcmp(buffer, "abc", 3) == 0);
    CHECK(read(ends[0], buffer, 3), 1);
}

CASE(read_end_of_file)
{
    open_pipe(0);
    NEED(write(ends[1], "x", 1));
    close(ends[1]);
    CHECK(read(ends[0], buffer, 10), 1);
    CHECK(read(ends[0], buffer, 10), 0);
    CHECK(read(ends[0], buffer, 10), 0);
}

CASE(write_without_reader)
{
    open_pipe(0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    CHECK(write(ends[1], "x", 1), -EPIPE);
    CHECK(write(ends[1], "x", 0), 0);
}

static void write_to_nobody(void)
{
    open_pipe(0);
    close(ends[0]);
    (void)!write(ends[1], "x", 1);
}

CASE(write_without_reader_kills)
{
    int status = check_status(write_to_nobody);
    CHECK_TRUE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status), SIGPIPE);
}

CASE(bad_buffers)
{
    open_pipe(O_NONBLOCK);
    CHECK(SYS(write, ends[1], BAD, 1), -EFAULT);
    CHECK(SYS(read, ends[0], BAD, 1), -EAGAIN);
    NEED(write(ends[1], "x", 1));
    CHECK(SYS(read, ends[0], BAD, 1), -EFAULT);
    CHECK(read(ends[0], buffer, 10), 1);
}

CASE(fill)
{
    long total = 0;
    open_pipe(O_NONBLOCK);
    CHECK(fcntl(ends[0], F_GETPIPE_SZ), PIPE_BYTES);
    for (ssize_t done = 0; (done = write(ends[1], buffer, 4096)) > 0;) {
        total += done;
    }
    CHECK(total, PIPE_BYTES);
    CHECK(write(ends[1], buffer, 1), -EAGAIN);
    CHECK(read(ends[0], buffer, 4096), 4096);
    CHECK(write(ends[1], buffer, PIPE_BYTES), 4096);
}

CASE(fill_partly)
{
    open_pipe(O_NONBLOCK);
    CHECK(write(ends[1], buffer, PIPE_BYTES + 100), PIPE_BYTES);
    CHECK(read(ends[0], buffer, sizeof(buffer)), PIPE_BYTES);
}

CASE(atomic_writes)
{
    open_pipe(O_NONBLOCK);
    CHECK(write(ends[1], buffer, PIPE_BYTES - 4096), PIPE_BYTES - 4096);
    CHECK(write(ends[1], buffer, 4000), 4000);
    CHECK(write(ends[1], buffer, 4096), -EAGAIN);
    CHECK(write(ends[1], buffer, 96), 96);
}

CASE(size)
{
    open_pipe(O_NONBLOCK);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    CHECK(fcntl(ends[0], F_GETPIPE_SZ), 4096);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 5000), 8192);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 1), 4096);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 20000), 32768);
    NEED(write(ends[1], buffer, 10000));
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 4096), -EBUSY);
    NEED(read(ends[0], buffer, 10000));
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 0), 4096);
    int file = check_file("f", "");
    CHECK(fcntl(file, F_GETPIPE_SZ), -EBADF);
    AS_NOBODY
    {
        CHECK(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
        CHECK(fcntl(ends[1], F_SETPIPE_SZ, (1 << 20) + 1), -EPERM);
    }
}

CASE(bytes_waiting)
{
    int waiting = -1;
    open_pipe(0);
    CHECK(ioctl(ends[0], FIONREAD, &waiting), 0);
    CHECK(waiting, 0);
    NEED(write(ends[1], buffer, 300));
    CHECK(ioctl(ends[0], FIONREAD, &waiting), 0);
    CHECK(waiting, 300);
    CHECK(ioctl(ends[1], FIONREAD, &waiting), 0);
    CHECK(waiting, 300);
    CHECK(ioctl(ends[0], TIOCGWINSZ, buffer), -ENOTTY);
}

CASE(no_position)
{
    open_pipe(0);
    CHECK(lseek(ends[0], 0, SEEK_CUR), -ESPIPE);
    CHECK(pread(ends[0], buffer, 1, 0), -ESPIPE);
    CHECK(pwrite(ends[1], buffer, 1, 0), -ESPIPE);
    CHECK(ftruncate(ends[1], 0), -EINVAL);
    CHECK(fsync(ends[1]), -EINVAL);
    CHECK(fallocate(ends[1], 0, 0, 1), -ESPIPE);
}

CASE(stat)
{
    struct stat about;
    struct stat other;
    open_pipe(0);
    CHECK(fstat(ends[0], &about), 0);
    CHECK(fstat(ends[1], &other), 0);
    CHECK_TRUE(S_ISFIFO(about.st_mode));
    CHECK(about.st_mode & 07777, 0600);
    CHECK(about.st_nlink, 1);
    CHECK(about.st_size, 0);
    CHECK_TRUE(about.st_ino == other.st_ino && about.st_dev == other.st_dev);
    CHECK_TRUE(about.st_uid == geteuid());
}

// A reader that waits gets what a writer brings, and only that.
CASE(read_waits)
{
    open_pipe(0);
    pid_t child = check_fork();
    if (child == 0) {
        close(ends[1]);
        CHECK(read(ends[0], buffer, 100), 5);
        CHECK(read(ends[0], buffer, 100), 0);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(write(ends[1], "hello", 5));
    check_wait_asleep(child);
    close(ends[1]);
    check_join(child);
}

// A writer that waits for room goes on as soon as there is some, and its write is whole.
CASE(write_waits)
{
    open_pipe(0);
    pid_t child = check_fork();
    if (child == 0) {
        close(ends[0]);
        CHECK(write(ends[1], buffer, sizeof(buffer)), (long)sizeof(buffer));
        check_exit();
    }
    close(ends[1]);
    check_wait_asleep(child);
    long total = 0;
    for (ssize_t done = 0; (done = read(ends[0], buffer, 5000)) > 0;) {
        total += done;
    }
    CHECK(total, sizeof(buffer));
    check_join(child);
}

CASE(reader_leaves_waiting_writer)
{
    open_pipe(0);
    pid_t child = check_fork();
    if (child == 0) {
        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        CHECK(write(ends[1], buffer, sizeof(buffer)), PIPE_BYTES);
        CHECK(write(ends[1], buffer, 1), -EPIPE);
        check_exit();
    }
    check_wait_asleep(child);
    close(ends[0]);
    check_join(child);
}

static void do_nothing(int number)
{
    (void)number;
}

CASE(read_interrupted)
{
    struct sigaction action = { .sa_handler = do_nothing };
    open_pipe(0);
    sigaction(SIGUSR1, &action, NULL);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(read(ends[0], buffer, 1), -EINTR);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
}

CASE(read_restarts)
{
    struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
    open_pipe(0);
    sigaction(SIGUSR1, &action, NULL);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(read(ends[0], buffer, 1), 1);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_wait_asleep(child);
    NEED(write(ends[1], "x", 1));
    check_join(child);
}

CASE(events)
{
    struct pollfd in = { .events = POLLIN | POLLOUT };
    struct pollfd out = { .events = POLLIN | POLLOUT };
    open_pipe(O_NONBLOCK);
    in.fd = ends[0];
    out.fd = ends[1];
    CHECK(poll(&in, 1, 0), 0);
    CHECK(poll(&out, 1, 0), 1);
    CHECK(out.revents, POLLOUT);
    NEED(write(ends[1], buffer, PIPE_BYTES));
    CHECK(poll(&in, 1, 0), 1);
    CHECK(in.revents, POLLIN);
    CHECK(poll(&out, 1, 0), 0);
    close(ends[1]);
    CHECK(poll(&in, 1, 0), 1);
    CHECK(in.revents, POLLIN | POLLHUP);
    NEED(read(ends[0], buffer, PIPE_BYTES));
    CHECK(poll(&in, 1, 0), 1);
    CHECK(in.revents, POLLHUP);
}

CASE(events_without_reader)
{
    struct pollfd out = { .events = POLLOUT };
    open_pipe(0);
    close(ends[0]);
    out.fd = ends[1];
    CHECK(poll(&out, 1, 0), 1);
    CHECK(out.revents, POLLOUT | POLLERR);
}

// With O_DIRECT each write is a packet, and what a read does not take of it is lost.
CASE(packets)
{
    open_pipe(O_DIRECT | O_NONBLOCK);
    NEED(write(ends[1], "hello", 5));
    NEED(write(ends[1], "world", 5));
    CHECK(read(ends[0], buffer, 2), 2);
    CHECK(read(ends[0], buffer, 100), 5);
    CHECK_TRUE(memcmp(buffer, "world", 5) == 0);
    CHECK(read(ends[0], buffer, 100), -EAGAIN);
}

CASE(reopened_by_name)
{
    char name[64];
    open_pipe(O_NONBLOCK);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
    int writer = NEED(open(name, O_WRONLY));
    close(ends[1]);
    CHECK(write(writer, "x", 1), 1);
    CHECK(read(ends[0], buffer, 10), 1);
    CHECK(read(ends[0], buffer, 10), -EAGAIN);
    close(writer);
    CHECK(read(ends[0], buffer, 10), 0);
}

// Each process has its own references to both ends.
CASE(ends_after_fork)
{
    char text[8];
    NEED(pipe(ends));
    pid_t child = NEED(fork());
    if (child == 0) {
        close(ends[0]);
        NEED(write(ends[1], "x", 1));
        _exit(0);
    }
    NEED(waitpid(child, NULL, 0));
    struct pollfd polled = { .fd = ends[0], .events = POLLIN };
    CHECK(read(ends[0], text, sizeof(text)), 1);
    CHECK(poll(&polled, 1, 0), 0);  // the parent writes, too
    close(ends[1]);
    CHECK(poll(&polled, 1, 0), 1);
    CHECK(polled.revents, POLLHUP);
    NEED(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    CHECK(read(ends[0], text, sizeof(text)), 0);
}

CASE(vectors)
{
    struct iovec {
        char *base;
        size_t length;
    } parts[3] = { { buffer, 2 }, { buffer + 10, 0 }, { buffer + 20, 3 } };
    open_pipe(0);
    memcpy(buffer, "ab", 2);
    memcpy(buffer + 20, "cde", 3);
    CHECK(SYS(writev, ends[1], parts, 3), 5);
    memset(buffer, 0, 100);
    CHECK(SYS(readv, ends[0], parts, 3), 5);
    CHECK_TRUE(memcmp(buffer, "ab", 2) == 0 && memcmp(buffer + 20, "cde", 3) == 0);
}
