// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the three kinds of System V IPC have in common (sysvipc(7)): objects with a key and a
// number, their owners and permissions.
#pragma once

#include "task.h"

#define IPC_PRIVATE 0
#define IPC_CREAT   01000u
#define IPC_EXCL    02000u
#define IPC_NOWAIT  04000u

#define IPC_RMID 0
#define IPC_SET  1
#define IPC_STAT 2
#define IPC_INFO 3

// What may be asked of the permissions.
#define SYSV_READ  4u
#define SYSV_WRITE 2u

#define SYSV_MOST 32000u  // objects of a kind

// One object; a segment, a set, a queue begins with it.
struct sysv_object {
    uint32_t id;  // its place in the table, and above that how often the place was used before
    int32_t key;
    uint32_t uid, gid, creator_uid, creator_gid;
    uint32_t mode;
    int64_t changed;  // seconds of real time
};

struct sysv_table {
    struct sysv_object **at;
    uint32_t room, count;
    uint32_t used;   // places ever in use: none behind has one
    uint32_t first;  // no place before it is free
    uint16_t sequence;
};

// As processes see the owner and the rest (struct ipc64_perm).
struct sysv_shown {
    int32_t key;
    uint32_t uid, gid, creator_uid, creator_gid, mode;
    uint16_t sequence, padding;
    uint64_t spare[2];
};

// Find by key: a number, with *found; 0: a new one is to be made; -ENOENT, -EEXIST, -EACCES.
int64_t sysv_get(const struct task *task, const struct sysv_table *table, int32_t key,
                 uint32_t flags, struct sysv_object **found);
// Enter a new one, whose owner is the task: its number, or -ENOMEM, -ENOSPC.
int64_t sysv_add(const struct task *task, struct sysv_table *table, struct sysv_object *object,
                 int32_t key, uint32_t flags);
// Its number names nothing from now on.
void sysv_remove(struct sysv_table *table, const struct sysv_object *object);
// NULL: no object has the number.
struct sysv_object *sysv_find(const struct sysv_table *table, int32_t id);
// The one at a place, for *_STAT; NULL: nothing is there.
struct sysv_object *sysv_at(const struct sysv_table *table, uint32_t place);

// What a *_STAT command is about: by number, or by place; whether it can be read, unless anybody
// may ask.  0, -EINVAL, -EACCES.
int64_t sysv_look(const struct task *task, const struct sysv_table *table, int32_t id,
                  bool by_number, bool any, struct sysv_object **found);

// 0 or -EACCES.
int64_t sysv_permits(const struct task *task, const struct sysv_object *object, uint32_t wanted);
// Whether the task may remove or change it: 0 or -EPERM.
int64_t sysv_owned(const struct task *task, const struct sysv_object *object);
void sysv_show(const struct sysv_object *object, struct sysv_shown *to);
// IPC_SET: 0 or -EPERM.
int64_t sysv_change(const struct task *task, struct sysv_object *object,
                    const struct sysv_shown *from);
// The time, as these objects keep it.
int64_t sysv_now(void);

// Each in its order, as in /proc/sysvipc: the text of one, and of all.
struct text;
int64_t shm_show(struct text *text);
int64_t sem_show(struct text *text);
int64_t msg_show(struct text *text);

// sem.c: the process ends: what is to be undone is.
void sem_exit(struct process *process);
