// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Clocks and sleeping: clock_gettime(2), clock_nanosleep(2), nanosleep(2), gettimeofday(2),
// times(2), adjtimex(2).
#include "check.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>

static long nanoseconds(clockid_t clock)
{
    struct timespec now = { 0, 0 };
    NEED(clock_gettime(clock, &now));
    return now.tv_sec * 1000000000l + now.tv_nsec;
}

CASE(clocks)
{
    static const clockid_t clocks[] = {
        CLOCK_REALTIME,      CLOCK_MONOTONIC,          CLOCK_BOOTTIME,
        CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE,   CLOCK_REALTIME_COARSE,
        CLOCK_TAI,           CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID
    };
    struct timespec now;
    for (int i = 0; i < 9; i++) {
        CHECK(clock_gettime(clocks[i], &now), 0);
        CHECK_TRUE(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
        CHECK(SYS(clock_gettime, clocks[i], &now), 0);
        CHECK(clock_getres(clocks[i], &now), 0);
        CHECK_TRUE(now.tv_sec == 0 && now.tv_nsec > 0 && now.tv_nsec <= 10000000);
    }
}

CASE(clocks_errors)
{
    struct timespec now;
    CHECK(SYS(clock_gettime, 77, &now), -EINVAL);
    CHECK(SYS(clock_gettime, -1, &now), -EINVAL);
    CHECK(SYS(clock_gettime, CLOCK_MONOTONIC, BAD), -EFAULT);
    CHECK(SYS(clock_getres, 77, &now), -EINVAL);
    CHECK(SYS(clock_getres, CLOCK_MONOTONIC, NULL), 0);
    CHECK(SYS(clock_getres, CLOCK_MONOTONIC, BAD), -EFAULT);
    now = (struct timespec){ 0, 0 };
    CHECK(SYS(clock_settime, CLOCK_MONOTONIC, &now), -EINVAL);
    CHECK(SYS(clock_settime, CLOCK_REALTIME, BAD), -EFAULT);
    AS_NOBODY
    {
        now.tv_sec = 1000000000;
        CHECK(clock_settime(CLOCK_REALTIME, &now), -EPERM);
        struct timeval time = { 1000000000, 0 };
        CHECK(settimeofday(&time, NULL), -EPERM);
    }
    struct timeval wrong = { 1000000000, 1000000 };
    CHECK(settimeofday(&wrong, NULL), -EINVAL);
    wrong.tv_usec = -1;
    CHECK(settimeofday(&wrong, NULL), -EINVAL);
    CHECK(SYS(settimeofday, BAD, NULL), -EFAULT);
    CHECK(SYS(settimeofday, NULL, BAD), -EFAULT);
}

// The page that the kernel maps and the system call tell the same time.
CASE(agree)
{
    struct timespec raw[3];
    NEED(SYS(clock_gettime, CLOCK_MONOTONIC, &raw[0]));
    long middle = nanoseconds(CLOCK_MONOTONIC);
    NEED(SYS(clock_gettime, CLOCK_MONOTONIC, &raw[1]));
    CHECK_TRUE(raw[0].tv_sec * 1000000000l + raw[0].tv_nsec <= middle);
    CHECK_TRUE(middle <= raw[1].tv_sec * 1000000000l + raw[1].tv_nsec);
    NEED(SYS(clock_gettime, CLOCK_REALTIME, &raw[0]));
    struct timeval time;
    CHECK(gettimeofday(&time, NULL), 0);
    time_t seconds = time.tv_sec;
    NEED(SYS(clock_gettime, CLOCK_REALTIME, &raw[1]));
    CHECK_TRUE(raw[0].tv_sec <= seconds && seconds <= raw[1].tv_sec);
    NEED(SYS(time, &seconds));
    CHECK_TRUE(raw[0].tv_sec <= seconds + 1 && seconds <= raw[1].tv_sec + 1);
    CHECK_TRUE(time.tv_usec >= 0 && time.tv_usec < 1000000);
    CHECK(SYS(gettimeofday, BAD, NULL), -EFAULT);
    CHECK(SYS(gettimeofday, NULL, NULL), 0);
    CHECK(SYS(time, BAD), -EFAULT);
    CHECK_TRUE(raw[0].tv_sec > 1600000000);
}

CASE(monotonic)
{
    long last = nanoseconds(CLOCK_MONOTONIC);
    bool good = true;
    for (int i = 0; i < 10000; i++) {
        long now = nanoseconds(CLOCK_MONOTONIC);
        good = good && now >= last;
        last = now;
    }
    CHECK_TRUE(good);
}

CASE(sleep)
{
    struct timespec little = { 0, 20000000 };
    struct timespec left = { 7, 7 };
    long before = nanoseconds(CLOCK_MONOTONIC);
    CHECK(nanosleep(&little, &left), 0);
    long slept = nanoseconds(CLOCK_MONOTONIC) - before;
    CHECK_TRUE(slept >= 20000000 && slept < 10000000000);
    CHECK(left.tv_sec, 7);
    before = nanoseconds(CLOCK_MONOTONIC);
    CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &little, NULL), 0);
    CHECK_TRUE(nanoseconds(CLOCK_MONOTONIC) - before >= 19000000);
    struct timespec then;
    NEED(clock_gettime(CLOCK_MONOTONIC, &then));
    then.tv_sec += then.tv_nsec > 970000000;
    then.tv_nsec = (then.tv_nsec + 20000000) % 1000000000;
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL), 0);
    CHECK_TRUE(nanoseconds(CLOCK_MONOTONIC) >= then.tv_sec * 1000000000l + then.tv_nsec);
    then = (struct timespec){ 1, 0 };
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL), 0);
    little.tv_nsec = 0;
    CHECK(nanosleep(&little, NULL), 0);
}

