// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Message queues of System V (msgget(2), msgop(2), msgctl(2)).
#include "call.h"
#include "capability.h"
#include "heap.h"
#include "proc.h"
#include "sysv.h"

#define MSG_STAT     11
#define MSG_INFO     12
#define MSG_STAT_ANY 13
#define MSG_NOERROR  010000u
#define MSG_EXCEPT   020000u
#define MSG_COPY     040000u

#define MESSAGE_MOST 8192u   // bytes of one
#define QUEUE_MOST   16384u  // of all in a queue, without privileges

struct message {
    struct list link;
    int64_t type;
    uint64_t bytes;
    char text[];
};

struct queue {
    struct sysv_object object;
    struct list messages;
    uint64_t count, bytes, most;
    int64_t sent, received;     // seconds of real time
    uint32_t sender, receiver;  // processes, the last ones
    struct waitlist readable, writable;
};

static struct sysv_table table;

static struct queue *queue_of(struct sysv_object *object)
{
    return CONTAINER(object, struct queue, object);
}

// For a call that may have waited: the queue, NULL with -EINVAL or -EIDRM in *error.
static struct queue *queue_of_call(const struct task *task, int32_t id, int64_t *error)
{
    struct sysv_object *object = sysv_find(&table, id);
    *error = object ? 0 : task->call.again ? -EIDRM : -EINVAL;
    return object ? queue_of(object) : NULL;
}

// ---- msgget ------------------------------------------------------------------------------------
static int64_t queue_make(const struct task *task, int32_t key, uint32_t flags)
{
    struct queue *queue = heap_alloc(sizeof(*queue));
    if (!queue) {
        return -ENOMEM;
    }
    list_init(&queue->messages);
    waitlist_init(&queue->readable);
    waitlist_init(&queue->writable);
    queue->most = QUEUE_MOST;
    int64_t id = sysv_add(task, &table, &queue->object, key, flags);
    if (id < 0) {
        heap_free(queue);
    }
    return id;
}

int64_t call_msgget(struct task *task, int32_t key, uint32_t flags)
{
    struct sysv_object *found = NULL;
    int64_t id = sysv_get(task, &table, key, flags, &found);
    return id < 0 || found ? id : queue_make(task, key, flags);
}

// ---- msgsnd ------------------------------------------------------------------------------------
static struct message *message_take(struct task *task, user_t from, uint64_t bytes, int64_t *error)
{
    int64_t type = 0;
    *error = user_read(task, &type, from, sizeof(type)) ? -EFAULT : type < 1 ? -EINVAL : 0;
    struct message *message = *error ? NULL : heap_alloc(sizeof(*message) + bytes);
    if (*error || !message) {
        *error = *error ? *error : -ENOMEM;
        return NULL;
    }
    message->type = type;
    message->bytes = bytes;
    if (user_read(task, message->text, from + sizeof(type), bytes)) {
        heap_free(message);
        *error = -EFAULT;
        return NULL;
    }
    return message;
}

static bool has_room(const struct queue *queue, uint64_t bytes)
{
    return queue->bytes + bytes <= queue->most && queue->count < queue->most;
}

int64_t call_msgsnd(struct task *task, int32_t id, user_t from, uint64_t bytes, uint32_t flags)
{
    int64_t error = 0;
    if (bytes > MESSAGE_MOST || id < 0) {
        return -EINVAL;
    }
    struct message *message = message_take(task, from, bytes, &error);
    struct queue *queue = message ? queue_of_call(task, id, &error) : NULL;
    error = error ? error : sysv_permits(task, &queue->object, SYSV_WRITE);
    if (!error && !has_room(queue, bytes)) {
        error = flags & IPC_NOWAIT ? -EAGAIN : wait_on(task, &queue->writable);
    }
    if (error) {
        heap_free(message);
        return error;
    }
    list_add(&queue->messages, &message->link);
    queue->bytes += bytes;
    queue->count++;
    queue->sent = sysv_now();
    queue->sender = task->process->pid;
    waitlist_wake(&queue->readable);
    return 0;
}

