// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// A table of each kind.  A number is a place and a count, so that one that was removed is not
// mistaken for the next one at its place.
#include "sysv.h"

#include "attribute.h"
#include "capability.h"
#include "clock.h"
#include "heap.h"

#include <rt/string.h>

#define PLACE_BITS 15u
#define PLACE_MASK ((1u << PLACE_BITS) - 1)
#define ROOM_FIRST 16u
#define SEQUENCES  0xffffu

int64_t sysv_now(void)
{
    return clock_real().seconds;
}

struct sysv_object *sysv_at(const struct sysv_table *table, uint32_t place)
{
    return place < table->used ? table->at[place] : NULL;
}

struct sysv_object *sysv_find(const struct sysv_table *table, int32_t id)
{
    struct sysv_object *object = id < 0 ? NULL : sysv_at(table, (uint32_t)id & PLACE_MASK);
    return object && object->id == (uint32_t)id ? object : NULL;
}

static struct sysv_object *key_find(const struct sysv_table *table, int32_t key)
{
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->at[i] && table->at[i]->key == key) {
            return table->at[i];
        }
    }
    return NULL;
}

int64_t sysv_get(const struct task *task, const struct sysv_table *table, int32_t key,
                 uint32_t flags, struct sysv_object **found)
{
    *found = key == IPC_PRIVATE ? NULL : key_find(table, key);
    if (!*found) {
        return key == IPC_PRIVATE || flags & IPC_CREAT ? 0 : -ENOENT;
    }
    if (flags & IPC_CREAT && flags & IPC_EXCL) {
        return -EEXIST;
    }
    uint32_t wanted = (flags >> 6 | flags >> 3 | flags) & 7;
    int64_t error = sysv_permits(task, *found, wanted);
    return error ? error : (int64_t)(*found)->id;
}

static bool room_make(struct sysv_table *table)
{
    uint32_t room = table->room ? table->room * 2 : ROOM_FIRST;
    if (table->used < table->room) {
        return true;
    }
    // NOLINTNEXTLINE(bugprone-sizeof-expression): pointers they are
    struct sysv_object **at = heap_alloc(room * sizeof(*at));
    if (!at) {
        return false;
    }
    if (table->at) {
        // NOLINTNEXTLINE(bugprone-sizeof-expression): likewise
        memcpy(at, table->at, table->used * sizeof(*at));
    }
    heap_free(table->at);
    table->at = at;
    table->room = room;
    return true;
}

static uint32_t place_free(const struct sysv_table *table)
{
    uint32_t place = table->first;
    while (place < table->used && table->at[place]) {
        place++;
    }
    return place;
}

int64_t sysv_add(const struct task *task, struct sysv_table *table, struct sysv_object *object,
                 int32_t key, uint32_t flags)
{
    uint32_t place = place_free(table);
    if (table->count == SYSV_MOST) {
        return -ENOSPC;
    }
    if (place == table->used && !room_make(table)) {
        return -ENOMEM;
    }
    table->used += place == table->used;
    table->at[place] = object;
    table->first = place + 1;
    table->count++;
    object->id = (uint32_t)table->sequence << PLACE_BITS | place;
    object->key = key;
    object->mode = flags & 0777;
    object->uid = object->creator_uid = task->credentials.euid;
    object->gid = object->creator_gid = task->credentials.egid;
    object->changed = sysv_now();
    return object->id;
}

void sysv_remove(struct sysv_table *table, const struct sysv_object *object)
{
    uint32_t place = object->id & PLACE_MASK;
    table->at[place] = NULL;
    table->first = place < table->first ? place : table->first;
    table->count--;
    table->sequence = (uint16_t)((table->sequence + 1) % SEQUENCES);
}

// ---- who may -----------------------------------------------------------------------------------
int64_t sysv_permits(const struct task *task, const struct sysv_object *object, uint32_t wanted)
{
    uint32_t euid = task->credentials.euid, mode = object->mode;
    if (euid == object->creator_uid || euid == object->uid) {
        mode >>= 6;
    } else if (inode_in_group(task, object->creator_gid) || inode_in_group(task, object->gid)) {
        mode >>= 3;
    }
    return wanted & ~mode & 7 && !task_capable(task, CAP_IPC_OWNER) ? -EACCES : 0;
}

int64_t sysv_look(const struct task *task, const struct sysv_table *table, int32_t id,
                  bool by_number, bool any, struct sysv_object **found)
{
    *found = by_number ? sysv_find(table, id) : id < 0 ? NULL : sysv_at(table, (uint32_t)id);
    return !*found ? -EINVAL : any ? 0 : sysv_permits(task, *found, SYSV_READ);
}

int64_t sysv_owned(const struct task *task, const struct sysv_object *object)
{
    uint32_t euid = task->credentials.euid;
    return euid == object->creator_uid || euid == object->uid || task_capable(task, CAP_SYS_ADMIN)
               ? 0
               : -EPERM;
}

void sysv_show(const struct sysv_object *object, struct sysv_shown *to)
{
    *to = (struct sysv_shown){ .key = object->key,
                               .uid = object->uid,
                               .gid = object->gid,
                               .creator_uid = object->creator_uid,
                               .creator_gid = object->creator_gid,
                               .mode = object->mode,
                               .sequence = (uint16_t)(object->id >> PLACE_BITS) };
}

int64_t sysv_change(const struct task *task, struct sysv_object *object,
                    const struct sysv_shown *from)
{
    int64_t error = sysv_owned(task, object);
    if (error) {
        return error;
    }
    object->uid = from->uid;
    object->gid = from->gid;
    object->mode = (object->mode & ~0777u) | (from->mode & 0777);
    object->changed = sysv_now();
    return 0;
}
