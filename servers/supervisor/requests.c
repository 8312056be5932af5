// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// The supervisor's protocol.
#include "requests.h"

#include "tend.h"

#include <rt/clock.h>
#include <rt/memory.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

#define MILLION 1000000ull

static bool may(const struct wire_peer *peer, unsigned right)
{
    return peer->badge >> SYSTEM_RIGHTS_SHIFT & right;
}

static struct component *component_of(uint16_t number)
{
    return number < system_description.component_count ? &supervisor.components[number] : NULL;
}

static uint64_t time_of(const struct component *component)
{
    struct sched_context_consumed_result used = sched_context_consumed(home_slot(component,
                                                                                 HOME_CONTEXT));
    return rt_nanoseconds(component->time_before + (rt_ok(used.status) ? used.ticks : 0),
                          supervisor.hz);
}

static uint32_t serve_component(const struct wire_peer *peer,
                                const struct system_component_args *args,
                                struct system_component_results *results)
{
    const struct component *component = component_of(args->number);
    if (!may(peer, SYSTEM_OBSERVE)) {
        return SYSTEM_ERROR_FORBIDDEN;
    }
    if (!component) {
        return SYSTEM_ERROR_NONE_SUCH;
    }
    const struct system_component *is = component->is;
    *results = (struct system_component_results){
        .name_count = (uint32_t)strlen(is->name),
        .state = component->life.state,
        .generation = component->life.generation,
        .deaths = component->life.deaths,
        .reason = component->life.reason,
        .memory = 1ull << is->home_bits,
        .used = component->used,
        .time = time_of(component),
        .since = component->since
                     ? rt_nanoseconds(component->since - supervisor.root->boot_clock, supervisor.hz)
                     : 0,
        .priority = is->priority,
        .share = (uint32_t)(is->budget * MILLION / is->period),
    };
    memcpy(results->name, is->name, results->name_count);
    return WIRE_OK;
}

static uint32_t serve_control(const struct wire_peer *peer, const struct system_control_args *args)
{
    struct component *component = component_of(args->number);
    bool done = false;
    if (!may(peer, SYSTEM_CONTROL)) {
        return SYSTEM_ERROR_FORBIDDEN;
    }
    if (!component) {
        return SYSTEM_ERROR_NONE_SUCH;
    }
    switch (args->command) {
    case SYSTEM_COMMAND_KILL: done = component_kill(component, false); break;
    case SYSTEM_COMMAND_RESTART: done = component_kill(component, true); break;
    case SYSTEM_COMMAND_STOP: done = component_stop(component); break;
    case SYSTEM_COMMAND_START: done = component_start(component); break;
    }
    return done ? WIRE_OK : SYSTEM_ERROR_STATE;
}

// Really empty: what is in the table is looked at, not an account of it; but only where an
// incarnation was made or ended since, or callers could spend much of the supervisor's time.
static uint64_t slots_empty(void)
{
    static uint64_t empty, counted_at;
    if (empty && counted_at == supervisor.changes) {
        return empty;
    }
    counted_at = supervisor.changes;
    empty = 0;
    for (uint64_t slot = 1; slot < ROOT_CSPACE_SLOTS; slot++) {
        struct captable_identify_result found = captable_identify(ROOT_SLOT_CSPACE, slot);
        empty += rt_ok(found.status) && found.kind_rights == KIND_EMPTY;
    }
    return empty;
}

static uint64_t memory_free(void)
{
    uint64_t bytes = rt_memory_available();
    for (unsigned i = 0; i < system_description.component_count; i++) {
        const struct component *component = &supervisor.components[i];
        bytes += (1ull << component->is->home_bits) - component->used;
    }
    return bytes;
}

static uint32_t serve_resources(const struct wire_peer *peer,
                                struct system_resources_results *results)
{
    if (!may(peer, SYSTEM_OBSERVE)) {
        return SYSTEM_ERROR_FORBIDDEN;
    }
    *results = (struct system_resources_results){
        .memory = memory_free(),
        .slots = slots_empty(),
        .time = now(),
        .incidents = incident_count(),
    };
    return WIRE_OK;
}

