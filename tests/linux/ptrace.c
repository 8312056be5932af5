// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// ptrace(2) as debuggers and tracers use it.
#include "check.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static volatile long word = 0x1111;
static int status;

static long trace(int request, pid_t pid, void *address, void *data)
{
    return SYS(ptrace, request, pid, address, data);
}

// A child that has asked to be traced and stopped itself.
static pid_t start(void (*then)(void))
{
    pid_t child = NEED(fork());
    if (child == 0) {
        alarm(CHECK_SECONDS);
        trace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        then();
        _exit(0);
    }
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGSTOP << 8 | 0x7f);
    return child;
}

static void do_nothing(void) {}

static void finish(pid_t child)
{
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) == child && !WIFSIGNALED(status) && !WIFEXITED(status)) {}
}

CASE(memory)
{
    pid_t child = start(do_nothing);
    void *at = (void *)(uintptr_t)&word;
    errno = 0;
    CHECK(ptrace(PTRACE_PEEKDATA, child, at, NULL), 0x1111);
    CHECK(trace(PTRACE_POKEDATA, child, at, (void *)0x2222), 0);
    CHECK(ptrace(PTRACE_PEEKDATA, child, at, NULL), 0x2222);
    CHECK(word, 0x1111);
    CHECK(SYS(ptrace, PTRACE_PEEKDATA, child, BAD, &status), -EIO);
    CHECK(SYS(ptrace, PTRACE_POKEDATA, child, BAD, NULL), -EIO);
    CHECK(SYS(ptrace, PTRACE_PEEKDATA, child, at, BAD), -EFAULT);
    finish(child);
}

static void call_getppid(void)
{
    SYS(getppid);
}

CASE(calls)
{
    struct user_regs_struct registers;
    pid_t child = start(call_getppid);
    CHECK(trace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD), 0);
    for (int i = 0; i < 2; i++) {
        do {
            CHECK(trace(PTRACE_SYSCALL, child, NULL, NULL), 0);
            NEED(waitpid(child, &status, 0));
            NEED(trace(PTRACE_GETREGS, child, NULL, &registers));
        } while (registers.orig_rax != SYS_getppid);
        CHECK(status, (SIGTRAP | 0x80) << 8 | 0x7f);
        if (i == 0) {
            CHECK((long)registers.rax, -ENOSYS);
        } else {
            CHECK_TRUE((pid_t)registers.rax == getpid());
        }
    }
    CHECK(trace(PTRACE_CONT, child, NULL, NULL), 0);
    NEED(waitpid(child, &status, 0));
    CHECK(status, 0);
}

static void exit_with_result(void)
{
    _exit((int)SYS(getppid));
}

// A tracer changes what a call returns, and which one it is.
CASE(calls_changed)
{
    struct user_regs_struct registers = { .orig_rax = 0 };
    pid_t child = start(exit_with_result);
    while (registers.orig_rax != SYS_getppid) {
        NEED(trace(PTRACE_SYSCALL, child, NULL, NULL));
        NEED(waitpid(child, &status, 0));
        NEED(trace(PTRACE_GETREGS, child, NULL, &registers));
    }
    registers.orig_rax = (unsigned long)-1;
    CHECK(trace(PTRACE_SETREGS, child, NULL, &registers), 0);
    NEED(trace(PTRACE_SYSCALL, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    NEED(trace(PTRACE_GETREGS, child, NULL, &registers));
    CHECK((long)registers.rax, -ENOSYS);
    registers.rax = 77;
    NEED(trace(PTRACE_SETREGS, child, NULL, &registers));
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 77);
}

CASE(call_information)
{
    struct __ptrace_syscall_info info;
    pid_t child = start(call_getppid);
    NEED(trace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD));
    CHECK_TRUE(trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info) > 0);
    CHECK(info.op, PTRACE_SYSCALL_INFO_NONE);
    do {
        NEED(trace(PTRACE_SYSCALL, child, NULL, NULL));
        NEED(waitpid(child, &status, 0));
        NEED(trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info));
    } while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_getppid);
    CHECK(info.arch, 0xc000003e);
    NEED(trace(PTRACE_SYSCALL, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    NEED(trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info));
    CHECK(info.op, PTRACE_SYSCALL_INFO_EXIT);
    CHECK_TRUE(info.exit.rval == getpid() && !info.exit.is_error);
    finish(child);
}

static void raise_user(void)
{
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGUSR2);
}

