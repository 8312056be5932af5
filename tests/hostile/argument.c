// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Arguments: each class of values that a server could get wrong, with those among them that let a
// call come further than its first check.
#include "hostile.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARENA_PAGES  16
#define ARENA        (ARENA_PAGES * PAGE)

static uint8_t *arena;   // then a page that can only be read, and one that cannot
static uint8_t *beyond;  // of a mapped file: the second page lies beyond its end

// ---- numbers -----------------------------------------------------------------------------------
static uint64_t of(struct chooser *chooser, const uint64_t *values, size_t count)
{
    return values[random_below(&chooser->random, count)];
}
#define OF(chooser, values) of(chooser, values, COUNT(values))

static uint64_t bits(struct chooser *chooser, unsigned most)
{
    uint64_t value = 0;
    for (uint64_t i = random_below(&chooser->random, 4); i-- > 0;) {
        value |= 1ull << random_below(&chooser->random, most);
    }
    return value;
}

static uint64_t size(struct chooser *chooser)
{
    static const uint64_t edges[] = { 0,     1,          4,         7,          8,
                                      16,    24,         4095,      4096,       4097,
                                      65535, 65536,      1 << 20,   INT32_MAX,  1ull << 31,
                                      8192,  1ull << 32, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095,
                                      1023,  1ull << 46, 1024,      1025,       1ull << 47 };
    return random_below(&chooser->random, 2) ? OF(chooser, edges)
                                             : random_below(&chooser->random, 300);
}

static uint64_t number(struct chooser *chooser)
{
    static const uint64_t edges[] = {
        INT32_MAX, (uint64_t)INT32_MIN, UINT32_MAX, UINT64_MAX, 1ull << 32, 0x10000, 1000,
        4096,      (uint64_t)-2,        1024
    };
    switch (random_below(&chooser->random, 8)) {
    case 0: return OF(chooser, edges);
    case 1: return 0x5400 + random_below(&chooser->random, 0x80);  // ioctl(2) of terminals
    case 2: return 1024 + random_below(&chooser->random, 20);      // fcntl(2) of Linux
    case 3: return random_next(&chooser->random);
    default: return random_below(&chooser->random, 70);
    }
}

static uint64_t flags(struct chooser *chooser, unsigned most)
{
    switch (random_below(&chooser->random, 8)) {
    case 0: return UINT64_MAX;
    case 1: return random_next(&chooser->random);
    case 2:
    case 3: return bits(chooser, most);
    case 4: return random_below(&chooser->random, 64);
    case 5: return O_RDWR | O_CREAT;
    default: return 0;
    }
}

// ---- names -------------------------------------------------------------------------------------
static uint64_t pid(struct chooser *chooser)
{
    static const uint64_t odd[] = { 0, UINT64_MAX, INT32_MAX, (uint64_t)INT32_MIN, 1, 4194304 };
    uint64_t chosen = (uint64_t)getpid();
    switch (random_below(&chooser->random, 8)) {
    case 0: return OF(chooser, odd);
    case 1: chosen = (uint64_t)getppid(); break;
    case 2: chosen += 1 + random_below(&chooser->random, 4); break;
    case 3: chosen -= 1 + random_below(&chooser->random, 4); break;
    case 4: chosen = (uint64_t)-getpgrp(); break;
    case 5: chosen = (uint64_t)syscall(SYS_gettid); break;
    default: break;
    }
    return chosen == (uint64_t)chooser->parent ? 0 : chosen;
}

static uint64_t signal_number(struct chooser *chooser)
{
    uint64_t chosen = random_below(&chooser->random, 70);
    bool ends = chosen == SIGKILL || chosen == SIGSTOP;
    return ends && random_below(&chooser->random, 8) ? 0 : chosen;
}

static uint64_t descriptor(struct chooser *chooser)
{
    static const uint64_t odd[] = { UINT64_MAX, INT32_MAX, 1000, (uint64_t)AT_FDCWD, 1ull << 31,
                                    1ull << 32, 63,        64,   (uint64_t)-2 };
    switch (random_below(&chooser->random, 10)) {
    case 0: return OF(chooser, odd);
    case 1: return chooser->result;
    case 2: return random_below(&chooser->random, 64);
    default: return random_below(&chooser->random, chooser->fds);
    }
}

