// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Semaphores of System V (semget(2), semop(2), semctl(2)).  All operations of a call are tried in
// order on a copy of the values and take effect together, or the call waits for the set to change.
#include "call.h"
#include "capability.h"
#include "clock.h"
#include "heap.h"
#include "proc.h"
#include "sysv.h"

#include <rt/string.h>

#define GETPID       11
#define GETVAL       12
#define GETALL       13
#define GETNCNT      14
#define GETZCNT      15
#define SETVAL       16
#define SETALL       17
#define SEM_STAT     18
#define SEM_INFO     19
#define SEM_STAT_ANY 20
#define SEM_UNDO     0x1000

#define VALUE_MOST      32767
#define SEMAPHORES_MOST 32000u  // of a set
#define OPERATIONS_MOST 500u    // of a call

struct semaphore {
    int32_t value;
    uint32_t pid;  // of who changed it last
};

struct set {
    struct sysv_object object;
    uint32_t count;
    int64_t operated;     // seconds of real time
    struct list waiting;  // struct sem_wait
    struct waitlist waits;
    struct list undos;
    struct semaphore at[];
};

// As a process gives it (struct sembuf).
struct operation {
    uint16_t number;
    int16_t change;
    int16_t flags;
};

// What a process that ends takes back at one set.
struct undo {
    struct list in_set;
    struct undo *next;  // of the process
    struct set *set;    // NULL: removed
    int16_t by[];
};

// A call that waits.
struct sem_wait {
    struct list in_set;
    uint16_t number;  // of the semaphore that it waits for
    bool zero;        // to be 0; else to grow
    uint32_t count;
    struct operation operations[];
};

static struct sysv_table table;

static struct set *set_find(int32_t id)
{
    struct sysv_object *object = sysv_find(&table, id);
    return object ? CONTAINER(object, struct set, object) : NULL;
}

// ---- semget ------------------------------------------------------------------------------------
static int64_t set_make(const struct task *task, int32_t key, uint32_t count, uint32_t flags)
{
    if (!count) {
        return -EINVAL;
    }
    struct set *set = heap_alloc(sizeof(*set) + count * sizeof(set->at[0]));
    if (!set) {
        return -ENOMEM;
    }
    set->count = count;
    list_init(&set->waiting);
    list_init(&set->undos);
    waitlist_init(&set->waits);
    int64_t id = sysv_add(task, &table, &set->object, key, flags);
    if (id < 0) {
        heap_free(set);
    }
    return id;
}

int64_t call_semget(struct task *task, int32_t key, int32_t count, uint32_t flags)
{
    struct sysv_object *found = NULL;
    if (count < 0 || (uint32_t)count > SEMAPHORES_MOST) {
        return -EINVAL;
    }
    int64_t id = sysv_get(task, &table, key, flags, &found);
    if (id < 0 || !found) {
        return id < 0 ? id : set_make(task, key, (uint32_t)count, flags);
    }
    return (uint32_t)count > CONTAINER(found, struct set, object)->count ? -EINVAL : id;
}

// ---- what is taken back ------------------------------------------------------------------------
// NULL: no memory.
static struct undo *undo_get(struct process *process, struct set *set)
{
    for (struct undo *undo = process->undo; undo; undo = undo->next) {
        if (undo->set == set) {
            return undo;
        }
    }
    struct undo *undo = heap_alloc(sizeof(*undo) + set->count * sizeof(undo->by[0]));
    if (undo) {
        undo->set = set;
        undo->next = process->undo;
        process->undo = undo;
        list_add(&set->undos, &undo->in_set);
    }
    return undo;
}

static void undo_do(const struct undo *undo, uint32_t pid)
{
    struct set *set = undo->set;
    for (uint32_t i = 0; i < set->count; i++) {
        struct semaphore *at = &set->at[i];
        if (undo->by[i]) {
            int32_t value = at->value + undo->by[i];
            at->value = value < 0 ? 0 : value > VALUE_MOST ? VALUE_MOST : value;
            at->pid = pid;
        }
    }
    set->operated = sysv_now();
    waitlist_wake(&set->waits);
}

void sem_exit(struct process *process)
{
    while (process->undo) {
        struct undo *undo = process->undo;
        process->undo = undo->next;
        if (undo->set) {
            undo_do(undo, process->pid);
            list_remove(&undo->in_set);
        }
        heap_free(undo);
    }
}

