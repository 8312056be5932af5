// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Processes: fork(2), vfork(2), clone(2), clone3(2), _exit(2), identities, sessions and groups,
// priorities, what a child inherits.
#include "check.h"

#include <linux/sched.h>  // struct clone_args
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

static int global = 1;

CASE(fork)
{
    pid_t before = getpid();
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(getppid() == before && getpid() != before ? 42 : 1);
    }
    CHECK_TRUE(child > 0 && child != before);
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status), 42);
    CHECK_TRUE(getpid() == before);
}

CASE(fork_copies_memory)
{
    int local = 1;
    int *heap = malloc(sizeof(*heap));
    *heap = 1;
    IN_CHILD
    {
        CHECK(global + local + *heap, 3);
        global = local = *heap = 2;
        CHECK(global + local + *heap, 6);
        IN_CHILD
        {
            CHECK(global + local + *heap, 6);
        }
    }
    CHECK(global + local + *heap, 3);
    free(heap);
}

// What the parent writes after the fork is not the child's, either.
CASE(fork_copies_both_ways)
{
    int ends[2];
    char byte = 0;
    NEED(pipe(ends));
    pid_t child = check_fork();
    if (child == 0) {
        NEED(read(ends[0], &byte, 1));
        CHECK(global, 1);
        check_exit();
    }
    global = 7;
    NEED(write(ends[1], "x", 1));
    check_join(child);
}

CASE(fork_large)
{
    const size_t size = 16 << 20;
    char *area = NEED_MEMORY(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                  -1, 0));
    memset(area, 1, size);
    IN_CHILD
    {
        long sum = 0;
        memset(area, 2, size / 2);
        for (size_t i = 0; i < size; i += 4096) {
            sum += area[i];
        }
        CHECK(sum, 4096 + 2048);
    }
    long sum = 0;
    for (size_t i = 0; i < size; i += 4096) {
        sum += area[i];
    }
    CHECK(sum, 4096);
}

CASE(fork_shares)
{
    int *area = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                                 0));
    IN_CHILD
    {
        *area = 5;
    }
    CHECK(*area, 5);
}

CASE(fork_many)
{
    int statuses = 0;
    pid_t children[50];
    for (int i = 0; i < 50; i++) {
        children[i] = NEED(fork());
        if (children[i] == 0) {
            _exit(i);
        }
    }
    for (int i = 0; i < 50; i++) {
        int status = 0;
        NEED(waitpid(children[i], &status, 0));
        statuses += WEXITSTATUS(status) == i;
    }
    CHECK(statuses, 50);
}

CASE(fork_deep)
{
    int status = 0;
    pid_t first = NEED(fork());
    if (first == 0) {
        for (int depth = 1; depth < 20; depth++) {
            pid_t child = fork();
            if (child != 0) {
                waitpid(child, &status, 0);
                _exit(WEXITSTATUS(status) + 1);
            }
        }
        _exit(1);
    }
    NEED(waitpid(first, &status, 0));
    CHECK(WEXITSTATUS(status), 20);
}

CASE(child_inherits)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    NEED(mkdir("d", 0777));
    NEED(chdir("d"));
    umask(027);
    pid_t group = getpgrp();
    pid_t session = getsid(0);
    NEED(setpriority(PRIO_PROCESS, 0, 3));
    NEED(raise(SIGUSR1));
    NEED(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    alarm(100);
    IN_CHILD
    {
        sigset_t set;
        struct sigaction action;
        int death = -1;
        sigprocmask(SIG_SETMASK, NULL, &set);
        CHECK(sigismember(&set, SIGUSR1), 1);
        sigaction(SIGUSR2, NULL, &action);
        CHECK_TRUE(action.sa_handler == SIG_IGN);
        sigpending(&set);
        CHECK(sigismember(&set, SIGUSR1), 0);
        CHECK(access("../d", F_OK), 0);
        CHECK(umask(0), 027);
        CHECK_TRUE(getpgrp() == group && getsid(0) == session);
        CHECK(getpriority(PRIO_PROCESS, 0), 3);
        CHECK(prctl(PR_GET_PDEATHSIG, &death), 0);
        CHECK(death, 0);
    }
    sigset_t set;
    sigpending(&set);
    CHECK(sigismember(&set, SIGUSR1), 1);
}

