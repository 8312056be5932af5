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

static bool grant_as_described(const struct component *component, unsigned number)
{
    const struct system_grant *grant = &component->is->grants[number];
    const struct grant_form *form = grant_form(grant);
    if (!form->width) {
        return true;
    }
    struct captable_identify_result found = held(component, grant_slot(component->is, number));
    return rt_ok(found.status) && (found.kind_rights & 0xff) == form->kind &&
           (!form->rights ||
            ((found.kind_rights >> 8 & 0xff) == form->rights && found.badge == grant_badge(grant)));
}

bool reach_as_described(const struct component *component)
{
    for (unsigned i = 0; i < component->is->grant_count; i++) {
        if (!grant_as_described(component, i)) {
            return false;
        }
    }
    for (uint64_t slot = grant_slots_end(component->is); slot < 1ull << component->is->slot_bits;
         slot++) {
        struct captable_identify_result found = held(component, slot);
        if (!rt_ok(found.status) || found.kind_rights != KIND_EMPTY) {
            return false;
        }
    }
    return true;
}

// ---- assertions --------------------------------------------------------------------------------
// Components whose behaviour what stands in a slot lets its holder change.
static uint64_t reach_of_slot(const struct component *component, uint64_t slot)
{
    struct captable_identify_result found = held(component, slot);
    if (!rt_ok(found.status) || found.kind_rights == KIND_EMPTY) {
        return 0;
    }
    if ((found.kind_rights & 0xff) != KIND_ENDPOINT) {
        return EVERYBODY;
    }
    uint64_t server = (found.badge >> SERVER_SHIFT) - 1;
    return server < SYSTEM_COMPONENTS ? 1ull << server : 0;  // the supervisor passes nothing on
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

static uint64_t reach_of_grant(const struct component *component, unsigned number)
{
    const struct system_grant *grant = &component->is->grants[number];
    if (grant->kind == GRANT_CALL) {
        return reach_of_slot(component, grant_slot(component->is, number));
    }
    if (grant->kind == GRANT_SIGNAL) {
        return 1ull << grant->object;
    }
    bool writes = grant->kind == GRANT_REGION && grant->flags & PROT_WRITE;
    return writes ? reach_of_region(grant->object) : 0;
}

static uint64_t reach_of(const struct component *component)
{
    uint64_t reach = 0;
    if (component->life.state != SYSTEM_STATE_RUNNING) {
        return 0;
    }
    for (unsigned i = 0; i < component->is->grant_count; i++) {
        reach |= reach_of_grant(component, i);
    }
    for (uint64_t slot = grant_slots_end(component->is); slot < 1ull << component->is->slot_bits;
         slot++) {
        reach |= reach_of_slot(component, slot);
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

const struct system_never *reach_never(void)
{
    uint64_t reach[SYSTEM_COMPONENTS] = { 0 };
    unsigned components = system_description.component_count;
    if (!system_description.never_count) {
        return NULL;
    }
    for (unsigned i = 0; i < components; i++) {
        reach[i] = reach_of(&supervisor.components[i]);
    }
    close_over(reach, components);
    for (unsigned i = 0; i < system_description.never_count; i++) {
        const struct system_never *never = &system_description.never[i];
        if (reach[never->from] >> never->to & 1) {
            return never;
        }
    }
    return NULL;
}
