// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// futex(2), raw: between threads, between processes, with timeouts, requeueing and priority
// inheritance, and robust lists.
#include "check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

static uint32_t word;
static uint32_t other;
static volatile int woken;

static long futex(uint32_t *at, int operation, uint32_t value, const void *timeout,
                  uint32_t *second, uint32_t third)
{
    return SYS(futex, at, operation, value, timeout, second, third);
}

struct waiter {
    pthread_t thread;
    volatile pid_t id;
    uint32_t *at;
    int operation;
    uint32_t bits;
    const struct timespec *timeout;
    volatile long result;
};

static void *wait_in_thread(void *argument)
{
    struct waiter *waiter = argument;
    waiter->id = gettid();
    errno = 0;
    waiter->result = check_result(futex(waiter->at, waiter->operation, *waiter->at, waiter->timeout,
                                        NULL, waiter->bits));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void start(struct waiter *waiter, uint32_t *at, int operation, uint32_t bits)
{
    *waiter = (struct waiter){ .operation = operation, .bits = bits };
    waiter->at = at;
    NEED(-pthread_create(&waiter->thread, NULL, wait_in_thread, waiter));
    while (waiter->id == 0) {
        check_sleep(1);
    }
    check_wait_asleep(waiter->id);
}

static void join(struct waiter *waiters, int count)
{
    for (int i = 0; i < count; i++) {
        pthread_join(waiters[i].thread, NULL);
        CHECK(waiters[i].result, 0);
    }
}

CASE(wait_mismatch)
{
    word = 5;
    CHECK(futex(&word, FUTEX_WAIT, 6, NULL, NULL, 0), -EAGAIN);
    CHECK(futex(&word, FUTEX_WAIT_PRIVATE, 6, NULL, NULL, 0), -EAGAIN);
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}

CASE(errors)
{
    char *bytes = (char *)&word;
    struct timespec wrong = { 0, 1000000000 };
    CHECK(SYS(futex, bytes + 1, FUTEX_WAIT, 0, NULL, NULL, 0), -EINVAL);
    CHECK(SYS(futex, bytes + 1, FUTEX_WAKE, 1, NULL, NULL, 0), -EINVAL);
    CHECK(SYS(futex, BAD, FUTEX_WAIT, 0, NULL, NULL, 0), -EFAULT);
    CHECK(SYS(futex, BAD, FUTEX_WAKE, 1, NULL, NULL, 0), -EFAULT);
    CHECK(SYS(futex, BAD, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    void *closed = NEED_MEMORY(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(SYS(futex, closed, FUTEX_WAIT, 0, NULL, NULL, 0), -EFAULT);
    CHECK(SYS(futex, &word, 77, 0, NULL, NULL, 0), -ENOSYS);
    CHECK(futex(&word, FUTEX_WAIT, 0, &wrong, NULL, 0), -EINVAL);
    wrong = (struct timespec){ -1, 0 };
    CHECK(futex(&word, FUTEX_WAIT, 0, &wrong, NULL, 0), -EINVAL);
    CHECK(SYS(futex, &word, FUTEX_WAIT, 0, BAD, NULL, 0), -EFAULT);
    CHECK(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), -EINVAL);
    CHECK(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), -EINVAL);
    CHECK(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), -ENOSYS);
    CHECK(futex(&word, FUTEX_FD, 0, NULL, NULL, 0), -ENOSYS);
}

CASE(timeouts)
{
    struct timespec little = { 0, 20000000 };
    struct timespec past = { 1, 0 };
    struct timespec soon;
    word = 0;
    long before = check_now();
    CHECK(futex(&word, FUTEX_WAIT, 0, &little, NULL, 0), -ETIMEDOUT);
    CHECK_TRUE(check_now() - before >= 19);
    CHECK(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, ~0u), -ETIMEDOUT);
    CHECK(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, ~0u), -ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_nsec += 20000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    before = check_now();
    CHECK(futex(&word, FUTEX_WAIT_BITSET, 0, &soon, NULL, ~0u), -ETIMEDOUT);
    CHECK_TRUE(check_now() - before >= 19);
    little.tv_nsec = 0;
    CHECK(futex(&word, FUTEX_WAIT, 0, &little, NULL, 0), -ETIMEDOUT);
}

