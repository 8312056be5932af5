// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// wait4(2), waitid(2), what SIGCHLD says, pidfd_open(2).
#include "check.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define P_PIDFD_ID ((idtype_t)3)

static pid_t start_exiting(int status)
{
    pid_t child = NEED(fork());
    if (child == 0) {
        _exit(status);
    }
    return child;
}

static pid_t start_waiting(void)
{
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    return child;
}

CASE(exited)
{
    int status = 0;
    pid_t child = start_exiting(7);
    CHECK_TRUE(wait(&status) == child);
    CHECK(status, 7 << 8);
    CHECK(wait(&status), -ECHILD);
    child = start_exiting(0);
    CHECK_TRUE(waitpid(child, NULL, 0) == child);
    CHECK(waitpid(child, NULL, 0), -ECHILD);
}

CASE(killed)
{
    int status = 0;
    static const int signals[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGPIPE };
    for (int i = 0; i < 6; i++) {
        pid_t child = start_waiting();
        NEED(kill(child, signals[i]));
        CHECK_TRUE(waitpid(child, &status, 0) == child);
        CHECK(status, signals[i]);
    }
}

static void abort_at_once(void)
{
    abort();
}

static void read_nowhere(void)
{
    void *volatile nowhere = BAD;
    *(volatile char *)nowhere;
}

static void run_undefined(void)
{
    __asm__ volatile("ud2");
}

static void divide_by_zero(void)
{
    volatile int zero = 0;
    __asm__ volatile("idivl %0" : : "m"(zero), "a"(1), "d"(0));
}

static void trap(void)
{
    __asm__ volatile("int3");
}

CASE(killed_by_fault)
{
    CHECK(WTERMSIG(check_status(abort_at_once)), SIGABRT);
    CHECK(WTERMSIG(check_status(read_nowhere)), SIGSEGV);
    CHECK(WTERMSIG(check_status(run_undefined)), SIGILL);
    CHECK(WTERMSIG(check_status(divide_by_zero)), SIGFPE);
    CHECK(WTERMSIG(check_status(trap)), SIGTRAP);
}

CASE(not_yet)
{
    int status = 0;
    pid_t child = start_waiting();
    CHECK(waitpid(child, &status, WNOHANG), 0);
    CHECK(waitpid(-1, &status, WNOHANG), 0);
    NEED(kill(child, SIGKILL));
    CHECK_TRUE(waitpid(-1, &status, 0) == child);
    CHECK(waitpid(-1, &status, WNOHANG), -ECHILD);
}

CASE(stopped)
{
    int status = 0;
    pid_t child = start_waiting();
    NEED(kill(child, SIGSTOP));
    CHECK_TRUE(waitpid(child, &status, WUNTRACED) == child);
    CHECK(status, SIGSTOP << 8 | 0x7f);
    CHECK(waitpid(child, &status, WUNTRACED | WNOHANG), 0);
    NEED(kill(child, SIGCONT));
    CHECK_TRUE(waitpid(child, &status, WCONTINUED) == child);
    CHECK(status, 0xffff);
    CHECK_TRUE(WIFCONTINUED(status));
    CHECK(waitpid(child, &status, WCONTINUED | WNOHANG), 0);
    NEED(kill(child, SIGSTOP));
    NEED(kill(child, SIGKILL));
    CHECK_TRUE(waitpid(child, &status, 0) == child);
    CHECK(status, SIGKILL);
}

CASE(whom)
{
    int status = 0;
    pid_t first = NEED(fork());
    if (first == 0) {
        setpgid(0, 0);
        _exit(1);
    }
    setpgid(first, first);
    pid_t second = start_exiting(2);
    CHECK_TRUE(waitpid(second, &status, 0) == second);
    CHECK(WEXITSTATUS(status), 2);
    CHECK(waitpid(0, &status, 0), -ECHILD);
    CHECK_TRUE(waitpid(-first, &status, 0) == first);
    CHECK(WEXITSTATUS(status), 1);
    CHECK(waitpid(-first, &status, 0), -ECHILD);
}

CASE(errors)
{
    int status = 0;
    pid_t child = start_exiting(0);
    CHECK(waitpid(getpid(), &status, 0), -ECHILD);
    CHECK(waitpid(1, &status, 0), -ECHILD);
    CHECK(waitpid(-1, &status, 0x100), -EINVAL);
    CHECK(SYS(wait4, INT32_MIN, &status, 0, 0), -ESRCH);
    CHECK(SYS(wait4, child, BAD, 0, NULL), -EFAULT);
    CHECK(SYS(wait4, child, &status, 0, NULL), -ECHILD);
}

