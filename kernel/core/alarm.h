// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What is to happen at a certain time on a CPU: a context gets budget back, a Timer ends.  Each CPU
// keeps them by priority and time, so that who runs is interrupted only for what is as important or
// more: everything else waits until the CPU comes down to it (decision 0017).
#pragma once

#include "cpu.h"

struct alarm {
    struct tree_node node;  // among those of its CPU and priority
    uint64_t time;          // not before
    uint8_t kind;           // enum alarm_kind
    uint8_t priority;
    uint8_t cpu;
    bool set;
};

enum alarm_kind {
    ALARM_CONTEXT,
    ALARM_TIMER,
};

// Set an alarm that is not set.  Another CPU is poked where its timer must go off earlier for it.
void alarm_set(struct cpu *cpu, struct alarm *alarm, uint64_t time, unsigned priority);
// Fine for one that is not set.
void alarm_clear(struct alarm *alarm);
// Change the priority of one that may be set.
void alarm_set_priority(struct alarm *alarm, unsigned priority);

// Of those due at `now` with a priority of at least `least` (-1: all) the most important, the
// earliest of its priority, which is not set any more; NULL: none.
struct alarm *alarm_take(struct cpu *cpu, uint64_t now, int32_t least);
// The earliest time of any with a priority of at least `least`; UINT64_MAX: none.
uint64_t alarm_next(const struct cpu *cpu, int32_t least);

// No alarms (boot).
void alarm_init(struct cpu *cpu);
// Debug kernels: the alarms of a CPU are as they should.
void alarm_check(const struct cpu *cpu);
