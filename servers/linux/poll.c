// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Waiting for any of several files: poll and select.  Each attempt asks all files; only where none
// is ready does the task go into their lists.
#include "poll.h"

#include "call.h"
#include "capability.h"
#include "clock.h"
#include "timer.h"

#define CHUNK 32u  // of struct pollfd that are here at a time

struct pollfd {
    int32_t fd;
    int16_t events;
    int16_t ready;
};

struct timeval {
    int64_t seconds, microseconds;
};

int64_t poll_mask(struct task *task, user_t mask, uint64_t bytes)
{
    sigset wanted;

    if (!mask || task->call.again) {
        return 0;
    }
    if (bytes != sizeof(wanted)) {
        return -EINVAL;
    }
    if (user_read(task, &wanted, mask, sizeof(wanted)) < 0) {
        return -EFAULT;
    }
    task->signals.restored = task->signals.blocked;
    task->signals.restore = true;
    task->signals.blocked = wanted & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
    return 0;
}

// The deadline of the call, which its first attempt finds out.
static void poll_until(struct task *task, uint64_t ns)
{
    if (!task->call.again && ns != TIMER_NEVER) {
        wait_until(task, clock_deadline(CLOCK_MONOTONIC, ns, false));
    }
}

static int64_t poll_wait(struct task *task, struct file *file)
{
    return file->ops->waits ? wait_on(task, file->ops->waits(file)) : RESULT_WAIT;
}

// ---- poll ---------------------------------------------------------------------------------------

static uint32_t pollfd_ready(struct task *task, const struct pollfd *want)
{
    struct file *file;

    if (want->fd < 0) {
        return 0;
    }
    file = file_at(task, want->fd);
    if (!file) {
        return POLLNVAL;
    }
    return poll_ready(file) & ((uint16_t)want->events | POLLERR | POLLHUP);
}

// Ask all files, and tell the process: how many are ready.
static int64_t poll_ask(struct task *task, user_t at, uint32_t count)
{
    struct pollfd chunk[CHUNK];
    int64_t found = 0;

    while (count) {
        uint32_t now = count < CHUNK ? count : CHUNK;
        if (user_read(task, chunk, at, now * sizeof(*chunk)) < 0) {
            return -EFAULT;
        }
        for (uint32_t i = 0; i < now; i++) {
            chunk[i].ready = (int16_t)pollfd_ready(task, &chunk[i]);
            found += chunk[i].ready != 0;
        }
        if (user_write(task, at, chunk, now * sizeof(*chunk)) < 0) {
            return -EFAULT;
        }
        at += now * sizeof(*chunk);
        count -= now;
    }
    return found;
}

static int64_t poll_register(struct task *task, user_t at, uint32_t count)
{
    struct pollfd chunk[CHUNK];

    while (count) {
        uint32_t now = count < CHUNK ? count : CHUNK;
        if (user_read(task, chunk, at, now * sizeof(*chunk)) < 0) {
            return -EFAULT;
        }
        for (uint32_t i = 0; i < now; i++) {
            struct file *file = chunk[i].fd < 0 ? NULL : file_at(task, chunk[i].fd);
            int64_t result = file ? poll_wait(task, file) : RESULT_WAIT;
            if (result != RESULT_WAIT) {
                return result;
            }
        }
        at += now * sizeof(*chunk);
        count -= now;
    }
    return wait_only(task);
}

static int64_t poll_files(struct task *task, user_t at, uint32_t count, uint64_t ns)
{
    int64_t found;

    if (count > task_limit(task, RLIMIT_NOFILE)) {
        return -EINVAL;
    }
    found = poll_ask(task, at, count);
    if (found || ns == 0) {
        return found;
    }
    poll_until(task, ns);
    return wait_over(task) ? 0 : poll_register(task, at, count);
}

int64_t call_poll(struct task *task, user_t fds, uint32_t count, int32_t timeout)
{
    return poll_files(task, fds, count,
                      timeout < 0 ? TIMER_NEVER : (uint64_t)timeout * (uint64_t)(SECOND / 1000));
}

