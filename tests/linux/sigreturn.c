// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// sigreturn(2): who was interrupted by a handler goes on as if nothing had been.
#include "check.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#define PAGE 4096ul

// Registers, flags, vector registers and the red zone below RSP have a value each while a system
// call is made `calls` times; 0: they have it still.
long held_over(long number, long one, long two, unsigned long calls);
__asm__(
    ".text\n"
    ".globl held_over\n"
    "held_over:\n"
    "    push %rbx\n    push %rbp\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
    "    mov %rcx, %rbp\n"
    "    mov %rdi, %r15\n"
    "    mov %rsi, %rdi\n"
    "    mov %rdx, %rsi\n"
    "    mov $0x1111111111111111, %rbx\n"
    "    movq %rbx, %xmm0\n    movq %rbx, %xmm8\n    movq %rbx, %xmm15\n"
    "    mov %rbx, %r8\n    mov %rbx, %r9\n    mov %rbx, %r10\n    mov %rbx, %r12\n"
    "    mov %rbx, %r13\n    mov %rbx, %r14\n    mov %rbx, %rdx\n"
    "    mov %rbx, -8(%rsp)\n    mov %rbx, -64(%rsp)\n    mov %rbx, -128(%rsp)\n"
    "1:  mov %r15, %rax\n"
    "    stc\n"
    "    syscall\n"
    "    mov $2, %ecx\n"
    "    jnc 2f\n"
    "    mov $3, %ecx\n"
    "    test %rax, %rax\n    jnz 2f\n"
    "    dec %rbp\n"
    "    jnz 1b\n"
    "    mov $4, %ecx\n"
    "    cmp %rbx, %r8\n    jne 2f\n    cmp %rbx, %r9\n    jne 2f\n    cmp %rbx, %r10\n    jne 2f\n"
    "    cmp %rbx, %r12\n    jne 2f\n    cmp %rbx, %r13\n    jne 2f\n    cmp %rbx, %r14\n    jne 2f\n"
    "    cmp %rbx, %rdx\n    jne 2f\n"
    "    mov $5, %ecx\n"
    "    cmp %rbx, -8(%rsp)\n    jne 2f\n    cmp %rbx, -64(%rsp)\n    jne 2f\n"
    "    cmp %rbx, -128(%rsp)\n    jne 2f\n"
    "    mov $6, %ecx\n"
    "    movq %xmm0, %rdx\n    cmp %rbx, %rdx\n    jne 2f\n"
    "    movq %xmm8, %rdx\n    cmp %rbx, %rdx\n    jne 2f\n"
    "    movq %xmm15, %rdx\n    cmp %rbx, %rdx\n    jne 2f\n"
    "    xor %ecx, %ecx\n"
    "2:  mov %rcx, %rax\n"
    "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbp\n    pop %rbx\n"
    "    ret\n");

static volatile unsigned long times, alarms;
static volatile greg_t places[2];

// Every register that it may change it does.
static void spoil(int number)
{
    (void)number;
    __atomic_fetch_add(&times, 1, __ATOMIC_RELAXED);
    __asm__ volatile(
        "pcmpeqd %%xmm0, %%xmm0\n\t"
        "pcmpeqd %%xmm8, %%xmm8\n\t"
        "pcmpeqd %%xmm15, %%xmm15\n\t"
        "mov $-1, %%rax\n\tmov %%rax, %%rcx\n\tmov %%rax, %%rdx\n\tmov %%rax, %%rsi\n\t"
        "mov %%rax, %%rdi\n\tmov %%rax, %%r8\n\tmov %%rax, %%r9\n\tmov %%rax, %%r10\n\t"
        "mov %%rax, %%r11\n\tclc"
        :
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm8", "xmm15",
          "cc");
}

static void count_alarm(int number)
{
    spoil(number);
    __atomic_fetch_add(&alarms, 1, __ATOMIC_RELAXED);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    NEED(sigaction(number, &action, NULL));
}

static long held_over_signals(unsigned long calls)
{
    return held_over(SYS_kill, getpid(), SIGUSR1, calls);
}

CASE(all_is_held)
{
    handle(SIGUSR1, spoil, 0);
    CHECK(held_over_signals(100), 0);
    CHECK(times, 100);
}

