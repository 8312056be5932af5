// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Which calls a task may make: seccomp(2), prctl(PR_SET_SECCOMP).
#include "check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define LOAD(member)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what)  BPF_STMT(BPF_RET | BPF_K, what)
#define IF(value)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define ON_CALL(call) LOAD(nr), IF(SYS_##call)

static long filter_with(struct sock_filter *code, size_t count, unsigned flags)
{
    struct sock_fprog program = { (unsigned short)count, code };
    return SYS(seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

// Has one call answered in one way, and all others allowed.
static long answer(unsigned call, unsigned with)
{
    struct sock_filter code[] = { LOAD(nr), IF(call), RETURN(with), RETURN(SECCOMP_RET_ALLOW) };
    return filter_with(code, COUNT(code), 0);
}

static void no_more_privileges(void)
{
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

CASE(error)
{
    no_more_privileges();
    CHECK(prctl(PR_GET_SECCOMP), 0);
    CHECK(answer(SYS_getppid, SECCOMP_RET_ERRNO | ENOTEMPTY), 0);
    CHECK(SYS(getppid), -ENOTEMPTY);
    CHECK_TRUE(SYS(getpid) == getpid());
    CHECK(prctl(PR_GET_SECCOMP), 2);
    CHECK(answer(SYS_getuid, SECCOMP_RET_ERRNO | 0), 0);
    CHECK(SYS(getuid), 0);
    CHECK(answer(SYS_getgid, SECCOMP_RET_ERRNO | 5000), 0);
    CHECK(SYS(getgid), -4095);
}

// What no number of a call stands for goes through the filters, too.
CASE(unknown_call)
{
    no_more_privileges();
    CHECK(answer(4000, SECCOMP_RET_ERRNO | EXDEV), 0);
    CHECK(syscall(4000), -EXDEV);
    CHECK(syscall(4001), -ENOSYS);
}

CASE(inherited)
{
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_ERRNO | ENOTEMPTY));
    IN_CHILD
    {
        CHECK(SYS(getppid), -ENOTEMPTY);
        NEED(answer(SYS_getuid, SECCOMP_RET_ERRNO | EXDEV));
        CHECK(SYS(getuid), -EXDEV);
    }
    CHECK_TRUE(SYS(getuid) == getuid());
}

HELPER(parent_is_refused)
{
    (void)argc, (void)argv;
    return SYS(getppid) == -1 && errno == ENOTEMPTY ? 7 : 8;
}

CASE(inherited_over_exec)
{
    int status = 0;
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_ERRNO | ENOTEMPTY));
    pid_t child = NEED(fork());
    if (child == 0) {
        execl(check_program, "program", "--helper", "parent_is_refused", (char *)NULL);
        _exit(99);
    }
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 7);
}

// Of several filters, what is worst for the call is done; of equals the last one's.
CASE(worst_of_several)
{
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_ERRNO | ENOTEMPTY));
    NEED(answer(SYS_getppid, SECCOMP_RET_ALLOW));
    CHECK(SYS(getppid), -ENOTEMPTY);
    NEED(answer(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
    CHECK(SYS(getppid), -EXDEV);
    NEED(answer(SYS_getppid, SECCOMP_RET_LOG));
    CHECK(SYS(getppid), -EXDEV);
    NEED(answer(SYS_getppid, SECCOMP_RET_TRACE));
    CHECK(SYS(getppid), -EXDEV);
    NEED(answer(SYS_getuid, SECCOMP_RET_TRACE));
    CHECK(SYS(getuid), -ENOSYS);
}

CASE(by_arguments)
{
    struct sock_filter code[] = { LOAD(nr),
                                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup, 0, 3),
                                  LOAD(args[0]),
                                  BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 100, 0, 1),
                                  RETURN(SECCOMP_RET_ERRNO | EXDEV),
                                  RETURN(SECCOMP_RET_ALLOW) };
    no_more_privileges();
    CHECK(filter_with(code, COUNT(code), 0), 0);
    CHECK(SYS(dup, 99), -EBADF);
    CHECK(SYS(dup, 100), -EXDEV);
}

