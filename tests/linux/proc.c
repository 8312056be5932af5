// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// proc(5) as programs read it: what a process learns of itself and of others.
#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <limits.h>

static char text[65536];

static char *contents(const char *name)
{
    size_t used = 0;
    int file = NEED(open(name, O_RDONLY));
    for (ssize_t length = 0; (length = read(file, text + used, sizeof(text) - 1 - used)) > 0;) {
        used += (size_t)length;
    }
    text[used] = 0;
    close(file);
    return text;
}

static const char *link_of(const char *name)
{
    ssize_t length = NEED(readlink(name, text, sizeof(text) - 1));
    text[length] = 0;
    return text;
}

// The number behind a word at the start of a line.
static long field(const char *name, const char *word)
{
    const char *at = contents(name);
    for (; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, word, strlen(word)) == 0) {
            return strtol(at + strlen(word), NULL, 10);
        }
        if (*at == 0) {
            break;
        }
    }
    return -77;
}

CASE(self)
{
    char number[16];
    char path[64];
    snprintf(number, sizeof(number), "%d", getpid());
    CHECK_TRUE(strcmp(link_of("/proc/self"), number) == 0);
    snprintf(path, sizeof(path), "%s/task/%s", number, number);
    CHECK_TRUE(strcmp(link_of("/proc/thread-self"), path) == 0);
    struct stat about;
    CHECK(stat("/proc/self", &about), 0);
    CHECK(about.st_mode, S_IFDIR | 0555);
    CHECK_TRUE(about.st_uid == geteuid());
    CHECK(open("/proc/self/missing", O_RDONLY), -ENOENT);
    CHECK(access("/proc/99999999", F_OK), -ENOENT);
    CHECK(open("/proc/new", O_RDWR | O_CREAT, 0644), -ENOENT);
    CHECK(mkdir("/proc/new", 0755), -ENOENT);
}

CASE(program)
{
    char place[PATH_MAX];
    CHECK_TRUE(strcmp(link_of("/proc/self/exe"), realpath(check_program, place)) == 0);
    CHECK_TRUE(strcmp(link_of("/proc/self/cwd"), getcwd(place, sizeof(place))) == 0);
    CHECK_TEXT(link_of("/proc/self/root"), "/");
    CHECK_TRUE(open("/proc/self/exe", O_RDONLY) >= 0);
    CHECK(open("/proc/self/exe", O_RDWR), check_is_root() ? -ETXTBSY : -EACCES);
    CHECK_TRUE(open("/proc/self/cwd", O_RDONLY | O_DIRECTORY) >= 0);
}

HELPER(arguments)
{
    (void)argc, (void)argv;
    for (int which = 0; which < 2; which++) {
        int file = NEED(open(which == 0 ? "/proc/self/cmdline" : "/proc/self/environ", O_RDONLY));
        ssize_t length = NEED(read(file, text, sizeof(text)));
        for (ssize_t i = 0; i < length; i++) {
            if (text[i] == 0) {
                text[i] = '|';
            }
        }
        dprintf(1, "[%.*s]\n", (int)length, text);
    }
    return 0;
}

CASE(arguments)
{
    pid_t child = check_fork();
    if (child == 0) {
        char *environment[] = { (char[]){ "A=1" }, (char[]){ "B=2" }, NULL };
        execle(check_program, "name", "--helper", "arguments", "", "last", (char *)NULL,
               environment);
        _exit(1);
    }
    int status = 0;
    NEED(waitpid(child, &status, 0));
    CHECK(status, 0);
}

CASE(names)
{
    NEED(prctl(PR_SET_NAME, "a (name) x"));
    CHECK_TEXT(contents("/proc/self/comm"), "a (name) x\n");
    int file = NEED(open("/proc/self/comm", O_WRONLY));
    CHECK(write(file, "another", 7), 7);
    char name[17] = "";
    NEED(prctl(PR_GET_NAME, name));
    CHECK_TEXT(name, "another");
}

CASE(status)
{
    CHECK_TRUE(field("/proc/self/status", "Pid:\t") == getpid());
    CHECK_TRUE(field("/proc/self/status", "Tgid:\t") == getpid());
    CHECK_TRUE(field("/proc/self/status", "PPid:\t") == getppid());
    CHECK_TRUE(field("/proc/self/status", "Uid:\t") == (long)getuid());
    CHECK_TRUE(field("/proc/self/status", "Gid:\t") == (long)getgid());
    CHECK(field("/proc/self/status", "Threads:\t"), 1);
    CHECK(field("/proc/self/status", "TracerPid:\t"), 0);
    CHECK_TRUE(field("/proc/self/status", "VmRSS:\t") > 0);
    CHECK_TRUE(field("/proc/self/status", "VmSize:\t") >= field("/proc/self/status", "VmRSS:\t"));
    CHECK(field("/proc/self/status", "NoNewPrivs:\t"), 0);
    NEED(prctl(PR_SET_NAME, "checked"));
    CHECK_TRUE(strncmp(contents("/proc/self/status"), "Name:\tchecked\n", 14) == 0);
    CHECK_TRUE(strstr(text, "\nUmask:\t0022\nState:\tR (running)\n") != NULL);
}

