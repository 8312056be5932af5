// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the monitor says of components, and does to them.
#include "monitor.h"

#include <proto/system_client.h>
#include <rt/print.h>
#include <rt/string.h>

#include <svc/log.h>

#define COMPONENTS_MOST    1000u  // a supervisor that lies does not keep the monitor for ever
#define COMPONENTS_SAMPLED 64u
#define PERCENT_TENTH      1000u  // millionths

static uint32_t component_get(unsigned number, struct system_component_results *component)
{
    const struct system_component_args args = { .number = (uint16_t)number };
    return system_component(monitor_servers.system, &args, component);
}

static bool name_is(const struct system_component_results *component, const char *name)
{
    return strlen(name) == component->name_count &&
           memcmp(name, component->name, component->name_count) == 0;
}

static void name_copy(const struct system_component_results *component,
                      char name[SYSTEM_NAME_MAX + 1])
{
    memcpy(name, component->name, component->name_count);
    name[component->name_count] = '\0';
}

void component_name(unsigned number, char name[SYSTEM_NAME_MAX + 1])
{
    struct system_component_results component;
    if (component_get(number, &component) == WIRE_OK) {
        name_copy(&component, name);
    } else {
        (void)rt_format(name, SYSTEM_NAME_MAX + 1, "component %u", number);
    }
}

static bool state_answers(enum system_state state)
{
    return state == SYSTEM_STATE_RUNNING || state == SYSTEM_STATE_WAITING;
}

bool service_answers(const char *name)
{
    struct system_component_results component;
    for (unsigned i = 0; i < COMPONENTS_MOST && component_get(i, &component) == WIRE_OK; i++) {
        if (name_is(&component, name) && !state_answers(component.state)) {
            return false;
        }
    }
    return component_grant(GRANT_CALL, name) != NULL;
}

bool component_find(const char *name, uint16_t *number)
{
    struct system_component_results component;
    uint64_t value;
    bool numeric = number_parse(name, COMPONENTS_MOST, &value);
    for (unsigned i = 0; i < COMPONENTS_MOST && component_get(i, &component) == WIRE_OK; i++) {
        if (name_is(&component, name) || (numeric && value == i)) {
            *number = (uint16_t)i;
            return true;
        }
    }
    out("%s: no such component; `list` shows them\n", name);
    return false;
}

// ---- list --------------------------------------------------------------------------------------

// Time that a component had used at the last list, so that the next one says of the time in
// between.
static struct {
    uint64_t at, used;
} samples[COMPONENTS_SAMPLED];

// Of the CPU since the last list, in millionths.
static uint64_t share_used(unsigned number, uint64_t used, uint64_t now)
{
    uint64_t at = 0, before = 0;
    if (number < COMPONENTS_SAMPLED) {
        at = samples[number].at;
        before = samples[number].used;
        samples[number].at = now;
        samples[number].used = used;
    }
    return used > before && now > at ? (used - before) * 1000 / ((now - at) / 1000 + 1) : 0;
}

static void percent(uint64_t millionths)
{
    out(" %4lu.%lu%%", millionths / PERCENT_TENTH / 10, millionths / PERCENT_TENTH % 10);
}

static void component_print(unsigned number, const struct system_component_results *component,
                            uint64_t now)
{
    char name[SYSTEM_NAME_MAX + 1];
    name_copy(component, name);
    out("%-12s %-8s %3u %6luK %6luK", name, known(system_state_text(component->state)),
        component->priority, component->memory / 1024, component->used / 1024);
    percent(component->share);
    percent(share_used(number, component->time, now));
    out(" ");
    out_seconds(component->time, 10);
    out(" %6u %4lu %s\n", component->deaths, component->generation,
        component->deaths ? known(system_reason_text(component->reason)) : "-");
}

void command_list(const struct command_line *line)
{
    struct system_component_results component;
    struct system_resources_results resources;
    uint32_t code = system_resources(monitor_servers.system, &resources);
    if (code) {
        out_system_error(line->words[0], code);
        return;
    }
    out("%-12s %-8s %3s %7s %7s %6s %6s %10s %6s %4s %s\n", "COMPONENT", "STATE", "PRI", "MEMORY",
        "USED", "BUDGET", "CPU", "TIME", "DEATHS", "GEN", "REASON");
    for (unsigned i = 0; i < COMPONENTS_MOST && !(code = component_get(i, &component)); i++) {
        component_print(i, &component, resources.time);
    }
    if (code && code != SYSTEM_ERROR_NONE_SUCH) {
        out_system_error(line->words[0], code);
    }
}

// ---- power over them ---------------------------------------------------------------------------

static void control(const struct command_line *line, enum system_command command)
{
    struct system_control_args args = { .command = command };
    if (line->count != 2) {
        out("usage: %s component\n", line->words[0]);
        return;
    }
    if (!component_find(line->words[1], &args.number)) {
        return;
    }
    out_flush();
    uint32_t code = system_control(monitor_servers.system, &args);
    if (code == WIRE_OK && service_answers("log")) {
        svc_log(LOG_LEVEL_DEBUG, "%s %s", line->words[0], line->words[1]);
    }
    if (code) {
        out("%s %s: supervisor: %s\n", line->words[0], line->words[1], system_error_text(code));
    }
}

void command_kill(const struct command_line *line)
{
    control(line, SYSTEM_COMMAND_KILL);
}

void command_restart(const struct command_line *line)
{
    control(line, SYSTEM_COMMAND_RESTART);
}

void command_stop(const struct command_line *line)
{
    control(line, SYSTEM_COMMAND_STOP);
}

void command_start(const struct command_line *line)
{
    control(line, SYSTEM_COMMAND_START);
}
