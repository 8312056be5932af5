// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the description grants, as capabilities in the component's table.
#include "incarnation.h"

#include <rt/string.h>

#include <gen/rt_stubs.h>

#define TIMER_BITS        7
#define NOTIFICATION_BITS 6

static const struct grant_form forms[] = {
    [GRANT_SERVE] = { 1, KIND_ENDPOINT, RIGHT_RECEIVE | RIGHT_SEND | RIGHT_GRANT },
    [GRANT_CALL] = { 1, KIND_ENDPOINT, RIGHT_SEND | RIGHT_GRANT },
    [GRANT_SIGNAL] = { 1, KIND_NOTIFICATION, RIGHT_WRITE },
    [GRANT_TIMER] = { 1, KIND_TIMER, 0 },
    [GRANT_IRQ] = { 1, KIND_IRQ_HANDLER, 0 },
    [GRANT_PORTS] = { 1, KIND_IO_PORTS, 0 },
    [GRANT_SIGNALLED] = { 0, KIND_EMPTY, 0 },
    [GRANT_REGION] = { 0, KIND_EMPTY, 0 },
    [GRANT_WATCH] = { WATCH_SLOTS, KIND_THREAD, 0 },
    [GRANT_SPACE] = { 0, KIND_EMPTY, 0 },
};

const struct grant_form *grant_form(const struct system_grant *grant)
{
    return &forms[grant->kind];
}

uint64_t grant_slot(const struct system_component *is, unsigned number)
{
    uint64_t slot = COMPONENT_SLOT_REPLIES + is->replies;
    for (unsigned i = 0; i < number; i++) {
        slot += grant_form(&is->grants[i])->width;
    }
    return slot;
}

uint64_t grant_slots_end(const struct system_component *is)
{
    return grant_slot(is, is->grant_count);
}

uint64_t grant_badge(const struct system_grant *grant)
{
    if (grant->kind != GRANT_CALL) {
        return grant->kind == GRANT_SIGNAL ? grant->badge : 0;
    }
    uint64_t server = system_description.endpoints[grant->object].server;
    return grant->badge | (server + 1) << SERVER_SHIFT;
}

// ---- what signals the component's notification --------------------------------------------------
// With a badged capability of the notification in the scratch slot, for what is bound to it.
static struct rt_status scratch_badge(struct component *component, uint64_t bits)
{
    return captable_mint(ROOT_SLOT_CSPACE, home_slot(component, HOME_SCRATCH), ROOT_SLOT_CSPACE,
                         component->notification, RIGHT_WRITE, bits);
}

static struct rt_status give_timer(struct component *component, const struct system_grant *grant,
                                   uint64_t slot)
{
    cap_t made = home_slot(component, HOME_MADE);
    struct rt_status status = home_make(component, KIND_BITS(KIND_TIMER, TIMER_BITS),
                                        ROOT_SLOT_CSPACE, made, 1);
    if (rt_ok(status)) {
        status = scratch_badge(component, grant->badge);
    }
    if (rt_ok(status)) {
        status = timer_bind(made, home_slot(component, HOME_SCRATCH));
        rt_ignore(captable_delete(ROOT_SLOT_CSPACE, home_slot(component, HOME_SCRATCH)));
    }
    return rt_ok(status)
               ? captable_move(home_slot(component, HOME_CSPACE), slot, ROOT_SLOT_CSPACE, made)
               : status;
}

// The original of a device stays with the supervisor: whatever the component does with what it
// gets, the next incarnation finds the device free.
static struct rt_status device_slot(struct component *component, cap_t *original)
{
    if (component->devices == HOME_DEVICES) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    *original = home_slot(component, HOME_DEVICE + component->devices++);
    return RT_OK;
}

static struct rt_status give_device(struct component *component, cap_t original, uint64_t slot,
                                    struct rt_status made)
{
    return rt_ok(made) ? captable_copy(home_slot(component, HOME_CSPACE), slot, ROOT_SLOT_CSPACE,
                                       original, RIGHT_ALL)
                       : made;
}

static struct rt_status give_irq(struct component *component, const struct system_grant *grant,
                                 uint64_t slot)
{
    cap_t original = 0;
    struct rt_status status = device_slot(component, &original);
    if (rt_ok(status)) {
        status = irq_control_get(ROOT_SLOT_IRQ_CONTROL, grant->object, grant->flags,
                                 ROOT_SLOT_CSPACE, original);
    }
    if (rt_ok(status)) {
        status = scratch_badge(component, grant->badge);
    }
    if (rt_ok(status)) {
        status = irq_handler_bind(original, home_slot(component, HOME_SCRATCH));
        rt_ignore(captable_delete(ROOT_SLOT_CSPACE, home_slot(component, HOME_SCRATCH)));
    }
    return give_device(component, original, slot, status);
}

static struct rt_status give_ports(struct component *component, const struct system_grant *grant,
                                   struct component_grant *given)
{
    cap_t original = 0;
    struct rt_status status = device_slot(component, &original);
    if (rt_ok(status)) {
        status = io_control_ports(ROOT_SLOT_IO_CONTROL, grant->first, grant->count,
                                  ROOT_SLOT_CSPACE, original);
    }
    given->address = grant->first;
    given->bytes = grant->count;
    return give_device(component, original, given->slot, status);
}

