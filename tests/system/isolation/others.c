// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Whatever others of lower priority do, the component gets its share: as much of it as it can use
// for itself, in any ten periods, by its own clock.
#include "component.h"
#include "groups.h"
#include "share.h"

#include <rt/memory.h>
#include <rt/panic.h>
#include <rt/slots.h>

#define VICTIM    100u  // priorities
#define ATTACKERS 50u
#define SLICE     (share_period() / 3)

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

struct attacker {
    enum behaviour behaviour;
    unsigned threads;  // 0: one
    uint64_t guests, work;
    bool handled;
};

static void attacker_make(struct component *component, const struct attacker *attacker)
{
    unsigned threads = attacker->threads ? attacker->threads : 1;
    component_make(component, attacker->behaviour);
    component->area->budget = component->area->period = share_period();
    component->area->work = attacker->work;
    for (unsigned i = 0; i < threads; i++) {
        component_add(component, &(struct component_thread){
                                     .priority = ATTACKERS,
                                     .budget = SLICE,
                                     .period = SLICE,
                                     .handled = attacker->handled && i,
                                     .flags = attacker->guests >> i & 1 ? THREAD_GUEST : 0 });
    }
}

static void attacker_delete(struct component *component)
{
    if (component->area->status) {
        rt_panic("an attacker did not attack: status %lu", component->area->status);
    }
    component_delete(component);
}

// Every kind of work, in the kernel and out of it, all at once.
void others_work(void)
{
    static const struct attacker attackers[] = {
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
    enum {
        COUNT = sizeof(attackers) / sizeof(attackers[0])
    };
    static struct component components[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        attacker_make(&components[i], &attackers[i]);
        component_start(&components[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        component_wait(&components[i]);
    }
    victim_run(60);
    for (unsigned i = 0; i < COUNT; i++) {
        attacker_delete(&components[i]);
    }
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
                              .priority = ATTACKERS, .budget = SLICE, .period = SLICE });
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