CASE(wake)
{
    struct waiter waiters[3];
    for (int i = 0; i < 3; i++) {
        start(&waiters[i], &word, FUTEX_WAIT_PRIVATE, 0);
    }
    CHECK(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0), 2);
    join(waiters, 3);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
}

CASE(wake_in_order)
{
    struct waiter waiters[3];
    for (int i = 0; i < 3; i++) {
        start(&waiters[i], &word, FUTEX_WAIT_PRIVATE, 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
        pthread_join(waiters[i].thread, NULL);
        CHECK(woken, i + 1);
    }
}

CASE(wake_bits)
{
    struct waiter waiters[2];
    start(&waiters[0], &word, FUTEX_WAIT_BITSET_PRIVATE, 1);
    start(&waiters[1], &word, FUTEX_WAIT_BITSET_PRIVATE, 6);
    CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 8), 0);
    CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4), 1);
    pthread_join(waiters[1].thread, NULL);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1);
    pthread_join(waiters[0].thread, NULL);
}

CASE(requeue)
{
    struct waiter waiters[3];
    word = 1;
    for (int i = 0; i < 3; i++) {
        start(&waiters[i], &word, FUTEX_WAIT_PRIVATE, 0);
    }
    CHECK(SYS(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 10l, &other, 2), -EAGAIN);
    CHECK(SYS(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1l, &other, 1), 2);
    CHECK(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1);
    CHECK(SYS(futex, &word, FUTEX_REQUEUE_PRIVATE, 0, 10l, &other, 0), 1);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
    CHECK(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1);
    join(waiters, 3);
}

CASE(wake_operation)
{
    struct waiter waiters[2];
    word = 0;
    other = 7;
    start(&waiters[0], &word, FUTEX_WAIT_PRIVATE, 0);
    start(&waiters[1], &other, FUTEX_WAIT_PRIVATE, 0);
    CHECK(SYS(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1l, &other,
              FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 8)),
          1);
    CHECK(other, 10);
    CHECK(SYS(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1l, &other,
              FUTEX_OP(FUTEX_OP_SET, 3, FUTEX_OP_CMP_EQ, 10)),
          1);
    CHECK(other, 3);
    join(waiters, 2);
}

CASE(between_processes)
{
    uint32_t *shared = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
        CHECK(*shared, 1);
        check_exit();
    }
    check_wait_asleep(child);
    *shared = 1;
    long count = futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0);
    check_join(child);
    CHECK(count, 1);
}

// The place counts, not the address: two mappings of one file.
CASE(two_mappings)
{
    int file = check_file("f", "0000");
    uint32_t *one = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    uint32_t *two = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    struct waiter waiter;
    start(&waiter, one, FUTEX_WAIT, 0);
    CHECK(futex(two, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    CHECK(futex(two, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    join(&waiter, 1);
}

static void do_nothing(int number)
{
    (void)number;
}

CASE(interrupted)
{
    struct sigaction action = { .sa_handler = do_nothing };
    struct waiter waiter;
    sigaction(SIGUSR1, &action, NULL);
    start(&waiter, &word, FUTEX_WAIT_PRIVATE, 0);
    NEED(SYS(tgkill, getpid(), waiter.id, SIGUSR1));
    pthread_join(waiter.thread, NULL);
    CHECK(waiter.result, -EINTR);
    INTERRUPTED
    {
        CHECK(futex(&word, FUTEX_WAIT, word, NULL, NULL, 0), -EINTR);
    }
}

CASE(restarted)
{
    struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
    struct waiter waiter;
    sigaction(SIGUSR1, &action, NULL);
    start(&waiter, &word, FUTEX_WAIT_PRIVATE, 0);
    NEED(SYS(tgkill, getpid(), waiter.id, SIGUSR1));
    check_sleep(5);
    check_wait_asleep(waiter.id);
    CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    join(&waiter, 1);
}

CASE(inheriting)
{
    struct waiter waiter;
    word = 0;
    CHECK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_TRUE(word == (uint32_t)gettid());
    CHECK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), -EDEADLK);
    CHECK(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), -EDEADLK);
    start(&waiter, &word, FUTEX_LOCK_PI_PRIVATE, 0);
    CHECK_TRUE(word == ((uint32_t)gettid() | FUTEX_WAITERS));
    CHECK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    join(&waiter, 1);
    word = (uint32_t)getppid();
    CHECK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), -EPERM);
    word = 1 << 22;
    CHECK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), -ESRCH);
}