CASE(status_signals)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    NEED(kill(getpid(), SIGUSR1));
    contents("/proc/self/status");
    CHECK_TRUE(strstr(text, "\nShdPnd:\t0000000000000200\n") != NULL);
    CHECK_TRUE(strstr(text, "\nSigBlk:\t0000000000000200\n") != NULL);
    CHECK_TRUE(strstr(text, "\nSigIgn:\t0000000000000800\n") != NULL);
    CHECK_TRUE(strstr(text, "\nSigCgt:\t0000000000000000\n") != NULL);
}

CASE(stat)
{
    int pid = 0;
    int parent = 0;
    int group = 0;
    int session = 0;
    char state = 0;
    contents("/proc/self/stat");
    CHECK(sscanf(text, "%d", &pid), 1);
    CHECK(sscanf(strrchr(text, ')') + 2, "%c %d %d %d", &state, &parent, &group, &session), 4);
    CHECK(state, 'R');
    CHECK_TRUE(pid == getpid() && parent == getppid() && group == getpgrp() &&
               session == getsid(0));
    int fields = 2;
    for (const char *at = strrchr(text, ')'); *at != 0; at++) {
        fields += *at == ' ';
    }
    CHECK(fields, 52);
}

CASE(stat_of_others)
{
    char path[64];
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    check_wait_asleep(child);
    snprintf(path, sizeof(path), "/proc/%d/stat", child);
    NEED(kill(child, SIGSTOP));
    NEED(waitpid(child, NULL, WUNTRACED));
    CHECK(strrchr(contents(path), ')')[2], 'T');
    NEED(kill(child, SIGKILL));
    siginfo_t info;
    NEED(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CHECK(strrchr(contents(path), ')')[2], 'Z');
    int file = NEED(open(path, O_RDONLY));
    NEED(waitpid(child, NULL, 0));
    CHECK(open(path, O_RDONLY), -ENOENT);
    CHECK(read(file, text, 10), -ESRCH);
}

CASE(descriptors)
{
    char path[64];
    int ends[2];
    char place[PATH_MAX];
    NEED(pipe(ends));
    int file = check_file("f", "hello");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    CHECK_TRUE(strcmp(strrchr(link_of(path), '/'), "/f") == 0);
    CHECK_TRUE(strncmp(text, getcwd(place, sizeof(place)), strlen(place)) == 0);
    NEED(unlink("f"));
    CHECK_TEXT(strrchr(link_of(path), '/'), "/f (deleted)");
    int again = NEED(open(path, O_RDONLY));
    CHECK(read(again, text, 10), 5);
    CHECK(lseek(file, 0, SEEK_CUR), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    CHECK_TRUE(strncmp(link_of(path), "pipe:[", 6) == 0);
    struct stat about;
    CHECK(lstat(path, &about), 0);
    CHECK(about.st_mode, S_IFLNK | 0500);
    CHECK(access("/proc/self/fd/77", F_OK), -ENOENT);
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    for (const struct dirent *entry = NULL; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    CHECK(count, 3 + 5);
    CHECK_TRUE(open("/dev/fd/3", O_RDONLY | O_NONBLOCK) >= 0);
    CHECK(access("/dev/stdin", F_OK), 0);
    CHECK_TEXT(link_of("/dev/stdout"), "/proc/self/fd/1");
}

CASE(descriptor_details)
{
    int file = NEED(open("f", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    char path[64];
    NEED(write(file, "hello", 5));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file);
    CHECK(field(path, "pos:\t"), 5);
    CHECK(field(path, "flags:\t"), 2102002);
}

CASE(mappings)
{
    char line[128];
    int file = check_file("mapped", "hello");
    char *area = NEED_MEMORY(mmap(NULL, 3ul * 4096, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    NEED(mprotect(area + 4096, 4096, PROT_NONE));
    char *shared = NEED_MEMORY(mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0));
    contents("/proc/self/maps");
    snprintf(line, sizeof(line), "%lx-%lx ---p 00000000 00:00 0 \n", (unsigned long)area + 4096,
             (unsigned long)area + 8192);
    CHECK_TRUE(strstr(text, line) != NULL);
    snprintf(line, sizeof(line), "%lx-%lx r--s 00000000 ", (unsigned long)shared,
             (unsigned long)shared + 4096);
    const char *found = strstr(text, line);
    CHECK_TRUE(found != NULL);
    CHECK_TRUE(found != NULL && strstr(found, "/mapped\n") != NULL);
    CHECK_TRUE(strstr(text, " [stack]\n") != NULL);
    CHECK_TRUE(strstr(text, " [vdso]\n") != NULL);
    CHECK_TRUE(strstr(text, "r-xp ") != NULL);
    unsigned long last = 0;
    bool ordered = true;
    for (const char *at = text; at != NULL && *at != 0; at = strchr(at, '\n') + 1) {
        unsigned long start = strtoul(at, NULL, 16);
        ordered = ordered && start >= last;
        last = start;
    }
    CHECK_TRUE(ordered);
}

CASE(memory)
{
    static char secret[] = "secret";
    char got[8] = "";
    int file = NEED(open("/proc/self/mem", O_RDWR));
    CHECK(pread(file, got, 6, (off_t)(uintptr_t)secret), 6);
    CHECK_TEXT(got, "secret");
    CHECK(pwrite(file, "S", 1, (off_t)(uintptr_t)secret), 1);
    CHECK(secret[0], 'S');
    CHECK(pread(file, got, 1, 8), -EIO);
    long pages = 0;
    CHECK(sscanf(contents("/proc/self/statm"), "%ld", &pages), 1);
    CHECK_TRUE(pages > 10);
}

static volatile bool done;

static void *wait_until_done(void *argument)
{
    while (!done) {
        check_sleep(1);
    }
    return argument;
}

CASE(threads)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        NEED(-pthread_create(&threads[i], NULL, wait_until_done, NULL));
    }
    CHECK(field("/proc/self/status", "Threads:\t"), 4);
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    for (const struct dirent *entry = NULL; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    CHECK(count, 4);
    struct stat about;
    CHECK(stat("/proc/self/task", &about), 0);
    CHECK(about.st_nlink, 6);
    done = true;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

CASE(limits)
{
    contents("/proc/self/limits");
    CHECK_TRUE(
        strncmp(text,
                "Limit                     Soft Limit           Hard Limit           Units     \n",
                79) == 0);
    CHECK_TRUE(
        strstr(
            text,
            "\nMax core file size        0                    0                    bytes     \n") !=
        NULL);
}

CASE(machine)
{
    CHECK_TRUE(field("/proc/meminfo", "MemTotal:") > 0);
    CHECK_TRUE(field("/proc/meminfo", "MemFree:") > 0);
    CHECK_TRUE(field("/proc/meminfo", "MemAvailable:") > 0);
    CHECK_TRUE(strncmp(contents("/proc/cpuinfo"), "processor\t: 0\n", 14) == 0);
    CHECK_TRUE(strncmp(contents("/proc/version"), "Linux version ", 14) == 0);
    CHECK_TRUE(strncmp(contents("/proc/stat"), "cpu  ", 5) == 0);
    CHECK_TRUE(strstr(text, "\nbtime ") != NULL && strstr(text, "\nprocesses ") != NULL);
    double up = 0;
    double idle = -1;
    CHECK(sscanf(contents("/proc/uptime"), "%lf %lf", &up, &idle), 2);
    CHECK_TRUE(up > 0 && idle >= 0);
    double load = -1;
    CHECK(sscanf(contents("/proc/loadavg"), "%lf", &load), 1);
    CHECK_TRUE(strstr(contents("/proc/filesystems"), "nodev\tproc\n") != NULL);
    CHECK_TRUE(strstr(contents("/proc/self/mounts"), " /proc proc ") != NULL);
    CHECK_TRUE(strstr(contents("/proc/self/mountinfo"), " / ") != NULL);
    CHECK_TEXT(contents("/proc/sys/kernel/ostype"), "Linux\n");
    CHECK_TRUE(strtol(contents("/proc/sys/kernel/pid_max"), NULL, 10) > 1000);
}

CASE(reading)
{
    char piece[8];
    int file = NEED(open("/proc/self/status", O_RDONLY));
    CHECK(read(file, piece, 5), 5);
    CHECK_TRUE(memcmp(piece, "Name:", 5) == 0);
    CHECK(lseek(file, 0, SEEK_SET), 0);
    CHECK(read(file, piece, 4), 4);
    CHECK(pread(file, piece, 1, 4), 1);
    CHECK(piece[0], ':');
    struct stat about;
    CHECK(fstat(file, &about), 0);
    CHECK(about.st_size, 0);
    CHECK(about.st_mode, S_IFREG | 0444);
    CHECK(write(file, "x", 1), -EBADF);
}

static bool is_listed(pid_t pid)
{
    char name[16];
    bool found = false;
    snprintf(name, sizeof(name), "%d", (int)pid);
    DIR *all = opendir("/proc");
    if (!all) {
        return false;
    }
    for (struct dirent *at = readdir(all); at; at = readdir(all)) {
        found |= strcmp(at->d_name, name) == 0;
    }
    closedir(all);
    return found;
}

// A descriptor that holds one which nobody can wait for any more hides no other.
CASE(listed_after_one_that_is_gone)
{
    pid_t first = NEED(fork());
    if (first == 0) {
        _exit(0);
    }
    int held = NEED(SYS(pidfd_open, first, 0));
    pid_t second = NEED(fork());
    if (second == 0) {
        pause();
    }
    CHECK_TRUE(waitpid(first, NULL, 0) == first);
    CHECK_TRUE(!is_listed(first));
    CHECK_TRUE(is_listed(second));
    kill(second, SIGKILL);
    CHECK_TRUE(waitpid(second, NULL, 0) == second);
    close(held);
}
