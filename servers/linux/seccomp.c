// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Filters are a chain: each new one is asked as well as those before it, and what is worst for the
// call is done.  A chain is shared by all who inherit it, and never changes.
#include "seccomp.h"

#include "bpf.h"
#include "call.h"
#include "capability.h"
#include "heap.h"

#include <rt/string.h>

#define SET_MODE_STRICT  0u
#define SET_MODE_FILTER  1u
#define GET_ACTION_AVAIL 2u

#define FLAG_TSYNC       1u
#define FLAG_LOG         2u
#define FLAG_SPEC_ALLOW  4u
#define FLAG_TSYNC_ESRCH 16u

#define MODE_NONE   0u
#define MODE_STRICT 1u
#define MODE_FILTER 2u

#define RET_KILL_PROCESS 0x80000000u
#define RET_KILL_THREAD  0x00000000u
#define RET_TRAP         0x00030000u
#define RET_ERRNO        0x00050000u
#define RET_USER_NOTIF   0x7fc00000u
#define RET_TRACE        0x7ff00000u
#define RET_LOG          0x7ffc0000u
#define RET_ALLOW        0x7fff0000u
#define RET_ACTION       0xffff0000u
#define RET_DATA         0x0000ffffu
#define ERRNO_MOST       4095u

#define SYS_SECCOMP       1
#define ARCH_X86_64       0xc000003eu
#define INSTRUCTIONS_MOST 32768u  // of a chain, each program counted with 4 more
#define DUMPED            0x80u

#define CALL_READ      0u
#define CALL_WRITE     1u
#define CALL_SIGRETURN 15u
#define CALL_EXIT      60u

struct bpf_program {
    uint32_t refs;
    struct bpf_program *before;  // has a reference; NULL: the first
    bool looks_at_place;         // at the instruction that makes the call
    uint32_t count;
    struct bpf_instruction code[];
};

// What a program sees of a call (struct seccomp_data).
struct record {
    uint32_t number, arch;
    uint64_t place, args[6];
};
#define PLACE_OFFSET offsetof(struct record, place)

// Stands for the mode that has no program.
static struct bpf_program strict = { .refs = 1 };

struct bpf_program *seccomp_get(struct bpf_program *filter)
{
    if (filter) {
        filter->refs++;
    }
    return filter;
}

void seccomp_put(struct bpf_program *filter)
{
    while (filter && --filter->refs == 0) {
        struct bpf_program *before = filter->before;
        heap_free(filter);
        filter = before;
    }
}

unsigned seccomp_mode(const struct task *task)
{
    return !task->seccomp ? MODE_NONE : task->seccomp == &strict ? MODE_STRICT : MODE_FILTER;
}

unsigned seccomp_filters(const struct task *task)
{
    unsigned count = 0;
    for (const struct bpf_program *at = task->seccomp; at && at != &strict; at = at->before) {
        count++;
    }
    return count;
}

// ---- asking ------------------------------------------------------------------------------------
static struct record record_of(struct task *task, const struct bpf_program *newest)
{
    struct record record = { .number = task->call.number, .arch = ARCH_X86_64 };
    memcpy(record.args, task->call.args, sizeof(record.args));
    bool looks = false;
    for (const struct bpf_program *at = newest; at; at = at->before) {
        looks |= at->looks_at_place;
    }
    record.place = looks ? task_regs(task)->rip : 0;
    return record;
}

// The action of the lowest number, by sign; of equal ones the newest.
static uint32_t chain_run(struct task *task)
{
    struct record record = record_of(task, task->seccomp);
    uint32_t words[sizeof(record) / sizeof(uint32_t)], worst = RET_ALLOW;
    memcpy(words, &record, sizeof(words));
    for (const struct bpf_program *at = task->seccomp; at; at = at->before) {
        uint32_t result = bpf_run(at->code, words, sizeof(words));
        if ((int32_t)(result & RET_ACTION) < (int32_t)(worst & RET_ACTION)) {
            worst = result;
        }
    }
    return worst;
}

static void process_kill(const struct task *task)
{
    process_exit(task->process, SIGSYS | (task_limit(task, RLIMIT_CORE) ? DUMPED : 0));
}

static void task_kill(struct task *task)
{
    const struct list *tasks = &task->process->tasks;
    if (tasks->next == tasks->prev) {
        process_kill(task);
    } else {
        task_exit(task, SIGSYS);
    }
}

static void task_trap(struct task *task, uint32_t data)
{
    struct signal_info info = { .signal = SIGSYS, .error = (int32_t)data, .code = SYS_SECCOMP };
    info.rest[0] = task_regs(task)->rip;
    info.rest[1] = (uint64_t)ARCH_X86_64 << 32 | task->call.number;
    signal_force(task, &info);
}

static bool strict_stops(struct task *task, int64_t *result)
{
    uint32_t number = task->call.number;
    *result = RESULT_NONE;
    if (number == CALL_READ || number == CALL_WRITE || number == CALL_SIGRETURN ||
        number == CALL_EXIT) {
        return false;
    }
    task_exit(task, SIGKILL);
    return true;
}

bool seccomp_stops(struct task *task, int64_t *result)
{
    if (task->seccomp == &strict) {
        return strict_stops(task, result);
    }
    uint32_t answer = chain_run(task), data = answer & RET_DATA;
    *result = RESULT_NONE;
    switch (answer & RET_ACTION) {
    case RET_ALLOW:
    case RET_LOG: return false;
    case RET_ERRNO: *result = -(int64_t)(data < ERRNO_MOST ? data : ERRNO_MOST); break;
    case RET_TRAP: task_trap(task, data); break;
    case RET_TRACE:  // as in Linux where no tracer asked for it
    case RET_USER_NOTIF: *result = -ENOSYS; break;
    case RET_KILL_THREAD: task_kill(task); break;
    default: process_kill(task); break;
    }
    return true;
}