// Every signal stops a traced process, even one that it ignores; the tracer decides.
CASE(signals)
{
    siginfo_t info;
    pid_t child = start(raise_user);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGUSR1 << 8 | 0x7f);
    CHECK(trace(PTRACE_GETSIGINFO, child, NULL, &info), 0);
    CHECK(info.si_signo, SIGUSR1);
    CHECK(info.si_code, SI_TKILL);
    NEED(trace(PTRACE_CONT, child, NULL, (void *)SIGUSR1));
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGUSR2 << 8 | 0x7f);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, 0);
}

CASE(signals_delivered)
{
    pid_t child = start(raise_user);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    NEED(trace(PTRACE_CONT, child, NULL, (void *)SIGTERM));
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGTERM);
}

static void step_here(void)
{
    __asm__ volatile("nop; nop; nop; ud2");
}

CASE(steps)
{
    struct user_regs_struct before;
    struct user_regs_struct after;
    pid_t child = start(step_here);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGILL << 8 | 0x7f);
    NEED(trace(PTRACE_GETREGS, child, NULL, &before));
    before.rip -= 3;
    NEED(trace(PTRACE_SETREGS, child, NULL, &before));
    CHECK(trace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGTRAP << 8 | 0x7f);
    NEED(trace(PTRACE_GETREGS, child, NULL, &after));
    CHECK(after.rip - before.rip, 1);
    siginfo_t info;
    NEED(trace(PTRACE_GETSIGINFO, child, NULL, &info));
    CHECK(info.si_code, TRAP_TRACE);
    finish(child);
}

CASE(break_point)
{
    struct user_regs_struct registers;
    pid_t child = start(call_getppid);
    void *at = (void *)(uintptr_t)call_getppid;
    long code = ptrace(PTRACE_PEEKTEXT, child, at, NULL);
    CHECK(trace(PTRACE_POKETEXT, child, at, (void *)((code & ~0xffl) | 0xcc)), 0);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGTRAP << 8 | 0x7f);
    NEED(trace(PTRACE_GETREGS, child, NULL, &registers));
    CHECK(registers.rip - (uintptr_t)at, 1);
    NEED(trace(PTRACE_POKETEXT, child, at, (void *)code));
    registers.rip--;
    NEED(trace(PTRACE_SETREGS, child, NULL, &registers));
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, 0);
}

CASE(register_sets)
{
    struct user_regs_struct registers;
    struct user_fpregs_struct vector;
    struct iovec part = { &registers, sizeof(registers) };
    pid_t child = start(do_nothing);
    CHECK(trace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &part), 0);
    CHECK(part.iov_len, sizeof(registers));
    CHECK(registers.cs, 0x33);
    CHECK(registers.ss, 0x2b);
    CHECK(trace(PTRACE_SETREGSET, child, (void *)NT_PRSTATUS, &part), 0);
    CHECK(trace(PTRACE_GETFPREGS, child, NULL, &vector), 0);
    CHECK(vector.mxcsr, 0x1f80);
    CHECK(SYS(ptrace, PTRACE_GETREGSET, child, (void *)0x7777, &part), -EINVAL);
    CHECK(SYS(ptrace, PTRACE_PEEKUSER, child, (void *)1, &status), -EIO);
    CHECK(ptrace(PTRACE_PEEKUSER, child, (void *)offsetof(struct user, regs.cs), NULL), 0x33);
    registers.cs = 0x10;
    part.iov_len = sizeof(registers);
    CHECK(SYS(ptrace, PTRACE_SETREGSET, child, (void *)NT_PRSTATUS, &part), -EIO);
    finish(child);
}

static void fork_once(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(3);
    }
    waitpid(child, NULL, 0);
}

CASE(forks)
{
    unsigned long message = 0;
    pid_t child = start(fork_once);
    NEED(trace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT)));
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8);
    CHECK(trace(PTRACE_GETEVENTMSG, child, NULL, &message), 0);
    pid_t grandchild = (pid_t)message;
    CHECK_TRUE(waitpid(grandchild, &status, 0) == grandchild);
    CHECK(status, SIGSTOP << 8 | 0x7f);
    CHECK(trace(PTRACE_DETACH, grandchild, NULL, NULL), 0);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    do {
        NEED(waitpid(child, &status, 0));
        if (status >> 8 == SIGCHLD) {
            NEED(trace(PTRACE_CONT, child, NULL, (void *)SIGCHLD));
        }
    } while (status >> 8 == SIGCHLD);
    CHECK(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
    NEED(trace(PTRACE_GETEVENTMSG, child, NULL, &message));
    CHECK(message, 0);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, 0);
}