CASE(usage)
{
    struct rusage usage;
    int status = 0;
    memset(&usage, 0xff, sizeof(usage));
    pid_t child = start_exiting(0);
    CHECK_TRUE(wait4(child, &status, 0, &usage) == child);
    CHECK_TRUE(usage.ru_utime.tv_sec == 0 && usage.ru_utime.tv_usec < 1000000);
    CHECK_TRUE(usage.ru_maxrss >= 0);
}

CASE(identified)
{
    siginfo_t info;
    pid_t child = start_exiting(9);
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    CHECK(info.si_signo, SIGCHLD);
    CHECK(info.si_code, CLD_EXITED);
    CHECK(info.si_status, 9);
    CHECK(info.si_errno, 0);
    CHECK_TRUE(info.si_pid == child && info.si_uid == getuid());
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
    CHECK(info.si_status, 9);
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED), -ECHILD);
}

CASE(identified_states)
{
    siginfo_t info = { .si_pid = 77 };
    pid_t child = start_waiting();
    CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
    CHECK(info.si_pid, 0);
    CHECK(info.si_signo, 0);
    NEED(kill(child, SIGSTOP));
    CHECK(waitid(P_PID, (id_t)child, &info, WSTOPPED), 0);
    CHECK(info.si_code, CLD_STOPPED);
    CHECK(info.si_status, SIGSTOP);
    NEED(kill(child, SIGCONT));
    CHECK(waitid(P_PID, (id_t)child, &info, WCONTINUED), 0);
    CHECK(info.si_code, CLD_CONTINUED);
    CHECK(info.si_status, SIGCONT);
    NEED(kill(child, SIGTERM));
    CHECK(waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED), 0);
    CHECK(info.si_code, CLD_KILLED);
    CHECK(info.si_status, SIGTERM);
}

CASE(identified_errors)
{
    siginfo_t info;
    pid_t child = start_exiting(0);
    CHECK(waitid(P_PID, (id_t)child, &info, 0), -EINVAL);
    CHECK(waitid(P_PID, (id_t)child, &info, WNOHANG), -EINVAL);
    CHECK(waitid((idtype_t)77, 0, &info, WEXITED), -EINVAL);
    CHECK(waitid(P_PID, 0, &info, WEXITED), -EINVAL);
    CHECK(waitid(P_PID, (id_t)getpid(), &info, WEXITED), -ECHILD);
    CHECK(waitid(P_PIDFD_ID, 99, &info, WEXITED), -EBADF);
    CHECK(waitid(P_PIDFD_ID, 0, &info, WEXITED), -EBADF);
    CHECK(SYS(waitid, P_PID, child, BAD, WEXITED, NULL), -EFAULT);
    CHECK(waitid(P_ALL, 0, &info, WEXITED), -ECHILD);
}

CASE(identified_without_result)
{
    pid_t child = start_exiting(0);
    CHECK(SYS(waitid, P_PID, child, NULL, WEXITED, NULL), 0);
    CHECK(SYS(waitid, P_PID, child, NULL, WEXITED, NULL), -ECHILD);
}

// With SIGCHLD ignored, children leave nothing behind.
CASE(ignored)
{
    int status = 0;
    signal(SIGCHLD, SIG_IGN);
    pid_t child = start_exiting(3);
    CHECK(waitpid(child, &status, 0), -ECHILD);
    start_exiting(3);
    start_exiting(3);
    CHECK(wait(&status), -ECHILD);
    struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
    sigaction(SIGCHLD, &action, NULL);
    child = start_exiting(3);
    CHECK(waitpid(child, &status, 0), -ECHILD);
}

static volatile sig_atomic_t told;
static siginfo_t told_info;

static void be_told(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    told_info = *info;
    told = 1;
}

static void await_told(void)
{
    sigset_t set;
    sigset_t old;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    while (!told) {
        sigsuspend(&old);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    told = 0;
}

CASE(told)
{
    struct sigaction action = { .sa_sigaction = be_told, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGCHLD, &action, NULL);
    pid_t child = start_exiting(5);
    await_told();
    CHECK(told_info.si_code, CLD_EXITED);
    CHECK(told_info.si_status, 5);
    CHECK_TRUE(told_info.si_pid == child && told_info.si_uid == getuid());
    waitpid(child, NULL, 0);
    child = start_waiting();
    NEED(kill(child, SIGSTOP));
    await_told();
    CHECK(told_info.si_code, CLD_STOPPED);
    CHECK(told_info.si_status, SIGSTOP);
    NEED(kill(child, SIGCONT));
    await_told();
    CHECK(told_info.si_code, CLD_CONTINUED);
    action.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, NULL);
    NEED(kill(child, SIGSTOP));
    NEED(waitpid(child, NULL, WUNTRACED));
    CHECK(told, 0);
    NEED(kill(child, SIGKILL));
    await_told();
    CHECK(told_info.si_code, CLD_KILLED);
    CHECK(told_info.si_status, SIGKILL);
    waitpid(child, NULL, 0);
}

