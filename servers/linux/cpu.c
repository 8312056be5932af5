// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// One queue, in turn, for all CPUs.
#include "cpu.h"

#include "rseq.h"

#include <rt/clock.h>
#include <rt/component.h>
#include <rt/panic.h>

#include <gen/rt_stubs.h>

struct cpu {
    cap_t context;
    struct task *runs;  // has the context
    uint64_t turn_end;  // 0: it has all the time
    uint64_t counted;   // ticks of the context that are accounted for
};

unsigned cpu_number;
bool cpu_anew;
struct task *cpu_trapped;

static struct cpu cpus[CPUS_MOST];
static struct list queue = LIST_EMPTY(queue);

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

void cpu_init(void)
{
    const struct component_info *info = component_info();
    for (uint32_t i = 0; i < info->grant_count && cpu_number < CPUS_MOST; i++) {
        const struct component_grant *grant = &info->grants[i];
        if (grant->kind == GRANT_CONTEXT && grant->slot) {
            cpus[cpu_number++].context = grant->slot;
        }
    }
    if (!cpu_number) {
        rt_panic("there is no CPU for guests");
    }
}

static void count(struct cpu *cpu)
{
    struct sched_context_consumed_result used = sched_context_consumed(cpu->context);
    if (cpu->runs) {
        cpu->runs->ticks += used.ticks - cpu->counted;
    }
    cpu->counted = used.ticks;
}

void cpu_count(void)
{
    for (unsigned i = 0; i < cpu_number; i++) {
        count(&cpus[i]);
    }
}

uint64_t cpu_used(unsigned cpu)
{
    count(&cpus[cpu]);
    return rt_nanoseconds(cpus[cpu].counted, rt_clock_hz());
}

static void context_take(struct cpu *cpu)
{
    struct task *task = cpu->runs;
    count(cpu);
    must(sched_context_unbind(cpu->context), "taking time back");
    task->rseq_left |= task->state == TASK_RUNS && !task->trapped && rseq_may_be_left(task);
    task->cpu = NULL;
    cpu->runs = NULL;
    cpu_anew = true;
}

static void context_give(struct cpu *cpu, struct task *task)
{
    list_remove(&task->queued);
    cpu->runs = task;
    cpu->turn_end = 0;
    task->cpu = cpu;
    rseq_place(task, (uint32_t)(cpu - cpus));
    if (task->rseq_left) {
        rt_ignore(thread_kick(task->thread));  // which has it leave the sequence
    }
    must(sched_context_bind(cpu->context, task->thread, SCHED_OWN), "giving time");
}

// Who has waited need not wait for all that use up their turns, as many as they may be; but not
// again and again, or those would get no turn.
static bool jumps(struct task *task)
{
    if (!task->slept || list_empty(&queue)) {
        return false;
    }
    uint64_t now = rt_clock_monotonic();
    bool may = now >= task->jump_at;
    task->jump_at = may ? now + CPU_JUMP : task->jump_at;
    return may;
}

void cpu_ready(struct task *task)
{
    task->state = TASK_RUNS;
    cpu_anew |= task != cpu_trapped || !task->cpu;
    if (!task->cpu && list_empty(&task->queued)) {
        if (jumps(task)) {
            list_add_first(&queue, &task->queued);
        } else {
            list_add(&queue, &task->queued);
        }
    }
    task->slept = false;
}

void cpu_remove(struct task *task)
{
    if (task->cpu) {
        context_take(task->cpu);
    }
    if (!list_empty(&task->queued)) {
        list_remove(&task->queued);
    }
}

// It loses its time; where it could go on it waits for its next turn.
static void turn_lose(struct task *task)
{
    context_take(task->cpu);
    if (task->state == TASK_RUNS) {
        cpu_ready(task);
    }
}

void cpu_yield(struct task *task)
{
    struct cpu *cpu = task->cpu;
    if (!cpu) {
        return;
    }
    if (!list_empty(&queue)) {
        turn_lose(task);
    }
    cpu->turn_end = 0;
}

// The first in the queue that may run on a CPU.
static struct task *first_for(const struct cpu *cpu)
{
    uint64_t bit = 1ull << (cpu - cpus);
    LIST_EACH(task, &queue, struct task, queued) {
        if (task->allowed & bit) {
            return task;
        }
    }
    return NULL;
}

static __attribute__((noinline)) struct task *choose_anew(struct cpu *cpu)
{
    bool goes_on = cpu->runs && cpu->runs->state == TASK_RUNS;
    struct task *next = goes_on ? NULL : first_for(cpu);
    if (next) {
        if (cpu->runs) {
            context_take(cpu);
        }
        context_give(cpu, next);
    } else if (!goes_on) {
        return NULL;  // who waits keeps the context: often it is the next again
    }
    if (!cpu->turn_end && !list_empty(&queue)) {
        cpu->turn_end = rt_clock_monotonic() + CPU_SLICE;
    }
    return cpu->runs;
}

struct task *cpu_choose(unsigned cpu)
{
    struct cpu *on = &cpus[cpu];
    bool goes_on = on->runs && on->runs->state == TASK_RUNS && (on->turn_end || list_empty(&queue));
    return goes_on ? on->runs : choose_anew(on);
}

unsigned cpu_of(const struct task *task)
{
    return task->cpu ? (unsigned)(task->cpu - cpus) : task->last_cpu;
}

void cpu_allow(struct task *task, uint64_t mask)
{
    task->allowed = mask;
    if (task->cpu && !(mask & 1ull << cpu_of(task))) {
        turn_lose(task);
    }
}

uint64_t cpu_turns_end(void)
{
    uint64_t first = TIMER_NEVER;
    for (unsigned i = 0; i < cpu_number && !list_empty(&queue); i++) {
        uint64_t end = cpus[i].turn_end;
        first = end && end < first ? end : first;
    }
    return first;
}

void cpu_turns_over(uint64_t now)
{
    for (unsigned i = 0; i < cpu_number; i++) {
        if (cpus[i].runs && cpus[i].turn_end && now >= cpus[i].turn_end) {
            cpu_yield(cpus[i].runs);
        }
    }
}
