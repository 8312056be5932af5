// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Files that tell by signal: O_ASYNC, and who is told how (fcntl(2), "Managing signals").
#include "check.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static volatile sig_atomic_t count;
static siginfo_t last;

static void see(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    count++;
    last = *info;
}

static void watch(int number)
{
    struct sigaction action = { .sa_sigaction = see, .sa_flags = SA_SIGINFO };
    NEED(sigaction(number, &action, NULL));
    count = 0;
}

static void tell(int file, int number)
{
    NEED(fcntl(file, F_SETOWN, getpid()));
    NEED(fcntl(file, F_SETSIG, number));
    NEED(fcntl(file, F_SETFL, O_ASYNC | O_NONBLOCK));
}

CASE(pipe_input)
{
    int ends[2];
    char byte = 0;
    NEED(pipe(ends));
    watch(SIGIO);
    tell(ends[0], 0);
    CHECK(fcntl(ends[0], F_GETFL) & O_ASYNC, O_ASYNC);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 1);
    CHECK(last.si_signo, SIGIO);
    CHECK(last.si_code, SI_KERNEL);
    CHECK(read(ends[0], &byte, 1), 1);
    CHECK(count, 1);
    CHECK(write(ends[1], "y", 1), 1);
    CHECK(count, 2);
    NEED(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    NEED(read(ends[0], &byte, 1));
    CHECK(write(ends[1], "z", 1), 1);
    CHECK(count, 2);
}

CASE(pipe_detail)
{
    int ends[2];
    NEED(pipe(ends));
    watch(SIGRTMIN + 1);
    tell(ends[0], SIGRTMIN + 1);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 1);
    CHECK(last.si_code, POLL_IN);
    CHECK(last.si_band, POLLIN | POLLRDNORM);
    CHECK_TRUE(last.si_fd == ends[0]);
}

CASE(pipe_room)
{
    static char page[4096];
    int ends[2];
    NEED(pipe(ends));
    watch(SIGRTMIN + 1);
    tell(ends[1], SIGRTMIN + 1);
    while (write(ends[1], page, sizeof(page)) > 0) {}
    CHECK(count, 0);
    CHECK(read(ends[0], page, sizeof(page)), 4096);
    CHECK(count, 1);
    CHECK(last.si_code, POLL_OUT);
    CHECK(last.si_band, POLLOUT | POLLWRNORM | POLLWRBAND);
    CHECK_TRUE(last.si_fd == ends[1]);
}

CASE(nobody)
{
    int ends[2];
    NEED(pipe(ends));
    watch(SIGIO);
    NEED(fcntl(ends[0], F_SETFL, O_ASYNC));
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 0);
}

CASE(socket)
{
    int ends[2];
    int owner = getpid();
    int on = 1;
    char byte = 0;
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    watch(SIGIO);
    CHECK(ioctl(ends[0], FIOSETOWN, &owner), 0);
    owner = 0;
    CHECK(ioctl(ends[0], FIOGETOWN, &owner), 0);
    CHECK_TRUE(owner == getpid());
    CHECK(ioctl(ends[0], FIOASYNC, &on), 0);
    CHECK(fcntl(ends[0], F_GETFL) & O_ASYNC, O_ASYNC);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 1);
    CHECK(read(ends[0], &byte, 1), 1);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 2);
    CHECK(ioctl(ends[0], FIOASYNC, BAD), -EFAULT);
    on = 0;
    CHECK(ioctl(ends[0], FIOASYNC, &on), 0);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 2);
}

CASE(datagrams)
{
    int ends[2];
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
    watch(SIGRTMIN + 1);
    tell(ends[0], SIGRTMIN + 1);
    CHECK(send(ends[1], "one", 3, 0), 3);
    CHECK(send(ends[1], "two", 3, 0), 3);
    CHECK(count, 2);
    CHECK(last.si_code, POLL_IN);
}

CASE(terminal)
{
    int master = 0;
    int slave = 0;
    NEED(openpty(&master, &slave, NULL, NULL, NULL));
    watch(SIGIO);
    NEED(fcntl(slave, F_SETFL, O_ASYNC));
    CHECK_TRUE(fcntl(slave, F_GETOWN) == getpid());
    CHECK(write(master, "a line\n", 7), 7);
    for (int i = 0; i < 1000 && count == 0; i++) {
        check_sleep(1);
    }
    CHECK_TRUE(count > 0);
}

