// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// One hostile process: its calls are those of servers/linux/calls.def, and some that there are not.
#include "hostile.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NUMBERS      512  // beyond all there are
#define THREADS      2
#define TICK         3000  // microseconds
#define REPAIRS      40

struct call {
    uint32_t number;
    uint32_t count;
    enum type types[6];
};

#define T(type)                                           TYPE_##type
#define CALL0(number, name, restart)                      { number, 0, { TYPE_COUNT } },
#define CALL1(number, name, restart, a, an)               { number, 1, { T(a) } },
#define CALL2(number, name, restart, a, an, b, bn)        { number, 2, { T(a), T(b) } },
#define CALL3(number, name, restart, a, an, b, bn, c, cn) { number, 3, { T(a), T(b), T(c) } },
#define CALL4(number, name, restart, a, an, b, bn, c, cn, d, dn) \
 { number, 4, { T(a), T(b), T(c), T(d) } },
#define CALL5(number, name, restart, a, an, b, bn, c, cn, d, dn, e, en) \
 { number, 5, { T(a), T(b), T(c), T(d), T(e) } },
#define CALL6(number, name, restart, a, an, b, bn, c, cn, d, dn, e, en, f, fn) \
 { number, 6, { T(a), T(b), T(c), T(d), T(e), T(f) } },
static const struct call calls[] = {
#include CALLS_DEF
};

// What ends the process, or stops it until somebody else comes: rarely, so that it does more.
static bool is_last(uint32_t number)
{
    static const uint16_t last[] = { SYS_exit,     SYS_exit_group,    SYS_rt_sigreturn,
                                     SYS_pause,    SYS_rt_sigsuspend, SYS_execve,
                                     SYS_execveat, SYS_munmap,        SYS_vfork,
                                     SYS_clone };
    for (size_t i = 0; i < COUNT(last); i++) {
        if (number == last[i]) {
            return true;
        }
    }
    return false;
}

static struct call call_choose(struct chooser *chooser)
{
    if (random_below(&chooser->random, 40) == 0) {
        struct call odd = { (uint32_t)random_below(&chooser->random, NUMBERS), 6, { TYPE_INT } };
        for (unsigned i = 0; i < 6; i++) {
            odd.types[i] = (enum type)random_below(&chooser->random, TYPE_COUNT);
        }
        return odd;
    }
    struct call call = calls[random_below(&chooser->random, COUNT(calls))];
    return call;
}

static void call_random(struct chooser *chooser)
{
    struct call call = call_choose(chooser);
    uint64_t arguments[6] = { 0 };
    if (is_last(call.number) && random_below(&chooser->random, 20)) {
        return;
    }
    for (unsigned i = 0; i < 6; i++) {
        arguments[i] = i < call.count ? argument_choose(chooser, call.types[i])
                                      : random_next(&chooser->random);
    }
    chooser->result = (uint64_t)syscall((long)call.number, arguments[0], arguments[1], arguments[2],
                                        arguments[3], arguments[4], arguments[5]);
}

// ---- threads -----------------------------------------------------------------------------------
static struct {
    uint64_t seed;
    unsigned calls;
    uint32_t fds;
    pid_t parent;
    volatile uint64_t *progress;
} work;

static void *thread(void *number)
{
    struct chooser chooser = { .random = random_of(work.seed + (uint64_t)number),
                               .parent = work.parent,
                               .fds = work.fds };
    for (unsigned i = 0; i < work.calls; i++) {
        call_random(&chooser);
        (*work.progress)++;
    }
    return NULL;
}

static void handle(int number)
{
    (void)number;
}

// Once too often, and it is not the arguments' memory that is gone.
static void repair(int number)
{
    static volatile int repairs;
    if (++repairs > REPAIRS) {
        _exit(number);
    }
    arguments_repair();
}

// Signals all the time, the most of which are handled.
static void storm_begin(struct random *random)
{
    static const struct itimerval tick = { { 0, TICK }, { 0, TICK } };
    for (int i = 1; i < 65; i++) {
        bool fault = i == SIGSEGV || i == SIGBUS;
        struct sigaction action = { .sa_handler = fault                     ? repair
                                                  : random_below(random, 8) ? handle
                                                                            : SIG_IGN,
                                    .sa_flags = random_below(random, 2) ? SA_RESTART : 0 };
        if (i != SIGCHLD) {
            (void)sigaction(i, &action, NULL);
        }
    }
    (void)setitimer(ITIMER_REAL, &tick, NULL);
}

void attack(uint64_t seed, unsigned count, volatile uint64_t *progress)
{
    pthread_t threads[THREADS];
    struct random random = random_of(seed);
    work.seed = seed * 16;
    work.calls = count;
    work.parent = getppid();
    work.progress = progress;
    work.fds = arguments_prepare();
    storm_begin(&random);
    uint64_t more = random_below(&random, THREADS + 1);
    if (random_below(&random, 3) == 0) {
        work.seed += fork() ? 0 : 8;
    }
    for (uint64_t i = 0; i < more; i++) {
        // NOLINTNEXTLINE(performance-no-int-to-ptr): a number is what it gets
        (void)pthread_create(&threads[i], NULL, thread, (void *)(i + 1));
    }
    (void)thread(NULL);
    _exit(0);
}