CASE(of_this_machine)
{
    struct sock_filter code[] = { LOAD(arch), IF(0xc000003e), RETURN(SECCOMP_RET_ALLOW),
                                  RETURN(SECCOMP_RET_ERRNO | EXDEV) };
    no_more_privileges();
    CHECK(filter_with(code, COUNT(code), 0), 0);
    CHECK_TRUE(SYS(getpid) > 0);
}

static volatile sig_atomic_t seen;
static siginfo_t about;
static long long in_rax;
static unsigned long long place;

static void see(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    seen = number;
    about = *info;
    in_rax = user->uc_mcontext.gregs[REG_RAX];
    place = (unsigned long long)user->uc_mcontext.gregs[REG_RIP];
    user->uc_mcontext.gregs[REG_RAX] = 4711;
}

CASE(trap)
{
    struct sigaction action = { .sa_sigaction = see, .sa_flags = SA_SIGINFO };
    NEED(sigaction(SIGSYS, &action, NULL));
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_TRAP | 77));
    CHECK(syscall(SYS_getppid), 4711);
    CHECK(seen, SIGSYS);
    CHECK(about.si_code, 1);
    CHECK(about.si_errno, 77);
    CHECK(about.si_syscall, SYS_getppid);
    CHECK(about.si_arch, 0xc000003e);
    CHECK(in_rax, SYS_getppid);
    CHECK_TRUE(place == (unsigned long long)about.si_call_addr);
}

static void trapped(void)
{
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_TRAP));
    SYS(getppid);
}

static void trapped_and_ignored(void)
{
    signal(SIGSYS, SIG_IGN);
    trapped();
}

static void killed(void)
{
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    signal(SIGSYS, SIG_IGN);
    SYS(getppid);
}

static void killed_by_unknown_action(void)
{
    no_more_privileges();
    NEED(answer(SYS_getppid, 0x12340000));
    SYS(getppid);
}

CASE(kill)
{
    CHECK(check_status(trapped), SIGSYS);
    CHECK(check_status(trapped_and_ignored), SIGSYS);
    CHECK(check_status(killed), SIGSYS);
    CHECK(check_status(killed_by_unknown_action), SIGSYS);
}

static void *die(void *argument)
{
    NEED(answer(SYS_getppid, SECCOMP_RET_KILL_THREAD));
    SYS(getppid);
    return argument;
}

// Only the thread ends; its process goes on.
CASE(kill_thread)
{
    pthread_t thread;
    no_more_privileges();
    NEED(-pthread_create(&thread, NULL, die, NULL));
    CHECK(-pthread_join(thread, NULL), 0);
    CHECK_TRUE(SYS(getppid) == getppid());
}

static void *look(void *argument)
{
    int *ends = argument;
    char byte = 0;
    NEED(read(ends[0], &byte, 1));
    return (void *)(SYS(getppid) == -1 ? (long)errno : 0);
}

static sem_t filtered;

static void *filter_and_wait(void *argument)
{
    NEED(answer(SYS_getuid, SECCOMP_RET_ERRNO | EXDEV));
    NEED(sem_post(&filtered));
    return look(argument);
}

CASE(all_threads)
{
    struct sock_filter code[] = { ON_CALL(getppid), RETURN(SECCOMP_RET_ERRNO | EXDEV),
                                  RETURN(SECCOMP_RET_ALLOW) };
    pthread_t threads[2];
    void *result = NULL;
    int ends[2];
    NEED(pipe(ends));
    no_more_privileges();
    NEED(-pthread_create(&threads[0], NULL, look, ends));
    NEED(answer(SYS_getuid, SECCOMP_RET_ERRNO | EXDEV));
    NEED(write(ends[1], "x", 1));
    pthread_join(threads[0], &result);
    CHECK((long)result, 0);
    NEED(-pthread_create(&threads[1], NULL, look, ends));
    CHECK(filter_with(code, COUNT(code), SECCOMP_FILTER_FLAG_TSYNC), 0);
    NEED(write(ends[1], "x", 1));
    pthread_join(threads[1], &result);
    CHECK((long)result, EXDEV);
}