CASE(files_without)
{
    int on = 1;
    int off = 0;
    int file = check_file("f", "");
    CHECK(fcntl(file, F_SETFL, O_ASYNC), 0);
    CHECK(fcntl(file, F_GETFL) & O_ASYNC, 0);
    CHECK(ioctl(file, FIOASYNC, &on), -ENOTTY);
    CHECK(ioctl(file, FIOASYNC, &off), 0);
}

CASE(owners)
{
    int ends[2];
    struct f_owner_ex owner = { F_OWNER_TID, (int)SYS(gettid) };
    NEED(pipe(ends));
    CHECK(fcntl(ends[0], F_SETOWN_EX, &owner), 0);
    owner = (struct f_owner_ex){ 77, 77 };
    CHECK(fcntl(ends[0], F_GETOWN_EX, &owner), 0);
    CHECK(owner.type, F_OWNER_TID);
    CHECK_TRUE(owner.pid == getpid());
    CHECK_TRUE(SYS(fcntl, ends[0], F_GETOWN) == getpid());
    owner = (struct f_owner_ex){ F_OWNER_PGRP, getpgrp() };
    CHECK(fcntl(ends[0], F_SETOWN_EX, &owner), 0);
    CHECK_TRUE(fcntl(ends[0], F_GETOWN) == -getpgrp());
    owner.type = 9;
    CHECK(fcntl(ends[0], F_SETOWN_EX, &owner), -EINVAL);
    owner = (struct f_owner_ex){ F_OWNER_PID, 1 << 22 };
    CHECK(fcntl(ends[0], F_SETOWN_EX, &owner), -ESRCH);
    CHECK(fcntl(ends[0], F_SETOWN_EX, BAD), -EFAULT);
    CHECK(fcntl(ends[0], F_GETOWN_EX, BAD), -EFAULT);
    CHECK(fcntl(ends[0], F_SETOWN, -getpgrp()), 0);
    CHECK(fcntl(ends[0], F_SETOWN, 0), 0);
    CHECK(fcntl(ends[0], F_GETOWN), 0);
}

CASE(owner_ends)
{
    int ends[2];
    NEED(pipe(ends));
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    CHECK(fcntl(ends[0], F_SETOWN, child), 0);
    NEED(kill(child, SIGKILL));
    NEED(waitpid(child, NULL, 0));
    CHECK(fcntl(ends[0], F_GETOWN), 0);
}

// A child that has a group of its own and waits for a signal: how it ended, told by the file.
static int told_group(void)
{
    int ends[2];
    int status = 0;
    NEED(pipe(ends));
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    NEED(setpgid(child, child));
    NEED(fcntl(ends[0], F_SETOWN, -child));
    NEED(fcntl(ends[0], F_SETSIG, SIGUSR1));
    NEED(fcntl(ends[0], F_SETFL, O_ASYNC));
    NEED(write(ends[1], "x", 1));
    NEED(waitpid(child, &status, 0));
    return status;
}

CASE(group)
{
    CHECK(told_group(), SIGUSR1);
}

// Who has not the right to send a signal does not get it sent.
CASE(of_others)
{
    if (check_is_root()) {
        watch(SIGIO);
        pid_t parent = getpid();
        AS_NOBODY
        {
            int ends[2];
            NEED(pipe(ends));
            CHECK(fcntl(ends[0], F_SETOWN, parent), 0);
            NEED(fcntl(ends[0], F_SETFL, O_ASYNC));
            CHECK(write(ends[1], "x", 1), 1);
        }
        CHECK(count, 0);
    }
}

CASE(hangup)
{
    int ends[2];
    NEED(pipe(ends));
    watch(SIGRTMIN + 1);
    tell(ends[0], SIGRTMIN + 1);
    close(ends[1]);
    CHECK_TRUE(count > 0);
}

CASE(closed)
{
    int ends[2];
    NEED(pipe(ends));
    watch(SIGIO);
    tell(ends[0], 0);
    int other = NEED(dup(ends[0]));
    close(ends[0]);
    CHECK(write(ends[1], "x", 1), 1);
    CHECK(count, 1);
    close(other);
    signal(SIGPIPE, SIG_IGN);
    CHECK(write(ends[1], "x", 1), -EPIPE);
    CHECK(count, 1);
}
