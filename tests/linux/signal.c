// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Signals: sigaction(2), sigprocmask(2), kill(2), sigqueue(3), sigwaitinfo(2), sigsuspend(2),
// what handlers are told and what they may change.
#include "check.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static volatile sig_atomic_t order[8];
static siginfo_t got;

static void note(int number)
{
    if (count < 8) {
        order[count] = number;
    }
    count++;
}

static void note_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    got = *info;
    note(number);
}

static void handle(int number, int flags)
{
    struct sigaction action = { .sa_sigaction = note_info, .sa_flags = SA_SIGINFO | flags };
    NEED(sigaction(number, &action, NULL));
    count = 0;
}

static sigset_t set_of(int one, int other)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, one);
    if (other != 0) {
        sigaddset(&set, other);
    }
    return set;
}

static void block(int one, int other)
{
    sigset_t set = set_of(one, other);
    NEED(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void unblock(int one, int other)
{
    sigset_t set = set_of(one, other);
    NEED(sigprocmask(SIG_UNBLOCK, &set, NULL));
}

static bool is_pending(int number)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, number);
}

static bool is_blocked(int number)
{
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, number);
}

CASE(action)
{
    struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART };
    struct sigaction old;
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(sigaction(SIGUSR1, &action, &old), 0);
    CHECK_TRUE(old.sa_handler == SIG_DFL && old.sa_flags == 0);
    CHECK(sigaction(SIGUSR1, NULL, &old), 0);
    CHECK_TRUE(old.sa_handler == note);
    CHECK(old.sa_flags & ~0x4000000, SA_RESTART);
    CHECK(sigismember(&old.sa_mask, SIGUSR2), 1);
    CHECK(sigismember(&old.sa_mask, SIGUSR1), 0);
    CHECK(raise(SIGUSR1), 0);
    CHECK(count, 1);
    CHECK_TRUE(signal(SIGUSR1, SIG_IGN) == note);
    CHECK(raise(SIGUSR1), 0);
    CHECK(count, 1);
}

CASE(action_errors)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask;
    } action = { .flags = 0 };
    CHECK(SYS(rt_sigaction, 0, &action, NULL, 8), -EINVAL);
    CHECK(SYS(rt_sigaction, 65, &action, NULL, 8), -EINVAL);
    CHECK(SYS(rt_sigaction, -1, &action, NULL, 8), -EINVAL);
    CHECK(SYS(rt_sigaction, SIGKILL, &action, NULL, 8), -EINVAL);
    CHECK(SYS(rt_sigaction, SIGSTOP, &action, NULL, 8), -EINVAL);
    CHECK(SYS(rt_sigaction, SIGKILL, NULL, &action, 8), 0);
    CHECK(SYS(rt_sigaction, SIGUSR1, &action, NULL, 16), -EINVAL);
    CHECK(SYS(rt_sigaction, SIGUSR1, &action, NULL, 4), -EINVAL);
    CHECK(SYS(rt_sigaction, SIGUSR1, BAD, NULL, 8), -EFAULT);
    CHECK(SYS(rt_sigaction, SIGUSR1, NULL, BAD, 8), -EFAULT);
    CHECK(SYS(rt_sigaction, 64, &action, NULL, 8), 0);
}

CASE(mask)
{
    sigset_t set = set_of(SIGUSR1, 0);
    sigset_t old;
    CHECK(sigprocmask(SIG_BLOCK, &set, &old), 0);
    CHECK(sigismember(&old, SIGUSR1), 0);
    CHECK_TRUE(is_blocked(SIGUSR1));
    set = set_of(SIGUSR2, SIGKILL);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL), 0);
    CHECK_TRUE(!is_blocked(SIGUSR1) && is_blocked(SIGUSR2) && !is_blocked(SIGKILL));
    CHECK(sigprocmask(77, &set, NULL), -EINVAL);
    CHECK(sigprocmask(77, NULL, NULL), 0);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), -EINVAL);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8), -EFAULT);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8), -EFAULT);
}

CASE(blocked)
{
    handle(SIGUSR1, 0);
    block(SIGUSR1, 0);
    NEED(raise(SIGUSR1));
    NEED(raise(SIGUSR1));
    CHECK(count, 0);
    CHECK_TRUE(is_pending(SIGUSR1));
    unblock(SIGUSR1, 0);
    CHECK(count, 1);
    CHECK_TRUE(!is_pending(SIGUSR1));
    CHECK(SYS(rt_sigpending, BAD, 8), -EFAULT);
    CHECK(SYS(rt_sigpending, &got, 16), -EINVAL);
}