// Others come in at any instruction, also of what is done before a handler and after it.
CASE(interrupted_anywhere)
{
    struct itimerval often = { { 0, 200 }, { 0, 200 } };
    struct itimerval never = { 0 };
    handle(SIGUSR1, spoil, SA_NODEFER);
    handle(SIGALRM, count_alarm, SA_NODEFER | SA_RESTART);
    NEED(setitimer(ITIMER_REAL, &often, NULL));
    long wrong = 0;
    unsigned long rounds = 0;
    while (!wrong && alarms < 1000) {
        wrong = held_over_signals(200);
        rounds++;
    }
    NEED(setitimer(ITIMER_REAL, &never, NULL));
    CHECK(wrong, 0);
    CHECK_TRUE(times == alarms + 200 * rounds);
}

// ---- the object that the kernel puts into each process is not needed for it
static size_t bytes;  // of the object: Linux does not have it split

static void *vdso(void)
{
    const char *at = (const char *)getauxval(AT_SYSINFO_EHDR);  // NOLINT(performance-no-int-to-ptr)
    const Elf64_Ehdr *header = (const void *)at;
    const Elf64_Phdr *programs = (const void *)(at + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        if (programs[i].p_type == PT_LOAD) {
            bytes = (programs[i].p_memsz + PAGE - 1) & ~(PAGE - 1);
        }
    }
    return (void *)(uintptr_t)at;  // NOLINT(performance-no-int-to-ptr)
}

CASE(without_vdso)
{
    handle(SIGUSR1, spoil, 0);
    void *at = vdso();
    CHECK(munmap(at, bytes), 0);
    CHECK(held_over_signals(2), 0);
    CHECK(times, 2);
}

CASE(vdso_not_executable)
{
    handle(SIGUSR1, spoil, 0);
    void *at = vdso();
    CHECK(mprotect(at, bytes, PROT_READ), 0);
    CHECK(held_over_signals(2), 0);
}

CASE(vdso_replaced)
{
    handle(SIGUSR1, spoil, 0);
    void *at = vdso();
    CHECK_TRUE(mmap(at, bytes, PROT_READ | PROT_EXEC, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0) == at);
    CHECK(held_over_signals(2), 0);
}

// It goes between the handler's two ends.
static void unmap(int number)
{
    spoil(number);
    if (times == 1) {
        void *at = vdso();
        munmap(at, bytes);
    }
}

CASE(vdso_unmapped_by_handler)
{
    handle(SIGUSR1, unmap, 0);
    CHECK(held_over_signals(2), 0);
    CHECK(times, 2);
}

// ---- what one handler leaves pending is found by the next as by the first
static void note_place(int number, siginfo_t *info, void *context)
{
    (void)info;
    places[number == SIGUSR2] = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (number == SIGUSR1) {
        kill(getpid(), SIGUSR2);
    }
}

CASE(next_one_at_once)
{
    struct sigaction action = { .sa_sigaction = note_place, .sa_flags = SA_SIGINFO };
    NEED(sigaction(SIGUSR2, &action, NULL));
    sigaddset(&action.sa_mask, SIGUSR2);
    NEED(sigaction(SIGUSR1, &action, NULL));
    CHECK(held_over_signals(1), 0);
    CHECK_TRUE(places[0] != 0);
    CHECK_TRUE(places[0] == places[1]);
}

// ---- nothing is written below the red zone of who was interrupted but on its own stack
// Call held_over(SYS_kill, one, two, 1) with RSP at `stack`.
static long held_on(const char *stack, long one, long two)
{
    long result = 0;
    __asm__ volatile("mov %%rsp, %%rbx\n\t"
                     "mov %[stack], %%rsp\n\t"
                     "call held_over\n\t"
                     "mov %%rbx, %%rsp"
                     : "=a"(result)
                     : [stack] "r"(stack), "D"((long)SYS_kill), "S"(one), "d"(two), "c"(1L)
                     : "rbx", "r8", "r9", "r10", "r11", "xmm0", "xmm8", "xmm15", "memory", "cc");
    return result;
}

CASE(at_the_end_of_a_stack)
{
    static char space[65536];
    const size_t pushed = 7 * sizeof(long);
    const size_t red_zone = 128;
    stack_t stack = { .ss_sp = space, .ss_size = sizeof(space) };
    NEED(sigaltstack(&stack, NULL));
    handle(SIGUSR1, spoil, SA_ONSTACK);
    char *pages = NEED_MEMORY(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    NEED(mprotect(pages, PAGE, PROT_NONE));
    CHECK(held_on(pages + PAGE + red_zone + pushed, getpid(), SIGUSR1), 0);
    CHECK(times, 1);
}