CASE(interrupted)
{
    struct sigaction action = { .sa_sigaction = be_told, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, NULL);
    pid_t child = start_waiting();
    pid_t me = getpid();
    pid_t other = NEED(fork());
    if (other == 0) {
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0), -EINTR);
    check_join(other);
    other = NEED(fork());
    if (other == 0) {
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        _exit(0);
    }
    siginfo_t info;
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED), -EINTR);
    NEED(kill(child, SIGKILL));
    waitpid(child, NULL, 0);
    check_join(other);
}

CASE(descriptor)
{
    struct pollfd events = { .events = POLLIN };
    siginfo_t info;
    pid_t child = start_waiting();
    int descriptor = NEED(SYS(pidfd_open, child, 0));
    CHECK(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
    events.fd = descriptor;
    CHECK(poll(&events, 1, 0), 0);
    CHECK(waitid(P_PIDFD_ID, (id_t)descriptor, &info, WEXITED | WNOHANG), 0);
    CHECK(SYS(pidfd_send_signal, descriptor, 0, NULL, 0), 0);
    CHECK(SYS(pidfd_send_signal, descriptor, SIGKILL, NULL, 0), 0);
    CHECK(poll(&events, 1, 10000), 1);
    CHECK(events.revents & POLLIN, POLLIN);
    CHECK(waitid(P_PIDFD_ID, (id_t)descriptor, &info, WEXITED), 0);
    CHECK_TRUE(info.si_pid == child);
    CHECK(SYS(pidfd_send_signal, descriptor, 0, NULL, 0), -ESRCH);
    CHECK(SYS(pidfd_open, child, 0), -ESRCH);
    CHECK(SYS(pidfd_open, 0, 0), -EINVAL);
    CHECK(SYS(pidfd_open, getpid(), 1), -EINVAL);
    CHECK(SYS(pidfd_open, 1 << 22, 0), -ESRCH);
    CHECK(SYS(pidfd_send_signal, 0, 0, NULL, 0), -EBADF);
    CHECK(SYS(pidfd_getfd, descriptor, 0, 0), -ESRCH);
}

// Of a process, its directory in /proc does as well, for signals only.
CASE(directory_as_descriptor)
{
    char path[32];
    siginfo_t info;
    pid_t child = start_waiting();
    snprintf(path, sizeof(path), "/proc/%d", child);
    int directory = NEED(open(path, O_DIRECTORY)), other = NEED(open("/proc", O_DIRECTORY));
    CHECK(SYS(pidfd_send_signal, directory, 0, NULL, 0), 0);
    CHECK(SYS(pidfd_send_signal, directory, 0, NULL, 1 << 20), -EINVAL);
    CHECK(SYS(pidfd_send_signal, other, 0, NULL, 0), -EBADF);
    CHECK(waitid(P_PIDFD_ID, (id_t)directory, &info, WEXITED), -EBADF);
    CHECK(SYS(pidfd_send_signal, directory, SIGKILL, NULL, 0), 0);
    CHECK_TRUE(waitpid(child, NULL, 0) == child);
    CHECK(SYS(pidfd_send_signal, directory, 0, NULL, 0), -ESRCH);
}

CASE(descriptor_of_another)
{
    int file = check_file("f", "hello");
    pid_t child = start_waiting();
    int descriptor = NEED(SYS(pidfd_open, child, 0));
    int copy = NEED(SYS(pidfd_getfd, descriptor, file, 0));
    CHECK(fcntl(copy, F_GETFD), FD_CLOEXEC);
    CHECK(lseek(copy, 2, SEEK_SET), 2);
    CHECK(lseek(file, 0, SEEK_CUR), 2);
    CHECK(SYS(pidfd_getfd, descriptor, 77, 0), -EBADF);
    CHECK(SYS(pidfd_getfd, descriptor, file, 1), -EINVAL);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(SYS(pidfd_getfd, descriptor, file, 0), -EPERM);
            CHECK(SYS(pidfd_send_signal, descriptor, 0, NULL, 0), -EPERM);
        }
    }
    NEED(kill(child, SIGKILL));
    waitpid(child, NULL, 0);
}

// A descriptor that does not wait.
CASE(descriptor_without_waiting)
{
    siginfo_t info;
    pid_t child = start_waiting();
    int descriptor = NEED(SYS(pidfd_open, child, O_NONBLOCK));
    CHECK(fcntl(descriptor, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK(waitid(P_PIDFD_ID, (id_t)descriptor, &info, WEXITED), -EAGAIN);
    CHECK(waitid(P_PIDFD_ID, (id_t)descriptor, &info, WEXITED | WNOHANG), 0);
    NEED(kill(child, SIGKILL));
    NEED(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CHECK(waitid(P_PIDFD_ID, (id_t)descriptor, &info, WEXITED), 0);
    CHECK_TRUE(info.si_pid == child);
}