// ---- msgrcv ------------------------------------------------------------------------------------
static bool type_fits(const struct message *message, int64_t type, uint32_t flags)
{
    return type == 0 || (type < 0             ? message->type <= -type
                         : flags & MSG_EXCEPT ? message->type != type
                                              : message->type == type);
}

// The first that fits, or of those up to a type the first of the lowest one.
static struct message *message_find(const struct queue *queue, int64_t type, uint32_t flags)
{
    struct message *found = NULL;
    LIST_EACH(message, &queue->messages, struct message, link) {
        if (type_fits(message, type, flags) && (!found || message->type < found->type)) {
            found = message;
            if (type >= 0) {
                break;
            }
        }
    }
    return found;
}

// MSG_COPY: the one at a place, which stays.
static struct message *message_at(const struct queue *queue, int64_t place)
{
    LIST_EACH(message, &queue->messages, struct message, link) {
        if (place-- == 0) {
            return message;
        }
    }
    return NULL;
}

static void message_remove(const struct task *task, struct queue *queue, struct message *message)
{
    list_remove(&message->link);
    queue->bytes -= message->bytes;
    queue->count--;
    queue->received = sysv_now();
    queue->receiver = task->process->pid;
    heap_free(message);
    waitlist_wake(&queue->writable);
}

static int64_t message_give(struct task *task, const struct message *message, user_t to,
                            uint64_t room)
{
    uint64_t bytes = message->bytes < room ? message->bytes : room;
    return user_write(task, to, &message->type, sizeof(message->type)) ||
                   user_write(task, to + sizeof(message->type), message->text, bytes)
               ? -EFAULT
               : (int64_t)bytes;
}

static bool flags_valid(uint32_t flags)
{
    return !(flags & MSG_COPY) || (flags & IPC_NOWAIT && !(flags & MSG_EXCEPT));
}

int64_t call_msgrcv(struct task *task, int32_t id, user_t to, uint64_t room, int64_t type,
                    uint32_t flags)
{
    int64_t error = 0;
    if (id < 0 || room > INT64_MAX || !flags_valid(flags)) {
        return -EINVAL;
    }
    struct queue *queue = queue_of_call(task, id, &error);
    error = error ? error : sysv_permits(task, &queue->object, SYSV_READ);
    if (error) {
        return error;
    }
    bool stays = flags & MSG_COPY;
    struct message *message = stays ? message_at(queue, type) : message_find(queue, type, flags);
    if (!message) {
        return flags & IPC_NOWAIT ? -ENOMSG : wait_on(task, &queue->readable);
    }
    if (message->bytes > room && !(flags & MSG_NOERROR)) {
        return -E2BIG;
    }
    int64_t bytes = message_give(task, message, to, room);
    if (!stays) {  // gone also where it could not be given, as in Linux
        message_remove(task, queue, message);
    }
    return bytes;
}

// ---- msgctl ------------------------------------------------------------------------------------
// struct msqid64_ds
struct shown {
    struct sysv_shown owner;
    int64_t sent, received, changed;
    uint64_t bytes, count, most;
    uint32_t sender, receiver;
    uint64_t spare[2];
};
_Static_assert(sizeof(struct shown) == 120, "struct msqid64_ds");

static int64_t queue_stat(struct task *task, const struct queue *queue, user_t to)
{
    struct shown shown = { .sent = queue->sent,
                           .received = queue->received,
                           .changed = queue->object.changed,
                           .bytes = queue->bytes,
                           .count = queue->count,
                           .most = queue->most,
                           .sender = queue->sender,
                           .receiver = queue->receiver };
    sysv_show(&queue->object, &shown.owner);
    return user_write(task, to, &shown, sizeof(shown));
}

