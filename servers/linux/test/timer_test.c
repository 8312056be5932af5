// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Timers, clocks, and what counts by them.
#include "../timer.h"

#include "../clock.h"
#include "../interval.h"
#include "ipc_fake.h"

#define MS 1000000ull

static struct task *const one = &tasks[0];

// ---- the heap ----------------------------------------------------------------------------------
#define TIMERS 300u
static struct timer timers[TIMERS];
static uint64_t ran_at, wanted[TIMERS];
static unsigned runs;

static void note(struct timer *timer)
{
    unsigned i = (unsigned)(timer - timers);
    assert_true(wanted[i] != 0);
    assert_true(wanted[i] >= ran_at && wanted[i] <= fake_now);
    assert_false(timer_is_set(timer));
    ran_at = wanted[i];
    wanted[i] = 0;
    runs++;
}

static void heap_keeps_order(void **state)
{
    uint64_t random = 99;
    (void)state;
    ran_at = 0;
    for (unsigned round = 0; round < 20000; round++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        unsigned i = (unsigned)(random >> 40) % TIMERS;
        switch (random >> 62) {
        case 0:
            timer_clear(&timers[i]);
            wanted[i] = 0;
            break;
        case 1:
            fake_now += (random >> 20) % 100;
            ran_at = 0;
            timers_run(fake_now);
            break;
        default:
            wanted[i] = fake_now + (random >> 8) % 1000;
            timer_set(&timers[i], wanted[i], note);
        }
        uint64_t first = TIMER_NEVER;
        for (unsigned j = 0; j < TIMERS; j++) {
            if (wanted[j] && wanted[j] < first) {
                first = wanted[j];
            }
        }
        assert_int_equal(timers_next(), first);
    }
    assert_true(runs > 1000);
    ran_at = 0;
    fake_now += 2000;
    timers_run(fake_now);
    assert_int_equal(timers_next(), TIMER_NEVER);
}

static void set_once_more(struct timer *timer)
{
    runs++;
    timer_set(timer, 0, set_once_more);
}

static void round_ends(void **state)
{
    (void)state;
    runs = 0;
    timer_set(&timers[0], 5, set_once_more);
    timers_run(100);
    assert_int_equal(runs, 1);
    assert_int_equal(timers_next(), 101);
    timer_clear(&timers[0]);
    timer_set(&timers[0], TIMER_NEVER, set_once_more);
    assert_false(timer_is_set(&timers[0]));
}

// ---- clocks ------------------------------------------------------------------------------------
static void clocks_tell_time(void **state)
{
    struct timespec time;
    int64_t pair[2];
    (void)state;
    fake_now = 5000000007;
    clock_set_real(1700000000, 500);
    assert_int_equal(CALL(one, call_clock_gettime(one, 1, at(&time))), 0);
    assert_int_equal(time.seconds, 5);
    assert_int_equal(time.nanoseconds, 7);
    fake_now += 2000000000;
    assert_int_equal(CALL(one, call_clock_gettime(one, 0, at(&time))), 0);
    assert_int_equal(time.seconds, 1700000002);
    assert_int_equal(time.nanoseconds, 500);
    assert_int_equal(CALL(one, call_gettimeofday(one, at(pair), 0)), 0);
    assert_int_equal(pair[0], 1700000002);
    assert_int_equal(CALL(one, call_time(one, 0)), 1700000002);
    assert_int_equal(CALL(one, call_clock_gettime(one, 10, at(&time))), -EINVAL);
    assert_int_equal(CALL(one, call_clock_gettime(one, 1, BAD)), -EFAULT);
    assert_int_equal(CALL(one, call_clock_getres(one, 1, at(&time))), 0);
    assert_int_equal(time.nanoseconds, 1);
    assert_int_equal(CALL(one, call_clock_settime(one, 0, at(&time))), -EPERM);
    assert_int_equal(CALL(one, call_clock_settime(one, 1, at(&time))), -EINVAL);
    fake_cpu = 3;
    // clock_getcpuclockid of process 101, of none, of a task of its own.
    assert_int_equal(CALL(one, call_clock_gettime(one, (int32_t)(~101u << 3 | 2), at(&time))), 0);
    assert_int_equal(time.nanoseconds, 3);
    assert_int_equal(CALL(one, call_clock_gettime(one, (int32_t)(~999u << 3 | 2), at(&time))),
                     -EINVAL);
    assert_int_equal(CALL(one, call_clock_gettime(one, (int32_t)(~101u << 3 | 6), at(&time))),
                     -EINVAL);
}