// ---- semop -------------------------------------------------------------------------------------
static int64_t operations_check(const struct task *task, const struct set *set,
                                const struct sem_wait *what)
{
    bool changes = false;
    for (uint32_t i = 0; i < what->count; i++) {
        if (what->operations[i].number >= set->count) {
            return -EFBIG;
        }
        changes |= what->operations[i].change != 0;
    }
    return sysv_permits(task, &set->object, changes ? SYSV_WRITE : SYSV_READ);
}

// Take back the first so many operations.
static void operations_revert(struct set *set, const struct sem_wait *what, uint32_t count)
{
    while (count--) {
        set->at[what->operations[count].number].value -= what->operations[count].change;
    }
}

// All in order: 0; RESULT_WAIT, where what->number has to change first; or why not.
static int64_t operations_try(struct set *set, struct sem_wait *what)
{
    for (uint32_t i = 0; i < what->count; i++) {
        const struct operation *at = &what->operations[i];
        int32_t *value = &set->at[at->number].value, new = *value + at->change;
        bool waits = at->change ? new < 0 : *value != 0;
        if (waits || new > VALUE_MOST) {
            operations_revert(set, what, i);
            what->number = at->number;
            what->zero = !at->change;
            return !waits ? -ERANGE : at->flags & (int16_t)IPC_NOWAIT ? -EAGAIN : RESULT_WAIT;
        }
        *value = new;
    }
    return 0;
}

// Note what is to be taken back at the end of the process: 0, -ENOMEM, -ERANGE.
static int64_t undo_note(struct process *process, struct set *set, const struct sem_wait *what)
{
    for (uint32_t i = 0; i < what->count; i++) {
        const struct operation *at = &what->operations[i];
        if (!(at->flags & SEM_UNDO) || !at->change) {
            continue;
        }
        struct undo *undo = undo_get(process, set);
        if (!undo) {
            return -ENOMEM;
        }
        int32_t by = undo->by[at->number] - at->change;
        if (by < -VALUE_MOST - 1 || by > VALUE_MOST) {
            return -ERANGE;
        }
        undo->by[at->number] = (int16_t)by;
    }
    return 0;
}

static void operations_done(const struct task *task, struct set *set, const struct sem_wait *what)
{
    bool changes = false;
    for (uint32_t i = 0; i < what->count; i++) {
        set->at[what->operations[i].number].pid = task->process->pid;
        changes |= what->operations[i].change != 0;
    }
    set->operated = sysv_now();
    if (changes) {
        waitlist_wake(&set->waits);
    }
}

static void sem_wait_end(struct task *task)
{
    struct sem_wait *wait = task->call.state;
    task->call.state = NULL;
    task->call.end = NULL;
    list_remove(&wait->in_set);
    heap_free(wait);
}

static int64_t operations_do(struct task *task, struct set *set, struct sem_wait *what)
{
    int64_t result = operations_try(set, what);
    if (!result) {
        result = undo_note(task->process, set, what);
        if (result) {
            operations_revert(set, what, what->count);
        } else {
            operations_done(task, set, what);
        }
    }
    if (result != RESULT_WAIT) {
        return result;
    }
    if (wait_over(task)) {
        return -EAGAIN;
    }
    if (list_empty(&what->in_set)) {
        list_add(&set->waiting, &what->in_set);
    }
    return wait_on(task, &set->waits);
}

// The operations of the process, kept while the call lasts.
static int64_t operations_take(struct task *task, user_t from, uint32_t count)
{
    struct sem_wait *what = heap_alloc(sizeof(*what) + count * sizeof(what->operations[0]));
    if (!what) {
        return -ENOMEM;
    }
    list_init(&what->in_set);
    what->count = count;
    task->call.state = what;
    task->call.end = sem_wait_end;
    return user_read(task, what->operations, from, count * sizeof(what->operations[0]));
}

static int64_t timeout_take(struct task *task, user_t timeout)
{
    struct timespec time;
    int64_t error = timespec_read(task, timeout, &time);
    if (!error) {
        wait_until(task, clock_deadline(CLOCK_MONOTONIC, timespec_ns(&time), false));
    }
    return error;
}