static struct robust_list_head head;

struct robust {
    struct robust_list list;
    uint32_t futex;
};

static void *die_holding(void *argument)
{
    struct robust *robust = argument;
    head.list.next = &robust->list;
    robust->list.next = &head.list;
    head.futex_offset = offsetof(struct robust, futex);
    head.list_op_pending = NULL;
    SYS(set_robust_list, &head, sizeof(head));
    robust->futex = (uint32_t)gettid() | FUTEX_WAITERS;
    return NULL;
}

CASE(robust)
{
    static struct robust robust;
    pthread_t thread;
    NEED(-pthread_create(&thread, NULL, die_holding, &robust));
    pthread_join(thread, NULL);
    CHECK(robust.futex, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    CHECK(SYS(set_robust_list, &head, 8), -EINVAL);
    void *got = NULL;
    size_t length = 0;
    CHECK(SYS(get_robust_list, 0, &got, &length), 0);
    CHECK(length, sizeof(head));
    CHECK(SYS(get_robust_list, 1 << 22, &got, &length), -ESRCH);
    CHECK(SYS(get_robust_list, 0, BAD, &length), -EFAULT);
    AS_NOBODY
    {
        if (getuid() == CHECK_NOBODY) {
            CHECK(SYS(get_robust_list, getppid(), &got, &length), -EPERM);
        }
    }
}

// The same over processes: who waits is woken, and finds the mark.
CASE(robust_between_processes)
{
    struct robust *shared = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid_t child = check_fork();
    if (child == 0) {
        head.list.next = &shared->list;
        shared->list.next = &head.list;
        head.futex_offset = offsetof(struct robust, futex);
        SYS(set_robust_list, &head, sizeof(head));
        __atomic_store_n(&shared->futex, (uint32_t)getpid() | FUTEX_WAITERS, __ATOMIC_SEQ_CST);
        check_wait_asleep(getppid());
        _exit(0);
    }
    while (__atomic_load_n(&shared->futex, __ATOMIC_SEQ_CST) == 0) {
        sched_yield();
    }
    CHECK(futex(&shared->futex, FUTEX_WAIT, (uint32_t)child | FUTEX_WAITERS, NULL, NULL, 0), 0);
    CHECK(shared->futex, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    check_join(child);
}

static void *die_with_lock(void *argument)
{
    (void)argument;
    NEED(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    __atomic_store_n(&other, 1, __ATOMIC_SEQ_CST);
    while (!(__atomic_load_n(&word, __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) {
        sched_yield();
    }
    return NULL;
}

// A lock whose owner ends goes to who waits for it, with a mark.
CASE(inheriting_from_the_dead)
{
    pthread_t thread;
    word = other = 0;
    NEED(-pthread_create(&thread, NULL, die_with_lock, NULL));
    while (__atomic_load_n(&other, __ATOMIC_SEQ_CST) == 0) {
        sched_yield();
    }
    CHECK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_TRUE((word & ~FUTEX_WAITERS) == ((uint32_t)gettid() | FUTEX_OWNER_DIED));
    pthread_join(thread, NULL);
}

static uint32_t condition;

static void *wait_for_lock(void *argument)
{
    struct waiter *waiter = argument;
    waiter->id = gettid();
    errno = 0;
    waiter->result = check_result(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0,
                                        waiter->timeout, &word, 0));
    if (waiter->result == 0) {
        woken += (word & FUTEX_TID_MASK) == (uint32_t)gettid();
        futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    }
    return NULL;
}

static void start_for_lock(struct waiter *waiter, const struct timespec *timeout)
{
    *waiter = (struct waiter){ .timeout = timeout };
    NEED(-pthread_create(&waiter->thread, NULL, wait_for_lock, waiter));
    while (waiter->id == 0) {
        check_sleep(1);
    }
    check_wait_asleep(waiter->id);
}

static long move_to_lock(uint32_t most, uint32_t expected)
{
    return futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)(uintptr_t)most, &word,
                 expected);
}

// What pthread_cond_broadcast is made of: who waits is not woken, but gets the lock in turn.
CASE(from_word_to_lock)
{
    struct waiter waiters[3];
    word = condition = 0;
    woken = 0;
    for (int i = 0; i < 3; i++) {
        start_for_lock(&waiters[i], NULL);
    }
    CHECK(futex(&condition, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), -EINVAL);
    CHECK(move_to_lock(10, 77), -EAGAIN);
    CHECK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK(move_to_lock(10, 0), 3);
    CHECK(woken, 0);
    CHECK_TRUE(word == ((uint32_t)gettid() | FUTEX_WAITERS));
    CHECK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    join(waiters, 3);
    CHECK(woken, 3);
    CHECK(word, 0);
}

CASE(from_word_to_free_lock)
{
    struct waiter waiters[2];
    word = condition = 0;
    woken = 0;
    start_for_lock(&waiters[0], NULL);
    start_for_lock(&waiters[1], NULL);
    CHECK(move_to_lock(0, 0), 1);
    CHECK(move_to_lock(0, 0), 1);
    CHECK(move_to_lock(0, 0), 0);
    join(waiters, 2);
    CHECK(woken, 2);
}

CASE(from_word_to_lock_late)
{
    struct waiter waiter;
    struct timespec soon = { 0, 0 };
    word = condition = 0;
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_sec++;
    start_for_lock(&waiter, &soon);
    CHECK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK(move_to_lock(1, 0), 1);
    pthread_join(waiter.thread, NULL);
    CHECK(waiter.result, -ETIMEDOUT);
    CHECK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
}

CASE(from_word_to_lock_errors)
{
    condition = word = 0;
    CHECK(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &word, 0), -EAGAIN);
    CHECK(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &condition, 0), -EINVAL);
    CHECK(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, BAD, 0), -EFAULT);
    CHECK(futex(&condition, FUTEX_CMP_REQUEUE_PI, 2, NULL, &word, 0), -EINVAL);
    CHECK(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, NULL, &condition, 0), -EINVAL);
    CHECK(futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, NULL, &word, 0), 0);
}