// Who has a filter of its own is not given another's; the call fails if it may not say which.
CASE(other_thread_differs)
{
    struct sock_filter code[] = { RETURN(SECCOMP_RET_ALLOW) };
    struct sock_fprog program = { 1, code };
    pthread_t thread;
    int ends[2];
    NEED(pipe(ends));
    no_more_privileges();
    NEED(-pthread_create(&thread, NULL, filter_and_wait, ends));
    NEED(sem_wait(&filtered));
    CHECK_TRUE(filter_with(code, COUNT(code), SECCOMP_FILTER_FLAG_TSYNC) > 0);
    CHECK(SYS(seccomp, SECCOMP_SET_MODE_FILTER,
              SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, &program),
          -ESRCH);
    NEED(write(ends[1], "x", 1));
    pthread_join(thread, NULL);
}

CASE(errors)
{
    struct sock_filter code[] = { RETURN(SECCOMP_RET_ALLOW) };
    struct sock_fprog program = { 0, code };
    unsigned action = SECCOMP_RET_ERRNO;
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            program.len = 1;
            CHECK(SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), -EACCES);
            CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), -EACCES);
        }
    }
    no_more_privileges();
    CHECK(SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), -EINVAL);
    program.len = 4097;
    CHECK(SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), -EINVAL);
    program = (struct sock_fprog){ 1, (void *)8ul };
    CHECK(SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), -EFAULT);
    CHECK(SYS(seccomp, SECCOMP_SET_MODE_FILTER, 0, BAD), -EFAULT);
    CHECK(filter_with(code, 1, 0x8000), -EINVAL);
    CHECK(SYS(seccomp, 77, 0, NULL), -EINVAL);
    CHECK(SYS(seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), -EINVAL);
    code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 0);
    CHECK(filter_with(code, 1, 0), -EINVAL);
    CHECK(SYS(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
    action = 0x1230000;
    CHECK(SYS(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action), -EOPNOTSUPP);
    CHECK(SYS(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, BAD), -EFAULT);
    CHECK(prctl(PR_SET_SECCOMP, 3), -EINVAL);
}

CASE(too_long)
{
    static struct sock_filter code[4096];
    for (size_t i = 0; i < COUNT(code); i++) {
        code[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    }
    no_more_privileges();
    long result = 0;
    for (int i = 0; i < 10 && result == 0; i++) {
        result = check_result(filter_with(code, COUNT(code), 0));
    }
    CHECK(result, -ENOMEM);
    CHECK(filter_with(code, 1, 0), 0);
}

static void strictly(void)
{
    NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    (void)!write(STDERR_FILENO, "", 0);
    SYS(exit, 3);
}

static void strictly_wrong(void)
{
    NEED(SYS(seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
    SYS(getpid);
}

CASE(strict)
{
    CHECK(check_status(strictly), 3 << 8);
    CHECK(check_status(strictly_wrong), SIGKILL);
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_ALLOW));
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), -EINVAL);
}

CASE(shown)
{
    char text[4096];
    no_more_privileges();
    NEED(answer(SYS_getppid, SECCOMP_RET_ALLOW));
    int file = NEED(open("/proc/self/status", O_RDONLY));
    ssize_t length = NEED(read(file, text, sizeof(text) - 1));
    text[length] = 0;
    CHECK_TRUE(strstr(text, "\nSeccomp:\t2\n") != NULL);
    CHECK_TRUE(strstr(text, "\nSeccomp_filters:\t1\n") != NULL);
}
