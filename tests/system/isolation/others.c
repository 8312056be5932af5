// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Whatever others of lower priority do, the component gets its share: as much of it as it can use
// for itself, in any ten periods, by its own clock.
#include "attackers.h"
#include "groups.h"
#include "share.h"

#include <rt/memory.h>
#include <rt/slots.h>

#define VICTIM 100u  // priority
#define SLICE  (share_period() / 3)

#define PIT_IRQ      2u  // ISA line 0 arrives at this input of the I/O APIC
#define PIT_PORT     0x40u
#define PIT_MODE     (PIT_PORT + 3)
#define PIT_PERIODIC 0x34u  // channel 0, low byte then high byte, rate generator
#define PIT_DIVISOR  4u     // some 300,000 interrupts a second

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
    EXPECT(share_of(own.most) <= SHARE_MOST);
}

// Every kind of work, in the kernel and out of it, all at once.
void others_work(void)
{
    attackers_start();
    victim_run(60);
    attackers_stop();
}

static void pit_start(cap_t ports, unsigned divisor)
{
    must(io_ports_out(ports, PIT_MODE, 1, PIT_PERIODIC), "timer");
    must(io_ports_out(ports, PIT_PORT, 1, divisor & 0xff), "timer");
    must(io_ports_out(ports, PIT_PORT, 1, divisor >> 8), "timer");
}

// A device of theirs interrupts without end.
void others_interrupts(void)
{
    struct component attacker;
    cap_t handler = rt_slot_alloc(), ports = rt_slot_alloc();
    must(irq_control_get(ROOT_SLOT_IRQ_CONTROL, PIT_IRQ, 0, ROOT_SLOT_CSPACE, handler), "line");
    must(io_control_ports(ROOT_SLOT_IO_CONTROL, PIT_PORT, 4, ROOT_SLOT_CSPACE, ports), "ports");
    attacker_make(&attacker, &(struct attacker){ .behaviour = BEHAVE_interrupt });
    must(irq_handler_bind(handler, attacker.wake), "bind");
    component_give(&attacker, SLOT_IRQ, handler);
    component_start(&attacker);
    component_wait(&attacker);
    pit_start(ports, PIT_DIVISOR);
    victim_run(40);
    EXPECT(attacker.area->rounds > 100);
    pit_start(ports, 0);
    must(irq_handler_mask(handler), "mask");
    rt_cap_delete(handler);
    rt_cap_delete(ports);
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
    swarm_run(share_period() / 500, 40);
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