// ---- setting -----------------------------------------------------------------------------------
static bool looks_at_place(const struct bpf_program *program)
{
    for (uint32_t i = 0; i < program->count; i++) {
        const struct bpf_instruction *at = &program->code[i];
        if (at->code == 0x20 && at->k - PLACE_OFFSET < sizeof(uint64_t)) {  // a word of the record
            return true;
        }
    }
    return false;
}

static bool program_good(const struct bpf_program *program, int64_t *error)
{
    uint16_t *scratch = heap_alloc(program->count * sizeof(*scratch));
    bool good = scratch &&
                bpf_verify(program->code, program->count, sizeof(struct record), scratch);
    *error = good ? 0 : scratch ? -EINVAL : -ENOMEM;
    heap_free(scratch);
    return good;
}

// The program of a process (struct sock_fprog); NULL with why not.
static struct bpf_program *program_take(struct task *task, user_t from, int64_t *error)
{
    struct {
        uint16_t count, padding[3];
        user_t code;
    } given;
    *error = user_read(task, &given, from, sizeof(given)) ? -EFAULT
             : !given.count || given.count > BPF_MOST     ? -EINVAL
                                                          : 0;
    uint64_t bytes = *error ? 0 : given.count * sizeof(struct bpf_instruction);
    struct bpf_program *program = *error ? NULL : heap_alloc(sizeof(*program) + bytes);
    if (!program) {
        *error = *error ? *error : -ENOMEM;
        return NULL;
    }
    program->refs = 1;
    program->count = given.count;
    *error = user_read(task, program->code, given.code, bytes);
    if (*error || !program_good(program, error)) {
        heap_free(program);
        return NULL;
    }
    program->looks_at_place = looks_at_place(program);
    return program;
}

static uint64_t chain_length(const struct bpf_program *program)
{
    uint64_t length = 0;
    for (; program; program = program->before) {
        length += program->count + 4;
    }
    return length;
}

// Whether a task's chain is the beginning of another's.
static bool chain_leads_to(const struct bpf_program *from, const struct bpf_program *to)
{
    while (to && to != from) {
        to = to->before;
    }
    return to == from;
}

// One of the process whose filters are not among the task's; NULL: none.
static const struct task *other_filters(const struct task *task)
{
    LIST_EACH(other, &task->process->tasks, struct task, in_process) {
        if (!chain_leads_to(other->seccomp, task->seccomp)) {
            return other;
        }
    }
    return NULL;
}

static void chain_share(const struct task *task)
{
    LIST_EACH(other, &task->process->tasks, struct task, in_process) {
        if (other != task) {
            struct bpf_program *old = other->seccomp;
            other->seccomp = seccomp_get(task->seccomp);
            other->credentials.no_new_privileges |= task->credentials.no_new_privileges;
            seccomp_put(old);
        }
    }
}

static int64_t filter_set(struct task *task, uint32_t flags, user_t from)
{
    int64_t error = 0;
    if (flags & ~(FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW | FLAG_TSYNC_ESRCH) ||
        task->seccomp == &strict) {
        return -EINVAL;
    }
    if (!task->credentials.no_new_privileges && !task_capable(task, CAP_SYS_ADMIN)) {
        return -EACCES;
    }
    struct bpf_program *program = program_take(task, from, &error);
    if (!program) {
        return error;
    }
    const struct task *other = flags & FLAG_TSYNC ? other_filters(task) : NULL;
    if (other || chain_length(task->seccomp) + program->count + 4 > INSTRUCTIONS_MOST) {
        heap_free(program);
        return !other ? -ENOMEM : flags & FLAG_TSYNC_ESRCH ? -ESRCH : (int64_t)other->tid;
    }
    program->before = task->seccomp;
    task->seccomp = program;
    if (flags & FLAG_TSYNC) {
        chain_share(task);
    }
    return 0;
}

static int64_t strict_set(struct task *task)
{
    if (task->seccomp && task->seccomp != &strict) {
        return -EINVAL;
    }
    task->seccomp = task->seccomp ? task->seccomp : seccomp_get(&strict);
    return 0;
}

static int64_t action_known(struct task *task, uint32_t flags, user_t from)
{
    uint32_t action = 0;
    if (flags) {
        return -EINVAL;
    }
    if (user_read(task, &action, from, sizeof(action))) {
        return -EFAULT;
    }
    switch (action) {
    case RET_KILL_PROCESS:
    case RET_KILL_THREAD:
    case RET_TRAP:
    case RET_ERRNO:
    case RET_TRACE:
    case RET_LOG:
    case RET_ALLOW: return 0;
    default: return -EOPNOTSUPP;
    }
}

int64_t seccomp_prctl(struct task *task, uint64_t mode, user_t filter)
{
    return mode == MODE_STRICT   ? strict_set(task)
           : mode == MODE_FILTER ? filter_set(task, 0, filter)
                                 : -EINVAL;
}

int64_t call_seccomp(struct task *task, uint32_t operation, uint32_t flags, user_t at)
{
    switch (operation) {
    case SET_MODE_STRICT: return flags || at ? -EINVAL : strict_set(task);
    case SET_MODE_FILTER: return filter_set(task, flags, at);
    case GET_ACTION_AVAIL: return action_known(task, flags, at);
    default: return -EINVAL;
    }
}
