// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Alarms: a balanced tree by time for each priority, and above these a tournament of their earliest
// times: earliest[PRIORITIES + p] is that of priority p, earliest[i] the lesser of earliest[2 i]
// and earliest[2 i + 1].  Called by the scheduler and by timers.
#include "alarm.h"

#include "sched.h"

#define TIME_KEY ((ptrdiff_t)offsetof(struct alarm, time) - (ptrdiff_t)offsetof(struct alarm, node))

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct alarm *first_of(const struct cpu *cpu, unsigned priority)
{
    struct tree_node *node = tree_first(&cpu->alarms[priority]);
    return node ? CONTAINER_OF(node, struct alarm, node) : NULL;
}

static void tournament(struct cpu *cpu, unsigned priority, uint64_t time)
{
    unsigned i = PRIORITIES + priority;
    cpu->earliest[i] = time;
    while (i > 1) {
        uint64_t winner = lesser(cpu->earliest[i], cpu->earliest[i ^ 1]);
        i /= 2;
        if (cpu->earliest[i] == winner) {
            return;
        }
        cpu->earliest[i] = winner;
    }
}

void alarm_set(struct cpu *cpu, struct alarm *alarm, uint64_t time, unsigned priority)
{
    alarm->time = time;
    alarm->priority = (uint8_t)priority;
    alarm->cpu = cpu->number;
    alarm->set = true;
    tree_insert(&cpu->alarms[priority], &alarm->node, TIME_KEY);
    if (time < cpu->earliest[PRIORITIES + priority]) {
        tournament(cpu, priority, time);
    }
    if ((int32_t)priority >= cpu->floor && time < cpu->timer) {
        cpu->timer = time;
        if (cpu == hal_cpu()) {
            hal_timer_arm(time);
        } else {
            sched_poke(cpu);
        }
    }
}

void alarm_clear(struct alarm *alarm)
{
    if (!alarm->set) {
        return;
    }
    struct cpu *cpu = hal_cpu_at(alarm->cpu);
    alarm->set = false;
    tree_remove(&cpu->alarms[alarm->priority], &alarm->node, TIME_KEY);
    if (alarm->time == cpu->earliest[PRIORITIES + alarm->priority]) {
        const struct alarm *next = first_of(cpu, alarm->priority);
        tournament(cpu, alarm->priority, next ? next->time : UINT64_MAX);
    }
}

void alarm_set_priority(struct alarm *alarm, unsigned priority)
{
    if (alarm->set && alarm->priority != priority) {
        alarm_clear(alarm);
        alarm_set(hal_cpu_at(alarm->cpu), alarm, alarm->time, priority);
    }
}

struct alarm *alarm_take(struct cpu *cpu, uint64_t now, int32_t least)
{
    unsigned i = 1;
    if (cpu->earliest[i] > now) {
        return NULL;
    }
    while (i < PRIORITIES) {
        i = 2 * i + (cpu->earliest[2 * i + 1] <= now);
    }
    unsigned priority = i - PRIORITIES;
    if ((int32_t)priority < least) {
        return NULL;
    }
    struct tree_node *next, *node = tree_take_first(&cpu->alarms[priority], &next);
    struct alarm *alarm = CONTAINER_OF(node, struct alarm, node);
    alarm->set = false;
    tournament(cpu, priority, next ? CONTAINER_OF(next, struct alarm, node)->time : UINT64_MAX);
    return alarm;
}

uint64_t alarm_next(const struct cpu *cpu, int32_t least)
{
    if (least <= 0) {
        return cpu->earliest[1];
    }
    unsigned i = PRIORITIES + (unsigned)least;
    uint64_t next = cpu->earliest[i];
    // On the way up from there, everything that lies to the right.
    for (; i > 1; i /= 2) {
        if (!(i & 1)) {
            next = lesser(next, cpu->earliest[i + 1]);
        }
    }
    return next;
}

void alarm_init(struct cpu *cpu)
{
    for (unsigned i = 0; i < 2 * PRIORITIES; i++) {
        cpu->earliest[i] = UINT64_MAX;
    }
}

#if PITH_DEBUG
void alarm_check(const struct cpu *cpu)
{
    for (uint64_t i = 1; i < PRIORITIES; i++) {
        ASSERT(cpu->earliest[i] == lesser(cpu->earliest[2 * i], cpu->earliest[2 * i + 1]));
    }
    for (unsigned priority = 0; priority < PRIORITIES; priority++) {
        const struct alarm *alarm = first_of(cpu, priority);
        tree_check(&cpu->alarms[priority], TIME_KEY);
        ASSERT(cpu->earliest[PRIORITIES + priority] == (alarm ? alarm->time : UINT64_MAX));
        while (alarm) {
            ASSERT(alarm->set && alarm->cpu == cpu->number && alarm->priority == priority);
            const struct tree_node *node = alarm->time == UINT64_MAX
                                               ? NULL
                                               : tree_find_ge(&cpu->alarms[priority],
                                                              alarm->time + 1, TIME_KEY);
            alarm = node ? CONTAINER_OF(node, const struct alarm, node) : NULL;
        }
    }
    ASSERT(cpu->timer <= alarm_next(cpu, cpu->floor));
}
#endif
