// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the description grants, as capabilities in the component's table.
#include "incarnation.h"

#include <rt/string.h>
#include <rt/thread.h>

#include <gen/rt_stubs.h>

#define CONTEXT_BITS      9
#define TIMER_BITS        7
#define NOTIFICATION_BITS 6

#define PAIR 2  // Untypeds of a pool

static const struct grant_form forms[] = {
    [GRANT_SERVE] = { KIND_ENDPOINT, RIGHT_RECEIVE | RIGHT_SEND | RIGHT_GRANT },
    [GRANT_CALL] = { KIND_ENDPOINT, RIGHT_SEND | RIGHT_GRANT },
    [GRANT_SIGNAL] = { KIND_NOTIFICATION, RIGHT_WRITE },
    [GRANT_TIMER] = { KIND_TIMER, 0 },
    [GRANT_IRQ] = { KIND_IRQ_HANDLER, 0 },
    [GRANT_PORTS] = { KIND_IO_PORTS, 0 },
    [GRANT_SIGNALLED] = { KIND_EMPTY, 0 },
    [GRANT_REGION] = { KIND_EMPTY, 0 },
    [GRANT_WATCH] = { KIND_THREAD, 0 },
    [GRANT_UNTYPED] = { KIND_UNTYPED, 0 },
    [GRANT_SCHED] = { KIND_SCHED_CONTROL, RIGHT_ALL },
    [GRANT_MODULE] = { KIND_FRAME, RIGHT_READ | RIGHT_EXECUTE },
    [GRANT_SPACE] = { KIND_ADDRESS_SPACE, RIGHT_READ | RIGHT_WRITE },
    [GRANT_CONTEXT] = { KIND_SCHED_CONTEXT, 0 },
};
static const enum rt_kind watch_kinds[] = {
    [WATCH_FIRST] = KIND_THREAD,
    [WATCH_THREAD] = KIND_THREAD,
    [WATCH_NOTIFICATION] = KIND_NOTIFICATION,
    [WATCH_TIMER] = KIND_TIMER,
};

unsigned grant_width(const struct system_grant *grant)
{
    if (grant->kind == GRANT_UNTYPED) {
        return (unsigned)grant->count;
    }
    return grant->kind == GRANT_WATCH ? WATCH_SLOTS : forms[grant->kind].kind != KIND_EMPTY;
}

struct pools grant_pools(const struct component *component, unsigned number)
{
    const struct system_grant *grants = component->is->grants;
    struct pools pools = { 0, 1 };
    for (unsigned i = 0; i < number; i++) {
        pools.first += grants[i].kind == GRANT_UNTYPED;
    }
    if (grants[number].flags & UNTYPED_REST) {
        pools.count = component->pool_count - pools.first;
    }
    return pools;
}

bool makes_objects(const struct system_component *is)
{
    bool makes = false;
    for (unsigned i = 0; i < is->grant_count; i++) {
        makes |= is->grants[i].kind == GRANT_UNTYPED;
    }
    return makes;
}

unsigned module_find(const char *name)
{
    const struct root_info *root = supervisor.root;
    unsigned number = 0;
    while (number < root->module_count &&
           strncmp(root->modules[number].name, name, BOOT_NAME_BYTES) != 0) {
        number++;
    }
    return number;
}

static unsigned grant_module(const struct system_grant *grant)
{
    return module_find(system_description.modules[grant->object]);
}

static bool cpu_missing(const struct system_grant *grant)
{
    return grant->object >= supervisor.root->cpu_count;
}

struct grant_form grant_form(const struct component *component, unsigned number, unsigned slot)
{
    const struct system_grant *grant = &component->is->grants[number];
    struct grant_form form = forms[grant->kind];
    bool empty = false;
    if (grant->kind == GRANT_WATCH) {
        form.kind = watch_kinds[slot];
    } else if (grant->kind == GRANT_UNTYPED) {
        empty = slot >= grant_pools(component, number).count * PAIR;
    } else if (grant->kind == GRANT_MODULE) {
        empty = grant_module(grant) == supervisor.root->module_count;
    } else if (grant->kind == GRANT_SCHED || grant->kind == GRANT_CONTEXT) {
        empty = cpu_missing(grant);
    }
    return empty ? (struct grant_form){ KIND_EMPTY, 0 } : form;
}

