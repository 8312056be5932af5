// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Components that keep the machine busy, in the kernel and out of it.
#pragma once

#include "component.h"

#define ATTACKERS_PRIORITY 50u
#define ATTACKERS          11u

struct attacker {
    enum behaviour behaviour;
    unsigned threads;  // 0: one
    uint64_t guests, work;
    bool handled;
};

// One, with all the time that it can have at its priority; not started.
void attacker_make(struct component *component, const struct attacker *attacker);
void attacker_delete(struct component *component);

// One of every kind, at work; and their end.
void attackers_start(void);
void attackers_stop(void);
