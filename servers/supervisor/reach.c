// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// Reachability on the real capabilities.
#include "reach.h"

#include "incarnation.h"

#include <gen/rt_stubs.h>

#define EVERYBODY UINT64_MAX

static struct captable_identify_result held(const struct component *component, uint64_t slot)
{
    return captable_identify(home_slot(component, HOME_CSPACE), slot);
}

// One of a grant's slots.
static bool slot_as_described(const struct component *component, unsigned number, unsigned slot)
{
    const struct system_grant *grant = &component->is->grants[number];
    const struct grant_form form = grant_form(component, number, slot);
    struct captable_identify_result found = held(component,
                                                 grant_slot(component->is, number) + slot);
    return rt_ok(found.status) && (found.kind_rights & 0xff) == form.kind &&
           (!form.rights ||
            ((found.kind_rights >> 8 & 0xff) == form.rights && found.badge == grant_badge(grant)));
}

bool reach_as_described(const struct component *component)
{
    const struct system_component *is = component->is;
    for (unsigned i = 0; i < is->grant_count; i++) {
        for (unsigned slot = 0; slot < grant_width(&is->grants[i]); slot++) {
            if (!slot_as_described(component, i, slot)) {
                return false;
            }
        }
    }
    for (uint64_t slot = grant_slots_end(is); slot < 1ull << is->slot_bits;) {
        struct captable_identify_result found = held(component, slot);
        if (!rt_ok(found.status) || found.kind_rights != KIND_EMPTY) {
            return false;
        }
        slot += found.size;
    }
    return true;
}

// ---- assertions --------------------------------------------------------------------------------
// Kinds of object that are made of Untypeds, a bit each.
static const uint64_t made_kinds = 0
#define KIND(number, NAME, name, min_bits, max_bits, text) | ((max_bits) ? 1ull << (number) : 0)
#include <abi/kinds.def>
#undef KIND
    ;

// Components whose behaviour what stands in a slot lets its holder change.  An endpoint says by its
// badge whose it is; one without, or with a badge that names nobody, may be anybody's.  But who
// makes objects has made those itself.
static uint64_t reach_of_slot(const struct component *component, uint64_t slot)
{
    struct captable_identify_result found = held(component, slot);
    if (!rt_ok(found.status) || found.kind_rights == KIND_EMPTY) {
        return 0;
    }
    uint64_t server = found.badge >> SERVER_SHIFT;
    bool named = (found.kind_rights & 0xff) == KIND_ENDPOINT && server - 1 < SYSTEM_COMPONENTS;
    bool own = made_kinds >> (found.kind_rights & 0xff) & 1 && makes_objects(component->is);
    return named ? 1ull << (server - 1) : own ? 0 : EVERYBODY;
}

// Who shares a region that this component may write.
static uint64_t reach_of_region(unsigned region)
{
    uint64_t sharers = 0;
    for (unsigned i = 0; i < system_description.component_count; i++) {
        const struct system_component *is = supervisor.components[i].is;
        for (unsigned j = 0; j < is->grant_count; j++) {
            bool shares = is->grants[j].kind == GRANT_REGION && is->grants[j].object == region;
            sharers |= shares ? 1ull << i : 0;
        }
    }
    return sharers;
}

// What the description gives it; the supervisor passes nothing on.
static uint64_t reach_of_grant(const struct system_grant *grant)
{
    if (grant->kind == GRANT_CALL) {
        uint32_t server = system_description.endpoints[grant->object].server;
        return server == SYSTEM_SELF ? 0 : 1ull << server;
    }
    if (grant->kind == GRANT_SIGNAL) {
        return 1ull << grant->object;
    }
    bool writes = grant->kind == GRANT_REGION && grant->flags & PROT_WRITE;
    return writes ? reach_of_region(grant->object) : 0;
}

static uint64_t reach_described(const struct component *component)
{
    uint64_t reach = 0;
    for (unsigned i = 0; i < component->is->grant_count; i++) {
        reach |= reach_of_grant(&component->is->grants[i]);
    }
    return reach;
}

// What stands in a slot of its own, below those of grants.
static enum rt_kind fixed_kind(uint64_t slot)
{
    switch (slot) {
    case COMPONENT_SLOT_CSPACE: return KIND_CAPTABLE;
    case COMPONENT_SLOT_NOTIFICATION:
    case COMPONENT_SLOT_ALIVE: return KIND_NOTIFICATION;
    default: return KIND_REPLY;
    }
}

// What it holds besides: sent by others, in whichever slot.
static uint64_t reach_beyond(const struct component *component)
{
    const struct system_component *is = component->is;
    uint64_t reach = 0;
    for (uint64_t slot = COMPONENT_SLOT_CSPACE; slot < grant_slot(is, 0); slot++) {
        bool own = (held(component, slot).kind_rights & 0xff) == fixed_kind(slot);
        reach |= own ? 0 : reach_of_slot(component, slot);
    }
    for (unsigned i = 0; i < is->grant_count; i++) {
        for (unsigned slot = 0; slot < grant_width(&is->grants[i]); slot++) {
            reach |= slot_as_described(component, i, slot)
                         ? 0
                         : reach_of_slot(component, grant_slot(is, i) + slot);
        }
    }
    for (uint64_t slot = grant_slots_end(is); slot < 1ull << is->slot_bits;) {
        struct captable_identify_result found = held(component, slot);
        bool empty = rt_ok(found.status) && found.kind_rights == KIND_EMPTY;
        reach |= empty ? 0 : reach_of_slot(component, slot);
        slot += empty ? found.size : 1;
    }
    return reach;
}

// Warshall's algorithm on rows of bits.
static void close_over(uint64_t *reach, unsigned components)
{
    for (unsigned via = 0; via < components; via++) {
        for (unsigned from = 0; from < components; from++) {
            reach[from] |= reach[from] >> via & 1 ? reach[via] : 0;
        }
    }
}

struct reach {
    uint64_t beyond[SYSTEM_COMPONENTS];
    uint64_t all[SYSTEM_COMPONENTS];  // closed
};

static bool leads_to(const struct reach *reach, uint64_t first, uint32_t to)
{
    for (unsigned i = 0; i < system_description.component_count; i++) {
        if (first >> i & 1 && (i == to || reach->all[i] >> to & 1)) {
            return true;
        }
    }
    return false;
}

// An assertion fails: who holds what is not described and on the way?
static struct component *holder_of(const struct reach *reach, const struct system_never *never)
{
    for (unsigned i = 0; i < system_description.component_count; i++) {
        bool before = i == never->from || reach->all[never->from] >> i & 1;
        if (before && leads_to(reach, reach->beyond[i], never->to)) {
            return &supervisor.components[i];
        }
    }
    return &supervisor.components[never->from];
}

struct component *reach_holder(void)
{
    struct reach reach = { 0 };
    unsigned components = system_description.component_count;
    if (!system_description.never_count) {
        return NULL;
    }
    for (unsigned i = 0; i < components; i++) {
        const struct component *component = &supervisor.components[i];
        if (component->life.state == SYSTEM_STATE_RUNNING) {
            reach.beyond[i] = reach_beyond(component);
            reach.all[i] = reach_described(component) | reach.beyond[i];
        }
    }
    close_over(reach.all, components);
    for (unsigned i = 0; i < system_description.never_count; i++) {
        const struct system_never *never = &system_description.never[i];
        if (reach.all[never->from] >> never->to & 1) {
            return holder_of(&reach, never);
        }
    }
    return NULL;
}
