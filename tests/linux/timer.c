// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers that signal: alarm(2), setitimer(2), timer_create(2).
#include "check.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t count;
static siginfo_t got;

static void see(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    got = *info;
    count++;
}

static void handle(int number)
{
    struct sigaction action = { .sa_sigaction = see, .sa_flags = SA_SIGINFO };
    NEED(sigaction(number, &action, NULL));
}

static struct itimerspec spec(long first, long interval)
{
    return (struct itimerspec){ .it_value = { first / 1000, first % 1000 * 1000000 },
                                .it_interval = { interval / 1000, interval % 1000 * 1000000 } };
}

CASE(alarm)
{
    CHECK_TRUE(alarm(0) > 0);
    CHECK(alarm(100), 0);
    CHECK(alarm(50), 100);
    CHECK(alarm(0), 50);
    CHECK(alarm(0), 0);
    handle(SIGALRM);
    long before = check_now();
    CHECK(alarm(1), 0);
    CHECK(pause(), -EINTR);
    CHECK(count, 1);
    CHECK(got.si_code, SI_KERNEL);
    CHECK_TRUE(check_now() - before >= 990);
}

CASE(interval_real)
{
    struct itimerval old;
    struct itimerval new = { { 0, 10000 }, { 0, 10000 } };
    handle(SIGALRM);
    alarm(0);
    CHECK(setitimer(ITIMER_REAL, &new, &old), 0);
    while (count < 5) {
        pause();
    }
    CHECK(getitimer(ITIMER_REAL, &old), 0);
    CHECK(old.it_interval.tv_usec, 10000);
    CHECK_TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 10000);
    new = (struct itimerval){ { 0, 0 }, { 0, 0 } };
    CHECK(setitimer(ITIMER_REAL, &new, &old), 0);
    CHECK(old.it_interval.tv_usec, 10000);
    int before = count;
    check_sleep(30);
    CHECK_TRUE(count == before);
    CHECK(alarm(77), 0);
    CHECK(getitimer(ITIMER_REAL, &old), 0);
    CHECK_TRUE(old.it_value.tv_sec >= 76 && old.it_value.tv_sec <= 77);
}

CASE(interval_processor)
{
    static const enum __itimer_which timers[] = { ITIMER_VIRTUAL, ITIMER_PROF };
    static const int numbers[] = { SIGVTALRM, SIGPROF };
    for (int i = 0; i < 2; i++) {
        struct itimerval new = { { 0, 0 }, { 0, 20000 } };
        handle(numbers[i]);
        count = 0;
        CHECK(setitimer(timers[i], &new, NULL), 0);
        while (count == 0) {}
        CHECK(got.si_signo, numbers[i]);
        CHECK(getitimer(timers[i], &new), 0);
        CHECK(new.it_value.tv_usec, 0);
    }
}

CASE(interval_errors)
{
    struct itimerval new = { { 0, 0 }, { 0, 1000000 } };
    CHECK(setitimer(ITIMER_REAL, &new, NULL), -EINVAL);
    new.it_value.tv_usec = -1;
    CHECK(setitimer(ITIMER_REAL, &new, NULL), -EINVAL);
    new = (struct itimerval){ { 0, 0 }, { -1, 0 } };
    CHECK(setitimer(ITIMER_REAL, &new, NULL), -EINVAL);
    CHECK(SYS(setitimer, 77, &new, NULL), -EINVAL);
    CHECK(SYS(setitimer, ITIMER_REAL, BAD, NULL), -EFAULT);
    CHECK(SYS(getitimer, 77, &new), -EINVAL);
    CHECK(SYS(getitimer, ITIMER_REAL, BAD), -EFAULT);
}

CASE(create)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec new = spec(20, 0);
    struct itimerspec old;
    event.sigev_value.sival_int = 77;
    handle(SIGUSR1);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK(timer_gettime(timer, &old), 0);
    CHECK_TRUE(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    CHECK(timer_settime(timer, 0, &new, &old), 0);
    while (count == 0) {
        pause();
    }
    CHECK(got.si_code, SI_TIMER);
    CHECK(got.si_value.sival_int, 77);
    CHECK(got.si_overrun, 0);
    CHECK(timer_getoverrun(timer), 0);
    CHECK(timer_delete(timer), 0);
    CHECK(timer_delete(timer), -EINVAL);
    CHECK(timer_gettime(timer, &old), -EINVAL);
    CHECK(timer_settime(timer, 0, &new, NULL), -EINVAL);
    CHECK(timer_getoverrun(timer), -EINVAL);
}

