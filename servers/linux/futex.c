// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Futexes (futex(2)).  Who waits stands in a bucket of its key, in the order of arrival.  The words
// are changed by atomic instructions only, since tasks run on other processors at the same time.
#include "futex.h"

#include "call.h"
#include "clock.h"
#include "heap.h"
#include "pidfd.h"
#include "space.h"
#include "timer.h"

#define FUTEX_WAIT         0u
#define FUTEX_WAKE         1u
#define FUTEX_REQUEUE      3u
#define FUTEX_CMP_REQUEUE  4u
#define FUTEX_WAKE_OP      5u
#define FUTEX_LOCK_PI      6u
#define FUTEX_UNLOCK_PI    7u
#define FUTEX_TRYLOCK_PI   8u
#define FUTEX_WAIT_BITSET  9u
#define FUTEX_WAKE_BITSET  10u
#define FUTEX_WAIT_REQUEUE 11u  // ..._PI: for a lock that is waited for next
#define FUTEX_CMP_MOVE     12u  // FUTEX_CMP_REQUEUE_PI
#define FUTEX_LOCK_PI2     13u
#define FUTEX_PRIVATE      128u
#define FUTEX_REALTIME     256u
#define FUTEX_COMMAND(how) ((how) & ~(FUTEX_PRIVATE | FUTEX_REALTIME))

#define WORD_WAITERS    0x80000000u
#define WORD_OWNER_DIED 0x40000000u
#define WORD_TID        0x3fffffffu

#define ROBUST_MAX 2048u  // entries that are looked at
#define ANY        UINT32_MAX
#define BUCKETS    256u

struct futex_wait {
    struct list link;  // in the bucket until it is woken
    struct futex_key key;
    struct task *task;
    user_t at;
    uint32_t bits;
    uint32_t owner;  // with priority inheritance: who holds the lock; else 0
    user_t lock;     // with FUTEX_WAIT_REQUEUE: the lock that it is to get; else 0
    struct futex_key lock_key;
    bool woken;  // and has the lock, with priority inheritance
    struct waitlist waits;
};

struct robust_list {
    user_t next;
    int64_t offset;
    user_t pending;
};

static struct list buckets[BUCKETS];
static uint32_t owned;  // how many wait for an owner

static struct list *bucket_of(const struct futex_key *key)
{
    uint64_t hash = (key->object ^ key->offset) * 0x9e3779b97f4a7c15ull;
    struct list *bucket = &buckets[hash >> 56];