static int64_t sem_begin(struct task *task, int32_t id, user_t from, uint32_t count, user_t timeout)
{
    if (count < 1 || id < 0) {
        return -EINVAL;
    }
    if (count > OPERATIONS_MOST) {
        return -E2BIG;
    }
    int64_t error = timeout ? timeout_take(task, timeout) : 0;
    error = error ? error : operations_take(task, from, count);
    const struct set *set = error ? NULL : set_find(id);
    return error ? error : set ? operations_check(task, set, task->call.state) : -EINVAL;
}

int64_t call_semtimedop(struct task *task, int32_t id, user_t from, uint32_t count, user_t timeout)
{
    bool again = task->call.state;
    int64_t error = again ? 0 : sem_begin(task, id, from, count, timeout);
    if (error) {
        return error;
    }
    struct set *set = set_find(id);
    return set ? operations_do(task, set, task->call.state) : again ? -EIDRM : -EINVAL;
}

int64_t call_semop(struct task *task, int32_t id, user_t from, uint32_t count)
{
    return call_semtimedop(task, id, from, count, 0);
}

// ---- semctl ------------------------------------------------------------------------------------
// struct semid64_ds
struct shown {
    struct sysv_shown owner;
    int64_t operated;
    uint64_t spare;
    int64_t changed;
    uint64_t spare2, count, spare3[2];
};
_Static_assert(sizeof(struct shown) == 104, "struct semid64_ds");

static int64_t set_stat(struct task *task, const struct set *set, user_t to)
{
    struct shown shown = { .operated = set->operated,
                           .changed = set->object.changed,
                           .count = set->count };
    sysv_show(&set->object, &shown.owner);
    return user_write(task, to, &shown, sizeof(shown));
}

static int64_t set_set(struct task *task, struct set *set, user_t from)
{
    struct shown shown;
    return user_read(task, &shown, from, sizeof(shown))
               ? -EFAULT
               : sysv_change(task, &set->object, &shown.owner);
}

// Those who wait find that there is none any more.
static int64_t set_remove(const struct task *task, struct set *set)
{
    int64_t error = sysv_owned(task, &set->object);
    if (error) {
        return error;
    }
    sysv_remove(&table, &set->object);
    LIST_EACH(undo, &set->undos, struct undo, in_set) {
        list_remove(&undo->in_set);
        undo->set = NULL;
    }
    while (!list_empty(&set->waiting)) {
        list_remove(set->waiting.next);
    }
    waitlist_end(&set->waits);
    heap_free(set);
    return 0;
}

static int64_t waiting_count(const struct set *set, uint32_t number, bool zero)
{
    int64_t count = 0;
    LIST_EACH(wait, &set->waiting, struct sem_wait, in_set) {
        count += wait->number == number && wait->zero == zero;
    }
    return count;
}

// A value that is set is nobody's to take back.
static void value_set(const struct task *task, struct set *set, uint32_t number, int32_t value)
{
    set->at[number] = (struct semaphore){ value, task->process->pid };
    LIST_EACH(undo, &set->undos, struct undo, in_set) {
        undo->by[number] = 0;
    }
}

static void values_changed(struct set *set)
{
    set->object.changed = sysv_now();
    waitlist_wake(&set->waits);
}

static int64_t all_set(struct task *task, struct set *set, user_t from)
{
    uint64_t bytes = set->count * sizeof(uint16_t);
    uint16_t *values = heap_alloc(bytes);
    int64_t error = !values ? -ENOMEM : user_read(task, values, from, bytes) ? -EFAULT : 0;
    for (uint32_t i = 0; !error && i < set->count; i++) {
        error = values[i] > VALUE_MOST ? -ERANGE : 0;
    }
    for (uint32_t i = 0; !error && i < set->count; i++) {
        value_set(task, set, i, values[i]);
    }
    if (!error) {
        values_changed(set);
    }
    heap_free(values);
    return error;
}

static int64_t all_give(struct task *task, const struct set *set, user_t to)
{
    for (uint32_t i = 0; i < set->count; i++) {
        uint16_t value = (uint16_t)set->at[i].value;
        if (user_write(task, to + i * sizeof(value), &value, sizeof(value))) {
            return -EFAULT;
        }
    }
    return 0;
}

