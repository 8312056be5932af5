// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Shared memory of System V: shmget(2), shmat(2), shmdt(2), shmctl(2).
#include "check.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define PAGE          4096ul
#define SEGMENTS_MOST 4096  // on the system

static int segment(size_t bytes)
{
    return NEED(shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600));
}

static char *attached(int id)
{
    return NEED_MEMORY(shmat(id, NULL, 0));
}

static struct shmid_ds state(int id)
{
    struct shmid_ds about;
    NEED(shmctl(id, IPC_STAT, &about));
    return about;
}

CASE(shared_with_child)
{
    int id = segment(2 * PAGE);
    char *at = attached(id);
    CHECK(at[0], 0);
    IN_CHILD
    {
        at[PAGE] = 'x';
        CHECK(state(id).shm_nattch, 2);
    }
    CHECK(at[PAGE], 'x');
    CHECK(state(id).shm_nattch, 1);
    CHECK(shmdt(at), 0);
    CHECK(state(id).shm_nattch, 0);
    CHECK(shmctl(id, IPC_RMID, NULL), 0);
}

CASE(attached_twice)
{
    int id = segment(100);
    char *one = attached(id);
    char *other = attached(id);
    CHECK_TRUE(one != other);
    one[99] = 'y';
    CHECK(other[99], 'y');
    CHECK(state(id).shm_nattch, 2);
    NEED(shmdt(one));
    CHECK(other[99], 'y');
    NEED(shmctl(id, IPC_RMID, NULL));
    NEED(shmdt(other));
}

CASE(by_key)
{
    int key = 0x50000 + getpid();
    CHECK(shmget(key, 100, 0), -ENOENT);
    int id = NEED(shmget(key, 100, IPC_CREAT | 0600));
    CHECK_TRUE(shmget(key, 100, IPC_CREAT | 0600) == id);
    CHECK_TRUE(shmget(key, 0, 0) == id);
    CHECK(shmget(key, 100, IPC_CREAT | IPC_EXCL), -EEXIST);
    CHECK(shmget(key, 101, 0), -EINVAL);
    int other = segment(100);
    CHECK_TRUE(other != id);
    NEED(shmctl(other, IPC_RMID, NULL));
    NEED(shmctl(id, IPC_RMID, NULL));
    CHECK(shmget(key, 100, 0), -ENOENT);
    CHECK(shmctl(id, IPC_RMID, NULL), -EINVAL);
    CHECK(shmat(id, NULL, 0), -EINVAL);
}

// What is attached stays, under its number only, until nobody has it.
CASE(removed_while_attached)
{
    int key = 0x50000 + getpid();
    int id = NEED(shmget(key, 100, IPC_CREAT | 0600));
    char *at = attached(id);
    at[0] = 'z';
    CHECK(shmctl(id, IPC_RMID, NULL), 0);
    CHECK(shmctl(id, IPC_RMID, NULL), 0);
    CHECK(shmget(key, 100, 0), -ENOENT);
    struct shmid_ds about = state(id);
    CHECK(about.shm_perm.mode, SHM_DEST | 0600);
    CHECK(about.shm_perm.__key, 0);
    char *other = attached(id);
    CHECK(other[0], 'z');
    NEED(shmdt(other));
    NEED(shmdt(at));
    CHECK(shmctl(id, IPC_STAT, &about), -EINVAL);
}

static void attach_and_end(void)
{
    int id = segment(100);
    attached(id);
    NEED(shmctl(id, IPC_RMID, NULL));
    _exit(id & 0x7f);
}

CASE(removed_by_end)
{
    struct shmid_ds about;
    int ends[2];
    int id = 0;
    NEED(pipe(ends));
    pid_t child = NEED(fork());
    if (child == 0) {
        id = segment(100);
        attached(id);
        NEED(shmctl(id, IPC_RMID, NULL));
        NEED(write(ends[1], &id, sizeof(id)));
        _exit(0);
    }
    NEED(waitpid(child, NULL, 0));
    NEED(read(ends[0], &id, sizeof(id)));
    CHECK(shmctl(id, IPC_STAT, &about), -EINVAL);
    CHECK_TRUE(WIFEXITED(check_status(attach_and_end)));
}

