// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The life of components: what life.c decides, done.
#include "tend.h"

#include "incarnation.h"
#include "reach.h"

#include <rt/clock.h>
#include <rt/panic.h>
#include <rt/string.h>
#include <rt/thread.h>

#include <gen/rt_stubs.h>

#define VECTOR_DEBUG     1u
#define VECTOR_UNDEFINED 6u
#define FLAGS_TF         0x100ull

uint64_t now(void)
{
    return rt_nanoseconds(rt_clock() - supervisor.root->boot_clock, supervisor.hz);
}

static struct component *component_end(void)
{
    return supervisor.components + system_description.component_count;
}

// ---- deaths ------------------------------------------------------------------------------------
static void time_keep(struct component *component)
{
    struct sched_context_consumed_result used = sched_context_consumed(home_slot(component,
                                                                                 HOME_CONTEXT));
    component->time_before += rt_ok(used.status) ? used.ticks : 0;
}

// Callers of a dead component wait for its next incarnation; where there will be none they learn
// it. Nobody can ever have the time that an endpoint then asks for.
#define BUDGET_CLOSED (1ull << 48)

static void services_set(const struct component *component, bool open)
{
    unsigned number = (unsigned)(component - supervisor.components);
    for (unsigned i = 0; i < system_description.endpoint_count; i++) {
        const struct system_endpoint *is = &system_description.endpoints[i];
        if (is->server != number) {
            continue;
        }
        // The originals have the right to all of this.
        rt_ignore(endpoint_configure(supervisor.endpoints[i],
                                     open ? ticks(is->min_budget) : BUDGET_CLOSED));
        if (!open) {
            rt_ignore(endpoint_cancel_all(supervisor.endpoints[i], ERR_PEER_DIED).status);
        }
    }
}

void component_close(const struct component *component)
{
    services_set(component, false);
}

static void take_down(struct component *component, struct cause cause)
{
    rt_ignore(thread_suspend(home_slot(component, HOME_THREAD)));  // it may be suspended already
    incident_record(component, cause);
    time_keep(component);
    incarnation_end(component);
}

static void group_restart(uint32_t group)
{
    struct cause cause = { .reason = SYSTEM_REASON_GROUP };
    for (struct component *at = supervisor.components; at < component_end(); at++) {
        if (at->is->group != group || at->life.state == SYSTEM_STATE_STOPPED) {
            continue;
        }
        if (at->life.state == SYSTEM_STATE_RUNNING) {
            take_down(at, cause);
            (void)life_ended(&at->life, at->is, cause.reason, now());
        } else {
            life_again(&at->life, now());
        }
    }
}

// The machine is there for this component, and it cannot be had any more.
static void system_ends(const struct component *component)
{
    const struct incident *last = incident_get(incident_count() - 1);
    uint64_t image = last ? last->image : 0, at = last ? last->backtrace[0] : 0;
    rt_panic("%s is dead, and the system ends with it: reason %u, 0x%lx 0x%lx at 0x%lx of its file",
             component->is->name, component->life.reason, last ? last->detail : 0,
             last ? last->detail2 : 0, at - image);
}

// Nothing is left of the incarnation; decide what follows.
static void ended(struct component *component, enum system_reason reason)
{
    if (life_ended(&component->life, component->is, reason, now())) {
        group_restart(component->is->group);
    }
    if (component->life.state == SYSTEM_STATE_FAILED) {
        component_close(component);
        if (component->is->vital) {
            system_ends(component);
        }
    }
}

void component_died(struct component *component, struct cause cause)
{
    if (component->life.state != SYSTEM_STATE_RUNNING) {
        return;
    }
    take_down(component, cause);
    if (cause.reason == SYSTEM_REASON_EXIT && cause.detail == 0) {
        life_finished(&component->life);
        component_close(component);
        return;
    }
    ended(component, cause.reason);
}

// ---- faults ------------------------------------------------------------------------------------
// One instruction more of those that it was given.
static bool step_taken(struct component *component, const struct wire_message *fault)
{
    if (!component->steps || fault->label != FAULT_EXCEPTION || fault->words[0] != VECTOR_DEBUG) {
        return false;
    }
    if (--component->steps == 0) {
        component_died(component, (struct cause){ .reason = SYSTEM_REASON_OPERATOR });
        return true;
    }
    life_answered(&component->life);
    rt_ignore(ipc_reply0(supervisor.reply, TAG(0, 0, 0)));  // it waits for it
    return true;
}

// Registers of a thread that does not run.
static bool regs_read(cap_t thread, struct thread_regs *regs)
{
    if (!rt_ok(thread_read_regs(thread))) {
        return false;
    }
    memcpy(regs, rt_buffer()->words, sizeof(*regs));
    return true;
}