CASE(child_has_no_timers)
{
    struct itimerval timer = { .it_value = { 100, 0 } };
    NEED(setitimer(ITIMER_REAL, &timer, NULL));
    pid_t child = NEED(fork());
    if (child == 0) {
        NEED(getitimer(ITIMER_REAL, &timer));
        _exit(timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0 ? 0 : 1);
    }
    check_join(child);
    CHECK_TRUE(alarm(0) > 90);
}

CASE(descriptors_shared)
{
    int file = check_file("f", "hello");
    IN_CHILD
    {
        CHECK(lseek(file, 3, SEEK_SET), 3);
        CHECK(fcntl(file, F_SETFL, O_APPEND), 0);
        CHECK(close(file), 0);
    }
    CHECK(lseek(file, 0, SEEK_CUR), 3);
    CHECK(fcntl(file, F_GETFL) & O_APPEND, O_APPEND);
}

CASE(vfork)
{
    volatile int seen = 0;
    int status = 0;
    pid_t child = vfork();
    if (child == 0) {
        seen = 9;
        _exit(3);
    }
    CHECK(seen, 9);
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status), 3);
}

CASE(orphan)
{
    int ends[2];
    char parent_is_gone = 0;
    NEED(pipe(ends));
    NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t me = getpid();
    pid_t child = NEED(fork());
    if (child == 0) {
        pid_t middle = getpid();
        if (fork() == 0) {
            while (getppid() == middle) {
                check_sleep(1);
            }
            parent_is_gone = getppid() == me ? 'y' : 'n';
            _exit(write(ends[1], &parent_is_gone, 1) == 1 ? 6 : 7);
        }
        _exit(0);
    }
    check_join(child);
    CHECK(read(ends[0], &parent_is_gone, 1), 1);
    CHECK(parent_is_gone, 'y');
    int status = 0;
    CHECK_TRUE(wait(&status) > 0);
    CHECK(WEXITSTATUS(status), 6);
}

CASE(death_signal)
{
    int ends[2];
    char byte = 0;
    NEED(pipe(ends));
    pid_t child = NEED(fork());
    if (child == 0) {
        if (fork() == 0) {
            sigset_t set;
            int number = 0;
            sigemptyset(&set);
            sigaddset(&set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, NULL);
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            NEED(write(ends[1], "r", 1));
            sigwait(&set, &number);
            byte = number == SIGUSR1 ? 'y' : 'n';
            _exit(write(ends[1], &byte, 1) != 1);
        }
        NEED(read(ends[0], &byte, 1));
        _exit(0);
    }
    check_join(child);
    CHECK(read(ends[0], &byte, 1), 1);
    CHECK(byte, 'y');
}

static int sum_child(void *argument)
{
    global = *(int *)argument + 1;
    return 11;
}

CASE(clone)
{
    static char stack[65536] __attribute__((aligned(16)));
    int argument = 5;
    int status = 0;
    pid_t child = NEED(clone(sum_child, stack + sizeof(stack), SIGCHLD, &argument));
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status), 11);
    CHECK(global, 1);
    child = NEED(clone(sum_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, &argument));
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(global, 6);
    child = NEED(clone(sum_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK, &argument));
    CHECK(waitpid(child, &status, 0), -ECHILD);
    CHECK_TRUE(waitpid(child, &status, (int)__WCLONE) == child);
    CHECK(WEXITSTATUS(status), 11);
}