// The last user of the memory clears nothing, whoever shares the page.
CASE(not_cleared_by_last)
{
    uint32_t *shared = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    *shared = 77;
    pid_t child = NEED(fork());
    if (child == 0) {
        SYS(set_tid_address, shared);
        _exit(0);
    }
    check_join(child);
    CHECK(*shared, 77);
}

CASE(several)
{
    struct {
        uint64_t value, address;
        uint32_t flags, reserved;
    } waits[2] = { { 0, (uintptr_t)&word, 2, 0 }, { 1, (uintptr_t)&other, 2, 0 } };
    struct timespec past = { 1, 0 };
    word = other = 0;
    CHECK(SYS(futex_waitv, waits, 2, 0, NULL, 0), -EAGAIN);
    waits[1].value = 0;
    CHECK(SYS(futex_waitv, waits, 2, 0, &past, CLOCK_MONOTONIC), -ETIMEDOUT);
    CHECK(SYS(futex_waitv, waits, 0, 0, NULL, 0), -EINVAL);
    CHECK(SYS(futex_waitv, waits, 129, 0, NULL, 0), -EINVAL);
    CHECK(SYS(futex_waitv, waits, 2, 1, NULL, 0), -EINVAL);
    CHECK(SYS(futex_waitv, BAD, 2, 0, NULL, 0), -EFAULT);
}