static struct cause cause_of(struct component *component, bool watch,
                             const struct wire_message *fault)
{
    cap_t thread = home_slot(component, watch ? HOME_WATCH_THREAD : HOME_THREAD);
    struct cause cause = { SYSTEM_REASON_EXCEPTION, fault->words[0], fault->words[1], watch };
    struct thread_regs regs;
    if (fault->label == FAULT_PAGE) {
        cause.reason = SYSTEM_REASON_PAGE_FAULT;
    } else if (fault->words[0] == VECTOR_UNDEFINED && regs_read(thread, &regs) &&
               regs.rax == COMPONENT_EXIT) {
        cause = (struct cause){ SYSTEM_REASON_EXIT, regs.rdi, 0, watch };
    }
    return cause;
}

void component_faulted(struct component *component, bool watch, const struct wire_message *fault)
{
    if (watch || !step_taken(component, fault)) {
        component_died(component, cause_of(component, watch, fault));
    }
}

// ---- starts ------------------------------------------------------------------------------------
// Who holds what makes an assertion fail is ended; what it held goes with its table.
static void reach_enforce(void)
{
    struct component *holder = reach_holder();
    for (; holder; holder = reach_holder()) {
        component_died(holder, (struct cause){ .reason = SYSTEM_REASON_REACH });
    }
}

// A thread that the supervisor does not know may be bound to the component's notification, which an
// earlier incarnation has passed on.  Who makes threads may have made it; with its maker it goes.
static struct rt_status make(struct component *component)
{
    struct rt_status status = incarnation_make(component);
    for (struct component *at = supervisor.components; at < component_end(); at++) {
        if (rt_error(status) == ERR_STATE && at != component && makes_objects(at->is)) {
            component_died(at, (struct cause){ .reason = SYSTEM_REASON_REACH });
            status = incarnation_make(component);
        }
    }
    return status;
}

static void start(struct component *component)
{
    if (!rt_ok(make(component))) {
        ended(component, SYSTEM_REASON_UNMADE);
        return;
    }
    life_began(&component->life, component->is, now());
    if (!reach_as_described(component)) {
        component_died(component, (struct cause){ .reason = SYSTEM_REASON_REACH });
    }
    reach_enforce();
    // Only now: on another CPU it would begin at once, and change its table.
    if (component->life.state == SYSTEM_STATE_RUNNING) {
        services_set(component, true);
        rt_ignore(incarnation_run(component));  // it was made suspended
    }
}

static void attend(struct component *component)
{
    switch (life_due(&component->life, component->is, now())) {
    case LIFE_START: start(component); break;
    case LIFE_ASK: rt_ignore(notification_signal(component->ping)); break;  // a right of ours
    case LIFE_MISSED:
        component_died(component, (struct cause){ .reason = SYSTEM_REASON_HEARTBEAT });
        break;
    case LIFE_NONE: break;
    }
}

static void signs_of_life_take(void)
{
    struct notification_result signs = notification_poll(supervisor.alive);
    for (unsigned i = 0; rt_ok(signs.status) && i < system_description.component_count; i++) {
        if (signs.word >> i & 1) {
            life_answered(&supervisor.components[i].life);
        }
    }
}

void tend(void)
{
    uint64_t next = UINT64_MAX;
    signs_of_life_take();
    for (struct component *at = supervisor.components; at < component_end(); at++) {
        attend(at);
    }
    for (struct component *at = supervisor.components; at < component_end(); at++) {
        uint64_t due = life_next(&at->life, at->is);
        next = due < next ? due : next;
    }
    if (next != UINT64_MAX) {
        rt_ignore(timer_arm(supervisor.timer, supervisor.root->boot_clock + ticks(next)));
    }
}

// ---- operators ---------------------------------------------------------------------------------
bool component_kill(struct component *component, bool count_anew)
{
    if (component->life.state != SYSTEM_STATE_RUNNING) {
        return count_anew && component_start(component);
    }
    component_died(component, (struct cause){ .reason = SYSTEM_REASON_OPERATOR });
    if (count_anew) {
        life_wanted(&component->life, now());
    }
    return true;
}

bool component_stop(struct component *component)
{
    if (component->life.state == SYSTEM_STATE_STOPPED) {
        return false;
    }
    component_died(component, (struct cause){ .reason = SYSTEM_REASON_OPERATOR });
    life_stopped(&component->life);
    component_close(component);
    return true;
}

bool component_start(struct component *component)
{
    if (component->life.state == SYSTEM_STATE_RUNNING ||
        component->life.state == SYSTEM_STATE_WAITING) {
        return false;
    }
    life_wanted(&component->life, now());
    return true;
}

// The trap flag makes each instruction of its own end in a fault (Intel manual, volume 3, 17.3.2).
bool component_inject(struct component *component, uint64_t instructions)
{
    cap_t thread = home_slot(component, HOME_THREAD);
    struct thread_regs regs;
    if (component->life.state != SYSTEM_STATE_RUNNING || !instructions ||
        !rt_ok(thread_suspend(thread)) || !regs_read(thread, &regs)) {
        return false;
    }
    component->steps = instructions;
    regs.rflags |= FLAGS_TF;
    return rt_ok(rt_thread_set_regs(thread, &regs)) && rt_ok(thread_resume(thread));
}
