// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Message queues of System V: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#include "check.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <time.h>

#define QUEUES_MOST 32000  // on the system

static struct {
    long type;
    char text[8192];
} message;

static int queue(void)
{
    return NEED(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
}

static long put(int id, long type, const char *text)
{
    message.type = type;
    memset(message.text, 0, 16);
    memcpy(message.text, text, strlen(text));
    return SYS(msgsnd, id, &message, strlen(text), IPC_NOWAIT);
}

static long take(int id, long type, int flags)
{
    memset(&message, 0, 32);
    return SYS(msgrcv, id, &message, sizeof(message.text), type, flags | IPC_NOWAIT);
}

static void end(int id)
{
    NEED(msgctl(id, IPC_RMID, NULL));
}

CASE(in_order)
{
    int id = queue();
    CHECK(take(id, 0, 0), -ENOMSG);
    CHECK(put(id, 3, "one"), 0);
    CHECK(put(id, 1, "three"), 0);
    CHECK(take(id, 0, 0), 3);
    CHECK(message.type, 3);
    CHECK_TEXT(message.text, "one");
    CHECK(take(id, 0, 0), 5);
    CHECK_TEXT(message.text, "three");
    CHECK(put(id, 1, ""), 0);
    CHECK(take(id, 0, 0), 0);
    end(id);
}

CASE(by_type)
{
    int id = queue();
    NEED(put(id, 5, "a"));
    NEED(put(id, 2, "b"));
    NEED(put(id, 4, "c"));
    NEED(put(id, 2, "d"));
    CHECK(take(id, 4, 0), 1);
    CHECK_TEXT(message.text, "c");
    CHECK(take(id, 7, 0), -ENOMSG);
    CHECK(take(id, -1, 0), -ENOMSG);
    CHECK(take(id, -5, 0), 1);
    CHECK_TEXT(message.text, "b");
    CHECK(take(id, 5, MSG_EXCEPT), 1);
    CHECK_TEXT(message.text, "d");
    CHECK(take(id, 5, MSG_EXCEPT), -ENOMSG);
    CHECK(take(id, -5, 0), 1);
    CHECK_TEXT(message.text, "a");
    end(id);
}

// By its place, and it stays; Linux may have been built without.
CASE(copied)
{
    int id = queue();
    NEED(put(id, 1, "one"));
    CHECK_TRUE(SYS(msgrcv, id, &message, 10, 0, MSG_COPY | IPC_NOWAIT) == 3 || errno == ENOSYS);
    CHECK(take(id, 0, 0), 3);
    end(id);
}

CASE(too_long)
{
    int id = queue();
    NEED(put(id, 1, "abcdef"));
    CHECK(SYS(msgrcv, id, &message, 3, 0, IPC_NOWAIT), -E2BIG);
    memset(&message, 0, sizeof(message));
    CHECK(SYS(msgrcv, id, &message, 3, 0, IPC_NOWAIT | MSG_NOERROR), 3);
    CHECK_TEXT(message.text, "abc");
    CHECK(take(id, 0, 0), -ENOMSG);
    message.type = 1;
    CHECK(SYS(msgsnd, id, &message, 8192, 0), 0);
    CHECK(SYS(msgsnd, id, &message, 8193, 0), -EINVAL);
    end(id);
}

CASE(errors)
{
    int id = queue();
    CHECK(put(id, 0, "x"), -EINVAL);
    CHECK(put(id, -1, "x"), -EINVAL);
    CHECK(put(-1, 1, "x"), -EINVAL);
    CHECK(SYS(msgsnd, id, BAD, 1, 0), -EFAULT);
    CHECK(SYS(msgsnd, id, &message, -1l, 0), -EINVAL);
    CHECK(SYS(msgrcv, id, &message, -1l, 0, 0), -EINVAL);
    CHECK(SYS(msgrcv, -1, &message, 1, 0, 0), -EINVAL);
    NEED(put(id, 1, "x"));
    CHECK(SYS(msgrcv, id, BAD, 10, 0, IPC_NOWAIT), -EFAULT);
    CHECK(msgctl(id, 77, NULL), -EINVAL);
    CHECK(SYS(msgctl, id, IPC_STAT, BAD), -EFAULT);
    end(id);
    CHECK(put(id, 1, "x"), -EINVAL);
    CHECK(take(id, 0, 0), -EINVAL);
}

CASE(by_key)
{
    int key = 0x52000 + getpid();
    CHECK(msgget(key, 0), -ENOENT);
    int id = NEED(msgget(key, IPC_CREAT | 0600));
    CHECK_TRUE(msgget(key, 0) == id);
    CHECK(msgget(key, IPC_CREAT | IPC_EXCL), -EEXIST);
    end(id);
    CHECK(msgget(key, 0), -ENOENT);
}

CASE(full)
{
    int id = queue();
    message.type = 1;
    CHECK(SYS(msgsnd, id, &message, 8192, IPC_NOWAIT), 0);
    CHECK(SYS(msgsnd, id, &message, 8192, IPC_NOWAIT), 0);
    CHECK(SYS(msgsnd, id, &message, 1, IPC_NOWAIT), -EAGAIN);
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(SYS(msgsnd, id, &message, 100, 0), 0);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(take(id, 0, 0));
    check_join(child);
    CHECK(take(id, 0, 0), 8192);
    CHECK(take(id, 0, 0), 100);
    end(id);
}

CASE(waiting)
{
    int id = queue();
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(SYS(msgrcv, id, &message, 10, 2, 0), 3);
        CHECK_TEXT(message.text, "two");
        check_exit();
    }
    check_wait_asleep(child);
    NEED(put(id, 1, "one"));
    check_wait_asleep(child);
    NEED(put(id, 2, "two"));
    check_join(child);
    CHECK(take(id, 0, 0), 3);
    end(id);
}

