// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Semaphores of System V: semget(2), semop(2), semtimedop(2), semctl(2).
#include "check.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>

#define SETS_MOST 32000  // on the system

static int set(int count)
{
    return NEED(semget(IPC_PRIVATE, count, IPC_CREAT | 0600));
}

static long operate(int id, int number, int change, int flags)
{
    struct sembuf one = { (unsigned short)number, (short)change, (short)flags };
    return SYS(semop, id, &one, 1);
}

// The same, by the call that can wait for a limited time, without a limit.
static long operate_timed(int id, int number, int change, int flags)
{
    struct sembuf one = { (unsigned short)number, (short)change, (short)flags };
    return SYS(semtimedop, id, &one, 1, NULL);
}

static long value(int id, int number)
{
    return SYS(semctl, id, number, GETVAL, 0);
}

static void end(int id)
{
    NEED(SYS(semctl, id, 0, IPC_RMID, 0));
}

CASE(values)
{
    unsigned short values[3] = { 1, 2, 3 };
    int id = set(3);
    CHECK(value(id, 0), 0);
    CHECK(SYS(semctl, id, 0, SETALL, values), 0);
    CHECK(value(id, 2), 3);
    CHECK(SYS(semctl, id, 1, SETVAL, 7), 0);
    memset(values, 0, sizeof(values));
    CHECK(SYS(semctl, id, 0, GETALL, values), 0);
    CHECK_TRUE(values[0] == 1 && values[1] == 7 && values[2] == 3);
    CHECK_TRUE(SYS(semctl, id, 1, GETPID, 0) == getpid());
    CHECK(SYS(semctl, id, 3, GETVAL, 0), -EINVAL);
    CHECK(SYS(semctl, id, 0, SETVAL, -1), -ERANGE);
    CHECK(SYS(semctl, id, 0, SETVAL, 32768), -ERANGE);
    CHECK(SYS(semctl, id, 0, GETALL, BAD), -EFAULT);
    CHECK(SYS(semctl, id, 0, SETALL, BAD), -EFAULT);
    values[1] = 32768;
    CHECK(SYS(semctl, id, 0, SETALL, values), -ERANGE);
    CHECK(SYS(semctl, id, 0, 77, 0), -EINVAL);
    CHECK(SYS(semctl, -1, 0, GETVAL, 0), -EINVAL);
    end(id);
}

CASE(operations)
{
    struct sembuf two[2] = { { 0, -1, IPC_NOWAIT }, { 1, 1, IPC_NOWAIT } };
    int id = set(2);
    CHECK(SYS(semop, id, two, 2), -EAGAIN);
    CHECK(value(id, 1), 0);
    CHECK(operate(id, 0, 2, 0), 0);
    CHECK(SYS(semop, id, two, 2), 0);
    CHECK(value(id, 0), 1);
    CHECK(value(id, 1), 1);
    CHECK(operate(id, 1, 0, IPC_NOWAIT), -EAGAIN);
    CHECK(operate(id, 1, -1, 0), 0);
    CHECK(operate(id, 1, 0, 0), 0);
    CHECK(operate(id, 0, 32767, 0), -ERANGE);
    CHECK(value(id, 0), 1);
    end(id);
}