// ---- memory ------------------------------------------------------------------------------------
static const char *const paths[] = {
    "f0",
    "f1",
    "f2",
    "d0",
    "d0/f0",
    "d0/d1",
    "d0/d1/d2",
    "loop",
    "loop2",
    "fifo",
    "sock",
    "",
    "/",
    ".",
    "..",
    "../../..",
    "a//b/./c/",
    "f0/",
    "link",
    "link/x",
    "dangling",
    "/proc",
    "/proc/self",
    "/proc/self/fd/3",
    "/proc/self/maps",
    "/proc/self/exe",
    "/proc/self/mem",
    "/proc/self/fd",
    "/proc/self/task",
    "/proc/self/cwd/f0",
    "/proc/1/stat",
    "/proc/meminfo",
    "/proc/self/root/..",
    "/proc/self/environ",
    "/proc/sys/kernel/hostname",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/ptmx",
    "/dev/pts/0",
    "/dev/tty",
    "/dev",
    "/dev/shm/x",
    "/proc/self/oom_score_adj",
    "/exe",
    "script",
    "tmpfs",
    "proc",
    "user.x",
    "security.y",
    "user.",
};

static void path_put(struct chooser *chooser, char *to, size_t room)
{
    size_t length = random_below(&chooser->random, 12)  ? 0
                    : random_below(&chooser->random, 3) ? 254 + random_below(&chooser->random, 4)
                                                        : 4090 + random_below(&chooser->random, 10);
    if (length == 0) {
        const char *path = paths[random_below(&chooser->random, COUNT(paths))];
        length = strlen(path) + 1;
        memcpy(to, path, length < room ? length : room);
        return;
    }
    for (size_t i = 0; i < length && i < room; i++) {
        to[i] = length > 300 && i % 200 == 0 ? '/' : 'x';
    }
    if (length < room) {
        to[length] = '\0';
    }
}

static uint64_t pointer(struct chooser *chooser);

// A word of a structure: whatever it may mean there.
static uint64_t word(struct chooser *chooser)
{
    switch (random_below(&chooser->random, 12)) {
    case 0: return descriptor(chooser) | random_below(&chooser->random, 32) << 32;
    case 1: return size(chooser);
    case 2: return number(chooser);
    case 3: return flags(chooser, 40);
    case 4: return pid(chooser);
    case 5: return random_next(&chooser->random);
    case 6:
    case 7:
    case 8: return (uint64_t)arena + random_below(&chooser->random, ARENA);
    case 9: return random_below(&chooser->random, 1000000);
    default: return 0;
    }
}

static void words_put(struct chooser *chooser, uint8_t *to, size_t bytes)
{
    for (size_t at = 0; at + 8 <= bytes; at += 8) {
        uint64_t value = word(chooser);
        memcpy(to + at, &value, 8);
    }
}

// Some bytes in front of what ends: the arena, what can be read, the file.
static uint64_t near_end(struct chooser *chooser)
{
    const uint64_t ends[] = { (uint64_t)arena + ARENA, (uint64_t)arena + ARENA + PAGE,
                              (uint64_t)beyond + PAGE, (uint64_t)arena };
    return OF(chooser, ends) - random_below(&chooser->random, 40);
}

static uint64_t pointer(struct chooser *chooser)
{
    static const uint64_t odd[] = { 0,
                                    1,
                                    UINT64_MAX,
                                    UINT64_MAX - 7,
                                    0xffff800000000000,
                                    0x0000800000000000,
                                    0x00007ffffffff000,
                                    0x00007fffffffefff,
                                    0x00007ffffffffff8,
                                    PAGE,
                                    0x400000,
                                    0xffffffffff600000 };
    switch (random_below(&chooser->random, 16)) {
    case 0:
    case 1: return OF(chooser, odd);
    case 2: return near_end(chooser);
    case 3: return random_next(&chooser->random);
    case 4: return ((uint64_t)arena + random_below(&chooser->random, ARENA)) & ~(PAGE - 1);
    case 5: return chooser->result;
    default: return (uint64_t)arena + (random_below(&chooser->random, ARENA) & ~7ull);
    }
}

static bool in_arena(uint64_t at, size_t bytes)
{
    return at >= (uint64_t)arena && at + bytes <= (uint64_t)arena + ARENA;
}

static uint64_t filled(struct chooser *chooser, bool with_path)
{
    uint64_t at = pointer(chooser);
    size_t bytes = 64;
    if (in_arena(at, bytes)) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses are what is chosen
        uint8_t *to = (uint8_t *)at;
        if (with_path) {
            path_put(chooser, (char *)to, (size_t)(arena + ARENA - to));
        } else {
            words_put(chooser, to, bytes);
        }
    }
    return at;
}

