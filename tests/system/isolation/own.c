// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What a component does cannot get it more than its share, nor lose it that: the time that it takes
// from an observer of lower priority, in any ten periods.
#include "groups.h"
#include "interrupts.h"
#include "observer.h"
#include "share.h"

#include <rt/memory.h>
#include <rt/print.h>

#define COMPONENT 100u  // priority
#define RUN       25u   // periods that are looked at
#define LEAD      5u    // periods before

struct own {
    enum behaviour behaviour;
    unsigned threads;       // that share the budget; 0: one
    unsigned small, large;  // all but the large one have so many thousandths of it; 0: evenly
    unsigned priority_0;    // of thread 0; 0: as the others
    uint64_t work;          // behaviour's own
    bool roomy;             // needs more memory and slots
    bool idle;              // does not want all of its share
    unsigned least, most;   // it gets, if not SHARE_LEAST and share_most()
    bool handled, control;  // faults go to itself; may hand out time
    uint64_t guests;        // which threads are guests, a bit each
    uint64_t passive;       // which threads have their context as fall-back only
};

static uint64_t budget_of(const struct own *own, unsigned index)
{
    unsigned threads = own->threads ? own->threads : 1;
    uint64_t small = share_budget() * own->small / 1000;
    if (!own->small) {
        return share_budget() / threads;
    }
    return index == own->large ? share_budget() - (threads - 1) * small : small;
}

static void add_threads(struct component *component, const struct own *own)
{
    unsigned threads = own->threads ? own->threads : 1;
    for (unsigned i = 0; i < threads; i++) {
        bool passive = own->passive >> i & 1;
        component_add(component,
                      &(struct component_thread){
                          .priority = i || !own->priority_0 ? COMPONENT - 10 : own->priority_0,
                          .ceiling = COMPONENT,
                          .budget = budget_of(own, i),
                          .period = share_period(),
                          .fallback = passive,
                          .handled = own->handled && i,
                          .flags = own->guests >> i & 1 ? THREAD_GUEST : 0 });
    }
}

static void own_start(struct component *component, const struct own *own)
{
    if (own->roomy) {
        component_make_large(component, own->behaviour);
    } else {
        component_make(component, own->behaviour);
    }
    component->area->budget = share_budget();
    component->area->period = share_period();
    component->area->work = own->work;
    add_threads(component, own);
}

static void own_judge(const struct own *own, const struct observer *observer)
{
    struct extremes gaps = windows_gaps(&observer->trace, SHARE_WINDOW * share_period());
    share_report("others lost", &gaps);
    EXPECT(observer->trace.count < observer->trace.room);
    EXPECT(share_of(gaps.most) <= (own->most ? own->most : share_most()));
    EXPECT(own->idle || share_of(gaps.least) >= (own->least ? own->least : SHARE_LEAST));
}

static void own_observe(struct component *component, const struct own *own)
{
    struct observer observer;
    component_start(component);
    observer_run(&observer, component, LEAD * share_period(), RUN * share_period());
    own_judge(own, &observer);
    observer_delete(&observer);
    component_delete(component);
}

static void own_run(const struct own *own)
{
    static struct component component;
    own_start(&component, own);
    own_observe(&component, own);
}

void own_spins(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_spin });
}

#define PAID (SHARE_PROMISED + 10)  // what all overruns come to where interrupts are paid for

void own_many_threads(void)
{
    // Each pays for its interrupts; in the end each has little more than the least budget there is.
    own_run(&(struct own){ .behaviour = BEHAVE_spin, .threads = 8, .most = PAID });
    own_run(&(struct own){ .behaviour = BEHAVE_spin, .threads = COMPONENT_THREADS, .most = PAID });
}

void own_yields(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_yield });
    own_run(&(struct own){ .behaviour = BEHAVE_yield, .threads = 4 });
}

void own_system_calls(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_system_calls });
}

// Two threads that take turns have half of the budget each: where that of the one who needs more
// ends, the other one waits, too.  How uneven that is depends on the compiler.
#define IN_TURN 600u