// The second thread, and what it needs to watch the first.
static struct rt_status give_watch(struct component *component, uint64_t slot)
{
    cap_t cspace = home_slot(component, HOME_CSPACE);
    cap_t made = home_slot(component, HOME_MADE);
    cap_t scratch = home_slot(component, HOME_SCRATCH);
    struct rt_status status = captable_copy(cspace, slot + WATCH_FIRST, ROOT_SLOT_CSPACE,
                                            home_slot(component, HOME_THREAD), RIGHT_WRITE);
    if (rt_ok(status)) {
        status = captable_copy(cspace, slot + WATCH_THREAD, ROOT_SLOT_CSPACE,
                               home_slot(component, HOME_WATCH_THREAD), RIGHT_WRITE);
    }
    if (rt_ok(status)) {
        status = home_make(component, KIND_BITS(KIND_NOTIFICATION, NOTIFICATION_BITS),
                           ROOT_SLOT_CSPACE, scratch, 1);
    }
    if (rt_ok(status)) {
        status = home_make(component, KIND_BITS(KIND_TIMER, TIMER_BITS), ROOT_SLOT_CSPACE, made, 1);
    }
    if (rt_ok(status)) {
        status = timer_bind(made, scratch);
    }
    if (rt_ok(status)) {
        status = captable_move(cspace, slot + WATCH_TIMER, ROOT_SLOT_CSPACE, made);
    }
    return rt_ok(status)
               ? captable_move(cspace, slot + WATCH_NOTIFICATION, ROOT_SLOT_CSPACE, scratch)
               : status;
}

// ---- the rest ----------------------------------------------------------------------------------
// Where regions begin and how far they are apart: each has its own stretch, with a page between.
static struct rt_status give_region(struct component *component, const struct system_grant *grant,
                                    struct component_grant *given, uint64_t *page)
{
    const struct rt_mapping *region = &supervisor.regions[grant->object];
    const struct system_region *is = &system_description.regions[grant->object];
    unsigned number = 0;
    while (number < HOME_REGIONS && component->regions >> number & 1) {
        number++;
    }
    if (number == HOME_REGIONS) {
        return rt_refuse(ERR_LIMIT, 0);
    }
    component->regions |= 1u << number;
    cap_t attached = home_slot(component, HOME_REGION + number);
    struct home_mapping mapping = { attached, component->base + (*page << PAGE_BITS), 0,
                                    is->bytes >> PAGE_BITS, grant->flags };
    *page += mapping.pages + 1;
    given->address = mapping.vaddr;
    given->bytes = is->bytes;
    given->rights = grant->flags;
    if (!is->survives) {
        memset(region->base, 0, is->bytes);
    }
    struct rt_status status = home_attach(component, region->frame, attached, grant->flags);
    return rt_ok(status) ? home_map(component, mapping) : status;
}

static cap_t grant_source(const struct system_grant *grant)
{
    return grant->kind == GRANT_SIGNAL ? supervisor.components[grant->object].notification
                                       : supervisor.endpoints[grant->object];
}

static struct rt_status give_capability(struct component *component,
                                        const struct system_grant *grant, uint64_t slot)
{
    cap_t cspace = home_slot(component, HOME_CSPACE);
    uint64_t badge = grant_badge(grant);
    return badge ? captable_mint(cspace, slot, ROOT_SLOT_CSPACE, grant_source(grant),
                                 grant_form(grant)->rights, badge)
                 : captable_copy(cspace, slot, ROOT_SLOT_CSPACE, grant_source(grant),
                                 grant_form(grant)->rights);
}

static struct rt_status give(struct component *component, const struct system_grant *grant,
                             struct component_grant *given, uint64_t *page)
{
    switch (grant->kind) {
    case GRANT_SERVE:
    case GRANT_CALL:
    case GRANT_SIGNAL: return give_capability(component, grant, given->slot);
    case GRANT_TIMER: return give_timer(component, grant, given->slot);
    case GRANT_IRQ: return give_irq(component, grant, given->slot);
    case GRANT_PORTS: return give_ports(component, grant, given);
    case GRANT_REGION: return give_region(component, grant, given, page);
    case GRANT_WATCH: return give_watch(component, given->slot);
    case GRANT_UNTYPED:
    case GRANT_SCHED:
    case GRANT_MODULE:
    case GRANT_SPACE:
    case GRANT_SIGNALLED: break;
    }
    return RT_OK;
}

struct rt_status grants_give(struct component *component, struct component_info *info)
{
    const struct system_component *is = component->is;
    uint64_t page = component->layout.regions_at;
    component->regions = 0;
    component->devices = 0;
    for (unsigned i = 0; i < is->grant_count; i++) {
        const struct system_grant *grant = &is->grants[i];
        struct component_grant *given = &info->grants[i];
        given->kind = grant->kind;
        given->badge = grant->badge;
        given->slot = grant_form(grant)->width ? (uint32_t)grant_slot(is, i) : 0;
        memcpy(given->name, grant->name, strlen(grant->name));
        struct rt_status status = give(component, grant, given, &page);
        if (!rt_ok(status)) {
            return status;
        }
    }
    return RT_OK;
}
