// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Rounds of hostile processes, and what is to hold whatever they do: the work beside them comes to
// its results, they can be ended, and then there is as much memory as before.
//     calls SEED CALLS     so many in all, give or take
// It ends every other process, so it runs on Pith only.
#include "hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdio.h>
#include <stdlib.h>

#define WORKERS   4
#define PROCESSES 24   // in a round
#define CALLS     500  // of a thread
#define STUCK     5    // looks without a call
#define FIRST_UID 20000
#define PLACE     "/hostile"
#define QUEUES    "/queues"
#define IPC_MOST  600  // places of a table of System V objects
#define NO_ROUND  3    // rounds in which what is kept for ever comes to be

static volatile uint64_t *progress;  // one for each worker

struct worker {
    uint64_t seen;
    pid_t pid;
    unsigned still;
};
static struct worker workers[WORKERS];

// ---- the place ---------------------------------------------------------------------------------
// A tree of their own, which goes with all that is in it.
static bool place_make(void)
{
    static const char *const directories[] = { "/proc", "/dev", "/tmp" };
    (void)mkdir(PLACE, 0755);
    bool good = mount("tmpfs", PLACE, "tmpfs", 0, "size=8m") == 0;
    for (unsigned i = 0; i < 3; i++) {
        char path[40];
        (void)snprintf(path, sizeof(path), "%s%s", PLACE, directories[i]);
        good &= mkdir(path, 01777) == 0 && chmod(path, 01777) == 0;
    }
    good &= mount("proc", PLACE "/proc", "proc", 0, NULL) == 0;
    return good && mount("/dev", PLACE "/dev", NULL, MS_BIND, NULL) == 0;
}

static void place_end(void)
{
    while (umount2(PLACE, MNT_DETACH) == 0) {}
}

// What is no file of theirs and outlives whoever made it.
static void ipc_end(void)
{
    union {
        struct shmid_ds segment;
        struct msqid_ds queue;
        struct semid_ds set;
    } is;
    for (int i = 0; i < IPC_MOST; i++) {
        int segment = shmctl(i, SHM_STAT, &is.segment), queue = msgctl(i, MSG_STAT, &is.queue);
        int set = semctl(i, 0, SEM_STAT, &is.set);
        (void)(segment >= 0 && shmctl(segment, IPC_RMID, NULL));
        (void)(queue >= 0 && msgctl(queue, IPC_RMID, NULL));
        (void)(set >= 0 && semctl(set, 0, IPC_RMID));
    }
    (void)mkdir(QUEUES, 0700);
    (void)mount("mqueue", QUEUES, "mqueue", 0, NULL);
    DIR *queues = opendir(QUEUES);
    for (struct dirent *at = queues ? readdir(queues) : NULL; at; at = readdir(queues)) {
        char name[300];
        (void)snprintf(name, sizeof(name), "/%s", at->d_name);
        (void)mq_unlink(name);
    }
    if (queues) {
        (void)closedir(queues);
    }
    (void)umount2(QUEUES, MNT_DETACH);
}

// ---- workers -----------------------------------------------------------------------------------
static void limit(int which, rlim_t most)
{
    const struct rlimit limit = { most, most };
    (void)setrlimit((__rlimit_resource_t)which, &limit);
}

// A user of its own; some keep what power there is that does not reach the one who judges.
static void privileges_drop(uid_t uid, bool all)
{
    static const unsigned kept = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
                                 1u << CAP_FSETID | 1u << CAP_SYS_ADMIN | 1u << CAP_SYS_NICE |
                                 1u << CAP_MKNOD | 1u << CAP_SYS_TIME | 1u << CAP_LINUX_IMMUTABLE;
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct sets[2] = { { kept, kept, 0 }, { 0, 0, 0 } };
    (void)prctl(PR_SET_KEEPCAPS, all ? 0 : 1, 0, 0, 0);
    if (syscall(SYS_setgroups, 0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) {
        _exit(1);
    }
    if (!all) {
        (void)syscall(SYS_capset, &header, sets);
    }
}

__attribute__((noreturn)) static void worker_begin(unsigned slot, uint64_t seed)
{
    char name[20];
    (void)snprintf(name, sizeof(name), "tmp/%lu", (unsigned long)seed % 100000);
    limit(RLIMIT_AS, 48ul << 20);
    limit(RLIMIT_NOFILE, 80);
    limit(RLIMIT_NPROC, 12);
    limit(RLIMIT_FSIZE, 1 << 20);
    if (chroot(PLACE) || chdir("/") || mkdir(name, 0777) || chmod(name, 0777) || chdir(name)) {
        _exit(1);
    }
    (void)setsid();
    privileges_drop(FIRST_UID + (uid_t)slot, seed % 3);
    attack(seed, CALLS, &progress[slot]);
}

static void worker_start(unsigned slot, uint64_t seed)
{
    workers[slot] = (struct worker){ .seen = progress[slot] };
    workers[slot].pid = fork();
    if (workers[slot].pid == 0) {
        worker_begin(slot, seed);
    }
}

// One that waits for what never comes has done enough.
static void worker_look(struct worker *worker, uint64_t done)
{
    worker->still = done == worker->seen ? worker->still + 1 : 0;
    worker->seen = done;
    if (worker->pid > 0 && worker->still > STUCK) {
        (void)kill(worker->pid, SIGKILL);
    }
}

// All that have ended, also those of whom this one is the parent because theirs are gone.
static void reap(void)
{
    for (pid_t pid = 1; pid > 0;) {
        pid = waitpid(-1, NULL, WNOHANG | __WALL);
        for (unsigned i = 0; i < WORKERS; i++) {
            workers[i].pid = workers[i].pid == pid ? 0 : workers[i].pid;
        }
    }
}

// ---- rounds ------------------------------------------------------------------------------------
static bool round_work(uint64_t seed)
{
    bool good = true;
    unsigned started = 0, looks = 0;
    for (bool some = true; some && good; looks++) {
        some = false;
        reap();
        for (unsigned i = 0; i < WORKERS; i++) {
            if (!workers[i].pid && started < PROCESSES) {
                worker_start(i, seed + started++);
            }
            some |= workers[i].pid > 0;
            worker_look(&workers[i], progress[i]);
        }
        good = sane_work(looks);
        judge_pause();
    }
    return good;
}

static uint64_t calls_made(void)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        count += progress[i];
    }
    return count;
}

static bool round_run(unsigned number, uint64_t seed)
{
    static unsigned long before;
    unsigned own = judge_processes();
    if (!place_make()) {
        judge_say("WRONG: no place\n");
        return false;
    }
    bool good = round_work(seed);
    good &= judge_all_end(own);
    memset(workers, 0, sizeof(workers));
    place_end();
    ipc_end();
    good &= sane_work(number);  // sockets that only others' messages hold go with the next one
    unsigned long after = judge_memory_free();
    if (number <= NO_ROUND) {
        before = after;
    }
    good &= judge_memory_same(before, after);
    return good;
}

int main(int argc, char **argv)
{
    if (argc != 3 || !judge_is_pith()) {
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10), calls = strtoull(argv[2], NULL, 10);
    progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    (void)chdir("/tmp");
    for (unsigned round = 1; calls_made() < calls; round++) {
        if (!round_run(round, seed + (uint64_t)round * PROCESSES)) {
            return 1;
        }
        judge_say("round %u: %lu calls\n", round, (unsigned long)calls_made());
    }
    return 0;
}