CASE(clone_errors)
{
    CHECK(SYS(clone, CLONE_THREAD, 0, 0, 0, 0), -EINVAL);
    CHECK(SYS(clone, CLONE_SIGHAND, 0, 0, 0, 0), -EINVAL);
    CHECK(SYS(clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0), -EINVAL);
    CHECK(SYS(clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0), -EINVAL);
    CHECK(SYS(clone3, BAD, 64), -EFAULT);
    struct clone_args arguments = { .exit_signal = 1000 };
    CHECK(SYS(clone3, &arguments, 8), -EINVAL);
    CHECK(SYS(clone3, &arguments, 64), -EINVAL);
    CHECK(SYS(clone3, &arguments, 100000), -E2BIG);
    arguments.exit_signal = SIGCHLD;
    arguments.stack_size = 4096;
    CHECK(SYS(clone3, &arguments, 64), -EINVAL);
    AS_NOBODY
    {
        CHECK(SYS(clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), -EPERM);
        arguments = (struct clone_args){ .flags = CLONE_NEWUTS, .exit_signal = SIGCHLD };
        CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EPERM);
    }
}

// Who is allowed to chooses what its child is called.
CASE(clone_as_number)
{
    pid_t number = getpid();
    int status = 0;
    struct clone_args arguments = { .exit_signal = SIGCHLD,
                                    .set_tid = (uintptr_t)&number,
                                    .set_tid_size = 1 };
    AS_NOBODY
    {
        CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EPERM);
    }
    if (check_is_root()) {
        CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EEXIST);
        number = 0;
        CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EINVAL);
        arguments.set_tid = (uintptr_t)BAD;
        CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EFAULT);
        arguments.set_tid_size = 33;
        CHECK(SYS(clone3, &arguments, sizeof(arguments)), -EINVAL);
        pid_t child = NEED(fork());
        if (child == 0) {
            _exit(0);
        }
        NEED(waitpid(child, &status, 0));
        number = child;
        arguments.set_tid = (uintptr_t)&number;
        arguments.set_tid_size = 1;
        long made = SYS(clone3, &arguments, sizeof(arguments));
        if (made == 0) {
            _exit(getpid() == number ? 0 : 1);
        }
        CHECK_TRUE(made == child);
        check_join(child);
    }
}

HELPER(seven)
{
    (void)argc;
    (void)argv;
    return 7;
}

// Who did not ask for another signal than SIGCHLD gets none.
CASE(exit_signal_of_others)
{
    int status = 0;
    int sum = 0;
    NEED(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t child = NEED(fork());
    if (child == 0) {
        if (SYS(clone, CLONE_PARENT | SIGUSR1, 0, 0, 0, 0) == 0) {
            _exit(3);
        }
        _exit(4);
    }
    for (int i = 0; i < 2 && waitpid(-1, &status, (int)__WALL) > 0; i++) {
        sum += WEXITSTATUS(status);
    }
    CHECK(sum, 7);
    child = NEED(SYS(clone, SIGUSR1, 0, 0, 0, 0));
    if (child == 0) {
        execl(check_program, check_program, "--helper", "seven", NULL);
        _exit(1);
    }
    CHECK_TRUE(waitpid(child, &status, (int)__WALL) == child);
    CHECK(WEXITSTATUS(status), 7);
    child = NEED(fork());
    if (child == 0) {
        pid_t parent = getpid();
        if (SYS(clone, SIGUSR1, 0, 0, 0, 0) == 0) {
            while (getppid() == parent) {
                check_sleep(1);
            }
            _exit(5);
        }
        _exit(6);
    }
    for (int i = 0; i < 2 && waitpid(-1, &status, (int)__WALL) > 0; i++) {
        sum += WEXITSTATUS(status);
    }
    CHECK(sum, 18);
}

CASE(clone3)
{
    pid_t told = 0;
    int descriptor = -1;
    int status = 0;
    struct clone_args arguments = { .flags = CLONE_PARENT_SETTID | CLONE_PIDFD,
                                    .parent_tid = (uintptr_t)&told,
                                    .pidfd = (uintptr_t)&descriptor,
                                    .exit_signal = SIGCHLD };
    pid_t child = NEED(SYS(clone3, &arguments, sizeof(arguments)));
    if (child == 0) {
        _exit(12);
    }
    CHECK_TRUE(told == child);
    CHECK(descriptor, 3);
    CHECK(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status), 12);
}