static int64_t sleep_for(const struct timespec *time, struct timespec *left)
{
    one->call.args[1] = at(left);
    call_begin(one);
    one->call.args[1] = at(left);
    return call_done(one, call_nanosleep(one, at(time), at(left)));
}

static void sleeps(void **state)
{
    struct timespec time = { 1, 5 }, left = { 9, 9 };
    (void)state;
    assert_int_equal(sleep_for(&time, &left), RESULT_WAIT);
    fake_wait(1000000005);
    assert_int_equal(sleep_for(&time, &left), 0);
    assert_int_equal(left.seconds, 9);
    assert_int_equal(sleep_for(&time, &left), RESULT_WAIT);
    fake_wait(400000000);
    call_break(one);
    assert_int_equal(left.seconds, 0);
    assert_int_equal(left.nanoseconds, 600000005);
    time.nanoseconds = 0;
    time.seconds = 0;
    assert_int_equal(sleep_for(&time, &left), 0);
    time.seconds = -1;
    assert_int_equal(sleep_for(&time, &left), -EINVAL);
    time = timespec_of((int64_t)fake_now + 100);
    assert_int_equal(CALL(one, call_clock_nanosleep(one, 1, 1, at(&time), 0)), RESULT_WAIT);
    assert_int_equal(one->call.deadline, fake_now + 100);
    fake_wait(100);
    assert_int_equal(CALL(one, call_clock_nanosleep(one, 1, 1, at(&time), 0)), 0);
    assert_int_equal(CALL(one, call_clock_nanosleep(one, 3, 1, at(&time), 0)), -EINVAL);
    assert_int_equal(CALL(one, call_clock_nanosleep(one, 5, 1, at(&time), 0)), -EOPNOTSUPP);
}

// ---- timers of processes -----------------------------------------------------------------------
static void itimers_send_signals(void **state)
{
    int64_t new[4] = { 0, 10000, 0, 30000 }, old[4];  // period, value
    (void)state;
    assert_int_equal(CALL(one, call_setitimer(one, 0, at(new), 0)), 0);
    fake_wait(29 * MS);
    assert_int_equal(fake_signals, 0);
    assert_int_equal(CALL(one, call_getitimer(one, 0, at(old))), 0);
    assert_int_equal(old[1], 10000);
    assert_int_equal(old[3], 1000);
    fake_wait(1 * MS);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(fake_signal.signal, SIGALRM);
    fake_wait(10 * MS);
    assert_int_equal(fake_signals, 2);
    fake_wait(35 * MS);
    assert_int_equal(fake_signals, 3);
    fake_wait(5 * MS);
    assert_int_equal(fake_signals, 4);
    new[3] = 0;
    assert_int_equal(CALL(one, call_setitimer(one, 0, at(new), at(old))), 0);
    assert_int_equal(timers_next(), TIMER_NEVER);
    new[3] = 1000000;
    assert_int_equal(CALL(one, call_setitimer(one, 0, at(new), 0)), -EINVAL);
    assert_int_equal(CALL(one, call_setitimer(one, 3, at(old), 0)), -EINVAL);
    assert_int_equal(CALL(one, call_alarm(one, 10)), 0);
    fake_wait(2600 * MS);
    assert_int_equal(CALL(one, call_alarm(one, 0)), 7);
    // Processor time.
    new[1] = 0;
    new[3] = 5000;
    assert_int_equal(CALL(one, call_setitimer(one, 2, at(new), 0)), 0);
    fake_signals = 0;
    fake_wait(1000 * MS);
    assert_int_equal(fake_signals, 0);
    fake_cpu = 5 * MS;
    fake_wait(2 * MS);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(fake_signal.signal, SIGPROF);
    process_timers_end(one->process);
}