CASE(ignored_is_dropped)
{
    block(SIGUSR1, 0);
    NEED(raise(SIGUSR1));
    CHECK_TRUE(is_pending(SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    CHECK_TRUE(!is_pending(SIGUSR1));
    NEED(raise(SIGCHLD));
    CHECK_TRUE(!is_pending(SIGCHLD));
    block(SIGCHLD, 0);
    NEED(raise(SIGCHLD));
    CHECK_TRUE(is_pending(SIGCHLD));
}

CASE(info)
{
    handle(SIGUSR1, 0);
    CHECK(kill(getpid(), SIGUSR1), 0);
    CHECK(count, 1);
    CHECK(got.si_signo, SIGUSR1);
    CHECK(got.si_code, SI_USER);
    CHECK(got.si_errno, 0);
    CHECK_TRUE(got.si_pid == getpid() && got.si_uid == getuid());
    CHECK(raise(SIGUSR1), 0);
    CHECK(got.si_code, SI_TKILL);
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 1234 }), 0);
    CHECK(got.si_code, SI_QUEUE);
    CHECK(got.si_value.sival_int, 1234);
    CHECK_TRUE(got.si_pid == getpid());
}

CASE(queued)
{
    int number = SIGRTMIN + 1;
    sigset_t set = set_of(number, 0);
    siginfo_t info;
    struct timespec none = { 0, 0 };
    block(number, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(sigqueue(getpid(), number, (union sigval){ .sival_int = i }), 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_TRUE(sigwaitinfo(&set, &info) == number);
        CHECK(info.si_value.sival_int, i);
    }
    CHECK(sigtimedwait(&set, &info, &none), -EAGAIN);
}

// The lowest number first; faults before others.
CASE(order)
{
    handle(SIGRTMIN + 2, 0);
    handle(SIGUSR2, 0);
    handle(SIGHUP, 0);
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    NEED(raise(SIGRTMIN + 2));
    NEED(raise(SIGUSR2));
    NEED(raise(SIGHUP));
    struct sigaction action;
    for (int i = SIGHUP; i <= SIGRTMIN + 2; i++) {
        if (sigaction(i, NULL, &action) == 0 && action.sa_sigaction == note_info) {
            sigfillset(&action.sa_mask);
            sigaction(i, &action, NULL);
        }
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(count, 3);
    CHECK_TRUE(order[0] == SIGHUP && order[1] == SIGUSR2 && order[2] == SIGRTMIN + 2);
}

static void raise_again(int number)
{
    int before = count++;
    if (before == 0) {
        raise(number);
        order[0] = count;
        raise(SIGUSR2);
        order[1] = count;
    }
}

CASE(masked_in_handler)
{
    struct sigaction action = { .sa_handler = raise_again };
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR1);
    CHECK(order[0], 1);
    CHECK(order[1], 1);
    CHECK(count, 3);
    CHECK_TRUE(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
    count = 0;
    action.sa_flags = SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    CHECK(order[0], 2);
    CHECK(order[1], 3);
}

CASE(once)
{
    struct sigaction action;
    handle(SIGUSR1, (int)SA_RESETHAND);
    raise(SIGUSR1);
    CHECK(count, 1);
    sigaction(SIGUSR1, NULL, &action);
    CHECK_TRUE(action.sa_handler == SIG_DFL);
}

CASE(defaults)
{
    static const int ends[] = { SIGHUP,  SIGINT,  SIGQUIT,   SIGUSR1,   SIGPIPE, SIGALRM,
                                SIGTERM, SIGXCPU, SIGXFSZ,   SIGVTALRM, SIGPROF, SIGIO,
                                SIGPWR,  SIGSYS,  SIGSTKFLT, SIGABRT };
    static const int goes_on[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
    int status = 0;
    for (int i = 0; i < 16; i++) {
        pid_t child = NEED(fork());
        if (child == 0) {
            raise(ends[i]);
            _exit(0);
        }
        NEED(waitpid(child, &status, 0));
        CHECK(status, ends[i]);
    }
    for (int i = 0; i < 4; i++) {
        NEED(raise(goes_on[i]));
    }
    CHECK_TRUE(true);
}

CASE(kill)
{
    CHECK(kill(getpid(), 0), 0);
    CHECK(kill(1 << 22, 0), -ESRCH);
    CHECK(kill(-(1 << 22), 0), -ESRCH);
    CHECK(kill(getpid(), 65), -EINVAL);
    CHECK(kill(getpid(), -1), -EINVAL);
    CHECK(SYS(tgkill, getpid(), getpid(), 0), 0);
    CHECK(SYS(tgkill, 0, getpid(), 0), -EINVAL);
    CHECK(SYS(tgkill, getpid(), 1 << 22, 0), -ESRCH);
    CHECK(SYS(tkill, -1, 0), -EINVAL);
    CHECK(SYS(tkill, getpid(), 0), 0);
    CHECK(SYS(tkill, 1 << 22, 0), -ESRCH);
    AS_NOBODY
    {
        CHECK(kill(1, 0), -EPERM);
        CHECK(kill(getpid(), 0), 0);
        if (getuid() == CHECK_NOBODY) {
            CHECK(kill(getppid(), SIGTERM), -EPERM);
            CHECK(SYS(tkill, getppid(), SIGTERM), -EPERM);
            CHECK(SYS(tgkill, getppid(), getppid(), SIGTERM), -EPERM);
        }
    }
    pid_t child = NEED(fork());
    if (child == 0) {
        _exit(0);
    }
    siginfo_t info;
    NEED(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CHECK(kill(child, 0), 0);
    CHECK(kill(child, SIGKILL), 0);
    NEED(waitpid(child, NULL, 0));
    CHECK(kill(child, 0), -ESRCH);
}

CASE(kill_group)
{
    int status = 0;
    IN_CHILD
    {
        NEED(setpgid(0, 0));
        signal(SIGUSR1, SIG_IGN);
        pid_t child = NEED(fork());
        if (child == 0) {
            signal(SIGUSR1, SIG_DFL);
            CHECK(kill(0, SIGUSR1), 0);
            _exit(0);
        }
        NEED(waitpid(child, &status, 0));
        CHECK(status, SIGUSR1);
    }
    pid_t child = NEED(fork());
    if (child == 0) {
        setpgid(0, 0);
        pause();
    }
    setpgid(child, child);
    CHECK(kill(-child, SIGTERM), 0);
    NEED(waitpid(child, &status, 0));
    CHECK(status, SIGTERM);
    CHECK(kill(-child, SIGTERM), -ESRCH);
}

CASE(queue_errors)
{
    siginfo_t info = { .si_code = SI_USER };
    CHECK(SYS(rt_sigqueueinfo, getpid(), SIGUSR1, BAD), -EFAULT);
    CHECK(sigqueue(1 << 22, 0, (union sigval){ .sival_int = 0 }), -ESRCH);
    CHECK(sigqueue(getpid(), 65, (union sigval){ .sival_int = 0 }), -EINVAL);
    CHECK(SYS(rt_sigqueueinfo, getppid(), 0, &info), -EPERM);
    struct rlimit none = { 0, 0 };
    AS_NOBODY
    {
        NEED(setrlimit(RLIMIT_SIGPENDING, &none));
        block(SIGRTMIN, SIGUSR1);
        CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 0 }), -EAGAIN);
        CHECK(SYS(tkill, gettid(), SIGRTMIN), -EAGAIN);
        CHECK(SYS(tgkill, getpid(), gettid(), SIGRTMIN), -EAGAIN);
        info.si_code = SI_QUEUE;
        CHECK(SYS(rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, &info), -EAGAIN);
        CHECK(kill(getpid(), SIGUSR1), 0);
        CHECK_TRUE(is_pending(SIGUSR1));
    }
}

// What is queued for one user leaves others theirs.
CASE(queued_for_users)
{
    enum {
        ONE = 60001,
        OTHER = 60002,
        MOST = 10
    };
    const union sigval value = { .sival_int = 1 };
    const struct rlimit limit = { MOST, MOST };
    if (check_is_root()) {
        NEED(setrlimit(RLIMIT_SIGPENDING, &limit));
        block(SIGRTMIN, 0);
        pid_t child = check_fork();
        if (child == 0) {
            NEED(setresuid(ONE, ONE, ONE));
            for (unsigned i = 0; i < MOST; i++) {
                NEED(sigqueue(getpid(), SIGRTMIN, value));
            }
            (void)pause();
        }
        check_wait_asleep(child);
        IN_CHILD
        {
            NEED(setresuid(ONE, ONE, ONE));
            CHECK(sigqueue(getpid(), SIGRTMIN, value), -EAGAIN);
        }
        IN_CHILD
        {
            NEED(setresuid(OTHER, OTHER, OTHER));
            CHECK(sigqueue(getpid(), SIGRTMIN, value), 0);
        }
        NEED(kill(child, SIGKILL));
        NEED(waitpid(child, NULL, 0));
    }
}

CASE(suspend)
{
    sigset_t nothing;
    sigemptyset(&nothing);
    handle(SIGUSR1, 0);
    block(SIGUSR1, 0);
    NEED(raise(SIGUSR1));
    CHECK(sigsuspend(&nothing), -EINTR);
    CHECK(count, 1);
    CHECK_TRUE(is_blocked(SIGUSR1));
    CHECK(SYS(rt_sigsuspend, BAD, 8), -EFAULT);
    CHECK(SYS(rt_sigsuspend, &nothing, 4), -EINVAL);
}

CASE(pause)
{
    pid_t me = getpid();
    handle(SIGUSR1, SA_RESTART);
    pid_t child = NEED(fork());
    if (child == 0) {
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        _exit(0);
    }
    CHECK(pause(), -EINTR);
    CHECK_TRUE(got.si_pid == child);
    check_join(child);
}

static void write_after_signal(pid_t whom, int to)
{
    check_wait_asleep(whom);
    kill(whom, SIGUSR1);
    check_sleep(20);
    check_wait_asleep(whom);
    NEED(write(to, "x", 1));
}

// A call begins anew after a handler that allows it.
CASE(restarted)
{
    char byte;
    int ends[2], status;
    NEED(pipe(ends));
    handle(SIGUSR1, SA_RESTART);
    pid_t me = getpid(), child = NEED(fork());
    if (child == 0) {
        write_after_signal(me, ends[1]);
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        check_sleep(20);
        _exit(7);
    }
    CHECK(read(ends[0], &byte, 1), 1);
    CHECK(count, 1);
    CHECK_TRUE(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    CHECK(count, 2);
}

CASE(not_restarted)
{
    char byte;
    int ends[2];
    NEED(pipe(ends));
    handle(SIGUSR1, 0);
    pid_t me = getpid(), child = NEED(fork());
    if (child == 0) {
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        _exit(0);
    }
    CHECK(read(ends[0], &byte, 1), -EINTR);
    CHECK(count, 1);
    check_join(child);
}

CASE(wait_for)
{
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    struct timespec little = { 0, 20000000 };
    struct timespec wrong = { 0, 1000000000 };
    siginfo_t info;
    int number = 0;
    block(SIGUSR1, SIGUSR2);
    NEED(kill(getpid(), SIGUSR2));
    NEED(kill(getpid(), SIGUSR1));
    CHECK(sigwaitinfo(&set, &info), SIGUSR1);
    CHECK(info.si_code, SI_USER);
    CHECK(sigwait(&set, &number), 0);
    CHECK(number, SIGUSR2);
    long before = check_now();
    CHECK(sigtimedwait(&set, &info, &little), -EAGAIN);
    CHECK_TRUE(check_now() - before >= 19);
    CHECK(sigtimedwait(&set, &info, &wrong), -EINVAL);
    CHECK(SYS(rt_sigtimedwait, BAD, NULL, NULL, 8), -EFAULT);
    CHECK(SYS(rt_sigtimedwait, &set, NULL, NULL, 4), -EINVAL);
    handle(SIGHUP, 0);
    pid_t me = getpid();
    pid_t child = NEED(fork());
    if (child == 0) {
        check_wait_asleep(me);
        kill(me, SIGHUP);
        _exit(0);
    }
    CHECK(sigwaitinfo(&set, &info), -EINTR);
    check_join(child);
}

static sigjmp_buf back;

static void jump(int number)
{
    siglongjmp(back, number);
}

CASE(jump)
{
    signal(SIGUSR1, jump);
    for (int i = 0; i < 3; i++) {
        int number = sigsetjmp(back, 1);
        if (number == 0) {
            raise(SIGUSR1);
        }
        CHECK(number, SIGUSR1);
        CHECK_TRUE(!is_blocked(SIGUSR1));
    }
}

static void change_mask(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGHUP);
    count = sigismember(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

CASE(context_mask)
{
    struct sigaction action = { .sa_sigaction = change_mask, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, NULL);
    block(SIGUSR2, 0);
    raise(SIGUSR1);
    CHECK(count, 1);
    CHECK_TRUE(is_blocked(SIGHUP));
}

static void skip_fault(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    got = *info;
    count = number;
    order[0] = (int)registers[REG_TRAPNO];
    order[1] = (int)registers[REG_ERR];
    registers[REG_RIP] = registers[REG_RBX];
    registers[REG_EFL] &= ~0x100;
}

#define FAULT(INSTRUCTION)                                      \
 __asm__ volatile("lea 1f(%%rip), %%rbx\n\t" INSTRUCTION "\n1:" \
                  :                                             \
                  :                                             \
                  : "rbx", "rax", "rdx", "rcx", "memory")

CASE(faults)
{
    struct sigaction action = { .sa_sigaction = skip_fault, .sa_flags = SA_SIGINFO };
    static const int numbers[] = { SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS };
    for (int i = 0; i < 5; i++) {
        sigaction(numbers[i], &action, NULL);
    }
    FAULT("movl $0, 16");
    CHECK(count, SIGSEGV);
    CHECK(got.si_code, SEGV_MAPERR);
    CHECK((long)got.si_addr, 16);
    CHECK(order[0], 14);
    CHECK(order[1], 6);
    FAULT("ud2");
    CHECK(count, SIGILL);
    CHECK(got.si_code, ILL_ILLOPN);
    CHECK(order[0], 6);
    FAULT("xor %%eax, %%eax; cltd; div %%eax");
    CHECK(count, SIGFPE);
    CHECK(got.si_code, FPE_INTDIV);
    CHECK(order[0], 0);
    FAULT("int3");
    CHECK(count, SIGTRAP);
    CHECK(got.si_code, SI_KERNEL);
    CHECK(order[0], 3);
    FAULT("hlt");
    CHECK(count, SIGSEGV);
    CHECK(got.si_code, SI_KERNEL);
    CHECK(order[0], 13);
    FAULT("pushf; orq $0x100, (%%rsp); popf; nop");
    CHECK(count, SIGTRAP);
    CHECK(got.si_code, TRAP_TRACE);
}

static void fault_blocked(void)
{
    signal(SIGSEGV, note);
    block(SIGSEGV, 0);
    void *volatile nowhere = BAD;
    *(volatile char *)nowhere;
}

static void fault_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    void *volatile nowhere = BAD;
    *(volatile char *)nowhere;
}

CASE(faults_kill)
{
    CHECK(WTERMSIG(check_status(fault_blocked)), SIGSEGV);
    CHECK(WTERMSIG(check_status(fault_ignored)), SIGSEGV);
}

static void overwrite_vector(int number)
{
    double other = 7.25;
    count = number;
    __asm__ volatile("movsd %0, %%xmm7" : : "m"(other) : "xmm7");
}

// A handler that uses a vector register leaves the interrupted code's as it was; so do the flags.
CASE(registers)
{
    double before = 1.5;
    double after = 0;
    long result = SYS_tgkill;
    unsigned char carry = 0;
    signal(SIGUSR1, overwrite_vector);
    __asm__ volatile("movsd %[before], %%xmm7\n\t"
                     "stc\n\t"
                     "syscall\n\t"
                     "setc %[carry]\n\t"
                     "movsd %%xmm7, %[after]"
                     : "+a"(result), [after] "=m"(after), [carry] "=r"(carry)
                     : [before] "m"(before), "D"((long)getpid()), "S"((long)gettid()),
                       "d"((long)SIGUSR1)
                     : "xmm7", "rcx", "r11", "memory", "cc");
    CHECK(result, 0);
    CHECK(count, SIGUSR1);
    CHECK((long)(after * 100), 150);
    CHECK(carry, 1);
}

// What a handler finds of the vector registers: FXSAVE's area with XMM7 and what software says of
// the rest, the rest, and a mark behind it.
#define FRAME_XMM7     272
#define FRAME_MAGIC1   464
#define FRAME_BYTES    480
#define FRAME_FEATURES 512

static char *vector_of(void *context)
{
    return (char *)((ucontext_t *)context)->uc_mcontext.fpregs;
}

static uint32_t word_at(const char *frame, size_t at)
{
    uint32_t word;
    memcpy(&word, frame + at, sizeof(word));
    return word;
}

// What XMM7 is after a handler, from 1.5 before it, in hundredths.
static long through_handler(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    double before = 1.5;
    double after = 0;
    long result = SYS_tgkill;
    NEED(sigaction(SIGUSR1, &action, NULL));
    __asm__ volatile("movsd %[before], %%xmm7\n\t"
                     "syscall\n\t"
                     "movsd %%xmm7, %[after]"
                     : "+a"(result), [after] "=m"(after)
                     : [before] "m"(before), "D"((long)getpid()), "S"((long)gettid()),
                       "d"((long)SIGUSR1)
                     : "xmm7", "rcx", "r11", "memory", "cc");
    return result ? result : (long)(after * 100);
}

static void vector_look(int number, siginfo_t *info, void *context)
{
    double seen = 0;
    const char *frame = vector_of(context);
    overwrite_vector(number);
    memcpy(&seen, frame + FRAME_XMM7, sizeof(seen));
    bool good = info->si_signo == number && seen == 1.5 && (uintptr_t)frame % 64 == 0 &&
                word_at(frame, FRAME_MAGIC1) == 0x46505853 &&
                word_at(frame, word_at(frame, FRAME_BYTES)) == 0x46505845;
    count = good ? 1 : 2;
}

static void vector_change(int number, siginfo_t *info, void *context)
{
    double other = 2.25;
    (void)number;
    (void)info;
    memcpy(vector_of(context) + FRAME_XMM7, &other, sizeof(other));
}

// Without its marks only FXSAVE's part is taken, whatever stands behind it.
static void vector_without_mark(int number, siginfo_t *info, void *context)
{
    char *frame = vector_of(context);
    memset(frame + FRAME_FEATURES, 0xff, 16);
    memset(frame + FRAME_MAGIC1, 0, 4);
    vector_change(number, info, context);
}

static void vector_without_end(int number, siginfo_t *info, void *context)
{
    char *frame = vector_of(context);
    memset(frame + word_at(frame, FRAME_BYTES), 0, 4);
    memset(frame + FRAME_FEATURES, 0xff, 16);
    vector_change(number, info, context);
}

static void vector_without_sense(int number, siginfo_t *info, void *context)
{
    memset(vector_of(context) + FRAME_FEATURES, 0xff, 16);
    vector_change(number, info, context);
}

static void vector_without_any(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.fpregs = NULL;
}

static void return_without_sense(void)
{
    through_handler(vector_without_sense);
}

CASE(vector_registers)
{
    CHECK(through_handler(vector_look), 150);
    CHECK(count, 1);
    CHECK(through_handler(vector_change), 225);
    CHECK(through_handler(vector_without_mark), 225);
    CHECK(through_handler(vector_without_end), 225);
    CHECK(through_handler(vector_without_any), 0);
    CHECK(WTERMSIG(check_status(return_without_sense)), SIGSEGV);
}

// Wherever the frame comes to lie across pages.
static int deep(unsigned depth)
{
    volatile char room[80];
    room[0] = (char)depth;
    if (depth > 0) {
        return deep(depth - 1) + room[0] - (char)depth;
    }
    count = 0;
    return through_handler(vector_look) == 150 && count == 1 ? 1 : -1000000;
}

CASE(vector_registers_anywhere)
{
    int good = 0;
    for (unsigned depth = 0; depth < 100; depth++) {
        good += deep(depth);
    }
    CHECK(good, 100);
}

static void *send_to_main(void *argument)
{
    pid_t *main_thread = argument;
    check_wait_asleep(*main_thread);
    kill(getpid(), SIGUSR1);
    return NULL;
}

// A signal for the process goes to a thread that does not block it.
CASE(to_some_thread)
{
    pthread_t thread;
    pid_t me = getpid();
    sigset_t set = set_of(SIGUSR1, 0);
    handle(SIGUSR1, 0);
    block(SIGUSR1, 0);
    CHECK(pthread_create(&thread, NULL, send_to_main, &me), 0);
    int number = 0;
    CHECK(sigwait(&set, &number), 0);
    CHECK(number, SIGUSR1);
    pthread_join(thread, NULL);
    CHECK(count, 0);
}

CASE(pending_of_thread)
{
    block(SIGUSR1, SIGUSR2);
    NEED(SYS(tgkill, getpid(), getpid(), SIGUSR1));
    NEED(kill(getpid(), SIGUSR2));
    CHECK_TRUE(is_pending(SIGUSR1) && is_pending(SIGUSR2));
    sigset_t set = set_of(SIGUSR1, SIGUSR2);
    siginfo_t info;
    CHECK(SYS(rt_sigtimedwait, &set, &info, NULL, 8), SIGUSR1);
    CHECK(info.si_code, SI_TKILL);
    CHECK(SYS(rt_sigtimedwait, &set, &info, NULL, 8), SIGUSR2);
    CHECK(info.si_code, SI_USER);
}

CASE(stop_and_continue)
{
    int status = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        signal(SIGCONT, note);
        raise(SIGSTOP);
        _exit(count == 1 ? 5 : 6);
    }
    NEED(waitpid(child, &status, WUNTRACED));
    CHECK(status, SIGSTOP << 8 | 0x7f);
    NEED(kill(child, SIGCONT));
    NEED(waitpid(child, &status, 0));
    CHECK(WEXITSTATUS(status), 5);
}

// SIGCONT takes back stop signals that wait, and stop signals take back SIGCONT.
CASE(stop_against_continue)
{
    block(SIGTSTP, SIGCONT);
    NEED(raise(SIGTSTP));
    CHECK_TRUE(is_pending(SIGTSTP));
    NEED(raise(SIGCONT));
    CHECK_TRUE(!is_pending(SIGTSTP) && is_pending(SIGCONT));
    NEED(raise(SIGTSTP));
    CHECK_TRUE(is_pending(SIGTSTP) && !is_pending(SIGCONT));
}

// A process group that nobody could continue is not stopped from the terminal.
CASE(orphaned_group_is_not_stopped)
{
    IN_CHILD
    {
        NEED(setsid());
        CHECK(raise(SIGTSTP), 0);
        CHECK(raise(SIGTTIN), 0);
        CHECK(raise(SIGTTOU), 0);
    }
}

CASE(restarted_sleep)
{
    struct timespec little = { 0, 50000000 };
    struct timespec left = { 0, 0 };
    handle(SIGUSR1, SA_RESTART);
    pid_t me = getpid();
    pid_t child = NEED(fork());
    if (child == 0) {
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        _exit(0);
    }
    little.tv_sec = 5;
    CHECK(nanosleep(&little, &left), -EINTR);
    CHECK_TRUE(left.tv_sec >= 1 && left.tv_sec <= 5);
    check_join(child);
}

CASE(interrupted_by_ignored)
{
    struct timespec little = { 0, 100000000 };
    signal(SIGUSR1, SIG_IGN);
    pid_t me = getpid();
    pid_t child = NEED(fork());
    if (child == 0) {
        check_wait_asleep(me);
        kill(me, SIGUSR1);
        _exit(0);
    }
    CHECK(nanosleep(&little, NULL), 0);
    check_join(child);
}

// A value for one thread, with the rights of who sends it.
CASE(queued_for_thread)
{
    siginfo_t info = { .si_code = SI_QUEUE };
    sigset_t set;
    siginfo_t taken;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    NEED(sigprocmask(SIG_BLOCK, &set, NULL));
    info.si_value.sival_int = 42;
    CHECK(SYS(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info), 0);
    CHECK(sigwaitinfo(&set, &taken), SIGUSR1);
    CHECK(taken.si_code, SI_QUEUE);
    CHECK(taken.si_value.sival_int, 42);
    CHECK(SYS(rt_tgsigqueueinfo, getpid(), 1 << 22, SIGUSR1, &info), -ESRCH);
    CHECK(SYS(rt_tgsigqueueinfo, 0, gettid(), SIGUSR1, &info), -EINVAL);
    CHECK(SYS(rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info), -EINVAL);
    CHECK(SYS(rt_tgsigqueueinfo, getpid(), gettid(), 65, &info), -EINVAL);
    CHECK(SYS(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, BAD), -EFAULT);
    info.si_code = SI_USER;
    CHECK(SYS(rt_tgsigqueueinfo, getppid(), getppid(), SIGUSR1, &info), -EPERM);
}