// What a child changes is its own.
CASE(child_changes)
{
    char place[4096], before[4096];
    int file = check_file("f", "text");
    umask(027);
    NEED(signal(SIGUSR1, SIG_IGN) == SIG_ERR ? -1 : 0);
    NEED(SYS(getcwd, before, sizeof(before)));
    pid_t child = NEED(fork());
    if (child == 0) {
        umask(0);
        NEED(chdir("/"));
        NEED(close(file));
        NEED(open("/dev/null", O_RDONLY));
        NEED(open("/dev/null", O_RDONLY));
        signal(SIGUSR1, SIG_DFL);
        _exit(0);
    }
    check_join(child);
    CHECK(umask(022), 027);
    NEED(SYS(getcwd, place, sizeof(place)));
    CHECK(strcmp(place, before), 0);
    CHECK(read(file, place, 4), 4);
    CHECK(fcntl(file + 1, F_GETFD), -EBADF);
    CHECK(raise(SIGUSR1), 0);
}

CASE(clone_files)
{
    static char stack[65536] __attribute__((aligned(16)));
    (void)stack;
    pid_t child = NEED(SYS(clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    if (child == 0) {
        NEED(open("/dev/null", O_RDONLY));
        umask(0);
        _exit(chdir("/"));
    }
    check_join(child);
    CHECK(fcntl(3, F_GETFD), 0);
    CHECK(umask(022), 0);
    char place[16];
    CHECK(SYS(getcwd, place, sizeof(place)), 2);
}

CASE(clear_and_set_thread)
{
    pid_t *told = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                                   -1, 0));
    pid_t child = NEED(SYS(clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, &told[0], 0));
    if (child == 0) {
        _exit(told[0] == getpid() ? 0 : 1);
    }
    check_join(child);
    CHECK_TRUE(told[0] == child);
    CHECK_TRUE(SYS(set_tid_address, &told[1]) == getpid());
}

CASE(exit_status)
{
    int status = 0;
    for (int i = 0; i < 3; i++) {
        static const int values[] = { 0, 255, 256 + 7 };
        pid_t child = NEED(fork());
        if (child == 0) {
            SYS(exit_group, values[i]);
        }
        NEED(waitpid(child, &status, 0));
        CHECK(status, (values[i] & 0xff) << 8);
    }
}

CASE(groups)
{
    pid_t parent = getpid();
    CHECK(setpgid(0, 0), 0);
    CHECK_TRUE(getpgrp() == parent && getpgid(0) == parent);
    CHECK(setpgid(0, 1), -EPERM);
    CHECK(setpgid(0, -1), -EINVAL);
    CHECK(setpgid(1 << 22, 0), -ESRCH);
    CHECK(getpgid(1 << 22), -ESRCH);
    CHECK(getpgid(-1), -ESRCH);
    CHECK(setsid(), -EPERM);
    pid_t child = NEED(fork());
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK_TRUE(getpgid(child) == parent);
    CHECK(setpgid(child, child), 0);
    CHECK_TRUE(getpgid(child) == child);
    CHECK(setpgid(child, parent), 0);
    CHECK(kill(child, SIGKILL), 0);
    waitpid(child, NULL, 0);
    IN_CHILD
    {
        CHECK(setpgid(parent, 0), -ESRCH);
    }
}

CASE(sessions)
{
    pid_t session = getsid(0);
    IN_CHILD
    {
        pid_t me = getpid();
        CHECK_TRUE(getsid(0) == session);
        CHECK_TRUE(setsid() == me);
        CHECK_TRUE(getsid(0) == me && getpgrp() == me);
        CHECK(setsid(), -EPERM);
        CHECK(setpgid(0, 0), -EPERM);
        CHECK(getsid(1 << 22), -ESRCH);
        CHECK(open("/dev/tty", O_RDWR), -ENXIO);
        IN_CHILD
        {
            CHECK_TRUE(getsid(0) == me && getpgrp() == me);
            CHECK(setpgid(0, 0), 0);
        }
    }
}

