// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// rseq(2): sequences that are left when a signal comes or others run.  The C library has registered
// the area of each thread.
#include "check.h"

#include <sched.h>
#include <sys/rseq.h>
#include <sys/time.h>
#include <sys/wait.h>

static volatile unsigned handled;

static struct rseq *area(void)
{
    return (struct rseq *)(void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

// Counts in a sequence: whether it came to its end (else it was left).
// NOLINTNEXTLINE(readability-non-const-parameter): the assembly writes it
static int count_to(volatile unsigned long *counter, unsigned long end)
{
    int left = 0;
    struct rseq *mine = area();
    __asm__ volatile(".pushsection .data.sequence, \"aw\"\n"
                     ".balign 32\n"
                     "3: .long 0, 0\n"
                     ".quad 1f, 2f - 1f, 4f\n"
                     ".popsection\n"
                     "leaq 3b(%%rip), %%rax\n"
                     "movq %%rax, %[sequence]\n"
                     "1: incq %[counter]\n"
                     "cmpq %[end], %[counter]\n"
                     "jb 1b\n"
                     "2: jmp 5f\n"
                     ".byte 0x0f, 0xb9, 0x3d\n"
                     ".long 0x53053053\n"
                     "4: movl $1, %[left]\n"
                     "5:\n"
                     : [sequence] "=m"(mine->rseq_cs), [counter] "+m"(*counter), [left] "+r"(left)
                     : [end] "r"(end)
                     : "rax", "memory", "cc");
    return !left;
}

static void note(int number)
{
    (void)number;
    handled++;
}

static void alarm_in(long microseconds)
{
    const struct itimerval time = { .it_value.tv_usec = microseconds };
    signal(SIGALRM, note);
    NEED(setitimer(ITIMER_REAL, &time, NULL));
}

CASE(to_the_end)
{
    volatile unsigned long counter = 0;
    CHECK(count_to(&counter, 1000), 1);
    CHECK(counter, 1000);
}

CASE(left_for_a_signal)
{
    volatile unsigned long counter = 0;
    bool ended = false;
    handled = 0;
    alarm_in(20000);
    while (!handled) {  // the end of a turn has it left as well
        ended = count_to(&counter, ~0ul);
    }
    CHECK(ended, 0);
    CHECK_TRUE(counter > 0);
    CHECK(area()->rseq_cs, 0);
}

// Both on one CPU: each has turns, and whose turn ends leaves its sequence.
CASE(left_for_another)
{
    cpu_set_t first;
    volatile unsigned long counter = 0;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    NEED(sched_setaffinity(0, sizeof(first), &first));
    pid_t child = NEED(fork());
    if (child == 0) {
        for (;;) {
            __asm__ volatile("pause");
        }
    }
    CHECK(count_to(&counter, ~0ul), 0);
    NEED(kill(child, SIGKILL));
    NEED(waitpid(child, NULL, 0));
}

CASE(not_in_one)
{
    volatile unsigned long counter = 0;
    handled = 0;
    CHECK(count_to(&counter, 10), 1);
    alarm_in(10000);
    while (!handled) {}
    CHECK(handled, 1);
    CHECK(area()->rseq_cs, 0);
}

// What is no sequence of the program's ends it.
static int ends_by(uint64_t sequence)
{
    int status = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        area()->rseq_cs = sequence;
        signal(SIGUSR1, note);
        raise(SIGUSR1);
        _exit(0);
    }
    NEED(waitpid(child, &status, 0));
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

CASE(wrong_sequences)
{
    static char signed_wrong[64];
    struct rseq_cs good = { .start_ip = 0x1000,
                            .post_commit_offset = 16,
                            .abort_ip = (uintptr_t)signed_wrong + 32 };
    CHECK(ends_by(0), 0);
    CHECK(ends_by(8), SIGSEGV);
    CHECK(ends_by((uintptr_t)&good), SIGSEGV);
    const uint32_t signature = 0x53053053;
    memcpy(signed_wrong + 28, &signature, sizeof(signature));
    CHECK(ends_by((uintptr_t)&good), 0);
    good.version = 1;
    CHECK(ends_by((uintptr_t)&good), SIGSEGV);
    good.version = 0;
    good.abort_ip = good.start_ip + 8;
    CHECK(ends_by((uintptr_t)&good), SIGSEGV);
}

CASE(where_it_runs)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    NEED(sched_setaffinity(0, sizeof(first), &first));
    NEED(sched_yield());
    CHECK(area()->cpu_id, 0);
    CHECK(area()->cpu_id_start, 0);
    CHECK(sched_getcpu(), 0);
}

CASE(registering)
{
    static char other[32] __attribute__((aligned(32)));
    struct rseq *mine = area();
    CHECK(SYS(rseq, other, 32, 0, 0x53053053), -EINVAL);
    CHECK(SYS(rseq, other + 1, 32, 0, 0x53053053), -EINVAL);
    CHECK(SYS(rseq, other, 32, 8, 0x53053053), -EINVAL);
    CHECK(SYS(rseq, mine, 32, 0, 0x53053053), -EBUSY);
    CHECK(SYS(rseq, mine, 32, 0, 1), -EPERM);
    CHECK(SYS(rseq, mine, 31, 0, 0x53053053), -EINVAL);
    CHECK(SYS(rseq, mine, 32, 1, 1), -EPERM);
    CHECK(SYS(rseq, other, 32, 1, 0x53053053), -EINVAL);
    CHECK(SYS(rseq, mine, 32, 1, 0x53053053), 0);
    CHECK(SYS(rseq, mine, 32, 1, 0x53053053), -EINVAL);
    CHECK(SYS(rseq, other, 32, 0, 7), 0);
    CHECK(SYS(rseq, other, 32, 0, 7), -EBUSY);
}