void own_faults(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_fault,
                           .threads = 2,
                           .priority_0 = COMPONENT,
                           .handled = true,
                           .least = IN_TURN });
}

void own_guests(void)
{
    own_run(&(struct own){
        .behaviour = BEHAVE_guest, .threads = 2, .handled = true, .guests = 2, .least = IN_TURN });
    own_run(&(struct own){
        .behaviour = BEHAVE_kick, .threads = 2, .handled = true, .guests = 2, .idle = true });
}

void own_signals(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_signal, .threads = 4, .priority_0 = COMPONENT });
}

void own_chain(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_chain,
                           .threads = 4,
                           .small = 50,
                           .work = share_budget() / 50,
                           .passive = 0xe,
                           .idle = true });
    own_run(&(struct own){ .behaviour = BEHAVE_chain,
                           .threads = 4,
                           .small = 50,
                           .work = share_period(),
                           .passive = 0xe,
                           .idle = true });
}

void own_kernel_work(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_map });
    own_run(&(struct own){ .behaviour = BEHAVE_memory });
    own_run(&(struct own){ .behaviour = BEHAVE_revoke });
    own_run(&(struct own){ .behaviour = BEHAVE_batch });
}

void own_pieces(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_pieces, .work = share_budget() / 100 });
    own_run(&(struct own){ .behaviour = BEHAVE_pieces, .work = share_budget() / 50 });
}

void own_late(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_late, .work = share_budget() / 50, .idle = true });
    own_run(&(struct own){ .behaviour = BEHAVE_random, .idle = true });
}

void own_priorities(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_priority,
                           .threads = 2,
                           .small = 50,
                           .large = 1,
                           .priority_0 = COMPONENT,
                           .idle = true });
}

void own_binds(void)
{
    own_run(&(struct own){
        .behaviour = BEHAVE_bind, .threads = 5, .priority_0 = COMPONENT, .idle = true });
    own_run(&(struct own){
        .behaviour = BEHAVE_suspend, .threads = 2, .priority_0 = COMPONENT, .idle = true });
}

// Timers that nobody waits for go off while others run.
void own_timers(void)
{
    own_run(&(struct own){ .behaviour = BEHAVE_timers, .roomy = true, .idle = true });
}

// A device of its own interrupts all the time, whether it waits for that or not.
void own_interrupts(void)
{
    static const enum behaviour behaviours[] = { BEHAVE_interrupt, BEHAVE_acknowledge };
    for (unsigned i = 0; i < 2; i++) {
        const struct own own = { .behaviour = behaviours[i], .idle = true };
        static struct component component;
        struct interrupts interrupts;
        own_start(&component, &own);
        interrupts_make(&interrupts, &component);
        interrupts_start(&interrupts);
        own_observe(&component, &own);
        interrupts_delete(&interrupts);
    }
}

static void controlled_run(const struct own *own)
{
    static struct component component;
    cap_t limited = 0;
    must(rt_cap_mint(ROOT_SLOT_SCHED_CONTROL, RIGHT_ALL, 1000000 / 10, &limited), "limit");
    own_start(&component, own);
    component_give(&component, SLOT_CONTROL, limited);
    own_observe(&component, own);
    rt_cap_delete(limited);
}

void own_configures(void)
{
    controlled_run(&(struct own){ .behaviour = BEHAVE_configure, .threads = 2, .idle = true });
}

void own_recreates(void)
{
    controlled_run(&(struct own){ .behaviour = BEHAVE_recreate,
                                  .threads = 2,
                                  .small = 100,
                                  .large = 1,
                                  .priority_0 = COMPONENT,
                                  .work = share_budget() * 8 / 10,
                                  .idle = true });
}

void own_vanishes(void)
{
    controlled_run(&(struct own){
        .behaviour = BEHAVE_vanish, .threads = 2, .work = share_budget() / 2, .idle = true });
}