CASE(errors)
{
    struct sembuf many[501] = { 0 };
    int id = set(2);
    CHECK(operate(id, 2, 1, 0), -EFBIG);
    CHECK(operate_timed(id, 2, 1, 0), -EFBIG);
    CHECK(operate_timed(id, 0, 32767, 0), 0);
    CHECK(operate_timed(id, 0, 1, 0), -ERANGE);
    CHECK(SYS(semtimedop, id, many, 501, NULL), -E2BIG);
    NEED(SYS(semctl, id, 0, SETVAL, 0));
    CHECK(SYS(semop, id, many, 0), -EINVAL);
    CHECK(SYS(semop, id, many, 501), -E2BIG);
    CHECK(SYS(semop, id, many, 500), 0);
    CHECK(SYS(semop, id, BAD, 1), -EFAULT);
    CHECK(SYS(semop, -1, many, 1), -EINVAL);
    CHECK(SYS(semtimedop, id, many, 1, BAD), -EFAULT);
    struct timespec wrong = { 0, 1000000000 };
    CHECK(SYS(semtimedop, id, many, 1, &wrong), -EINVAL);
    end(id);
    CHECK(operate(id, 0, 1, 0), -EINVAL);
    CHECK(semget(IPC_PRIVATE, 0, IPC_CREAT), -EINVAL);
    CHECK(semget(IPC_PRIVATE, -1, IPC_CREAT), -EINVAL);
    CHECK(semget(IPC_PRIVATE, 32001, IPC_CREAT), -EINVAL);
}

CASE(by_key)
{
    int key = 0x51000 + getpid();
    CHECK(semget(key, 2, 0), -ENOENT);
    int id = NEED(semget(key, 2, IPC_CREAT | 0600));
    CHECK_TRUE(semget(key, 2, IPC_CREAT) == id);
    CHECK_TRUE(semget(key, 0, 0) == id);
    CHECK(semget(key, 3, 0), -EINVAL);
    CHECK(semget(key, 2, IPC_CREAT | IPC_EXCL), -EEXIST);
    end(id);
    CHECK(semget(key, 2, 0), -ENOENT);
}

CASE(waiting)
{
    int id = set(1);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(operate(id, 0, -2, 0), 0);
        check_exit();
    }
    check_wait_asleep(child);
    CHECK(SYS(semctl, id, 0, GETNCNT, 0), 1);
    CHECK(SYS(semctl, id, 0, GETZCNT, 0), 0);
    CHECK(operate(id, 0, 1, 0), 0);
    check_wait_asleep(child);
    NEED(operate(id, 0, 1, 0));
    check_join(child);
    CHECK(value(id, 0), 0);
    CHECK_TRUE(SYS(semctl, id, 0, GETPID, 0) == child);
    CHECK(SYS(semctl, id, 0, GETNCNT, 0), 0);
    end(id);
}

CASE(waiting_for_zero)
{
    int id = set(1);
    NEED(operate(id, 0, 1, 0));
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(operate(id, 0, 0, 0), 0);
        check_exit();
    }
    check_wait_asleep(child);
    CHECK(SYS(semctl, id, 0, GETZCNT, 0), 1);
    NEED(SYS(semctl, id, 0, SETVAL, 0));
    check_join(child);
    end(id);
}

CASE(removed_while_waiting)
{
    int id = set(1);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(operate(id, 0, -1, 0), -EIDRM);
        check_exit();
    }
    check_wait_asleep(child);
    end(id);
    check_join(child);
    id = set(1);
    child = check_fork();
    if (child == 0) {
        CHECK(operate_timed(id, 0, -1, 0), -EIDRM);
        check_exit();
    }
    check_wait_asleep(child);
    end(id);
    check_join(child);
}

CASE(until)
{
    struct sembuf one = { 0, -1, 0 };
    struct timespec soon = { 0, 20000000 };
    int id = set(1);
    long before = check_now();
    CHECK(SYS(semtimedop, id, &one, 1, &soon), -EAGAIN);
    CHECK_TRUE(check_now() - before >= 20);
    NEED(operate(id, 0, 1, 0));
    CHECK(SYS(semtimedop, id, &one, 1, &soon), 0);
    end(id);
}

CASE(interrupted)
{
    int id = set(1);
    INTERRUPTED
    {
        CHECK(operate(id, 0, -1, 0), -EINTR);
    }
    INTERRUPTED
    {
        CHECK(operate_timed(id, 0, -1, 0), -EINTR);
    }
    CHECK(SYS(semctl, id, 0, GETNCNT, 0), 0);
    end(id);
}