    if (!bucket->next) {
        list_init(bucket);
    }
    return bucket;
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

// The lowest bits of the offset are free, for keys of one kind not to be those of another.
static int64_t key_make(struct task *task, user_t at, bool private, struct futex_key *key)
{
    if (at % sizeof(uint32_t)) {
        return -EINVAL;
    }
    // What is shared is named by what is there; a private word need not be.
    if (private ? at >= USER_END : !user_word(task, at, false)) {
        return -EFAULT;
    }
    if (!private && space_key(task->space, at, key)) {
        return 0;
    }
    key->object = (uint64_t)(uintptr_t)task->space;
    key->offset = at | (private ? 1 : 2);
    return 0;
}

static bool word_change(uint32_t *word, uint32_t old, uint32_t new)
{
    return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static uint32_t word_read(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

// ---- waking -------------------------------------------------------------------------------------

static void wait_finish(struct futex_wait *wait)
{
    list_remove(&wait->link);
    if (wait->owner) {
        owned--;
    }
    wait->woken = true;
    waitlist_end(&wait->waits);
}

// Whether it is to end by having a lock, so that it cannot just be woken.
static bool wait_is_for_lock(const struct futex_wait *wait)
{
    return wait->owner || wait->lock;
}

// Up to `most`, but one at least, as Linux has it.  -EINVAL: who waits there waits for a lock.
static int64_t key_wake(const struct futex_key *key, int32_t most, uint32_t bits)
{
    int64_t woken = 0;

    LIST_EACH(wait, bucket_of(key), struct futex_wait, link) {
        if (!key_equal(&wait->key, key) || !(wait->bits & bits)) {
            continue;
        }
        if (wait_is_for_lock(wait)) {
            return woken ? woken : -EINVAL;
        }
        wait_finish(wait);
        if (++woken >= most) {
            break;
        }
    }
    return woken;
}

static int64_t futex_wake(struct task *task, user_t at, uint32_t how, int32_t most, uint32_t bits)
{
    struct futex_key key;
    int64_t error = bits ? key_make(task, at, how & FUTEX_PRIVATE, &key) : -EINVAL;

    return error ? error : key_wake(&key, most, bits);
}

struct requeue {
    user_t from, to;
    int32_t wake, move;
    uint32_t expected;
    bool compare;
};

static int64_t keys_make(struct task *task, uint32_t how, const struct requeue *what,
                         struct futex_key *from, struct futex_key *to)
{
    int64_t error = key_make(task, what->from, how & FUTEX_PRIVATE, from);

    return error ? error : key_make(task, what->to, how & FUTEX_PRIVATE, to);
}

static void wait_move(struct futex_wait *wait, const struct futex_key *to, user_t at)
{
    if (key_equal(&wait->key, to)) {
        return;
    }
    list_remove(&wait->link);
    wait->key = *to;
    wait->at = at;
    list_add(bucket_of(to), &wait->link);
}

static int64_t futex_requeue(struct task *task, uint32_t how, const struct requeue *what)
{
    struct futex_key from, to;
    int64_t woken = 0, moved = 0;
    const uint32_t *word;

    int64_t error = what->wake < 0 || what->move < 0 ? -EINVAL
                                                     : keys_make(task, how, what, &from, &to);
    if (error) {
        return error;
    }
    word = what->compare ? user_word(task, what->from, false) : NULL;
    if (what->compare && !word) {
        return -EFAULT;
    }
    if (word && word_read(word) != what->expected) {
        return -EAGAIN;
    }
    LIST_EACH(wait, bucket_of(&from), struct futex_wait, link) {
        if (woken + moved >= (int64_t)what->wake + what->move) {
            break;
        }
        if (!key_equal(&wait->key, &from)) {
            continue;
        }
        if (wait_is_for_lock(wait)) {
            return -EINVAL;
        }
        if (woken < what->wake) {
            wait_finish(wait);
            woken++;
        } else {
            wait_move(wait, &to, what->to);
            moved++;
        }
    }
    return woken + moved;
}

// ---- FUTEX_WAKE_OP ------------------------------------------------------------------------------

// The second half of a code: 12 bits with a sign.
static int32_t code_signed(uint32_t field)
{
    return (int32_t)(field << 20) >> 20;
}

// What the word is to be: false: no such operation.
static bool code_apply(uint32_t code, uint32_t old, uint32_t *new)
{
    uint32_t operand = (uint32_t)code_signed(code >> 12 & 0xfff);

    if (code >> 31) {
        operand = 1u << (operand & 31);
    }
    switch (code >> 28 & 7) {
    case 0: *new = operand; return true;
    case 1: *new = old + operand; return true;
    case 2: *new = old | operand; return true;
    case 3: *new = old & ~operand; return true;
    case 4: *new = old ^ operand; return true;
    default: return false;
    }
}

// Whether what the word was asks for the second wake: 1, 0, or -ENOSYS.
static int64_t code_compare(uint32_t code, uint32_t old)
{
    int32_t value = (int32_t)old, with = code_signed(code & 0xfff);

    switch (code >> 24 & 15) {
    case 0: return value == with;
    case 1: return value != with;
    case 2: return value < with;
    case 3: return value <= with;
    case 4: return value > with;
    case 5: return value >= with;
    default: return -ENOSYS;
    }
}

static int64_t futex_wake_op(struct task *task, uint32_t how, const struct requeue *what)
{
    struct futex_key first, second;
    uint32_t *word, old, new;
    int64_t woken, more;

    woken = keys_make(task, how, what, &first, &second);
    if (woken) {
        return woken;
    }
    word = user_word(task, what->to, true);
    if (!word) {
        return -EFAULT;
    }
    do {
        old = word_read(word);
        if (!code_apply(what->expected, old, &new)) {
            return -ENOSYS;
        }
    } while (!word_change(word, old, new));
    more = code_compare(what->expected, old);
    if (more < 0) {
        return more;
    }
    woken = key_wake(&first, what->wake, ANY);
    if (woken < 0 || !more) {
        return woken;
    }
    more = key_wake(&second, what->move, ANY);
    return more < 0 ? more : woken + more;
}

// ---- locks with priority inheritance ------------------------------------------------------------
// ---------------------------------------------------------------- Here the lock goes to the next
// one in the order of arrival: there are no priorities to inherit.

// Give a lock to the first of those who wait for it, from its owner.  False: nobody does.
static bool lock_hand_over(const struct futex_key *key, uint32_t *word, uint32_t mark)
{
    struct futex_wait *next = NULL;
    uint32_t more = 0;

    LIST_EACH(wait, bucket_of(key), struct futex_wait, link) {
        if (!wait->owner || !key_equal(&wait->key, key)) {
            continue;
        }
        if (next) {
            wait->owner = next->task->tid;
            more = WORD_WAITERS;
        } else {
            next = wait;
        }
    }
    if (!next) {
        return false;
    }
    __atomic_store_n(word, next->task->tid | mark | more, __ATOMIC_SEQ_CST);
    wait_finish(next);
    return true;
}

static int64_t lock_release(struct task *task, const struct futex_key *key, uint32_t *word)
{
    uint32_t old = word_read(word);

    if ((old & WORD_TID) != task->tid) {
        return -EPERM;
    }
    if (lock_hand_over(key, word, 0)) {
        return 0;
    }
    while (!word_change(word, old, 0)) {
        old = word_read(word);
    }
    return 0;
}

static int64_t futex_unlock(struct task *task, user_t at, uint32_t how)
{
    struct futex_key key;
    int64_t error = key_make(task, at, how & FUTEX_PRIVATE, &key);
    uint32_t *word = error ? NULL : user_word(task, at, true);

    if (error) {
        return error;
    }
    return word ? lock_release(task, &key, word) : -EFAULT;
}

// Take a lock that is free: 0; else its owner is in *owner and the word says that somebody waits
// (-EAGAIN), or why not.
static int64_t lock_take(const struct task *task, uint32_t *word, bool try, uint32_t *owner)
{
    for (;;) {
        uint32_t old = word_read(word);
        *owner = old & WORD_TID;
        if (*owner == task->tid) {
            return -EDEADLK;
        }
        if (!*owner) {
            if (word_change(word, old, old | task->tid)) {
                return 0;
            }
            continue;
        }
        if (!task_find(*owner)) {
            return -ESRCH;
        }
        if (try || word_change(word, old, old | WORD_WAITERS)) {
            return -EAGAIN;
        }
    }
}

// ---- from a word to a lock ----------------------------------------------------------------------

// It waits for the lock from now on, or has it.
static void wait_own(struct futex_wait *wait, uint32_t owner)
{
    list_remove(&wait->link);
    wait->key = wait->lock_key;
    wait->at = wait->lock;
    wait->lock = 0;
    wait->owner = owner;
    owned++;
    list_add(bucket_of(&wait->key), &wait->link);
}

// The first who waits at a key; NULL: nobody.
static struct futex_wait *wait_first(const struct futex_key *key)
{
    LIST_EACH(wait, bucket_of(key), struct futex_wait, link) {
        if (key_equal(&wait->key, key)) {
            return wait;
        }
    }
    return NULL;
}

// The first gets the lock if it is free, and the others wait for who has it.
static int64_t lock_move(const struct requeue *what, const struct futex_key *from,
                         const struct futex_key *to, uint32_t *word)
{
    uint32_t owner = 0;
    int64_t moved = 0;

    for (struct futex_wait *wait; moved <= what->move && (wait = wait_first(from)); moved++) {
        if (!wait->lock || !key_equal(&wait->lock_key, to)) {
            return moved ? moved : -EINVAL;
        }
        int64_t taken = lock_take(wait->task, word, false, &owner);
        if (taken && taken != -EAGAIN) {
            return moved ? moved : taken;
        }
        wait_own(wait, taken ? owner : wait->task->tid);
        if (!taken) {
            wait_finish(wait);
        }
    }
    return moved;
}

static int64_t futex_lock_move(struct task *task, uint32_t how, const struct requeue *what)
{
    struct futex_key from, to;
    const uint32_t *word;
    uint32_t *lock;
    int64_t error = what->wake != 1 || what->move < 0 ? -EINVAL
                                                      : keys_make(task, how, what, &from, &to);

    if (error || key_equal(&from, &to)) {
        return error ? error : -EINVAL;
    }
    lock = user_word(task, what->to, true);
    word = user_word(task, what->from, false);
    if (!word || !lock) {
        return -EFAULT;
    }
    return word_read(word) != what->expected ? -EAGAIN : lock_move(what, &from, &to, lock);
}

// ---- waiting ------------------------------------------------------------------------------------

// However the call ends.  A wake that it did not see the fruit of goes to another.
static void futex_wait_end(struct task *task)
{
    struct futex_wait *wait = task->call.state;
    uint32_t *word;

    task->call.state = NULL;
    task->call.end = NULL;
    waitlist_end(&wait->waits);
    if (!wait->woken) {
        list_remove(&wait->link);
        owned -= wait->owner != 0;
    } else if (!wait->owner) {
        key_wake(&wait->key, 1, wait->bits);
    } else {
        word = user_word(task, wait->at, true);
        if (word) {
            lock_release(task, &wait->key, word);
        }
    }
    heap_free(wait);
}

// What the call comes to, at each later attempt.
static int64_t futex_wait_again(struct task *task)
{
    struct futex_wait *wait = task->call.state;
    int64_t result = 0;

    if (!wait->woken && !wait_over(task)) {
        return wait_on(task, &wait->waits);
    }
    if (!wait->woken) {
        futex_wait_end(task);
        return -ETIMEDOUT;
    }
    task->call.state = NULL;
    task->call.end = NULL;
    heap_free(wait);
    return result;
}

static int64_t futex_wait_begin(struct task *task, const struct futex_wait *what)
{
    struct futex_wait *wait;

    if (wait_over(task)) {
        return -ETIMEDOUT;
    }
    wait = heap_alloc(sizeof(*wait));
    if (!wait) {
        return -ENOMEM;
    }
    *wait = *what;
    wait->task = task;
    waitlist_init(&wait->waits);
    list_add(bucket_of(&wait->key), &wait->link);
    owned += wait->owner != 0;
    task->call.state = wait;
    task->call.end = futex_wait_end;
    return wait_on(task, &wait->waits);
}

// When the call is to give up.
static int64_t futex_until(struct task *task, user_t timeout, uint32_t how)
{
    uint32_t command = FUTEX_COMMAND(how);
    bool real = command == FUTEX_LOCK_PI || how & FUTEX_REALTIME;
    struct timespec time;
    int64_t error;

    if (!timeout) {
        return 0;
    }
    error = timespec_read(task, timeout, &time);
    if (error) {
        return error;
    }
    wait_until(task, clock_deadline(real ? CLOCK_REALTIME : CLOCK_MONOTONIC, timespec_ns(&time),
                                    command != FUTEX_WAIT));
    return 0;
}

static int64_t futex_wait(struct task *task, user_t at, uint32_t how, uint32_t expected,
                          uint32_t bits)
{
    struct futex_wait wait = { .at = at, .bits = bits };
    int64_t error = bits ? key_make(task, at, how & FUTEX_PRIVATE, &wait.key) : -EINVAL;
    const uint32_t *word = error ? NULL : user_word(task, at, false);

    if (error) {
        return error;
    }
    if (!word) {
        return -EFAULT;
    }
    if (word_read(word) != expected) {
        return -EAGAIN;
    }
    return futex_wait_begin(task, &wait);
}

static int64_t futex_wait_lock(struct task *task, user_t at, uint32_t how, uint32_t expected,
                               user_t lock)
{
    struct futex_wait wait = { .at = at, .bits = ANY, .lock = lock };
    int64_t error = key_make(task, at, how & FUTEX_PRIVATE, &wait.key);
    const uint32_t *word;

    error = error ? error : key_make(task, lock, how & FUTEX_PRIVATE, &wait.lock_key);
    if (error || key_equal(&wait.key, &wait.lock_key)) {
        return error ? error : -EINVAL;
    }
    word = user_word(task, lock, true) ? user_word(task, at, false) : NULL;
    if (!word) {
        return -EFAULT;
    }
    return word_read(word) != expected ? -EAGAIN : futex_wait_begin(task, &wait);
}

static int64_t futex_lock(struct task *task, user_t at, uint32_t how, bool try)
{
    struct futex_wait wait = { .at = at, .bits = ANY };
    int64_t error = key_make(task, at, how & FUTEX_PRIVATE, &wait.key);
    uint32_t *word = error ? NULL : user_word(task, at, true);

    if (error) {
        return error;
    }
    if (!word) {
        return -EFAULT;
    }
    error = lock_take(task, word, try, &wait.owner);
    if (error != -EAGAIN || try) {
        return error;
    }
    return futex_wait_begin(task, &wait);
}

static bool command_waits(uint32_t command)
{
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
           command == FUTEX_LOCK_PI2 || command == FUTEX_WAIT_REQUEUE;
}

static int64_t futex_two(struct task *task, uint32_t how, const struct requeue *what)
{
    switch (FUTEX_COMMAND(how)) {
    case FUTEX_WAKE_OP: return futex_wake_op(task, how, what);
    case FUTEX_CMP_MOVE: return futex_lock_move(task, how, what);
    default: return futex_requeue(task, how, what);
    }
}

int64_t call_futex(struct task *task, user_t at, uint32_t how, uint32_t value, uint64_t timeout,
                   user_t at2, uint32_t value3)
{
    uint32_t command = FUTEX_COMMAND(how);
    struct requeue two = {
        at, at2, (int32_t)value, (int32_t)timeout, value3, command == FUTEX_CMP_REQUEUE
    };
    int64_t error;

    if (task->call.state) {
        return futex_wait_again(task);
    }
    if (how & FUTEX_REALTIME && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2 &&
        command != FUTEX_WAIT_REQUEUE) {
        return -ENOSYS;
    }
    error = command_waits(command) ? futex_until(task, timeout, how) : 0;
    if (error) {
        return error;
    }
    switch (command) {
    case FUTEX_WAIT: return futex_wait(task, at, how, value, ANY);
    case FUTEX_WAIT_BITSET: return futex_wait(task, at, how, value, value3);
    case FUTEX_WAKE: return futex_wake(task, at, how, (int32_t)value, ANY);
    case FUTEX_WAKE_BITSET: return futex_wake(task, at, how, (int32_t)value, value3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_CMP_MOVE:
    case FUTEX_WAKE_OP: return futex_two(task, how, &two);
    case FUTEX_WAIT_REQUEUE: return futex_wait_lock(task, at, how, value, at2);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2: return futex_lock(task, at, how, false);
    case FUTEX_TRYLOCK_PI: return futex_lock(task, at, how, true);
    case FUTEX_UNLOCK_PI: return futex_unlock(task, at, how);
    default: return -ENOSYS;
    }
}

// ---- several words -----------------------------------------------------------------------------
#define WAITV_MAX    128u
#define WAITV_32BITS 2u

// As the process gives them (struct futex_waitv).
struct waitv {
    uint64_t value, at;
    uint32_t flags, reserved;
};

struct futex_waits {
    uint32_t count;
    struct futex_wait at[];
};

static void futex_waitv_end(struct task *task)
{
    struct futex_waits *waits = task->call.state;

    task->call.state = NULL;
    task->call.end = NULL;
    for (uint32_t i = 0; i < waits->count; i++) {
        list_remove(&waits->at[i].link);
        waitlist_end(&waits->at[i].waits);
    }
    heap_free(waits);
}

static int64_t futex_waitv_again(struct task *task)
{
    struct futex_waits *waits = task->call.state;

    for (uint32_t i = 0; i < waits->count; i++) {
        if (waits->at[i].woken) {
            return i;
        }
    }
    if (wait_over(task)) {
        return -ETIMEDOUT;
    }
    for (uint32_t i = 0; i < waits->count; i++) {
        int64_t result = wait_on(task, &waits->at[i].waits);
        if (result != RESULT_WAIT) {
            return result;
        }
    }
    return RESULT_WAIT;
}

// Wait for one more word, if it has the value.
static int64_t waitv_add(struct task *task, struct futex_waits *waits, const struct waitv *what)
{
    struct futex_wait *wait = &waits->at[waits->count];
    const uint32_t *word;
    int64_t error = key_make(task, what->at, what->flags & FUTEX_PRIVATE, &wait->key);

    if (error) {
        return error;
    }
    word = user_word(task, what->at, false);
    if (!word || word_read(word) != (uint32_t)what->value) {
        return word ? -EAGAIN : -EFAULT;
    }
    wait->task = task;
    wait->at = what->at;
    wait->bits = ANY;
    waitlist_init(&wait->waits);
    list_add(bucket_of(&wait->key), &wait->link);
    waits->count++;
    return 0;
}

static int64_t waitv_begin(struct task *task, user_t from, uint32_t count)
{
    struct waitv what[WAITV_MAX];
    struct futex_waits *waits;
    int64_t error = 0;

    if (user_read(task, what, from, count * sizeof(*what)) < 0) {
        return -EFAULT;
    }
    for (uint32_t i = 0; i < count; i++) {
        if ((what[i].flags & ~FUTEX_PRIVATE) != WAITV_32BITS || what[i].reserved) {
            return -EINVAL;
        }
    }
    waits = heap_alloc(sizeof(*waits) + count * sizeof(waits->at[0]));
    if (!waits) {
        return -ENOMEM;
    }
    task->call.state = waits;
    task->call.end = futex_waitv_end;
    for (uint32_t i = 0; !error && i < count; i++) {
        error = waitv_add(task, waits, &what[i]);
    }
    return error ? error : futex_waitv_again(task);
}

int64_t call_futex_waitv(struct task *task, user_t from, uint32_t count, uint32_t flags,
                         user_t timeout, int32_t clock)
{
    struct timespec time;

    if (task->call.state) {
        return futex_waitv_again(task);
    }
    if (flags || count == 0 || count > WAITV_MAX || !from) {
        return -EINVAL;
    }
    if (timeout) {
        int64_t error = clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME
                            ? timespec_read(task, timeout, &time)
                            : -EINVAL;
        if (error) {
            return error;
        }
        wait_until(task, clock_deadline(clock, timespec_ns(&time), true));
    }
    return waitv_begin(task, from, count);
}

// ---- the end of a task --------------------------------------------------------------------------

static void wake_shared(struct task *task, user_t at)
{
    struct futex_key key;

    if (key_make(task, at, false, &key) == 0) {
        key_wake(&key, 1, ANY);
    }
}

// One lock of the robust list: false: the list makes no sense.
static bool robust_leave(struct task *task, user_t at, bool inherits, bool pending)
{
    uint32_t *word = at % sizeof(uint32_t) ? NULL : user_word(task, at, true), old;

    if (!word) {
        return false;
    }
    do {
        old = word_read(word);
        // It was giving the lock back, or had not got it yet: who waits may have been about to be
        // woken.
        if (pending && !inherits && old == 0) {
            wake_shared(task, at);
        }
        if ((old & WORD_TID) != task->tid) {
            return true;
        }
    } while (!word_change(word, old, (old & WORD_WAITERS) | WORD_OWNER_DIED));
    if (!inherits && old & WORD_WAITERS) {
        wake_shared(task, at);
    }
    return true;
}

// The lowest bit of a link says whether the lock inherits priorities.
static void robust_walk(struct task *task, user_t head)
{
    struct robust_list list;
    user_t entry, pending;

    if (user_read(task, &list, head, sizeof(list)) < 0) {
        return;
    }
    entry = list.next;
    pending = list.pending & ~1ull;
    for (uint32_t count = 0; (entry & ~1ull) != head && count < ROBUST_MAX; count++) {
        user_t at = entry & ~1ull, next;
        bool readable = user_read(task, &next, at, sizeof(next)) == 0;
        if (at != pending && !robust_leave(task, at + (user_t)list.offset, entry & 1, false)) {
            return;
        }
        if (!readable) {
            break;
        }
        entry = next;
    }
    if (pending) {
        robust_leave(task, pending + (user_t)list.offset, list.pending & 1, true);
    }
}

// Hand over one lock of the task that others of a bucket wait for; false: there is none.
static bool bucket_leave(const struct task *task, struct list *bucket)
{
    LIST_EACH(wait, bucket, struct futex_wait, link) {
        struct futex_key key = wait->key;
        uint32_t *word = wait->owner == task->tid ? user_word(wait->task, wait->at, true) : NULL;
        if (word && lock_hand_over(&key, word, WORD_OWNER_DIED)) {
            return true;
        }
    }
    return false;
}

// Locks of the task that others wait for.
static void owned_leave(const struct task *task)
{
    for (uint32_t i = 0; owned && i < BUCKETS; i++) {
        // Handing over changes the bucket: from its beginning after each.
        while (buckets[i].next && bucket_leave(task, &buckets[i])) {}
    }
}

void futex_exit(struct task *task)
{
    static const uint32_t zero;

    if (task->robust_list) {
        robust_walk(task, task->robust_list);
    }
    task->robust_list = 0;
    if (owned) {
        owned_leave(task);
    }
    // The last one of a space has nobody to tell.
    if (!task->clear_tid || task->space->refs == 1) {
        task->clear_tid = 0;
        return;
    }
    if (user_write(task, task->clear_tid, &zero, sizeof(zero)) == 0) {
        wake_shared(task, task->clear_tid);
    }
    task->clear_tid = 0;
}

int64_t call_set_robust_list(struct task *task, user_t head, uint64_t bytes)
{
    if (bytes != sizeof(struct robust_list)) {
        return -EINVAL;
    }
    task->robust_list = head;
    return 0;
}

int64_t call_get_robust_list(struct task *task, int32_t tid, user_t head, user_t bytes)
{
    const struct task *of = tid ? task_find((uint32_t)tid) : task;
    uint64_t size = sizeof(struct robust_list);

    if (!of) {
        return -ESRCH;
    }
    if (!task_may_look(task, of)) {
        return -EPERM;
    }
    if (user_write(task, bytes, &size, sizeof(size)) < 0) {
        return -EFAULT;
    }
    return user_write(task, head, &of->robust_list, sizeof(of->robust_list));
}