uint64_t grant_slot(const struct system_component *is, unsigned number)
{
    uint64_t slot = COMPONENT_SLOT_REPLIES + is->replies;
    for (unsigned i = 0; i < number; i++) {
        slot += grant_width(&is->grants[i]);
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
        bool has = grant->kind == GRANT_SIGNAL || grant->kind == GRANT_SCHED;
        return has ? grant->badge : 0;
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

// ---- what objects are made of ------------------------------------------------------------------
static unsigned log2_of(uint64_t bytes)
{
    return 63u - (unsigned)__builtin_clzll(bytes);
}

// The Untyped itself stays here: revoking it ends whatever was made of its halves, wherever those
// are.
static struct rt_status give_untyped(struct component *component, unsigned number,
                                     struct component_grant *given)
{
    const struct pools pools = grant_pools(component, number);
    bool wx = component->is->grants[number].flags & UNTYPED_WX;
    uint64_t withheld = RIGHT_PADDR | (wx ? 0u : (unsigned)RIGHT_WX);
    given->badge = (uint64_t)pools.count * PAIR;
    for (unsigned i = 0; i < pools.count; i++) {
        cap_t pool = component->pools[pools.first + i];
        uint64_t bytes = captable_identify(ROOT_SLOT_CSPACE, pool).size;
        uint64_t half = KIND_BITS(KIND_UNTYPED, log2_of(bytes) - 1) | withheld << 16;
        struct rt_status status = untyped_retype(pool, half, 0, home_slot(component, HOME_CSPACE),
                                                 given->slot + (uint64_t)i * PAIR, PAIR);
        if (!rt_ok(status)) {
            return status;
        }
        given->bytes += bytes;
    }
    return RT_OK;
}

static struct rt_status give_sched(struct component *component, const struct system_grant *grant,
                                   struct component_grant *given)
{
    cap_t original = 0;
    given->address = grant->object;
    struct rt_status status = device_slot(component, &original);
    if (cpu_missing(grant)) {
        status = rt_refuse(ERR_RANGE, 0);
    }
    if (rt_ok(status)) {
        status = captable_mint(ROOT_SLOT_CSPACE, original, ROOT_SLOT_CSPACE,
                               rt_cpu_control(grant->object), RIGHT_ALL, grant->badge);
    }
    return give_device(component, original, given->slot, status);
}

// It may not configure it: its authority over time is this context as it is.
static struct rt_status give_context(struct component *component, const struct system_grant *grant,
                                     struct component_grant *given)
{
    cap_t made = home_slot(component, HOME_MADE);
    uint64_t slot = given->slot;
    given->address = grant->object;
    if (cpu_missing(grant)) {
        given->slot = 0;
        return grant->flags & CONTEXT_OPTIONAL ? RT_OK : rt_refuse(ERR_RANGE, 0);
    }
    struct rt_status status = home_make(component, KIND_BITS(KIND_SCHED_CONTEXT, CONTEXT_BITS),
                                        ROOT_SLOT_CSPACE, made, 1);
    if (rt_ok(status)) {
        status = sched_context_configure(made, rt_cpu_control(grant->object), ticks(grant->first),
                                         ticks(grant->count));
    }
    return rt_ok(status)
               ? captable_move(home_slot(component, HOME_CSPACE), slot, ROOT_SLOT_CSPACE, made)
               : status;
}

static struct rt_status give_module(struct component *component, const struct system_grant *grant,
                                    struct component_grant *given)
{
    const struct root_info *root = supervisor.root;
    unsigned number = grant_module(grant);
    cap_t original = 0;
    uint64_t slot = given->slot;
    if (number == root->module_count) {
        given->slot = 0;
        return RT_OK;
    }
    given->bytes = root->modules[number].size;
    struct rt_status status = device_slot(component, &original);
    if (rt_ok(status)) {
        status = captable_copy(ROOT_SLOT_CSPACE, original, ROOT_SLOT_CSPACE,
                               root->module_slot + number, RIGHT_READ | RIGHT_EXECUTE);
    }
    return give_device(component, original, slot, status);
}

static struct rt_status give_space(struct component *component, uint64_t slot)
{
    return captable_copy(home_slot(component, HOME_CSPACE), slot, ROOT_SLOT_CSPACE,
                         home_slot(component, HOME_ASPACE), RIGHT_READ | RIGHT_WRITE);
}

// ---- the rest ----------------------------------------------------------------------------------
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
                                 forms[grant->kind].rights, badge)
                 : captable_copy(cspace, slot, ROOT_SLOT_CSPACE, grant_source(grant),
                                 forms[grant->kind].rights);
}

static struct rt_status give(struct component *component, unsigned number,
                             struct component_grant *given, uint64_t *page)
{
    const struct system_grant *grant = &component->is->grants[number];
    switch (grant->kind) {
    case GRANT_SERVE:
    case GRANT_CALL:
    case GRANT_SIGNAL: return give_capability(component, grant, given->slot);
    case GRANT_TIMER: return give_timer(component, grant, given->slot);
    case GRANT_IRQ: return give_irq(component, grant, given->slot);
    case GRANT_PORTS: return give_ports(component, grant, given);
    case GRANT_REGION: return give_region(component, grant, given, page);
    case GRANT_WATCH: return give_watch(component, given->slot);
    case GRANT_UNTYPED: return give_untyped(component, number, given);
    case GRANT_SCHED: return give_sched(component, grant, given);
    case GRANT_MODULE: return give_module(component, grant, given);
    case GRANT_SPACE: return give_space(component, given->slot);
    case GRANT_CONTEXT: return give_context(component, grant, given);
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
        given->slot = grant_width(grant) ? (uint32_t)grant_slot(is, i) : 0;
        memcpy(given->name, grant->name, strlen(grant->name));
        struct rt_status status = give(component, i, given, &page);
        if (!rt_ok(status)) {
            return status;
        }
    }
    return RT_OK;
}
