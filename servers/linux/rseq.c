// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
#include "rseq.h"

#include "call.h"
#include "cpu.h"
#include "space.h"

#define AREA_BYTES 32u
#define UNREGISTER 1u

// What the program has registered (struct rseq), as far as it is read or written here.
#define AREA_CPUS     0u  // cpu_id_start, cpu_id
#define AREA_SEQUENCE 8u  // where its struct rseq_cs is; 0: it is in none

struct sequence {  // struct rseq_cs
    uint32_t version, flags;
    uint64_t start, bytes, abort;
};

static int64_t cpu_write(struct task *task, user_t area, uint32_t cpu)
{
    const uint32_t cpus[2] = { cpu, cpu };
    return user_write(task, area + AREA_CPUS, cpus, sizeof(cpus)) ? -EFAULT : 0;
}

void rseq_place(struct task *task, uint32_t cpu)
{
    if (task->rseq && task->last_cpu != cpu && cpu_write(task, task->rseq, cpu)) {
        task->rseq_left = true;  // which finds that it cannot be read
    }
    task->last_cpu = cpu;
}

bool rseq_may_be_left(struct task *task)
{
    user_t at = 0;
    // On another CPU it may not have stopped yet.
    return task->rseq &&
           (cpu_number > 1 || user_read(task, &at, task->rseq + AREA_SEQUENCE, sizeof(at)) || at);
}

// Whether it is a sequence that is left by going on at its `abort`, before which the program has
// put its signature.
static bool sequence_is_good(struct task *task, const struct sequence *sequence)
{
    uint32_t signature = 0;
    return !sequence->version && !sequence->flags && sequence->start < SPACE_END &&
           sequence->bytes < SPACE_END - sequence->start && sequence->abort < SPACE_END &&
           sequence->abort - sequence->start >= sequence->bytes &&
           !user_read(task, &signature, sequence->abort - sizeof(signature), sizeof(signature)) &&
           signature == task->rseq_signature;
}

bool rseq_leave(struct task *task)
{
    const user_t none = 0;
    struct sequence sequence;
    task->rseq_left = false;
    if (!task->rseq) {
        return true;
    }
    const volatile user_t *there = user_reach(task, task->rseq + AREA_SEQUENCE, sizeof(user_t),
                                              false);
    user_t at = there ? *there : 0;
    if (!there) {
        return false;
    }
    if (!at) {
        return true;
    }
    struct thread_regs *regs = task_regs(task);
    if (user_read(task, &sequence, at, sizeof(sequence)) || !sequence_is_good(task, &sequence) ||
        user_write(task, task->rseq + AREA_SEQUENCE, &none, sizeof(none))) {
        return false;
    }
    if (regs->rip - sequence.start < sequence.bytes) {
        regs->rip = sequence.abort;
        task_load(task);
    }
    return true;
}

int64_t call_rseq(struct task *task, user_t at, uint32_t bytes, uint32_t flags, uint32_t signature)
{
    if (flags & ~UNREGISTER || (flags && (!task->rseq || task->rseq != at)) ||
        (!flags && task->rseq && task->rseq != at) || bytes != AREA_BYTES || at % AREA_BYTES) {
        return -EINVAL;
    }
    if (task->rseq && signature != task->rseq_signature) {
        return -EPERM;
    }
    if (!flags && task->rseq) {
        return -EBUSY;
    }
    if (flags) {
        task->rseq = 0;
        return 0;
    }
    int64_t error = cpu_write(task, at, cpu_of(task));
    if (!error) {
        task->rseq = at;
        task->rseq_signature = signature;
    }
    return error;
}