CASE(sleep_errors)
{
    struct timespec wrong = { 0, 1000000000 };
    CHECK(nanosleep(&wrong, NULL), -EINVAL);
    wrong.tv_nsec = -1;
    CHECK(nanosleep(&wrong, NULL), -EINVAL);
    wrong = (struct timespec){ -1, 0 };
    CHECK(nanosleep(&wrong, NULL), -EINVAL);
    CHECK(SYS(nanosleep, BAD, NULL), -EFAULT);
    wrong.tv_sec = 0;
    CHECK(clock_nanosleep(77, 0, &wrong, NULL), EINVAL);
    CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &wrong, NULL), EINVAL);
    CHECK(SYS(clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &wrong, NULL), -ENOTSUP);
    CHECK(SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL), -EFAULT);
}

static void do_nothing(int number)
{
    (void)number;
}

CASE(sleep_interrupted)
{
    struct sigaction action = { .sa_handler = do_nothing };
    struct timespec long_time = { 100, 0 };
    struct timespec left = { 0, 0 };
    sigaction(SIGUSR1, &action, NULL);
    pid_t me = getpid();
    for (int i = 0; i < 2; i++) {
        pid_t child = NEED(fork());
        if (child == 0) {
            check_wait_asleep(me);
            kill(me, SIGUSR1);
            _exit(0);
        }
        if (i == 0) {
            CHECK(nanosleep(&long_time, &left), -EINTR);
            CHECK_TRUE(left.tv_sec >= 50 && left.tv_sec <= 100);  // with the timer slack
        } else {
            left = (struct timespec){ 5, 5 };
            NEED(clock_gettime(CLOCK_MONOTONIC, &long_time));
            long_time.tv_sec += 100;
            CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &long_time, &left), EINTR);
            CHECK(left.tv_sec, 5);
        }
        check_join(child);
    }
}

// A sleep that is stopped and continued is as long as it was to be.
CASE(sleep_stopped)
{
    pid_t child = check_fork();
    if (child == 0) {
        struct timespec little = { 0, 200000000 };
        long before = nanoseconds(CLOCK_MONOTONIC);
        CHECK(nanosleep(&little, NULL), 0);
        CHECK_TRUE(nanoseconds(CLOCK_MONOTONIC) - before >= 200000000);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGSTOP));
    NEED(waitpid(child, NULL, WUNTRACED));
    NEED(kill(child, SIGCONT));
    check_join(child);
}

static void burn(long time)
{
    long start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    while (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start < time) {}
}

static void *burn_there(void *argument)
{
    burn(20000000);
    return argument;
}

CASE(processor_time)
{
    long process = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    long thread = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    burn(20000000);
    CHECK_TRUE(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - process >= 20000000);
    check_sleep(30);
    CHECK_TRUE(nanoseconds(CLOCK_THREAD_CPUTIME_ID) - thread < 10000000000);
    pthread_t other;
    NEED(-pthread_create(&other, NULL, burn_there, NULL));
    pthread_join(other, NULL);
    CHECK_TRUE(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - process >= 40000000);
    clockid_t clock = 0;
    CHECK(clock_getcpuclockid(getpid(), &clock), 0);
    CHECK_TRUE(nanoseconds(clock) - process >= 40000000);
    CHECK(clock_getcpuclockid(1 << 22, &clock), ESRCH);
}

CASE(processor_time_of_children)
{
    struct tms start;
    struct tms end;
    struct rusage usage;
    CHECK_TRUE(times(&start) > 0);
    pid_t child = NEED(fork());
    if (child == 0) {
        burn(50000000);
        _exit(0);
    }
    CHECK_TRUE(times(&end) > 0);
    CHECK(end.tms_cutime + end.tms_cstime, 0);
    check_join(child);
    CHECK_TRUE(times(&end) > 0);
    CHECK_TRUE(end.tms_cutime + end.tms_cstime >= 3);
    CHECK(getrusage(RUSAGE_CHILDREN, &usage), 0);
    CHECK_TRUE(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 30000 ||
               usage.ru_utime.tv_sec > 0);
    CHECK(SYS(times, BAD), -EFAULT);
    CHECK_TRUE(SYS(times, NULL) > 0);
    CHECK(sysconf(_SC_CLK_TCK), 100);
}

CASE(adjustments)
{
    struct timex state = { .modes = 0 };
    CHECK_TRUE(adjtimex(&state) >= 0);
    CHECK_TRUE(state.tick >= 9000 && state.tick <= 11000);
    CHECK(SYS(adjtimex, BAD), -EFAULT);
    AS_NOBODY
    {
        state.modes = ADJ_TICK;
        CHECK(adjtimex(&state), -EPERM);
    }
    if (check_is_root()) {
        state = (struct timex){ .modes = ADJ_TICK, .tick = 1 };
        CHECK(adjtimex(&state), -EINVAL);
    }
}

CASE(adjusted_clock)
{
    struct timex state = { .modes = 0 };
    CHECK_TRUE(SYS(clock_adjtime, CLOCK_REALTIME, &state) >= 0);
    CHECK_TRUE(state.tick > 0);
    CHECK(SYS(clock_adjtime, CLOCK_MONOTONIC, &state), -EOPNOTSUPP);
    CHECK(SYS(clock_adjtime, 77, &state), -EINVAL);
    CHECK(SYS(clock_adjtime, CLOCK_REALTIME, BAD), -EFAULT);
    AS_NOBODY
    {
        state.modes = ADJ_FREQUENCY;
        CHECK(SYS(clock_adjtime, CLOCK_REALTIME, &state), -EPERM);
    }
}
