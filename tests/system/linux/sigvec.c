// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A Linux program (static, glibc): signal handlers that use vector registers themselves, change
// those saved for the interrupted code, or come at any instruction.  Prints the same under Linux
// and under the handler here; its exit status is the number of checks that failed.
#include <immintrin.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <stdint.h>
#include <stdio.h>

#define AVX          __attribute__((target("avx")))
#define XSAVE_HEADER 512  // offset of XSTATE_BV
#define XSAVE_YMM    576  // offset of the upper halves in the standard format

#define EACH(X) \
 X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(n)    "vmovdqu " #n "*32(%[in]), %%ymm" #n "\n\t"
#define STORE(n)   "vmovdqu %%ymm" #n ", " #n "*32(%[out])\n\t"
#define CLOBBER(n) "ymm" #n,

struct registers {
    uint8_t bytes[16][32];
};

static struct registers known, found, other;
static volatile sig_atomic_t seen;
static int failures;

static void check(const char *what, int good)
{
    printf("%s: %s\n", what, good ? "ok" : "WRONG");
    failures += !good;
}

// Load every vector register, raise the signal in ourselves, store every vector register.
AVX static void raise_with(int signal)
{
    long result = SYS_tgkill, pid = getpid(), tid = (long)syscall(SYS_gettid);
    __asm__ volatile(EACH(LOAD) "syscall\n\t" EACH(STORE)
                     : "+a"(result)
                     : [in] "r"(&known), [out] "r"(&found), "D"(pid), "S"(tid), "d"((long)signal)
                     : EACH(CLOBBER) "rcx", "r11", "memory");
}

AVX static void overwrite_all(void)
{
    __asm__ volatile(EACH(LOAD) : : [in] "r"(&other) : EACH(CLOBBER) "memory");
}

static void handler_uses(int signal, siginfo_t *info, void *context)
{
    (void)context;
    overwrite_all();
    seen = info->si_signo == signal;
}

// XMM5 and the upper half of YMM6 of the interrupted code.
static void handler_changes(int signal, siginfo_t *info, void *context)
{
    const uint64_t sse_avx = 6;
    uint8_t *state = (void *)((ucontext_t *)context)->uc_mcontext.fpregs;
    uint64_t components;
    overwrite_all();
    memset(((struct _libc_fpstate *)(void *)state)->_xmm[5].element, 0x55, 16);
    memset(state + XSAVE_YMM + 6l * 16, 0x66, 16);
    memcpy(&components, state + XSAVE_HEADER, sizeof(components));
    components |= sse_avx;
    memcpy(state + XSAVE_HEADER, &components, sizeof(components));
    seen = info->si_signo == signal;
}

// Skips the instruction at fault, which has three bytes.
static void handler_skips(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    seen = info->si_addr == (void *)0x10;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 3;
}

static void handle(int signal, void (*handler)(int signal, siginfo_t *info, void *context))
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(signal, &action, NULL);
    seen = 0;
}

static void test_kept(void)
{
    handle(SIGUSR1, handler_uses);
    raise_with(SIGUSR1);
    check("handler ran", seen);
    check("vector registers survive a handler that uses them",
          memcmp(&found, &known, sizeof(known)) == 0);
}

static void test_changed(void)
{
    struct registers wanted = known;
    memset(wanted.bytes[5], 0x55, 16);
    memset(wanted.bytes[6] + 16, 0x66, 16);
    handle(SIGUSR1, handler_changes);
    raise_with(SIGUSR1);
    check("handler ran", seen);
    check("vector registers that the handler changed are changed",
          memcmp(&found, &wanted, sizeof(wanted)) == 0);
}

static void test_fault(void)
{
    uint64_t value = 7;
    handle(SIGSEGV, handler_skips);
    __asm__ volatile("mov (%1), %0" : "+&r"(value) : "r"(0x10ul));
    check("the fault's address", seen);
    check("registers that the handler changed are changed", value == 7);
}

// The child spins with known vector registers until the handler has run.
AVX static int spin(void)
{
    __asm__ volatile(EACH(LOAD) "1: cmpl $0, %[seen]\n\t"
                                "je 1b\n\t" EACH(STORE)
                     :
                     : [in] "r"(&known), [out] "r"(&found), [seen] "m"(seen)
                     : EACH(CLOBBER) "memory", "cc");
    return memcmp(&found, &known, sizeof(known)) == 0 ? 7 : 8;
}

static void test_asynchronous(void)
{
    int ready[2], status = 0;
    char byte = 0;
    handle(SIGUSR2, handler_uses);
    pid_t child = pipe2(ready, 0) == 0 ? fork() : -1;
    if (child == 0) {
        _exit(write(ready[1], "r", 1) == 1 ? spin() : 9);
    }
    check("the child says that it runs", read(ready[0], &byte, 1) == 1 && byte == 'r');
    overwrite_all();
    kill(child, SIGUSR2);
    check("the child is waited for", waitpid(child, &status, 0) == child);
    check("vector registers survive a signal at any instruction",
          WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void test_killed(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            __asm__ volatile("pause");
        }
    };
    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    check("a signal without handler ends a process that runs",
          WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void)
{
    for (int i = 0; i < 16; i++) {
        memset(known.bytes[i], 0x10 + i, sizeof(known.bytes[i]));
        memset(other.bytes[i], 0xa0 + i, sizeof(other.bytes[i]));
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!__builtin_cpu_supports("avx")) {
        printf("this CPU has no AVX\n");
        return 100;
    }
    test_kept();
    test_changed();
    test_fault();
    test_asynchronous();
    test_killed();
    return failures;
}
