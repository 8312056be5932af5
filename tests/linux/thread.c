// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Threads as the C library makes them: what they share, how they end, how they meet.
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static __thread int own = 7;
static volatile int shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *look(void *argument)
{
    pid_t *ids = argument;
    ids[0] = getpid();
    ids[1] = gettid();
    ids[2] = own;
    own = 9;
    umask(0);
    chdir("/");
    ids[3] = open("/dev/null", O_RDONLY);
    return argument;
}

CASE(create)
{
    pid_t ids[4];
    pthread_t thread;
    void *result = NULL;
    CHECK(pthread_create(&thread, NULL, look, ids), 0);
    CHECK(pthread_join(thread, &result), 0);
    CHECK_TRUE(result == ids);
    CHECK_TRUE(ids[0] == getpid() && ids[1] != getpid());
    CHECK(ids[2], 7);
    CHECK(own, 7);
    CHECK(umask(022), 0);
    char place[8];
    CHECK(SYS(getcwd, place, sizeof(place)), 2);
    CHECK(fcntl(ids[3], F_GETFD), 0);
    CHECK_TRUE(gettid() == getpid());
    CHECK(SYS(tgkill, getpid(), ids[1], 0), -ESRCH);
}

static void *count_up(void *argument)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&mutex);
        shared = shared + 1;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

CASE(mutex)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        NEED(-pthread_create(&threads[i], NULL, count_up, NULL));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(shared, 40000);
    CHECK(pthread_mutex_trylock(&mutex), 0);
    CHECK(pthread_mutex_trylock(&mutex), EBUSY);
    struct timespec past = { 1, 0 };
    CHECK(pthread_mutex_timedlock(&mutex, &past), ETIMEDOUT);
}

static void *do_nothing(void *argument)
{
    return argument;
}

CASE(many)
{
    static pthread_t threads[100];
    static int marks[100];
    int good = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            good += pthread_create(&threads[i], NULL, do_nothing, &marks[i]) == 0;
        }
        for (int i = 0; i < 100; i++) {
            void *result = NULL;
            pthread_join(threads[i], &result);
            good += result == &marks[i];
        }
    }
    CHECK(good, 600);
}

static void *take_turns(void *argument)
{
    int turn = *(int *)argument;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (shared % 2 != turn) {
            pthread_cond_wait(&condition, &mutex);
        }
        shared = shared + 1;
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

CASE(condition)
{
    pthread_t threads[2];
    int turns[2] = { 0, 1 };
    for (int i = 0; i < 2; i++) {
        NEED(-pthread_create(&threads[i], NULL, take_turns, &turns[i]));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(shared, 1000);
    struct timespec past = { 1, 0 };
    pthread_mutex_lock(&mutex);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &past), ETIMEDOUT);
}

static pthread_barrier_t barrier;

static void *meet(void *argument)
{
    int serial = 0;
    for (int i = 0; i < 50; i++) {
        serial += pthread_barrier_wait(&barrier) != 0;
    }
    __atomic_fetch_add(&shared, serial, __ATOMIC_SEQ_CST);
    return argument;
}

CASE(barrier)
{
    pthread_t threads[3];
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 0; i < 3; i++) {
        NEED(-pthread_create(&threads[i], NULL, meet, NULL));
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(shared, 50);
}

CASE(semaphore_between_processes)
{
    sem_t *semaphore = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    CHECK(sem_init(semaphore, 1, 0), 0);
    CHECK(sem_trywait(semaphore), -EAGAIN);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(sem_wait(semaphore), 0);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(sem_post(semaphore));
    check_join(child);
}

CASE(mutex_owner_dies)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t *robust = NEED_MEMORY(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                               MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    CHECK(pthread_mutex_init(robust, &attributes), 0);
    pid_t child = check_fork();
    if (child == 0) {
        pthread_mutex_lock(robust);
        _exit(0);
    }
    check_join(child);
    CHECK(pthread_mutex_lock(robust), EOWNERDEAD);
    CHECK(pthread_mutex_consistent(robust), 0);
    CHECK(pthread_mutex_unlock(robust), 0);
}

static void *run_on(void *argument)
{
    for (;;) {
        check_sleep(1000);
    }
    return argument;
}

static void *exit_all(void *argument)
{
    exit(23);
    return argument;
}

static void exit_from_thread(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, run_on, NULL);
    pthread_create(&threads[1], NULL, exit_all, NULL);
    run_on(NULL);
}

