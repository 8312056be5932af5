// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Calls on files that wait, and a signal with a handler that ends the wait (EINTR).
#include "check.h"

#include <sys/file.h>
#include <sys/stat.h>

static int ends[2];
static char buffer[65536];

static void on_signal(int number)
{
    (void)number;
}

// A child in the call gets a signal whose handler restarts nothing, as soon as it waits.
static void interrupt(void (*call)(void))
{
    struct sigaction action = { .sa_handler = on_signal };
    NEED(sigaction(SIGUSR1, &action, NULL));
    pid_t child = check_fork();
    if (child == 0) {
        call();
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
}

static void open_for_reading(void)
{
    CHECK(SYS(open, "fifo", O_RDONLY), -EINTR);
}

static void create(void)
{
    CHECK(SYS(creat, "fifo", 0600), -EINTR);
}

CASE(fifos_opened)
{
    NEED(mkfifo("fifo", 0600));
    interrupt(open_for_reading);
    interrupt(create);
}

static void write_more(void)
{
    CHECK(SYS(write, ends[1], "x", 1), -EINTR);
}

CASE(pipe_written_to)
{
    NEED(pipe2(ends, O_NONBLOCK));
    while (write(ends[1], buffer, sizeof(buffer)) > 0) {}
    NEED(fcntl(ends[1], F_SETFL, O_WRONLY));
    interrupt(write_more);
}

static void lock_whole(void)
{
    CHECK(SYS(flock, NEED(open("f", O_RDWR)), LOCK_EX), -EINTR);
}

static void lock_record(void)
{
    struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
    CHECK(SYS(fcntl, NEED(open("f", O_RDWR)), F_SETLKW, &lock), -EINTR);
}

static void lock_record_of_file(void)
{
    struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
    CHECK(SYS(fcntl, NEED(open("f", O_RDWR)), F_OFD_SETLKW, &lock), -EINTR);
}

CASE(locks_taken)
{
    struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };
    int file = check_file("f", "");
    NEED(flock(file, LOCK_SH));
    NEED(fcntl(file, F_SETLK, &lock));
    interrupt(lock_whole);
    interrupt(lock_record);
    interrupt(lock_record_of_file);
}