CASE(places)
{
    int id = segment(PAGE);
    char *hole = NEED_MEMORY(mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(shmat(id, hole, 0), -EINVAL);
    CHECK_TRUE(shmat(id, hole, SHM_REMAP) == hole);
    NEED(munmap(hole, 4 * PAGE));
    CHECK(shmat(id, hole + 1, 0), -EINVAL);
    CHECK_TRUE(shmat(id, hole + 1, SHM_RND) == hole);
    CHECK(shmdt(hole + 1), -EINVAL);
    CHECK(shmdt(hole), 0);
    CHECK(shmdt(hole), -EINVAL);
    CHECK(shmat(id, NULL, SHM_REMAP), -EINVAL);
    NEED(shmctl(id, IPC_RMID, NULL));
}

static int removed;

static void write_read_only(void)
{
    char *at = NEED_MEMORY(shmat(removed, NULL, SHM_RDONLY));
    at[0] = 'x';
}

CASE(read_only)
{
    removed = segment(PAGE);
    char *at = NEED_MEMORY(shmat(removed, NULL, SHM_RDONLY));
    CHECK(at[0], 0);
    CHECK(mprotect(at, PAGE, PROT_READ | PROT_WRITE), -EACCES);
    CHECK(check_status(write_read_only), SIGSEGV);
    NEED(shmctl(removed, IPC_RMID, NULL));
}

CASE(about)
{
    time_t before = time(NULL) - 1;
    int id = segment(5000);
    struct shmid_ds about = state(id);
    CHECK(about.shm_segsz, 5000);
    CHECK_TRUE(about.shm_cpid == getpid() && about.shm_lpid == 0);
    CHECK_TRUE(about.shm_ctime >= before && about.shm_atime == 0 && about.shm_dtime == 0);
    CHECK(about.shm_perm.mode, 0600);
    CHECK_TRUE(about.shm_perm.uid == geteuid() && about.shm_perm.cgid == getegid());
    NEED(shmdt(attached(id)));
    about = state(id);
    CHECK_TRUE(about.shm_atime >= before && about.shm_dtime >= before);
    CHECK_TRUE(about.shm_lpid == getpid());
    about.shm_perm.mode = 0644;
    CHECK(shmctl(id, IPC_SET, &about), 0);
    CHECK(state(id).shm_perm.mode, 0644);
    CHECK(SYS(shmctl, id, IPC_STAT, BAD), -EFAULT);
    CHECK(SYS(shmctl, id, IPC_SET, BAD), -EFAULT);
    CHECK(shmctl(id, 77, &about), -EINVAL);
    CHECK(shmctl(-1, IPC_STAT, &about), -EINVAL);
    CHECK(shmctl(id, SHM_LOCK, NULL), 0);
    CHECK(state(id).shm_perm.mode, SHM_LOCKED | 0644);
    CHECK(shmctl(id, SHM_UNLOCK, NULL), 0);
    NEED(shmctl(id, IPC_RMID, NULL));
}

CASE(sizes)
{
    CHECK(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), -EINVAL);
    CHECK(shmget(IPC_PRIVATE, (size_t)-1, IPC_CREAT | 0600), -EINVAL);
    int id = segment(1);
    char *at = attached(id);
    at[4095] = 'x';
    CHECK(at[4095], 'x');
    NEED(shmctl(id, IPC_RMID, NULL));
}

CASE(of_others)
{
    if (check_is_root()) {
        int key = 0x50000 + getpid();
        struct shmid_ds about;
        int id = NEED(shmget(key, 100, IPC_CREAT | 0604));
        AS_NOBODY
        {
            CHECK(shmat(id, NULL, 0), -EACCES);
            CHECK_TRUE(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
            CHECK(shmget(key, 100, 0600), -EACCES);
            CHECK_TRUE(shmget(key, 100, 0) == id);
            CHECK(shmctl(id, IPC_STAT, &about), 0);
            CHECK(shmctl(id, IPC_SET, &about), -EPERM);
            CHECK(shmctl(id, IPC_RMID, NULL), -EPERM);
            CHECK(shmctl(id, SHM_LOCK, NULL), -EPERM);
        }
        about = state(id);
        about.shm_perm.mode = 0600;
        NEED(shmctl(id, IPC_SET, &about));
        AS_NOBODY
        {
            CHECK(shmctl(id, IPC_STAT, &about), -EACCES);
        }
        about.shm_perm.uid = CHECK_NOBODY;
        NEED(shmctl(id, IPC_SET, &about));
        AS_NOBODY
        {
            CHECK(shmctl(id, IPC_RMID, NULL), 0);
        }
    }
}

CASE(listed)
{
    static char text[65536];
    char wanted[64];
    int id = segment(12345);
    snprintf(wanted, sizeof(wanted), " %d ", id);
    int file = NEED(open("/proc/sysvipc/shm", O_RDONLY));
    size_t length = 0;
    // A read gives a page at most, and others may have segments too.
    for (ssize_t got; (got = NEED(read(file, text + length, sizeof(text) - 1 - length))) > 0;) {
        length += (size_t)got;
    }
    text[length] = 0;
    CHECK_TRUE(strstr(text, wanted) != NULL);
    CHECK_TRUE(strstr(text, " 12345 ") != NULL);
    struct shm_info info;
    CHECK_TRUE(shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) >= 0);
    CHECK_TRUE(info.used_ids >= 1);
    struct shminfo limits;
    CHECK_TRUE(shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&limits) >= 0);
    CHECK(limits.shmmin, 1);
    CHECK(limits.shmmni, 4096);
    struct shmid_ds about;
    CHECK_TRUE(shmctl(id & 0x7fff, SHM_STAT, &about) == id);
    NEED(shmctl(id, IPC_RMID, NULL));
}

CASE(not_over_exec)
{
    int id = segment(100);
    attached(id);
    pid_t child = NEED(fork());
    if (child == 0) {
        execl(check_program, "program", "--list", (char *)NULL);
        _exit(99);
    }
    NEED(waitpid(child, NULL, 0));
    CHECK(state(id).shm_nattch, 1);
    NEED(shmctl(id, IPC_RMID, NULL));
}

// In a namespace of its own where there is one: nobody else's calls find the table full.
CASE(too_many)
{
    static int ids[SEGMENTS_MOST];
    int count = 0;
    if (check_is_root()) {
        (void)!unshare(CLONE_NEWIPC);
        while (count < SEGMENTS_MOST && (ids[count] = shmget(IPC_PRIVATE, 1, 0600)) >= 0) {
            count++;
        }
        CHECK(count, SEGMENTS_MOST);
        CHECK(shmget(IPC_PRIVATE, 1, 0600), -ENOSPC);
        while (count-- > 0) {
            NEED(shmctl(ids[count], IPC_RMID, NULL));
        }
    }
}