static int64_t queue_set(struct task *task, struct queue *queue, user_t from)
{
    struct shown shown;
    if (user_read(task, &shown, from, sizeof(shown))) {
        return -EFAULT;
    }
    int64_t error = sysv_owned(task, &queue->object);
    if (!error && shown.most > QUEUE_MOST && !task_capable(task, CAP_SYS_RESOURCE)) {
        error = -EPERM;
    }
    error = error ? error : sysv_change(task, &queue->object, &shown.owner);
    if (!error) {
        queue->most = shown.most;
        waitlist_wake(&queue->readable);  // who may no longer is to learn it
        waitlist_wake(&queue->writable);
    }
    return error;
}

static int64_t queue_remove(const struct task *task, struct queue *queue)
{
    int64_t error = sysv_owned(task, &queue->object);
    if (error) {
        return error;
    }
    sysv_remove(&table, &queue->object);
    waitlist_end(&queue->readable);
    waitlist_end(&queue->writable);
    LIST_EACH(message, &queue->messages, struct message, link) {
        heap_free(message);
    }
    heap_free(queue);
    return 0;
}

// IPC_INFO tells limits, MSG_INFO in some places what is in use (struct msginfo).
static int64_t info_give(struct task *task, bool usage, user_t to)
{
    struct {
        int32_t pool, map, most, bytes, queues, segment, headers;
        uint16_t segments, padding;
    } info = { QUEUE_MOST / 1024 * SYSV_MOST,
               QUEUE_MOST,
               MESSAGE_MOST,
               QUEUE_MOST,
               SYSV_MOST,
               16,
               QUEUE_MOST,
               UINT16_MAX,
               0 };
    int64_t highest = 0, headers = 0, bytes = 0;
    for (uint32_t i = 0; i < table.used; i++) {
        const struct queue *queue = table.at[i] ? queue_of(table.at[i]) : NULL;
        highest = queue ? i : highest;
        headers += queue ? (int64_t)queue->count : 0;
        bytes += queue ? (int64_t)queue->bytes : 0;
    }
    if (usage) {
        info.pool = (int32_t)table.count;
        info.map = (int32_t)headers;
        info.headers = (int32_t)bytes;
    }
    return user_write(task, to, &info, sizeof(info)) ? -EFAULT : highest;
}

static int64_t stat_at(struct task *task, int32_t id, int32_t command, user_t to)
{
    bool by_number = command == IPC_STAT;
    struct sysv_object *object;
    int64_t error = sysv_look(task, &table, id, by_number, command == MSG_STAT_ANY, &object);
    error = error ? error : queue_stat(task, queue_of(object), to);
    return error || by_number ? error : (int64_t)object->id;
}

int64_t call_msgctl(struct task *task, int32_t id, int32_t command, user_t at)
{
    struct sysv_object *object = sysv_find(&table, id);
    if (id < 0) {
        return -EINVAL;
    }
    switch (command) {
    case IPC_INFO:
    case MSG_INFO: return info_give(task, command == MSG_INFO, at);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: return stat_at(task, id, command, at);
    case IPC_SET: return object ? queue_set(task, queue_of(object), at) : -EINVAL;
    case IPC_RMID: return object ? queue_remove(task, queue_of(object)) : -EINVAL;
    default: return -EINVAL;
    }
}

int64_t msg_show(struct text *text)
{
    text_print(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
                     "cuid  cgid      stime      rtime      ctime\n");
    for (uint32_t i = 0; i < table.used; i++) {
        const struct sysv_object *of = table.at[i];
        const struct queue *at = of ? queue_of(table.at[i]) : NULL;
        if (at) {
            text_print(text, "%d %u %u%u%u %lu %lu %u %u %u %u %u %u %ld %ld %ld\n", of->key,
                       of->id, of->mode >> 6 & 7, of->mode >> 3 & 7, of->mode & 7, at->bytes,
                       at->count, at->sender, at->receiver, of->uid, of->gid, of->creator_uid,
                       of->creator_gid, at->sent, at->received, of->changed);
        }
    }
    return 0;
}