CASE(group_after_exec)
{
    int ends[2];
    NEED(pipe2(ends, O_CLOEXEC));
    pid_t child = NEED(fork());
    if (child == 0) {
        execl(check_program, "program", "--helper", "wait_for_kill", (char *)NULL);
        _exit(1);
    }
    char byte;
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1), 0);
    CHECK(setpgid(child, child), -EACCES);
    NEED(kill(child, SIGKILL));
    waitpid(child, NULL, 0);
}

HELPER(wait_for_kill)
{
    (void)argc, (void)argv;
    pause();
    return 0;
}

CASE(priorities)
{
    CHECK(getpriority(PRIO_PROCESS, 0), 0);
    CHECK(SYS(getpriority, PRIO_PROCESS, 0), 20);
    CHECK(setpriority(PRIO_PROCESS, 0, 5), 0);
    CHECK(SYS(getpriority, PRIO_PROCESS, 0), 15);
    CHECK(nice(2), 7);
    CHECK(setpriority(PRIO_PROCESS, 0, 100), 0);
    CHECK(getpriority(PRIO_PROCESS, 0), 19);
    CHECK(setpriority(77, 0, 0), -EINVAL);
    CHECK(getpriority(PRIO_PROCESS, 1 << 22), -ESRCH);
    CHECK(SYS(getpriority, 77, 0), -EINVAL);
    CHECK(setpriority(PRIO_PROCESS, 1 << 22, 0), -ESRCH);
    AS_NOBODY
    {
        CHECK(setpriority(PRIO_PROCESS, 0, 0), -EACCES);
        CHECK(nice(-1), -EPERM);
        if (getuid() == CHECK_NOBODY) {
            CHECK(setpriority(PRIO_PROCESS, (id_t)getppid(), 19), -EPERM);
        }
    }
}

CASE(scheduling)
{
    struct sched_param parameter = { 0 };
    cpu_set_t processors;
    CHECK(sched_getscheduler(0), SCHED_OTHER);
    CHECK(sched_getparam(0, &parameter), 0);
    CHECK(parameter.sched_priority, 0);
    CHECK(sched_get_priority_max(SCHED_FIFO), 99);
    CHECK(sched_get_priority_min(SCHED_FIFO), 1);
    CHECK(sched_get_priority_max(SCHED_OTHER), 0);
    CHECK(sched_get_priority_max(77), -EINVAL);
    CHECK(sched_setscheduler(0, SCHED_BATCH, &parameter), 0);
    CHECK(sched_getscheduler(0), SCHED_BATCH);
    parameter.sched_priority = 1;
    CHECK(sched_setscheduler(0, SCHED_OTHER, &parameter), -EINVAL);
    CHECK(sched_setscheduler(-1, SCHED_OTHER, &parameter), -EINVAL);
    CHECK(sched_getscheduler(1 << 22), -ESRCH);
    CHECK(sched_setparam(0, &parameter), -EINVAL);
    parameter.sched_priority = 0;
    CHECK(sched_setparam(0, &parameter), 0);
    CHECK(sched_getscheduler(0), SCHED_BATCH);
    CHECK(sched_setparam(-1, &parameter), -EINVAL);
    CHECK(sched_setparam(1 << 22, &parameter), -ESRCH);
    CHECK(SYS(sched_setparam, 0, NULL), -EINVAL);
    CHECK(SYS(sched_setparam, 0, BAD), -EFAULT);
    struct timespec slice = { 7, -1 };
    CHECK(sched_rr_get_interval(0, &slice), 0);
    CHECK_TRUE(slice.tv_sec == 0 && slice.tv_nsec >= 0 && slice.tv_nsec < 1000000000);
    CHECK(sched_rr_get_interval(-1, &slice), -EINVAL);
    CHECK(sched_rr_get_interval(1 << 22, &slice), -ESRCH);
    CHECK(SYS(sched_rr_get_interval, 0, BAD), -EFAULT);
    CHECK(sched_yield(), 0);
    CHECK_TRUE(SYS(sched_getaffinity, 0, sizeof(processors), &processors) > 0);
    CHECK_TRUE(CPU_COUNT(&processors) > 0);
    CHECK(sched_setaffinity(0, sizeof(processors), &processors), 0);
    CPU_ZERO(&processors);
    CHECK(sched_setaffinity(0, sizeof(processors), &processors), -EINVAL);
    CHECK(SYS(sched_getaffinity, 0, 1, &processors), -EINVAL);
    CHECK(SYS(sched_getaffinity, 0, sizeof(processors), BAD), -EFAULT);
    unsigned processor = 10000;
    CHECK(getcpu(&processor, NULL), 0);
    CHECK_TRUE(processor < 1024);
}