static int64_t of_semaphore(struct task *task, struct set *set, uint32_t number, int32_t command,
                            uint64_t argument)
{
    if (number >= set->count) {
        return -EINVAL;
    }
    switch (command) {
    case GETPID: return set->at[number].pid;
    case GETVAL: return set->at[number].value;
    case GETNCNT: return waiting_count(set, number, false);
    case GETZCNT: return waiting_count(set, number, true);
    default: break;
    }
    if ((int32_t)argument < 0 || (int32_t)argument > VALUE_MOST) {
        return -ERANGE;
    }
    value_set(task, set, number, (int32_t)argument);
    values_changed(set);
    return 0;
}

static int64_t of_set(struct task *task, struct set *set, uint32_t number, int32_t command,
                      uint64_t argument)
{
    bool sets = command == SETVAL || command == SETALL;
    if (command == IPC_RMID) {
        return set_remove(task, set);
    }
    if (command == IPC_SET) {
        return set_set(task, set, argument);
    }
    int64_t error = sysv_permits(task, &set->object, sets ? SYSV_WRITE : SYSV_READ);
    if (error) {
        return error;
    }
    switch (command) {
    case IPC_STAT: return set_stat(task, set, argument);
    case GETALL: return all_give(task, set, argument);
    case SETALL: return all_set(task, set, argument);
    default: return of_semaphore(task, set, number, command, argument);
    }
}

// IPC_INFO tells limits, SEM_INFO in two places what is in use (struct seminfo).
static int64_t info_give(struct task *task, bool usage, user_t to)
{
    int32_t info[10] = { (int32_t)(SYSV_MOST * SEMAPHORES_MOST),
                         (int32_t)SYSV_MOST,
                         (int32_t)(SYSV_MOST * SEMAPHORES_MOST),
                         (int32_t)(SYSV_MOST * SEMAPHORES_MOST),
                         (int32_t)SEMAPHORES_MOST,
                         (int32_t)OPERATIONS_MOST,
                         (int32_t)OPERATIONS_MOST,
                         20,
                         VALUE_MOST,
                         VALUE_MOST };
    uint32_t place = 0;
    for (uint32_t i = 0; i < table.used; i++) {
        place = table.at[i] ? i : place;
    }
    if (usage) {
        info[7] = (int32_t)table.count;
        info[9] = 0;
        for (uint32_t i = 0; i < table.used; i++) {
            info[9] += table.at[i] ? (int32_t)CONTAINER(table.at[i], struct set, object)->count : 0;
        }
    }
    return user_write(task, to, info, sizeof(info)) ? -EFAULT : (int64_t)place;
}

static int64_t stat_at(struct task *task, int32_t place, int32_t command, user_t to)
{
    struct sysv_object *object;
    int64_t error = sysv_look(task, &table, place, false, command == SEM_STAT_ANY, &object);
    error = error ? error : set_stat(task, CONTAINER(object, struct set, object), to);
    return error ? error : (int64_t)object->id;
}

int64_t call_semctl(struct task *task, int32_t id, int32_t number, int32_t command,
                    uint64_t argument)
{
    struct set *set = set_find(id);
    switch (command) {
    case IPC_INFO:
    case SEM_INFO: return id < 0 ? -EINVAL : info_give(task, command == SEM_INFO, argument);
    case SEM_STAT:
    case SEM_STAT_ANY: return stat_at(task, id, command, argument);
    case IPC_RMID:
    case IPC_SET:
    case IPC_STAT:
    case GETPID:
    case GETVAL:
    case GETALL:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
    case SETALL: return set ? of_set(task, set, (uint32_t)number, command, argument) : -EINVAL;
    default: return -EINVAL;
    }
}

int64_t sem_show(struct text *text)
{
    text_print(text,
               "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
               "ctime\n");
    for (uint32_t i = 0; i < table.used; i++) {
        const struct sysv_object *of = table.at[i];
        const struct set *at = of ? CONTAINER(table.at[i], struct set, object) : NULL;
        if (at) {
            text_print(text, "%d %u %u%u%u %u %u %u %u %u %ld %ld\n", of->key, of->id,
                       of->mode >> 6 & 7, of->mode >> 3 & 7, of->mode & 7, at->count, of->uid,
                       of->gid, of->creator_uid, of->creator_gid, at->operated, of->changed);
        }
    }
    return 0;
}