CASE(default_event)
{
    timer_t timer;
    struct itimerspec new = spec(10, 0);
    handle(SIGALRM);
    alarm(0);
    CHECK(timer_create(CLOCK_REALTIME, NULL, &timer), 0);
    CHECK(timer_settime(timer, 0, &new, NULL), 0);
    while (count == 0) {
        pause();
    }
    CHECK(got.si_signo, SIGALRM);
    CHECK(got.si_code, SI_TIMER);
}

CASE(overrun)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec new = spec(5, 5);
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer));
    NEED(timer_settime(timer, 0, &new, NULL));
    check_sleep(60);
    CHECK(sigwaitinfo(&set, &info), SIGUSR1);
    CHECK_TRUE(info.si_overrun >= 8);
    CHECK_TRUE(timer_getoverrun(timer) == info.si_overrun);
}

CASE(absolute)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec new = spec(1, 0);
    handle(SIGUSR1);
    NEED(timer_create(CLOCK_MONOTONIC, &event, &timer));
    CHECK(timer_settime(timer, TIMER_ABSTIME, &new, NULL), 0);
    while (count == 0) {
        check_sleep(1);
    }
    CHECK(count, 1);
}

CASE(no_event)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_NONE };
    struct itimerspec new = spec(100000, 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK(timer_settime(timer, 0, &new, NULL), 0);
    CHECK(timer_gettime(timer, &new), 0);
    CHECK_TRUE(new.it_value.tv_sec >= 90 && new.it_value.tv_sec <= 100);
}

// To one thread, which is the one that asks.
CASE(to_thread)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
    struct itimerspec new = spec(5, 0);
    event._sigev_un._tid = gettid();
    handle(SIGUSR1);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK(timer_settime(timer, 0, &new, NULL), 0);
    while (count == 0) {
        check_sleep(1);
    }
    CHECK(count, 1);
    event._sigev_un._tid = 1;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer), -EINVAL);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int notified;

static void be_notified(union sigval value)
{
    pthread_mutex_lock(&mutex);
    notified = value.sival_int;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

CASE(in_new_thread)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = be_notified };
    struct itimerspec new = spec(5, 0);
    event.sigev_value.sival_int = 9;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    CHECK(timer_settime(timer, 0, &new, NULL), 0);
    pthread_mutex_lock(&mutex);
    while (notified == 0) {
        pthread_cond_wait(&condition, &mutex);
    }
    CHECK(notified, 9);
}

CASE(processor_time)
{
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec new = spec(20, 0);
    handle(SIGUSR1);
    CHECK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer), 0);
    CHECK(timer_settime(timer, 0, &new, NULL), 0);
    while (count == 0) {}
    CHECK(count, 1);
}

CASE(errors)
{
    int timer = 0;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 1000 };
    struct itimerspec new = { .it_value = { 0, 1000000000 } };
    CHECK(SYS(timer_create, 77, NULL, &timer), -EINVAL);
    CHECK(SYS(timer_create, CLOCK_MONOTONIC, &event, &timer), -EINVAL);
    event.sigev_notify = 77;
    CHECK(SYS(timer_create, CLOCK_MONOTONIC, &event, &timer), -EINVAL);
    CHECK(SYS(timer_create, CLOCK_MONOTONIC, NULL, BAD), -EFAULT);
    CHECK(SYS(timer_create, CLOCK_MONOTONIC, BAD, &timer), -EFAULT);
    CHECK(SYS(timer_create, CLOCK_MONOTONIC, NULL, &timer), 0);
    CHECK(SYS(timer_settime, timer, 0, &new, NULL), -EINVAL);
    CHECK(SYS(timer_settime, timer, 0, BAD, NULL), -EFAULT);
    CHECK(SYS(timer_settime, timer, 0, NULL, NULL), -EINVAL);
    CHECK(SYS(timer_gettime, timer, BAD), -EFAULT);
    CHECK(SYS(timer_settime, 7777, 0, &new, NULL), -EINVAL);
    CHECK(SYS(timer_create, CLOCK_MONOTONIC_COARSE, NULL, &timer), -ENOTSUP);
    CHECK(SYS(timer_create, CLOCK_MONOTONIC_RAW, NULL, &timer), -ENOTSUP);
}

// A timer has its signal from the beginning, so that it is among those that may wait.
CASE(too_many)
{
    const struct rlimit two = { 2, 2 };
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            timer_t timers[2];
            NEED(setrlimit(RLIMIT_SIGPENDING, &two));
            CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timers[0]), 0);
            CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timers[1]), 0);
            CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timers[0]), -EAGAIN);
            CHECK(timer_delete(timers[1]), 0);
            CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timers[1]), 0);
        }
    }
}

CASE(not_inherited)
{
    timer_t timer;
    struct itimerspec old;
    NEED(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    IN_CHILD
    {
        CHECK(timer_gettime(timer, &old), -EINVAL);
    }
}
