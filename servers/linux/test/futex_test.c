// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Futexes.
#include "../futex.h"

#include "ipc_fake.h"

#define WAIT        0u
#define WAKE        1u
#define REQUEUE     3u
#define CMP_REQUEUE 4u
#define WAKE_OP     5u
#define LOCK        6u
#define UNLOCK      7u
#define TRYLOCK     8u
#define WAIT_BITS   9u
#define WAKE_BITS   10u
#define PRIVATE     128u
#define ANY         UINT32_MAX
#define WAITERS     0x80000000u
#define DIED        0x40000000u

static uint32_t word, other;

static int64_t futex(unsigned i, uint32_t how, uint32_t value, uint64_t more)
{
    return CALL(&tasks[i], call_futex(&tasks[i], at(&word), how, value, more, at(&other), ANY));
}

// All tasks see the same memory.
static int setup(void **state)
{
    fake_setup(state);
    for (unsigned i = 1; i < FAKE_TASKS; i++) {
        tasks[i].space = tasks[0].space;
    }
    word = other = 0;
    return 0;
}

static void wakes_in_order(void **state)
{
    (void)state;
    word = 7;
    assert_int_equal(futex(0, WAIT, 6, 0), -EAGAIN);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(futex(i, WAIT, 7, 0), RESULT_WAIT);
    }
    assert_int_equal(futex(3, WAKE, 1, 0), 1);
    assert_true(task_woken(&tasks[0]));
    assert_false(task_woken(&tasks[1]));
    assert_int_equal(futex(0, WAIT, 7, 0), 0);
    assert_int_equal(futex(3, WAKE, 9, 0), 2);
    assert_int_equal(futex(1, WAIT, 7, 0), 0);
    assert_int_equal(futex(2, WAIT, 7, 0), 0);
    assert_int_equal(futex(3, WAKE, 9, 0), 0);
}

static void refuses(void **state)
{
    (void)state;
    assert_int_equal(CALL(&tasks[0], call_futex(&tasks[0], BAD, WAIT, 0, 0, 0, 0)), -EFAULT);
    assert_int_equal(CALL(&tasks[0], call_futex(&tasks[0], at(&word) + 1, WAKE, 0, 0, 0, 0)),
                     -EINVAL);
    assert_int_equal(CALL(&tasks[0], call_futex(&tasks[0], at(&word), WAIT_BITS, 0, 0, 0, 0)),
                     -EINVAL);
    assert_int_equal(futex(0, 77, 0, 0), -ENOSYS);
    assert_int_equal(futex(0, WAKE | 256, 0, 0), -ENOSYS);
    assert_int_equal(futex(0, WAIT, 0, BAD), -EFAULT);
    fake_room = 0;
    assert_int_equal(futex(0, WAIT, 0, 0), -ENOMEM);
}

// A wake that a signal made useless is not lost: the next one has it.
static void broken_wait_passes_its_wake_on(void **state)
{
    (void)state;
    futex(0, WAIT, 0, 0);
    futex(1, WAIT, 0, 0);
    assert_int_equal(futex(3, WAKE, 1, 0), 1);
    call_break(&tasks[0]);
    assert_true(task_woken(&tasks[1]));
    assert_int_equal(futex(1, WAIT, 0, 0), 0);
    futex(0, WAIT, 0, 0);
    call_break(&tasks[0]);
    assert_int_equal(futex(3, WAKE, 1, 0), 0);
}

static void times_out(void **state)
{
    struct timespec time = { 0, 5000 }, absolute;
    (void)state;
    assert_int_equal(futex(0, WAIT, 0, at(&time)), RESULT_WAIT);
    fake_wait(4999);
    assert_int_equal(futex(0, WAIT, 0, at(&time)), RESULT_WAIT);
    fake_wait(1);
    assert_int_equal(futex(0, WAIT, 0, at(&time)), -ETIMEDOUT);
    absolute = (struct timespec){ 0, (int64_t)fake_now + 100 };
    assert_int_equal(futex(0, WAIT_BITS, 0, at(&absolute)), RESULT_WAIT);
    assert_int_equal(tasks[0].call.deadline, fake_now + 100);
    assert_int_equal(futex(3, WAKE, 1, 0), 1);
    fake_wait(1000);
    assert_int_equal(futex(0, WAIT_BITS, 0, at(&absolute)), 0);
    assert_int_equal(futex(0, WAIT_BITS, 0, at(&absolute)), -ETIMEDOUT);
    time.nanoseconds = 1000000000;
    assert_int_equal(futex(0, WAIT, 0, at(&time)), -EINVAL);
}