// ---- post-mortems ------------------------------------------------------------------------------
static uint32_t incident_find(const struct wire_peer *peer, uint32_t number,
                              const struct incident **incident)
{
    *incident = incident_get(number);
    if (!may(peer, SYSTEM_OBSERVE)) {
        return SYSTEM_ERROR_FORBIDDEN;
    }
    return *incident ? WIRE_OK : SYSTEM_ERROR_NONE_SUCH;
}

static uint32_t serve_incident(const struct wire_peer *peer,
                               const struct system_incident_args *args,
                               struct system_incident_results *results)
{
    const struct incident *incident;
    uint32_t code = incident_find(peer, args->number, &incident);
    if (code) {
        return code;
    }
    *results = (struct system_incident_results){
        .component = (uint16_t)incident->component,
        .generation = incident->generation,
        .reason = incident->reason,
        .time = incident->time,
        .detail = incident->detail,
        .detail2 = incident->detail2,
        .image = incident->image,
        .backtrace_count = incident->depth,
    };
    memcpy(results->build_id, supervisor.components[incident->component].is->build_id,
           sizeof(results->build_id));
    memcpy(results->registers, incident->registers, sizeof(results->registers));
    memcpy(results->backtrace, incident->backtrace, sizeof(results->backtrace));
    return WIRE_OK;
}

static uint32_t serve_symbol(const struct wire_peer *peer, const struct system_symbol_args *args,
                             struct system_symbol_results *results)
{
    const struct incident *incident;
    uint32_t code = incident_find(peer, args->number, &incident);
    if (code) {
        return code;
    }
    const char *name = args->frame < incident->depth
                           ? incident_symbol(incident, args->frame, &results->offset)
                           : NULL;
    if (!name) {
        return SYSTEM_ERROR_NONE_SUCH;
    }
    size_t length = strlen(name);
    results->name_count = (uint32_t)(length < sizeof(results->name) ? length
                                                                    : sizeof(results->name));
    memcpy(results->name, name, results->name_count);
    return WIRE_OK;
}

static uint32_t serve_words(const struct wire_peer *peer, const struct system_words_args *args,
                            struct system_words_results *results)
{
    const struct incident *incident;
    uint32_t code = incident_find(peer, args->number, &incident);
    if (code) {
        return code;
    }
    unsigned left = args->from < incident->words_bytes ? incident->words_bytes - args->from : 0;
    results->text_count = left < sizeof(results->text) ? left : sizeof(results->text);
    memcpy(results->text, incident->words + args->from, results->text_count);
    return WIRE_OK;
}

// ---- the rest ----------------------------------------------------------------------------------
static uint32_t serve_inject(const struct wire_peer *peer, const struct system_inject_args *args)
{
    struct component *component = component_of(args->number);
    if (!may(peer, SYSTEM_INJECT)) {
        return SYSTEM_ERROR_FORBIDDEN;
    }
    if (!component) {
        return SYSTEM_ERROR_NONE_SUCH;
    }
    return component_inject(component, args->instructions) ? WIRE_OK : SYSTEM_ERROR_STATE;
}

static uint32_t serve_power(const struct wire_peer *peer, const struct system_power_args *args)
{
    if (!may(peer, SYSTEM_POWER)) {
        return SYSTEM_ERROR_FORBIDDEN;
    }
    rt_ignore(power_control_off(ROOT_SLOT_POWER_CONTROL, args->status));
    return SYSTEM_ERROR_STATE;  // it is still here: the status is none
}

static const struct system_server handlers = {
    .component = serve_component,
    .control = serve_control,
    .resources = serve_resources,
    .incident = serve_incident,
    .symbol = serve_symbol,
    .words = serve_words,
    .inject = serve_inject,
    .power = serve_power,
};

void request_serve(uint64_t badge, const struct wire_message *request, struct wire_message *answer)
{
    const struct wire_peer peer = { NULL, badge };
    if (!system_serve(&handlers, &peer, request, answer)) {
        wire_refuse(request, WIRE_SERVER, answer);  // no handler answers later
    }
}
