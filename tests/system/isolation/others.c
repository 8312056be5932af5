// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Whatever others of lower priority do, the component gets its share: as much of it as it can use
// for itself, in any ten periods, by its own clock.
#include "attackers.h"
#include "groups.h"
#include "interrupts.h"
#include "share.h"

#include <rt/memory.h>

#define VICTIM 100u  // priority
#define SLICE  (share_period() / 3)

static struct component victim;

// What the component gets in any ten periods.
static struct extremes victim_trace(unsigned periods)
{
    component_make(&victim, BEHAVE_trace);
    victim.area->work = periods * share_period();
    component_add(&victim, &(struct component_thread){ .priority = VICTIM,
                                                       .budget = share_budget(),
                                                       .period = share_period() });
    component_start(&victim);
    component_wait(&victim);
    uint64_t window = SHARE_WINDOW * share_period();
    struct trace trace = component_trace(&victim);
    struct extremes gaps = windows_gaps(&trace, window);
    struct extremes own = { window - gaps.most, window - gaps.least };
    share_report("it got", &own);
    EXPECT(trace.count < trace.room);
    component_delete(&victim);
    return own;
}

static void victim_run(unsigned periods)
{
    struct extremes own = victim_trace(periods);
    EXPECT(share_of(own.least) >= SHARE_LEAST);
    EXPECT(share_of(own.most) <= share_most());
}

// Every kind of work, in the kernel and out of it, all at once.
void others_work(void)
{
    attackers_start();
    victim_run(60);
    attackers_stop();
}

// A device of theirs interrupts without end.
void others_interrupts(void)
{
    struct component attacker;
    struct interrupts interrupts;
    attacker_make(&attacker, &(struct attacker){ .behaviour = BEHAVE_interrupt });
    interrupts_make(&interrupts, &attacker);
    component_start(&attacker);
    component_wait(&attacker);
    interrupts_start(&interrupts);
    victim_run(40);
    EXPECT(attacker.area->rounds > 100);
    interrupts_delete(&interrupts);
    attacker_delete(&attacker);
}

static void swarm_run(uint64_t period, unsigned run)
{
    static struct component swarm;
    component_make_large(&swarm, BEHAVE_swarm);
    component_give(&swarm, SLOT_CONTROL, ROOT_SLOT_SCHED_CONTROL);
    swarm.area->work = period;
    component_add(&swarm, &(struct component_thread){
                              .priority = ATTACKERS_PRIORITY, .budget = SLICE, .period = SLICE });
    component_start(&swarm);
    component_wait(&swarm);
    victim_run(run);
    attacker_delete(&swarm);
}

// Ten thousand contexts of the least budget, replenished all at about one time.
void others_swarm(void)
{
    swarm_run(50 * share_period(), 120);
}

// The same, replenished at once, all the time.
void others_swarm_steady(void)
{
    swarm_run(share_period() / 125, 40);
}

// A context of the same priority has its turn after a time slice of another thread: at least half
// of its share where that is a third of a period.
void others_equal(void)
{
    struct component attacker;
    attacker_make(&attacker, &(struct attacker){ .behaviour = BEHAVE_spin });
    must(thread_set_priority(attacker.thread[0], VICTIM, VICTIM), "priority");
    component_start(&attacker);
    component_wait(&attacker);
    EXPECT(share_of(victim_trace(40).least) >= SHARE_PROMISED / 2);
    attacker_delete(&attacker);
}
