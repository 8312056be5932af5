// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// One queue, in turn.
#include "cpu.h"

#include "object.h"

#include <rt/clock.h>
#include <rt/component.h>
#include <rt/panic.h>

static cap_t context;
static struct list queue = LIST_EMPTY(queue);
static struct task *runs;  // has the context
static uint64_t turn_end;  // 0: it has all the time
static uint64_t counted;   // ticks of the context that are accounted for
static unsigned waiting;

static void must(struct rt_status status, const char *what)
{
    if (!rt_ok(status)) {
        rt_panic("%s: error %u, argument %u", what, rt_error(status), rt_blamed(status));
    }
}

void cpu_init(void)
{
    uint64_t period = rt_ticks(CPU_PERIOD, rt_clock_hz());
    uint64_t share = component_need(GRANT_SCHED, NULL)->badge;  // millionths
    uint64_t budget = period;
    if (share < 1000000) {  // rounded, since the kernel rounds before it holds it against the share
        budget = period / 1000 * (share / 1000);
        budget -= budget >> 10;
    }
    context = object_new(KIND_SCHED_CONTEXT, 9);
    must(sched_context_configure(context, object_control, budget, period), "the time of guests");
}

void cpu_count(void)
{
    struct sched_context_consumed_result used = sched_context_consumed(context);
    if (runs) {
        runs->ticks += used.ticks - counted;
    }
    counted = used.ticks;
}

static void context_take(void)
{
    cpu_count();
    must(sched_context_unbind(context), "taking time back");
    runs = NULL;
}

void cpu_ready(struct task *task)
{
    task->state = TASK_RUNS;
    if (task != runs && list_empty(&task->queued)) {
        list_add(&queue, &task->queued);
        waiting++;
    }
}

void cpu_remove(struct task *task)
{
    if (task == runs) {
        context_take();
    }
    if (!list_empty(&task->queued)) {
        list_remove(&task->queued);
        waiting -= task->state == TASK_RUNS;  // else it is among those to be tried again
    }
}

void cpu_yield(void)
{
    struct task *task = runs;
    if (task && !list_empty(&queue)) {
        context_take();
        if (task->state == TASK_RUNS) {
            cpu_ready(task);
        }
    }
    turn_end = 0;
}

static __attribute__((noinline)) struct task *choose_anew(void)
{
    if (runs && runs->state != TASK_RUNS) {
        if (list_empty(&queue)) {
            return NULL;  // it keeps the context: often it is the next again
        }
        context_take();
    }
    if (!runs && !list_empty(&queue)) {
        runs = CONTAINER(queue.next, struct task, queued);
        list_remove(&runs->queued);
        waiting--;
        turn_end = 0;
        must(sched_context_bind(context, runs->thread, SCHED_OWN), "giving time");
    }
    if (!turn_end && !list_empty(&queue)) {
        turn_end = rt_clock_monotonic() + CPU_SLICE;
    }
    return runs;
}

struct task *cpu_choose(void)
{
    bool goes_on = runs && runs->state == TASK_RUNS && (turn_end || list_empty(&queue));
    return goes_on ? runs : choose_anew();
}

uint64_t cpu_turn_end(void)
{
    return list_empty(&queue) || !turn_end ? TIMER_NEVER : turn_end;
}

unsigned cpu_load(void)
{
    return waiting + (runs && runs->state == TASK_RUNS);
}
