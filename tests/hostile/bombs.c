// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Processes that take all there is of something, without limits, one kind after the other.  When
// they are ended there is as much memory as before, and work comes to its results.
//     bombs SECONDS [NAME...]    so long each; all, where none is named
// It ends every other process, so it runs on Pith only.
#include "hostile.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PARTS        3  // processes of a bomb
#define MUCH         (1ul << 40)
#define PIECE        (1ul << 20)
#define LEAF         (1ul << 21)  // that one page table reaches
#define PIPE_MOST    (1 << 20)

static uint8_t piece[PIECE];

// ---- bombs: none comes to an end by itself -----------------------------------------------------
static void bomb_forks(void)
{
    for (;;) {
        (void)fork();
    }
}

// All the time that there is, in programs that never call.
static void bomb_time(void)
{
    (void)fork();
    (void)fork();
    for (volatile unsigned turns = 0;; turns++) {}
}

static void bomb_memory(void)
{
    volatile uint8_t *at = mmap(NULL, MUCH, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (uint64_t i = 0;; i += PAGE) {
        at[i] = 1;
    }
}

static void bomb_tables(void)
{
    volatile uint8_t *at = mmap(NULL, MUCH, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (uint64_t i = 0;; i += LEAF) {
        at[i % MUCH] = 1;
    }
}

static void bomb_areas(void)
{
    for (unsigned i = 0;; i++) {
        (void)mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
}

static void bomb_files(void)
{
    for (unsigned i = 0;; i++) {
        char name[40];
        (void)snprintf(name, sizeof(name), "%d.%u", (int)getpid(), i);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        while (write(fd, piece, PIECE) > 0) {}
        (void)close(fd);
    }
}

static void bomb_memory_files(void)
{
    for (;;) {
        int fd = memfd_create("bomb", 0);
        while (write(fd, piece, PIECE) > 0) {}
    }
}

static void bomb_names(void)
{
    for (unsigned i = 0;; i++) {
        char name[200];
        memset(name, 'n', sizeof(name));
        (void)snprintf(name + 150, 50, "%d.%u", (int)getpid(), i);
        (void)symlink(name, name);
    }
}

static void descriptors_many(void)
{
    const struct rlimit limit = { 1 << 20, 1 << 20 };
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void bomb_pipes(void)
{
    descriptors_many();
    for (;;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) == 0) {
            (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_MOST);
            while (write(ends[1], piece, PIECE) > 0) {}
        }
    }
}

static void bomb_sockets(void)
{
    descriptors_many();
    for (;;) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0) {
            while (write(pair[0], piece, PIECE / 8) > 0) {}
        }
    }
}

static void bomb_descriptors(void)
{
    descriptors_many();
    for (;;) {
        (void)open("/dev/null", O_RDONLY);
        (void)dup(0);
        (void)syscall(SYS_epoll_create1, 0);
        (void)syscall(SYS_eventfd2, 0, 0);
    }
}

static void *sleep_for_ever(void *nothing)
{
    for (;;) {
        (void)pause();
    }
    return nothing;
}

static void bomb_threads(void)
{
    for (;;) {
        pthread_t thread;
        (void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
    }
}

static void nothing(int number)
{
    (void)number;
}

static void bomb_timers(void)
{
    const struct itimerspec often = { { 0, 1 }, { 0, 1 } };
    (void)signal(SIGALRM, nothing);
    for (;;) {
        timer_t timer;
        if (timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0) {
            (void)timer_settime(timer, 0, &often, NULL);
        }
    }
}

static void bomb_signals(void)
{
    const union sigval value = { .sival_int = 1 };
    sigset_t all;
    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0;; i++) {
        (void)sigqueue(getpid(), SIGRTMIN + i % 20, value);
        (void)kill(0, SIGUSR1 + i % 2 * 2);
    }
}

static void bomb_calls(void)
{
    static volatile uint64_t progress;
    attack((uint64_t)getpid(), UINT32_MAX, &progress);
}

static void bomb_executables(void)
{
    char name[20];
    (void)snprintf(name, sizeof(name), "%d", (int)getpid());
    (void)!(mkdir(name, 0700) || chdir(name));
    elf_attack((uint64_t)getpid(), UINT32_MAX);
}

static void bomb_printing(void)
{
    for (;;) {
        (void)!write(STDERR_FILENO, ".", 1);
    }
}

static const struct bomb {
    const char *name;
    void (*run)(void);
} bombs[] = {
    { "forks", bomb_forks },
    { "time", bomb_time },
    { "memory", bomb_memory },
    { "tables", bomb_tables },
    { "areas", bomb_areas },
    { "files", bomb_files },
    { "memory-files", bomb_memory_files },
    { "names", bomb_names },
    { "pipes", bomb_pipes },
    { "sockets", bomb_sockets },
    { "descriptors", bomb_descriptors },
    { "threads", bomb_threads },
    { "timers", bomb_timers },
    { "signals", bomb_signals },
    { "calls", bomb_calls },
    { "executables", bomb_executables },
    { "printing", bomb_printing },
};

// ---- one after the other -----------------------------------------------------------------------
static void sleep_long(double seconds)
{
    struct timespec time = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&time, &time)) {}
}

static bool bomb_once(const struct bomb *bomb, double seconds)
{
    static const char place[] = "/bomb";
    unsigned own = judge_processes();
    (void)mkdir(place, 0755);
    bool good = mount("tmpfs", place, "tmpfs", 0, NULL) == 0 && chdir(place) == 0;
    for (unsigned i = 0; i < PARTS; i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)setsid();
            bomb->run();
            _exit(0);
        }
    }
    sleep_long(seconds);
    good &= judge_all_end(own);
    good &= chdir("/tmp") == 0 && umount2(place, MNT_DETACH) == 0;
    return sane_work(own) && good;
}

// Twice: what is kept for ever is there after the first time.
static bool bomb_run(const struct bomb *bomb, double seconds)
{
    bool good = bomb_once(bomb, seconds);
    unsigned long before = judge_memory_free();
    good &= bomb_once(bomb, seconds);
    good &= judge_memory_same(before, judge_memory_free());
    judge_say("%s: %s\n", bomb->name, good ? "over" : "WRONG");
    return good;
}

static bool is_wanted(const struct bomb *bomb, char **names)
{
    bool wanted = *names == NULL;
    for (; *names; names++) {
        wanted |= strcmp(*names, bomb->name) == 0;
    }
    return wanted;
}

int main(int argc, char **argv)
{
    if (argc < 2 || !judge_is_pith()) {
        return 2;
    }
    bool good = true;
    memset(piece, 'x', sizeof(piece));
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    (void)!chdir("/tmp");
    (void)sane_work(0);
    for (unsigned i = 0; i < COUNT(bombs); i++) {
        if (is_wanted(&bombs[i], argv + 2)) {
            good &= bomb_run(&bombs[i], strtod(argv[1], NULL));
        }
    }
    return good ? 0 : 1;
}