// One that takes no more.
static int filled(void)
{
    int id = queue();
    message.type = 1;
    NEED(SYS(msgsnd, id, &message, 8192, IPC_NOWAIT));
    NEED(SYS(msgsnd, id, &message, 8192, IPC_NOWAIT));
    return id;
}

CASE(removed_while_waiting)
{
    int id = queue();
    pid_t child = check_fork();
    if (child == 0) {
        CHECK(SYS(msgrcv, id, &message, 10, 0, 0), -EIDRM);
        check_exit();
    }
    check_wait_asleep(child);
    end(id);
    check_join(child);
    id = filled();
    child = check_fork();
    if (child == 0) {
        CHECK(SYS(msgsnd, id, &message, 1, 0), -EIDRM);
        check_exit();
    }
    check_wait_asleep(child);
    end(id);
    check_join(child);
}

static void nothing(int number)
{
    (void)number;
}

CASE(interrupted)
{
    int id = queue();
    pid_t child = check_fork();
    if (child == 0) {
        struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
        NEED(sigaction(SIGUSR1, &action, NULL));
        CHECK(SYS(msgrcv, id, &message, 10, 0, 0), -EINTR);
        check_exit();
    }
    check_wait_asleep(child);
    NEED(kill(child, SIGUSR1));
    check_join(child);
    end(id);
    id = filled();
    INTERRUPTED
    {
        CHECK(SYS(msgsnd, id, &message, 1, 0), -EINTR);
    }
    end(id);
}

CASE(about)
{
    struct msqid_ds state;
    time_t before = time(NULL) - 1;
    int id = queue();
    NEED(put(id, 1, "abc"));
    CHECK(msgctl(id, IPC_STAT, &state), 0);
    CHECK(state.msg_qnum, 1);
    CHECK(state.__msg_cbytes, 3);
    CHECK(state.msg_qbytes, 16384);
    CHECK_TRUE(state.msg_lspid == getpid() && state.msg_lrpid == 0);
    CHECK_TRUE(state.msg_stime >= before && state.msg_rtime == 0 && state.msg_ctime >= before);
    CHECK(state.msg_perm.mode, 0600);
    state.msg_qbytes = 3;
    state.msg_perm.mode = 0644;
    CHECK(msgctl(id, IPC_SET, &state), 0);
    CHECK(put(id, 1, "d"), -EAGAIN);
    CHECK(take(id, 0, 0), 3);
    CHECK(msgctl(id, IPC_STAT, &state), 0);
    CHECK(state.msg_perm.mode, 0644);
    CHECK_TRUE(state.msg_rtime >= before && state.msg_lrpid == getpid());
    struct msginfo info;
    CHECK_TRUE(msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)&info) >= 0);
    CHECK(info.msgmax, 8192);
    CHECK_TRUE(msgctl(id & 0x7fff, MSG_STAT, &state) == id);
    end(id);
}

CASE(of_others)
{
    if (check_is_root()) {
        struct msqid_ds state;
        int key = 0x52000 + getpid();
        int id = NEED(msgget(key, IPC_CREAT | 0604));
        NEED(put(id, 1, "for you"));
        AS_NOBODY
        {
            CHECK(put(id, 1, "x"), -EACCES);
            CHECK(msgget(key, 0600), -EACCES);
            CHECK(take(id, 0, 0), 7);
            CHECK(msgctl(id, IPC_STAT, &state), 0);
            CHECK(msgctl(id, IPC_SET, &state), -EPERM);
            CHECK(msgctl(id, IPC_RMID, NULL), -EPERM);
        }
        NEED(msgctl(id, IPC_STAT, &state));
        state.msg_perm.mode = 0600;
        NEED(msgctl(id, IPC_SET, &state));
        AS_NOBODY
        {
            CHECK(take(id, 0, 0), -EACCES);
            CHECK(msgctl(id, IPC_STAT, &state), -EACCES);
        }
        state.msg_perm.uid = CHECK_NOBODY;
        NEED(msgctl(id, IPC_SET, &state));
        AS_NOBODY
        {
            CHECK(msgctl(id, IPC_STAT, &state), 0);
            state.msg_qbytes = 20000;
            CHECK(msgctl(id, IPC_SET, &state), -EPERM);
        }
        end(id);
    }
}

// In a namespace of its own where there is one: nobody else's calls find the table full.
CASE(too_many)
{
    static int ids[QUEUES_MOST];
    int count = 0;
    if (check_is_root()) {
        (void)!unshare(CLONE_NEWIPC);
        while (count < QUEUES_MOST && (ids[count] = msgget(IPC_PRIVATE, 0600)) >= 0) {
            count++;
        }
        CHECK(count, QUEUES_MOST);
        CHECK(msgget(IPC_PRIVATE, 0600), -ENOSPC);
        while (count-- > 0) {
            end(ids[count]);
        }
    }
}
