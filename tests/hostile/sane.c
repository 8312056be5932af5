// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Work with a known result, beside hostile processes.
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdio.h>

#define BYTES (3 * PAGE + 5)

static uint8_t data[BYTES], back[BYTES];

static bool wrong(const char *what)
{
    char line[100];
    int length = snprintf(line, sizeof(line), "WRONG: %s (errno %d)\n", what, errno);
    (void)!write(STDOUT_FILENO, line, (size_t)length);
    return false;
}

static bool is_back(void)
{
    bool same = memcmp(data, back, BYTES) == 0;
    memset(back, 0, BYTES);
    return same;
}

static bool file_work(void)
{
    int fd = open("sane", O_RDWR | O_CREAT | O_EXCL, 0600);
    bool good = fd >= 0 && write(fd, data, BYTES) == (ssize_t)BYTES &&
                pread(fd, back, BYTES, 0) == (ssize_t)BYTES && is_back() &&
                lseek(fd, 0, SEEK_END) == (off_t)BYTES;
    return (close(fd) == 0 && unlink("sane") == 0 && good) || wrong("a file");
}

static bool through(int to, int from, const char *what)
{
    for (size_t at = 0; at < BYTES; at += PAGE) {
        size_t part = BYTES - at < PAGE ? BYTES - at : PAGE;
        if (write(to, data + at, part) != (ssize_t)part ||
            read(from, back + at, part) != (ssize_t)part) {
            return wrong(what);
        }
    }
    return (is_back() && close(to) == 0 && close(from) == 0) || wrong(what);
}

static bool pipe_work(void)
{
    int ends[2], pair[2];
    return (pipe(ends) == 0 && through(ends[1], ends[0], "a pipe") &&
            socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
            through(pair[0], pair[1], "a socket")) ||
           wrong("pipes and sockets");
}

static bool memory_work(void)
{
    uint8_t *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return wrong("mmap");
    }
    bool good = true;
    for (size_t i = 0; i < BYTES; i++) {
        good &= at[i] == 0;
    }
    memcpy(at, data, BYTES);
    pid_t child = fork();
    if (child == 0) {
        at[1]++;
        _exit(memcmp(at + 2, data + 2, BYTES - 2) ? 1 : 42);
    }
    int status = 0;
    good &= waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42;
    good &= memcmp(at, data, BYTES) == 0 && munmap(at, BYTES) == 0;
    return good || wrong("memory and a child");
}

static volatile int signals;

static void count(int number)
{
    signals += number;
}

static bool signal_work(void)
{
    struct sigaction action = { .sa_handler = count };
    signals = 0;
    bool good = sigaction(SIGUSR1, &action, NULL) == 0 && raise(SIGUSR1) == 0;
    return (good && signals == SIGUSR1) || wrong("a signal");
}

bool sane_work(unsigned number)
{
    for (size_t i = 0; i < BYTES; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251 + number);
    }
    return file_work() && pipe_work() && memory_work() && signal_work();
}