// What is left of the time-out goes to the process, however the call ends.
static void timeout_tell(struct task *task, user_t to, bool as_timeval)
{
    uint64_t now = clock_now(), deadline = task->call.deadline;
    struct timespec left = timespec_of(deadline > now ? (int64_t)(deadline - now) : 0);

    if (as_timeval) {
        left.nanoseconds /= 1000;
    }
    user_write(task, to, &left, sizeof(left));
}

static void ppoll_end(struct task *task)
{
    timeout_tell(task, task->call.args[2], false);
}

// The time-out of a call that gives it as a timespec, none: TIMER_NEVER; what becomes of it when
// the call ends.
static int64_t timeout_read(struct task *task, user_t from, uint64_t *ns,
                            void (*end)(struct task *task))
{
    struct timespec time;
    int64_t error;

    *ns = TIMER_NEVER;
    if (!from || task->call.again) {
        return 0;
    }
    error = timespec_read(task, from, &time);
    if (error) {
        return error;
    }
    *ns = timespec_ns(&time);
    if (*ns && *ns != TIMER_NEVER) {
        poll_until(task, *ns);
        task->call.end = end;
    }
    return 0;
}

int64_t call_ppoll(struct task *task, user_t fds, uint32_t count, user_t timeout, user_t mask,
                   uint64_t mask_bytes)
{
    uint64_t ns;
    int64_t error = timeout_read(task, timeout, &ns, ppoll_end);

    if (!error) {
        error = poll_mask(task, mask, mask_bytes);
    }
    return error ? error : poll_files(task, fds, count, ns);
}

// ---- select -------------------------------------------------------------------------------------

#define READS     (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define WRITES    (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define EXCEPTS   POLLPRI
#define WORD_BITS 64u
#define WORDS     (DESCRIPTORS_MOST / WORD_BITS)

struct selection {
    user_t sets[3];  // of descriptors to read from, to write to, with exceptions; 0: none
    uint32_t count;  // of bits
};

static const uint32_t select_events[3] = { READS, WRITES, EXCEPTS };
static uint64_t selected[WORDS][3];  // what is ready, of the call that is carried out

// The words of the sets, from bit `first` on: 0 or -EFAULT.
static int64_t select_read(struct task *task, const struct selection *selection, uint32_t first,
                           uint64_t words[3])
{
    uint32_t bits = selection->count - first;
    uint64_t inside = bits < WORD_BITS ? (1ull << bits) - 1 : UINT64_MAX;

    for (unsigned set = 0; set < 3; set++) {
        words[set] = 0;
        if (selection->sets[set] &&
            user_read(task, &words[set], selection->sets[set] + first / 8, sizeof(words[set]))) {
            return -EFAULT;
        }
        words[set] &= inside;
    }
    return 0;
}

// Ask the files of one word of each set; bits of what is not ready go from the words.
static int64_t select_ask_word(struct task *task, uint32_t first, uint64_t words[3])
{
    int64_t found = 0;

    for (uint64_t all = words[0] | words[1] | words[2]; all; all &= all - 1) {
        unsigned at = (unsigned)__builtin_ctzll(all);
        struct file *file = file_at(task, (int)(first + at));
        if (!file) {
            return -EBADF;
        }
        uint32_t ready = poll_ready(file);
        for (unsigned set = 0; set < 3; set++) {
            uint64_t bit = words[set] & 1ull << at;
            bool is = bit && ready & select_events[set];
            words[set] ^= is ? 0 : bit;
            found += is;
        }
    }
    return found;
}

// Ask all files: how many bits are ready, which stand in `selected`, or an error.
static int64_t select_ask(struct task *task, const struct selection *selection)
{
    int64_t found = 0;

    for (uint32_t first = 0; first < selection->count; first += WORD_BITS) {
        uint64_t *words = selected[first / WORD_BITS];
        int64_t result = select_read(task, selection, first, words);
        if (!result) {
            result = select_ask_word(task, first, words);
        }
        if (result < 0) {
            return result;
        }
        found += result;
    }
    return found;
}