CASE(scheduling_errors)
{
    const int nobody = 1 << 22;
    struct sched_param parameter = { 0 };
    cpu_set_t processors;
    NEED(sched_getaffinity(0, sizeof(processors), &processors));
    CHECK(sched_getparam(-1, &parameter), -EINVAL);
    CHECK(sched_getparam(nobody, &parameter), -ESRCH);
    CHECK(SYS(sched_getparam, 0, NULL), -EINVAL);
    CHECK(sched_getscheduler(-1), -EINVAL);
    CHECK(sched_setscheduler(nobody, SCHED_OTHER, &parameter), -ESRCH);
    CHECK(sched_setscheduler(0, 77, &parameter), -EINVAL);
    CHECK(sched_get_priority_min(77), -EINVAL);
    CHECK(SYS(sched_getaffinity, nobody, sizeof(processors), &processors), -ESRCH);
    CHECK(sched_setaffinity(nobody, sizeof(processors), &processors), -ESRCH);
    CHECK(SYS(sched_setaffinity, 0, sizeof(processors), BAD), -EFAULT);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(sched_setaffinity(getppid(), sizeof(processors), &processors), -EPERM);
            CHECK(sched_setparam(getppid(), &parameter), -EPERM);
            CHECK(sched_setscheduler(getppid(), SCHED_BATCH, &parameter), -EPERM);
            CHECK(sched_setscheduler(0, SCHED_BATCH, &parameter), 0);
            CHECK(sched_setscheduler(0, SCHED_OTHER, &parameter), 0);
            parameter.sched_priority = 1;
            CHECK(sched_setscheduler(0, SCHED_FIFO, &parameter), -EPERM);
        }
    }
}

CASE(usage)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage), 0);
    CHECK_TRUE(usage.ru_maxrss > 0);
    CHECK(getrusage(RUSAGE_CHILDREN, &usage), 0);
    CHECK(usage.ru_utime.tv_sec, 0);
    CHECK(getrusage(RUSAGE_THREAD, &usage), 0);
    CHECK(getrusage(77, &usage), -EINVAL);
    CHECK(SYS(getrusage, RUSAGE_SELF, BAD), -EFAULT);
}

// fork as a call of its own: the C library uses clone.
CASE(fork_itself)
{
    int status = 0;
    long child = SYS(fork);
    if (child == 0) {
        _exit(5);
    }
    CHECK_TRUE(child > 0);
    CHECK_TRUE(waitpid((pid_t)child, &status, 0) == child);
    CHECK(status, 5 << 8);
}

CASE(processor)
{
    unsigned cpu = 77777;
    unsigned node = 77777;
    CHECK(SYS(getcpu, &cpu, &node, NULL), 0);
    CHECK_TRUE(cpu < 77777 && node < 77777);
    CHECK(SYS(getcpu, NULL, NULL, NULL), 0);
    CHECK(SYS(getcpu, BAD, NULL, NULL), -EFAULT);
    CHECK(SYS(getcpu, NULL, BAD, NULL), -EFAULT);
}