static void execute(void)
{
    execl(check_program, "program", "--helper", "leave", (char *)NULL);
}

HELPER(leave)
{
    (void)argc, (void)argv;
    return 9;
}

CASE(execution)
{
    pid_t child = start(execute);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGTRAP << 8 | 0x7f);
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, 9 << 8);
    child = start(execute);
    NEED(trace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACEEXEC));
    NEED(trace(PTRACE_CONT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status >> 8, SIGTRAP | PTRACE_EVENT_EXEC << 8);
    finish(child);
}

static pid_t start_waiting(void)
{
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    check_wait_asleep(child);
    return child;
}

CASE(attach)
{
    pid_t child = start_waiting();
    CHECK(trace(PTRACE_ATTACH, child, NULL, NULL), 0);
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGSTOP << 8 | 0x7f);
    CHECK(SYS(ptrace, PTRACE_ATTACH, child, NULL, NULL), -EPERM);
    CHECK(trace(PTRACE_DETACH, child, NULL, NULL), 0);
    CHECK(SYS(ptrace, PTRACE_CONT, child, NULL, NULL), -ESRCH);
    CHECK(trace(PTRACE_SEIZE, child, NULL, NULL), 0);
    CHECK(SYS(ptrace, PTRACE_GETREGS, child, NULL, NULL), -ESRCH);
    CHECK(trace(PTRACE_INTERRUPT, child, NULL, NULL), 0);
    NEED(waitpid(child, &status, 0));
    CHECK(status >> 8, SIGTRAP | PTRACE_EVENT_STOP << 8);
    finish(child);
}

// A call that began before there was a tracer begins anew, for it.
CASE(attach_in_a_call)
{
    struct __ptrace_syscall_info info;
    pid_t child = start_waiting();
    NEED(trace(PTRACE_SEIZE, child, NULL, (void *)PTRACE_O_TRACESYSGOOD));
    NEED(trace(PTRACE_INTERRUPT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    NEED(trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info));
    CHECK(info.op, PTRACE_SYSCALL_INFO_NONE);
    NEED(trace(PTRACE_SYSCALL, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    CHECK(status, (SIGTRAP | 0x80) << 8 | 0x7f);
    NEED(trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info));
    CHECK(info.op, PTRACE_SYSCALL_INFO_ENTRY);
    NEED(trace(PTRACE_SYSCALL, child, NULL, NULL));
    check_wait_asleep(child);
    NEED(trace(PTRACE_INTERRUPT, child, NULL, NULL));
    NEED(waitpid(child, &status, 0));
    NEED(trace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info));
    CHECK(info.op, PTRACE_SYSCALL_INFO_EXIT);
    finish(child);
}

static void sleep_on(void)
{
    for (;;) {
        pause();
    }
}

CASE(tracer_ends)
{
    int ends[2];
    NEED(pipe(ends));
    pid_t tracer = check_fork();
    if (tracer == 0) {
        pid_t child = start(sleep_on);
        NEED(trace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_EXITKILL));
        close(ends[0]);
        NEED(trace(PTRACE_CONT, child, NULL, NULL));
        check_exit();
    }
    close(ends[1]);
    char byte;
    check_join(tracer);
    CHECK(read(ends[0], &byte, 1), 0);
}

CASE(errors)
{
    CHECK(SYS(ptrace, PTRACE_ATTACH, 1 << 22, NULL, NULL), -ESRCH);
    CHECK(SYS(ptrace, PTRACE_ATTACH, getpid(), NULL, NULL), -EPERM);
    CHECK(SYS(ptrace, PTRACE_CONT, getppid(), NULL, NULL), -ESRCH);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(SYS(ptrace, PTRACE_ATTACH, getppid(), NULL, NULL), -EPERM);
        }
    }
    pid_t child = start(do_nothing);
    CHECK(SYS(ptrace, 0x7777, child, NULL, NULL), -EIO);
    CHECK(SYS(ptrace, PTRACE_SETOPTIONS, child, NULL, (void *)0x800000), -EINVAL);
    CHECK(SYS(ptrace, PTRACE_CONT, child, NULL, (void *)1000), -EIO);
    CHECK(SYS(ptrace, PTRACE_GETREGS, child, NULL, BAD), -EFAULT);
    finish(child);
}
