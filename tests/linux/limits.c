// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Limits: getrlimit(2), setrlimit(2), prlimit(2), and what happens at them.
#include "check.h"

#include <linux/sched.h>  // struct clone_args
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static long set(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit limit = { soft, hard };
    return SYS(setrlimit, resource, &limit);
}

CASE(get)
{
    struct rlimit limit;
    int good = 0;
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        good += SYS(getrlimit, i, &limit) == 0 && limit.rlim_cur <= limit.rlim_max;
    }
    CHECK(good, 16);
    CHECK(SYS(getrlimit, 16, &limit), -EINVAL);
    CHECK(SYS(getrlimit, -1, &limit), -EINVAL);
    CHECK(SYS(getrlimit, RLIMIT_NOFILE, BAD), -EFAULT);
    CHECK(SYS(setrlimit, RLIMIT_NOFILE, BAD), -EFAULT);
    CHECK(SYS(setrlimit, 16, &limit), -EINVAL);
}

CASE(set)
{
    struct rlimit limit;
    CHECK(set(RLIMIT_NOFILE, 50, 60), 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_TRUE(limit.rlim_cur == 50 && limit.rlim_max == 60);
    CHECK(set(RLIMIT_NOFILE, 61, 60), -EINVAL);
    AS_NOBODY
    {
        CHECK(set(RLIMIT_NOFILE, 60, 60), 0);
        CHECK(set(RLIMIT_NOFILE, 60, 61), -EPERM);
        CHECK(set(RLIMIT_NOFILE, 10, 20), 0);
        CHECK(set(RLIMIT_NOFILE, 10, 60), -EPERM);
    }
    AS_NOBODY
    {
        limit.rlim_max = 61;
        CHECK(SYS(setrlimit, RLIMIT_NOFILE, &limit), -EPERM);
    }
    CHECK(getrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK(limit.rlim_cur, 50);
    IN_CHILD
    {
        CHECK(getrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK(limit.rlim_cur, 50);
    }
}

CASE(of_other)
{
    struct rlimit new = { 40, 50 };
    struct rlimit old;
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    CHECK(prlimit(child, RLIMIT_NOFILE, &new, &old), 0);
    CHECK(prlimit(child, RLIMIT_NOFILE, NULL, &old), 0);
    CHECK_TRUE(old.rlim_cur == 40 && old.rlim_max == 50);
    CHECK(prlimit(1 << 22, RLIMIT_NOFILE, NULL, &old), -ESRCH);
    CHECK(SYS(prlimit64, 0, RLIMIT_NOFILE, NULL, BAD), -EFAULT);
    CHECK(prlimit(0, (enum __rlimit_resource)77, NULL, &old), -EINVAL);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(prlimit(child, RLIMIT_NOFILE, NULL, &old), -EPERM);
        }
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

CASE(file_size)
{
    char text[100] = "";
    int file = check_file("f", "");
    NEED(set(RLIMIT_FSIZE, 50, RLIM_INFINITY));
    signal(SIGXFSZ, SIG_IGN);
    CHECK(write(file, text, 40), 40);
    CHECK(write(file, text, 40), 10);
    CHECK(write(file, text, 40), -EFBIG);
    CHECK(pwrite(file, text, 10, 0), 10);
    CHECK(ftruncate(file, 51), -EFBIG);
    CHECK(ftruncate(file, 50), 0);
    CHECK(ftruncate(file, 10), 0);
    CHECK(fallocate(file, 0, 0, 100), -EFBIG);
}

static void write_too_much(void)
{
    int file = check_file("f", "");
    NEED(set(RLIMIT_FSIZE, 3, RLIM_INFINITY));
    NEED(write(file, "abc", 3));
    (void)!write(file, "d", 1);
}

CASE(file_size_kills)
{
    CHECK(check_status(write_too_much), SIGXFSZ);
}

static void burn_a_second(void)
{
    NEED(set(RLIMIT_CPU, 1, RLIM_INFINITY));
    for (;;) {}
}

CASE(processor_time)
{
    CHECK(check_status(burn_a_second), SIGXCPU);
}

static void burn_to_the_end(void)
{
    NEED(set(RLIMIT_CPU, 1, 2));
    signal(SIGXCPU, SIG_IGN);
    for (;;) {}
}

CASE(processor_time_ends)
{
    CHECK(check_status(burn_to_the_end), SIGKILL);
}

CASE(processor_time_of_child)
{
    NEED(set(RLIMIT_CPU, 1, RLIM_INFINITY));
    CHECK(check_status(burn_a_second), SIGXCPU);
}

CASE(address_space)
{
    const int rw = PROT_READ | PROT_WRITE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    NEED(set(RLIMIT_AS, 256ul << 20, RLIM_INFINITY));
    CHECK(mmap(NULL, 300ul << 20, rw, flags, -1, 0), -ENOMEM);
    char *area = mmap(NULL, 100ul << 20, rw, flags, -1, 0);
    CHECK_TRUE(area != MAP_FAILED);
    CHECK(mremap(area, 100ul << 20, 300ul << 20, MREMAP_MAYMOVE), -ENOMEM);
    void *block = malloc(300ul << 20);
    CHECK_TRUE(block == NULL);
    free(block);
}

CASE(data)
{
    NEED(set(RLIMIT_DATA, 16ul << 20, RLIM_INFINITY));
    char *start = (char *)SYS(brk, 0);
    CHECK_TRUE((char *)SYS(brk, start + (32ul << 20)) == start);
    CHECK(mmap(NULL, 32ul << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
          -ENOMEM);
    char *area = mmap(NULL, 32ul << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_TRUE(area != MAP_FAILED);
    CHECK(mprotect(area, 32ul << 20, PROT_READ | PROT_WRITE), -ENOMEM);
    CHECK(mprotect(area, 1ul << 20, PROT_READ | PROT_WRITE), 0);
    CHECK(mremap(area, 1ul << 20, 32ul << 20, MREMAP_MAYMOVE), -ENOMEM);
    CHECK_TRUE(mmap(NULL, 32ul << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
               MAP_FAILED);
}

static int sink(volatile const char *above, long left)
{
    volatile char here[4096];
    here[0] = *above;
    return left == 0 ? 0 : sink(here, left - 1) + here[0];
}

static void use_stack(void)
{
    char start = 0;
    sink(&start, 500);
}

static void use_little_stack(void)
{
    NEED(set(RLIMIT_STACK, 1 << 20, RLIM_INFINITY));
    use_stack();
}

CASE(stack)
{
    CHECK(check_status(use_stack), 0);
    CHECK(check_status(use_little_stack), SIGSEGV);
}

CASE(processes)
{
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            NEED(set(RLIMIT_NPROC, 2, 2));  // itself and one more: those of others do not count
            pid_t child = fork();
            if (!child) {
                pause();
            }
            CHECK_TRUE(child > 0);
            CHECK(SYS(fork), -EAGAIN);
            NEED(kill(child, SIGKILL));
            waitpid(child, NULL, 0);
            NEED(set(RLIMIT_NPROC, 0, 0));
            CHECK(fork(), -EAGAIN);
            struct clone_args arguments = { .exit_signal = SIGCHLD };
            CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EAGAIN);
        }
    }
    if (check_is_root()) {
        NEED(set(RLIMIT_NPROC, 0, 0));
        IN_CHILD {}
        CHECK_TRUE(true);
    }
}

// Who becomes a user with too many processes is told so where it executes a program.
CASE(processes_of_a_new_user)
{
    char name[] = "program", helper[] = "--helper";
    char *argv[] = { name, helper, NULL };
    if (check_is_root()) {
        NEED(set(RLIMIT_NPROC, 0, 0));
        pid_t other = NEED(fork());
        if (other == 0) {
            check_become_nobody();
            raise(SIGSTOP);
            _exit(0);
        }
        NEED(waitpid(other, NULL, WUNTRACED));
        AS_NOBODY
        {
            CHECK(execve(check_program, argv, NULL), -EAGAIN);
        }
        NEED(kill(other, SIGKILL));
        NEED(waitpid(other, NULL, 0));
    }
}