static void bits_choose(void **state)
{
    struct task *a = &tasks[0], *b = &tasks[1], *c = &tasks[2];
    (void)state;
    assert_int_equal(CALL(a, call_futex(a, at(&word), WAIT_BITS, 0, 0, 0, 1)), RESULT_WAIT);
    assert_int_equal(CALL(b, call_futex(b, at(&word), WAIT_BITS, 0, 0, 0, 2)), RESULT_WAIT);
    assert_int_equal(CALL(c, call_futex(c, at(&word), WAKE_BITS, 5, 0, 0, 6)), 1);
    assert_false(task_woken(a));
    assert_true(task_woken(b));
    assert_int_equal(CALL(c, call_futex(c, at(&word), WAKE | PRIVATE, 5, 0, 0, 0)), 0);
}

static void requeues(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        futex(i, WAIT, 0, 0);
    }
    tasks[3].call.again = false;
    assert_int_equal(futex(3, CMP_REQUEUE, 1, 5), -EAGAIN);
    assert_int_equal(
        CALL(&tasks[3], call_futex(&tasks[3], at(&word), CMP_REQUEUE, 1, 1, at(&other), 0)), 2);
    assert_true(task_woken(&tasks[0]));
    assert_false(task_woken(&tasks[1]));
    assert_int_equal(CALL(&tasks[3], call_futex(&tasks[3], at(&other), WAKE, 9, 0, 0, 0)), 1);
    assert_true(task_woken(&tasks[1]));
    assert_int_equal(futex(3, REQUEUE, 0, UINT64_MAX), -EINVAL);
    // To itself ends.
    assert_int_equal(CALL(&tasks[3], call_futex(&tasks[3], at(&word), REQUEUE, 0, 3, at(&word), 0)),
                     1);
    assert_int_equal(futex(3, WAKE, 9, 0), 1);
}

static int64_t wake_op(uint32_t code)
{
    return CALL(&tasks[3], call_futex(&tasks[3], at(&word), WAKE_OP, 1, 1, at(&other), code));
}

static void wakes_with_operation(void **state)
{
    (void)state;
    other = 5;
    futex(0, WAIT, 0, 0);
    CALL(&tasks[1], call_futex(&tasks[1], at(&other), WAIT, 5, 0, 0, 0));
    // other += 2, second wake where it was > 5: only the first.
    assert_int_equal(wake_op(1u << 28 | 4u << 24 | 2u << 12 | 5), 1);
    assert_int_equal(other, 7);
    // other |= 1 << 4, second wake where it was == 7.
    assert_int_equal(wake_op(8u << 28 | 2u << 28 | 0u << 24 | 4u << 12 | 7), 1);
    assert_int_equal(other, 23);
    assert_true(task_woken(&tasks[1]));
    // andn -1 (signed), xor, set.
    assert_int_equal(wake_op(3u << 28 | 0xfffu << 12), 0);
    assert_int_equal(other, 0);
    assert_int_equal(wake_op(7u << 28), -ENOSYS);
    assert_int_equal(wake_op(9u << 24), -ENOSYS);
}

static void lock_goes_round(void **state)
{
    (void)state;
    assert_int_equal(futex(0, LOCK, 0, 0), 0);
    assert_int_equal(word, 100);
    assert_int_equal(futex(0, LOCK, 0, 0), -EDEADLK);
    assert_int_equal(futex(1, TRYLOCK, 0, 0), -EAGAIN);
    assert_int_equal(word, 100);
    assert_int_equal(futex(1, LOCK, 0, 0), RESULT_WAIT);
    assert_int_equal(futex(2, LOCK, 0, 0), RESULT_WAIT);
    assert_int_equal(word, 100 | WAITERS);
    assert_int_equal(futex(1 + 2, UNLOCK, 0, 0), -EPERM);
    assert_int_equal(futex(3, WAKE, 1, 0), -EINVAL);
    assert_int_equal(futex(0, UNLOCK, 0, 0), 0);
    assert_int_equal(word, 101 | WAITERS);
    // Its wait is broken: the lock that it was given goes on.
    call_break(&tasks[1]);
    assert_int_equal(word, 102);
    assert_int_equal(futex(2, LOCK, 0, 0), 0);
    assert_int_equal(futex(2, UNLOCK, 0, 0), 0);
    assert_int_equal(word, 0);
    word = 999;
    assert_int_equal(futex(2, LOCK, 0, 0), -ESRCH);
}