static void ptimers_count_overruns(void **state)
{
    struct {
        uint64_t value;
        int32_t signal, notify, task, padding[11];
    } event = { .value = 77, .signal = 34 };
    struct timespec times[2] = { { 0, 10000000 }, { 0, 10000000 } };
    int32_t number, second;
    (void)state;
    assert_int_equal(CALL(one, call_timer_create(one, 1, at(&event), at(&number))), 0);
    assert_int_equal(CALL(one, call_timer_create(one, 0, 0, at(&second))), 0);
    assert_int_not_equal(number, second);
    assert_int_equal(CALL(one, call_timer_settime(one, number, 0, at(times), 0)), 0);
    fake_wait(10 * MS);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(fake_signal.signal, 34);
    assert_int_equal(fake_signal.code, SI_TIMER);
    assert_int_equal(fake_signal.timer_value, 77);
    one->process->signals.pending.set = SIGNAL_BIT(34);
    fake_wait(30 * MS);
    assert_int_equal(fake_signals, 1);
    assert_int_equal(CALL(one, call_timer_getoverrun(one, number)), 0);
    ptimer_taken(one->process, &fake_signal);
    assert_int_equal(fake_signal.overrun, 3);
    assert_int_equal(CALL(one, call_timer_getoverrun(one, number)), 3);
    one->process->signals.pending.set = 0;
    fake_wait(10 * MS);
    assert_int_equal(fake_signals, 2);
    ptimer_taken(one->process, &fake_signal);
    assert_int_equal(CALL(one, call_timer_getoverrun(one, number)), 0);
    assert_int_equal(CALL(one, call_timer_gettime(one, number, at(times))), 0);
    assert_int_equal(times[1].nanoseconds, 10000000);
    assert_int_equal(CALL(one, call_timer_delete(one, number)), 0);
    assert_int_equal(CALL(one, call_timer_delete(one, number)), -EINVAL);
    event.notify = 8;
    assert_int_equal(CALL(one, call_timer_create(one, 1, at(&event), at(&number))), -EINVAL);
    event.notify = 4;
    event.task = 101;
    assert_int_equal(CALL(one, call_timer_create(one, 1, at(&event), at(&number))), -EINVAL);
    process_timers_exec(one->process);
    assert_int_equal(CALL(one, call_timer_delete(one, second)), -EINVAL);
    process_timers_end(one->process);
}

static void timerfd_counts(void **state)
{
    struct timespec times[2] = { { 0, 10 * MS }, { 0, 25 * MS } };
    uint64_t count = 0;
    (void)state;
    clock_set_real(1000, 0);
    int fd = (int)CALL(one, call_timerfd_create(one, 1, 0));
    assert_int_equal(CALL(one, call_timerfd_settime(one, fd, 0, at(times), 0)), 0);
    assert_int_equal(read_fd(one, fd, &count, 8), RESULT_WAIT);
    fake_wait(25 * MS);
    assert_true(task_woken(one));
    fake_wait(31 * MS);
    assert_int_equal(ready_fd(one, fd), POLLIN);
    assert_int_equal(read_fd(one, fd, &count, 8), 8);
    assert_int_equal(count, 4);
    assert_int_equal(CALL(one, call_timerfd_gettime(one, fd, at(times))), 0);
    assert_int_equal(times[1].nanoseconds, 9 * MS);
    // On the real clock, which is set.
    fd = (int)CALL(one, call_timerfd_create(one, 0, O_NONBLOCK));
    times[0] = (struct timespec){ 0, 0 };
    times[1] = (struct timespec){ 2000, 0 };
    assert_int_equal(CALL(one, call_timerfd_settime(one, fd, 1, at(times), 0)), 0);
    fake_wait(50 * MS);
    assert_int_equal(read_fd(one, fd, &count, 8), -EAGAIN);
    clock_set_real(2000, 1);
    fake_wait(0);
    assert_int_equal(read_fd(one, fd, &count, 8), 8);
    assert_int_equal(count, 1);
    times[1].seconds = 9000;
    assert_int_equal(CALL(one, call_timerfd_settime(one, fd, 3, at(times), 0)), 0);
    clock_set_real(3000, 0);
    assert_int_equal(ready_fd(one, fd), POLLIN);
    assert_int_equal(read_fd(one, fd, &count, 8), -ECANCELED);
    // Who sets it learns it as well, and has set it.
    clock_set_real(3500, 0);
    assert_int_equal(CALL(one, call_timerfd_settime(one, fd, 3, at(times), 0)), -ECANCELED);
    assert_int_equal(CALL(one, call_timerfd_settime(one, fd, 3, at(times), 0)), 0);
    assert_int_equal(read_fd(one, fd, &count, 8), -EAGAIN);
    assert_int_equal(CALL(one, call_timerfd_create(one, 2, 0)), -EINVAL);
    assert_int_equal(CALL(one, call_timerfd_settime(one, 50, 0, at(times), 0)), -EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heap_keeps_order), TEST(round_ends),           TEST(clocks_tell_time),
        TEST(sleeps),           TEST(itimers_send_signals), TEST(ptimers_count_overruns),
        TEST(timerfd_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
