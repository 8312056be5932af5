// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: The Pith authors
//
// What the killing components ask the supervisor (system.h).
#include "system.h"

#include <rt/clock.h>
#include <rt/print.h>
#include <rt/string.h>

#include <gen/rt_stubs.h>

static cap_t supervisor(void)
{
    return component_need(GRANT_CALL, "system")->slot;
}

void machine_end(unsigned status)
{
    rt_print("END %u\n", status);
    (void)system_power(supervisor(), &(struct system_power_args){ (uint8_t)status });
    component_exit(1);
}

void machine_fail(const char *format, ...)
{
    va_list list;
    rt_print("FAIL ");
    va_start(list, format);
    rt_vprint_to(rt_print_sink(), format, list);
    va_end(list);
    rt_print("\n");
    machine_end(MACHINE_FAILED);
}

struct system_component_results system_look(uint16_t number)
{
    struct system_component_results found = {};
    uint32_t code = system_component(supervisor(), &(struct system_component_args){ number },
                                     &found);
    if (code) {
        machine_fail("component %u: %s", number, system_error_text(code));
    }
    return found;
}

uint16_t system_number(const char *name)
{
    for (uint16_t number = 0;; number++) {
        struct system_component_results found = system_look(number);
        if (found.name_count == strlen(name) && memcmp(found.name, name, found.name_count) == 0) {
            return number;
        }
    }
}

bool system_kill(uint16_t number)
{
    uint32_t code = system_control(supervisor(),
                                   &(struct system_control_args){ number, SYSTEM_COMMAND_KILL });
    if (code && code != SYSTEM_ERROR_STATE) {
        machine_fail("kill %u: %s", number, system_error_text(code));
    }
    return code == WIRE_OK;
}

void system_inject_after(uint16_t number, uint64_t instructions)
{
    uint32_t code = system_inject(supervisor(),
                                  &(struct system_inject_args){ number, instructions });
    if (code) {
        machine_fail("inject %u: %s", number, system_error_text(code));
    }
}

static bool incident_of(uint16_t number, uint32_t incident)
{
    struct system_incident_results found;
    uint32_t code = system_incident(supervisor(), &(struct system_incident_args){ incident },
                                    &found);
    return code == WIRE_OK && found.component == number;
}

void system_print_words(uint16_t number)
{
    struct system_resources_results all = {};
    WANT(system_resources(supervisor(), &all) == WIRE_OK);
    uint32_t incident = all.incidents;
    while (incident && !incident_of(number, incident - 1)) {
        incident--;
    }
    struct system_words_results words = { .text_count = 1 };
    for (uint32_t from = 0; incident && words.text_count; from += words.text_count) {
        WANT(system_words(supervisor(), &(struct system_words_args){ incident - 1, (uint16_t)from },
                          &words) == WIRE_OK);
        for (uint32_t i = 0; i < words.text_count; i++) {
            rt_print("%c", words.text[i]);
        }
    }
}

void system_pause(uint64_t nanoseconds)
{
    const struct component_grant *timer = component_need(GRANT_TIMER, "instant");
    uint64_t ticks = rt_ticks(nanoseconds, component_info()->clock_hz);
    WANT(rt_ok(timer_arm(timer->slot, rt_clock() + ticks)));
    WANT(rt_ok(notification_wait(COMPONENT_SLOT_NOTIFICATION).status));
}