// struct robust_list_head, and entries with the lock's word 8 bytes after the link.
static struct {
    user_t next;
    int64_t offset;
    user_t pending;
} head;

static struct {
    user_t next;
    uint32_t word, more;
} locks[3];

static void dead_owners_leave_their_locks(void **state)
{
    uint32_t tid = 100;
    (void)state;
    head.next = at(&locks[0]);
    head.offset = 8;
    head.pending = at(&locks[2]);
    locks[0].next = at(&locks[1]);
    locks[1].next = at(&head);
    locks[0].word = 100 | WAITERS;
    locks[1].word = 55;
    locks[2].word = 100;
    assert_int_equal(CALL(&tasks[0], call_set_robust_list(&tasks[0], at(&head), 24)), 0);
    assert_int_equal(CALL(&tasks[0], call_set_robust_list(&tasks[0], at(&head), 23)), -EINVAL);
    tasks[0].clear_tid = at(&tid);
    CALL(&tasks[1], call_futex(&tasks[1], at(&locks[0].word), WAIT, locks[0].word, 0, 0, 0));
    CALL(&tasks[2], call_futex(&tasks[2], at(&tid), WAIT, 100, 0, 0, 0));
    futex_exit(&tasks[0]);
    assert_int_equal(locks[0].word, WAITERS | DIED);
    assert_int_equal(locks[1].word, 55);
    assert_int_equal(locks[2].word, DIED);
    assert_int_equal(tid, 0);
    assert_true(task_woken(&tasks[1]));
    assert_true(task_woken(&tasks[2]));
}

static void robust_lists_may_be_nonsense(void **state)
{
    (void)state;
    head.next = at(&locks[0]);
    head.offset = 8;
    head.pending = 0;
    locks[0].next = at(&locks[0]);
    locks[0].word = 0;
    tasks[0].robust_list = at(&head);
    futex_exit(&tasks[0]);
    tasks[0].robust_list = BAD;
    tasks[0].clear_tid = BAD;
    futex_exit(&tasks[0]);
    head.next = BAD;
    tasks[0].robust_list = at(&head);
    futex_exit(&tasks[0]);
}

static void dead_owner_of_an_inheriting_lock(void **state)
{
    (void)state;
    assert_int_equal(futex(0, LOCK, 0, 0), 0);
    assert_int_equal(futex(1, LOCK, 0, 0), RESULT_WAIT);
    assert_int_equal(futex(2, LOCK, 0, 0), RESULT_WAIT);
    futex_exit(&tasks[0]);
    assert_int_equal(word, 101 | DIED | WAITERS);
    assert_true(task_woken(&tasks[1]));
    assert_int_equal(futex(1, LOCK, 0, 0), 0);
    futex_exit(&tasks[1]);
    assert_int_equal(word, 102 | DIED);
}

static void waits_for_several(void **state)
{
    struct {
        uint64_t value, at;
        uint32_t flags, reserved;
    } what[2] = { { 0, at(&word), 2, 0 }, { 0, at(&other), 2, 0 } };
    struct task *task = &tasks[0];
    (void)state;
    assert_int_equal(CALL(task, call_futex_waitv(task, at(what), 0, 0, 0, 0)), -EINVAL);
    assert_int_equal(CALL(task, call_futex_waitv(task, BAD, 2, 0, 0, 0)), -EFAULT);
    assert_int_equal(CALL(task, call_futex_waitv(task, at(what), 2, 0, 0, 0)), RESULT_WAIT);
    assert_int_equal(CALL(&tasks[3], call_futex(&tasks[3], at(&other), WAKE, 1, 0, 0, 0)), 1);
    assert_true(task_woken(task));
    assert_int_equal(CALL(task, call_futex_waitv(task, at(what), 2, 0, 0, 0)), 1);
    what[1].value = 1;
    assert_int_equal(CALL(task, call_futex_waitv(task, at(what), 2, 0, 0, 0)), -EAGAIN);
    assert_int_equal(futex(3, WAKE, 9, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wakes_in_order),
        TEST(refuses),
        TEST(broken_wait_passes_its_wake_on),
        TEST(times_out),
        TEST(bits_choose),
        TEST(requeues),
        TEST(wakes_with_operation),
        TEST(lock_goes_round),
        TEST(dead_owners_leave_their_locks),
        TEST(robust_lists_may_be_nonsense),
        TEST(waits_for_several),
        TEST(dead_owner_of_an_inheriting_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