static int64_t select_tell(struct task *task, const struct selection *selection, int64_t found)
{
    for (uint32_t first = 0; first < selection->count; first += WORD_BITS) {
        for (unsigned set = 0; set < 3; set++) {
            const uint64_t *word = &selected[first / WORD_BITS][set];
            if (selection->sets[set] &&
                user_write(task, selection->sets[set] + first / 8, word, sizeof(*word)) < 0) {
                return -EFAULT;
            }
        }
    }
    return found;
}

static int64_t select_register(struct task *task, const struct selection *selection)
{
    for (uint32_t first = 0; first < selection->count; first += WORD_BITS) {
        uint64_t words[3];
        int64_t result = select_read(task, selection, first, words);
        if (result) {
            return result;
        }
        for (uint64_t all = words[0] | words[1] | words[2]; all; all &= all - 1) {
            struct file *file = file_at(task, (int)first + __builtin_ctzll(all));
            result = file ? poll_wait(task, file) : -EBADF;
            if (result != RESULT_WAIT) {
                return result;
            }
        }
    }
    return wait_only(task);
}

static int64_t select_files(struct task *task, const struct selection *selection, uint64_t ns)
{
    int64_t found = select_ask(task, selection);

    if (found < 0) {
        return found;
    }
    return found || ns == 0 || wait_over(task) ? select_tell(task, selection, found)
                                               : select_register(task, selection);
}

// Bits beyond the table of descriptors are not looked at, as in Linux.
static int64_t selection_check(const struct task *task, int32_t count, struct selection *selection)
{
    if (count < 0) {
        return -EINVAL;
    }
    selection->count = (uint32_t)count;
    if (selection->count > task->files->count) {
        selection->count = task->files->count;
    }
    return 0;
}

static void select_end(struct task *task)
{
    timeout_tell(task, task->call.args[4], true);
}

// The time-out of select: microseconds of a second or more are taken too.
static int64_t select_timeout(struct task *task, user_t from, uint64_t *ns)
{
    struct timeval time;
    struct timespec exact;

    *ns = TIMER_NEVER;
    if (!from || task->call.again) {
        return 0;
    }
    if (user_read(task, &time, from, sizeof(time)) < 0) {
        return -EFAULT;
    }
    if (time.seconds < 0 || time.microseconds < 0) {
        return -EINVAL;
    }
    exact.nanoseconds = time.microseconds % 1000000 * 1000;
    if (__builtin_add_overflow(time.seconds, time.microseconds / 1000000, &exact.seconds)) {
        exact.seconds = INT64_MAX;
    }
    *ns = timespec_ns(&exact);
    if (*ns && *ns != TIMER_NEVER) {
        poll_until(task, *ns);
        task->call.end = select_end;
    }
    return 0;
}

int64_t call_select(struct task *task, int32_t count, user_t reads, user_t writes, user_t excepts,
                    user_t timeout)
{
    struct selection selection = { .sets = { reads, writes, excepts } };
    uint64_t ns;
    int64_t error = select_timeout(task, timeout, &ns);

    if (!error) {
        error = selection_check(task, count, &selection);
    }
    return error ? error : select_files(task, &selection, ns);
}

static void pselect6_end(struct task *task)
{
    timeout_tell(task, task->call.args[4], false);
}

int64_t call_pselect6(struct task *task, int32_t count, user_t reads, user_t writes, user_t excepts,
                      user_t timeout, user_t mask)
{
    struct selection selection = { .sets = { reads, writes, excepts } };
    struct {
        user_t at;
        uint64_t bytes;
    } set = { 0, 0 };
    uint64_t ns;
    int64_t error;

    if (mask && user_read(task, &set, mask, sizeof(set)) < 0) {
        return -EFAULT;
    }
    error = timeout_read(task, timeout, &ns, pselect6_end);
    if (!error) {
        error = selection_check(task, count, &selection);
    }
    if (!error) {
        error = poll_mask(task, set.at, set.bytes);
    }
    return error ? error : select_files(task, &selection, ns);
}
