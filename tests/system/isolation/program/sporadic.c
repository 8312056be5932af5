// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Behaviours that use their budget at chosen times.
#include "program.h"

#define PIECES     100u  // a period
#define TIMERS     1000u
#define TIMER_BITS 7u

// The budget in equal pieces, evenly spread: as much as the component is entitled to.
void behave_pieces(unsigned index)
{
    uint64_t next = trace_clock();
    (void)index;
    ready();
    for (;;) {
        spin(AREA->work);
        AREA->rounds++;
        next += AREA->period / PIECES;
        if (next > trace_clock()) {
            sleep_until(next);
        }
    }
}

// Begin a period with next to nothing, use the rest at its end and go on with what comes then.
void behave_late(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        uint64_t begin = trace_clock();
        spin(AREA->work);
        sleep_until(begin + AREA->period - AREA->budget);
        spin(2 * AREA->budget + AREA->period / 2);
        AREA->rounds++;
        sleep_until(begin + 3 * AREA->period);
    }
}

// Work and sleep at random.
void behave_random(unsigned index)
{
    uint64_t state = 0x9e3779b97f4a7c15ull;
    (void)index;
    ready();
    for (;;) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        spin((state >> 33) % (AREA->budget / 2));
        AREA->rounds++;
        sleep_until(trace_clock() + (state >> 40) % (AREA->period / 4));
    }
}

// An interrupt that comes all the time, and next to no work for each.
void behave_interrupt(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        must(irq_handler_ack(SLOT_IRQ));
        must(notification_wait(SLOT_WAKE).status);
        AREA->rounds++;
    }
}

void behave_acknowledge(unsigned index)
{
    (void)index;
    ready();
    for (;;) {
        must(irq_handler_ack(SLOT_IRQ));
        AREA->rounds++;
    }
}

// Timers that are all to go off when its budget has ended, one as often as another.
void behave_timers(unsigned index)
{
    (void)index;
    objects_make(KIND_TIMER, TIMER_BITS, SLOT_SWARM, TIMERS);
    ready();
    for (unsigned i = 0;; i++) {
        must(timer_arm(SLOT_SWARM + i % TIMERS, trace_clock() + AREA->budget));
        AREA->rounds++;
    }
}