// What a process that ends had taken comes back, and what it gave goes.
CASE(undone)
{
    int id = set(2);
    NEED(operate(id, 0, 5, 0));
    IN_CHILD
    {
        CHECK(operate(id, 0, -2, SEM_UNDO), 0);
        CHECK(operate(id, 0, -1, SEM_UNDO), 0);
        CHECK(operate(id, 1, 4, SEM_UNDO), 0);
        CHECK(operate(id, 1, -1, 0), 0);
        CHECK(value(id, 0), 2);
    }
    CHECK(value(id, 0), 5);
    CHECK(value(id, 1), 0);
    IN_CHILD
    {
        CHECK(operate(id, 0, -2, SEM_UNDO), 0);
        CHECK(SYS(semctl, id, 0, SETVAL, 9), 0);
    }
    CHECK(value(id, 0), 9);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(operate(id, 0, -9, SEM_UNDO), 0);
        if (fork() == 0) {
            _exit(0);  // takes nothing back
        }
        wait(NULL);
        CHECK(value(id, 0), 0);
        check_exit();
    }
    check_join(child);
    CHECK(value(id, 0), 9);
    end(id);
}

CASE(about)
{
    struct semid_ds state;
    time_t before = time(NULL) - 1;
    int id = set(3);
    CHECK(SYS(semctl, id, 0, IPC_STAT, &state), 0);
    CHECK(state.sem_nsems, 3);
    CHECK_TRUE(state.sem_ctime >= before && state.sem_otime == 0);
    CHECK(state.sem_perm.mode, 0600);
    NEED(operate(id, 0, 1, 0));
    state.sem_perm.mode = 0640;
    CHECK(SYS(semctl, id, 0, IPC_SET, &state), 0);
    CHECK(SYS(semctl, id, 0, IPC_STAT, &state), 0);
    CHECK(state.sem_perm.mode, 0640);
    CHECK_TRUE(state.sem_otime >= before);
    CHECK(SYS(semctl, id, 0, IPC_STAT, BAD), -EFAULT);
    CHECK_TRUE(SYS(semctl, id & 0x7fff, 0, SEM_STAT, &state) == id);
    struct seminfo info;
    CHECK_TRUE(SYS(semctl, 0, 0, IPC_INFO, &info) >= 0);
    CHECK(info.semvmx, 32767);
    CHECK_TRUE(SYS(semctl, 0, 0, SEM_INFO, &info) >= 0);
    CHECK_TRUE(info.semusz >= 1 && info.semaem >= 3);
    end(id);
}

CASE(of_others)
{
    if (check_is_root()) {
        int key = 0x51000 + getpid();
        int id = NEED(semget(key, 1, IPC_CREAT | 0604));
        AS_NOBODY
        {
            CHECK(value(id, 0), 0);
            CHECK(operate(id, 0, 0, 0), 0);
            CHECK(operate(id, 0, 1, 0), -EACCES);
            CHECK(operate_timed(id, 0, 1, 0), -EACCES);
            CHECK(semget(key, 1, 0600), -EACCES);
            CHECK(SYS(semctl, id, 0, SETVAL, 1), -EACCES);
            CHECK(SYS(semctl, id, 0, IPC_RMID, 0), -EPERM);
        }
        end(id);
    }
}

// In a namespace of its own where there is one: nobody else's calls find the table full.
CASE(too_many)
{
    static int ids[SETS_MOST];
    int count = 0;
    if (check_is_root()) {
        (void)!unshare(CLONE_NEWIPC);
        while (count < SETS_MOST && (ids[count] = semget(IPC_PRIVATE, 1, 0600)) >= 0) {
            count++;
        }
        CHECK(count, SETS_MOST);
        CHECK(semget(IPC_PRIVATE, 1, 0600), -ENOSPC);
        while (count-- > 0) {
            end(ids[count]);
        }
    }
}