CASE(exit_ends_all)
{
    int status = check_status(exit_from_thread);
    CHECK(WEXITSTATUS(status), 23);
}

static void *exit_late(void *argument)
{
    check_sleep(20);
    _exit(24);
    return argument;
}

static void exit_main_first(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, exit_late, NULL);
    pthread_exit(NULL);
}

CASE(main_thread_ends_first)
{
    int status = check_status(exit_main_first);
    CHECK(WEXITSTATUS(status), 24);
}

static void *end_alone(void *argument)
{
    SYS(exit, 55);
    return argument;
}

static void last_thread_ends(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, end_alone, NULL);
    pthread_join(thread, NULL);
    SYS(exit, 56);
}

CASE(last_thread_ends_process)
{
    int status = check_status(last_thread_ends);
    CHECK(WEXITSTATUS(status), 56);
}

static void *fault(void *argument)
{
    void *volatile nowhere = BAD;
    *(volatile char *)nowhere;
    return argument;
}

static void fault_in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, fault, NULL);
    run_on(NULL);
}

CASE(fault_ends_all)
{
    CHECK(WTERMSIG(check_status(fault_in_thread)), SIGSEGV);
}

static void *fork_there(void *argument)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(gettid() == getpid() && own == 7 ? 5 : 6);
    }
    waitpid(child, argument, 0);
    return NULL;
}

CASE(fork_from_thread)
{
    pthread_t thread;
    int status = 0;
    NEED(-pthread_create(&thread, NULL, fork_there, &status));
    pthread_join(thread, NULL);
    CHECK(WEXITSTATUS(status), 5);
}

// Any thread may wait for the process's children.
static void *wait_there(void *argument)
{
    *(pid_t *)argument = wait(NULL);
    return NULL;
}

CASE(wait_from_thread)
{
    pthread_t thread;
    pid_t waited = 0;
    pid_t child = NEED(fork());
    if (child == 0) {
        _exit(0);
    }
    NEED(-pthread_create(&thread, NULL, wait_there, &waited));
    pthread_join(thread, NULL);
    CHECK_TRUE(waited == child);
}

CASE(cancel)
{
    pthread_t thread;
    void *result = NULL;
    NEED(-pthread_create(&thread, NULL, run_on, NULL));
    CHECK(pthread_cancel(thread), 0);
    CHECK(pthread_join(thread, &result), 0);
    CHECK_TRUE(result == PTHREAD_CANCELED);
}

CASE(name)
{
    char name[16];
    char text[32] = "";
    CHECK(pthread_setname_np(pthread_self(), "some thread"), 0);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
    CHECK_TEXT(name, "some thread");
    CHECK(read(open("/proc/thread-self/comm", O_RDONLY), text, sizeof(text) - 1), 12);
    CHECK_TEXT(text, "some thread\n");
    CHECK(pthread_setname_np(pthread_self(), "sixteen letters!"), ERANGE);
}

static void *take_signal(void *argument)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigwait(&set, argument);
    return NULL;
}

CASE(signal_to_thread)
{
    pthread_t thread;
    int number = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    NEED(-pthread_create(&thread, NULL, take_signal, &number));
    CHECK(pthread_kill(thread, SIGUSR1), 0);
    pthread_join(thread, NULL);
    CHECK(number, SIGUSR1);
    sigpending(&set);
    CHECK(sigismember(&set, SIGUSR1), 0);
}

static void *set_ids(void *argument)
{
    *(int *)argument = SYS(setresuid, 1, 1, 1) == 0 && SYS(getuid) == 1;
    return NULL;
}

// The system call changes one thread; the C library's function all of them.
CASE(identity_of_thread)
{
    if (check_is_root()) {
        pthread_t thread;
        int good = 0;
        NEED(-pthread_create(&thread, NULL, set_ids, &good));
        pthread_join(thread, NULL);
        CHECK(good, 1);
        CHECK(getuid(), 0);
    }
}

CASE(stack_size)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    CHECK(pthread_attr_setstacksize(&attributes, 1 << 20), 0);
    CHECK(pthread_create(&thread, &attributes, do_nothing, NULL), 0);
    CHECK(pthread_join(thread, NULL), 0);
    CHECK(pthread_attr_setstacksize(&attributes, 1000), EINVAL);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void run_once(void)
{
    shared++;
}

static void *call_once(void *argument)
{
    pthread_once(&once, run_once);
    return argument;
}

CASE(once)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        NEED(-pthread_create(&threads[i], NULL, call_once, NULL));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(shared, 1);
}
