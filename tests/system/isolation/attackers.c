// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The attackers.
#include "attackers.h"

#include "share.h"

#include <rt/panic.h>

#define SLICE (share_period() / 3)

static const struct attacker kinds[ATTACKERS] = {
    { .behaviour = BEHAVE_spin },
    { .behaviour = BEHAVE_yield, .threads = 3 },
    { .behaviour = BEHAVE_system_calls },
    { .behaviour = BEHAVE_fault, .threads = 2, .handled = true },
    { .behaviour = BEHAVE_guest, .threads = 2, .handled = true, .guests = 2 },
    { .behaviour = BEHAVE_kick, .threads = 2, .handled = true, .guests = 2 },
    { .behaviour = BEHAVE_signal, .threads = 3 },
    { .behaviour = BEHAVE_map },
    { .behaviour = BEHAVE_memory },
    { .behaviour = BEHAVE_revoke },
    { .behaviour = BEHAVE_batch },
};
static struct component components[ATTACKERS];

void attacker_make(struct component *component, const struct attacker *attacker)
{
    unsigned threads = attacker->threads ? attacker->threads : 1;
    component_make(component, attacker->behaviour);
    component->area->budget = component->area->period = share_period();
    component->area->work = attacker->work;
    for (unsigned i = 0; i < threads; i++) {
        component_add(component, &(struct component_thread){
                                     .priority = ATTACKERS_PRIORITY,
                                     .budget = SLICE,
                                     .period = SLICE,
                                     .handled = attacker->handled && i,
                                     .flags = attacker->guests >> i & 1 ? THREAD_GUEST : 0 });
    }
}

void attacker_delete(struct component *component)
{
    if (component->area->status) {
        rt_panic("an attacker did not attack: status %lu", component->area->status);
    }
    component_delete(component);
}

void attackers_start(void)
{
    for (unsigned i = 0; i < ATTACKERS; i++) {
        attacker_make(&components[i], &kinds[i]);
        component_start(&components[i]);
    }
    for (unsigned i = 0; i < ATTACKERS; i++) {
        component_wait(&components[i]);
    }
}

void attackers_stop(void)
{
    for (unsigned i = 0; i < ATTACKERS; i++) {
        attacker_delete(&components[i]);
    }
}