uint64_t argument_choose(struct chooser *chooser, enum type type)
{
    switch (type) {
    case TYPE_LONG:
    case TYPE_OFFSET:
    case TYPE_SIZE: return size(chooser);
    case TYPE_HEX: return flags(chooser, 32);
    case TYPE_LHEX:
        return random_below(&chooser->random, 2) ? flags(chooser, 64) : filled(chooser, false);
    case TYPE_OCTAL: return flags(chooser, 16);
    case TYPE_DIR:
        return random_below(&chooser->random, 2) ? (uint64_t)AT_FDCWD : descriptor(chooser);
    case TYPE_FD: return descriptor(chooser);
    case TYPE_PATH:
    case TYPE_STRING: return filled(chooser, true);
    case TYPE_IN: return filled(chooser, random_below(&chooser->random, 8) == 0);
    case TYPE_OUT: return pointer(chooser);
    case TYPE_USER: return filled(chooser, false);
    case TYPE_PID: return pid(chooser);
    case TYPE_SIGNAL: return signal_number(chooser);
    case TYPE_INT:
    case TYPE_UINT:
    case TYPE_COUNT: break;
    }
    return number(chooser);
}

// ---- what is there -----------------------------------------------------------------------------
void arguments_repair(void)
{
    arena = mmap(arena, ARENA + 2 * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | (arena ? MAP_FIXED : 0), -1, 0);
    (void)mprotect(arena + ARENA, PAGE, PROT_READ);
    (void)mprotect(arena + ARENA + PAGE, PAGE, PROT_NONE);
}

static void memory_prepare(void)
{
    arguments_repair();
    int fd = open("f0", O_RDWR | O_CREAT, 0666);
    (void)!write(fd, "x", 1);
    beyond = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
}

static void files_prepare(void)
{
    static const char script[] = "#!/exe script\n";
    (void)mkdirat(AT_FDCWD, "d0", 0777);
    (void)mkdirat(AT_FDCWD, "d0/d1", 0777);
    (void)!symlink("loop2", "loop");
    (void)!symlink("loop", "loop2");
    (void)!symlink("d0", "link");
    (void)!symlink("nowhere/x", "dangling");
    (void)mknodat(AT_FDCWD, "fifo", 0010666, 0);
    int fd = open("script", O_RDWR | O_CREAT, 0777);
    (void)!write(fd, script, sizeof(script) - 1);
    (void)close(fd);
}

static void opened(const char *path, int how)
{
    (void)open(path, how | O_NONBLOCK | O_CLOEXEC, 0666);
}

static void sockets_prepare(void)
{
    int pair[2];
    (void)socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    (void)socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);
    (void)socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    static const struct {
        uint16_t family;
        char name[8];
    } address = { AF_UNIX, "sock" };
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)bind(listening, (const void *)&address, sizeof(address));
    (void)listen(listening, 4);
}

uint32_t arguments_prepare(void)
{
    int ends[2];
    sigset_t set;
    sigfillset(&set);
    files_prepare();
    memory_prepare();
    (void)syscall(SYS_close_range, 0, UINT32_MAX, 0);
    opened("f0", O_RDWR);
    opened("f1", O_RDWR | O_CREAT);
    opened("f2", O_WRONLY | O_CREAT | O_APPEND);
    opened(".", O_RDONLY | O_DIRECTORY);
    opened("d0", O_PATH);
    opened("fifo", O_RDWR);
    opened("/proc/self/maps", O_RDONLY);
    opened("/proc/self/mem", O_RDWR);
    opened("/proc/self/fd", O_RDONLY);
    opened("/proc", O_RDONLY);
    opened("/dev/null", O_RDWR);
    opened("/dev/zero", O_RDWR);
    opened("/dev/full", O_RDWR);
    opened("/dev/urandom", O_RDONLY);
    opened("/dev/ptmx", O_RDWR);
    (void)!pipe2(ends, 0);
    (void)!pipe2(ends, O_NONBLOCK);
    sockets_prepare();
    (void)epoll_create1(0);
    (void)eventfd(1, EFD_NONBLOCK);
    (void)timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    (void)signalfd(-1, &set, SFD_NONBLOCK);
    (void)inotify_init1(IN_NONBLOCK);
    (void)memfd_create("hostile", MFD_ALLOW_SEALING);
    (void)syscall(SYS_pidfd_open, getpid(), 0);
    int last = dup(0);
    (void)close(last);
    return last > 0 ? (uint32_t)last : 1;
}
